"""A made recording: noise, a P train and an S train of known size at stations about an origin."""

from __future__ import annotations

import numpy as np

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.character.paths import path
from detente.monitor.event_location import destination
from detente.monitor.waves.response import Response, Responses, flat
from detente.monitor.waves.trace import NS, Array, Recording, Site, Trace

TIME = 1_500_000_000.0
LAT, LON = 50.0, 78.0  # far from any sea


def stations(places: list[tuple[float, float]]) -> dict[str, Array]:
    """Single sites S0, S1, ... at (azimuth in degrees, distance in degrees) from the origin."""
    found = {}
    for i, (azimuth, degrees) in enumerate(places):
        lat, lon = (float(np.ravel(v)[0]) for v in destination(LAT, LON, azimuth, degrees))
        found[f"S{i}"] = Array(f"S{i}", (Site(f"S{i}", lat, lon),))
    return found


def event(arrays: dict[str, Array], **changes: object) -> Event:
    """An event at the origin with a P picked on time at every station."""
    origin = Origin(id="o", time=TIME, lat=LAT, lon=LON, time_sd=0.5, **changes)  # type: ignore[arg-type]
    used = []
    for code, array in arrays.items():
        way = path(origin, array)
        used.append(
            Used(
                arrival=f"{code}-P", station=code, phase="P", distance_deg=way.distance_deg,
                azimuth_deg=way.azimuth_deg, time_residual_s=0.0,
            )
        )  # fmt: skip
    return Event(
        id="e",
        origins=(Origin(id="o", time=TIME, lat=LAT, lon=LON, time_sd=0.5, used=tuple(used), **changes),),
    )  # type: ignore[arg-type]


def arrivals(found: Event) -> tuple[Arrival, ...]:
    """The arrivals that the event names, at their times."""
    return tuple(
        Arrival(id=u.arrival, station=u.station, time=found.origin.time, time_sd=0.1)
        for u in found.origin.used
    )


def recording(
    found: Event,
    arrays: dict[str, Array],
    *,
    p: float = 100.0,
    s: float = 50.0,
    noise: float = 1.0,
    rate: float = 40.0,
    seed: int = 1,
    components: str = "Z",
) -> Recording:
    """White trains of rms `p` from P and `s` from S (nm), on noise, 120 s before P to 3 km/s and beyond."""
    rng = np.random.default_rng(seed)
    traces = []
    for code, array in arrays.items():
        way = path(found.origin, array)
        start = found.origin.time + way.p_s - 120
        n = int((240 + way.distance_km / 2.5) * rate)
        t = start - found.origin.time + np.arange(n) / rate
        size = np.where(t >= way.p_s, p, 0.0)
        size = np.where(t >= way.s_s - 2, s, size)
        size = np.where(t > way.distance_km / 2.9, 0.0, size)
        for c in components:
            x = rng.normal(size=n) * size + rng.normal(size=n) * noise
            traces.append(Trace("XX", code, "", f"BH{c}", round(start * NS), rate, x.astype(np.float32)))
    return Recording(tuple(traces))


def instruments(arrays: dict[str, Array], components: str = "Z") -> Responses:
    """One nm a count at every frequency."""
    held: dict[str, tuple[Response, ...]] = {
        f"XX.{code}..BH{c}": (flat(f"XX.{code}..BH{c}", 1.0, to="displacement"),)
        for code in arrays
        for c in components
    }
    return Responses(held)
