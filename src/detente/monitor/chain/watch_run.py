"""The watch as a process: connect, read on, reconnect; publish each event as a file; stop cleanly when told."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.bulletin.quakeml import write_quakeml
from detente.monitor.bulletin.records import MACHINE, Bulletin
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.watch import News, Watch
from detente.monitor.waves.seedlink import SILENCE_S, Packet, SeedLink

STORE = "watch.sqlite"
_QUEUE = 20_000
_BACKOFF = (1.0, 2.0, 5.0, 10.0, 30.0)


class Line(threading.Thread):
    """Reads packets in a thread of its own into a queue, and connects again when the line breaks."""

    def __init__(
        self,
        host: str,
        port: int,
        stations: Mapping[str, Sequence[str]],
        resume: Mapping[str, int],
        *,
        timeout_s: float = 20.0,
        silence_s: float = SILENCE_S,
    ) -> None:
        super().__init__(daemon=True)
        self.address, self.stations = (host, port), stations
        self.timeout_s, self.silence_s = timeout_s, silence_s
        self.last = dict(resume)
        self.packets: queue.Queue[Packet | str] = queue.Queue(_QUEUE)
        self.accepted: tuple[str, ...] = ()
        self.stopped = threading.Event()
        self.ended = False

    def run(self) -> None:
        """Until stopped or the server says that was all."""
        tries = 0
        while not self.stopped.is_set():
            link = SeedLink(*self.address, stations=self.stations, resume=self.last, timeout_s=self.timeout_s,
                            silence_s=self.silence_s)  # fmt: skip
            try:
                link.connect()
                self.accepted = link.accepted
                refused = [s for s in self.stations if s not in link.accepted]
                if refused:
                    self._put(f"the server has no {', '.join(refused[:20])}{' ...' if refused[20:] else ''}")
                for packet in link.packets(0.5):
                    if self.stopped.is_set():
                        return
                    if packet is not None:
                        tries = 0  # only now: a server that takes the call and says nothing is not up
                        self._put(packet)
                        self.last[packet.station] = packet.number
                self.ended = True
                return
            except Exception as bad:  # whatever the other end sends, the watch calls again
                told = isinstance(bad, DetenteError | OSError)
                self._put(str(bad) if told else f"{type(bad).__name__}: {bad}")
                self.stopped.wait(_BACKOFF[min(tries, len(_BACKOFF) - 1)])
                tries += 1
            finally:
                link.close()

    def _put(self, item: Packet | str) -> None:
        while not self.stopped.is_set():
            try:
                self.packets.put(item, timeout=0.5)
                return
            except queue.Full:
                continue


def run(
    watch: Watch,
    line: Line,
    out: Path,
    *,
    tell: Callable[[News], None],
    every_s: float = 0.5,
    idle_s: float = 0.0,
) -> None:
    """Watch until stopped by a signal, until the server ends, or until nothing came for `idle_s` (0: for ever)."""
    republish(watch.store, out)
    line.start()
    empty_s = 0.0  # counted while waiting only: a long step is not the stations' silence
    broken = ""
    with _signals(line.stopped):
        while not line.stopped.is_set():
            began = time.monotonic()
            items = _drain(line.packets, every_s)
            if any(isinstance(i, Packet) for i in items):
                empty_s, broken = 0.0, ""
            for item in items:
                if isinstance(item, Packet):
                    watch.add(item)
                elif item != broken:
                    broken = item
                    tell(News(kind="health", when=watch.clock(), about="line", detail=item))
            watch.expect(line.accepted)
            _say(watch.step(), watch.store, out, tell)
            if line.ended and line.packets.empty():
                break
            if idle_s and empty_s > idle_s:
                break
            pause = max(0.01, every_s - (time.monotonic() - began))
            line.stopped.wait(pause)
            empty_s += pause
    line.stopped.set()
    _say(watch.step(flush=line.ended or bool(idle_s)), watch.store, out, tell)
    line.join(2.0)


def _drain(packets: queue.Queue[Packet | str], most_s: float) -> list[Packet | str]:
    """What waits, for no longer than `most_s`."""
    items: list[Packet | str] = []
    until = time.monotonic() + most_s
    while time.monotonic() < until:
        try:
            items.append(packets.get_nowait())
        except queue.Empty:
            break
    return items


def _say(news: list[News], store: Store, out: Path, tell: Callable[[News], None]) -> None:
    if not news:
        return
    for item in news:
        if item.kind in ("event", "revised"):
            _publish(store, out, item.about)
        elif item.kind == "withdrawn":
            (out / "events" / f"{item.about}.xml").unlink(missing_ok=True)
        tell(item)
    with (out / "news.jsonl").open("ab") as file:
        file.write(b"".join(msgspec.json.encode(n) + b"\n" for n in news))


def _publish(store: Store, out: Path, name: str) -> None:
    event = store.event(name)
    people = tuple(
        c for c in event.changes if c.who != MACHINE
    )  # the watch's own revisions stay in the store
    event = msgspec.structs.replace(event, changes=people)
    wanted = {u.arrival for o in event.origins for u in o.used}
    times = [o.time for o in event.origins]
    arrivals = tuple(a for a in store.arrivals(min(times) - 60.0, max(times) + 3600.0) if a.id in wanted)
    alone = Bulletin(start=min(times), end=max(times), arrivals=arrivals, events=(event,))
    write_whole(out / "events" / f"{name}.xml", write_quakeml(alone))


def republish(store: Store, out: Path) -> None:
    """Write the files of events that a kill kept from being written, and none for those withdrawn."""
    folder = out / "events"
    there = {p.stem: p.stat().st_mtime for p in folder.glob("*.xml")} if folder.is_dir() else {}
    standing = set()
    for event in store.events():
        standing.add(event.id)
        if there.get(event.id, 0.0) < store.updated(event.id):
            _publish(store, out, event.id)
    for name in set(there) - standing:
        (folder / f"{name}.xml").unlink(missing_ok=True)


@contextmanager
def _signals(stopped: threading.Event) -> Iterator[None]:
    """SIGINT and SIGTERM end the watch after the step under way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old: dict[int, Any] = {}
    for which in (signal.SIGINT, signal.SIGTERM):
        old[which] = signal.signal(which, lambda *_: stopped.set())
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
