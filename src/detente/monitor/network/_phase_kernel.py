"""The inner loops of prediction: arcs and azimuths between unit vectors, times with ellipticity, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor._traveltime_kernel import _one

DEG = 180.0 / math.pi
KM = 6371.0 * math.pi / 180.0  # kilometres in a degree
# Where a named phase does not arrive, the one an analyst would mean: P beyond its shadow is PKP, Pn is P ...
FALL = np.array([1, -1, 0, -1, -1, 4, 7, -1, -1, -1, -1, -1, 1, 1, -1, -1, -1])


@numba.njit(inline="always")
def basis(lat: float, lon: float) -> Any:
    """Unit vectors up, east and north (nine numbers) at a geocentric latitude and longitude in radians."""
    sf, cf, sl, cl = math.sin(lat), math.cos(lat), math.sin(lon), math.cos(lon)
    return cf * cl, cf * sl, sf, -sl, cl, 0.0, -sf * cl, -sf * sl, cf


@numba.njit(cache=True, nogil=True)
def beyond(b: Any, east_km: float, north_km: float) -> Any:
    """Latitude and longitude in radians of a place so far along the great circle from a basis, over poles too."""
    d = math.sqrt(east_km * east_km + north_km * north_km)
    if d == 0.0:
        d = 1e-9
    up, out = math.cos(d / 6371.0), math.sin(d / 6371.0) / d
    e, n = out * east_km, out * north_km
    x = up * b[0] + e * b[3] + n * b[6]
    y = up * b[1] + e * b[4] + n * b[7]
    z = up * b[2] + n * b[8]
    return math.asin(min(1.0, max(-1.0, z))), math.atan2(y, x)


def aside(b: Any, lat: float, lon: float) -> tuple[float, float]:
    """Kilometres east and north of a basis, along the great circle, of a place in radians: what `beyond` undoes."""
    c = basis(lat, lon)[:3]
    up = sum(x * y for x, y in zip(c, b[:3], strict=True))
    e = sum(x * y for x, y in zip(c, b[3:6], strict=True))
    n = sum(x * y for x, y in zip(c, b[6:], strict=True))
    out = math.hypot(e, n)
    scale = 6371.0 * math.atan2(out, up) / out if out > 0.0 else 0.0
    return scale * e, scale * n


@numba.njit(inline="always")
def arc(b: Any, place: Any) -> Any:
    """Distance in degrees, and the azimuth from the source (basis b) to `place` (3,), radians."""
    dx, dy, dz = place[0] - b[0], place[1] - b[1], place[2] - b[2]
    chord = math.sqrt(dx * dx + dy * dy + dz * dz)
    degrees = 2.0 * math.asin(min(1.0, 0.5 * chord)) * DEG
    east = place[0] * b[3] + place[1] * b[4]
    north = place[0] * b[6] + place[1] * b[7] + place[2] * b[8]
    return degrees, math.atan2(east, north)


@numba.njit(inline="always")
def backazimuth(b: Any, frame: Any) -> float:
    """Direction in degrees from a station with `frame` (6: its east and north vectors) to the source."""
    east = b[0] * frame[0] + b[1] * frame[1] + b[2] * frame[2]
    north = b[0] * frame[3] + b[1] * frame[4] + b[2] * frame[5]
    return (math.atan2(east, north) * DEG) % 360.0


@numba.njit(inline="always")
def elliptic(table: Any, x: float, z: float, lat: float, azimuth: float) -> float:
    """Seconds that the Earth's flattening adds; Kennett and Gudmundsson 1996, equations 22 to 26.

    `table` (3, 37, 6): tau by distance (5 degrees) and depth (0, 100, 200, 300, 500, 700 km).
    """
    i = min(int(x * 0.2), 35)
    u = x * 0.2 - i
    if z < 300.0:
        j = int(z * 0.01)
        v = z * 0.01 - j
    else:
        a = min(1.999, (z - 300.0) * 0.005)
        j = int(a)
        v = a - j
        j += 3
    total = 0.0
    colat = 0.5 * math.pi - lat
    s, c2, s2 = math.sin(colat), math.cos(2.0 * colat), math.sin(2.0 * colat)
    for m in range(3):
        t = table[m]
        tau = (1 - u) * ((1 - v) * t[i, j] + v * t[i, j + 1]) + u * (
            (1 - v) * t[i + 1, j] + v * t[i + 1, j + 1]
        )
        if m == 0:
            total += 0.25 * (1.0 + 3.0 * c2) * tau
        elif m == 1:
            total += 0.8660254037844386 * s2 * math.cos(azimuth) * tau
        else:
            total += 0.8660254037844386 * s * s * math.cos(2.0 * azimuth) * tau
    return total


@numba.njit(inline="always")
def spherical(table: Any, x: float, z: float) -> float:
    """The tabled time in seconds; NaN where the phase does not arrive."""
    return float(_one(table, x, z))


@numba.njit(inline="always")
def meant(times: Any, f: int, x: float, z: float) -> int:
    """The phase `f`, or what it is called at this distance; -1 where nothing arrives."""
    while f >= 0 and math.isnan(_one(times[f], x, z)):
        f = FALL[f]
    return f


@numba.njit(inline="always")
def ray_parameter(table: Any, x: float, z: float) -> float:
    """dT/d distance in s/km, over a tenth of a degree."""
    low, high = max(0.0, x - 0.05), min(180.0, x + 0.05)
    t0, t1 = _one(table, low, z), _one(table, high, z)
    if t0 != t0:
        low, t0 = x, _one(table, x, z)
    if t1 != t1:
        high, t1 = x, _one(table, x, z)
    if high <= low:
        return math.nan
    return float((t1 - t0) / ((high - low) * KM))


@numba.njit(inline="always")
def over_height(elevation_km: float, p: float, shear: bool) -> float:
    """Seconds from the ellipsoid up to a station: ak135's upper crust, 5.8 and 3.46 km/s."""
    slow = 1.0 / 3.46 if shear else 1.0 / 5.8
    return elevation_km * math.sqrt(max(0.0, slow * slow - p * p))


