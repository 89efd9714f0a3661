"""Events of strong arrivals that agree in time alone: what the associator's odds leave out in a short record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.chain.after import at_least, support
from detente.monitor.chain.lone import CODA_S, explains
from detente.monitor.chain.refine import KEEP, MODEL_S, pick_sd, refine, residuals, settle
from detente.monitor.character.paths import path
from detente.monitor.geo import distance_azimuth
from detente.monitor.network.locate import Settings as Locate
from detente.monitor.network.locate import nodes
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array

Float = NDArray[np.float64]

STRONG_SNR: Final = 8.0
LEAST: Final = 4
REACH_DEG: Final = 20.0
TOGETHER_S: Final = 300.0
"""First arrivals of one event at stations within 20 degrees of it come within so long of each other."""
CHANCE: Final = 0.01
"""Most that the agreement may owe to chance, over all leads tried."""
LEAST_SPAN_S: Final = 300.0
GIVE: Final = 2.0
"""The place is not exact either: it gives by as much as the picks that fix it, towards any further one."""
COARSE_DEG, FINE_DEG = 2.5, 0.5
SLOWEST_S_DEG: Final = 14.0  # Pn's slowness, s a degree


def gathered(
    events: Sequence[Event], arrivals: Sequence[Arrival], arrays: Mapping[str, Array], settings: Locate
) -> list[Event]:
    """The events, with those added whose strong first arrivals agree, and those of fewer stations they replace.

    The associator weighs an arrival by its station's rate of all arrivals; in a record of minutes that rate is the
    event's own. Signals eight times the noise are rare whatever the record: three of them fix a place and a time, and
    each further one that agrees has the chance of its own rate, binomial over the stations within 20 degrees;
    S and Lg that agree count as in `after`. Accepted below 0.01 over all leads. The place is then found as any other.
    """
    strong = _strong(events, arrivals, arrays)
    span = max((a.time for a in arrivals), default=0.0) - min((a.time for a in arrivals), default=0.0)
    found = list(events)
    taken: set[str] = set()
    for lead in strong:
        close = [a for a in strong if abs(a.time - lead.time) <= TOGETHER_S and a.id not in taken]
        if lead.id in taken or len({a.station for a in close}) < LEAST:
            continue
        one = _event(lead, close, arrivals, arrays, span, len(strong))
        if one is None:
            continue
        one = refine(one, {a.id: a for a in arrivals}, arrays, settings)
        mine = {u.arrival for u in one.origin.used}
        rivals = [e for e in found if mine & {u.arrival for u in e.origin.used}]
        if any(_stations(e) >= _stations(one) for e in rivals):
            continue
        taken |= mine
        found = [e for e in found if e not in rivals] + [one]
    return sorted(found, key=lambda e: (e.origin.time, e.id))


def _stations(event: Event) -> int:
    return len({u.station for u in event.origin.used})


def _strong(
    events: Sequence[Event], arrivals: Sequence[Arrival], arrays: Mapping[str, Array]
) -> list[Arrival]:
    """Strong arrivals that lie in no louder one's coda and that no event of four stations explains."""
    sure = [e for e in events if _stations(e) >= LEAST]
    taken = {u.arrival for e in sure for u in e.origin.used}
    found = []
    for a in sorted(arrivals, key=lambda a: (a.time, a.station, a.id)):
        snr = a.snr or 0.0
        if snr < STRONG_SNR or a.id in taken or a.station not in arrays:
            continue
        if any(
            b.station == a.station and 0 < a.time - b.time < CODA_S and (b.snr or 0.0) > snr for b in arrivals
        ):
            continue
        if not any(explains(e.origin, a, arrays[a.station]) for e in sure):
            found.append(a)
    return found


