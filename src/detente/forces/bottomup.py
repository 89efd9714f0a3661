"""The bottom-up model: systems built and loaded year by year, their warheads, the bound from material."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
from scipy.special import ndtri

from detente.asof import Span
from detente.errors import DetenteError
from detente.forces.catalogue import facts
from detente.forces.material import Bound
from detente.forces.statespace import Shape
from detente.linear import Array
from detente.sources import Quality, worst
from detente.tables import Row

Z90 = float(ndtri(0.95))  # low and high of a driver hold 90 %
SHARED = 0.5  # how far the paces of a party's systems go together (correlation): assumed
SPARES = (0.0, 0.15)  # warheads made beyond those assigned to new missiles, fraction: assumed
KEPT = (0.0, 0.8)  # of warheads whose missiles go, the fraction that stays in the stockpile: assumed


class Driver(msgspec.Struct, frozen=True):
    """One quantity of one system over the years: points (year, low, best, high), straight between them."""

    party: str
    category: str
    kind: str
    type: str
    quantity: str
    unit: str
    points: tuple[tuple[int, float, float, float], ...]
    published: str
    quality: Quality
    source: str
    note: str

    @property
    def fixed(self) -> bool:
        """Is it the same number in every year, without a range?"""
        return len({x for point in self.points for x in point[1:]}) == 1

    def at(self, year: float) -> tuple[float, float, float]:
        """(low, best, high) in `year`; the nearest end outside the points."""
        years = [p[0] for p in self.points]
        low, best, high = (float(np.interp(year, years, [p[k] for p in self.points])) for k in (1, 2, 3))
        return low, best, high

    def draw(self, year: float, z: Array) -> Array:
        """The quantity in `year` for standard normal `z`, two-piece normal with 90 % between low and high."""
        low, best, high = self.at(year)
        value = best + np.where(z > 0, (high - best), (best - low)) * z / Z90
        return np.asarray(np.maximum(value, 0.0))


def drivers(party: str, known: date) -> tuple[Driver, ...]:
    """The drivers of `party` in print on `known`: of each system and quantity the newest print."""
    newest: dict[tuple[str, str], str] = {}
    rows = [r for r in facts("drivers") if r["party"] == party and Span.parse(r["published"]).reached(known)]
    for r in rows:
        key = (r["type"], r["quantity"])
        newest[key] = max(newest.get(key, ""), r["published"])
    grouped: dict[tuple[str, str], list[int]] = {}
    for n, r in enumerate(rows):
        key = (r["type"], r["quantity"])
        if r["published"] == newest[key]:
            grouped.setdefault(key, []).append(n)
    return tuple(_driver([rows[n] for n in members]) for members in grouped.values())


def _driver(rows: list[Row]) -> Driver:
    points = []
    for r in rows:
        year, low, best, high = (r.number(c) for c in ("year", "low", "best", "high"))
        if year is None or low is None or best is None or high is None or not low <= best <= high:
            raise DetenteError("year, low <= best <= high are needed", where=r.where)
        points.append((int(year), low, best, high))
    first = rows[0]
    return Driver(
        party=first["party"],
        category=first["category"],
        kind=first["kind"],
        type=first["type"],
        quantity=first["quantity"],
        unit=first["unit"],
        points=tuple(sorted(points)),
        published=first["published"],
        quality=Quality(first["quality"]),
        source=first["source"],
        note=first["note"],
    )


class Build(msgspec.Struct, frozen=True, eq=False):
    """Draws of a party's systems by year.

    `values`: by (type, quantity) (year, draw) float64 in the driver's unit. `quality`: the worst word of all
    drivers.
    """

    party: str
    years: tuple[int, ...]
    drivers: tuple[Driver, ...]
    values: dict[tuple[str, str], Array]
    quality: Quality

    def types(self) -> list[Driver]:
        """One driver for each system, for its kind and category."""
        return list({d.type: d for d in self.drivers}.values())

    def assigned(self) -> Array:
        """(year, draw) warheads assigned to all systems, and those counted directly."""
        total = np.zeros(1)
        for d in self.types():
            if (d.type, "assigned") in self.values:
                total = total + self.values[d.type, "deployed"] * self.values[d.type, "assigned"]
            elif (d.type, "warheads") in self.values:
                total = total + self.values[d.type, "warheads"]
        return np.asarray(total)


def build(
    party: str,
    known: date,
    years: tuple[int, ...],
    n: int,
    rng: np.random.Generator,
    given: tuple[Driver, ...] | None = None,
) -> Build | None:
    """`n` draws of every driver of `party` in each of `years`; None where no driver was in print.

    `given`: these drivers instead of those of `drivers.csv`.

    The error about today and the pace to come are two independent standard normals; the second gains weight
    with the years. Paces share a common factor with correlation SHARED. Deployed items stay within launchers.
    """
    found = drivers(party, known) if given is None else given
    if not found:
        return None
    common = rng.normal(size=n)
    values: dict[tuple[str, str], Array] = {}
    z_of: dict[tuple[str, str], tuple[Array, Array]] = {}
    for d in found:
        pace = np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * rng.normal(size=n)
        z_of[d.type, d.quantity] = (rng.normal(size=n), pace)
    for d in found:
        together = "deployed" if d.quantity == "launchers" else d.quantity
        now, pace = z_of.get((d.type, together), z_of[d.type, d.quantity])
        if d.fixed:
            values[d.type, d.quantity] = np.broadcast_to(np.float64(d.points[0][2]), (len(years), n))
            continue
        first, last = d.points[0][0], d.points[-1][0]
        rows = []
        for year in years:
            w = float(np.clip((year - first) / max(last - first, 1), 0.0, 1.0))
            rows.append(d.draw(year, np.sqrt(1 - w) * now + np.sqrt(w) * pace))
        values[d.type, d.quantity] = np.array(rows)
    for d in found:
        if {(d.type, "launchers"), (d.type, "deployed")} <= values.keys() and d.kind != "heavy_bomber":
            deployed = values[d.type, "deployed"]
            values[d.type, "launchers"] = np.maximum(values[d.type, "launchers"], deployed)
            cap = max(p[3] for x in found if (x.type, x.quantity) == (d.type, "launchers") for p in x.points)
            values[d.type, "deployed"] = np.minimum(deployed, cap)
    return Build(party, years, found, values, worst([d.quality for d in found]))


def stockpile(made: Build, start: Array, rng: np.random.Generator) -> Array:
    """(year, draw) warheads: the stockpile `start` (draw,) of the first year plus what the systems add.

    New assigned warheads come with spares; of the warheads of systems that go a part stays in the stockpile.
    """
    change = made.assigned() - made.assigned()[0]
    n = start.size
    spares, kept = rng.uniform(*SPARES, n), rng.uniform(*KEPT, n)
    return np.asarray(
        np.maximum(start + np.where(change > 0, change * (1 + spares), change * (1 - kept)), 0.0)
    )


def ahead(made: Build, last: float, bound: Bound | None, rng: np.random.Generator) -> Array:
    """(year, draw) warheads after the first of `made.years`, whose print was `last`: the bottom-up view.

    No more than the plutonium of `bound` (from that first year on) allows, never below today for want of it.
    """
    n = next(iter(made.values.values())).shape[1]
    error = Shape().print_sd * rng.standard_t(3, n)
    start = last * np.exp(np.clip(error, -0.5, 0.5))
    warheads = stockpile(made, start, rng)
    if bound is not None:
        warheads = np.minimum(warheads, np.maximum(bound.warheads, start))
    return np.asarray(warheads[1:])
