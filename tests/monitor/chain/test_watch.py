"""The watch finds each event once, whatever way the packets come, however often it is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec import structs

from detente.monitor.bulletin.quakeml import read_quakeml
from detente.monitor.bulletin.records import Arrival
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.watch import News, Watch
from detente.monitor.chain.watch_run import STORE, Line, republish, run
from detente.monitor.waves.miniseed import read_miniseed, record_length, write_miniseed
from detente.monitor.waves.seedlink import Packet
from detente.monitor.waves.seedlink_server import Replay
from detente.monitor.waves.trace import Trace
from tests.monitor.chain import _watched
from tests.monitor.chain._watched import ARRAYS, DELAY, SETTINGS, SOURCES, T0, associate, detect, traces

pytest.importorskip("pymseed")


class Clock:
    """Time as the test tells it."""

    def __init__(self) -> None:
        self.now = T0 + 1e6

    def __call__(self) -> float:
        return self.now


def packets(made: list[Trace]) -> list[Packet]:
    found = []
    for trace in made:
        data = write_miniseed([trace])
        at = 0
        while at < len(data):
            size = record_length(data[at:]) or 512
            found.append((at, trace.station, data[at : at + size]))
            at += size
    ordered = sorted(found, key=lambda f: f[0])  # the records of the three stations come in turn
    return [Packet(f"XX_{s}", i + 1, d) for i, (_, s, d) in enumerate(ordered)]


def watch(store: Store, clock: Clock | None = None, **changes: object) -> Watch:
    settings = structs.replace(SETTINGS, **changes)
    return Watch(store, ARRAYS, detect, associate, settings=settings, clock=clock or Clock())


def silence(n: int) -> list[Trace]:
    """The network's noise without any source."""
    x = np.round(np.random.default_rng(9).normal(0, 20, n)).astype(np.float32)
    return [structs.replace(t, samples=x) for t in traces()]


def check_whole(store: Store) -> None:
    """Every source once, with every station's arrival once."""
    events = list(store.events())
    assert [round(e.origin.time - T0) for e in events] == [round(s) for s in SOURCES]
    assert all(sorted(u.station for u in e.origin.used) == sorted(ARRAYS) for e in events)
    times = [(a.station, round(a.time - T0, 2)) for a in store.arrivals()]
    assert sorted(times) == sorted((c, round(s + DELAY[c], 2)) for c in ARRAYS for s in SOURCES)


@pytest.mark.parametrize("batch", [1, 7, 10**6])
def test_every_event_is_found_once_however_the_packets_come(tmp_path: Path, batch: int) -> None:
    with Store(tmp_path / "w") as store:
        w, news = watch(store), []
        all_packets = packets(traces())
        for i in range(0, len(all_packets), batch):
            for packet in all_packets[i : i + batch]:
                w.add(packet)
            news += w.step()
        news += w.step(flush=True)
        check_whole(store)
        assert sum(n.kind == "event" for n in news) == len(SOURCES)
        assert not [n for n in news if n.kind in ("health", "withdrawn")]


def test_packets_told_twice_and_stations_out_of_step_change_nothing(tmp_path: Path) -> None:
    rng = random.Random(5)
    with Store(tmp_path / "w") as store:
        w = watch(store)
        waiting = {c: [p for p in packets(traces()) if p.station == f"XX_{c}"] for c in ARRAYS}
        while any(waiting.values()):
            line = waiting[rng.choice([c for c, left in waiting.items() if left])]
            w.add(line[0])
            if rng.random() < 0.7:
                line.pop(0)  # else it comes again
            if rng.random() < 0.2:
                w.step()
        w.step(flush=True)
        check_whole(store)


def test_a_watch_that_is_begun_again_neither_loses_nor_doubles(tmp_path: Path) -> None:
    """Killed after any step: the next one asks the server from where it stopped."""
    kept = packets(traces())
    rng = random.Random(2)
    for _ in range(3):
        path = tmp_path / f"{rng.random()}"
        told: list[News] = []
        sent = 0
        while True:
            with Store(path) as store:
                w = watch(store)
                resume = w.resume()
                life = rng.randint(15, 90)
                fed = 0
                for packet in kept:
                    if packet.number <= resume.get(packet.station, 0):
                        continue
                    w.add(packet)
                    fed += 1
                    sent += 1
                    if fed % 3 == 0:
                        told += w.step()
                    if fed > life and packet.number < len(kept) - 1:
                        break  # dies with packets that no step has seen
                else:
                    told += w.step(flush=True)
                    check_whole(store)
                    break
        assert sum(n.kind == "event" for n in told) == len(SOURCES)
        assert sent < 8 * len(kept)


