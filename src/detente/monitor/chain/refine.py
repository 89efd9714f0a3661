"""Relocation by the first arrivals that agree: one mistaken pick or place must not drag an event along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network.locate import Settings as Locate
from detente.monitor.network.locate import locate
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array

Float = NDArray[np.float64]

FIRST: Final = ("P", "Pn", "Pg", "Pb")
MODEL_S: Final = 1.2  # what ak135 may miss by at regional distances, besides the pick
KEEP: Final = 3.0  # spreads a first arrival may lie from the robust fit
LATE_S: Final = 20.0
"""A pick errs by this over its signal-to-noise ratio, s: 1.2 s at 16, 0.3 s at 70, as the Norwegian network's first
arrivals from 32 tests scatter about ak135 (see docs/characterisation.md); a weak onset is seen late."""
BEFORE_S: Final = 12.0
STRONG_SNR: Final = 5.0
LATEST_S: Final = 5.0
ENOUGH: Final = 4  # with so many times, directions of single sensors (10 to 20 degrees) add nothing but harm
_STEPS_KM: Final = (20.0, 8.0, 3.0, 1.0)


def refine(
    event: Event, arrivals: Mapping[str, Arrival], arrays: Mapping[str, Array], settings: Locate
) -> Event:
    """The event with a new preferred origin from its first arrivals that agree; the associator's stays behind it.

    A robust fit (Student residuals, no correlation between stations, surface source) from the associator's place
    tells which first arrivals agree with each other; those alone define the new origin, at the depth that the
    locator finds or fixes. Later phases stay with the event, not defining. An event with fewer than three first
    arrivals that agree is left as it was.
    """
    firsts = _firsts(event.origin, arrivals)
    if len(firsts) < 3:
        return event
    place = robust(firsts, arrays, event.origin)
    firsts = _recruit(firsts, arrivals, arrays, place)
    place = robust(firsts, arrays, msgspec.structs.replace(event.origin, lat=place[0], lon=place[1]))
    rest = residuals(firsts, arrays, place)
    agree = [
        a for a, r in zip(firsts, rest, strict=True) if abs(r) <= KEEP * float(np.hypot(a.time_sd, MODEL_S))
    ]
    if len(agree) < 3:
        return event
    times_only = len(agree) >= ENOUGH
    defining = [_plain(a) if times_only and len(arrays[a.station].sites) < 3 else a for a in agree]
    start = msgspec.structs.replace(event.origin, lat=place[0], lon=place[1], time=place[2], depth_km=0.0)
    try:
        origin = locate(defining, arrays, settings=settings, start=start, missed=event.origin.missed,
                        origin_id=f"{event.origin.id}-refined")  # fmt: skip
    except DetenteError:
        return event
    used = {u.arrival: u for u in origin.used}
    others = tuple(
        _after(u, origin, arrays) for u in event.origin.used if u.arrival not in used and u.station in arrays
    )
    why: dict[str, float | str] = {
        **origin.why, "first_arrivals": float(len(firsts)), "that_agree": float(len(agree)),
    }  # fmt: skip
    origin = msgspec.structs.replace(
        origin, used=(*origin.used, *others), why=why, method=f"{origin.method}; first arrivals that agree"
    )
    return msgspec.structs.replace(event, origins=(origin, *event.origins))


def _firsts(origin: Origin, arrivals: Mapping[str, Arrival]) -> list[Arrival]:
    """The earliest P of each station, named as a first arrival: nothing as strong may come just before it."""
    found: dict[str, Arrival] = {}
    for u in origin.used:
        a = arrivals.get(u.arrival)
        if a is None or u.phase not in FIRST:
            continue
        if u.station not in found or a.time < found[u.station].time:
            found[u.station] = msgspec.structs.replace(a, phase=u.phase)
    for station, a in found.items():
        before = [
            b
            for b in arrivals.values()
            if b.station == station
            and a.time - BEFORE_S <= b.time < a.time
            and (b.snr or 0.0) >= max(STRONG_SNR, 0.5 * (a.snr or 0.0))
        ]
        if before:
            found[station] = msgspec.structs.replace(min(before, key=lambda b: b.time), phase=a.phase)
    return [_widened(found[k]) for k in sorted(found)]


def _recruit(
    firsts: Sequence[Arrival],
    arrivals: Mapping[str, Arrival],
    arrays: Mapping[str, Array],
    place: tuple[float, float, float],
) -> list[Arrival]:
    """With these, a strong arrival of each other station that agrees: the associator may have lost it."""
    have = {a.station for a in firsts}
    found = list(firsts)
    for station in sorted(set(arrays) - have):
        own = [a for a in arrivals.values() if a.station == station and (a.snr or 0.0) >= STRONG_SNR]
        if not own:
            continue
        rest = np.abs(residuals(own, arrays, place))
        spread = np.array([np.hypot(pick_sd(a), MODEL_S) for a in own])
        k = int(np.argmin(rest / spread))
        if rest[k] <= KEEP * spread[k]:
            found.append(_widened(msgspec.structs.replace(own[k], phase="")))
    return sorted(found, key=lambda a: a.station)


def _widened(a: Arrival) -> Arrival:
    return msgspec.structs.replace(a, time_sd=pick_sd(a))


def pick_sd(a: Arrival) -> float:
    """Standard error of a pick, s: what the detector says, and how late a weak onset may be seen."""
    late = min(LATE_S / a.snr, LATEST_S) if a.snr and a.snr > 0 else LATEST_S
    return float(np.hypot(a.time_sd, late))


def _plain(a: Arrival) -> Arrival:
    return msgspec.structs.replace(
        a, backazimuth_deg=None, backazimuth_sd_deg=None, slowness_s_km=None, slowness_sd_s_km=None
    )


def robust(
    firsts: Sequence[Arrival], arrays: Mapping[str, Array], start: Origin
) -> tuple[float, float, float]:
    """Latitude, longitude (degrees) and time (s UTC) that most first arrivals agree on: shrinking pattern search.

    The cost is Cauchy's, log(1 + (r/s)^2), at the best origin time for each place; ties go to the nearer place.
    """
    found = [_descend(place, firsts, arrays) for place in _starts(start, firsts, arrays)]
    _, best = min(found)
    return best[0], best[1], _cost(best, firsts, arrays)[1]


def settle(
    firsts: Sequence[Arrival], arrays: Mapping[str, Array], start: tuple[float, float]
) -> tuple[float, float, float]:
    """As `robust`, from a place (degrees) that lies near enough to descend from."""
    _, best = _descend(start, firsts, arrays)
    return best[0], best[1], _cost(best, firsts, arrays)[1]


def _starts(
    start: Origin, firsts: Sequence[Arrival], arrays: Mapping[str, Array]
) -> list[tuple[float, float]]:
    """The associator's place and the best few of a grid of 40 km about it, out to 500 km."""
    ring = [
        (float(km), float(a)) for km in range(40, 501, 40) for a in np.arange(0, 360, 360 / max(6, km // 8))
    ]
    places = [(start.lat, start.lon), *(_go((start.lat, start.lon), a, km) for km, a in ring)]
    cost = [_cost(p, firsts, arrays)[0] for p in places]
    return [places[i] for i in sorted({0, *(int(k) for k in np.argsort(cost)[:4])})]


def _descend(
    place: tuple[float, float], firsts: Sequence[Arrival], arrays: Mapping[str, Array]
) -> tuple[float, tuple[float, float]]:
    """The lowest cost by shrinking steps from a place, and where."""
    best, cost = place, _cost(place, firsts, arrays)[0]
    for step in _STEPS_KM:
        for _ in range(40):
            trials = [_go(best, azimuth, step) for azimuth in range(0, 360, 45)]
            values = [_cost(t, firsts, arrays)[0] for t in trials]
            k = int(np.argmin(values))
            if values[k] >= cost - 1e-9:
                break
            best, cost = trials[k], values[k]
    return cost, best


def _go(place: tuple[float, float], azimuth: float, km: float) -> tuple[float, float]:
    from detente.monitor.event_location import destination

    lat, lon = destination(place[0], place[1], azimuth, km / KM_PER_DEG)
    return float(np.ravel(lat)[0]), float((np.ravel(lon)[0] + 180) % 360 - 180)


def _cost(
    place: tuple[float, float], firsts: Sequence[Arrival], arrays: Mapping[str, Array]
) -> tuple[float, float]:
    """Cauchy cost at the best origin time, and that time: tried at each arrival's own."""
    times = np.array([a.time for a in firsts]) - _travel(place, firsts, arrays)
    scale = np.hypot([a.time_sd for a in firsts], MODEL_S)
    if not np.isfinite(times).all():
        return 1e9, float("nan")
    best = (1e9, 0.0)
    for zero in times:
        rest = (times - zero) / scale
        weight = 1 / (1 + rest**2) / scale**2
        t0 = float(np.sum(weight * times) / np.sum(weight))  # one step towards the nearest minimum
        value = float(np.sum(np.log1p(((times - t0) / scale) ** 2)))
        best = min(best, (value, t0))
    return best


def _travel(place: tuple[float, float], firsts: Sequence[Arrival], arrays: Mapping[str, Array]) -> Float:
    lats = [arrays[a.station].lat for a in firsts]
    lons = [arrays[a.station].lon for a in firsts]
    degrees, _, _ = distance_azimuth(place[0], place[1], lats, lons)
    model = TravelTimes()
    found = np.full(len(firsts), np.nan)
    for phase in ("P", "Pn", "Pg"):
        found = np.fmin(found, model.time(phase, degrees, 0.0))
    return found


def residuals(
    firsts: Sequence[Arrival], arrays: Mapping[str, Array], place: tuple[float, float, float]
) -> Float:
    """(n,) observed less predicted first arrivals, s, for a surface source at (lat, lon, time)."""
    times = np.array([a.time for a in firsts])
    return np.asarray(times - place[2] - _travel(place[:2], firsts, arrays))


def _after(u: Used, origin: Origin, arrays: Mapping[str, Array]) -> Used:
    """A later phase as the new origin sees it, defining nothing."""
    station = arrays[u.station]
    degrees, azimuth, _ = (
        float(v) for v in distance_azimuth(origin.lat, origin.lon, station.lat, station.lon)
    )
    return msgspec.structs.replace(
        u, distance_deg=degrees, azimuth_deg=azimuth, time_residual_s=None, backazimuth_residual_deg=None,
        slowness_residual_s_km=None, defining="",
    )  # fmt: skip
