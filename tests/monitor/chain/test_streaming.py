"""A day read station by station and window by window against the same day held in memory."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from detente.monitor.bulletin.tables import read_json
from detente.monitor.chain.archive import PARTS, Job, day_path, make_day
from detente.monitor.chain.hear import Heard
from detente.monitor.chain.process import process
from detente.monitor.chain.sources import PAD_S, Held, Shelf, Windows
from detente.monitor.waves import response, sites
from detente.monitor.waves.masks import Mask, add_mask, cut_away, read_masks
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.sds import DAY, Archive
from detente.monitor.waves.slices import bytes_between
from detente.monitor.waves.trace import NS, Recording, Trace
from tests.monitor.character import _scene as scene

RING = [(azimuth, 3.0 + 0.9 * i) for i, azimuth in enumerate((10, 60, 115, 170, 215, 265, 310, 340))]
DAY_START = scene.TIME // DAY * DAY
POLES = """* NETWORK   (KNETWK): XX
* STATION    (KSTNM): {code}
* LOCATION   (KHOLE):
* CHANNEL   (KCMPNM): BH{part}
* START             : 2010-01-01T00:00:00
* END               : 2030-01-01T00:00:00
* LATITUDE          : {lat:.5f}
* LONGITUDE         : {lon:.5f}
* INPUT UNIT        : M
ZEROS 0
POLES 0
CONSTANT 1e9
"""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Two events at eight stations, with a dead stretch, a gap, seconds told twice, a copy and a mask."""
    folder = tmp_path_factory.mktemp("archive")
    arrays = scene.stations(RING)
    event = scene.event(arrays)
    made = {t.id: t for t in scene.recording(event, arrays, p=90.0, s=40.0, components="ZNE").traces}
    later = {t.id: t for t in scene.recording(event, arrays, p=60.0, s=90.0, components="ZNE", seed=2).traces}
    made |= {f"{k}2": msgspec.structs.replace(t, start_ns=t.start_ns + 2500 * NS) for k, t in later.items()}
    held = [msgspec.structs.replace(t, samples=np.round(30 * t.samples)) for t in made.values()]
    by = {(t.id, t.start_ns): t for t in held}
    first = sorted(by)
    dead = by[first[0]].samples
    dead[100 * 40 : 130 * 40] = 7.0  # across the beginning of the second event's windows too
    archive = Archive(folder / "sds")
    archive.write(held)
    twice = by[first[3]]
    gap = by[first[6]]
    again = twice.cut(twice.start + 50, twice.start + 60)
    copy = msgspec.structs.replace(by[first[9]], network="YY", station="S9")
    archive.write([msgspec.structs.replace(gap, station="S8"), again, copy])
    (path,) = (folder / "sds").glob("*/XX/S8/*/*")
    data = path.read_bytes()
    path.write_bytes(data[: 512 * 20] + data[512 * 25 :])  # five records lost
    for code, array in (arrays | {"S8": arrays["S4"], "S9": arrays["S1"]}).items():
        for part in "ZNE":
            text = POLES.format(code=code, part=part, lat=array.lat, lon=array.lon)
            (folder / "poles").mkdir(exist_ok=True)
            (folder / "poles" / f"{code}.{part}").write_text(text)
    start = scene.TIME + 200
    add_mask(
        folder / "masks.csv", Mask(channel="*.S2..BHN", start=start, end=start + 30, reason="spikes", who="a")
    )
    return Job(sds=str(folder / "sds"), stations=(str(folder / "poles"),), out=str(folder / "out"),
               masks=(str(folder / "masks.csv"),))  # fmt: skip


def _reference(job: Job, start: float, end: float) -> Recording:
    """All of it in memory at once."""
    whole = Archive(Path(job.sds)).read(start - PAD_S, end + PAD_S)
    whole = cut_away(whole, read_masks([Path(p) for p in job.masks]))
    return Recording(tuple(t.cut(start, end) for t in whole.traces), whole.faults)


def test_a_streamed_day_is_the_day_in_memory(job: Job) -> None:
    make_day(job, DAY_START)
    made = read_json(day_path(Path(job.out), "2017-07-14").read_bytes(), "made")
    responses = response.load([Path(p) for p in job.stations])
    recording = _reference(job, DAY_START - 1800, DAY_START + DAY + 1800)
    faults = (*recording.faults, *responses.missing(recording))
    recording = msgspec.structs.replace(recording, faults=faults)
    whole = process(recording, sites.load([Path(p) for p in job.stations]), responses)
    assert len(made.events) >= 2 and all(e.screening for e in made.events)
    assert max(len(e.magnitudes) for e in made.events) >= 2
    assert made.arrivals == whole.arrivals
    assert made.events == whole.events
    assert sorted(made.faults) == sorted(whole.faults)
    kinds = {f.split(": ")[1] for f in made.faults}
    assert kinds >= {"dead", "gap", "duplicate", "masked"}


