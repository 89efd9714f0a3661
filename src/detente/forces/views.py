"""What is known about a party's forces on a day, by what had been published: totals, categories, types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from detente.asof import AsOf, Span
from detente.forces.catalogue import as_known, newest
from detente.forces.counts import Count
from detente.sources import RECALLED_MARK

By = Literal["status", "category", "type"]


class Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One count in an answer, with the door to its source. Numbers are null where nobody has given one."""

    series: str
    what: str
    status: str
    unit: str
    low: float | None
    best: float | None
    high: float | None
    as_of: str
    published: str
    quality: str
    source: str
    url: str
    id: str
    warheads_each: float | None = None
    note: str = ""
    mark: str = ""


def _plain(x: float) -> float | None:
    return None if x != x else x


def line(c: Count) -> Line:
    """A count as an answer; a recalled one carries its mark."""
    what = c.type or c.site or c.category or "all"
    return Line(
        series=c.series,
        what=what,
        status=c.status if c.kind.endswith("warhead") else f"{c.status} {c.kind.replace('_', ' ')}",
        unit=c.unit,
        low=_plain(c.low),
        best=_plain(c.best),
        high=_plain(c.high),
        as_of=c.as_of,
        published=c.published,
        quality=str(c.quality),
        source=c.source,
        url=c.url,
        id=c.id,
        warheads_each=_plain(c.warheads_each),
        note=c.note,
        mark=RECALLED_MARK if c.quality.doubtful else "",
    )


def latest_edition(rows: Iterable[Count], day: date) -> tuple[Count, ...]:
    """Of each series the rows of its last table that does not lie after `day`.

    A table is what one series says of one party on one date: a type that a later table drops is gone.
    """
    tables: dict[str, dict[date, list[Count]]] = defaultdict(lambda: defaultdict(list))
    for c in rows:
        when = Span.parse(c.as_of).earliest
        if when <= day:
            tables[c.series][when].append(c)
    return tuple(c for by_day in tables.values() for c in by_day[max(by_day)])


def forces(party: str, clocks: AsOf, by: By = "status") -> list[Line]:
    """The counts of one party on `clocks.facts` as printed by `clocks.known`, every series on its own.

    `by` status: stockpile, deployed, reserve, retired, inventory; by category: land, sea, air and
    nonstrategic totals; by type: every system.
    """
    chosen = [c for c in as_known(clocks.known) if c.party == party and _level(c) == by]
    rows = latest_edition(chosen, clocks.facts)
    return [
        line(c) for c in sorted(rows, key=lambda c: (c.series, c.category, c.kind, c.type, c.site, c.status))
    ]


def _level(c: Count) -> By:
    return "type" if c.type or c.site else "category" if c.category else "status"


def vintages(party: str, year: int, status: str = "stockpile") -> list[Line]:
    """Every print of one party-year, oldest first: how the same number moved."""
    from detente.forces.catalogue import all_counts

    rows = [
        c
        for c in all_counts()
        if c.party == party and c.year == year and c.status == status and _level(c) == "status"
    ]
    return [line(c) for c in sorted(rows, key=lambda c: (c.series, Span.parse(c.published).latest))]


def compare(parties: Iterable[str], clocks: AsOf, status: str = "stockpile") -> list[tuple[str, list[Line]]]:
    """One status of several parties, each as every series gives it: the newest row of each series by then."""
    rows = newest(as_known(clocks.known)).values()
    answer = []
    for party in parties:
        mine = [c for c in rows if c.party == party and c.status == status and _level(c) == "status"]
        answer.append((party, [line(c) for c in latest_edition(mine, clocks.facts)]))
    return answer
