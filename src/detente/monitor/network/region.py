"""Where else the event may have been: the posterior's spread about the best place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.network.depth import Fit, fit_at
from detente.monitor.network.observed import Problem, timed
from detente.monitor.network.phases import SHEAR

Float = NDArray[np.float64]

SOURCE_KM: Final = (
    5.0  # of a place, whatever the number of stations: what the Earth at the source shifts all by
)
# Assumed: chance that a station's lone reading is not of the event; above so many stations it moves nothing; a place
# that one station alone holds is not followed further than this.
ANOTHERS, FEW_STATIONS, FAR_KM = 0.05, 16, 500.0
_OFFSETS: Final = np.linspace(-4.0, 4.0, 33)


def spread(
    problem: Problem, best: Fit, fits: Sequence[Fit], weights: Float, *, free: bool
) -> tuple[Float, Float, float]:
    """The posterior's centre (km east, north of the best fit) and covariance, and the time's error.

    The grid holds what least squares cannot: arcs and one-sided tails. With `free` the other depths' places
    count, too: a depth fixed for want of data is not known.
    """
    from detente.monitor.network import _locate_kernel as kernel

    values, vectors = np.linalg.eigh(best.covariance[:2, :2])
    axes = vectors.T * np.sqrt(np.clip(values, 0.01, 4e6))[:, None]
    out = np.empty((_OFFSETS.size, _OFFSETS.size))
    kernel.posterior(
        best.x, axes, best.depth_km, problem.o, problem.tables, problem.net, problem.phase, problem.station,
        SHEAR, problem.alike, _OFFSETS, out,
    )  # fmt: skip
    mass = np.exp(out - out.max())
    mass /= mass.sum()
    at = _OFFSETS[:, None, None] * axes[0] + _OFFSETS[None, :, None] * axes[1]
    mean = np.einsum("ij,ijk->k", mass, at)
    away = at - mean
    covariance = np.einsum("ij,ijk,ijl->kl", mass, away, away)
    time_var = best.covariance[2, 2]
    if free and len(fits) > 1:
        shift = np.array([_km(f.x, best.x) for f in fits])
        covariance = covariance + np.einsum("i,ij,ik->jk", weights, shift, shift)
        time_var += float(np.sum(weights * (np.array([f.x[2] for f in fits]) - best.x[2]) ** 2))
    uncalibrated = float(np.isnan(problem.o[:, 7]).mean())
    covariance = covariance + uncalibrated * SOURCE_KM**2 * np.eye(2) + _without_each(problem, best)
    return mean, covariance, float(np.sqrt(time_var))


def _without_each(problem: Problem, best: Fit) -> Float:
    """Covariance (2, 2) in km that doubt adds whether each station saw this event: how far the place moves without it.

    First order of the mixture over stations that are not its own; with many stations no single one moves it.
    """
    total = np.zeros((2, 2))
    stations = np.unique(problem.station)
    if not 3 <= stations.size <= FEW_STATIONS:
        return total
    for s in stations:
        keep = problem.station != s
        rest = msgspec.structs.replace(
            problem, o=problem.o[keep], phase=problem.phase[keep], station=problem.station[keep],
            alike=problem.alike[np.ix_(keep, keep)],
        )  # fmt: skip
        fit = fit_at(rest, best.x, best.depth_km)
        shift = np.clip(_km(fit.x, best.x), -FAR_KM, FAR_KM)
        if timed(rest) >= 3 and np.all(np.isfinite(shift)):
            share = ANOTHERS if int((~keep).sum()) == 1 else ANOTHERS**2
            total += share * np.outer(shift, shift)
    return total


def _km(a: Float, b: Float) -> tuple[float, float]:
    """Kilometres east and north of b."""
    east = (a[1] - b[1] + np.pi) % (2 * np.pi) - np.pi
    return float(east * 6371.0 * np.cos(b[0])), float((a[0] - b[0]) * 6371.0)
