"""The chain on real tests with no hint of time or place; skipped where the records are absent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import real_records as real
from detente.monitor.chain.process import process
from detente.monitor.character.magnitudes import as_idc, body_wave


def _check(waveforms: Path, day: str) -> None:
    _, when, lat, lon, idc, published = next(t for t in real.TESTS if t[0] == day)
    data = real.dprk(waveforms, day)
    made = process(data.recording, data.arrays, data.responses)
    event = real.nearest(made, real.seconds(when))
    assert event is not None
    assert len({u.station for u in event.origin.used}) >= 3
    assert real.off_km(event, lat, lon) <= 30 and real.inside(event, lat, lon)
    assert as_idc(body_wave(event)) == pytest.approx(idc, abs=0.3)
    assert event.screening.verdict == "explosion-like" and event.screening.p_explosion > 0.9
    assert event.yields[0].low_kt <= published[0] and published[1] <= event.yields[0].high_kt
    if day == "2017-09-03":
        collapse = real.nearest(made, real.seconds(real.COLLAPSE[0]), 60)
        assert collapse is not None and collapse.id != event.id
        assert collapse.screening.verdict != "explosion-like"


def test_the_test_of_2013(waveforms: Path):
    _check(waveforms, "2013-02-12")


@pytest.mark.soak
@pytest.mark.parametrize("day", ["2006-10-09", "2009-05-25", "2016-09-09", "2017-09-03"])
def test_the_other_tests(waveforms: Path, day: str):
    _check(waveforms, day)
