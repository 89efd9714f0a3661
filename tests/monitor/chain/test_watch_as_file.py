"""What the watch ends with is what the chain of files gives of the same records; on the way there no false verdict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from detente.monitor.bulletin.records import MACHINE, Bulletin, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.find import all_in
from detente.monitor.chain.process import process
from detente.monitor.chain.watch import News, Settings, Watch
from detente.monitor.chain.watch_steps import steps
from detente.monitor.waves.health import check
from detente.monitor.waves.response import Responses
from detente.monitor.waves.seedlink import Packet
from detente.monitor.waves.seedlink_server import Replay
from detente.monitor.waves.trace import NS, Array, Recording, Trace
from tests.monitor.character import _scene as scene

pytest.importorskip("pymseed")
QUIET_S = 900.0
PLACES = [
    (azimuth, 2.6 + 0.6 * i) for i, azimuth in enumerate((20, 95, 150, 205, 275, 330, 50, 120, 240, 300))
]


def _watch(
    folder: Path, recording: Recording, arrays: dict[str, Array], responses: Responses, every_s: float
) -> tuple[list[News], list[Event], tuple[str, ...]]:
    """The records as packets in the order in which they would come, by their own clock; a step every so often."""
    server = Replay(recording.traces, speed=1.0)
    server.server_close()
    told: list[News] = []
    with Store(folder / "w") as store:
        begin, last, now = min(t.start for t in recording.traces), 0.0, 0.0
        watch = Watch(
            store, arrays, *steps(arrays, responses),
            settings=Settings(least_stations=3), clock=lambda: begin + now,
        )  # fmt: skip
        for record in server.records:
            now = record.at_s
            watch.add(Packet(record.station, record.number, record.data))
            if record.at_s - last > every_s:
                last = record.at_s
                told += watch.step()
        told += watch.step(flush=True)
        reasons = tuple(c.reason for c in store.changes() if c.who == MACHINE)
        return told, list(store.events()), reasons


def _after_noise(made: Recording, rms: float) -> tuple[Trace, ...]:
    """Whole counts, each trace with half an hour of its own noise before it: the watch has run for a while."""
    rng = np.random.default_rng(5)
    found = []
    for t in made.traces:
        before = rng.normal(0, rms, round(QUIET_S * t.rate_hz))
        counts = np.round(20 * np.concatenate([before, t.samples])).astype(np.float32)
        found.append(structs.replace(t, start_ns=t.start_ns - round(QUIET_S * NS), samples=counts))
    return tuple(found)


def _alike(live: Event, filed: Event, *, but: int = 0, units: float = 0.02) -> None:
    a, b = live.origin, filed.origin
    assert len({u.station for u in a.used} ^ {u.station for u in b.used}) <= but
    assert (a.lat, a.lon) == (pytest.approx(b.lat, abs=0.01), pytest.approx(b.lon, abs=0.01))
    assert (a.time, a.depth_km) == (pytest.approx(b.time, abs=0.1), pytest.approx(b.depth_km, abs=1.0))
    assert [m.kind for m in live.magnitudes] == [m.kind for m in filed.magnitudes]
    for one, other in zip(live.magnitudes, filed.magnitudes, strict=True):
        assert one.value == pytest.approx(other.value, abs=units)
    assert live.screening is not None and filed.screening is not None
    assert live.screening.verdict == filed.screening.verdict
    if filed.screening.p_explosion is not None:
        assert live.screening.p_explosion == pytest.approx(filed.screening.p_explosion, abs=0.02)


def _largest(bulletin: Bulletin) -> Event:
    return max(bulletin.events, key=lambda e: len({u.station for u in e.origin.used}))


def test_a_made_event_ends_as_the_chain_of_files_has_it(tmp_path: Path) -> None:
    arrays = scene.stations(PLACES)
    whole = scene.recording(
        scene.event(arrays), arrays, p=300.0, s=60.0, noise=4.0, rate=20.0, components="ZNE"
    )
    counts = _after_noise(whole, 4.0)
    recording, responses = Recording(counts), scene.instruments(arrays, "ZNE")
    filed = _largest(process(check(recording, now=scene.TIME + 1e6), arrays, responses))
    told, events, reasons = _watch(tmp_path, recording, arrays, responses, 8.0)
    live = max(events, key=lambda e: len({u.station for u in e.origin.used}))
    _alike(live, filed)
    mine = [n for n in told if n.about == live.id and n.kind in ("event", "revised")]
    assert [n.kind for n in mine] == ["event", *["revised"] * (len(mine) - 1)] and len(mine) >= 2
    assert "final" in mine[-1].detail and len(reasons) >= len(mine) - 1  # each revision is kept
    early = [n for n in mine if "cannot be screened" in n.detail]
    assert early and early[0] is mine[0]
    assert all_in(live, arrays) > scene.TIME + 200


@pytest.mark.soak
def test_the_test_of_2017_ends_as_the_chain_of_files_has_it(tmp_path: Path, waveforms: Path) -> None:
    from bench import real_records as real

    data = real.dprk(waveforms, "2017-09-03")
    filed = process(data.recording, data.arrays, data.responses)
    told, events, _ = _watch(tmp_path, data.recording, data.arrays, data.responses, 10.0)
    first = real.nearest(filed, real.seconds(real.TESTS[-1][1]))
    live = Bulletin(start=0.0, end=0.0, events=tuple(events))
    seen = real.nearest(live, real.seconds(real.TESTS[-1][1]))
    assert first is not None and seen is not None
    # noise rates differ, for the watch knows how long it has listened: another station's P is taken, or not
    _alike(seen, first, but=1, units=0.1)
    verdicts = {
        v
        for n in told
        if n.about == seen.id
        for v in ("earthquake-like", "not an explosion")
        if v in n.detail
    }
    assert not verdicts
    assert [e.id for e in events].count(seen.id) == 1