def _event(
    lead: Arrival,
    close: Sequence[Arrival],
    arrivals: Sequence[Arrival],
    arrays: Mapping[str, Array],
    span: float,
    leads: int,
) -> Event | None:
    """The event of most arrivals that agree with the lead; None where chance could make it."""
    firsts = [msgspec.structs.replace(a, time_sd=pick_sd(a), phase="P") for a in close]
    best: tuple[float, Origin, list[Arrival]] | None = None
    for many, lat, lon in _places(lead, firsts, arrays):
        start = Origin(id=f"gathered-{lead.id}", time=lead.time, lat=lat, lon=lon, time_sd=MODEL_S)
        if leads * _by_times(start, many, {}, firsts, arrays, span) > 1:
            continue  # whatever S and Lg add, or a better place
        place = settle(firsts, arrays, (lat, lon))
        agree = _agree(firsts, arrays, place)
        if len(agree) < LEAST or lead.id not in {a.id for a in agree}:
            continue
        origin = msgspec.structs.replace(start, lat=place[0], lon=place[1], time=place[2])
        chance = leads * _chance(origin, agree, firsts, arrivals, arrays, span)
        if chance < CHANCE and (best is None or chance < best[0]):
            best = (chance, origin, agree)
    if best is None:
        return None
    chance, origin, agree = best
    used = []
    for a in agree:
        way = path(origin, arrays[a.station])
        phase = "Pn" if 1.5 < way.distance_deg < 18 else "P"
        used.append(Used(arrival=a.id, station=a.station, phase=phase, distance_deg=way.distance_deg,
                         azimuth_deg=way.azimuth_deg))  # fmt: skip
    told = f"{len(agree)} strong first arrivals agree in time, by chance {chance:.1g}"
    origin = msgspec.structs.replace(origin, used=tuple(used), method=told, why={"chance": chance})
    return Event(id=f"gathered-{lead.station}-{lead.time:.0f}", origins=(origin,))


def _places(
    lead: Arrival, firsts: Sequence[Arrival], arrays: Mapping[str, Array]
) -> list[tuple[int, float, float]]:
    """The places within 20 degrees of the lead's station where most stations' first arrivals fall together."""
    here = arrays[lead.station]
    lats, lons = np.degrees(nodes(COARSE_DEG)).T  # geocentric, a fifth of a degree off at most
    near = np.asarray(distance_azimuth(here.lat, here.lon, lats, lons)[0]) <= REACH_DEG
    coarse = _best(lead, firsts, arrays, lats[near], lons[near], COARSE_DEG, 3)
    if not coarse:
        return []
    step = np.arange(-COARSE_DEG / 2, COARSE_DEG / 2 + 0.01, FINE_DEG)
    y, x = (v.ravel() for v in np.meshgrid(step, step))
    fine_lats = np.concatenate([lat + y for _, lat, _ in coarse])
    fine_lons = np.concatenate([lon + x / max(np.cos(np.radians(lat)), 0.2) for _, lat, lon in coarse])
    return _best(lead, firsts, arrays, np.clip(fine_lats, -90, 90), fine_lons, FINE_DEG, 2)


def _best(
    lead: Arrival,
    firsts: Sequence[Arrival],
    arrays: Mapping[str, Array],
    lats: Float,
    lons: Float,
    step_deg: float,
    keep: int,
) -> list[tuple[int, float, float]]:
    """Of places the few where most stations have a first arrival that falls together with the lead's."""
    times = np.array([a.time for a in firsts]) - _travel(firsts, arrays, lats, lons)
    apart = np.abs(times - times[:, [[a.id for a in firsts].index(lead.id)]])
    slack = SLOWEST_S_DEG * step_deg  # lead and the other may both be off by half a step
    together = apart <= slack + np.array([_wide(a) for a in firsts])
    stations = np.array([a.station for a in firsts])
    many = np.sum([together[:, stations == c].any(1) for c in np.unique(stations)], axis=0)
    off = np.where(together, apart, 0.0).sum(1)
    order = np.lexsort((off, -many))[:keep]
    return [(int(many[i]), float(lats[i]), float(lons[i])) for i in order if many[i] >= LEAST]


