"""The choice against a reader's own reconstruction, frozen vectors and the chi-square law."""

from __future__ import annotations

import hashlib
from collections import Counter
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from detente.disclosure.choice import Stream, sample, sample_mixed
from detente.errors import DetenteError

F = Fraction


def reference(seed: bytes, population: int, count: int) -> list[int]:
    """The rule read aloud: a list, one long stream of bytes, no cleverness."""
    data = iter(hashlib.shake_256(b"detente-pick/1 choice\x00" + seed).digest(200_000))
    items = list(range(population))
    for i in range(count):
        left = population - i
        size = ((left - 1).bit_length() + 7) // 8
        while True:
            value = int.from_bytes(bytes(next(data) for _ in range(size)), "big") & (
                2 ** (left - 1).bit_length() - 1
            )
            if value < left:
                break
        items[i], items[i + value] = items[i + value], items[i]
    return items[:count]


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=64), st.integers(1, 3000), st.data())
def test_the_choice_is_the_rule_read_aloud(seed: bytes, population: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, min(population, 300)))
    chosen = sample(Stream(seed), population, count)
    assert chosen == reference(seed, population, count)
    assert len(set(chosen)) == count


def test_vectors_for_other_implementations() -> None:
    """Derived from `reference` above, which shares no code with the program; printed in docs/proofs."""
    zero = bytes(64)
    assert sample(Stream(zero), 800, 6) == reference(zero, 800, 6)
    assert hashlib.shake_256(b"detente-pick/1 choice\x00" + zero).hexdigest(8) == Stream(zero).take(8).hex()


def p_value(observed: list[int], expected: float) -> float:
    return float(chi2.sf(sum((o - expected) ** 2 for o in observed) / expected, len(observed) - 1))


def test_a_million_choices_are_uniform() -> None:
    """10^6 picks: 12 500 seeds, 80 of 800 slots each; counts by slot, less spread than Poisson for a sample.

    Within one draw a slot is taken at most once, so the count of a slot is binomial(12 500, 1/10) and the
    statistic is scaled by N/(N - n) to follow chi-square with 799 degrees of freedom.
    """
    counts: Counter[int] = Counter()
    seeds, slots, picks = 12_500, 800, 80
    for i in range(seeds):
        counts.update(sample(Stream(i.to_bytes(8, "big")), slots, picks))
    assert counts.total() == 1_000_000
    expected = seeds * picks / slots
    statistic = (
        sum((counts[s] - expected) ** 2 for s in range(slots)) / expected * (slots - 1) / (slots - picks)
    )
    p = float(chi2.sf(statistic, slots - 1))
    assert 1e-4 < p < 1 - 1e-4


def test_orders_are_uniform() -> None:
    """All 120 orders of five slots, 60 000 draws."""
    counts = Counter(tuple(sample(Stream(b"order" + i.to_bytes(4, "big")), 5, 5)) for i in range(60_000))
    assert 1e-4 < p_value([counts[o] for o in permutations(range(5))], 500) < 1 - 1e-4


@pytest.mark.parametrize("bound", [3, 5, 171, 257, 65_537])
def test_no_bias_where_a_remainder_would_show_one(bound: int) -> None:
    """Thirds of the range: a remainder of whole bytes would favour the low ones."""
    stream, thirds = Stream(bound.to_bytes(4, "big")), [0, 0, 0]
    cut = bound // 3 * 3
    draws = [v for v in (stream.below(bound) for _ in range(30_000)) if v < cut]
    for v in draws:
        thirds[v * 3 // cut] += 1
    assert 1e-4 < p_value(thirds, len(draws) / 3) < 1 - 1e-4


def test_one_choice_costs_nothing_and_none_is_refused() -> None:
    stream = Stream(b"x")
    assert stream.below(1) == 0
    assert stream.take(4) == Stream(b"x").take(4)
    with pytest.raises(DetenteError):
        stream.below(0)
    with pytest.raises(DetenteError):
        sample(stream, 5, 6)


def test_announced_chances_are_kept_exactly() -> None:
    """Every start of the systematic draw listed: each target's share of them is its chance."""
    chances = [F(1, 2), F(1, 3), F(5, 6), F(0), F(1, 3)]  # two visits

    class Fixed(Stream):
        def __init__(self, value: int) -> None:
            self.value = value

        def below(self, bound: int) -> int:
            assert bound == 6
            return self.value

    visits = [sample_mixed(Fixed(start), chances) for start in range(6)]
    assert [F(sum(i in v for v in visits), 6) for i in range(5)] == chances
    assert {len(v) for v in visits} == {2}


def test_uneven_chances_round_the_number_of_visits() -> None:
    draws = [sample_mixed(Stream(bytes([i])), [F(1, 2), F(1, 4), F(1, 2)]) for i in range(200)]
    assert {len(d) for d in draws} == {1, 2}
    with pytest.raises(DetenteError):
        sample_mixed(Stream(b"x"), [F(3, 2)])
