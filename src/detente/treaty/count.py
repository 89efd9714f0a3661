"""Counting: what each inventory row adds to a limit under its rule and the exceptions to it."""

from __future__ import annotations

import math

import msgspec

from detente.errors import DetenteError
from detente.inventory import Item
from detente.treaty.schema import CountingRule, ExceptionRule, Way
from detente.treaty.select import covers, unknown_keys
from detente.treaty.words import Words

Rate = tuple[float, float]
UNKNOWN_RATE: Rate = (0.0, math.inf)


class Share(msgspec.Struct, frozen=True):
    """What one row adds per item: (low, high), by which way and exception, and what it does not say."""

    column: int
    rate: Rate
    way: int
    exception: str = ""
    unknown: tuple[str, ...] = ()
    outside: Rate | None = None  # the rate beyond a tranche

    @property
    def valued(self) -> bool:
        return math.isfinite(self.rate[1])


def shares(
    rule: CountingRule, items: tuple[Item, ...], exceptions: tuple[ExceptionRule, ...], words: Words
) -> tuple[Share, ...]:
    """The rows a counting rule covers, or may cover, with what each adds.

    Raises DetenteError where a declaration gives one quantity in two forms, which would count it twice.
    """
    found = [
        share
        for column, item in enumerate(items)
        for share in _first_way(rule, column, item, exceptions, words)
    ]
    valued = sorted({s.way for s in found if s.valued})
    if len(valued) > 1:
        twins = [next(s.column for s in found if s.way == w and s.valued) for w in valued[:2]]
        first, second = (items[c].id for c in twins)
        raise DetenteError(
            f"'{first}' and '{second}' give the same quantity in two forms ({rule.text})",
            where=second,
            fix="keep one of them, or evaluate two inventories",
        )
    # a row without its own value is covered by the rows that do give the quantity
    return tuple(s for s in found if s.valued or s.way in valued or not valued)


def _first_way(
    rule: CountingRule, column: int, item: Item, exceptions: tuple[ExceptionRule, ...], words: Words
) -> list[Share]:
    for n, way in enumerate(rule.all_ways):
        covered = covers(way.select, item, words)
        if covered is not False:
            return [_share(rule, n, way, covered, column, item, exceptions, words)]
    return []


def _share(
    rule: CountingRule,
    n: int,
    way: Way,
    covered: bool | None,
    column: int,
    item: Item,
    exceptions: tuple[ExceptionRule, ...],
    words: Words,
) -> Share:
    tranche = way.tranche
    rate = _rate(tranche.inside if tranche else way.each, item)
    outside = _rate(tranche.outside, item) if tranche else None
    unknown = list(unknown_keys(way.select, item, words)) if covered is None else []
    named = tranche.inside if tranche else way.each
    if isinstance(named, str) and not math.isfinite(rate[1]):
        unknown.append(named)
    if covered is None:
        rate = (0.0, rate[1])
        outside = outside and (0.0, outside[1])
    applied = ""
    for exception in exceptions:
        holds = _applies(exception, rule.id, item, exceptions, words)
        if holds is False:
            continue
        applied = exception.id
        each = float(exception.each)
        if holds:
            rate, outside = (each, each), outside and (each, each)
            unknown = []
        else:
            rate = (min(rate[0], each), max(rate[1], each))
            outside = outside and (min(outside[0], each), max(outside[1], each))
            unknown += unknown_keys(exception.select, item, words)
    return Share(column, rate, n, applied, tuple(dict.fromkeys(unknown)), outside)


def _applies(
    exception: ExceptionRule,
    name: str,
    item: Item,
    exceptions: tuple[ExceptionRule, ...],
    words: Words,
) -> bool | None:
    """Does the exception take `item` out of `name`? An exception to it takes it back."""
    if name not in exception.of:
        return False
    holds = covers(exception.select, item, words)
    for other in exceptions:
        back = _applies(other, exception.id, item, exceptions, words) if holds is not False else False
        if back is True:
            return False
        if back is None:
            holds = None
    return holds


def _rate(rate: float | str, item: Item) -> Rate:
    if not isinstance(rate, str):
        return (float(rate), float(rate))
    value = item.attributes.get(rate)
    if value is None:
        return UNKNOWN_RATE
    if isinstance(value, bool | str) or not math.isfinite(value) or value < 0:
        raise DetenteError(f"'{rate}' is '{value}', not a count per item", where=item.id)
    return (float(value), float(value))
