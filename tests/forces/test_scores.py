"""Scores against their closed forms and laws, not against the code that uses them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm

from detente.forces.scores import covered, crps, pit


@pytest.mark.parametrize("truth", [-1.0, 0.0, 0.4, 2.5])
def test_crps_of_a_gaussian(truth: float) -> None:
    """Gneiting & Raftery (2007) eq. 21, normal: s * (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))."""
    x = np.random.default_rng(1).normal(0.2, 1.5, 400_000)
    z = (truth - 0.2) / 1.5
    expected = 1.5 * (z * (2 * norm.cdf(z) - 1) + 2 * norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert crps(x, truth) == pytest.approx(expected, abs=0.006)


def test_crps_of_a_point_is_its_error() -> None:
    assert crps(np.array([3.0]), 5.0) == 2.0
    assert crps(np.full(10, 3.0), 5.0) == 2.0


def test_crps_is_the_double_sum() -> None:
    """The sorted form against E|X - y| - E|X - X'| / 2 written out (fair: pairs of different members)."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=40), 0.3
    pairs = np.abs(x[:, None] - x[None, :]).sum() / (40 * 39)
    assert crps(x, y) == pytest.approx(np.abs(x - y).mean() - pairs / 2)


def test_the_true_forecast_has_the_best_expected_crps() -> None:
    rng = np.random.default_rng(3)
    truths = rng.normal(size=3000)
    scores = [
        np.mean([crps(rng.normal(m, s, 200), t) for t in truths])
        for m, s in ((0, 1), (0.7, 1), (0, 2.5), (0, 0.3))
    ]
    assert scores[0] == min(scores)


def test_pit_of_a_calibrated_forecast_is_uniform() -> None:
    rng = np.random.default_rng(4)
    values = [pit(rng.normal(size=500), float(t), rng) for t in rng.normal(size=2000)]
    assert kstest(values, "uniform").pvalue > 0.01
    rounded = [pit(np.round(rng.normal(size=500)), float(np.round(t)), rng) for t in rng.normal(size=2000)]
    assert kstest(rounded, "uniform").pvalue > 0.01


def test_coverage_counts_the_ends() -> None:
    draws = np.arange(101.0)
    assert covered(draws, 5.0) and covered(draws, 95.0)
    assert not covered(draws, 4.0) and not covered(draws, 96.0)
