"""Counting done slowly: one item after the other, in one possible world after the other.

Written from the meaning of the schema, not from the engine. In a world everything is known: every attribute of every
row, every number, every category. There a count is plain arithmetic. What nobody has said makes many worlds; the
count is then anything that some world gives.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from typing import Any

from detente.inventory import Inventory, Item
from detente.treaty.schema import CountingRule, ExceptionRule, Instrument, Limit, Range, Reading, Tranche, Way

Known = dict[str, Any]  # a row in a world: kind, count and every attribute
UNKNOWN_NUMBERS = (0.0, 3.0, 5000.0)  # what a number nobody has given may be
PARENTS = {
    "icbm": ("icbm", "ballistic_missile", "missile", "delivery_vehicle"),
    "slbm": ("slbm", "ballistic_missile", "missile", "delivery_vehicle"),
    "heavy_bomber": ("heavy_bomber", "delivery_vehicle"),
    "deployed_missile_warhead": ("deployed_missile_warhead", "deployed_warhead", "warhead"),
    "bomber_weapon": ("bomber_weapon", "deployed_warhead", "warhead"),
}
SAID_BY_SILENCE = {"converted": False}  # nothing is converted unless somebody declares it
BOOLS, NUMBERS = ("deployed", "nuclear", "converted"), ("range_km", "warheads")


def selected(instrument: Instrument, select: dict[str, Any], row: Known) -> bool:
    """Is the row among what `select` describes?"""
    for key, wanted in select.items():
        options = wanted if isinstance(wanted, list) else [wanted]
        if key == "kind":
            if not any(option in PARENTS[row["kind"]] for option in options):
                return False
        elif key == "is":
            meant = [d.select for d in instrument.definitions if d.id in options]
            if not any(selected(instrument, m, row) for m in meant):
                return False
        elif isinstance(wanted, Range):
            x = row[key]
            outside = (
                wanted.min is not None and x < wanted.min,
                wanted.max is not None and x > wanted.max,
                wanted.above is not None and x <= wanted.above,
                wanted.below is not None and x >= wanted.below,
            )
            if any(outside):
                return False
        elif row[key] not in options:
            return False
    return True


def taken_out(
    instrument: Instrument, exceptions: list[ExceptionRule], rule: str, row: Known
) -> ExceptionRule | None:
    """The exception that holds for a row of a rule: the last written of those that no other takes back."""
    holding = [
        e
        for e in exceptions
        if rule in e.of
        and selected(instrument, e.select, row)
        and taken_out(instrument, exceptions, e.id, row) is None
    ]
    return holding[-1] if holding else None


def running(instrument: Instrument, reading: Reading | None) -> list[ExceptionRule]:
    """The exceptions that hold under a reading: it may reject some, and claim some that else do not apply."""
    rejected, claimed = (reading.rejects, reading.claims) if reading else ((), ())
    return [e for e in instrument.exceptions if (e.applies or e.id in claimed) and e.id not in rejected]


def rate(value: Any, row: Known) -> float:
    return float(row[value]) if isinstance(value, str) else float(value)


def count_rule(
    instrument: Instrument, rule: CountingRule, rows: list[Known], reading: Reading | None
) -> float:
    """What a rule counts: item by item, each at its rate, or at an exception's."""
    total = 0.0
    for way in rule.ways or (Way(rule.select, rule.each, rule.tranche),):
        in_tranche: list[tuple[float, float]] = []
        for row in rows:
            if not selected(instrument, way.select, row) or taken(rule, way, instrument, row):
                continue
            exception = taken_out(instrument, running(instrument, reading), rule.id, row)
            for _ in range(int(row["count"])):
                if exception is not None:
                    total += exception.each
                elif way.tranche is not None:
                    in_tranche.append((rate(way.tranche.inside, row), rate(way.tranche.outside, row)))
                else:
                    total += rate(way.each, row)
        if way.tranche is not None:
            total += count_tranche(way.tranche, in_tranche)
    return total


def taken(rule: CountingRule, way: Way, instrument: Instrument, row: Known) -> bool:
    """Is the row counted in an earlier way of the rule already?"""
    for earlier in rule.ways:
        if earlier is way:
            return False
        if selected(instrument, earlier.select, row):
            return True
    return False


