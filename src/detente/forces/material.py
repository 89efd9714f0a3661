"""The bound from fissile material: how many warheads the plutonium and the reactors would allow."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np

from detente.asof import Span
from detente.forces.catalogue import facts
from detente.linear import Array
from detente.sources import Quality, worst
from detente.tables import Row

KG_EACH = (3.0, 4.0, 5.0)  # Wright and Gronlund, production_capacity.csv "plutonium per warhead"
REACTOR_YEAR = (100.0, 165.0, 200.0)  # kg a year of a CFR-600 blanket, production_capacity.csv (recalled)
REACTORS = (
    (2026.0, 2027.0, 2029.0),
    (2028.0, 2029.5, 2032.0),
)  # first plutonium out of units 1 and 2: assumed
MILITARY_USE = 0.5  # chance that blanket plutonium goes to weapons: assumed; the fuel supply terms bar it


class Bound(msgspec.Struct, frozen=True, eq=False):
    """Warheads that the plutonium allows: `warheads` (year, draw), and what it rests on."""

    warheads: Array
    rests_on: tuple[Row, ...]
    quality: Quality


def triangle(rng: np.random.Generator, low: float, best: float, high: float, n: int) -> Array:
    """(n,) draws of a triangular distribution; the constant where low equals high."""
    return np.full(n, best) if low == high else rng.triangular(low, best, high, n)


def plutonium(party: str, known: date) -> Row | None:
    """The newest plutonium stock of `party` with a range that was in print on `known`."""
    rows = [
        r
        for r in facts("fissile_material")
        if r["party"] == party
        and r["material"] == "Pu"
        and r.number("low") is not None
        and r.number("best") is not None
        and Span.parse(r["published"]).reached(known)
    ]
    return max(rows, key=lambda r: Span.parse(r["published"]).latest, default=None)


def plutonium_bound(
    party: str, known: date, first: int, years: int, n: int, rng: np.random.Generator
) -> Bound | None:
    """How many warheads the plutonium of `party` allows in each January from `first` on; None if unknown.

    Stock and kilograms a warhead are drawn from triangles (tonnes; kg); fast-reactor output joins for China
    from the drawn years on in half of the draws. Losses and material in tests are not taken off.
    """
    row = plutonium(party, known)
    if row is None:
        return None
    low, best, high = (float(row.number(c) or 0.0) for c in ("low", "best", "high"))
    stock = 1000.0 * triangle(rng, low, best, high, n)
    each = triangle(rng, *KG_EACH, n)
    total = np.tile(stock, (years, 1))
    if party == "CN" and known >= date(2021, 7, 1):
        total += _reactors(first, years, n, rng)
    return Bound(total / each, (row,), worst([Quality(row["quality"]), Quality.assumed]))


def _reactors(first: int, years: int, n: int, rng: np.random.Generator) -> Array:
    """(year, draw) kg of blanket plutonium gathered by each January."""
    calendar = first + np.arange(years, dtype=float)[:, None]
    rate = triangle(rng, *REACTOR_YEAR, n)
    used = rng.random(n) < MILITARY_USE
    running = sum(np.maximum(calendar - triangle(rng, *start, n), 0.0) for start in REACTORS)
    return np.asarray(running * rate * used)
