"""Location of a signal seen by one array: P, S and back-azimuth to a posterior of place and origin time."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError
from detente.monitor.event import Area, Event, PathErrors, Signal
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.traveltime import TravelTimes

Array = npt.NDArray[np.float64]
_A, _F = 6378.137, 1 / 298.257223563  # WGS84, km
DISTANCES_DEG = np.arange(0.5, 30.0, 0.01)


class Ellipse(msgspec.Struct, frozen=True):
    """The ellipse that holds `level` of a Gaussian with the draws' covariance: degrees, km."""

    lat: float
    lon: float
    major_km: float
    minor_km: float
    azimuth_deg: float
    level: float

    @property
    def area_km2(self) -> float:
        return float(np.pi * self.major_km * self.minor_km)


class Location(msgspec.Struct, frozen=True, eq=False):
    """Draws of one signal's source: degrees, seconds after the event's zero. `model`: with which errors."""

    signal: str
    model: str
    lat: Array
    lon: Array
    origin_s: Array
    distance_deg: Array
    seed: int

    @property
    def median(self) -> tuple[float, float, float]:
        """Median latitude, longitude (degrees), origin time (s after zero)."""
        lat, lon, origin = (float(np.median(v)) for v in (self.lat, self.lon, self.origin_s))
        return lat, lon, origin

    def inside(self, area: Area) -> float:
        """P(the source lies within the area), prior flat in distance and azimuth."""
        return float(np.mean(self._km_from(area) <= area.radius_km))

    def distance_km(self, area: Area) -> tuple[float, float, float]:
        """5, 50, 95 % of the distance to the area's centre, km."""
        low, mid, high = np.quantile(self._km_from(area), (0.05, 0.5, 0.95))
        return float(low), float(mid), float(high)

    def _km_from(self, area: Area) -> Array:
        x, y = local_km(self.lat, self.lon, area.lat, area.lon)
        return np.hypot(x, y)

    def ellipse(self, level: float = 0.9) -> Ellipse:
        """The covariance ellipse about the medians that a Gaussian would fill with `level`."""
        lat, lon, _ = self.median
        x, y = local_km(self.lat, self.lon, lat, lon)
        values, vectors = np.linalg.eigh(np.cov(x, y))
        scale = np.sqrt(-2 * np.log(1 - level))
        minor, major = scale * np.sqrt(values)
        azimuth = np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180
        return Ellipse(lat, lon, float(major), float(minor), float(azimuth), level)


def local_km(lat: Any, lon: Any, lat0: float, lon0: float) -> tuple[Array, Array]:
    """East and north of (lat0, lon0) in km, on the WGS84 ellipsoid's local radii; good within 300 km."""
    middle = np.radians((np.asarray(lat, float) + lat0) / 2)
    e2 = _F * (2 - _F)
    w = 1 - e2 * np.sin(middle) ** 2
    north = np.radians(np.asarray(lat, float) - lat0) * _A * (1 - e2) / w**1.5
    east = np.radians((np.asarray(lon, float) - lon0 + 180) % 360 - 180) * _A * np.cos(middle) / np.sqrt(w)
    return east, north


