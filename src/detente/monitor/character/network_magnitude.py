"""The magnitude of a network: maximum likelihood with upper limits where a station saw nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import StationMagnitude

Float = NDArray[np.float64]

FREEDOM: Final = 4.0
"""Student's t of station residuals: heavier tails than a Gaussian, so that one odd path does not move the sum."""
_GRID: Final = np.arange(-3.0, 10.0, 0.005)


def log_likelihood(magnitude: Float, stations: Sequence[StationMagnitude]) -> Float:
    """(n,) log likelihood of each network magnitude.

    A station that measured x +- sd adds the density of x - m; one that saw nothing below its limit adds
    P(x < limit | m). Source: Ringdal 1976, BSSA 66(3) 789; residuals of Student's t in place of the Gaussian.
    """
    from scipy.special import stdtr

    total = np.zeros_like(magnitude)
    for s in stations:
        z = (s.value - magnitude) / s.sd
        if s.limit:
            total += np.log(np.maximum(stdtr(FREEDOM, z), 1e-12))
        else:
            total -= (FREEDOM + 1) / 2 * np.log1p(z**2 / FREEDOM)
    return total


def network(stations: Sequence[StationMagnitude]) -> tuple[float, float] | None:
    """Mode and standard deviation of the network magnitude; None if no station measured anything.

    Flat prior between -3 and 10, so that the likelihood is the posterior.
    """
    if all(s.limit for s in stations):
        return None
    weight = log_likelihood(_GRID, stations)
    density = np.exp(weight - weight.max())
    mean = float(np.sum(_GRID * density) / density.sum())
    sd = float(np.sqrt(np.sum((_GRID - mean) ** 2 * density) / density.sum()))
    return float(_GRID[int(np.argmax(weight))]), sd


def upper_limit(stations: Sequence[StationMagnitude], confidence: float = 0.9) -> float | None:
    """The magnitude at which some station would have seen the event with this confidence; None without stations.

    All of them were silent: the largest m with P(silence of all | m) >= 1 - confidence; no prior enters.
    Source: Ringdal 1976; Kvaerna and Ringdal 1999 call it threshold monitoring.
    """
    if not stations:
        return None
    silent = np.exp(log_likelihood(_GRID, stations))
    return float(_GRID[int(np.flatnonzero(silent >= 1 - confidence)[-1])])
