"""The engine against the slow reference: where all is known they agree, where not the engine never says too much."""

from __future__ import annotations

import itertools
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detente.asof import AsOf
from detente.draws import Draws
from detente.errors import DetenteError
from detente.inventory import Inventory
from detente.treaty.compile import compile_form
from detente.treaty.evaluate import count_interval, evaluate
from detente.treaty.load import Loaded
from detente.treaty.resolve import Law, resolve
from detente.treaty.schema import Limit, Reading, Tranche
from detente.verdict import Outcome
from tests.treaty import reference
from tests.treaty.strategies import Drawn, instruments, inventories

DAY = AsOf.on("2010-01-01")
DECIDED = {Outcome.met, Outcome.exceeded}


def forms_mixed(loaded: Loaded, limit: Limit, rows: Inventory) -> bool:
    """Do rows give one quantity in two forms, or may they? Then one form stands for the other, in every world."""
    named = {*limit.count, *(n for g in limit.groups for n in g)}
    return any(
        sum(any(reference.could_in(loaded.instrument, way, item) for item in rows.items) for way in rule.ways)
        > 1
        for rule in loaded.instrument.counting
        if rule.id in named
    )


def readings_of(loaded: Loaded) -> list[Reading | None]:
    return [None, *loaded.instrument.readings]


def form_of(law: Law, limit: Limit, party: str, rows: Inventory, reading: Reading | None) -> Any:
    """The form, or None where the engine refuses one quantity given in two forms."""
    try:
        return compile_form(law, party, rows, reading, (limit,))
    except DetenteError as bad:
        assert "two forms" in str(bad)
        return None


@settings(max_examples=200, deadline=None)
@given(instruments(), inventories(known=True), st.sampled_from(["US", "RU"]))
def test_where_all_is_known_the_engine_counts_as_the_reference(
    drawn: Drawn, rows: Inventory, party: str
) -> None:
    loaded = drawn.loaded
    law = resolve(loaded, DAY)
    for limit, reading in itertools.product(loaded.instrument.limits, readings_of(loaded)):
        form = form_of(law, limit, party, rows, reading)
        if form is None:
            continue
        ((world, more),) = reference.worlds(loaded.instrument, limit, party, rows, 10, 0)
        count = reference.count_limit(loaded.instrument, limit, party, world, more, reading)
        low, high = count_interval(form, rows)
        assert low[0] == pytest.approx(count)
        assert high[0] == pytest.approx(count)
        bound = reference.bound_of(limit, party)
        assert form.bound[0] == pytest.approx(bound)
        (verdict,) = evaluate(form, rows)
        expected = Outcome.met if reference.keeps(limit, form.bound[0], count) else Outcome.exceeded
        assert verdict.outcome is expected
        assert not verdict.missing


@settings(max_examples=250, deadline=None)
@given(instruments(), inventories(at_most=4), st.sampled_from(["US", "RU"]), st.integers(0, 2**32))
def test_whatever_is_unknown_no_world_lies_outside_the_engine_s_answer(
    drawn: Drawn, rows: Inventory, party: str, seed: int
) -> None:
    loaded = drawn.loaded
    law = resolve(loaded, DAY)
    for limit, reading in itertools.product(loaded.instrument.limits, readings_of(loaded)):
        form = form_of(law, limit, party, rows, reading)
        if form is None or forms_mixed(loaded, limit, rows):
            continue
        low, high = count_interval(form, rows)
        (verdict,) = evaluate(form, rows)
        for world, more in reference.worlds(loaded.instrument, limit, party, rows, 60, seed):
            count = reference.count_limit(loaded.instrument, limit, party, world, more, reading)
            assert low[0] <= count + 1e-9, "the engine's least count is too large"
            assert high[0] >= count - 1e-9, "the engine's largest count is too small"
            if verdict.outcome in DECIDED:
                kept = reference.keeps(limit, form.bound[0], count)
                assert verdict.outcome is (Outcome.met if kept else Outcome.exceeded)
            assert verdict.outcome is not Outcome.indeterminate or verdict.missing or math.isfinite(high[0])