def destination(lat: float, lon: float, azimuth_deg: Any, distance_deg: Any) -> tuple[Array, Array]:
    """Place reached from (lat, lon) along a WGS84 geodesic: degrees; a degree of distance is 111.195 km.

    Vincenty 1975, Survey Review 23(176) 88, direct problem.
    """
    s = np.asarray(distance_deg, float) * KM_PER_DEG
    a1 = np.radians(np.asarray(azimuth_deg, float))
    tan_u = (1 - _F) * np.tan(np.radians(lat))
    cos_u = 1 / np.sqrt(1 + tan_u**2)
    sin_u = tan_u * cos_u
    sigma1 = np.arctan2(tan_u, np.cos(a1))
    sin_a = cos_u * np.sin(a1)
    cos2_a = 1 - sin_a**2
    b = _A * (1 - _F)
    u2 = cos2_a * (_A**2 - b**2) / b**2
    big_a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    big_b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    sigma = s / (b * big_a)
    for _ in range(6):  # converges to a millimetre in three on any terrestrial distance
        m = np.cos(2 * sigma1 + sigma)
        inner = np.cos(sigma) * (2 * m**2 - 1) - big_b / 6 * m * (4 * np.sin(sigma) ** 2 - 3) * (4 * m**2 - 3)
        sigma = s / (b * big_a) + big_b * np.sin(sigma) * (m + big_b / 4 * inner)
    sin_s, cos_s = np.sin(sigma), np.cos(sigma)
    lat2 = np.arctan2(
        sin_u * cos_s + cos_u * sin_s * np.cos(a1),
        (1 - _F) * np.hypot(sin_a, sin_u * sin_s - cos_u * cos_s * np.cos(a1)),
    )
    lam = np.arctan2(sin_s * np.sin(a1), cos_u * cos_s - sin_u * sin_s * np.cos(a1))
    c = _F / 16 * cos2_a * (4 + _F * (4 - 3 * cos2_a))
    m = np.cos(2 * sigma1 + sigma)
    step = lam - (1 - c) * _F * sin_a * (sigma + c * sin_s * (m + c * cos_s * (2 * m**2 - 1)))
    return np.degrees(lat2), (lon + np.degrees(step) + 180) % 360 - 180


def times(phase: str, model: str) -> Array:
    """Travel time of `phase` at the surface on DISTANCES_DEG, s; NaN where it does not arrive."""
    return np.asarray(TravelTimes(model).time(phase, DISTANCES_DEG, 0.0), float)


def path_draws(path: PathErrors | None, rng: np.random.Generator, n: int) -> tuple[Array, Array, Array]:
    """Errors of P time, S time (s) and back-azimuth (degrees) that one path shares; zeros without a model."""
    if path is None:
        return np.zeros(n), np.zeros(n), np.zeros(n)
    p, q = rng.normal(size=(2, n))
    s = path.correlation * p + np.sqrt(1 - path.correlation**2) * q
    azimuth = rng.normal(path.back_azimuth_mean_deg, path.back_azimuth_sd_deg, n)
    return path.p_mean_s + path.p_sd_s * p, path.s_mean_s + path.s_sd_s * s, azimuth


def locate(
    event: Event,
    signal: Signal,
    *,
    draws: int = 100_000,
    seed: int = 1,
    path: PathErrors | None = None,
    model: str = "ak135",
) -> Location:
    """Posterior place and origin time of one signal read as P and S, depth zero; `path` None: no model error.

    Flat prior in distance and azimuth. Raises DetenteError where S-P fits no distance of the tables.
    """
    rng = np.random.default_rng([seed, sum(map(ord, signal.id))])
    error_rng = np.random.default_rng(seed)  # the same path errors for every signal of the event
    dp, ds, da = path_draws(path, error_rng, draws)
    if path is not None:
        dp, ds = (d + rng.normal(size=draws) * path.scatter_s for d in (dp, ds))
    p = signal.p.draw(rng.random(draws), event.zero) - dp
    s = signal.s.draw(rng.random(draws), event.zero) - ds
    azimuth = signal.back_azimuth.draw(rng.random(draws)) - da
    tp, ts = times("P", model), times("S", model)
    gap = ts - tp
    if not np.all(np.diff(gap) > 0):
        raise DetenteError("S-P does not grow with distance in the tables", where=model)
    if np.median(s - p) < gap[0] or np.median(s - p) > gap[-1]:
        raise DetenteError(f"S-P of {np.median(s - p):.1f} s fits no distance", where=f"signal {signal.id}",
                           fix=f"{gap[0]:.1f} to {gap[-1]:.1f} s are regional")  # fmt: skip
    distance = np.interp(s - p, gap, DISTANCES_DEG)
    lat, lon = destination(event.station.lat, event.station.lon, azimuth, distance)
    origin = p - np.interp(distance, DISTANCES_DEG, tp)
    kind = "with path errors" if path else "no path correction"
    return Location(signal.id, f"{model}, {kind}", lat, lon, origin, distance, seed)


def area_geometry(event: Event, area: Area) -> tuple[float, float]:
    """Distance (km) and back-azimuth (degrees) of an area's centre from the station."""
    d, azimuth, _ = distance_azimuth(event.station.lat, event.station.lon, area.lat, area.lon)
    return float(d) * KM_PER_DEG, float(azimuth)
