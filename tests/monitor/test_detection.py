"""The exact law of k detections among n: against every subset, the binomial law, and a slow root."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import ndtr
from scipy.stats import binom

from detente.errors import DetenteError
from detente.monitor import _capability_kernel as kernel
from detente.monitor.capability import Settings, magnitude_at
from detente.monitor.detection import at_least, counts


def test_counts_equal_the_sum_over_every_subset() -> None:
    p = np.random.default_rng(2).uniform(0, 1, 9)
    law = np.zeros(10)
    for subset in product((0, 1), repeat=9):
        law[sum(subset)] += np.prod(np.where(subset, p, 1 - p))
    np.testing.assert_allclose(counts(p), law, rtol=1e-12)


@given(st.integers(1, 170), st.floats(1e-9, 1))
@settings(deadline=None)
def test_equal_stations_are_binomial(n: int, p: float) -> None:
    np.testing.assert_allclose(counts(np.full(n, p)), binom.pmf(np.arange(n + 1), n, p), atol=1e-12)


def test_a_probability_above_one_is_refused() -> None:
    with pytest.raises(DetenteError, match=r"1.5 is no probability"):
        counts([0.5, 1.5])


@given(st.lists(st.floats(1.0, 5.0), min_size=3, max_size=60), st.integers(1, 3), st.floats(0.01, 0.999))
@settings(deadline=None)
def test_the_kernel_finds_the_root_of_the_whole_law(thresholds: list[float], k: int, wanted: float) -> None:
    t = np.array(thresholds)
    asked = Settings(probability=wanted)
    slow = brentq(lambda m: at_least(k, ndtr((m - t) / asked.sd)) - wanted, -5, 12, xtol=1e-6)
    assert magnitude_at(t, k, asked) == pytest.approx(slow, abs=1e-4)


def test_too_few_stations_never_detect() -> None:
    assert magnitude_at(np.array([3.0, kernel.FAR]), 2, Settings()) is None
    assert magnitude_at(np.array([3.0]), 3, Settings()) is None
    with pytest.raises(DetenteError, match="choose k"):
        magnitude_at(np.array([3.0]), 4, Settings())
