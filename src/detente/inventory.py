"""Inventories: what is counted, row by row, each with its source; missing is never zero."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.linear import Array
from detente.sources import Quality, Source

Value = bool | float | str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a quantity of one kind of thing that one party has.

    `kind`: item class from ``kinds.csv`` (icbm, slbm_launcher, heavy_bomber, warhead, ...). `unit`: what
    `best` counts (missiles, launchers, bombers, warheads, tonnes). `low`, `best`, `high`: NaN if not given.
    `attributes`: what rules select on (deployed, heavy, mobile, alcm, range_km, warheads each, ...); an
    attribute that is absent is unknown, not false.
    """

    id: str
    party: str
    kind: str
    unit: str
    source: Source
    best: float = math.nan
    low: float = math.nan
    high: float = math.nan
    type: str = ""
    site: str = ""
    as_of: str = ""
    attributes: dict[str, Value] = {}
    rivals: tuple[tuple[float, Source], ...] = ()  # what other sources print for `best`: a conflict, kept

    def __post_init__(self) -> None:
        low, high = self.interval
        if math.inf in (self.low, self.best):
            raise DetenteError("an infinite count", where=self.id, fix="leave out what is not known")
        if low < 0:
            raise DetenteError(f"a negative count {low:g}", where=self.id, fix="counts are zero or more")
        if low > high or not (math.isnan(self.best) or low <= self.best <= high):
            raise DetenteError(
                f"low {self.low:g}, best {self.best:g}, high {self.high:g} are out of order",
                where=self.id,
                fix="low <= best <= high",
            )

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high) of the count; [0, inf) where it is missing."""
        low = self.low if not math.isnan(self.low) else self.best
        high = self.high if not math.isnan(self.high) else self.best
        return (0.0 if math.isnan(low) else low, math.inf if math.isnan(high) else high)

    @property
    def known(self) -> bool:
        return math.isfinite(self.interval[1])

    @property
    def label(self) -> str:
        deployed = self.attributes.get("deployed")
        prefix = "" if deployed is None else "deployed " if deployed else "non-deployed "
        return f"{prefix}{self.type or self.kind.replace('_', ' ')}"


class Inventory(msgspec.Struct, frozen=True, dict=True):
    """The rows of one party (or several) on one day.

    `complete`: the source says that nothing else of these kinds exists, so an absent category is zero.
    """

    items: tuple[Item, ...]
    name: str = ""
    complete: bool = False

    def of(self, party: str) -> Inventory:
        """The rows of one party."""
        return Inventory(tuple(i for i in self.items if i.party == party), self.name, self.complete)

    @cached_property
    def bounds(self) -> tuple[Array, Array]:
        """(low, high), each (item,) float64; high is inf where a count is missing."""
        pairs = np.array([i.interval for i in self.items], dtype=float).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    @cached_property
    def best(self) -> Array:
        """(item,) float64 best counts; NaN where missing."""
        return np.array([i.best for i in self.items], dtype=float)

    @property
    def quality(self) -> set[Quality]:
        return {i.source.quality for i in self.items}


def inventory(items: Iterable[Item], **more: Any) -> Inventory:
    """An inventory from rows. Raises DetenteError where two rows share an id."""
    rows = tuple(items)
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise DetenteError("two inventory rows share this id", where=row.id, fix="ids are unique")
        seen.add(row.id)
    return Inventory(rows, **more)
