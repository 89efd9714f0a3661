"""The live chain: packets in, events out as soon as their signals are there; what was done survives a kill.

Every step is one transaction of the store: the arrivals and events found, how far each station has been searched, and
from which packet on the server must send again. A watch that was killed takes up at the last whole step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from math import inf

import msgspec
from msgspec import structs

from detente.monitor.bulletin.records import MACHINE, Arrival, Bulletin
from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.times import moment
from detente.monitor.chain.heard import heard_s
from detente.monitor.chain.listen import apart
from detente.monitor.chain.listen import heard as live_part
from detente.monitor.chain.watch_events import FINAL, AllIn, Associate, Finish, Ledger, Reach
from detente.monitor.chain.watch_events import News as News
from detente.monitor.chain.watch_health import Health
from detente.monitor.chain.watch_records import Records
from detente.monitor.waves import health
from detente.monitor.waves.masks import Mask
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.seedlink import Packet
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array, Fault, Recording, Trace

Detect = Callable[[Sequence[Trace], Array], Sequence[Arrival]]
_SAME_ONSET_S = 2.0


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the watch waits for, all in seconds.

    `context`: record given to a detector before what is new; `lead`: record kept before any event that is not
    final, for the review to be heard in; `warm_up`: record that a station must have sent before its first onset
    counts, for a detector must know the noise; `settle`: an onset is taken when so much record follows it; `step`:
    least new record worth a search; `most`: the longest piece searched at once, when catching up; `late`: a channel
    so far behind its array's first is not waited for; `horizon`: how long arrivals may still make or change an
    event; `review`: how long after its origin an event's record is listened to again as a whole, and the event made
    final: P is everywhere by 1240 s, Rayleigh waves at 30 degrees by 1520 s; `quiet`: a station that sends nothing
    for so long is told. `least_stations`: how many must have seen an event before it is told; the data centre's
    bulletins ask for three.
    """

    context: float = 180.0
    lead: float = 600.0
    warm_up: float = 60.0
    settle: float = 6.0
    step: float = 1.0
    most: float = 600.0
    late: float = 10.0
    horizon: float = 2400.0
    review: float = 1600.0
    quiet: float = 120.0
    least_stations: int = 1


