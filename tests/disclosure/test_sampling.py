"""Detection probabilities against enumeration, SciPy, published sample sizes and laws of sampling."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import combinations
from math import ceil, comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from detente.disclosure.sampling import (
    SEARCHED,
    Site,
    detection,
    filled_and_even,
    found_distribution,
    iaea_sample_size,
    jaech_sample_size,
    non_detection,
    placements,
    probability,
    sample_size,
    two_stage,
    worst_placement,
)
from detente.errors import DetenteError

F = Fraction


@pytest.mark.parametrize("population", range(1, 8))
def test_non_detection_is_the_share_of_samples_without_a_false_item(population: int) -> None:
    for false in range(population + 1):
        for n in range(population + 1):
            samples = list(combinations(range(population), n))
            clean = sum(all(i >= false for i in s) for s in samples)
            assert non_detection(population, false, n) == F(clean, len(samples))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))))
def test_the_distribution_agrees_with_scipy(case: tuple[int, int, int]) -> None:
    population, false, n = case
    chances = found_distribution(population, false, n)
    assert sum(chances) == 1
    expected = hypergeom(population, false, n).pmf(range(len(chances)))
    assert [float(c) for c in chances] == pytest.approx(list(expected), abs=1e-9)


def test_a_thinned_sample_by_enumeration_of_what_each_look_sees() -> None:
    """7 items, 3 false, 4 inspected, each false one recognised with 2/3: every outcome listed."""
    q, total = F(2, 3), [F(0)] * 4
    for sample in combinations(range(7), 4):
        bad = sum(i < 3 for i in sample)
        for f in range(bad + 1):
            total[f] += comb(bad, f) * q**f * (1 - q) ** (bad - f) / comb(7, 4)
    assert found_distribution(7, 3, 4, q) == total
    assert detection(7, 3, 4, q) == 1 - total[0]
    assert detection(7, 3, 4, q, accept=1) == 1 - total[0] - total[1]


@pytest.mark.parametrize(
    ("population", "false", "n90", "n50", "n20"),
    [
        (800, 1, 720, 400, 160),  # 160, where floating point gives 161
        (800, 5, 295, 104, 35),
        (800, 10, 164, 54, 18),
        (800, 20, 86, 27, 9),
        (800, 40, 44, 14, 5),
        (10_000, 50, 449, 138, 45),
        (10_000, 100, 227, 69, 23),
        (10_000, 500, 45, 14, 5),
    ],
)
def test_sample_sizes(population: int, false: int, n90: int, n50: int, n20: int) -> None:
    for confidence, n in ((F(9, 10), n90), (F(1, 2), n50), (F(1, 5), n20)):
        assert sample_size(population, false, confidence) == n
        assert detection(population, false, n) >= confidence > detection(population, false, n - 1)


def test_the_iaea_formula_lies_0_to_3_above_the_exact_size_and_jaech_within_1() -> None:
    for population in (10, 25, 50, 100, 200, 400, 800):
        for false in range(1, min(population, 120), 3 if population > 50 else 1):
            for confidence in (F(9, 10), F(1, 2), F(1, 5)):
                exact = sample_size(population, false, confidence)
                assert 0 <= iaea_sample_size(population, false, confidence) - exact <= 3
                assert abs(jaech_sample_size(population, false, confidence) - exact) <= 1


def test_the_exact_root_agrees_with_floats_away_from_ties() -> None:
    for population, false in ((523, 7), (800, 11), (97, 3)):
        for miss in (0.1, 0.37, 0.81):
            expected = ceil(population * (1 - miss ** (1 / false)))
            assert iaea_sample_size(population, false, 1 - F(str(miss))) == expected


def test_two_stage_is_the_mean_over_all_sets_of_sites() -> None:
    sites = [Site(5, 2, 2), Site(9, 0, 3), Site(4, 1, 4), Site(7, 3, 1), Site(6, 1, 2)]
    for visits in range(6):
        sets = list(combinations(sites, visits))
        miss = F(0)
        for chosen in sets:
            product = F(1)
            for s in chosen:
                product *= non_detection(s.items, s.false, s.picked)
            miss += product
        assert two_stage(sites, visits) == 1 - miss / len(sets)


def test_one_big_site_is_the_plain_sample() -> None:
    assert two_stage([Site(700, 10, 10)], 1) == detection(700, 10, 10)


def test_the_worst_placement_is_no_better_found_than_any_other() -> None:
    worst, where = worst_placement(5, 4, 4, 2, 2)
    every = [two_stage([Site(4, k, 2) for k in ks], 2) for ks in placements(5, 4, 4)]
    assert worst == min(every)
    assert sum(where) == 5
    assert len(every) == 5  # partitions of 5 into at most 4 parts of at most 4: 41 32 311 221 2111


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_the_worst_placement_fills_some_sites_and_spreads_the_rest(data: st.DataObject) -> None:
    """What the search above `SEARCHED` false items rests on, tried wherever all placements can be listed."""
    sites, items = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 10))
    false = data.draw(st.integers(1, min(SEARCHED, sites * items)))
    visits, picked = data.draw(st.integers(1, sites)), data.draw(st.integers(1, items))
    q = F(data.draw(st.integers(1, 10)), 10)

    def least(candidates: Iterable[tuple[int, ...]]) -> Fraction:
        return min(two_stage([Site(items, k, picked) for k in ks], visits, q) for ks in candidates)

    family = list(filled_and_even(false, sites, items))
    assert all(sum(ks) == false and len(ks) == sites and max(ks) <= items for ks in family)
    assert least(family) == least(placements(false, sites, items))


def test_placements_count_partitions() -> None:
    assert sum(1 for _ in placements(10, 10, 10)) == 42


@given(st.integers(1, 60), st.data())
@settings(max_examples=80, deadline=None)
def test_more_inspection_more_cheating_or_better_eyes_never_lower_detection(
    n: int, data: st.DataObject
) -> None:
    false = data.draw(st.integers(0, n - 1))
    inspected = data.draw(st.integers(0, n - 1))
    q = F(data.draw(st.integers(0, 9)), 10)
    here = detection(n, false, inspected, q)
    assert here <= detection(n, false + 1, inspected, q)
    assert here <= detection(n, false, inspected + 1, q)
    assert here <= detection(n, false, inspected, q + F(1, 10))


def test_imperfect_inspection_of_the_facts() -> None:
    assert round(float(detection(800, 20, 87)), 3) == 0.903
    assert round(float(detection(800, 20, 87, F(9, 10))), 3) == 0.875


@pytest.mark.parametrize(
    "text", ["1.1", "-0.1", "high", "", "nan", "inf", "1/0", "200%", "1e-3", "1e999999999", "٠.5", "9" * 40]
)
def test_a_bad_probability_is_refused(text: str) -> None:
    with pytest.raises(DetenteError):
        probability(text)


def test_probabilities_are_exact() -> None:
    assert probability("0.1") == probability("10%") == probability("1/10") == F(1, 10)


@pytest.mark.parametrize("case", [(5, 6, 1), (5, 1, 6), (-1, 0, 0), (5, -1, 0), (5, 0, -1)])
def test_counts_that_do_not_fit_are_refused(case: tuple[int, int, int]) -> None:
    with pytest.raises(DetenteError):
        detection(*case)


def test_an_unreachable_confidence_says_so() -> None:
    with pytest.raises(DetenteError, match="cannot be reached"):
        sample_size(100, 1, F(95, 100), recognised=F(9, 10))


def test_a_tie_goes_to_the_smaller_sample() -> None:
    """800 (1 - 0.8) is 160 exactly: the formulas' own roots must not lose it to rounding."""
    assert iaea_sample_size(800, 1, F(1, 5)) == jaech_sample_size(800, 1, F(1, 5)) == 160
