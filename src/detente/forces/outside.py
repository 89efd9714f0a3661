"""The outside view: what arsenals of like size and trend went on to do, drawn from every party's own past."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from detente.forces.statespace import OFFSET
from detente.linear import Array

# chosen on targets to 2011 only, see detente.forces.calibrate
TREND_WIDTH = 0.05  # kernel width over the growth of the last five years, log a year
SIZE_WIDTH = 2.0  # kernel width over the size, log
YOUNG = 5  # the first years of an arsenal are no example for a grown one


class Past(msgspec.Struct, frozen=True, eq=False):
    """One party's line: `years` (year,) int without gaps, `warheads` (year,), from the first weapon on."""

    years: np.ndarray
    warheads: Array


def growth(log_size: Array, at: int) -> float:
    """Mean yearly growth (log) over the five years that end at index `at`."""
    back = max(at - 5, 0)
    return float((log_size[at] - log_size[back]) / max(at - back, 1))


def examples(pasts: Iterable[Past], origin: int, years: int) -> tuple[Array, Array]:
    """All paths of `years` years that had ended by `origin`.

    Returns their growth and size at the start (path, 2), and what followed (path, year) as log ratios.
    """
    starts: list[tuple[float, float]] = []
    paths: list[Array] = []
    for past in pasts:
        z = np.log(past.warheads + OFFSET)
        for j in range(YOUNG, len(z) - years):
            if past.years[j] + years > origin:
                break
            starts.append((growth(z, j), float(z[j])))
            paths.append(z[j + 1 : j + 1 + years] - z[j])
    return np.array(starts).reshape(-1, 2), np.array(paths).reshape(-1, years)


def ahead(past: Past, pasts: Iterable[Past], years: int, n: int, rng: np.random.Generator) -> Array | None:
    """(year, draw) float64 warheads: paths of like arsenals set onto the last figure of `past`.

    Paths are drawn with Gaussian kernel weights in growth and size (analogue forecasting, Lorenz 1969).
    None where fewer than five paths had ended.
    """
    starts, paths = examples(pasts, int(past.years[-1]), years)
    if len(starts) < 5:
        return None
    z = np.log(past.warheads + OFFSET)
    here = (growth(z, len(z) - 1), float(z[-1]))
    distance = ((starts - here) / (TREND_WIDTH, SIZE_WIDTH)) ** 2
    weight = np.exp(-0.5 * (distance.sum(axis=1) - distance.sum(axis=1).min()))
    chosen = rng.choice(len(weight), n, p=weight / weight.sum())
    return np.asarray(np.maximum(np.exp(z[-1] + paths[chosen].T) - OFFSET, 0.0))
