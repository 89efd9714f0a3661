"""Draws: quantiles as printed, missing stays missing, parts add up, drivers get their share."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.forces.sensitivity import first_order, shares
from detente.forces.uncertainty import Total, disagreement, draws, reconcile, spread
from detente.inventory import Inventory, Item
from detente.sources import Quality, Source


def item(name: str, quality: Quality = Quality.estimate, **more: float) -> Item:
    return Item(
        id=name, party="CN", kind="warhead", unit="warheads", source=Source("a report", quality), **more
    )


def test_a_printed_range_holds_ninety_percent() -> None:
    made = draws(Inventory((item("a", low=80, best=100, high=160),)), n=200_000, seed=1)
    assert np.quantile(made.values[:, 0], (0.05, 0.5, 0.95)) == pytest.approx([80, 100, 160], rel=0.01)


def test_a_partys_own_figure_is_exact_and_an_estimate_is_not() -> None:
    declared, guess, doubtful = (
        item("a", Quality.official, best=1549),
        item("b", best=620),
        item("c", Quality.recalled, best=620),
    )
    made = draws(Inventory((declared, guess, doubtful)), n=50_000, seed=1)
    assert np.ptp(made.values[:, 0]) == 0
    assert np.log(made.values[:, 1]).std() == pytest.approx(disagreement("CN"), rel=0.02)
    assert spread(doubtful) == 1.5 * spread(guess)


def test_missing_and_half_open_counts_stay_unknown() -> None:
    made = draws(Inventory((item("a"), item("b", low=400))), n=10, seed=1)
    assert np.isnan(made.values).all()


def test_disagreement_is_measured_from_the_prints() -> None:
    """China's prints moved by 11 % in 2022 and rival estimates differ more than those of the United States."""
    assert disagreement("CN") > 5 * disagreement("US")
    assert disagreement("US") == pytest.approx(0.011, abs=0.004)  # 3,708 estimated, 3,748 released


def test_seeds_repeat_and_are_reported() -> None:
    rows = Inventory((item("a", best=100), item("b", best=5)))
    first, again, other = (draws(rows, n=50, seed=s) for s in (7, 7, 8))
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)
    assert first.seed == 7


def test_parts_keep_adding_to_a_constrained_total() -> None:
    rows = Inventory(
        (
            item("icbm", low=200, best=300, high=400),
            item("slbm", low=60, best=72, high=90),
            item("rest", best=50),
        )
    )
    total = np.full(5000, 410.0)
    made = draws(rows, n=5000, seed=3, totals=(Total(("icbm", "slbm", "rest"), total),))
    assert made.values.sum(axis=1) == pytest.approx(total)
    assert (made.values >= 0).all()
    assert (
        np.corrcoef(made.values[:, 0], made.values[:, 1])[0, 1] < -0.5
    )  # parts of a fixed total go against each other


def test_reconciling_is_conditioning_a_gaussian() -> None:
    """Far from zero the adjusted draws have the covariance of a Gaussian given its sum: V - VA'(AVA')^-1 AV."""
    rng = np.random.default_rng(0)
    sd = np.array([3.0, 2.0, 1.0])
    values = 1000 + sd * rng.normal(size=(200_000, 3))
    made = reconcile(values, np.ones((1, 3)), np.full((200_000, 1), 3000.0))
    v = np.diag(sd**2)
    expected = v - v @ np.ones((3, 1)) @ np.ones((1, 3)) @ v / (sd**2).sum()
    assert np.cov(made.T) == pytest.approx(expected, abs=0.06)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1000), min_size=2, max_size=6), st.floats(0, 5000))
def test_any_total_is_met_without_negative_parts(parts: list[float], total: float) -> None:
    rng = np.random.default_rng(1)
    values = np.abs(np.array(parts) * (1 + 0.3 * rng.normal(size=(20, len(parts)))))
    made = reconcile(values, np.ones((1, len(parts))), np.full((20, 1), total))
    assert made.sum(axis=1) == pytest.approx(np.full(20, total), abs=1e-4)
    assert (made >= 0).all()


def test_a_total_over_an_unknown_row_is_refused() -> None:
    rows = Inventory((item("a", best=10), item("b")))
    with pytest.raises(DetenteError, match="nobody knows"):
        draws(rows, n=5, seed=1, totals=(Total(("a", "b"), np.full(5, 10.0)),))
    with pytest.raises(DetenteError, match="unknown row 'z'"):
        draws(rows, n=5, seed=1, totals=(Total(("z",), np.full(5, 10.0)),))


def test_first_order_shares_of_the_ishigami_function() -> None:
    """Ishigami & Homma (1990), a = 7, b = 0.1: S1 = 0.3139, S2 = 0.4424, S3 = 0."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-math.pi, math.pi, (3, 200_000))
    y = np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])
    found = {s.input: s.share for s in shares(y, {"x1": x[0], "x2": x[1], "x3": x[2]})}
    assert found["x1"] == pytest.approx(0.3139, abs=0.01)
    assert found["x2"] == pytest.approx(0.4424, abs=0.01)
    assert found["x3"] == pytest.approx(0.0, abs=0.01)


def test_an_input_that_does_nothing_has_no_share() -> None:
    rng = np.random.default_rng(1)
    assert first_order(rng.normal(size=20_000), rng.normal(size=20_000)) < 0.005
    assert first_order(rng.normal(size=100), np.ones(100)) == 0.0
