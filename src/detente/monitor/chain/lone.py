"""Events that one station alone saw: strong signals left over, with what honesty allows to be said of a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.chain.evidence import DIRECTION_DEG
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array

CODA_S: Final = 240.0
"""A signal this soon after a stronger one at the same station is taken as its later phase."""
EARLY_S: Final = 15.0
SLOWEST_KM_S: Final = 2.5
TELESEISMIC_S_KM: Final = (0.040, 0.083)
ARRAY_SD_S_KM: Final = 0.004  # how far an array's slowness may be off by the ground beneath it
UNKNOWN_KM: Final = 2000.0
_S_AFTER_S: Final = (3.0, 200.0)
_AZIMUTH_SD: Final = 20.0


def lone_events(
    arrivals: Sequence[Arrival],
    events: Sequence[Event],
    arrays: Mapping[str, Array],
    *,
    least_snr: float,
) -> list[Event]:
    """An event for each strong signal that no other event explains.

    A teleseismic slowness at an array gives the distance, else a later S of the same station; with a back-azimuth
    the place is the point there;
    with S alone a ring about the station, told as an ellipse of that radius; with neither, the whole region
    that such a signal can come from. All are marked; none pretends to more.
    """
    taken = {u.arrival for e in events for u in e.origin.used}
    spans = [explained(e.origin, arrays) for e in events]
    found: list[Event] = []
    last: dict[str, float] = {}
    for a in sorted(arrivals, key=lambda a: a.time):
        if a.id in taken or (a.snr or 0.0) < least_snr or a.station not in arrays:
            continue
        own = a.time - last.get(a.station, -1e12) < CODA_S
        if own or any(s[a.station][0] <= a.time <= s[a.station][1] for s in spans):
            continue
        last[a.station] = a.time
        found.append(_event(a, arrivals, arrays[a.station]))
    return found


def explained(origin: Origin, arrays: Mapping[str, Array]) -> dict[str, tuple[float, float]]:
    """By station from when to when, s UTC, an arrival could be any phase of an event or lie in its coda."""
    codes = list(arrays)
    lats, lons = (np.array([getattr(arrays[c], k) for c in codes]) for k in ("lat", "lon"))
    degrees = np.atleast_1d(np.asarray(distance_azimuth(origin.lat, origin.lon, lats, lons)[0], dtype=float))
    model, first = TravelTimes(), np.full(degrees.size, np.nan)
    for phase in ("P", "Pn", "Pg"):
        first = np.fmin(first, model.time(phase, degrees, 0.0))
    first = np.where(np.isnan(first) | (degrees <= 0), 0.0, first)
    last = degrees * KM_PER_DEG / SLOWEST_KM_S + CODA_S
    return {
        c: (origin.time + float(a) - EARLY_S, origin.time + float(b))
        for c, a, b in zip(codes, first, last, strict=True)
    }


def _event(first: Arrival, arrivals: Sequence[Arrival], station: Array) -> Event:
    later = [
        a
        for a in arrivals
        if a.station == first.station and a.phase in ("S", "Sn", "Sg", "Lg")
        and _S_AFTER_S[0] < a.time - first.time < _S_AFTER_S[1]
    ]  # fmt: skip
    azimuth = first.backazimuth_deg
    far = _by_slowness(first, station)
    distance = far[0] if far else _distance(later[0].time - first.time) if later else None
    lat, lon, along, across, how = _place(station, distance, azimuth, first.backazimuth_sd_deg)
    if far and azimuth is not None:
        along, how = 2.1 * far[1] * KM_PER_DEG, "the array's slowness and back-azimuth"
    towards = float(distance_azimuth(lat, lon, station.lat, station.lon)[1]) if distance else 0.0
    travel = _p_time(distance or 0.0)
    why: dict[str, float | str] = {"snr": first.snr or 0.0}
    if distance is not None:
        why["distance_deg"] = distance
    origin = Origin(
        id=f"lone-{first.id}",
        time=first.time - travel,
        lat=lat,
        lon=lon,
        time_sd=max(1.0, 0.1 * travel) if distance is not None else 300.0,
        semi_major_km=max(along, across),
        semi_minor_km=min(along, across),
        strike_deg=(towards if along >= across else towards + 90.0) % 180,
        used=(
            Used(
                arrival=first.id,
                station=first.station,
                phase="P",
                distance_deg=distance or 0.0,
                azimuth_deg=((azimuth or 0.0) + 180) % 360,
                time_residual_s=0.0,
            ),
        ),
        method=f"one station: {how}",
        why=why,
    )
    return Event(id=f"event-{first.station}-{first.time:.0f}", origins=(origin,))


def _place(
    station: Array, distance: float | None, azimuth: float | None, azimuth_sd: float | None
) -> tuple[float, float, float, float, str]:
    """Latitude, longitude, degrees; what 90 % lie within along the path and across it, km; how they were found."""
    if distance is None:
        return station.lat, station.lon, UNKNOWN_KM, UNKNOWN_KM, "no S, no distance: anywhere about it"
    km = distance * KM_PER_DEG
    if azimuth is None:
        return station.lat, station.lon, 1.2 * km, 1.2 * km, f"{km:.0f} km by S - P, no direction"
    f, d, a = np.radians(station.lat), np.radians(distance), np.radians(azimuth)
    y = np.arcsin(np.sin(f) * np.cos(d) + np.cos(f) * np.sin(d) * np.cos(a))
    x = np.radians(station.lon) + np.arctan2(
        np.sin(a) * np.sin(d) * np.cos(f), np.cos(d) - np.sin(f) * np.sin(y)
    )
    sd = azimuth_sd or _AZIMUTH_SD
    if len(station.sites) < 3:
        sd = float(np.hypot(sd, DIRECTION_DEG))
    lat, lon = float(np.degrees(y)), float((np.degrees(x) + 180) % 360 - 180)
    turn = 2.1 * float(np.radians(sd))
    bow = km * (1 - np.cos(min(turn, np.pi)))  # those places lie on an arc about the station
    return lat, lon, float(0.15 * km + 10 + bow), km * turn, "S - P distance and back-azimuth"


def _by_slowness(first: Arrival, station: Array) -> tuple[float, float] | None:
    """Degrees from the slowness of a teleseismic P at an array, and their error; None for another slowness."""
    slow = first.slowness_s_km
    if len(station.sites) < 3 or slow is None or not TELESEISMIC_S_KM[0] <= slow <= TELESEISMIC_S_KM[1]:
        return None
    grid = np.arange(25.0, 98.0, 0.5)
    time = TravelTimes().time("P", grid, 0.0)
    slowness = np.gradient(time, grid) / KM_PER_DEG
    sd = float(np.hypot(first.slowness_sd_s_km or 0.01, ARRAY_SD_S_KM))
    like = np.exp(-0.5 * ((slowness - slow) / sd) ** 2)
    mean = float(np.sum(like * grid) / like.sum())
    return mean, float(np.sqrt(np.sum(like * (grid - mean) ** 2) / like.sum()))


def _distance(s_minus_p: float) -> float | None:
    """Degrees at which S (or Lg) follows the first P by this much, by ak135 at the surface."""
    grid = np.arange(0.2, 25.0, 0.05)
    model = TravelTimes()
    p = np.fmin(model.time("P", grid, 0.0), model.time("Pn", grid, 0.0))
    s = np.fmin(model.time("S", grid, 0.0), model.time("Sn", grid, 0.0))
    gap = s - p
    known = np.isfinite(gap)
    if not known.any() or not gap[known].min() <= s_minus_p <= gap[known].max():
        return None
    return float(grid[known][int(np.argmin(np.abs(gap[known] - s_minus_p)))])


def _p_time(distance: float) -> float:
    if distance <= 0:
        return 0.0
    model = TravelTimes()
    t = [float(model.time(p, distance, 0.0)) for p in ("P", "Pn", "Pg")]
    return min((v for v in t if np.isfinite(v)), default=0.0)
