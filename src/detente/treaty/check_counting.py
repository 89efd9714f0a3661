"""Rules about counting: rules that exist, units that fit, selections, bounds and intervals."""

from __future__ import annotations

from collections.abc import Iterator

from detente.asof import Span
from detente.errors import nearest
from detente.treaty.problem import Path, Problem
from detente.treaty.schema import Instrument, Limit, Range, Select
from detente.treaty.times import when
from detente.treaty.words import Words


def counting_fits(i: Instrument) -> Iterator[Problem]:
    """Limits sum rules that exist, in one unit, in a way their operator allows."""
    rules = {r.id: r for r in i.counting}
    for n, limit in enumerate(i.limits):
        path: Path = ("limits", n)
        named = (*limit.count, *(name for group in limit.groups for name in group))
        if bool(limit.count) == bool(limit.groups):
            yield Problem(
                f"limit '{limit.id}' needs either 'count' or 'groups'",
                path,
                "list the ids of its counting rules",
            )
        if (limit.operator == "sum") != bool(limit.count):
            yield Problem(
                f"'{limit.operator}' does not fit",
                path,
                "max, min and ratio go with 'groups', sum with 'count'",
            )
        if limit.operator == "ratio" and len(limit.groups) != 2:
            yield Problem("a ratio needs two groups", (*path, "groups"))
        for name in named:
            if name not in rules:
                yield Problem(f"unknown counting rule '{name}'", (*path, "count"), nearest(name, rules))
            elif limit.groups and any(way.tranche for way in rules[name].all_ways):
                yield Problem(
                    f"rule '{name}' has a tranche, which goes into a sum only",
                    (*path, "groups"),
                    "use 'count'",
                )
            elif limit.operator != "ratio" and rules[name].unit != limit.unit:
                yield Problem(
                    f"unit mismatch: limit '{limit.id}' is in {limit.unit}, rule '{name}' counts {rules[name].unit}",
                    (*path, "unit"),
                )
        if len(set(named)) != len(named):
            yield Problem("a counting rule is summed twice", (*path, "count"))
        if limit.within and limit.within not in {other.id for other in i.limits}:
            yield Problem(
                f"unknown limit '{limit.within}'",
                (*path, "within"),
                nearest(limit.within, [x.id for x in i.limits]),
            )
    for n, rule in enumerate(i.counting):
        for m, way in enumerate(rule.all_ways):
            at: Path = ("counting", n, "ways", m) if rule.ways else ("counting", n)
            yield from _rates_known(
                i, (way.each, *((way.tranche.inside, way.tranche.outside) if way.tranche else ())), at
            )
            if way.tranche and way.tranche.first < 0:
                yield Problem(f"a negative tranche {way.tranche.first}", at)
            if not way.select:
                yield Problem(f"rule '{rule.id}' selects nothing", at, "give 'select'")
    for n, exception in enumerate(i.exceptions):
        yield from _rates_known(i, (exception.each,), ("exceptions", n, "each"))


def _rates_known(i: Instrument, rates: tuple[float | str, ...], path: Path) -> Iterator[Problem]:
    words = Words(i)
    for rate in rates:
        if isinstance(rate, str) and words.attributes.get(rate) != "number":
            numbers = [a for a, t in words.attributes.items() if t == "number"]
            yield Problem(f"'{rate}' is no numeric attribute", path, nearest(rate, numbers))
        elif not isinstance(rate, str) and rate < 0:
            yield Problem(f"a negative rate {rate}", path, "an item counts zero or more")


def selects_fit(i: Instrument) -> Iterator[Problem]:
    """Selections use known classes, attributes and values."""
    words = Words(i)
    for path, select in _selects(i):
        for key, wanted in select.items():
            values = wanted if isinstance(wanted, list) else [wanted]
            yield from (Problem(what, (*path, key), fix) for what, fix in words.misfits(key, values))
            if isinstance(wanted, Range):
                low = wanted.min if wanted.min is not None else wanted.above
                high = wanted.max if wanted.max is not None else wanted.below
                if (low is None and high is None) or (low is not None and high is not None and low > high):
                    yield Problem("an empty range", (*path, key), "give min or above, max or below")


def _selects(i: Instrument) -> Iterator[tuple[Path, Select]]:
    for section in ("definitions", "exceptions", "prohibitions"):
        for n, node in enumerate(getattr(i, section)):
            yield (section, n, "select"), node.select
    for n, rule in enumerate(i.counting):
        for m, way in enumerate(rule.all_ways):
            yield (
                (("counting", n, "ways", m, "select") if rule.ways else ("counting", n, "select")),
                way.select,
            )


def bounds_are_sound(i: Instrument) -> Iterator[Problem]:
    """Every limit has a bound for every party, in intervals that do not overlap."""
    from detente.treaty.life import fixed_events

    events = fixed_events(i)
    for n, limit in enumerate(i.limits):
        path: Path = ("limits", n)
        if (limit.bound is None) == (not limit.phases):
            yield Problem(f"limit '{limit.id}' needs either 'bound' or 'phases'", path)
        if limit.together and any(
            isinstance(b, dict) for b in (limit.bound, *(p.bound for p in limit.phases))
        ):
            yield Problem("parties counted together have one bound", (*path, "bound"), "give one number")
        if limit.shares and isinstance(limit.bound, dict):
            yield Problem("'shares' go with one number as 'bound'", (*path, "shares"))
        if any(share <= 0 for share in limit.shares.values()):
            yield Problem("a share that is not positive", (*path, "shares"))
        for bound in (limit.bound, *(p.bound for p in limit.phases)):
            values = bound.values() if isinstance(bound, dict) else () if bound is None else (bound,)
            if any(v < 0 for v in values):
                yield Problem("a negative bound", (*path, "bound"))
            bound_to = set(bound) if isinstance(bound, dict) else set(limit.shares)
            absent = set(limit.parties or i.parties) - bound_to
            if bound_to and absent:
                yield Problem(f"no bound for {', '.join(sorted(absent))}", (*path, "bound"))
        if limit.sides and (limit.parties or limit.together or limit.shares or bound_to):
            yield Problem(
                "'sides' go with one number as 'bound'",
                (*path, "sides"),
                "leave out 'parties', 'together' and 'shares', or write a limit a side",
            )
        yield from _intervals(limit, path, events)


def _intervals(limit: Limit, path: Path, events: dict[str, Span]) -> Iterator[Problem]:
    spans = [(when(p.since, events), when(p.until, events) if p.until else None) for p in limit.phases]
    for m, (since, until) in enumerate(spans):
        later = spans[m + 1][0] if m + 1 < len(spans) else None
        if since and until and until.earliest <= since.earliest:
            yield Problem("a phase that ends before it begins", (*path, "phases", m))
        if since and later and later.earliest <= since.earliest:
            yield Problem("overlapping intervals: phases must follow each other", (*path, "phases", m + 1))
        if until and later and later.earliest < until.earliest:
            yield Problem(
                "overlapping intervals: this phase begins before the last one ends", (*path, "phases", m + 1)
            )
    if limit.since and limit.until:
        since, until = when(limit.since, events), when(limit.until, events)
        if since and until and until.earliest <= since.earliest:
            yield Problem("a limit that ends before it begins", (*path, "until"))
