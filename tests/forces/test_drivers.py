"""Drivers of a count: shares that belong to a sum of independent rows, and rows that do not count."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
import pytest

from detente.asof import AsOf
from detente.draws import Draws
from detente.forces.breakout import breakout
from detente.forces.drivers import drivers, of_limit, of_rows
from detente.forces.futures import Future
from detente.forces.proposals import futures_of
from detente.forces.totals import totals
from detente.inventory import Inventory, Item
from detente.linear import LinearForm, Sense
from detente.sources import Quality, Source

KNOWN, YEAR = date(2026, 11, 23), 2030


@pytest.fixture(scope="module")
def made() -> dict[str, Future]:
    return futures_of(("US", "RU"), KNOWN, YEAR, 4000, 1)


def test_shares_of_independent_rows_are_their_part_of_the_variance(made: dict[str, Future]) -> None:
    rng = np.random.default_rng(3)
    us = made["US"]
    noise = 100 + rng.normal(0, 1, us.values.shape) * np.arange(1, us.values.shape[2] + 1)
    fake = {**made, "US": msgspec.structs.replace(us, values=np.abs(noise))}
    found = [d for d in drivers(["permanent-1550"], YEAR, fake, KNOWN) if d.party == "US"]
    assert found
    for d in found:
        largest = max(range(len(us.inventory.items)), key=lambda k: (d.inputs[0].input == label(us, k), k))
        assert d.inputs[0].input == label(us, largest)
        assert all(a.share >= b.share for a, b in zip(d.inputs, d.inputs[1:], strict=False))
        assert sum(s.share for s in d.inputs) <= 1.05


def label(future: Future, k: int) -> str:
    item = future.inventory.items[k]
    apart = " not deployed" if item.attributes.get("deployed") is False else ""
    return f"{future.party} {item.type or item.kind}{apart}: {item.unit}"


def test_a_count_that_no_draw_moves_has_no_driver(made: dict[str, Future]) -> None:
    us = made["US"]
    still = {**made, "US": msgspec.structs.replace(us, values=np.full_like(us.values, 7.0))}
    assert all(not d.inputs for d in drivers(["permanent-1550"], YEAR, still, KNOWN) if d.party == "US")


def test_two_halves_of_a_count_share_it_evenly(made: dict[str, Future]) -> None:
    rng = np.random.default_rng(5)
    us = made["US"]
    values = np.full_like(us.values, 50.0)
    found = {d.limit: d for d in drivers(["permanent-1550"], YEAR, made, KNOWN) if d.party == "US"}
    counted = [
        k
        for k in range(values.shape[2])
        if any(s.input == label(us, k) for d in found.values() for s in d.inputs)
    ]
    a, b = counted[:2]
    values[:, :, [a, b]] += rng.uniform(-10, 10, (*values.shape[:2], 2))
    even = {**made, "US": msgspec.structs.replace(us, values=values)}
    for d in drivers(["permanent-1550"], YEAR, even, KNOWN):
        if d.party == "US" and len(d.inputs) == 2:
            assert d.inputs[0].share == pytest.approx(0.5, abs=0.08)
            assert d.inputs[1].share == pytest.approx(0.5, abs=0.08)


def rows_of(*types: str) -> Inventory:
    source = Source("x", Quality.estimate)
    return Inventory(
        tuple(Item(id=t, party="US", kind="icbm", unit="missiles", type=t, source=source) for t in types)
    )


def test_any_result_has_its_drivers_from_one_function() -> None:
    """A sum of two rows with variances 9 and 1, a still row and an unknown one: 90 and 10 %, and no more."""
    rng = np.random.default_rng(2)
    values = np.column_stack(
        [rng.normal(50, 3, 60_000), rng.normal(50, 1, 60_000), np.full(60_000, 7.0), np.full(60_000, np.nan)]
    )
    found = of_rows(values[:, :3].sum(axis=1), rows_of("a", "b", "still", "unknown"), values)
    assert [s.input for s in found] == ["US a: missiles", "US b: missiles"]
    assert [s.share for s in found] == pytest.approx([0.9, 0.1], abs=0.015)


def test_two_rows_of_one_name_both_count() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(50, 1, (20_000, 2))
    twins = Inventory(tuple(msgspec.structs.replace(i, type="a") for i in rows_of("one", "two").items))
    assert [s.share for s in of_rows(values.sum(axis=1), twins, values)] == pytest.approx(
        [0.5, 0.5], abs=0.02
    )


def limit_of(bound: float, sense: Sense) -> LinearForm:
    one = np.array([[1.0, 0.0]])
    words = ("limits/x",)
    return LinearForm("US", ("a", "b"), one, one, np.array([bound]), (sense,), *[words] * 4, ((),))


def test_what_drives_a_verdict_is_the_row_that_decides_it() -> None:
    rng = np.random.default_rng(3)
    drawn = Draws(rows_of("a", "b"), rng.normal(50, 3, (20_000, 2)), 3)
    for sense in (Sense.at_most, Sense.at_least):
        (only,) = of_limit(limit_of(50.0, sense), 0, drawn)
        assert only.input == "US a: missiles" and only.share > 0.95  # all but the bin that holds the bound
        assert of_limit(limit_of(500.0, sense), 0, drawn) == ()  # every draw gives the same answer


def test_breakout_says_what_drives_it() -> None:
    b = breakout("CN", "three-equal", known=KNOWN, n=4000)
    assert b.drivers and b.drivers[0].share > 0.3
    assert b.drivers[0].input.startswith("CN solid-fuel silos")  # the only system whose load is 1 to 3


def test_totals_add_their_parts_and_name_the_widest() -> None:
    """SIPRI January 2024, US: 1,770 + 1,938 + 1,336; equal relative errors, so shares go with the squares."""
    found = {t.series: t for t in totals("US", AsOf.on("2024-01-01", known="2026-11-23"))}["SIPRI"]
    assert found.parts == 3 and found.printed == 5044
    assert found.points[1] == pytest.approx(5044, rel=0.002)
    assert [s.input.split()[1] for s in found.drivers] == ["reserve:", "deployed:", "retired:"]
    squares = np.array([1938, 1770, 1336]) ** 2.0
    assert [s.share for s in found.drivers] == pytest.approx(squares / squares.sum(), abs=0.03)
