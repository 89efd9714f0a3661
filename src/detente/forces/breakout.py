"""Breakout: what a party could put on its deployed systems once a law no longer holds it."""

from __future__ import annotations

import math
from datetime import date

import msgspec
import numpy as np

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.forces.catalogue import facts
from detente.forces.drivers import of_rows
from detente.forces.futures import Future, future
from detente.forces.project import project
from detente.forces.proposals import STRATEGIC
from detente.forces.sensitivity import Share
from detente.sources import RECALLED_MARK
from detente.treaty.judge import counted_as
from detente.treaty.proposals import load_proposal
from detente.treaty.resolve import resolve


class System(msgspec.Struct, frozen=True):
    """One system today (medians): items deployed, warheads on them, warheads they could take."""

    type: str
    items: float
    warheads: float
    could: float


class Breakout(msgspec.Struct, frozen=True):
    """Upload potential in a January: warheads deployed now and after upload (5, 50, 95 %), against the bound.

    `published`: other estimates of the same, by source. `times`: median after over median now. `drivers`: what
    makes the spread after upload, first-order shares.
    """

    party: str
    law: str
    year: int
    deployed: tuple[float, float, float]
    uploaded: tuple[float, float, float]
    gain: tuple[float, float, float]
    times: float
    bound: float | None
    limit: str
    p_above: float | None
    systems: tuple[System, ...]
    drivers: tuple[Share, ...]
    published: tuple[str, ...]
    draws: int
    seed: int
    marks: tuple[str, ...]


def breakout(
    party: str, law: str, *, year: int = 0, known: date | None = None, n: int = 20_000, seed: int = 1
) -> Breakout:
    """What `party` could deploy on leaving `law`: every deployed missile and bomber takes all it can carry.

    Limited by the warheads assigned to each type, by the most each can carry, and by the stockpile. The time
    this takes is not computed. Raises DetenteError for a law without a warhead limit on the party.
    """
    known = known or date.today()
    p = project(party, max(year, known.year + 2), known=known, n=n, seed=seed)
    made = future(p)
    year = year or made.years[0]
    if year not in made.years:
        raise DetenteError(f"{year} is not projected", fix=f"years {made.years[0]} to {made.years[-1]}")
    k = made.years.index(year)
    strategic = [j for j, i in enumerate(made.inventory.items) if i.kind in STRATEGIC]
    deployed = made.values[k][:, strategic].sum(axis=1)
    uploaded = np.maximum(made.upload[k], deployed)
    name, bound = _warhead_limit(law, party, year, known)
    doubtful = any(made.inventory.items[j].source.quality.doubtful for j in strategic)
    return Breakout(
        *(party, law, year),
        deployed=_points(deployed),
        uploaded=_points(uploaded),
        gain=_points(uploaded - deployed),
        times=float(np.median(uploaded) / max(float(np.median(deployed)), 1.0)),
        bound=bound,
        limit=name,
        p_above=None if bound is None else float((uploaded > bound).mean()),
        systems=tuple(_systems(made, party, k, known)),
        drivers=_drivers(made, k, strategic, uploaded),
        published=_published(party),
        draws=n,
        seed=seed,
        marks=(RECALLED_MARK,) if doubtful else (),
    )


class Upload(msgspec.Struct, frozen=True):
    """Strategic warheads of a party in a January, deployed and after upload (5, 50, 95 %): what leaving frees."""

    party: str
    year: int
    deployed: tuple[float, float, float]
    uploaded: tuple[float, float, float]


def upload(made: Future, year: int) -> Upload:
    """What a projected force could put on its deployed systems in one January once no limit holds it."""
    k = made.years.index(year)
    strategic = [j for j, i in enumerate(made.inventory.items) if i.kind in STRATEGIC]
    deployed = made.values[k][:, strategic].sum(axis=1)
    return Upload(made.party, year, _points(deployed), _points(np.maximum(made.upload[k], deployed)))


def _drivers(made: Future, k: int, strategic: list[int], uploaded: np.ndarray) -> tuple[Share, ...]:
    """What drives the count after upload: what each type could take, what lies on it now, the stockpile."""
    warheads = [j for j, i in enumerate(made.inventory.items) if i.unit == "warheads"]
    more = {f"{made.party} {name}: could take": could[k] for name, could in made.could.items()}
    more[f"{made.party} stockpile: warheads"] = made.values[k][:, warheads].sum(axis=1)
    return of_rows(uploaded, made.inventory, made.values[k], strategic, more)


def _points(x: np.ndarray) -> tuple[float, float, float]:
    low, mid, high = (float(q) for q in np.quantile(x, (0.05, 0.5, 0.95)))
    return low, mid, high


def _warhead_limit(law: str, party: str, year: int, known: date) -> tuple[str, float | None]:
    loaded = load_proposal(law)
    at = resolve(loaded, AsOf(date(year, 3, 1), date(year, 3, 1), known))
    for limit in loaded.instrument.limits:
        groups = [g for g in counted_as(at, limit) if party in g.split("+")]
        if limit.unit == "warheads" and groups:
            return f"{limit.title} ({limit.article})", at.bound(limit, groups[0]).value
    raise DetenteError(f"{law} limits no warheads of {party}", fix="name a law that does")


def _systems(made: Future, party: str, k: int, known: date) -> list[System]:
    from detente.forces.bottomup import drivers

    rates = {(d.type, d.quantity): d.points[0][2] for d in drivers(party, known)}
    middle = {i.id: float(np.median(made.values[k][:, j])) for j, i in enumerate(made.inventory.items)}
    rows = []
    for item in made.inventory.items:
        name = item.type
        if (
            item.id != f"{party}/{name}"
            or f"{item.id}/warheads" not in middle
            or (name, "load_max") not in rates
        ):
            continue
        each = max(min(rates[name, "load_max"], rates[name, "assigned"]), rates[name, "load"])
        rows.append(System(name, middle[item.id], middle[f"{item.id}/warheads"], middle[item.id] * each))
    return rows


def _published(party: str) -> tuple[str, ...]:
    said = []
    for r in facts("projections_published"):
        about = "upload" in r["quantity"] or "deployable" in r["quantity"]
        value = r.number("best") or r.number("high")
        if r["party"] == party and about and value and math.isfinite(value):
            mark = f", {RECALLED_MARK}" if r["quality"] == "recalled" else ""
            said.append(f"{r['who']} {r['published']}: {value:,.0f} ({r['quantity']}{mark})")
    return tuple(said)
