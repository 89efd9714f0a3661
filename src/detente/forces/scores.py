"""How good a forecast was: CRPS, the probability integral transform, coverage; after Gneiting & Raftery 2007."""

from __future__ import annotations

import numpy as np

from detente.linear import Array


def crps(draws: Array, truth: float) -> float:
    """Continuous ranked probability score of a sample against one outcome, in the unit of both; 0 is perfect.

    The fair sample form E|X - y| - E|X - X'| / 2 (Gneiting & Raftery 2007 eq. 21; fair: Ferro 2014 eq. 6).
    For a point forecast it is the absolute error.
    """
    x = np.sort(np.asarray(draws, dtype=float))
    n = x.size
    first = float(np.abs(x - truth).mean())
    if n == 1:
        return first
    spread = float(((2 * np.arange(1, n + 1) - n - 1) * x).sum()) * 2 / (n * (n - 1))
    return first - spread / 2


def pit(draws: Array, truth: float, rng: np.random.Generator) -> float:
    """Where the outcome falls in the forecast: uniform on [0, 1] if the forecast is calibrated.

    Ties are broken at random (Czado, Gneiting & Held 2009 eq. 2), as rounded counts need.
    """
    below, equal = float((draws < truth).mean()), float((draws == truth).mean())
    return below + float(rng.random()) * equal


def covered(draws: Array, truth: float, level: float = 0.9) -> bool:
    """Does the central interval of probability `level` hold the outcome?"""
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return bool(low <= truth <= high)
