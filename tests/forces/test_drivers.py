"""Drivers of a count: shares that belong to a sum of independent rows, and rows that do not count."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
import pytest

from detente.forces.drivers import drivers
from detente.forces.futures import Future
from detente.forces.proposals import futures_of

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
    return f"{future.party} {item.type or item.kind}: {item.unit}"


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
