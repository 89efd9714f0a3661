"""The linear programs against brute force over small hand-made laws."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.forces.permitted import UNBOUNDED, Tie, largest_force, smallest_cut
from detente.linear import LinearForm, Operator, Sense


def law(matrix: list[list[float]], bound: list[float], **more: object) -> LinearForm:
    low = np.array(matrix, dtype=float)
    n, width = low.shape
    words = tuple(f"limits/{k}" for k in range(n))
    given = {
        "party": "US",
        "items": tuple(f"row {k}" for k in range(width)),
        "low": low,
        "high": low,
        "bound": np.array(bound, dtype=float),
        "sense": (Sense.at_most,) * n,
        "unit": ("items",) * n,
        "provision": words,
        "citation": words,
        "sentence": words,
        "missing": ((),) * n,
    }
    return LinearForm(**{**given, **more})  # type: ignore[arg-type]


def brute(matrix: np.ndarray, bound: np.ndarray, value: np.ndarray, top: list[int], ties: list[Tie]) -> float:  # type: ignore[type-arg]
    best = -math.inf
    for x in itertools.product(*(range(t + 1) for t in top)):
        point = np.array(x)
        if (matrix @ point <= bound + 1e-9).all() and all(
            point[t.row] <= t.times * point[t.of] + 1e-9 for t in ties
        ):
            best = max(best, float(value @ point))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_the_largest_force_is_the_brute_force_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, bound = rng.integers(0, 4, (3, 4)).astype(float), rng.integers(5, 25, 3).astype(float)
    value, top = rng.integers(1, 6, 4).astype(float), [6, 6, 6, 6]
    ties = [Tie(3, 0, 2.0)]
    found = largest_force(
        law(matrix.tolist(), bound.tolist()), value, upper=np.array(top, float), ties=ties, whole=True
    )
    assert found.total == pytest.approx(brute(matrix, bound, value, top, ties))
    assert (matrix @ found.items <= bound + 1e-6).all()
    assert value @ found.items == pytest.approx(found.total)


@pytest.mark.parametrize("seed", range(4))
def test_the_smallest_cut_is_the_brute_force_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix, has = rng.integers(0, 3, (2, 3)).astype(float), rng.integers(2, 8, 3).astype(float)
    bound = np.floor(0.6 * matrix @ has)
    found = smallest_cut(law(matrix.tolist(), bound.tolist()), has, whole=True)
    kept = brute(matrix, bound, np.ones(3), has.astype(int).tolist(), [])
    assert found.total == pytest.approx(has.sum() - kept)
    assert (matrix @ (has - found.items) <= bound + 1e-6).all()


def test_new_start_lets_bombers_carry_more_than_they_count() -> None:
    """One a bomber, whatever it carries: the most real warheads exceed 1550 by what the bombers hide."""
    # missiles, their warheads, bombers, their weapons
    form = law([[1, 0, 1, 0], [0, 1, 1, 0]], [700, 1550])
    ties = [Tie(1, 0, 8.0), Tie(3, 2, 16.0)]
    found = largest_force(
        form, np.array([0, 1, 0, 1.0]), upper=np.array([np.inf, np.inf, 60, np.inf]), ties=ties
    )
    assert found.total == pytest.approx(1550 - 60 + 60 * 16)
    assert "limits/1" in found.binding


def test_a_law_that_limits_nothing_asked_for_is_unbounded() -> None:
    found = largest_force(law([[1, 0]], [10]), np.array([0.0, 1.0]))
    assert math.isinf(found.total) and found.note == UNBOUNDED


def test_a_bound_that_nobody_knows_binds_nothing() -> None:
    found = largest_force(law([[1.0]], [math.nan]), np.array([1.0]), upper=np.array([5.0]))
    assert found.total == 5


def test_an_operator_or_an_undecided_row_is_refused() -> None:
    op = Operator(kind="max", limit=0, parts=np.ones((2, 1, 1)))
    with pytest.raises(DetenteError, match="more than its matrix"):
        largest_force(law([[1.0]], [1.0], operators=(op,)), np.ones(1))
    with pytest.raises(DetenteError, match="more than its matrix"):
        largest_force(law([[1.0]], [1.0], high=np.array([[2.0]])), np.ones(1))


def test_a_floor_that_cannot_be_reached_is_refused() -> None:
    form = law([[1.0]], [10.0], sense=(Sense.at_least,))
    with pytest.raises(DetenteError, match="no force satisfies"):
        largest_force(form, np.ones(1), upper=np.array([5.0]))
    assert largest_force(form, -np.ones(1), upper=np.array([50.0])).items == pytest.approx([10.0])
