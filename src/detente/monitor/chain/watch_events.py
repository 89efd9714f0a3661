"""The watch's events: made, revised as data come, reviewed when all are in, or withdrawn; the id stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import structs

from detente.monitor.bulletin.records import MACHINE, Arrival, Bulletin, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.times import moment
from detente.monitor.waves.trace import Array, Recording

Associate = Callable[
    [Sequence[Arrival], Mapping[str, Array], Mapping[str, float], Sequence[Event]], Sequence[Event]
]
"""Events of arrivals at stations, given the seconds heard of each and the events known before."""
Finish = Callable[[Event, Sequence[Event], Recording, Sequence[Arrival], bool], Event]
"""Measures an event, given those before it, the record held, all arrivals, and whether its S trains are in."""
AllIn = Callable[[Event], float]
"""When, s UTC, the last wave that an event is screened by has passed."""

EARLY, SCREENED, FINAL = 0, 1, 2
_STAGE: Final = ("early", "S trains in", "final")
LONGEST_S: Final = 3600.0
SLACK_S: Final = 60.0
"""An origin may move by so much when its event is made anew."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a step brought: an event found, revised or withdrawn, or a notice about a station's health.

    `latency_s`: from the receipt of the record that holds the event's last onset to the event; None where the
    revision came by the clock, not by an onset.
    """

    kind: Literal["event", "revised", "withdrawn", "health"]
    when: float
    about: str
    detail: str = ""
    latency_s: float | None = None


class Reach(NamedTuple):
    """How far the record has been searched, s UTC: the newest station's, that of all who keep step, the slowest's."""

    latest: float
    front: float
    slowest: float


class Ledger:
    """Keeps the store's events in step with the arrivals.

    Parameters: `review_s`, `horizon_s`, `least_stations` as in the watch's settings; `ill(about, kind, detail)`
    tells trouble; `clock` s UTC.
    """

    def __init__(
        self,
        store: Store,
        associate: Associate,
        finish: Finish | None,
        all_in: AllIn,
        *,
        review_s: float,
        horizon_s: float,
        least_stations: int,
        ill: Callable[[str, str, str], None],
        clock: Callable[[], float],
    ) -> None:
        self.store, self.associate, self.finish, self.all_in = store, associate, finish, all_in
        self.review_s, self.horizon_s, self.least = review_s, horizon_s, least_stations
        self.ill, self.clock = ill, clock
        self._stage: dict[str, int] = store.state("stages") or {}
        self._stale: dict[str, float] = store.state("stale") or {}

    def open_events(self, now: float) -> list[Event]:
        """Events before `now` (s UTC of the record) that are not final.

        The review waits for stations that lag until `horizon_s` has passed; an event stays open as long again for it.
        """
        events = self.store.events("time >= ?", (now - 2 * self.horizon_s,))
        return [e for e in events if self._stage.get(e.id, EARLY) < FINAL]

    def due(self, reach: Reach) -> int:
        """The stage that some open event has reached and not been given, EARLY for none."""
        stages = [
            (self._reached(e, reach), self._stage.get(e.id, EARLY)) for e in self.open_events(reach.latest)
        ]
        return max((now for now, had in stages if now > had), default=EARLY)

    def forget(self, arrivals: Sequence[Arrival]) -> None:
        """These were heard once and not when listened to again: no event is made of them any more."""
        self._stale |= {a.id: a.time for a in arrivals}

    def update(
        self,
        fresh: Sequence[Arrival],
        again: Sequence[Arrival],
        recording: Recording,
        arrays: Mapping[str, Array],
        heard: Mapping[str, float],
        reach: Reach,
    ) -> list[News]:
        """Associate anew and bring the store's events up to it.

        `fresh`: arrivals of this step; `again`: those that a review has added; `heard`: seconds of each station;
        """
        begin = min([reach.latest, *(a.time for a in fresh)]) - self.horizon_s
        begin = min([begin, *(e.origin.time - SLACK_S for e in self.open_events(reach.latest))])
        within = list(self.store.events("time >= ?", (begin - LONGEST_S,)))
        late = [
            a.time for a in fresh if a.time < reach.slowest - self.review_s
        ]  # of a station that lags far behind
        shut = [e for e in within if e.origin.time < begin or self._is_shut(e, late)]
        # an event that is closed keeps its arrivals: those that came late must not make it anew
        spent = {u.arrival for e in shut for u in e.origin.used}
        every = list(self.store.arrivals(begin))
        arrivals = [a for a in every if a.id not in spent and a.id not in self._stale]
        try:
            found = list(self.associate(arrivals, arrays, heard, shut)) if arrivals else []
        except Exception as bad:  # told, and tried again with the next arrival
            self.ill("network", "error", f"association: {type(bad).__name__}: {bad}")
            return []
        found = [e for e in found if len({u.station for u in e.origin.used}) >= self.least]
        standing = {e.id: e for e in within if e not in shut}
        pairs = self._match(found, standing, every, [*fresh, *again], reach)
        news: list[News] = []
        told: list[Event] = list(shut)
        for event, old in sorted(pairs, key=lambda p: p[0].origin.time):
            one, said = self._publish(event, old, told, recording, every, reach)
            told.append(one)
            news += said
        kept = {event.id for event, _ in pairs}
        for name, old in standing.items():
            if name not in kept and all(c.who == MACHINE for c in old.changes):  # an analyst's stays
                self.store.withdraw(name, who=MACHINE, reason="its arrivals no longer make an event")
                news.append(News(kind="withdrawn", when=self.clock(), about=name))
        self._keep(begin - LONGEST_S)
        return news

    # -- within ----------------------------------------------------------------------------------------------

    def _match(
        self,
        found: Sequence[Event],
        standing: Mapping[str, Event],
        arrivals: Sequence[Arrival],
        fresh: Sequence[Arrival],
        reach: Reach,
    ) -> list[tuple[Event, Event | None]]:
        """Each event under the name it keeps, with what it was; the richest choose first."""
        time = {a.id: a.time for a in arrivals}
        new = {a.id for a in fresh}
        pairs: list[tuple[Event, Event | None, str]] = []
        for event in sorted(found, key=lambda e: -len(e.origin.used)):
            taken = {name for _, _, name in pairs}
            old = same(event, [e for k, e in standing.items() if k not in taken])
            last = max((time[u.arrival] for u in event.origin.used if u.arrival in time), default=0.0)
            mine = {u.arrival for u in event.origin.used}
            if old is None and not mine & new and last < reach.latest - self.review_s and reach.slowest < inf:
                continue  # leftovers of what is closed make nothing new
            pairs.append((event, old, old.id if old is not None else self._name(event, taken)))
        names = {event.id: name for event, _, name in pairs}
        return [(_renamed(event, name, names), old) for event, old, name in pairs]

    def _publish(
        self,
        event: Event,
        old: Event | None,
        before: Sequence[Event],
        recording: Recording,
        arrivals: Sequence[Arrival],
        reach: Reach,
    ) -> tuple[Event, list[News]]:
        stage = self._reached(event, reach)
        if old is not None and any(c.who != MACHINE for c in old.changes):
            self._stage[old.id] = stage
            return old, []
        moved = old is None or essence(old) != essence(event)
        if old is not None and not moved and stage <= self._stage.get(old.id, EARLY):
            return old, []
        gone = min((t.start for t in recording.traces), default=0.0) > event.origin.time
        if old is not None and gone:  # its record is let go of: what was measured then stands
            event = structs.replace(
                event,
                magnitudes=old.magnitudes,
                limits=old.limits,
                screening=old.screening,
                yields=old.yields,
            )
        elif self.finish is not None:
            try:
                event = self.finish(event, before, recording, arrivals, stage > EARLY)
            except Exception as bad:  # an event without a magnitude is better than none
                self.ill(event.id, "error", f"measuring: {type(bad).__name__}: {bad}")
        self._stage[event.id] = stage
        if old is None:
            self.store.put(Bulletin(start=event.origin.time, end=event.origin.time, events=(event,)))
        else:
            self.store.replace_event(event, who=MACHINE, reason=f"revised by the watch: {_STAGE[stage]}")
        kind: Literal["event", "revised"] = "event" if old is None else "revised"
        return event, [News(kind=kind, when=self.clock(), about=event.id, detail=_told(event, stage))]

    def _reached(self, event: Event, reach: Reach) -> int:
        if reach.slowest >= event.origin.time + self.review_s:
            return FINAL
        return SCREENED if reach.front >= self.all_in(event) else EARLY

    def _is_shut(self, event: Event, late: Sequence[float]) -> bool:
        """Final, and nothing has come since that may be its own."""
        zero = event.origin.time
        return self._stage.get(event.id) == FINAL and not any(zero <= t <= zero + self.review_s for t in late)

    def _name(self, event: Event, taken: set[str]) -> str:
        name = f"{moment(event.origin.time):%Y%m%dT%H%M%S}"
        known = {e.id for e in self.store.events("id LIKE ?", (f"{name}%",))} | taken
        n = 0
        while (own := f"{name}-{n}" if n else name) in known:
            n += 1
        return own

    def _keep(self, oldest: float) -> None:
        standing = {e.id for e in self.store.events("time >= ?", (oldest,))}
        self._stage = {k: s for k, s in self._stage.items() if k in standing}
        self._stale = {k: t for k, t in self._stale.items() if t >= oldest}
        self.store.set_state("stages", self._stage)
        self.store.set_state("stale", self._stale)


def same(event: Event, known: Sequence[Event]) -> Event | None:
    """The known event that shares at least half of the arrivals of the smaller of the two, the most if several."""
    ours = {u.arrival for u in event.origin.used}
    best, most = None, 0
    for other in known:
        theirs = {u.arrival for u in other.origin.used}
        shared = len(ours & theirs)
        if shared > most and 2 * shared >= min(len(ours), len(theirs)):
            best, most = other, shared
    return best


def essence(event: Event) -> Any:
    """What makes a revision worth telling: the arrivals used, the place to 0.01 degrees, the time to 0.1 s."""
    o = event.origin
    used = tuple(sorted((u.arrival, u.phase) for u in o.used))
    return used, round(o.lat, 2), round(o.lon, 2), round(o.time, 1), round(o.depth_km)


def _renamed(event: Event, name: str, names: Mapping[str, str]) -> Event:
    """The event under its lasting name; one told to lie at another's place says that one's lasting name."""
    origins = []
    for origin in event.origins:
        method = origin.method
        for old, new in names.items():
            method = method.replace(f"at the place of {old}:", f"at the place of {new}:")
        origins.append(structs.replace(origin, method=method))
    return structs.replace(event, id=name, origins=tuple(origins))


def _told(event: Event, stage: int) -> str:
    o = event.origin
    depth = f"depth {o.depth_km:.0f} km" + ("" if o.depth == "free" else " (fixed)")
    text = f"{moment(o.time, 2):%Y-%m-%d %H:%M:%S} {o.lat:.3f} {o.lon:.3f} {depth}"
    text += f", {len({u.station for u in o.used})} stations"
    for m in event.magnitudes[:1]:
        text += f" {m.kind} {m.value:.1f}"
    if event.screening is not None:
        text += f", {event.screening.verdict}" + (" yet" if stage == EARLY else "")
    return text + (", final" if stage == FINAL else "")
