"""Bayes against enumeration, closed forms and a table worked by hand from the definition."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom

from detente.disclosure.inspection_posterior import (
    Prior,
    Visit,
    beta_binomial,
    flat,
    honest,
    parse_prior,
    update,
)
from detente.errors import DetenteError

F = Fraction


@pytest.mark.parametrize(
    ("inspected", "p_flat", "bound_flat", "p_half"),
    [(50, 0.066, 37, 0.779), (100, 0.126, 21, 0.878), (200, 0.251, 10, 0.944)],
)
def test_clean_samples_of_800(inspected: int, p_flat: float, bound_flat: int, p_half: float) -> None:
    plain = update(800, flat(50), [Visit(inspected)])
    assert round(float(plain.honest), 3) == p_flat
    assert plain.bound() == bound_flat
    assert round(float(update(800, honest(F(1, 2), 50), [Visit(inspected)]).honest), 3) == p_half


def test_the_definition_by_hand() -> None:
    """4 items, prior 1/2, 1/4, 1/4 on 0, 1, 2 false; two inspected, clean: chances 1, 1/2, 1/6."""
    prior = Prior("stated", (F(1, 2), F(1, 4), F(1, 4)))
    assert update(4, prior, [Visit(2)]).weights == (F(3, 4), F(3, 16), F(1, 16))


def test_a_flat_prior_over_all_counts_gives_the_rule_of_succession() -> None:
    """With a uniform prior on 0..N, after n clean of N: P(k=0) = (n+1)/(N+1) (hockey-stick identity)."""
    for n in (0, 1, 10, 99, 100):
        assert update(100, flat(100), [Visit(n)]).honest == F(n + 1, 101)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 6))
def test_beta_binomial_weights_agree_with_scipy(population: int, a: int, b: int) -> None:
    ours = [float(w) for w in beta_binomial(population, F(a), F(b)).weights]
    assert ours == pytest.approx([betabinom(population, a, b).pmf(k) for k in range(population + 1)])


def test_beta_binomial_is_conjugate() -> None:
    """After f found in n, the remaining false items are beta-binomial(N - n, a + f, b + n - f)."""
    after = update(40, beta_binomial(40, F(2), F(5)), [Visit(12, found=3)])
    rest = beta_binomial(28, F(2 + 3), F(5 + 9)).weights
    assert after.weights[3 : 3 + len(rest)] == rest
    assert sum(after.weights) == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 40), st.data())
def test_visits_in_any_order_tell_the_same(population: int, data: st.DataObject) -> None:
    sample = st.integers(0, population)
    first, second = Visit(data.draw(sample)), Visit(data.draw(sample))
    prior = honest(F(1, 3), population)
    assert (
        update(population, prior, [first, second]).weights
        == update(population, prior, [second, first]).weights
    )


def test_a_find_ends_the_belief_in_honesty() -> None:
    after = update(800, honest(F(99, 100), 50), [Visit(100), Visit(10, found=1)])
    assert after.honest == 0
    assert after.mean >= 1


def test_a_blind_inspector_learns_nothing() -> None:
    prior = flat(50)
    assert update(800, prior, [Visit(400, recognised=F(0))]).weights == prior.weights


def test_imperfect_looks_weigh_less() -> None:
    sharp, dim = (update(800, flat(50), [Visit(100, recognised=q)]).honest for q in (F(1), F(1, 2)))
    assert sharp > dim > F(1, 51)


def test_the_bayes_factor_does_not_depend_on_the_prior_weight() -> None:
    one, two = (update(800, honest(w, 50), [Visit(100)]).factor() for w in (F(1, 2), F(1, 10)))
    assert one == two


@pytest.mark.parametrize(
    "text", ["flat", "flat:x", "honest:0.5", "honest:2:50", "beta:0:1", "beta:1:0", "nothing:3"]
)
def test_bad_priors_are_refused(text: str) -> None:
    with pytest.raises(DetenteError):
        parse_prior(text, 100)


def test_findings_the_prior_forbids_are_refused() -> None:
    with pytest.raises(DetenteError, match="prior allows nothing"):
        update(100, flat(2), [Visit(50, found=3)])
