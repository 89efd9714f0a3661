"""Do the parts add to the published totals? Re-adding SIPRI's world totals and every printed sum."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from detente.forces.catalogue import all_counts, counts
from detente.forces.counts import ROUNDING, WORLD, Count, additions
from detente.sources import Quality

# SIPRI left North Korea out of its world totals in these Januaries (a footnote of the tables)
WITHOUT_KP = range(2016, 2022)
# to 2014 the world totals are nearest to the middles of printed ranges, from 2015 on they add the upper ends
MIDDLES = range(2011, 2015)


class Sum(msgspec.Struct, frozen=True):
    """One printed total against the sum of its printed parts, and whether the parts were read or recalled.

    `agrees`: equal; `rounded`: apart by no more than 0.5 %, or by the rounding of a total in hundreds; `open`:
    the printed parts do not cover the whole; `broken`: they pass it.
    """

    series: str
    party: str
    as_of: str
    rule: str
    printed: float
    added: float
    recalled: int
    parts: tuple[str, ...]

    @property
    def word(self) -> str:
        if self.added == self.printed:
            return "agrees"
        to_hundreds = self.printed % 100 == 0 and round(self.added, -2) == self.printed
        if to_hundreds or abs(self.added - self.printed) <= ROUNDING * self.printed:
            return "rounded"
        return "open" if self.added < self.printed else "broken"


def _addend(c: Count) -> float:
    return c.mid if c.year in MIDDLES or math.isnan(c.high) else c.high


def world_sums() -> list[Sum]:
    """SIPRI's world totals of January 2011 to 2026 against the sums of their rows (upper ends of ranges)."""
    rows = counts("sipri_yearbook")
    sums = []
    for total in rows:
        if total.party != WORLD:
            continue
        parts = [
            c
            for c in rows
            if c.as_of == total.as_of
            and c.status == total.status
            and c.party != WORLD
            and not (c.party == "KP" and c.year in WITHOUT_KP)
        ]
        sums.append(_sum(total, parts, f"world {total.status} = sum of parties", sum(map(_addend, parts))))
    return sums


def part_sums(rows: Iterable[Count] | None = None) -> list[Sum]:
    """Every other printed total of the rows (all embedded sets by default) against its printed parts."""
    return [_sum(e.total, e.parts, e.rule, e.best) for e in additions(all_counts() if rows is None else rows)]


def _sum(total: Count, parts: Iterable[Count], rule: str, added: float) -> Sum:
    parts = tuple(parts)
    recalled = sum(p.quality is Quality.recalled for p in (total, *parts))
    ids = tuple(p.id for p in parts)
    return Sum(total.series, total.party, total.as_of, rule, total.mid, added, recalled, ids)
