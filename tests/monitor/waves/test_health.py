"""Sick channels are told by kind, and only what cannot be used is left out."""

from __future__ import annotations

import numpy as np
import pytest

from detente.monitor.waves import health
from detente.monitor.waves.trace import Recording, Trace
from tests.monitor.waves._made import noise

NOW = 1.8e9


def trace(x: np.ndarray, *, channel: str = "BHZ", start: float = 1.5e9, rate: float = 20.0) -> Trace:
    return Trace("IC", "MDJ", "00", channel, round(start * 1e9), rate, x.astype(np.float32))


def checked(*traces: Trace) -> tuple[list[str], tuple[Trace, ...]]:
    found = health.check(Recording(traces), now=NOW)
    return [f.kind for f in found.faults], found.traces


def test_a_well_channel_has_no_fault() -> None:
    smooth = np.round(2000 * np.sin(np.arange(8000) * 0.01))  # quantised crests stay flat for some samples
    assert checked(trace(noise()))[0] == []
    assert checked(trace(smooth))[0] == []
    assert checked(trace(np.round(noise(scale=1.2))))[0] == []


def test_numbers_that_are_none_split_the_trace() -> None:
    x = noise().astype(float)
    x[1000:1010] = np.nan
    x[3000] = np.inf
    kinds, left = checked(trace(x))
    assert kinds == ["not a number"]
    assert [t.samples.size for t in left] == [1000, 1990, 999]
    assert left[1].start == pytest.approx(1.5e9 + 1010 / 20)
    assert checked(trace(np.full(100, np.nan))) == (["not a number"], ())


def test_a_dead_stretch_is_left_out() -> None:
    x = noise()
    x[1000:1400] = 7
    kinds, left = checked(trace(x))
    assert kinds == ["dead"]
    assert [t.samples.size for t in left] == [1000, 2600]
    assert checked(trace(np.zeros(4000))) == (["dead"], ())
    x[1000:1100] = 7  # five seconds of one value: a quiet digitiser may do that
    x[1100:1400] = noise(300, seed=3)
    assert checked(trace(x))[0] == []


def test_a_clipped_channel_is_told_and_kept() -> None:
    wave = 3000 * np.sin(np.arange(4000) * 0.3) + noise()
    kinds, left = checked(trace(np.clip(wave, -2048, 2047)))
    assert kinds == ["clipped"]
    assert left[0].samples.size == 4000


def test_samples_of_tomorrow_are_left_out() -> None:
    late = trace(noise(), start=NOW + 86_400)
    half = trace(noise(), start=NOW - 100)
    kinds, left = checked(late, half)
    assert kinds == ["in the future", "in the future"]
    assert [t.end for t in left] == [pytest.approx(NOW + 60)]


def test_one_record_under_two_names_is_told() -> None:
    kinds, left = checked(trace(noise()), trace(noise(), channel="BHN"), trace(noise(seed=2), channel="BHE"))
    assert kinds == ["duplicate"]
    assert len(left) == 3


def test_a_rate_that_contradicts_the_name_is_told() -> None:
    assert checked(trace(noise(), rate=100.0))[0] == ["sampling rate"]
    assert checked(trace(noise(), channel="HHZ", rate=100.0))[0] == []


def test_the_real_records_have_the_faults_seen_by_eye(waveforms: object) -> None:
    from pathlib import Path

    from detente.monitor.waves.read import read

    folder = Path(str(waveforms)) / "nnsn/ARCHIVE"
    found = read(folder)
    copied = {f.channel: f.detail for f in found.faults if f.kind == "duplicate"}
    assert "NS.KTK1.00.SHZ" in copied["NS.NSS.00.SHZ"]  # one sample stream under two stations' names
    clipped = [f for f in found.faults if f.kind == "clipped"]
    assert any("-2048 or 2047" in f.detail for f in clipped)  # 12 bits
    assert not [f for f in read(folder.parent.parent / "dprk").faults if f.kind not in ("sampling rate",)]
