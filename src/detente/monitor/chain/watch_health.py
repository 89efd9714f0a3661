"""What the watch says of its stations' health: silence, clocks, faults; kept in the store, never an event."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detente.monitor.bulletin.store import Notice, Store
from detente.monitor.chain.watch_events import News
from detente.monitor.waves.trace import Recording

_AGAIN_S = 3600.0
_ONE_BY_ONE = ("gap", "overlap", "clock jump", "corrupt")
_MOST_TOLD = 10_000
_FEWEST = 3  # stations that can tell which of them is out of step


class Health:
    """Notices of stations NET_STA and channels.

    Parameters: `quiet_s`: so long a silence, or so far from the others' time, is told; `clock` s UTC.
    """

    def __init__(self, store: Store, quiet_s: float, clock: Callable[[], float]) -> None:
        self.store, self.quiet_s, self.clock = store, quiet_s, clock
        self.busy_s = 0.0
        self.silent: set[str] = set(store.state("silent") or ())  # who was silent when the last watch ended
        self._last: dict[str, float] = {}
        self._newest: dict[str, float] = {}
        self._out_of_step: set[str] = set()
        self._told: dict[tuple[str, str, int], float] = {}
        self._news: list[News] = []

    def news(self) -> list[News]:
        """What was told since last asked."""
        news, self._news = self._news, []
        return news

    def expect(self, stations: Sequence[str]) -> None:
        """These stations should send: their silence is told even if they never began."""
        for station in stations:
            self._last.setdefault(station, self._listening())

    def came(self, station: str, end: float | None) -> None:
        """A packet came whose last sample is at `end` (s UTC; None for nothing that can be read)."""
        self._last[station] = self._listening()
        if station in self.silent:
            self.silent.discard(station)
            self.ill(station, "sends again", "")
        if end is not None:
            self._newest[station] = max(end, self._newest.get(station, end))

    def look(self) -> None:
        """Tell who is silent, and whose time lies far from the middle of all."""
        now = self._listening()
        for station, last in self._last.items():
            if now - last > self.quiet_s and station not in self.silent:
                self.silent.add(station)
                self.ill(station, "silent", f"nothing came for {now - last:.0f} s")
        if len(self._newest) >= _FEWEST:
            middle = sorted(self._newest.values())[len(self._newest) // 2]
            for station, newest in self._newest.items():
                self._place_in_time(station, newest - middle)

    def _place_in_time(self, station: str, off: float) -> None:
        """A station whose newest record lies far from the middle of all is late, or its clock is wrong."""
        if abs(off) <= self.quiet_s:
            if station in self._out_of_step:
                self._out_of_step.discard(station)
                self.ill(station, "in step again", "")
        elif station not in self._out_of_step and station not in self.silent:
            self._out_of_step.add(station)
            side = (
                "behind the others: late, or its clock is" if off < 0 else "ahead of the others: its clock is"
            )
            self.ill(station, "out of step", f"{abs(off):.0f} s {side} wrong")

    def tell(self, recording: Recording) -> None:
        """Faults in time one by one, lasting ones no more than once an hour for a channel."""
        now = self.clock()
        for fault in recording.faults:
            key = (fault.channel, fault.kind, round(fault.start) if fault.kind in _ONE_BY_ONE else 0)
            if now - self._told.get(key, -_AGAIN_S) >= _AGAIN_S:
                self._told[key] = now
                self.ill(fault.channel, fault.kind, fault.detail)
        if len(self._told) > _MOST_TOLD:
            self._told = {k: t for k, t in self._told.items() if now - t < _AGAIN_S}

    def ill(self, channel: str, kind: str, detail: str) -> None:
        """One notice."""
        notice = Notice(self.clock(), channel, kind, detail[:500])
        self.store.notify(notice)
        self._news.append(News(kind="health", when=notice.moment, about=channel, detail=f"{kind}: {detail}"))

    def _listening(self) -> float:
        """The clock less the time spent in steps: while the watch is busy it cannot say that others are silent."""
        return self.clock() - self.busy_s
