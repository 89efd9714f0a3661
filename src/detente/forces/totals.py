"""Totals of a party's printed parts as draws: how wide the sum is, and which part makes it so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import msgspec
import numpy as np

from detente.asof import AsOf
from detente.forces import uncertainty
from detente.forces.catalogue import as_known
from detente.forces.counts import Count
from detente.forces.drivers import of_rows
from detente.forces.sensitivity import Share
from detente.forces.views import latest_edition
from detente.inventory import Inventory, Item
from detente.sources import RECALLED_MARK, Source

STATUSES = ("deployed", "reserve", "retired")  # they make up an inventory


class Total(msgspec.Struct, frozen=True):
    """The sum of the parts one series prints for one day: 5, 50, 95 % in warheads, and what drives it.

    `parts`: how many; `printed`: the total the same series prints for the day, None where it prints none.
    """

    series: str
    what: str
    as_of: str
    parts: int
    points: tuple[float, float, float]
    printed: float | None
    drivers: tuple[Share, ...]
    marks: tuple[str, ...]


def totals(party: str, clocks: AsOf, *, n: int = 20_000, seed: int = 1) -> tuple[Total, ...]:
    """Of every series: warheads assigned to systems, and inventories by status, drawn part by part.

    The parts are drawn as `detente.forces.uncertainty` says, each on its own: a total that a series prints
    without parts has nothing to drive it and is left out.
    """
    rows = [c for c in as_known(clocks.known) if c.party == party and c.unit == "warheads"]
    tables: dict[tuple[str, str], list[Count]] = defaultdict(list)
    for c in latest_edition([c for c in rows if c.status == "assigned"], clocks.facts):
        tables[c.series, "assigned to systems"].append(c)
    whole = [c for c in rows if not (c.type or c.site or c.category)]
    for c in latest_edition([c for c in whole if c.status in STATUSES], clocks.facts):
        tables[c.series, "inventory"].append(c)
    found = []
    for (series, what), members in tables.items():
        parts = _finest(members) if what.startswith("assigned") else members
        if len(parts) > 1:
            found.append(_total(series, what, parts, _printed(whole, series, what, parts[0].as_of), n, seed))
    return tuple(found)


def _finest(rows: Sequence[Count]) -> list[Count]:
    """The types of each category, or the category's own total where it prints no types."""
    typed = {c.category for c in rows if c.type}
    return [c for c in rows if bool(c.type) == (c.category in typed)]


def _printed(rows: Sequence[Count], series: str, what: str, as_of: str) -> float | None:
    if what != "inventory":
        return None
    same = [c.mid for c in rows if (c.series, c.status, c.as_of) == (series, "inventory", as_of)]
    return same[0] if same else None


def _total(series: str, what: str, parts: Sequence[Count], printed: float | None, n: int, seed: int) -> Total:
    inventory = Inventory(tuple(_item(c) for c in parts), name=series)
    drawn = uncertainty.draws(inventory, n=n, seed=seed)
    known = np.isfinite(drawn.values[0])
    total = drawn.values[:, known].sum(axis=1)
    low, mid, high = (float(q) for q in np.quantile(total, (0.05, 0.5, 0.95)))
    doubtful = any(c.quality.doubtful for c in parts)
    return Total(
        *(series, what, parts[0].as_of, len(parts)),
        points=(low, mid, high),
        printed=printed,
        drivers=of_rows(total, inventory, drawn.values),
        marks=(RECALLED_MARK,) if doubtful else (),
    )


def _item(c: Count) -> Item:
    return Item(
        id=c.id,
        party=c.party,
        kind=c.kind,
        unit=c.unit,
        type=c.type or c.category or c.status,
        source=Source(c.source, c.quality),
        low=c.low,
        best=c.best,
        high=c.high,
    )
