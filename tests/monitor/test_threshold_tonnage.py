"""Threshold monitoring against closed forms and simulation; tonnes against the law and published figures."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from detente.errors import DetenteError
from detente.monitor.magnitude_yield import magnitude_of_yield
from detente.monitor.threshold import upper_limit
from detente.monitor.tonnage import (
    COUPLED,
    DECOUPLED,
    SEVENTY_BY_AMPLITUDE,
    SEVENTY_BY_YIELD,
    Coupling,
    tonnes,
)


def test_one_station_limits_at_its_magnitude_plus_its_quantile() -> None:
    assert upper_limit([3.0], 0.3) == pytest.approx(3.0 + 0.3 * ndtri(0.9), abs=1e-6)


def test_n_equal_stations_have_the_closed_form() -> None:
    for n in (2, 5, 40):
        expected = 3.0 + 0.3 * ndtri(1 - 0.1 ** (1 / n))
        assert upper_limit(np.full(n, 3.0), 0.3) == pytest.approx(expected, abs=1e-6)


def test_an_event_at_the_limit_would_have_shown_nine_times_in_ten() -> None:
    rng = np.random.default_rng(5)
    noise = rng.uniform(2.0, 4.0, 12)
    limit = upper_limit(noise, 0.3)
    shown = (limit + 0.3 * rng.normal(size=(40_000, 12)) > noise).any(axis=1).mean()
    assert shown == pytest.approx(0.9, abs=0.01)


def test_stations_without_data_do_not_limit_and_no_station_is_no_limit() -> None:
    assert upper_limit([3.0, np.nan], 0.3) == pytest.approx(float(upper_limit([3.0], 0.3)))
    assert np.isnan(upper_limit([np.nan], 0.3))
    over_time = upper_limit(np.array([[3.0, 4.0], [2.0, np.nan]]), 0.3)
    assert over_time.shape == (2,) and over_time[0] < 3.4
    with pytest.raises(DetenteError, match="sd > 0"):
        upper_limit([3.0], 0.0)


def test_tonnes_of_275_are_the_published_readings() -> None:
    """mb 2.75 at slope 0.75: 5 t coupled, 379 t by a yield factor 70, 1.56 kt by amplitude."""
    assert tonnes(2.75, COUPLED)[0] == pytest.approx(5.4, abs=0.1)
    assert tonnes(2.75, SEVENTY_BY_YIELD)[0] == pytest.approx(379, rel=0.01)
    assert tonnes(2.75, SEVENTY_BY_AMPLITUDE)[0] == pytest.approx(1560, rel=0.03)


def test_tonnes_and_magnitude_are_inverse() -> None:
    for y in (0.01, 0.5, 3.0, 150.0):
        low, high = tonnes(magnitude_of_yield(y, small_slope=1.0), COUPLED)
        assert high == pytest.approx(1000 * y, rel=1e-3) and low <= high * 1.0001


def test_a_cavity_hides_more_and_a_larger_one_not_less() -> None:
    m = 3.0
    tamped = tonnes(m, COUPLED)[1]
    partial = [float(tonnes(m, Coupling("c", "granite", 500.0, r))[1]) for r in (5.0, 15.0, 30.0, 60.0)]
    assert tamped <= partial[0] * 1.001 and partial == sorted(partial)
    assert partial[-1] <= tonnes(m, DECOUPLED)[1] * 1.001


def test_no_yield_gives_an_absurd_magnitude() -> None:
    assert np.isnan(tonnes([-9.0, 20.0, np.nan], COUPLED)).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"rock": "cheese"},
        {"depth_m": 5.0},
        {"cavity_radius_m": 500.0},
        {"cavity_radius_m": -1.0},
        {"factor": 0.5},
    ],
)
def test_impossible_couplings_are_refused(bad: dict) -> None:
    with pytest.raises(DetenteError):
        Coupling("x", **bad)
