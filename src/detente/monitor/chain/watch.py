"""The live chain: packets in, events out as soon as their signals are there; what was done survives a kill.

Every step is one transaction of the store: the arrivals and events found, how far each station has been searched, and
from which packet on the server must send again. A watch that was killed takes up at the last whole step.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import structs

from detente.errors import DetenteError
from detente.monitor.bulletin.records import MACHINE, Arrival, Bulletin, Event
from detente.monitor.bulletin.store import Notice, Store
from detente.monitor.bulletin.times import moment
from detente.monitor.chain.heard import heard_s
from detente.monitor.waves import health
from detente.monitor.waves.merge import assemble
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.seedlink import Packet
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array, Fault, Recording, Trace

Detect = Callable[[Sequence[Trace], Array], Sequence[Arrival]]
Associate = Callable[[Sequence[Arrival], Mapping[str, Array], Mapping[str, float]], Sequence[Event]]
Finish = Callable[[Event, Recording, Sequence[Arrival]], Event]
_SAME_ONSET_S = 2.0
_AGAIN_S = 3600.0
_LONGEST_S = 3600.0
_ONE_BY_ONE = ("gap", "overlap", "clock jump", "corrupt")
_MOST_TOLD = 10_000


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the watch waits for, all in seconds.

    `context`: record given to a detector before what is new; `warm_up`: record that a station must have sent before
    its first onset counts, for a detector must know the noise; `settle`: an onset is taken when so much record
    follows it; `step`: least new record worth a search; `most`: the longest piece searched at once, when catching
    up; `late`: a channel so far behind its array's first is not waited for; `horizon`: how long arrivals may still
    make or change an event; `quiet`: a station that sends nothing for so long is told. `least_stations`: how many
    must have seen an event before it is told; the data centre's bulletins ask for three.
    """

    context: float = 180.0
    warm_up: float = 60.0
    settle: float = 6.0
    step: float = 1.0
    most: float = 600.0
    late: float = 10.0
    horizon: float = 2400.0
    quiet: float = 120.0
    least_stations: int = 1


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What a step brought: an event found, revised or withdrawn, or a notice about a station's health.

    `latency_s`: from the receipt of the record that holds the event's last onset to the event.
    """

    kind: Literal["event", "revised", "withdrawn", "health"]
    when: float
    about: str
    detail: str = ""
    latency_s: float | None = None


class Watch:
    """Takes packets, keeps what the detectors need, and finds events step by step.

    Parameters: `detect` searches one array's traces; `associate` makes events of arrivals, given the seconds
    heard of each station; `finish` measures one
    event on the records held (magnitudes, screening, yield); `clock` tells the time, s UTC since 1970.
    """

    def __init__(
        self,
        store: Store,
        arrays: Mapping[str, Array],
        detect: Detect,
        associate: Associate,
        finish: Finish | None = None,
        *,
        settings: Settings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self.arrays = store, arrays
        self.detect, self.associate, self.finish = detect, associate, finish
        self.settings = settings or Settings()
        self.clock = clock
        self._placed = {site.code for array in arrays.values() for site in array.sites}
        self._held: dict[str, list[Trace]] = {}
        self._packets: dict[str, list[tuple[int, float]]] = {}
        self._received: dict[str, list[tuple[float, float]]] = {}
        self._last: dict[str, float] = {}
        self._silent: set[str] = set()
        self._busy = 0.0
        self._told: dict[tuple[str, str, int], float] = {}
        self._news: list[News] = []
        self._done: dict[str, float] = store.state("done") or {}
        self._numbers: dict[str, int] = store.state("numbers") or {}
        self._heard: dict[str, float] = store.state("heard") or {}

    def resume(self) -> dict[str, int]:
        """The last packet of each station that need not be sent again."""
        return dict(self._numbers)

    def expect(self, stations: Sequence[str]) -> None:
        """These stations NET_STA should send: their silence is told even if they never began."""
        for station in stations:
            self._last.setdefault(station, self._listening())

    def add(self, packet: Packet) -> None:
        """One packet: its samples are held for the next step, its faults told."""
        now = self.clock()
        self._last[packet.station] = self._listening()
        if packet.station in self._silent:
            self._silent.discard(packet.station)
            self._health(packet.station, "sends again", "")
        found = health.check(read_miniseed(packet.data, packet.station), now=now)
        self._tell(found)
        end = max((t.end for t in found.traces), default=0.0)
        if packet.station.partition("_")[2] not in self._placed:
            lost = Fault(channel=packet.station, kind="no site", start=0.0, end=0.0, detail="place unknown")
            self._tell(Recording((), (lost,)))
            self._numbers[packet.station] = packet.number
            return
        if packet.number:
            # until anything is released a next watch must begin where this one did, not at "now"
            self._numbers.setdefault(packet.station, packet.number - 1)
            self._packets.setdefault(packet.station, []).append((packet.number, end))
        for trace in found.traces:
            self._held.setdefault(trace.id, []).append(trace)
            self._received.setdefault(trace.station, []).append((trace.end, now))

    def step(self, *, flush: bool = False) -> list[News]:
        """Search what is new, associate, and keep it all; `flush` takes even onsets at the very end."""
        self._check_silence()
        began = self.clock()
        try:
            return self._step(flush)
        finally:
            self._busy += self.clock() - began

    def _listening(self) -> float:
        """The clock less the time spent in steps: while the watch is busy it cannot say that others are silent."""
        return self.clock() - self._busy

    def _step(self, flush: bool) -> list[News]:
        recording = self._join()
        found, _ = by_array(recording, self.arrays)
        with self.store.transaction():
            fresh: list[Arrival] = []
            for code, traces in found.items():
                fresh += self._search(code, traces, flush)
            for arrival in fresh:
                self.store.put(_only(arrival))
            if fresh:
                self._events(fresh, recording)
            self._forget(found)
            self.store.set_state("done", self._done)
            self.store.set_state("numbers", self._numbers)
            self.store.set_state("heard", self._heard)
        news, self._news = self._news, []
        return news

    # -- records ---------------------------------------------------------------------------------------------

    def _join(self) -> Recording:
        joined = assemble(t for pieces in self._held.values() for t in pieces)
        self._tell(joined)
        self._held = {}
        for trace in joined.traces:
            self._held.setdefault(trace.id, []).append(trace)
        return joined

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
                self._health(code, "error", f"detection: {type(bad).__name__}: {bad}")
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
                name = f"{code}.{moment(arrival.time):%Y%m%dT%H%M%S.%f}"[:-3]
                fresh.append(structs.replace(arrival, id=name))
        return list({a.id: a for a in fresh}.values())

    def _forget(self, found: Mapping[str, list[Trace]]) -> None:
        """Let go of records that no search and no open event needs, and of the packets they came in."""
        s = self.settings
        for code, traces in found.items():
            done = self._done.get(code)
            if done is None:
                continue
            keep = min(done - s.context, self._earliest_open(done) - 60.0)
            for name in {t.id for t in traces}:
                held = [t.cut(keep, t.end) for t in self._held.get(name, []) if t.end > keep]
                self._held[name] = [structs.replace(t, samples=t.samples.copy()) for t in held]
            for station in {t.station for t in traces}:
                self._received[station] = [r for r in self._received.get(station, []) if r[0] > keep]
                for key in [k for k in self._packets if k.partition("_")[2] == station]:
                    self._release(key, keep)

    def _release(self, station: str, keep: float) -> None:
        """The server need not send again what comes before the first packet that is still needed."""
        waiting = self._packets[station]
        count = 0
        while count < len(waiting) and waiting[count][1] <= keep:
            count += 1
        if count:
            self._numbers[station] = waiting[count - 1][0]
            del waiting[:count]

    def _earliest_open(self, now: float) -> float:
        times = [e.origin.time for e in self.store.events("time >= ?", (now - self.settings.horizon,))]
        return min(times, default=now)

    # -- events ----------------------------------------------------------------------------------------------

    def _events(self, fresh: Sequence[Arrival], recording: Recording) -> None:
        begin = min(max(self._done.values()), *(a.time for a in fresh)) - self.settings.horizon
        # an event that is closed keeps its arrivals: those that came late must not make it anew
        closed = self.store.events("time >= ? AND time < ?", (begin - _LONGEST_S, begin))
        spent = {u.arrival for e in closed for u in e.origin.used}
        arrivals = [a for a in self.store.arrivals(begin) if a.id not in spent]
        try:
            heard = {code: min(s, self._done[code] - begin) for code, s in self._heard.items()}
            events = self.associate(arrivals, self.arrays, heard)
        except Exception as bad:  # told, and tried again with the next arrival
            self._health("network", "error", f"association: {type(bad).__name__}: {bad}")
            return
        open_events = {e.id: e for e in self.store.events("time >= ?", (begin,))}
        taken: set[str] = set()
        seen = [e for e in events if len({u.station for u in e.origin.used}) >= self.settings.least_stations]
        for event in sorted(seen, key=lambda e: -len(e.origin.used)):
            old = _same(event, [e for k, e in open_events.items() if k not in taken])
            if old is not None:
                taken.add(old.id)
            self._publish(event, old, recording, arrivals)
        for name in set(open_events) - taken:
            if not open_events[name].changes:  # what an analyst has touched stays
                self.store.withdraw(name, who=MACHINE, reason="its arrivals no longer make an event")
                self._news.append(News(kind="withdrawn", when=self.clock(), about=name))

    def _publish(
        self, event: Event, old: Event | None, recording: Recording, arrivals: Sequence[Arrival]
    ) -> None:
        if old is not None and _essence(old) == _essence(event):
            return
        if old is not None and any(c.who != MACHINE for c in old.changes):
            return
        name = old.id if old is not None else self._name(event)
        event = structs.replace(event, id=name)
        if self.finish is not None:
            try:
                event = self.finish(event, recording, arrivals)
            except Exception as bad:  # an event without a magnitude is better than none
                self._health(name, "error", f"measuring: {type(bad).__name__}: {bad}")
        self.store.put(Bulletin(start=event.origin.time, end=event.origin.time, events=(event,)))
        now = self.clock()
        kind: Literal["event", "revised"] = "event" if old is None else "revised"
        o = event.origin
        detail = f"{moment(o.time, 2):%Y-%m-%d %H:%M:%S} {o.lat:.3f} {o.lon:.3f} depth {o.depth_km:.0f} km"
        detail += f", {len({u.station for u in o.used})} stations"
        for m in event.magnitudes[:1]:
            detail += f" {m.kind} {m.value:.1f}"
        self._news.append(
            News(
                kind=kind, when=now, about=name, detail=detail, latency_s=self._latency(event, arrivals, now)
            )
        )

    def _name(self, event: Event) -> str:
        name = f"{moment(event.origin.time):%Y%m%dT%H%M%S}"
        taken = {e.id for e in self.store.events("id LIKE ?", (f"{name}%",))}
        return name if name not in taken else f"{name}-{len(taken)}"

    def _latency(self, event: Event, arrivals: Sequence[Arrival], now: float) -> float | None:
        """Seconds since the record came that holds the last onset used."""
        by_name = {a.id: a for a in arrivals}
        came = []
        for used in event.origin.used:
            arrival = by_name.get(used.arrival)
            if arrival is None or arrival.station not in self.arrays:
                continue
            for site in self.arrays[arrival.station].sites:
                after = [w for end, w in self._received.get(site.code, []) if end > arrival.time]
                came += after[:1]
        return now - max(came) if came else None

    # -- health ----------------------------------------------------------------------------------------------

    def _check_silence(self) -> None:
        now = self._listening()
        for station, last in self._last.items():
            if now - last > self.settings.quiet and station not in self._silent:
                self._silent.add(station)
                self._health(station, "silent", f"nothing came for {now - last:.0f} s")

    def _tell(self, recording: Recording) -> None:
        """Faults in time one by one, lasting ones no more than once an hour for a channel."""
        now = self.clock()
        for fault in recording.faults:
            key = (fault.channel, fault.kind, round(fault.start) if fault.kind in _ONE_BY_ONE else 0)
            if now - self._told.get(key, -_AGAIN_S) >= _AGAIN_S:
                self._told[key] = now
                self._health(fault.channel, fault.kind, fault.detail)
        if len(self._told) > _MOST_TOLD:
            self._told = {k: t for k, t in self._told.items() if now - t < _AGAIN_S}

    def _health(self, channel: str, kind: str, detail: str) -> None:
        notice = Notice(self.clock(), channel, kind, detail[:500])
        self.store.notify(notice)
        self._news.append(News(kind="health", when=notice.moment, about=channel, detail=f"{kind}: {detail}"))


def _only(arrival: Arrival) -> Bulletin:
    return Bulletin(start=arrival.time, end=arrival.time, arrivals=(arrival,))


def _same(event: Event, known: Sequence[Event]) -> Event | None:
    """The known event that shares at least half of the arrivals of the smaller of the two, the most if several."""
    ours = {u.arrival for u in event.origin.used}
    best, most = None, 0
    for other in known:
        theirs = {u.arrival for u in other.origin.used}
        shared = len(ours & theirs)
        if shared > most and 2 * shared >= min(len(ours), len(theirs)):
            best, most = other, shared
    return best


def _essence(event: Event) -> Any:
    """What makes a revision worth telling: the arrivals used, the place to 0.01 degrees, the time to 0.1 s."""
    o = event.origin
    used = tuple(sorted((u.arrival, u.phase) for u in o.used))
    return used, round(o.lat, 2), round(o.lon, 2), round(o.time, 1), round(o.depth_km)


def check_stations(arrays: Mapping[str, Array], stations: Sequence[str]) -> None:
    """Raises DetenteError where none of the stations NET_STA has a known place."""
    known = {site.code for array in arrays.values() for site in array.sites}
    if not any(s.partition("_")[2] in known for s in stations):
        raise DetenteError("no station's place is known", fix="give their StationXML with --stations")
