"""One stockpile line a party, as a day knew it: which print each year's figure comes from, joined by a stated rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import msgspec
import numpy as np

from detente.asof import Span
from detente.errors import DetenteError
from detente.forces.catalogue import counts
from detente.forces.counts import Count
from detente.linear import Array

# until January 2016 SIPRI printed totals only; for these parties nothing retired was in them
NOTHING_RETIRED = frozenset({"CN", "UK", "FR", "IN", "PK", "IL", "KP"})
RULE = (
    "SIPRI's January stockpile where one had been printed, before that the FAS stockpile of the year; "
    "the last print of the day, or the oldest print held where none is that old"
)


class Line(msgspec.Struct, frozen=True, eq=False):
    """A party's military stockpile by year, as known on a day.

    `years` (year,) int; `warheads` (year,) float64; `rows`: the count behind each year; `approximate`:
    True for a year whose print of the day is not held, so that the oldest later print stands in.
    """

    party: str
    known: date
    years: np.ndarray
    warheads: Array
    rows: tuple[Count, ...]
    approximate: tuple[bool, ...]

    @property
    def last(self) -> float:
        return float(self.warheads[-1])


def _stockpiles(series: str, party: str) -> Iterable[Count]:
    names = ("sipri_yearbook",) if series == "SIPRI" else ("fas_history", "fas_vintages")
    for name in names:
        for c in counts(name):
            printed_total = c.status == "inventory" and series == "SIPRI" and party in NOTHING_RETIRED
            if c.party == party and (c.status == "stockpile" or printed_total) and c.mid == c.mid:
                yield c


@lru_cache(maxsize=64)
def prints(series: str, party: str) -> dict[int, tuple[Count, ...]]:
    """Every print of every year, oldest first; a stockpile stands before a total of the same print."""
    years: dict[int, list[Count]] = {}
    for c in _stockpiles(series, party):
        years.setdefault(c.year, []).append(c)
    for year, rows in years.items():
        stock = [c for c in rows if c.status == "stockpile"]
        years[year] = sorted(stock or rows, key=lambda c: Span.parse(c.published).latest)
    return {y: tuple(r) for y, r in sorted(years.items())}


@lru_cache(maxsize=4096)
def stockpile_line(party: str, known: date, *, since: int = 1945) -> Line:
    """The stockpile of `party` year by year as it stood in print on `known` (see RULE).

    Raises DetenteError where no figure was in print.
    """
    sipri, fas = prints("SIPRI", party), prints("FAS", party)
    picked: list[tuple[int, Count, bool]] = []
    for year in range(since, known.year + 1):
        day = [c for c in sipri.get(year, ()) if Span.parse(c.published).reached(known)]
        old = [c for c in fas.get(year, ()) if Span.parse(c.published).reached(known)]
        if day or old:
            picked.append((year, (day or old)[-1], False))
        elif year in fas and year < known.year:
            picked.append((year, fas[year][0], True))
    if not picked:
        raise DetenteError(f"no stockpile of {party} was in print by {known}", fix="choose a later day")
    years, rows, approximate = zip(*picked, strict=True)
    values = np.array([c.mid for c in rows], dtype=float)
    return Line(party, known, np.array(years), values, rows, approximate)


@lru_cache(maxsize=64)
def truth(party: str, known: date) -> dict[int, float]:
    """What is held to be true on `known`: by year the newest FAS print, else the newest SIPRI print, warheads."""
    best: dict[int, float] = {}
    for series in ("SIPRI", "FAS"):
        for year, rows in prints(series, party).items():
            day = [c for c in rows if Span.parse(c.published).reached(known)]
            if day:
                best[year] = day[-1].mid
    return best
