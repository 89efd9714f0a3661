"""The best place at each depth, and what depth the data then hold likely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.network.observed import Problem
from detente.monitor.network.phases import SHEAR

if TYPE_CHECKING:
    from detente.monitor.network.locate import Settings

Float = NDArray[np.float64]
Kind = Literal["free", "fixed"]

DEPTHS_KM: Final = np.array(
    [0.0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 175, 200, 250, 300, 350, 400, 450, 500, 550,
     600, 650, 700]
)  # fmt: skip
NEGLIGIBLE: Final = 12.0  # a depth whose evidence is this far down, and falling, ends the search


class Fit(msgspec.Struct, frozen=True, eq=False):
    """The best place at one depth: geocentric radians and s after zero, covariance in km and s, likelihood."""

    depth_km: float
    x: Float
    covariance: Float
    log_likelihood: float


def fit_at(problem: Problem, start: Float, depth_km: float) -> Fit:
    """Robust least squares at one depth from a start (radians, s after zero)."""
    from detente.monitor.network import _locate_kernel as kernel

    x, covariance, like = kernel.fit(
        start, depth_km, problem.o, problem.tables, problem.net, problem.phase, problem.station, SHEAR,
        problem.alike,
    )  # fmt: skip
    return Fit(depth_km, x, covariance, float(like))


def track(problem: Problem, at: Float, depth: float, asked: Float) -> list[Fit]:
    """Fit from the depth nearest to the start outwards, each from its neighbour's place, while it matters."""
    first = int(np.argmin(np.abs(asked - depth)))
    found: dict[int, Fit] = {first: fit_at(problem, at, float(asked[first]))}
    best = evidence(found[first])
    for way in (1, -1):
        i = first + way
        while 0 <= i < asked.size:
            found[i] = fit_at(problem, found[i - way].x, float(asked[i]))
            now = evidence(found[i])
            best = max(best, now)
            if now < best - NEGLIGIBLE and now < evidence(found[i - way]):
                break
            i += way
    return [found[i] for i in sorted(found)]


def finer(problem: Problem, fits: list[Fit]) -> list[Fit]:
    """More depths beside the best one, halving, while the evidence changes much from one to the next."""
    fits = list(fits)
    for _ in range(4):
        at = max(range(len(fits)), key=lambda i: evidence(fits[i]))
        top = evidence(fits[at])
        new = []
        for other in (at - 1, at + 1):
            if not 0 <= other < len(fits):
                continue
            apart = abs(fits[other].depth_km - fits[at].depth_km)
            if apart > 2.0 and top - evidence(fits[other]) > 0.7:
                depth = 0.5 * (fits[other].depth_km + fits[at].depth_km)
                new.append(fit_at(problem, fits[at].x, depth))
        if not new:
            break
        fits = sorted([*fits, *new], key=lambda f: f.depth_km)
    return fits


def evidence(fit: Fit) -> float:
    """Log posterior density of the depth: likelihood, the volume of place and time, prior."""
    _, logdet = np.linalg.slogdet(fit.covariance)
    return fit.log_likelihood + 0.5 * float(logdet) + float(log_depth_prior(fit.depth_km))


def log_depth_prior(depth_km: Any) -> Any:
    """Log density per km: two events of three in the crust (exponential, 20 km), one spread over 0-700 km."""
    z = np.asarray(depth_km, float)
    return np.log(2 / 3 * np.exp(-z / 20.0) / 20.0 + 1 / 3 * np.exp(-z / 200.0) / 200.0)


def depth_of(
    depths: Float, chosen: Settings, *, times_resolve: bool
) -> tuple[float, float | None, float | None, Kind]:
    """Depth, its interval, and whether it was found (free) or not (fixed), of a sample of its posterior in km."""
    if chosen.depth_km is not None:
        return chosen.depth_km, None, None, "fixed"
    tail = (1 - chosen.confidence) / 2
    low, mid, high = (float(q) for q in np.quantile(depths, (tail, 0.5, 1 - tail)))
    counts = np.histogram(depths, np.arange(0.0, 721.0, max(2.0, high / 10)))[0]
    if counts[0] > 0.5 * counts.max():  # the surface is as likely as any: the interval begins there
        low, high = 0.0, float(np.quantile(depths, chosen.confidence))
    if times_resolve and (high - low <= chosen.resolved_km or low > 35.0):
        return mid, low, high, "free"
    return chosen.default_depth_km, low, high, "fixed"