@numba.njit(inline="always")
def model_error(table: Any, x: float, z: float) -> float:
    """Standard error of the model's time in s; `table` (2, 721): depth 0 and 200 km, 0.25 degrees."""
    i = min(int(x * 4.0), 719)
    u = x * 4.0 - i
    v = min(1.0, z / 200.0)
    top = (1 - u) * table[0, i] + u * table[0, i + 1]
    deep = (1 - u) * table[1, i] + u * table[1, i + 1]
    return float((1 - v) * top + v * deep)


@numba.njit(inline="always")
def own_error(given: float, table: Any, x: float, z: float) -> float:
    """The error of a calibrated path, or else the model's."""
    return model_error(table, x, z) if math.isnan(given) else given


@numba.njit(inline="always")
def wrap(degrees: float) -> float:
    """An angle as -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0


@numba.njit(cache=True, nogil=True)
def predict(
    lat: float,
    lon: float,
    z: float,
    phase: Any,
    station: Any,
    times: Any,
    flattening: Any,
    places: Any,
    frames: Any,
    elevation: Any,
    shear: Any,
    out: Any,
) -> None:
    """Fill out (n, 5): travel time, ray parameter s/km, back-azimuth deg, distance deg, azimuth rad.

    `lat`, `lon` geocentric, radians; `phase`, `station` (n,) indices into the tables and places. Time and ray
    parameter are NaN where nothing of that name arrives.
    """
    b = basis(lat, lon)
    for k in range(phase.size):
        s = station[k]
        x, azimuth = arc(b, places[s])
        out[k, 2] = backazimuth(b, frames[s])
        out[k, 3] = x
        out[k, 4] = azimuth
        f = meant(times, phase[k], x, z)
        if f < 0:
            out[k, 0] = math.nan
            out[k, 1] = math.nan
            continue
        p = ray_parameter(times[f], x, z)
        t = spherical(times[f], x, z)
        t += elliptic(flattening[f], x, z, lat, azimuth)
        t += over_height(elevation[s], p, shear[f])
        out[k, 0] = t
        out[k, 1] = p


@numba.njit(cache=True, nogil=True)
def errors(phase: Any, distance: Any, z: float, table: Any, out: Any) -> None:
    """Model errors in s at distances in degrees."""
    for k in range(phase.size):
        out[k] = model_error(table[phase[k]], distance[k], z)


def frame_of(lat: Any, lon: Any) -> Any:
    """(n, 3) places and (n, 6) east and north vectors of geocentric latitudes and longitudes in radians."""
    lat, lon = np.atleast_1d(np.asarray(lat, float)), np.atleast_1d(np.asarray(lon, float))
    sf, cf, sl, cl = np.sin(lat), np.cos(lat), np.sin(lon), np.cos(lon)
    place = np.column_stack([cf * cl, cf * sl, sf])
    return place, np.column_stack([-sl, cl, np.zeros_like(sl), -sf * cl, -sf * sl, cf])
