"""The embedded data sets: each its own file with its card, and the vintages that can be asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

from detente.asof import Span
from detente.errors import DetenteError, nearest
from detente.forces.counts import Count, read_counts
from detente.tables import Row, read_table

COUNT_SETS = (
    "sipri_yearbook",
    "fas_history",
    "fas_vintages",
    "us_declared",
    "fas_status",
    "us_on_china",
    "us_history",
    "us_forces",
    "ru_forces",
    "cn_forces",
    "uk_fr_forces",
    "silo_fields",
)
FACT_SETS = {
    "loading": ("party", "system", "fact", "value", "unit", "quality", "source", "note"),
    "fissile_material": (
        *("party", "material", "as_of", "published", "low", "best", "high"),
        *("unit", "scope", "quality", "source", "url", "note"),
    ),
    "production_capacity": ("item", "value", "unit", "as_of", "quality", "source", "note"),
    "projections_published": (
        *("id", "who", "published", "party", "quantity", "target_year", "low", "best", "high"),
        *("words", "base", "basis", "outcome", "quality", "source", "note"),
    ),
    "drivers": (
        *("party", "category", "kind", "type", "year", "quantity", "low", "best", "high", "unit"),
        *("published", "quality", "source", "note"),
    ),
}


class Card(msgspec.Struct, frozen=True):
    """What a data set is: its file name, the lines of its card by key, and how many rows it has."""

    name: str
    lines: dict[str, str]
    rows: int
    recalled: int


def _file(name: str) -> Traversable:
    return files("detente.forces").joinpath("data", f"{name}.csv")


@cache
def counts(name: str) -> tuple[Count, ...]:
    """The rows of one embedded set of counts. Raises DetenteError for an unknown name."""
    if name not in COUNT_SETS:
        raise DetenteError(f"no data set '{name}'", fix=nearest(name, COUNT_SETS))
    return read_counts(_file(name))


@cache
def facts(name: str) -> tuple[Row, ...]:
    """The rows of one embedded table of facts. Raises DetenteError for an unknown name."""
    if name not in FACT_SETS:
        raise DetenteError(f"no data set '{name}'", fix=nearest(name, FACT_SETS))
    return tuple(read_table(_file(name), FACT_SETS[name]))


def all_counts(names: Iterable[str] = COUNT_SETS) -> tuple[Count, ...]:
    """The rows of several sets, side by side: series stay apart, nothing is merged."""
    return tuple(c for name in names for c in counts(name))


def card(name: str) -> Card:
    """The data card at the head of an embedded file."""
    text = _file(name).read_text("utf-8")
    lines: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        key, _, value = line[1:].partition(":")
        lines[key.strip()] = value.strip()
    words = [c.quality for c in counts(name)] if name in COUNT_SETS else [r["quality"] for r in facts(name)]
    return Card(name, lines, len(words), sum(w == "recalled" for w in words))


def known_by(rows: Iterable[Count], known: date) -> tuple[Count, ...]:
    """The rows that had been published by `known`; a month or a year counts from its last day on."""
    return tuple(c for c in rows if Span.parse(c.published).reached(known))


def newest(rows: Iterable[Count]) -> dict[tuple[str, ...], Count]:
    """Of rows that count the same thing on the same day, the last printed: by all but the print."""
    latest: dict[tuple[str, ...], Count] = {}
    for c in rows:
        key = (c.series, c.party, c.as_of, c.kind, c.status, c.category, c.type, c.variant, c.site)
        if key not in latest or Span.parse(c.published).latest > Span.parse(latest[key].published).latest:
            latest[key] = c
    return latest


def as_known(known: date, names: Iterable[str] = COUNT_SETS) -> tuple[Count, ...]:
    """Everything counted, as it stood in print on the day `known`: the last print of each row."""
    return tuple(newest(known_by(all_counts(names), known)).values())
