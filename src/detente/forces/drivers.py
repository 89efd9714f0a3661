"""Drivers of a count: which rows of a projected force make the spread of what a limit counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
import numpy as np

from detente.forces.futures import Future
from detente.forces.proposals import cases_of
from detente.forces.sensitivity import Share, shares

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
        labels = [f"{m.party} {i.type or i.kind}: {i.unit}" for m in members for i in m.inventory.items]
        count = values @ case.form.low[0]
        inputs = {labels[k]: values[:, k] for k in np.flatnonzero(case.form.low[0])}
        low, high = (float(q) for q in np.quantile(count, (0.05, 0.95)))
        driving = tuple(s for s in shares(count, inputs) if s.share > 0)[:SHOWN]
        found.append(Drivers(case.proposal, case.party, case.title, year, (low, high), driving))
    return tuple(found)