@settings(max_examples=150, deadline=None)
@given(instruments(), inventories(at_most=4), st.data())
def test_over_draws_every_draw_is_a_declaration_of_its_own(drawn: Drawn, rows: Inventory, data: Any) -> None:
    """Vectorised = scalar: the share of draws that keep a limit lies where the reference finds it."""
    loaded = drawn.loaded
    law = resolve(loaded, DAY)
    n = 7
    values = np.array(
        [data.draw(st.lists(st.integers(0, 12), min_size=n, max_size=n)) for _ in rows.items], dtype=float
    ).reshape(len(rows.items), n).T  # fmt: skip
    for column in range(len(rows.items)):
        if data.draw(st.integers(0, 6)) == 0:
            values[:, column] = np.nan
    draws = Draws(rows, values, seed=5)
    for limit in loaded.instrument.limits:
        form = form_of(law, limit, "US", rows, None)
        if form is None or forms_mixed(loaded, limit, rows):
            continue
        (verdict,) = evaluate(form, draws)
        assert verdict.seed == 5
        sure = [_outcomes(loaded, limit, rows, row, k) for k, row in enumerate(values)]
        always = sum(found == {True} for found in sure) / n
        sometimes = sum(True in found for found in sure) / n
        if verdict.outcome is Outcome.met:
            assert always == 1.0
        if verdict.outcome is Outcome.exceeded:
            assert sometimes == 0.0
        if verdict.p_met is not None:
            assert always - 1e-12 <= verdict.p_met <= sometimes + 1e-12
            assert verdict.p_met_se == pytest.approx(math.sqrt(verdict.p_met * (1 - verdict.p_met) / n))
        if always == sometimes and not form.missing[0] and not np.isnan(values).any():
            assert verdict.p_met == pytest.approx(always)


def _outcomes(loaded: Loaded, limit: Limit, rows: Inventory, draw: Any, seed: int) -> set[bool]:
    """Whether the limit is kept, in the worlds that one draw leaves open."""
    fixed = Inventory(
        tuple(
            msgspec.structs.replace(i, low=math.nan, best=float(x), high=math.nan)
            for i, x in zip(rows.items, draw, strict=True)
        ),
        complete=rows.complete,
    )  # fmt: skip
    bound = reference.bound_of(limit, "US")
    return {
        reference.keeps(
            limit, bound, reference.count_limit(loaded.instrument, limit, "US", world, more, None)
        )
        for world, more in reference.worlds(loaded.instrument, limit, "US", fixed, 80, seed)
    }


@settings(max_examples=100, deadline=None)
@given(instruments(), inventories(known=True), st.lists(st.integers(0, 12), min_size=30, max_size=30))
def test_draw_quantiles_are_those_of_the_scalar_counts(
    drawn: Drawn, rows: Inventory, numbers: list[int]
) -> None:
    loaded = drawn.loaded
    law = resolve(loaded, DAY)
    assume(rows.items)
    values = np.resize(np.array(numbers, dtype=float), (11, len(rows.items)))
    for limit in loaded.instrument.limits:
        form = form_of(law, limit, "US", rows, None)
        if form is None:
            continue
        counts = []
        for draw in values:
            ((world, more),) = reference.worlds(loaded.instrument, limit, "US", rows, 10, 0)
            for row, x in zip(world, draw, strict=True):
                row["count"] = x
            counts.append(reference.count_limit(loaded.instrument, limit, "US", world, more, None))
        if not all(map(math.isfinite, counts)):
            continue
        (verdict,) = evaluate(form, Draws(rows, values, seed=1))
        assert verdict.count is not None
        assert verdict.margin is not None
        ordered = sorted(counts)  # eleven draws: the quantiles 5, 50, 95 % lie at ranks 0.5, 5 and 9.5
        expected = [(ordered[0] + ordered[1]) / 2, ordered[5], (ordered[9] + ordered[10]) / 2]
        assert [verdict.count.low, verdict.count.mid, verdict.count.high] == pytest.approx(expected)
        bound = form.bound[0]
        margins = sorted(
            {"<=": bound - c, ">=": c - bound, "=": -abs(c - bound)}[limit.sense] for c in counts
        )
        expected = [(margins[0] + margins[1]) / 2, margins[5], (margins[9] + margins[10]) / 2]
        assert [verdict.margin.low, verdict.margin.mid, verdict.margin.high] == pytest.approx(expected)


@given(st.integers(0, 5), st.integers(0, 9), st.lists(st.integers(0, 12), max_size=6))
def test_the_reference_s_tranche_is_the_filling_that_counts_least(
    first: int, inside: int, outside: list[int]
) -> None:
    """The reference itself, judged by trying every set of items that may fill the tranche."""
    items = [(float(inside), float(o)) for o in outside]
    n = min(first, len(items))
    tried = [
        sum(i for k, (i, _) in enumerate(items) if k in chosen)
        + sum(o for k, (_, o) in enumerate(items) if k not in chosen)
        for chosen in itertools.combinations(range(len(items)), n)
    ]
    assert reference.count_tranche(Tranche(first, inside, "warheads"), items) == min(tried)