def test_a_day_goes_on_at_the_next_station(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    other = msgspec.structs.replace(job, out=f"{job.out}-cut")
    read = Shelf.read
    asked: list[str] = []

    def dies(self: Shelf, channels: list[str], *span: float) -> Recording:
        asked.append(f"{min(channels)} {len(span)}")  # a day has no span, a window has
        if len(asked) == 5:
            raise KeyboardInterrupt
        return read(self, channels, *span)

    monkeypatch.setattr(Shelf, "read", dies)
    with pytest.raises(KeyboardInterrupt):
        make_day(other, DAY_START)
    parts = sorted((Path(other.out) / PARTS).rglob("*.json"))
    assert len(parts) == 4
    done = msgspec.json.decode(parts[0].read_bytes(), type=Heard)
    assert done.arrivals and done.traces
    parts[1].write_bytes(parts[1].read_bytes()[:100])  # torn: listened to again
    make_day(other, DAY_START)
    again = asked[5:]
    assert asked[0] not in again and asked[1] in again
    one, two = (day_path(Path(j.out), "2017-07-14") for j in (job, other))
    if not one.exists():
        make_day(job, DAY_START)
    assert one.read_bytes() == two.read_bytes()
    assert not list((Path(other.out) / PARTS).rglob("*.json"))


def test_windows_of_an_archive_are_those_of_memory(job: Job) -> None:
    arrays = sites.load([Path(p) for p in job.stations])
    start, end = DAY_START - 1800, DAY_START + DAY + 1800
    held = Windows(Held(_reference(job, start, end)), arrays)
    shelf = Windows(Shelf(Path(job.sds), start, end, masks=read_masks([Path(p) for p in job.masks])), arrays)
    event = scene.event(scene.stations(RING))
    for zero in (0.0, 130.0, 700.0, 2500.0):  # edges within the dead stretch, the gap, the mask
        origin = msgspec.structs.replace(event.origin, time=event.origin.time + zero)
        moved = msgspec.structs.replace(event, origins=(origin,))
        mine, theirs = held.about(moved).traces, shelf.about(moved).traces
        assert [(t.id, t.start_ns, t.rate_hz) for t in mine] == [
            (t.id, t.start_ns, t.rate_hz) for t in theirs
        ]
        assert all(np.array_equal(a.samples, b.samples) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize(("rate", "length"), [(40.0, 512), (1.0, 512), (0.1, 512), (100.0, 4096)])
def test_the_records_between_two_times_are_all_there(tmp_path: Path, rate: float, length: int) -> None:
    from detente.monitor.waves.miniseed import write_miniseed

    rng = np.random.default_rng(5)
    n = 400_000
    trace = Trace(
        "XX", "AAA", "", "BHZ", round(1_230_768_000 * NS), rate, rng.normal(0, 300, n).round().astype("f4")
    )
    path = tmp_path / "a.mseed"
    path.write_bytes(write_miniseed([trace], length=length))
    whole = path.stat().st_size
    for first in rng.uniform(0, n / rate * 0.95, 6):
        a, b = trace.start + first, trace.start + first + 0.02 * n / rate
        data = bytes_between(path, a, b)
        assert len(data) < 0.2 * whole
        (found,) = read_miniseed(data, "a").traces
        mine, theirs = trace.cut(a, b), found.cut(a, b)
        assert np.array_equal(mine.samples, theirs.samples) and abs(mine.start_ns - theirs.start_ns) < 1000
    assert len(bytes_between(path)) == whole
    assert read_miniseed(bytes_between(path, 0.0, 1.0), "a").traces == ()


def test_a_file_that_no_index_can_be_made_of_is_read_whole(tmp_path: Path) -> None:
    from detente.monitor.waves.miniseed import write_miniseed

    rng = np.random.default_rng(6)
    trace = Trace("XX", "AAA", "", "BHZ", 0, 40.0, rng.normal(0, 300, 400_000).round().astype("f4"))
    path = tmp_path / "a.mseed"
    for data in (
        write_miniseed([trace], version=3),
        write_miniseed([trace])[:-100],
        write_miniseed([trace], length=256) + write_miniseed([trace]),
        b"".join((r := bytearray(write_miniseed([trace])), r.__setitem__(5000, 0xFF), bytes(r))[2:]),
    ):
        path.write_bytes(data)
        assert len(bytes_between(path, 100.0, 200.0)) <= len(data)
        (found,) = {t.id for t in read_miniseed(bytes_between(path, 100.0, 200.0), "a").traces}
        assert found == "XX.AAA..BHZ"
