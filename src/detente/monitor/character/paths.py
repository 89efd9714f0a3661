"""What lies between an event and a station: distance, azimuths, Lg attenuation on the way, and sea."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Origin
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array
from detente.sources import Quality
from detente.tables import read_table

Float = NDArray[np.float64]

_COLUMNS = (
    *("region", "lat_min", "lat_max", "lon_min", "lon_max", "q0", "eta", "q0_spread", "source", "quality"),
)


class LgQ(msgspec.Struct, frozen=True):
    """Q(f) = q0 f^eta of Lg; `spread`: factor either way; the region's name, source and quality."""

    region: str
    q0: float
    eta: float
    spread: float
    source: str
    quality: Quality


class Path(msgspec.Struct, frozen=True):
    """From the origin to a station: degrees, km, azimuth at the event, back-azimuth at the station.

    `p_s`, `s_s`: travel times of the first P and the first S in s; `sea`: share of the path under the sea.
    """

    station: str
    distance_deg: float
    distance_km: float
    azimuth_deg: float
    backazimuth_deg: float
    p_s: float
    s_s: float
    sea: float
    q: LgQ


@lru_cache(maxsize=1)
def _regions() -> tuple[tuple[tuple[float, float, float, float], LgQ], ...]:
    found = []
    for row in read_table(files("detente.monitor") / "data" / "lg_q.csv", _COLUMNS):
        box = tuple(float(row[c]) for c in ("lat_min", "lat_max", "lon_min", "lon_max"))
        q = LgQ(
            row["region"],
            float(row["q0"]),
            float(row["eta"]),
            float(row["q0_spread"]),
            row["source"],
            Quality(row["quality"]),
        )
        found.append(((box[0], box[1], box[2], box[3]), q))
    return tuple(found)


def lg_q(lat: float, lon: float) -> LgQ:
    """Lg attenuation about a place (degrees): the last region of ``data/lg_q.csv`` that holds it."""
    inside = [q for (s, n, w, e), q in _regions() if s <= lat <= n and w <= lon <= e]
    return inside[-1]


def first(times: TravelTimes, phases: tuple[str, ...], distance_deg: float, depth_km: float) -> float:
    """Seconds to the earliest of `phases`; NaN where none arrives."""
    known = [float(times.time(p, distance_deg, depth_km)) for p in phases]
    return min((t for t in known if np.isfinite(t)), default=float("nan"))


def path(origin: Origin, station: Array, *, times: TravelTimes | None = None) -> Path:
    """The path from an origin to a station, by the origin's Earth model (ak135 if that has no tables)."""
    model = times or TravelTimes("iasp91" if origin.model == "iasp91" else "ak135")
    degrees, azimuth, back = (
        float(v) for v in distance_azimuth(origin.lat, origin.lon, station.lat, station.lon)
    )
    depth = min(max(origin.depth_km, 0.0), 700.0)
    lats, lons = _along(origin.lat, origin.lon, azimuth, degrees)
    return Path(
        station.code,
        degrees,
        degrees * KM_PER_DEG,
        azimuth,
        back,
        first(model, ("P", "Pn", "Pg"), degrees, depth),
        first(model, ("S", "Sn", "Sg"), degrees, depth),
        _sea(lats, lons),
        lg_q(float(lats[len(lats) // 2]), float(lons[len(lons) // 2])),
    )


def _along(lat: float, lon: float, azimuth: float, degrees: float) -> tuple[Float, Float]:
    """Places on the great circle of a sphere, for maps only: 41 of them, ends included."""
    a, f, l0 = np.radians(azimuth), np.radians(lat), np.radians(lon)
    d = np.radians(np.linspace(0, degrees, 41))
    y = np.arcsin(np.clip(np.sin(f) * np.cos(d) + np.cos(f) * np.sin(d) * np.cos(a), -1, 1))
    x = l0 + np.arctan2(np.sin(a) * np.sin(d) * np.cos(f), np.cos(d) - np.sin(f) * np.sin(y))
    return np.degrees(y), (np.degrees(x) + 180) % 360 - 180


def _sea(lats: Float, lons: Float) -> float:
    from detente.monitor.coast import on_land

    return float(1 - np.mean(on_land(lats, lons)))
