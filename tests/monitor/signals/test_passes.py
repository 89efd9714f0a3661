"""What a single sensor says of its own noise: rates that hold whatever the noise is; gaps that do not ring."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import sosfilt

from detente.monitor.signals.detect import Detector
from detente.monitor.signals.filters import band_pass
from detente.monitor.signals.gaps import Bridge
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.signals.synthetic import band_rms, noise
from detente.monitor.signals.threshold import Passes

RATE, HOURS = 20.0, 3.0
BANDS = ((0.75, 2.0), (1.0, 3.0), (2.0, 5.0))


def _samples(kind: str, rng: np.random.Generator) -> np.ndarray:
    n = round(HOURS * 3600 * RATE)
    if kind == "tails":
        return np.asarray(sosfilt(band_pass((0.3, 8.0), RATE), rng.standard_t(3, n)))
    x = noise(np.zeros((1, 2)), rng, seconds=HOURS * 3600, rate_hz=RATE)[0].astype(float)
    rms = band_rms(x[:24_000], RATE)
    if kind == "swells":
        knots = np.arange(round(HOURS * 180) + 2)
        return np.asarray(
            x * np.exp(np.interp(np.arange(n) / RATE / 20, knots, 0.35 * rng.standard_normal(knots.size)))
        )
    for at in rng.uniform(0, HOURS * 3600 - 20, round(40 * HOURS)):
        k, first = np.arange(200) / RATE, round(at * RATE)
        shape = np.sin(2 * np.pi * rng.uniform(1, 4) * k) * np.exp(-k)
        x[first : first + 200] += rms * (1 + 2 * rng.pareto(1.8)) * shape
    return np.asarray(x)


def _arrivals(x: np.ndarray, settings: DetectSettings) -> list[tuple[float, float]]:
    """Hours after the start, and how often a day such a ratio is passed, of each arrival."""
    like = Panel("S", ("XX.S..BHZ",), 0, RATE, np.zeros((1, 0), np.float32), np.zeros(1), np.zeros((1, 2)))
    detector = Detector(like, settings)
    found = [*detector.feed(x[None].astype(np.float32)), *detector.finish()]
    return [(a.time / 3600, float(a.why["passes_per_day"])) for a in found]


@pytest.mark.parametrize("kind", ["tails", "bursts", "swells"])
def test_arrivals_said_to_be_rare_are_rare_in_noise_of_every_kind_from_the_first_hour_on(kind: str) -> None:
    stations, per_day = 4, 60.0
    rows = np.array([
        row for k in range(stations)
        for row in _arrivals(_samples(kind, np.random.default_rng((60, k))), DetectSettings(bands_hz=BANDS))
    ])  # fmt: skip
    days = stations / 24
    for first, last in ((0.0, 1.0), (1.0, HOURS)):
        inside = rows[(rows[:, 0] >= first) & (rows[:, 0] < last)]
        allowed = per_day * days * (last - first)
        assert (inside[:, 1] <= per_day).sum() <= allowed + 2 * np.sqrt(allowed)
    assert (
        len(rows) > 2 * per_day * days * HOURS or kind == "swells"
    )  # the levels of model noise let many more through


def test_the_limit_leaves_out_what_is_common_and_keeps_what_is_rare() -> None:
    x = _samples("tails", np.random.default_rng(61))
    first = round(2.5 * 3600 * RATE)
    k = np.arange(300) / RATE
    x[first : first + 300] += 3000 * np.abs(x).std() * np.sin(2 * np.pi * 1.7 * k) * np.exp(-k / 3)
    few = _arrivals(x, DetectSettings(bands_hz=BANDS, most_per_day=30.0))
    many = _arrivals(x, DetectSettings(bands_hz=BANDS))
    assert 0 < len(few) < 0.5 * len(many)
    assert any(abs(hour - 2.5) < 0.001 for hour, _ in few)


def test_passes_are_ranks_among_the_blocks_before() -> None:
    rng = np.random.default_rng(62)
    kept = []
    for _ in range(300):
        counted = Passes(1.0, 0.0)
        counted.add((1 + rng.pareto(1.0, (100, 30)).max(axis=1).repeat(30)).astype(np.float32))
        kept.append(counted.per_day(1 + float(rng.pareto(1.0, 30).max()), 3000))
    rarest = 5 / 101 * 2880
    assert np.mean(np.array(kept) <= rarest) == pytest.approx(5 / 101, abs=0.04)
    assert Passes(1.0, 0.0).per_day(1e9, 0) == 2880  # nothing heard: nothing is rare


def test_a_gaps_edge_does_not_ring_and_pieces_do_not_matter() -> None:
    rng = np.random.default_rng(63)
    x = (1000 * np.sin(np.arange(6000) / RATE) + rng.standard_normal(6000)).astype(np.float32)[None]
    live = np.ones((1, 6000), bool)
    live[0, 2017:3500] = False
    x[~live] = 0.0
    whole = Bridge(1, RATE).over(x, live)
    bridge = Bridge(1, RATE)
    pieces = np.split(np.arange(6000), [1, 2016, 2017, 2018, 3499, 3500, 3600])
    parts = [bridge.over(x[:, part], live[:, part]) for part in pieces]
    assert np.array_equal(np.concatenate(parts, axis=1), whole)
    assert np.array_equal(whole[:, :2017], x[:, :2017]) and np.allclose(
        whole[:, 5000:], x[:, 5000:], atol=1e-3
    )
    sections = band_pass((1.0, 3.0), RATE)
    after = slice(3480, 3700)
    rings = [np.abs(sosfilt(sections, y[0].astype(float))[after]).max() for y in (x, whole)]
    assert rings[1] < 0.1 * rings[0]