def count_tranche(tranche: Tranche, items: list[tuple[float, float]]) -> float:
    """The first items count inside, the rest outside; the items that fill the tranche are those that leave least."""
    n = min(int(tranche.first), len(items))
    by_outside = sorted(items, key=lambda item: item[1], reverse=True)
    return sum(inside for inside, _ in by_outside[:n]) + sum(outside for _, outside in by_outside[n:])


def count_limit(
    instrument: Instrument,
    limit: Limit,
    party: str,
    rows: list[Known],
    more: dict[str, float],
    reading: Reading | None,
) -> float:
    """The count of a limit in one world; `more`: what a rule counts that no row shows."""
    if reading is not None and limit.id not in reading.of:
        reading = None
    sums = []
    for group in limit.groups or (limit.count,):
        total = 0.0
        for rule in instrument.counting:
            if rule.id in group and (not rule.parties or party in rule.parties):
                total += count_rule(instrument, rule, rows, reading) + more.get(rule.id, 0.0)
        sums.append(total)
    if limit.operator == "max":
        return max(sums)
    if limit.operator == "min":
        return min(sums)
    if limit.operator == "ratio":
        return (
            (sums[0] / sums[1] if sums[1] else math.inf) if sums[0] else 0.0
        )  # nothing of nothing is nothing
    return sums[0]


def keeps(limit: Limit, bound: float, count: float) -> bool:
    return {"<=": count <= bound, ">=": count >= bound, "=": count == bound}[limit.sense]


def bound_of(limit: Limit, party: str) -> float:
    """The bound for a party: one for all, its own, or its share of the largest."""
    if isinstance(limit.bound, dict):
        return float(limit.bound[party])
    assert limit.bound is not None
    if limit.shares:
        return float(limit.bound) * limit.shares[party] / max(limit.shares.values())
    return float(limit.bound)


def choices(item: Item) -> list[tuple[str, tuple[Any, ...]]]:
    """For each thing a row does not say (or says as an interval), what it may be."""
    low, high = item.interval
    spread = (low, high) if math.isfinite(high) else (low, low + 2, low + 3000)
    found: list[tuple[str, tuple[Any, ...]]] = [("count", tuple(dict.fromkeys(spread)))]
    for key in (*BOOLS, *NUMBERS):
        given = item.attributes.get(key, SAID_BY_SILENCE.get(key))
        options = (given,) if given is not None else (False, True) if key in BOOLS else UNKNOWN_NUMBERS
        found.append((key, options))
    return found


def worlds(
    instrument: Instrument, limit: Limit, party: str, inventory: Inventory, at_most: int, seed: int
) -> Iterator[tuple[list[Known], dict[str, float]]]:
    """Every world, or `at_most` of them drawn at random: the rows made definite, and what no row shows."""
    named = {*limit.count, *(n for g in limit.groups for n in g)}
    asked = [
        r for r in instrument.counting
        if r.id in named and (not r.parties or party in r.parties) and not r.optional and not inventory.complete
    ]  # fmt: skip
    axes: list[tuple[int, str, tuple[Any, ...]]] = [
        (n, key, options) for n, item in enumerate(inventory.items) for key, options in choices(item)
    ]
    axes += [(-1, rule.id, (0.0, 7.0, 9000.0)) for rule in asked]
    number = math.prod(len(options) for _, _, options in axes)
    rng = random.Random(seed)
    picks: Any = (
        itertools.product(*(options for _, _, options in axes))
        if number <= at_most
        else (tuple(rng.choice(options) for _, _, options in axes) for _ in range(at_most))
    )
    for pick in picks:
        rows: list[Known] = [{"kind": i.kind} for i in inventory.items]
        more: dict[str, float] = {}
        for (n, key, _), value in zip(axes, pick, strict=True):
            if n < 0:
                more[key] = value
            else:
                rows[n][key] = value
        for rule in asked:  # a row of a category says how many there are; without one nobody has said
            if any(
                selected(instrument, w.select, row) for w in rule.ways or (Way(rule.select),) for row in rows
            ):
                more[rule.id] = 0.0
        yield rows, more


def could_in(instrument: Instrument, way: Way, item: Item) -> bool:
    """Is there a world in which this way of a rule selects the row?"""
    unsaid = [(key, options) for key, options in choices(item) if key != "count"]
    for pick in itertools.product(*(options for _, options in unsaid)):
        row = {"kind": item.kind} | {key: value for (key, _), value in zip(unsaid, pick, strict=True)}
        if selected(instrument, way.select, row):
            return True
    return False
