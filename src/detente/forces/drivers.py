"""Drivers of a result: which rows of a force make the spread of what is computed from its draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec
import numpy as np

from detente.draws import Draws
from detente.forces.futures import Future
from detente.forces.proposals import cases_of
from detente.forces.sensitivity import Share, shares
from detente.inventory import Inventory, Item
from detente.linear import Array, LinearForm, Sense

SHOWN = 3


class Drivers(msgspec.Struct, frozen=True):
    """First-order shares of the variance of one count in one January, the largest first.

    The rows of a force move together, so that the shares may add to more than one.
    """

    proposal: str
    party: str
    limit: str
    year: int
    spread: tuple[float, float]
    inputs: tuple[Share, ...]


def of_rows(
    result: Array,
    rows: Inventory,
    values: Array,
    used: Iterable[int] | None = None,
    more: Mapping[str, Array] | None = None,
) -> tuple[Share, ...]:
    """The SHOWN rows that drive `result` (draw,) most, from the draws (draw, item) it was computed from.

    `used`: the columns that enter, all if left out; `more`: inputs (draw,) that are no row. What no draw
    moves, and what nobody knows, drives nothing.
    """
    inputs = dict(more or {})
    for k in range(len(rows.items)) if used is None else used:
        if np.isfinite(values[0, k]):
            name = _label(rows.items[k])
            inputs[f"{name} ({rows.items[k].id})" if name in inputs else name] = values[:, k]
    found = shares(result, inputs)
    return tuple(s for s in found if s.share > 0)[:SHOWN]


def _label(item: Item) -> str:
    deployed = item.attributes.get("deployed")
    apart = " not deployed" if deployed is False else ""
    return f"{item.party} {item.type or item.kind}{apart}: {item.unit}"


def of_limit(form: LinearForm, n: int, draws: Draws) -> tuple[Share, ...]:
    """What drives whether limit `n` of `form` is kept: the share of the variance of "kept" (0 or 1).

    Empty where every draw gives the same answer, where the limit is not linear, or where it touches a row
    that nobody knows.
    """
    used = np.flatnonzero(form.low[n])
    values = draws.values
    if not form.is_linear or not np.isfinite(values[0, used]).all():
        return ()
    count = values[:, used] @ form.low[n, used]
    bound, slack = form.bound[n], 1e-9 * max(1.0, abs(float(form.bound[n])))
    above, below = count > bound + slack, count < bound - slack
    broken = {Sense.at_most: above, Sense.at_least: below, Sense.exactly: above | below}[form.sense[n]]
    return of_rows((~broken).astype(float), draws.inventory, values, used)


def drivers(
    names: Sequence[str], year: int, futures: Mapping[str, Future], known: date
) -> tuple[Drivers, ...]:
    """What drives each count of each proposal in one January, from the draws of the projected rows.

    `spread`: 5 and 95 % of the count. A row that no draw moves drives nothing and is left out.
    """
    found = []
    for case in (c for name in names for c in cases_of(name, dict(futures), (year,), known)):
        members = [futures[code] for code in case.party.split("+")]
        values = np.concatenate([m.values[m.years.index(year)] for m in members], axis=1)
        rows = Inventory(tuple(i for m in members for i in m.inventory.items))
        count = values @ case.form.low[0]
        low, high = (float(q) for q in np.quantile(count, (0.05, 0.95)))
        driving = of_rows(count, rows, values, np.flatnonzero(case.form.low[0]))
        found.append(Drivers(case.proposal, case.party, case.title, year, (low, high), driving))
    return tuple(found)
