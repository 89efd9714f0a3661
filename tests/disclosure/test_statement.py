"""From the linear form to integers: rational coefficients, senses, slacks, and what cannot be proved."""

from __future__ import annotations

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.disclosure.statement import (
    REACH,
    ItemClass,
    Limit,
    Quantity,
    bits_of,
    check_classes,
    exact,
    limits_of,
    slack,
    weights,
)
from detente.errors import DetenteError
from detente.linear import Operator


@pytest.mark.parametrize("top", [*range(70), 100, 255, 700])
def test_the_weights_reach_exactly_zero_to_top(top: int) -> None:
    w = weights(top)
    reached = {0}
    for weight in w:
        reached |= {r + weight for r in reached}
    assert reached == set(range(top + 1))
    assert len(w) == top.bit_length()


@given(st.integers(1, 2**120).flatmap(lambda t: st.tuples(st.integers(0, t), st.just(t))))
def test_bits_of_a_value_add_up_to_it(pair: tuple[int, int]) -> None:
    value, top = pair
    bits = bits_of(value, top)
    assert set(bits) <= {0, 1}
    assert sum(b * w for b, w in zip(bits, weights(top), strict=True)) == value


def test_rational_coefficients_become_integers_with_the_law_unchanged(world: SimpleNamespace) -> None:
    limits, left = limits_of(world.form([(1 / 3, 0, 0.5)], [2.5]), world.CLASSES)
    assert not left
    assert (limits[0].scale, limits[0].terms, limits[0].bound) == (6, ((0, 2), (2, 3)), 15)


@given(
    st.sampled_from("<>="),
    st.tuples(*[st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, 1 / 3, 0.25])] * 3),
    st.sampled_from([-1.0, 0.0, 0.5, 1.0, 7 / 3, 2.75, 4.0]),
)
def test_the_integer_slack_holds_exactly_where_the_limit_does(
    world: SimpleNamespace, sense: str, row: tuple[float, ...], bound: float
) -> None:
    """Every holding of a small world against the inequality in exact fractions."""
    limits, left = limits_of(world.form([row], [bound], sense), world.CLASSES)
    if left:
        assert not any(row) or sense == "="
        return
    largest = [2, 3, 2]
    holdings = list(product(range(3), range(4), range(3)))
    kept = []
    for held in holdings:
        total, limit = sum(exact(c) * n for c, n in zip(row, held, strict=True)), exact(bound)
        kept.append(total <= limit if sense == "<" else total >= limit if sense == ">" else total == limit)
    try:
        s = slack(limits[0], largest)
    except DetenteError:
        assert not any(kept)
        return
    values = [s.constant + sum(c * held[i] for i, c in s.terms) for held in holdings]
    assert [0 <= v <= s.top for v in values] == kept


def test_a_coefficient_that_is_no_small_fraction_is_refused(world: SimpleNamespace) -> None:
    with pytest.raises(DetenteError, match="no fraction"):
        limits_of(world.form([(np.pi, 0, 0)], [3]), world.CLASSES)


def test_what_cannot_be_proved_is_left_out_with_its_reason(world: SimpleNamespace) -> None:
    rows = [(1, 0, 0), (1, 0, 0), (1, 0, 0), (0, 0, 0), (1, 0, 0)]
    high = [(1, 0, 0), (1, 0, 0), (1, 1, 0), (0, 0, 0), (1, 0, 0)]
    law = world.form(
        rows, [3, float("nan"), 3, 3, 2.5], "<<<<=", high=high, operators=(Operator(kind="tranche", limit=0),)
    )
    limits, left = limits_of(law, world.CLASSES)
    assert not limits
    assert [reason for _, reason in left] == [
        "the rule is not linear",
        "no bound is known",
        "whether a class counts is not known",
        "nothing in this escrow counts under it",
        "the bound is no multiple of what is counted",
    ]


def test_a_form_over_other_rows_is_refused(world: SimpleNamespace) -> None:
    with pytest.raises(DetenteError, match="compile over columns"):
        limits_of(world.form([(1, 0, 0)], [3]), (world.MISSILE,))


def test_sums_that_could_come_near_the_group_order_are_refused() -> None:
    limit = Limit("limits/x", "", "", "", "<=", 5, 1, ((0, 2**52),))
    assert slack(limit, [2**60]).top == 5
    with pytest.raises(DetenteError, match="too large"):
        slack(limit, [REACH])


def test_a_limit_that_nothing_satisfies_is_refused() -> None:
    for sense, bound in (("<=", -1), (">=", 11), ("=", 11), ("=", -1)):
        with pytest.raises(DetenteError, match="no holding"):
            slack(Limit("limits/x", "", "", "", sense, bound, 1, ((0, 1),)), [10])


@pytest.mark.parametrize(
    "quantities",
    [
        (),
        (Quantity("a", 0, -1, "icbm", {}),),
        (Quantity("a", 2**32 + 1, -1, "icbm", {}),),
        (Quantity("a", 1, 0, "icbm", {}),),
        (Quantity("a", 2, -1, "icbm", {}), Quantity("b", 1, 0, "icbm", {})),
        (Quantity("a", 1, -1, "icbm", {}), Quantity("a", 1, -1, "icbm", {})),
        (Quantity("serial", 1, -1, "icbm", {}),),
        (Quantity("a", 1, -1, "icbm", {"größe": 1}),),
    ],
)
def test_malformed_classes_are_refused(quantities: tuple[Quantity, ...]) -> None:
    with pytest.raises(DetenteError):
        check_classes((ItemClass("c", ("serial",), quantities),))