def _travel(firsts: Sequence[Arrival], arrays: Mapping[str, Array], lats: Float, lons: Float) -> Float:
    """(place, arrival) seconds to the first P of a surface source; places in degrees."""
    model, codes = TravelTimes(), sorted({a.station for a in firsts})
    held = {}
    for code in codes:
        degrees = np.asarray(distance_azimuth(lats, lons, arrays[code].lat, arrays[code].lon)[0])
        found = np.full(degrees.size, np.nan)
        for phase in ("P", "Pn", "Pg"):
            found = np.fmin(found, model.time(phase, degrees, 0.0))
        held[code] = found
    return np.column_stack([held[a.station] for a in firsts])


def _agree(
    firsts: Sequence[Arrival], arrays: Mapping[str, Array], place: tuple[float, float, float]
) -> list[Arrival]:
    """Of each station the arrival nearest its time, if it is near enough."""
    found: dict[str, tuple[float, Arrival]] = {}
    for a, rest in zip(firsts, residuals(firsts, arrays, place), strict=True):
        off = abs(float(rest)) / _wide(a)
        station = arrays[a.station]
        far = float(distance_azimuth(place[0], place[1], station.lat, station.lon)[0]) > REACH_DEG
        if off <= 1 and not far and (a.station not in found or off < found[a.station][0]):
            found[a.station] = (off, a)
    return [a for _, a in found.values()]


def _wide(a: Arrival) -> float:
    return float(KEEP * np.hypot(a.time_sd, MODEL_S))


def _chance(
    origin: Origin,
    agree: Sequence[Arrival],
    firsts: Sequence[Arrival],
    arrivals: Sequence[Arrival],
    arrays: Mapping[str, Array],
    span: float,
) -> float:
    """How many such agreements chance makes about one lead: of the strong arrivals, then of S and Lg behind them."""
    mine = {a.station: a for a in agree}
    ids = {a.id for a in agree}
    later = [a for a in arrivals if a.id not in ids and a.time > origin.time]
    ways = {code: path(origin, arrays[code]) for code in mine}
    used, expected = support(origin.time, later, ways)
    behind = [u for u in used if u.phase not in ("P", "Pn")]
    by_times = _by_times(origin, len(mine), mine, firsts, arrays, span)
    return by_times * at_least(len(behind), expected)


def _by_times(
    origin: Origin,
    many: int,
    mine: Mapping[str, Arrival],
    firsts: Sequence[Arrival],
    arrays: Mapping[str, Array],
    span: float,
) -> float:
    """How often `many` strong arrivals agree by chance: any three place the event, at two places at most
    (found from each of the three as the lead); each further one has its own rate, the event's own left out.

    Binomial over all stations within 20 degrees that were listened to, silent ones too. `mine`: those that agree.
    """
    lats, lons = (np.array([getattr(a, c) for a in arrays.values()]) for c in ("lat", "lon"))
    degrees = np.asarray(distance_azimuth(origin.lat, origin.lon, lats, lons)[0])
    near = [c for c, d in zip(arrays, degrees, strict=True) if d <= REACH_DEG]
    strong = {c: sum(a.station == c for a in firsts) for c in near}
    wide = {c: _wide(mine[c]) if c in mine else 2 * KEEP * MODEL_S for c in near}
    others = {c: max(strong[c] - (c in mine or not mine), 0) for c in near}
    rate = {c: (others[c] + 0.5) / max(span, LEAST_SPAN_S) for c in near}
    p, n = (
        float(np.mean([1 - np.exp(-2 * GIVE * wide[c] * rate[c]) for c in near])) if near else 0.0,
        len(near),
    )
    further = sum(
        comb(n - 3, j) * p**j * (1 - p) ** (n - 3 - j) for j in range(max(min(many, n) - 3, 0), n - 2)
    )
    return 2 * comb(len(firsts) - 1, 2) / 3 * further
