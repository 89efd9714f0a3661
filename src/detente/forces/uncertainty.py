"""From counts to draws: how wide an estimate is, and how parts keep adding to what constrains them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import msgspec
import numpy as np
from scipy.special import ndtri

from detente.draws import Draws
from detente.errors import DetenteError
from detente.forces.catalogue import counts
from detente.forces.counts import WORLD
from detente.inventory import Inventory, Item
from detente.linear import Array
from detente.sources import Quality

Z90 = float(ndtri(0.95))
EXACT = frozenset(
    {Quality.text, Quality.official}
)  # a party's own figure is what it declared, not an estimate
# how much wider than the disagreement of prints a row's own word makes it; choices, see docs/forces.md
WIDER = {Quality.derived: 1.25, Quality.secondary: 1.0, Quality.assumed: 1.5, Quality.recalled: 1.5}
FLOOR = 0.01  # US estimate against the release of 2023: 3,708 against 3,748, 1.1 %


@cache
def disagreement(party: str) -> float:
    """How far prints of the same stockpile year differ, as a standard deviation of the logarithm.

    Over every party-year since 2011: the prints of SIPRI, FAS and governments, revisions and rival
    estimates alike, about their mean; never below FLOOR. Parties without two prints get the pooled figure.
    """
    squares: dict[str, list[float]] = defaultdict(list)
    years: dict[tuple[str, int], list[float]] = defaultdict(list)
    for name in ("sipri_yearbook", "fas_history", "fas_vintages", "us_declared", "fas_status", "us_on_china"):
        for c in counts(name):
            if c.status == "stockpile" and c.year >= 2011 and c.party != WORLD and c.mid > 0:
                years[c.party, c.year].append(math.log(c.mid))
    for (code, _), logs in years.items():
        if len(logs) > 1:
            squares[code].append(float(np.var(logs, ddof=1)))
    pooled = [v for s in squares.values() for v in s]
    chosen = squares.get(party) or pooled
    return max(math.sqrt(float(np.mean(chosen))), FLOOR)


def spread(item: Item) -> float:
    """The standard deviation of the logarithm of a count that comes without low and high."""
    quality = item.source.quality
    return 0.0 if quality in EXACT else disagreement(item.party) * WIDER.get(quality, 1.0)


def draw_item(item: Item, z: Array) -> Array:
    """A count for standard normal `z` (draw,): NaN where nobody knows it.

    With low and high: two-piece normal with 90 % between them, cut at zero (a printed range is read as a 90 %
    range). Only `best`: log-normal with median `best` and `spread`. Only one end: known to be that or more,
    which no draw can settle: NaN.
    """
    if math.isnan(item.best) and not (math.isfinite(item.low) and math.isfinite(item.high)):
        return np.full(z.size, math.nan)
    best = item.best if not math.isnan(item.best) else (item.low + item.high) / 2
    if math.isnan(item.low) and math.isnan(item.high):
        return np.asarray(best * np.exp(spread(item) * z))
    low = item.low if not math.isnan(item.low) else best
    high = item.high if not math.isnan(item.high) else best
    return np.asarray(np.maximum(best + np.where(z > 0, high - best, best - low) * z / Z90, 0.0))


class Total(msgspec.Struct, frozen=True, eq=False):
    """A constraint: the rows `parts` (ids) add to `value` (draw,), in their unit."""

    parts: tuple[str, ...]
    value: Array


def draws(inventory: Inventory, *, n: int, seed: int, totals: Sequence[Total] = ()) -> Draws:
    """`n` seeded draws of every row, parts adjusted so that they add to `totals` in every draw.

    Rows are independent before the adjustment; it makes parts of a total go against each other.
    Raises DetenteError for a total over unknown rows.
    """
    rng = np.random.default_rng(seed)
    values = (
        np.column_stack([draw_item(i, rng.normal(size=n)) for i in inventory.items])
        if inventory.items
        else np.empty((n, 0))
    )
    if totals:
        index = {i.id: k for k, i in enumerate(inventory.items)}
        matrix = np.zeros((len(totals), len(index)))
        for row, total in enumerate(totals):
            for part in total.parts:
                if part not in index:
                    raise DetenteError(f"a total over the unknown row '{part}'", where=inventory.name)
                matrix[row, index[part]] = 1.0
        targets = np.column_stack([t.value for t in totals])
        values = reconcile(values, matrix, targets)
    return Draws(inventory, values, seed, "two-piece normal and log-normal, reconciled to totals")


def reconcile(values: Array, matrix: Array, targets: Array, *, rounds: int = 50) -> Array:
    """The nearest values (draw, item) with ``values @ matrix.T == targets`` (draw, total) and none negative.

    Nearest in the metric of the draws' own variances: the posterior mean of a Gaussian given its sums,
    ``x + V A'(A V A')^-1 (t - A x)`` (Wickramasuriya, Athanasopoulos & Hyndman 2019, eq. 9, diagonal V);
    columns that would fall below zero are held there and the rest solved again.
    Raises DetenteError where a total cannot be met.
    """
    known = ~np.isnan(values).any(axis=0)
    used = matrix.any(axis=0)
    if (used & ~known).any():
        raise DetenteError("a total over a row that nobody knows cannot be shared out")
    variance = np.where(known, values.var(axis=0), 0.0)
    variance = np.where(used & (variance == 0), 1e-12, variance)
    out = values.copy()
    pending = np.arange(len(values))
    free = np.broadcast_to(used, values.shape).copy()
    for _ in range(rounds):
        x, open_ = out[pending], free[pending]
        x = np.where(open_ | ~used, values[pending], 0.0)
        v = variance * open_
        gap = targets[pending] - np.nan_to_num(x) @ matrix.T
        gram = np.einsum("ti,di,si->dts", matrix, v, matrix)
        step = np.einsum("dst,dt->ds", np.linalg.pinv(gram, hermitian=True), gap)
        x = x + v * (step @ matrix)
        out[pending] = x
        below = (x < -1e-9) & open_
        free[pending] &= ~below
        pending = pending[below.any(axis=1)]
        if not len(pending):
            break
    out[:, used] = np.maximum(out[:, used], 0.0)
    miss = np.abs(np.nan_to_num(out) @ matrix.T - targets)
    if (miss > 1e-6 * np.maximum(1.0, np.abs(targets))).any():
        raise DetenteError("no parts of zero or more add to a total", fix="check the total and the parts")
    return out
