"""What drives a spread: first-order shares of a result's variance, from the draws themselves."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from detente.forces.project import Projection
from detente.linear import Array

BINS = 30


class Share(msgspec.Struct, frozen=True):
    """The fraction of a result's variance that fixing one input would remove on average."""

    input: str
    share: float


def first_order(result: Array, given: Array, bins: int = BINS) -> float:
    """The first-order index Var(E[Y|X]) / Var(Y) of one input, from (draw,) samples of both.

    The given-data estimator with bins of equal size (Plischke, Borgonovo & Smith 2013, eq. 7), less the
    between-bin variance that pure chance gives, (bins - 1) / (draws - bins) of the rest.
    """
    variance = float(result.var())
    if variance == 0 or given.min() == given.max():
        return 0.0
    values = np.unique(given)
    group = np.searchsorted(values, given) if len(values) <= bins else _equal_bins(given, bins)
    sizes = np.bincount(group)
    means = np.bincount(group, result) / np.maximum(sizes, 1)
    between = float((sizes * (means - result.mean()) ** 2).sum()) / result.size
    k, n = int((sizes > 0).sum()), result.size
    corrected = between - (variance - between) * (k - 1) / max(n - k, 1)
    return float(np.clip(corrected / variance, 0.0, 1.0))


def _equal_bins(given: Array, bins: int) -> np.ndarray:
    rank = np.empty(given.size, dtype=int)
    rank[np.argsort(given, kind="stable")] = np.arange(given.size)
    return rank * bins // given.size


def shares(result: Array, inputs: Mapping[str, Array]) -> list[Share]:
    """First-order shares of every input, largest first."""
    found = [Share(name, first_order(result, x)) for name, x in inputs.items()]
    return sorted(found, key=lambda s: -s.share)


def of_projection(p: Projection, year: int) -> tuple[list[Share], list[Share]]:
    """What drives the stockpile of a January: (choice of model and its inputs, within the bottom-up view)."""
    k = p.years.index(year)
    whole = [Share("which of the three views", first_order(p.values[k], p.view.astype(float)))]
    if p.build is None or not p.from_systems:
        return whole, []
    mine = p.view == 2
    inputs = {
        f"{kind}: {quantity}": values[k + 1][mine]
        for (kind, quantity), values in p.build.values.items()
        if quantity in ("deployed", "assigned", "warheads")
    }
    if p.bound is not None:
        inputs["plutonium bound"] = p.bound.warheads[k + 1][mine]
    return whole, shares(p.values[k][mine], inputs)
