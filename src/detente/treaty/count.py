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
REMEMBERED = 256  # answers of rules on rows, for one instrument


class Share(msgspec.Struct, frozen=True):
    """What one row adds per item: (low, high), by which way and exception, and what it does not say.

    `outside`: its rate beyond a tranche, where it is certain that the row is in it.
    """

    column: int
    rate: Rate
    way: int
    exception: str = ""
    unknown: tuple[str, ...] = ()
    outside: Rate | None = None
    certain: bool = True  # False: the row does not say whether the rule covers it

    @property
    def valued(self) -> bool:
        return math.isfinite(self.rate[1])


def shares(
    rule: CountingRule, items: tuple[Item, ...], exceptions: tuple[ExceptionRule, ...], words: Words
) -> tuple[Share, ...]:
    """The rows a counting rule covers, or may cover, with what each adds.

    Raises DetenteError where a declaration gives one quantity in two forms, which would count it twice.
    """
    key = (rule.id, tuple(e.id for e in exceptions), id(items))
    held = words.counted.get(key)
    if held and held[0] is items:  # the rows are immutable, and held here so that their id stays theirs
        return held[1]  # type: ignore[no-any-return]
    if len(words.counted) >= REMEMBERED:
        words.counted.clear()
    found = _shares(rule, items, exceptions, words)
    words.counted[key] = (items, found)
    return found


def _shares(
    rule: CountingRule, items: tuple[Item, ...], exceptions: tuple[ExceptionRule, ...], words: Words
) -> tuple[Share, ...]:
    ways, to_it = rule.all_ways, _leading_to(rule.id, exceptions)
    all_of_them = (
        _share(rule, ways, column, item, exceptions if to_it else (), words)
        for column, item in enumerate(items)
    )
    found = [share for share in all_of_them if share]
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


def _leading_to(name: str, exceptions: tuple[ExceptionRule, ...]) -> bool:
    return any(name in e.of for e in exceptions)


def _share(
    rule: CountingRule,
    all_ways: tuple[Way, ...],
    column: int,
    item: Item,
    exceptions: tuple[ExceptionRule, ...],
    words: Words,
) -> Share | None:
    ways, certain, unknown = _ways(all_ways, item, words)
    if not ways:
        return None
    rates = [rate for n in ways for rate in _rates(all_ways[n], item)]
    low = min(r[0] for r in rates) if certain else 0.0
    rate = (low, max(r[1] for r in rates))
    tranche = all_ways[ways[0]].tranche if certain and len(ways) == 1 else None
    outside = _rate(tranche.outside, item) if tranche else None
    if tranche:
        rate = (float(tranche.inside), float(tranche.inside))
    unknown += [name for n in ways for name in _unsaid_rates(all_ways[n], item)]
    applied = ""
    for exception in exceptions:
        holds = _applies(exception, rule.id, item, exceptions, words)
        if holds is False:
            continue
        applied, each = exception.id, float(exception.each)
        if holds:  # it is no item of the rule any more, nor of its tranche
            rate, outside = (each if certain else 0.0, each), None
            unknown = [] if certain else unknown
        else:  # perhaps in a tranche, which others then fill: it may add nothing
            first = 0.0 if outside else rate[0]
            rate = (min(first, each), max(rate[1], outside[1] if outside else 0.0, each))
            outside = None
            unknown += unknown_keys(exception.select, item, words)
    return Share(column, rate, ways[0], applied, tuple(dict.fromkeys(unknown)), outside, certain)


def _ways(all_ways: tuple[Way, ...], item: Item, words: Words) -> tuple[list[int], bool, list[str]]:
    """The ways by which a row may count, whether it surely does, and what it does not say; the first that holds."""
    ways: list[int] = []
    unknown: list[str] = []
    for n, way in enumerate(all_ways):
        covered = covers(way.select, item, words)
        if covered is not False:
            ways.append(n)
        if covered:
            return ways, True, unknown
        if covered is None:
            unknown += unknown_keys(way.select, item, words)
    return ways, False, unknown


def _rates(way: Way, item: Item) -> tuple[Rate, ...]:
    """The rates an item may count at: another row of the tranche may take its place in it."""
    if way.tranche:
        return ((0.0, float(way.tranche.inside)), _rate(way.tranche.outside, item))
    return (_rate(way.each, item),)


def _unsaid_rates(way: Way, item: Item) -> list[str]:
    named = way.tranche.outside if way.tranche else way.each
    return [named] if isinstance(named, str) and not math.isfinite(_rate(named, item)[1]) else []


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