def test_killed_with_an_onset_in_hand_it_is_not_lost(tmp_path: Path) -> None:
    """Dies right after a step that has seen the packet with an onset's beginning, too fresh to be taken."""
    kept = packets(traces())
    ends = [max(t.end for t in read_miniseed(p.data, "x").traces) for p in kept]
    for code in ARRAYS:
        for source in SOURCES[1:3]:
            onset = T0 + source + DELAY[code]
            last = next(i for i, p in enumerate(kept) if p.station == f"XX_{code}" and ends[i] > onset)
            path = tmp_path / f"{code}{source}"
            with Store(path) as store:
                w = watch(store, settle=60.0)
                for packet in kept[: last + 1]:
                    w.add(packet)
                    w.step()
            with Store(path) as store:
                w = watch(store, settle=60.0)
                resume = w.resume()
                for packet in kept:
                    if packet.number > resume.get(packet.station, 0):
                        w.add(packet)
                w.step(flush=True)
                check_whole(store)


def test_a_silent_station_is_a_notice_and_no_event(tmp_path: Path) -> None:
    clock = Clock()
    with Store(tmp_path / "w") as store:
        w = watch(store, clock)
        w.expect(["XX_AAA", "XX_BBB", "XX_ZZZ"])
        quiet = silence(6000)
        kept = packets(quiet)
        news = []
        for i, packet in enumerate(kept):
            clock.now = T0 + 1e6 + 300.0 * i / len(kept)
            if packet.station != "XX_BBB":
                w.add(packet)
            news += w.step()
        assert [(n.kind, n.about) for n in news] == [("health", "XX_BBB"), ("health", "XX_ZZZ")]
        assert all("silent" in n.detail for n in news)
        clock.now += 500.0
        assert {n.about for n in w.step()} == {"XX_AAA", "XX_CCC"}
        w.add(next(p for p in kept if p.station == "XX_BBB"))
        assert [(n.about, n.detail) for n in w.step()][:1] == [("XX_BBB", "sends again: ")]
        assert list(store.events()) == []
        assert [n.kind for n in store.notices()][-2:] == ["sends again", "out of step"]  # with an old record
        assert len(store.notices()) == 6


@pytest.mark.parametrize("off", [-900.0, 900.0])
def test_a_station_whose_clock_is_wrong_is_a_notice_and_no_event(tmp_path: Path, off: float) -> None:
    made = [
        structs.replace(t, start_ns=t.start_ns + round(off * 1e9)) if t.station == "CCC" else t
        for t in silence(4000)
    ]
    with Store(tmp_path / "w") as store:
        w, news = watch(store), []
        for packet in packets(made):
            w.add(packet)
            news += w.step()
        news += w.step(flush=True)
        assert [(n.kind, n.about, n.detail.split(":")[0]) for n in news] == [
            ("health", "XX_CCC", "out of step")
        ]
        assert ("ahead" if off > 0 else "behind") in news[0].detail
        assert list(store.events()) == []


def test_a_sick_or_unknown_station_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    def broken(pieces: list[Trace], array: object) -> tuple[Arrival, ...]:
        if pieces[0].station == "CCC":
            raise ZeroDivisionError("no")
        return detect(pieces, ARRAYS[pieces[0].station])

    with Store(tmp_path / "w") as store:
        w = Watch(store, ARRAYS, broken, associate, settings=SETTINGS, clock=Clock())  # type: ignore[arg-type]
        foreign = structs.replace(traces()[0], station="QQQ")
        late = structs.replace(traces()[0], start_ns=round((T0 + 2e6) * 1e9))
        for packet in [*packets(traces()), *packets([foreign]), *packets([late])]:
            w.add(packet)
        w.add(Packet("XX_AAA", 10**6, b"\x00rubbish" * 64))
        news = [n for n in w.step(flush=True) if n.kind == "health"]
        said = {(n.about, n.detail.split(":")[0]) for n in news}
        assert ("CCC", "error") in said
        assert ("XX_QQQ", "no site") in said
        assert ("XX_AAA", "corrupt") in said
        assert ("XX.AAA..BHZ", "in the future") in said
        assert len(list(store.events())) == len(SOURCES)  # two stations are enough


