"""Places on the Earth: geodesic distance and azimuths on WGS84, and the arc as travel-time tables mean it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.errors import DetenteError

Float = NDArray[np.float64]

KM_PER_DEG = 6371.0 * np.pi / 180.0
_A, _F = 6378.137, 1 / 298.257223563  # WGS84, km


def check_place(lat: ArrayLike, lon: ArrayLike, *, where: str = "") -> None:
    """Raises DetenteError for latitudes outside -90..90, longitudes outside -180..360, or NaN."""
    for name, value, low, high in (("latitude", lat, -90, 90), ("longitude", lon, -180, 360)):
        v = np.atleast_1d(np.asarray(value, float))
        bad = ~((v >= low) & (v <= high))
        if bad.any():
            raise DetenteError(
                f"{name} {v[bad][0]:g} is off the Earth", where=where, fix=f"write degrees, {low} to {high}"
            )


def distance_azimuth(
    lat1: ArrayLike, lon1: ArrayLike, lat2: ArrayLike, lon2: ArrayLike
) -> tuple[Float, Float, Float]:
    """Distance, azimuth and back-azimuth of the WGS84 geodesic from place 1 to place 2, all in degrees.

    The distance is the geodesic's kilometres divided by 111.195 km (a sphere of 6371 km), the degree of the
    travel-time tables. Azimuth: at 1 towards 2, back-azimuth: at 2 towards 1, clockwise from north, 0 to 360.
    Arguments broadcast. Raises DetenteError for places off the Earth.
    Source: Vincenty 1975, Survey Review 23(176) 88; Karney 2013 (geographiclib) where that does not converge.
    """
    check_place(lat1, lon1)
    check_place(lat2, lon2)
    p = [np.asarray(a, float) for a in (lat1, lon1, lat2, lon2)]
    shape = np.broadcast_shapes(*(a.shape for a in p))
    f1, l1, f2, l2 = (np.broadcast_to(a, shape).ravel() for a in p)
    km, az, baz, done = _vincenty(f1, l1, f2, l2)
    for i in np.flatnonzero(~done):
        km[i], az[i], baz[i] = _karney(f1[i], l1[i], f2[i], l2[i])
    return (km / KM_PER_DEG).reshape(shape), (az % 360).reshape(shape), (baz % 360).reshape(shape)


def _karney(lat1: float, lon1: float, lat2: float, lon2: float) -> tuple[float, float, float]:
    from geographiclib.geodesic import Geodesic

    line = Geodesic.WGS84.Inverse(lat1, lon1, lat2, lon2)
    return line["s12"] / 1000.0, line["azi1"], line["azi2"] + 180.0


def _vincenty(lat1: Float, lon1: Float, lat2: Float, lon2: Float) -> tuple[Float, Float, Float, Any]:
    """Vectorised inverse problem: km, azimuth, back-azimuth, and where the iteration has settled."""
    u1, u2 = (np.arctan((1 - _F) * np.tan(np.radians(b))) for b in (lat1, lat2))
    step = np.radians((lon2 - lon1 + 180.0) % 360.0 - 180.0)
    s1, c1, s2, c2 = np.sin(u1), np.cos(u1), np.sin(u2), np.cos(u2)
    lam = step.copy()
    done = np.zeros(lam.shape, bool)
    for _ in range(30):
        x, y = c1 * s2 - s1 * c2 * np.cos(lam), c2 * np.sin(lam)
        sin_s, cos_s = np.hypot(x, y), s1 * s2 + c1 * c2 * np.cos(lam)
        sigma = np.arctan2(sin_s, cos_s)
        sin_a = np.divide(c1 * c2 * np.sin(lam), sin_s, out=np.zeros_like(lam), where=sin_s > 0)
        cos2_a = 1 - sin_a**2
        mid = cos_s - np.divide(2 * s1 * s2, cos2_a, out=cos_s.copy(), where=cos2_a > 1e-15)
        mid = np.where(cos2_a > 1e-15, mid, 0.0)
        c = _F / 16 * cos2_a * (4 + _F * (4 - 3 * cos2_a))
        new = step + (1 - c) * _F * sin_a * (sigma + c * sin_s * (mid + c * cos_s * (2 * mid**2 - 1)))
        done = np.abs(new - lam) < 1e-12
        lam = new
        if done.all():
            break
    done &= np.abs(lam) <= np.pi
    b = _A * (1 - _F)
    k = cos2_a * (_A**2 - b**2) / b**2
    a_ = 1 + k / 16384 * (4096 + k * (-768 + k * (320 - 175 * k)))
    b_ = k / 1024 * (256 + k * (-128 + k * (74 - 47 * k)))
    correction = (
        b_
        * sin_s
        * (mid + b_ / 4 * (cos_s * (2 * mid**2 - 1) - b_ / 6 * mid * (4 * sin_s**2 - 3) * (4 * mid**2 - 3)))
    )
    az = np.degrees(np.arctan2(c2 * np.sin(lam), c1 * s2 - s1 * c2 * np.cos(lam)))
    baz = np.degrees(np.arctan2(c1 * np.sin(lam), c1 * s2 * np.cos(lam) - s1 * c2)) + 180.0
    return b * a_ * (sigma - correction), az, baz, done


def unit_vectors(lat: ArrayLike, lon: ArrayLike) -> Float:
    """Geocentric unit vectors (n, 3) of geographic places, for arcs over whole grids.

    The arc between two of them is the geocentric angle, within 0.3 % of the geodesic's.
    """
    latitude = np.arctan((1 - _F) ** 2 * np.tan(np.radians(np.asarray(lat, float))))
    longitude = np.radians(np.asarray(lon, float))
    c = np.cos(latitude)
    return np.stack([c * np.cos(longitude), c * np.sin(longitude), np.sin(latitude)], axis=-1)