class Watch:
    """Takes packets, keeps what the detectors need, and finds events step by step.

    Parameters: `detect` searches one array's traces; `associate` makes events of arrivals; `finish` measures one
    event on the records held (magnitudes, screening, yield); `all_in` tells when it can be screened; what `masks`
    cover is let go of as it comes; `clock` tells the time, s UTC since 1970.
    """

    def __init__(
        self,
        store: Store,
        arrays: Mapping[str, Array],
        detect: Detect,
        associate: Associate,
        finish: Finish | None = None,
        all_in: AllIn = lambda event: event.origin.time,
        *,
        settings: Settings | None = None,
        masks: Sequence[Mask] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.arrays = store, apart(arrays)
        self.detect = detect
        self.settings = settings or Settings()
        self.clock = clock
        self.health = Health(store, self.settings.quiet, clock)
        self.records = Records(store.state("numbers") or {}, masks)
        self.ledger = Ledger(
            store, associate, finish, all_in, review_s=self.settings.review, horizon_s=self.settings.horizon,
            least_stations=self.settings.least_stations, ill=self.health.ill, clock=clock,
        )  # fmt: skip
        self._placed = {site.code for array in self.arrays.values() for site in array.sites}
        self._rest_until = 0.0
        self._news: list[News] = []
        self._done: dict[str, float] = store.state("done") or {}
        self._heard: dict[str, float] = store.state("heard") or {}
        self._since: dict[str, float] = store.state("since") or {}
        self._waiting = [store.arrival(name) for name in store.state("waiting") or ()]

    def resume(self) -> dict[str, int]:
        """The last packet of each station that need not be sent again."""
        return dict(self.records.numbers)

    def expect(self, stations: Sequence[str]) -> None:
        """These stations NET_STA should send: their silence is told even if they never began."""
        self.health.expect(stations)

    def add(self, packet: Packet) -> None:
        """One packet: its samples are held for the next step, its faults told."""
        now = self.clock()
        found = health.check(read_miniseed(packet.data, packet.station), now=now)
        if packet.station.partition("_")[2] not in self._placed:
            self.health.came(packet.station, None)
            lost = Fault(channel=packet.station, kind="no site", start=0.0, end=0.0, detail="place unknown")
            self.health.tell(structs.replace(found, faults=(*found.faults, lost)))
            self.records.numbers[packet.station] = packet.number
            return
        self.health.came(packet.station, max((t.end for t in found.traces), default=None))
        self.health.tell(self.records.add(packet, found, now))

    def step(self, *, flush: bool = False) -> list[News]:
        """Search what is new, associate, and keep it all; `flush` takes even onsets at the very end."""
        self.health.look()
        began = self.clock()
        try:
            return self._step(flush)
        finally:
            self.health.busy_s += self.clock() - began

    def _step(self, flush: bool) -> list[News]:
        recording = self.records.joined()
        self.health.tell(recording)
        found, _ = by_array(recording, self.arrays)
        with self.store.transaction():
            fresh: list[Arrival] = []
            for code, traces in found.items():
                self._since.setdefault(code, min(t.start for t in traces))
                fresh += self._search(code, traces, flush)
            for arrival in fresh:
                self.store.put(_only(arrival))
            if self._done:
                self._bring_up(fresh, found, recording, flush)
            self._forget(found)
            for key in ("done", "heard", "since"):
                self.store.set_state(key, getattr(self, f"_{key}"))
            self.store.set_state("numbers", self.records.numbers)
            self.store.set_state("silent", sorted(self.health.silent))
            self.store.set_state("waiting", [a.id for a in self._waiting])
        news, self._news = [*self.health.news(), *self._news], []
        return news

    def _bring_up(
        self, fresh: list[Arrival], found: Mapping[str, list[Trace]], recording: Recording, flush: bool
    ) -> None:
        """The events after this step: by its arrivals, and by the time that has passed."""
        reach = self._reach(flush)
        due = self.ledger.due(reach)
        self._waiting += fresh
        resting = (
            self.clock() < self._rest_until and not flush and due != FINAL
        )  # a review comes once, and in time
        if not (self._waiting or due) or resting:
            return
        began, fresh, self._waiting = self.clock(), self._waiting, []
        again = self._again(found) if due == FINAL else []
        begin = reach.latest - self.settings.horizon
        heard = {code: min(s, self._done[code] - begin) for code, s in self._heard.items()}
        # an array of which one element is left stands where that does, as in a file
        live = {
            **self.arrays,
            **{code: live_part(traces, self.arrays[code]) for code, traces in found.items()},
        }
        news = self.ledger.update(fresh, again, recording, live, heard, reach)
        times = {a.id: a for a in fresh}
        for item in news:
            late = None if item.kind == "withdrawn" else self._latency(item.about, times)
            self._news.append(structs.replace(item, latency_s=late))
        # half of the time at most goes into events, so that packets never queue up behind them
        self._rest_until = 2 * self.clock() - began

    def _reach(self, flush: bool) -> Reach:
        """How far the record goes; a station that sends but lags is waited for, until the horizon comes."""
        s = self.settings
        latest = max(self._done.values())
        if flush:
            return Reach(latest, inf, inf)
        silent = {name.partition("_")[2] for name in self.health.silent}
        sends = [
            done
            for code, done in self._done.items()
            if not all(site.code in silent for site in self.arrays[code].sites)
        ]
        in_step = min((d for d in sends if d > latest - s.quiet), default=latest)
        return Reach(latest, in_step, max(min(sends, default=latest), latest - (s.horizon - s.review)))

    def _again(self, found: Mapping[str, list[Trace]]) -> list[Arrival]:
        """Listen to all that is held as to one recording: the arrivals that are new; the store has them all.

        An arrival heard again keeps its name, one that is not makes no event any more. Where the record's beginning
        was let go of, what is too near to its new beginning stays as it was heard.
        """
        fresh: list[Arrival] = []
        for code, traces in found.items():
            if code not in self._done:
                continue
            start = min(t.start for t in traces)
            if start > self._since[code] + 1.0:
                start += self.settings.context
            try:
                seen = self.detect(traces, self.arrays[code])
            except Exception as bad:
                self.health.ill(code, "error", f"detection: {type(bad).__name__}: {bad}")
                continue
            known = [a for a in self.store.arrivals(start, self._done[code]) if a.station == code]
            for arrival in sorted(seen, key=lambda a: a.time):
                if not start <= arrival.time < self._done[code]:
                    continue
                near = [k for k in known if abs(k.time - arrival.time) < _SAME_ONSET_S]
                old = min(near, key=lambda k: abs(k.time - arrival.time), default=None)
                named = structs.replace(arrival, id=old.id if old is not None else _name(arrival, code))
                if old is not None:
                    known.remove(old)
                else:
                    fresh.append(named)
                self.store.put(_only(named))
            self.ledger.forget([k for k in known if k.by == MACHINE])
        return fresh

    # -- records ---------------------------------------------------------------------------------------------

    def _search(self, code: str, traces: list[Trace], flush: bool) -> list[Arrival]:
        """The arrivals of one array between where the last search ended and where the record is settled."""
        s = self.settings
        found: list[Arrival] = []
        end = self._common_end(traces) - (0.0 if flush else s.settle)
        done = self._done.get(code, min(t.start for t in traces) + s.warm_up)
        while end - done >= s.step or (flush and end > done):
            until = min(end, done + s.most)
            settled = until + (0.0 if flush else s.settle)
            pieces = [p for t in traces if (p := t.cut(done - s.context, settled)).samples.size]
            try:
                seen = self.detect(pieces, self.arrays[code]) if pieces else ()
            except Exception as bad:  # one station's trouble must not stop the watch
                self.health.ill(code, "error", f"detection: {type(bad).__name__}: {bad}")
                seen = ()
            found += self._new(seen, code, done, until)
            covered = heard_s(traces, done, until)
            before = min(self._heard.get(code, 0.0), s.horizon) - (until - done - covered)
            self._heard[code] = max(0.0, before) + covered
            self._done[code] = done = until
        return found

    def _common_end(self, traces: Sequence[Trace]) -> float:
        ends: dict[str, float] = {}
        for t in traces:
            ends[t.id] = max(t.end, ends.get(t.id, t.end))
        first = max(ends.values())
        return min(e for e in ends.values() if e >= first - self.settings.late)

    def _new(self, seen: Sequence[Arrival], code: str, done: float, until: float) -> list[Arrival]:
        known = [a for a in self.store.arrivals(done - _SAME_ONSET_S, done) if a.station == code]
        fresh: list[Arrival] = []
        for arrival in sorted(seen, key=lambda a: a.time):
            late = [k for k in known if arrival.time - k.time < _SAME_ONSET_S]
            if done <= arrival.time < until and not late:
                fresh.append(structs.replace(arrival, id=_name(arrival, code)))
        return list({a.id: a for a in fresh}.values())

    def _forget(self, found: Mapping[str, list[Trace]]) -> None:
        """Let go of records that no search and no open event needs, and of the packets they came in."""
        s = self.settings
        latest = max(self._done.values(), default=0.0)
        earliest = min((e.origin.time for e in self.ledger.open_events(latest)), default=latest)
        for code, traces in found.items():
            done = self._done.get(code)
            if done is not None:
                self.records.forget(traces, min(done - s.context, earliest) - s.lead)

    def _latency(self, name: str, arrivals: Mapping[str, Arrival]) -> float | None:
        """Seconds since the record came that holds the last onset used; None where no onset is of this step."""
        came = []
        for used in self.store.event(name).origin.used:
            arrival = arrivals.get(used.arrival)
            if arrival is None or arrival.station not in self.arrays:
                continue
            for site in self.arrays[arrival.station].sites:
                when = self.records.received(site.code, arrival.time)
                came += [] if when is None else [when]
        return self.clock() - max(came) if came else None


def _name(arrival: Arrival, code: str) -> str:
    return f"{code}.{moment(arrival.time):%Y%m%dT%H%M%S.%f}"[:-3]


def _only(arrival: Arrival) -> Bulletin:
    return Bulletin(start=arrival.time, end=arrival.time, arrivals=(arrival,))
