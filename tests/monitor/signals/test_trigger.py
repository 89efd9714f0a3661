"""Filters and triggers against scipy and obspy, and in pieces as in one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import sosfilt

from detente.errors import DetenteError
from detente.monitor.signals import trigger
from detente.monitor.signals.filters import OCTAVES, Bank, band_pass
from detente.monitor.signals.synthetic import make_day
from detente.monitor.signals.trigger import classic_sta_lta, triggers

RATE = 40.0


@pytest.fixture(scope="module")
def hour() -> np.ndarray:
    return make_day(seed=2, seconds=3600.0).panel.samples


def test_the_bank_filters_as_scipy_does(hour: np.ndarray) -> None:
    x = hour[:3, :8000]
    _, filtered = Bank(3, OCTAVES, RATE).run(x, keep=True)
    for b, band in enumerate(OCTAVES):
        want = sosfilt(band_pass(band, RATE), x.astype(float), axis=1)
        np.testing.assert_allclose(filtered[:, b].T, want, atol=2e-4 * np.abs(x).max())


def test_the_ratio_is_obspys_recursive_one(hour: np.ndarray) -> None:
    from obspy.signal.trigger import recursive_sta_lta

    x = hour[:2, :20000]
    ratio, _ = Bank(2, OCTAVES[:3], RATE, sta_s=1.0, lta_s=30.0).run(x)
    for b, band in enumerate(OCTAVES[:3]):
        for c in range(2):
            want = recursive_sta_lta(sosfilt(band_pass(band, RATE), x[c].astype(float)), 40, 1200)
            np.testing.assert_allclose(ratio[1200:, b, c], want[1200:], rtol=3e-3)


def test_triggers_are_obspys(hour: np.ndarray) -> None:
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    bands = OCTAVES[1:6]
    found = triggers(hour, RATE, bands)
    same = total = 0
    for c in range(len(hour)):
        for b, band in enumerate(bands):
            ratio = recursive_sta_lta(sosfilt(band_pass(band, RATE), hour[c].astype(float)), 40, 1200)
            ratio[:1200] = 0
            want = [tuple(map(int, t)) for t in trigger_onset(ratio, 3.5, 1.5)]
            k = (found.channel == c) & (found.band == b)
            got = list(zip(found.on[k].tolist(), found.off[k].tolist(), strict=True))
            total += len(want)
            same += len(set(want) & set(got))
            assert abs(len(want) - len(got)) <= 1
            for a, z, peak in zip(found.on[k], found.off[k], found.peak[k], strict=True):
                assert peak == pytest.approx(ratio[a : z + 1].max(), rel=3e-3)
    assert same >= 0.99 * total > 100  # a ratio within 1e-4 of the threshold may fall to either side


def test_triggers_do_not_depend_on_the_threads(hour: np.ndarray) -> None:
    one, two = (triggers(hour, RATE, OCTAVES, threads=k) for k in (1, 2))
    assert np.array_equal(one.on, two.on) and np.array_equal(one.peak, two.peak)


def test_the_bank_gives_the_same_in_pieces(hour: np.ndarray) -> None:
    x = hour[:, :10000]
    whole, _ = Bank(9, OCTAVES, RATE, every=4).run(x)
    bank, parts, first = Bank(9, OCTAVES, RATE, every=4), [], 0
    for n in (1, 3, 2050, 777, 4000, 3169):
        parts.append(bank.run(x[:, first : first + n])[0])
        first += n
    assert first == 10000
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_classic_is_obspys(hour: np.ndarray) -> None:
    from obspy.signal.trigger import classic_sta_lta as theirs

    x = hour[0, :5000].astype(float)
    np.testing.assert_allclose(classic_sta_lta(x, 40, 1200), theirs(x, 40, 1200), rtol=1e-6, atol=1e-9)
    assert not classic_sta_lta(x[:100], 40, 1200).any()


def test_dead_channels_and_wrong_thresholds() -> None:
    assert len(triggers(np.zeros((2, 4000), np.float32), RATE, OCTAVES[:2])) == 0
    with pytest.raises(DetenteError, match="thresholds"):
        triggers(np.zeros((1, 100), np.float32), RATE, OCTAVES[:1], on=1.0, off=2.0)
    with pytest.raises(DetenteError, match="band-pass"):
        Bank(1, [(1.0, 30.0)], RATE)


def test_stretches_side_by_side_give_the_triggers_of_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # a day and a half of one channel runs in stretches; a shock a million times the noise spoils what some began with,
    # and a trigger lies across a meeting
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    rate, band, n = 20.0, (1.0, 3.0), 2_600_000
    rng = np.random.default_rng(3)
    x = rng.standard_normal((1, n)).astype(np.float32)
    for at in rng.integers(0, n - 4000, 200):
        x[0, at : at + 4000] += (30 * rng.standard_normal(4000) * np.exp(-np.arange(4000) / 800)).astype(
            np.float32
        )
    x[0, 970_000:970_400] *= 1e6
    again_run: list[int] = []
    onward = trigger._Chain.onward

    def counted(self: Any, before: Any, length: int) -> Any:
        again_run.append(before.end)
        return onward(self, before, length)

    monkeypatch.setattr(trigger._Chain, "onward", counted)
    found = triggers(x, rate, [band])
    assert len(again_run) == 1
    ratio = recursive_sta_lta(sosfilt(band_pass(band, rate), x[0].astype(float)), 20, 600)
    ratio[:600] = 0
    want = {tuple(map(int, t)) for t in trigger_onset(ratio, 3.5, 1.5)}
    got = set(zip(found.on.tolist(), found.off.tolist(), strict=True))
    assert len(want) > 300
    assert len(want & got) >= 0.995 * len(want) and abs(len(want) - len(got)) <= 1
    for a, z, peak in zip(found.on, found.off, found.peak, strict=True):
        assert peak == pytest.approx(ratio[a : z + 1].max(), rel=3e-3)
    for k in (2, 3):
        again = triggers(x, rate, [band], threads=k)
        assert np.array_equal(found.on, again.on) and np.array_equal(found.peak, again.peak)
