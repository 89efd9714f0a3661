"""Association: arrivals of a whole network to events, each by its odds against noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Event, Missed, Origin
from detente.monitor.network.arrival_table import Table
from detente.monitor.network.contest import DEAD, Found, Search
from detente.monitor.network.locate import Settings as LocateSettings
from detente.monitor.network.locate import locate
from detente.monitor.network.observed import Corrections
from detente.monitor.network.phases import PHASES, geographic
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array, Site

LATER_INDEX: Final = (3, 5, 4, 7, 8, 9, 10, 11, 12, 13)  # of PHASES, in the order of the kernel's LATER


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is held to be.

    `events_a_day`: prior rate over the globe; `least_score`: log-odds that an event must reach; `least_p`:
    stations that must have seen its P; `sd`: scatter of log10 amplitude about the law; `reliability`: how often
    a station that hears a loud signal reports it; `snr`: signal-to-noise ratio seen half the time, where the
    arrivals do not tell; `step_deg` of the search; `locate`: how the events found are located.
    """

    events_a_day: float = 100.0
    least_score: float = 1.5
    least_p: int = 2
    sd: float = 0.38
    reliability: float = 0.95
    snr: float = 3.5
    step_deg: float = 2.0
    depths_km: tuple[float, ...] = (10.0, 120.0, 350.0, 580.0)
    least_weight: float = 11.0
    rounds: int = 2
    locate: LocateSettings = LocateSettings()

    def __post_init__(self) -> None:
        if not (self.events_a_day > 0 and self.sd > 0 and 0 < self.reliability < 1 and self.step_deg > 0):
            raise DetenteError(
                "association needs a rate, a scatter and a step above 0, reliability within 0 to 1"
            )


def associate(
    arrivals: Sequence[Arrival],
    sites: Mapping[str, Site | Array],
    *,
    settings: Settings | None = None,
    corrections: Corrections | None = None,
    listened: Mapping[str, float] | None = None,
) -> tuple[Event, ...]:
    """Events in order of time, each with its origin, the arrivals it uses and the stations that missed it.

    `arrivals` of a day or any stretch; `sites` of every station that listened (one without any arrival counts as
    off); `listened`: seconds of record heard from each, for its noise rate, see `noise._rate`; without it the rate is
    (n + 3) over the span of all arrivals, an hour at least. An event's score is the natural logarithm of its odds
    against its arrivals being noise: arrival times, azimuths, slownesses and amplitudes, stations that should have
    seen it and did not, and the prior rate.
    Raises DetenteError for an arrival at an unknown station. Sources: docs/location.md.
    """
    import numba

    chosen = settings or Settings()
    if not arrivals:
        return ()
    table = Table.of(arrivals, sites, chosen, listened)
    search = Search.of(table, chosen)
    owner = np.full(len(table.a), -1, np.int64)
    candidates = search.candidates(owner)
    first = candidates
    alive: list[Found] = []
    serial = 0
    for _ in range(chosen.rounds):
        born = search.births(candidates, owner, serial)
        serial += len(born)
        before = owner.copy()
        alive = search.revise([*alive, *born], owner, first)
        candidates = search.again(candidates, owner, (before >= 0) & (owner < 0))
        if not born or not len(candidates):
            break
    alive = [search.revisit(e, owner) for e in alive]
    alive = [e for e in alive if e.score > DEAD]
    with ThreadPoolExecutor(numba.get_num_threads()) as several:  # each by itself: the same on any number
        finished = list(several.map(lambda e: _event(e, search, sites, corrections), alive))
    return tuple(sorted((e for e in finished if e is not None), key=lambda e: e.origin.time))


def _event(
    found: Found, search: Search, sites: Mapping[str, Site | Array], corrections: Corrections | None
) -> Event | None:
    """The located event, with phases named and misses told."""
    table = search.table
    assert found.pick is not None and found.seen is not None
    used = []
    for s, j in zip(*np.nonzero(found.pick >= 0), strict=True):
        a = table.arrivals[int(found.pick[s, j])]
        name = PHASES[LATER_INDEX[j - 1]] if j else first_p(float(found.seen[s, 0]), float(found.x[2]))
        used.append(msgspec.structs.replace(a, phase=name))
    codes = table.network.codes
    missed = [
        Missed(station=codes[s], phase="P", p_detect=round(float(found.seen[s, 3]), 3))
        for s in np.flatnonzero((found.pick[:, 0] < 0) & (found.seen[:, 3] > 0.5))
    ]
    start = Origin(
        id="", time=table.zero + float(found.x[3]), lat=float(geographic(np.degrees(found.x[0]))),
        lon=float(np.degrees(found.x[1])), time_sd=1.0, depth_km=float(found.x[2]),
    )  # fmt: skip
    try:
        origin = locate(
            used, sites, settings=search.settings.locate, start=start, corrections=corrections,
            missed=missed, false=search.false(found),
        )  # fmt: skip
    except DetenteError:  # too few measurements to place
        return None
    name = _name(origin.time)
    why = {**origin.why, "log_odds": round(found.score, 2), "mb_of_association": round(found.mb, 2)}
    origin = msgspec.structs.replace(origin, id=f"{name}/1", why=why)
    return Event(id=name, origins=(origin,), score=round(found.score, 2))


def _name(time: float) -> str:
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(time, UTC)
    return f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 100000}"


def first_p(distance_deg: float, depth_km: float) -> str:
    """What an analyst calls the first P at a distance: Pg, Pn, P or PKP, by which branch arrives first."""
    if distance_deg > 115.0:
        return "PKP"
    times = TravelTimes()
    first = float(times.time("P", distance_deg, depth_km))
    for name in ("Pg", "Pn"):
        if distance_deg < 20.0 and abs(float(times.time(name, distance_deg, depth_km)) - first) < 0.05:
            return name
    return "P"
