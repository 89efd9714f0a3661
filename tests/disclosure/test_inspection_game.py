"""The games against backward induction, linear programming and each side's best answer."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from detente.disclosure.inspection_game import (
    Payoffs,
    Target,
    announced,
    announced_mix,
    at_once,
    cheapest_deterrent,
    deterring,
    dresher,
    recursive_value,
    stage,
)
from detente.disclosure.sampling import detection
from detente.errors import DetenteError

F = Fraction
rates = st.fractions(min_value=F(1, 20), max_value=F(20), max_denominator=20)


def test_the_deterring_chance() -> None:
    assert [deterring(F(1), F(r)) for r in (1, 4, 9)] == [F(1, 2), F(1, 5), F(1, 10)]


def test_dresher_published_values() -> None:
    values = {(12, 3): 0.552, (12, 6): 0.184, (52, 18): 0.340, (365, 18): 0.902}
    assert {k: round(float(dresher(*k)), 3) for k in values} == values


@pytest.mark.parametrize("caught", [F(1), F(1, 3), F(5)])
def test_the_closed_form_is_the_recursion(caught: Fraction) -> None:
    for n in range(1, 19):
        for m in range(n + 2):
            assert dresher(n, m, caught) == recursive_value(n, m, caught)


def test_small_games_by_linear_programming() -> None:
    """Each period's two-by-two game solved by linprog, backwards: an independent solver of the same game."""
    for caught in (1.0, 3.0):
        value = {(n, 0): float(n > 0) for n in range(9)}
        for n in range(1, 9):
            for m in range(1, 9):
                if m >= n:
                    value[n, m] = 0.0
                    continue
                a = np.array([[value[n - 1, m - 1], -caught], [value[n - 1, m], 1.0]])
                # the inspector mixes rows (p, 1-p) to keep the violator's best column low
                found = linprog(
                    [0, 0, 1], A_ub=np.c_[a.T, [-1, -1]], b_ub=[0, 0], A_eq=[[1, 1, 0]], b_eq=[1],
                    bounds=[(0, 1), (0, 1), (None, None)],
                )  # fmt: skip
                value[n, m] = found.fun
                assert float(dresher(n, m, F(int(caught)))) == pytest.approx(found.fun, abs=1e-8)
                assert float(stage(n, m, F(int(caught))).inspect) == pytest.approx(found.x[0], abs=1e-7)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 14), st.data(), rates)
def test_at_a_stage_neither_side_can_do_better(n: int, data: st.DataObject, caught: Fraction) -> None:
    m = data.draw(st.integers(1, n - 1))
    now = stage(n, m, caught)
    passed, spent = recursive_value(n - 1, m, caught), recursive_value(n - 1, m - 1, caught)
    p, q = now.inspect, now.violate
    assert p * spent + (1 - p) * passed == p * -caught + (1 - p) == now.value  # violator indifferent
    assert (1 - q) * spent - q * caught == (1 - q) * passed + q == now.value  # inspector indifferent
    assert 0 < p <= 1
    assert 0 <= q <= 1


@settings(max_examples=80, deadline=None)
@given(rates, rates, rates, rates, rates, st.fractions(F(1, 10), F(1), max_denominator=10))
def test_announcing_never_costs_the_inspector(
    gain: Fraction, loss: Fraction, harm: Fraction, part: Fraction, effort: Fraction, detects: Fraction
) -> None:
    pay = Payoffs(gain, loss, harm, harm * part / 21, effort, detects)
    assert announced(pay).inspector >= at_once(pay).inspector


def test_announcing_buys_legal_behaviour() -> None:
    pay = Payoffs(F(1), F(4), F(10), F(3), F(1, 2))
    together, first = at_once(pay), announced(pay)
    assert (first.violate, first.inspect) == (0, F(1, 5))
    assert together.violate > 0
    assert first.inspector > together.inspector


def test_the_equilibrium_leaves_both_sides_indifferent() -> None:
    pay = Payoffs(F(2), F(3), F(10), F(4), F(1), F(9, 10))
    play = at_once(pay)
    found = play.inspect * pay.detects
    assert (1 - found) * pay.gain - found * pay.loss == 0
    inspecting = -pay.effort - play.violate * (pay.detects * pay.alarm + (1 - pay.detects) * pay.harm)
    assert inspecting == -play.violate * pay.harm


targets = st.lists(
    st.builds(Target, st.just("t"), rates, st.fractions(F(1, 10), F(1), max_denominator=10)),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(targets, st.fractions(F(0), F(6), max_denominator=4), rates)
def test_the_announced_mix_is_the_linear_programs_optimum(
    sites: list[Target], visits: Fraction, loss: Fraction
) -> None:
    plan = announced_mix(sites, visits, loss)
    rows = [
        [-float((t.gain + loss) * t.detects) * (i == j) for j in range(len(sites))] + [-1.0]
        for i, t in enumerate(sites)
    ]
    best = linprog(
        [0.0] * len(sites) + [1.0],
        A_ub=[*rows, [1.0] * len(sites) + [0.0]],
        b_ub=[*(-float(t.gain) for t in sites), float(visits)],
        bounds=[(0, 1)] * len(sites) + [(0, None)],
    )
    assert float(plan.value) == pytest.approx(best.fun, abs=1e-7)
    assert all(0 <= p <= 1 for p in plan.chances)
    assert sum(plan.chances) <= visits
    worth = [t.gain - (t.gain + loss) * t.detects * p for t, p in zip(sites, plan.chances, strict=True)]
    assert max(worth) <= plan.value


def test_the_cheapest_deterrent_binds() -> None:
    plan = cheapest_deterrent(700, 50, lambda k: F(k), F(100))
    assert plan.value <= 0

    def worth(n: int, k: int) -> Fraction:
        p = detection(700, k, n)
        return (1 - p) * k - p * 100

    assert max(worth(plan.inspected, k) for k in range(1, 51)) <= 0
    assert max(worth(plan.inspected - 1, k) for k in range(1, 51)) > 0


def test_bad_payoffs_are_refused() -> None:
    with pytest.raises(DetenteError):
        deterring(F(0), F(1))
    with pytest.raises(DetenteError):
        Payoffs(F(1), F(1), F(1), F(2), F(0))
    with pytest.raises(DetenteError):
        announced_mix([], F(1), F(1))
