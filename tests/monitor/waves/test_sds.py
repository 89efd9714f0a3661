"""An SDS archive is read as obspy reads it, in windows that lose nothing and repeat nothing."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.waves.sds import DAY, Archive
from detente.monitor.waves.trace import Trace
from tests.monitor.waves._made import noise

obspy = pytest.importorskip("obspy")
D0 = 1_504_396_800.0  # 2017-09-03, midnight
NOW = 1.8e9


def trace(start: float, n: int, *, station: str = "MK01", seed: int = 1, rate: float = 1.0) -> Trace:
    return Trace("IM", station, "", "LHZ", round(start * 1e9), rate, noise(n, seed).astype(np.float32))


def test_a_written_archive_is_one_for_obspy_too(tmp_path: Path) -> None:
    from obspy.clients.filesystem.sds import Client

    whole = trace(D0 + DAY - 600.0, 1800)
    archive = Archive(tmp_path)
    names = [p.name for p in archive.write([whole])]
    assert names == ["IM.MK01..LHZ.D.2017.246", "IM.MK01..LHZ.D.2017.247"]
    start = obspy.UTCDateTime(whole.start)
    theirs = Client(str(tmp_path)).get_waveforms("IM", "MK01", "", "LHZ", start, start + 1799)
    assert len(theirs) == 1
    (ours,) = archive.read(whole.start, whole.end, now=NOW).traces
    assert np.array_equal(ours.samples, whole.samples)
    assert np.array_equal(theirs[0].data, whole.samples)


def test_adding_to_a_day_keeps_what_was_there(tmp_path: Path) -> None:
    whole = trace(D0, 3600)
    archive = Archive(tmp_path)
    archive.write([whole.cut(D0, D0 + 2000)])
    archive.write([whole.cut(D0 + 1500, D0 + 3600)])
    (ours,) = archive.read(D0, D0 + DAY, now=NOW).traces
    assert np.array_equal(ours.samples, whole.samples)


@pytest.mark.parametrize("step", [3600.0, 7000.0, DAY])
def test_windows_side_by_side_hold_every_sample_once(tmp_path: Path, step: float) -> None:
    pieces = [trace(D0 + 80_000.3, 30_000), trace(D0 + 1000.0, 3000, station="MK02", seed=2)]
    archive = Archive(tmp_path)
    archive.write(pieces)
    windows = list(archive.stream(D0, D0 + 2 * DAY, step=step, now=NOW))
    assert windows[0].start == D0
    assert windows[-1].end == D0 + 2 * DAY
    for piece in pieces:
        held = [t for w in windows for t in w.recording.traces if t.id == piece.id]
        assert np.array_equal(np.concatenate([t.samples for t in held]), piece.samples)
    silent = [f for w in windows for f in w.recording.faults if f.detail == "nothing in the archive"]
    assert "IM.MK02..LHZ" in {f.channel for f in silent}
    assert all((f.kind == "gap" and step <= f.end - f.start + 1e-6) or f.end == D0 + 2 * DAY for f in silent)


def test_a_margin_reaches_over_midnight(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.write([trace(D0, 2 * 86_400)])
    first, second = archive.stream(D0, D0 + 2 * DAY, margin=60.0, now=NOW)
    assert first.recording.traces[0].end == pytest.approx(D0 + DAY + 60)
    assert second.recording.traces[0].start == pytest.approx(D0 + DAY - 60)


def test_channels_are_chosen_by_pattern_and_broken_days_told(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    paths = archive.write([trace(D0, 600), trace(D0, 600, station="ARA0")])
    assert archive.channels(D0, D0 + 10, ["IM.MK*"]) == ("IM.MK01..LHZ",)
    assert archive.channels(D0, D0 + 10, ["*.ARA0.*.LHZ"]) == ("IM.ARA0..LHZ",)
    next(p for p in paths if "ARA0" in p.name).write_bytes(b"rubbish" * 100)
    found = archive.read(D0, D0 + DAY, now=NOW)
    assert [t.station for t in found.traces] == ["MK01"]
    assert [f.kind for f in found.faults] == ["corrupt"]
    with pytest.raises(DetenteError, match="no such archive"):
        Archive(tmp_path / "x").read(D0, D0 + 1)
    with pytest.raises(DetenteError, match="a step of"):
        list(archive.stream(D0, D0 + 1, step=0))


def test_a_long_archive_takes_the_memory_of_one_window(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for day in range(6):
        archive.write([trace(D0 + day * DAY, 86_400, seed=day)])
    list(archive.stream(D0, D0 + DAY, now=NOW))
    peaks = []
    for days in (1, 6):
        tracemalloc.start()
        for window in archive.stream(D0, D0 + days * DAY, step=DAY, now=NOW):
            assert window.recording.traces
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.2 * peaks[0]


def test_a_day_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    good = Trace("XX", "B", "", "BHZ", 1_504_396_800 * 10**9, 20.0, noise().astype(np.float32))
    (path,) = archive.write([good])
    folder = tmp_path / "2017/XX/A/BHZ.D"
    (folder / path.name.replace("XX.B.", "XX.A.")).mkdir(parents=True)  # a folder in a file's place
    found = archive.read(1_504_396_800.0, 1_504_400_000.0)
    assert [t.id for t in found.traces] == ["XX.B..BHZ"]
    assert [(f.channel, f.kind) for f in found.faults] == [("XX.A..BHZ", "corrupt")]