def test_what_an_analyst_has_changed_is_left_alone(tmp_path: Path) -> None:
    kept = packets(traces())
    with Store(tmp_path / "w") as store:
        w = watch(store)
        half = len(kept) // 2
        for packet in kept[:half]:
            w.add(packet)
        w.step()
        event = next(store.events())
        moved = structs.replace(event, origins=(structs.replace(event.origin, depth_km=5.0, by="Rosa"),))
        store.replace_event(moved, who="Rosa", reason="depth phase")
        for packet in kept[half:]:
            w.add(packet)
        w.step(flush=True)
        assert store.event(event.id).origin.depth_km == 5.0
        check_whole(store)


def test_onsets_before_the_noise_is_known_do_not_count(tmp_path: Path) -> None:
    with Store(tmp_path / "w") as store:
        w = watch(store, warm_up=130.0)  # the first source's waves come before
        for packet in packets(traces()):
            w.add(packet)
            w.step()
        w.step(flush=True)
        assert [round(e.origin.time - T0) for e in store.events()] == [round(s) for s in SOURCES[1:]]


def test_memory_is_let_go_of(tmp_path: Path) -> None:
    quiet = silence(40_000)
    with Store(tmp_path / "w") as store:
        w = watch(store)
        for packet in packets(quiet):
            w.add(packet)
            w.step()
        held, packets_held = w.records.size()
        assert held < 3 * 20 * (30 + 60 + 40)  # context, a minute before, what is not settled
        assert packets_held < 40


@contextmanager
def replay(speed: float) -> Iterator[Replay]:
    server = Replay(traces(), speed=speed).start()
    try:
        yield server
    finally:
        server.stop()


def test_over_the_line_with_files_and_latency(tmp_path: Path) -> None:
    told: list[News] = []
    with replay(600.0) as server, Store(tmp_path / STORE) as store:
        w = Watch(store, ARRAYS, detect, associate, settings=SETTINGS)
        line = Line("127.0.0.1", server.port, {f"XX_{c}": () for c in ARRAYS}, w.resume())
        run(w, line, tmp_path, tell=told.append, every_s=0.02, idle_s=0.7)
        check_whole(store)
        republish(store, tmp_path)
    files = sorted((tmp_path / "events").glob("*.xml"))
    assert len(files) == len(SOURCES)
    assert len(read_quakeml(files[0].read_bytes()).arrivals) == 3
    lines = [msgspec.json.decode(x, type=News) for x in (tmp_path / "news.jsonl").read_bytes().splitlines()]
    assert [n.kind for n in lines] == [n.kind for n in told if n.about != "line"]
    assert all(n.latency_s is not None and n.latency_s >= 0 for n in lines if n.kind == "event")


def _until_a_step_is_kept(folder: Path) -> None:
    until = time.monotonic() + 60.0
    while time.monotonic() < until:
        if (folder / STORE).is_file():
            with Store(folder / STORE) as store:
                if store.state("numbers"):
                    return
        time.sleep(0.02)


def test_killed_at_any_moment_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    rng = random.Random(11)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with replay(150.0) as server:
        command = [sys.executable, "-m", _watched.__name__, str(server.port), str(tmp_path)]
        deaths = 0
        for _ in range(4):
            child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
            _until_a_step_is_kept(tmp_path)  # a watch that never took a step has nothing to take up
            time.sleep(rng.uniform(0.8, 1.6))
            os.kill(child.pid, signal.SIGKILL)
            deaths += child.wait() == -signal.SIGKILL
        assert deaths == 4
        child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline() == "up\n"
        until = time.monotonic() + 90.0
        while time.monotonic() < until:
            time.sleep(0.2)
            with Store(tmp_path / STORE) as store:
                if len(list(store.events())) == len(SOURCES) and len(list(store.arrivals())) == 15:
                    break
        time.sleep(1.0)  # it may have had nothing left to do, and be about to say what a signal means to it
        child.send_signal(signal.SIGTERM)
        assert child.wait(60.0) == 0
    with Store(tmp_path / STORE) as store:
        check_whole(store)
    assert len(list((tmp_path / "events").glob("*.xml"))) == len(SOURCES)
