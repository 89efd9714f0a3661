"""The watch on a local replay: from the receipt of the last onset's record to the event, with the real steps."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench._report import line

_SPEED = 4.0
_START, _END = 1_504_409_300.0, 1_504_409_650.0  # 2017-09-03, 03:28:20 to 03:34:10


def main() -> None:
    from bench.real_records import waveforms

    folder = waveforms()
    if folder is None:
        print("no real records: set DETENTE_DATA", flush=True)
        return
    told, seconds = _watch(folder / "dprk")
    first = next((n for n in told if n.kind == "event"), None)
    events = sum(n.kind == "event" for n in told)
    withdrawn = sum(n.kind == "withdrawn" for n in told)
    line(f"replay of 26 stations at {_SPEED:g} times their speed", seconds, "s")
    line(
        "  events told less those withdrawn", events - withdrawn, "events", "1", kept=events - withdrawn == 1
    )
    if first is None or first.latency_s is None:
        line("  latency", float("nan"), "s", "< 30 s", kept=False)
        return
    worst = max(n.latency_s for n in told if n.kind == "event" and n.latency_s is not None)
    line("  last onset's record received to event told (worst)", worst, "s", "< 30 s", kept=worst < 30)


def _watch(folder: Path):  # type: ignore[no-untyped-def]
    import time

    from bench.real_records import places
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.watch import News, Settings, Watch
    from detente.monitor.chain.watch_run import STORE, Line, run
    from detente.monitor.chain.watch_steps import steps, warm
    from detente.monitor.waves import response
    from detente.monitor.waves.read import read
    from detente.monitor.waves.seedlink_server import Replay

    recording = read(folder / "2017-09-03_regional_20Hz.mseed", start=_START, end=_END)
    arrays = places(folder.parent)
    responses = response.load(folder / "2016-09-09")
    server = Replay(recording.traces, speed=_SPEED).start()
    told: list[News] = []
    warm(arrays)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, Store(Path(name) / STORE) as store:
        watch = Watch(store, arrays, *steps(arrays, responses), settings=Settings(least_stations=3))
        stations = {r.station: () for r in server.records}
        run(watch, Line("127.0.0.1", server.port, stations, {}), Path(name), tell=told.append, idle_s=6.0)
    server.stop()
    return told, time.monotonic() - began
