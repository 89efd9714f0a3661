"""Where the event may have been: a sample of its posterior, and the ellipse that holds a share of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.network.depth import Fit, evidence, fit_at, log_depth_prior
from detente.monitor.network.mixture import Mixture
from detente.monitor.network.observed import Problem, timed

Float = NDArray[np.float64]

MEMBERS, MEMBERS_OF_MANY = 500, 250  # with more stations than MANY the sample is narrow and of one piece
MANY: Final = 16
UNLIKELY: Final = 6.0  # log evidence below the best depth's at which a sample need not begin
SEED: Final = 5
SOURCE_KM: Final = 5.0
"""Of a place, whatever the number of stations: what the Earth at the source shifts all by; see docs/location.md."""
LEAST_SHARE: Final = 0.1  # of a sample that is told as another place
FIRST_S, FIRST_KM, FIRST_DEPTH_KM = 25.0, 200.0, 120.0  # the sample begins so wide about the best fit
NARROW: Final = 0.3  # with many stations times this


def cloud(mixture: Mixture, best: Fit, fits: Sequence[Fit], *, depth_known: bool) -> Float:
    """(member, 4): km east and north of the best fit, depth in km, s after its time; a sample of the posterior.

    It begins about the fits at all depths, about the fits that leave a station out, and far around: a sample that
    begins too wide finds the narrow peaks too late.
    """
    from detente.monitor.network import _region_kernel as kernel

    rng = np.random.default_rng(SEED)
    many = len(mixture.problem.network.codes) > MANY
    centre, spread, weight = _laws(mixture.problem, best, fits, many=many)
    x = np.empty((0, 4))
    members = MEMBERS_OF_MANY if many else MEMBERS
    while len(x) < members:
        law = rng.choice(len(weight), members, p=weight)
        more = np.array([rng.multivariate_normal(centre[k], spread[k]) for k in law])
        if depth_known:
            more[:, 2] = best.depth_km
        x = np.concatenate([x, more[(more[:, 2] >= 0.0) & (more[:, 2] <= kernel.DEEPEST_KM)]])
    x = np.ascontiguousarray(x[:members])
    prior = np.asarray(log_depth_prior(np.arange(701.0)))
    share = np.log(weight) - 0.5 * np.linalg.slogdet(spread)[1]
    kernel.sample(SEED, best.x, centre, np.linalg.inv(spread), share, prior, depth_known, mixture.args, x)
    x[:, 3] -= best.x[2]
    uncalibrated = float(np.isnan(mixture.o[:, 7]).mean())
    x[:, :2] += np.sqrt(uncalibrated) * SOURCE_KM * rng.normal(size=(members, 2))
    return x


def _laws(problem: Problem, best: Fit, fits: Sequence[Fit], *, many: bool) -> tuple[Float, Float, Float]:
    """Normal laws that a sample begins from: centres (law, 4), covariances (law, 4, 4), weights."""
    from detente.monitor.network._phase_kernel import aside, basis

    here = basis(best.x[0], best.x[1])
    likely = [f for f in fits if evidence(f) > evidence(best) - UNLIKELY]
    others = [] if many else _without_each(problem, best)
    centre, spread, weight = [], [], []
    for own, share in ((likely, 0.4), (others, 0.35)):
        for f in own:
            cov = np.zeros((4, 4))
            cov[np.ix_((0, 1, 3), (0, 1, 3))] = 2.0 * f.covariance + np.diag([4.0, 4.0, 0.04])
            cov[2, 2] = (10.0 + 0.15 * f.depth_km) ** 2
            centre.append([*aside(here, f.x[0], f.x[1]), f.depth_km, f.x[2]])
            spread.append(cov)
            weight.append(share / len(own))
    wide = NARROW if many else 1.0
    centre.append([0.0, 0.0, best.depth_km, best.x[2]])
    cov = np.diag([(wide * FIRST_KM) ** 2, (wide * FIRST_KM) ** 2, FIRST_DEPTH_KM**2, (wide * FIRST_S) ** 2])
    cov[np.ix_((0, 1, 3), (0, 1, 3))] += 4.0 * best.covariance
    spread.append(cov)
    weight.append(0.25)
    return np.array(centre), np.array(spread), np.array(weight) / sum(weight)


def _without_each(problem: Problem, best: Fit) -> list[Fit]:
    """The fits at the best one's depth that leave one station out: where the event is if that one is not its own."""
    found = []
    for s in np.unique(problem.station):
        keep = problem.station != s
        rest = msgspec.structs.replace(
            problem, o=problem.o[keep], phase=problem.phase[keep], station=problem.station[keep],
            alike=problem.alike[np.ix_(keep, keep)],
        )  # fmt: skip
        if timed(rest) >= 3:
            fit = fit_at(rest, best.x, best.depth_km)
            if np.isfinite(fit.x).all() and np.isfinite(fit.covariance).all():
                found.append(fit)
    return found


class Region(msgspec.Struct, frozen=True):
    """An ellipse that holds a share of the sample: centre (km east, north of the best fit), axes in km, its strike."""

    east_km: float
    north_km: float
    major_km: float
    minor_km: float
    strike_deg: float


def ellipse(
    sample: Float, share: float, place: tuple[float, float] = (0.0, 0.0), *, doubted: bool = True
) -> Region:
    """About a place (km east, north), shaped as the sample's inner part, as large as it must be to hold the share.

    The place is the best fit's; if `doubted` and half of the sample lies nearer to its own median, it is the median.
    """
    for centre in (np.array(place), median(sample[:, :2])):
        away = sample[:, :2] - centre
        inner = np.ones(len(away), bool)
        for _ in range(5):
            shape = away[inner].T @ away[inner] / inner.sum() + 1e-6 * np.eye(2)
            far = np.einsum("ij,jk,ik->i", away, np.linalg.inv(shape), away)
            inner = far <= np.quantile(far, share)
        if not doubted or not _aside(sample[:, :2], centre):
            break
    values, vectors = np.linalg.eigh(shape * float(np.quantile(far, share)))
    strike = float(np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180)
    minor, major = np.sqrt(np.clip(values, 0.0, None))
    return Region(float(centre[0]), float(centre[1]), float(major), float(minor), strike)


def _aside(place: Float, centre: Float) -> bool:
    """Does a place lie outside the inner half of a sample, by the sample's own shape?"""
    middle = median(place)
    away = place - middle
    inner = np.ones(len(away), bool)
    for _ in range(3):
        inverse = np.linalg.inv(away[inner].T @ away[inner] / inner.sum() + 1e-6 * np.eye(2))
        far = np.einsum("ij,jk,ik->i", away, inverse, away)
        inner = far <= np.quantile(far, 0.5)
    return bool((centre - middle) @ inverse @ (centre - middle) > np.quantile(far, 0.5))


def second(sample: Float, place: tuple[float, float]) -> tuple[float, float, float] | None:
    """Another place (km east, north) and its share, if the sample has two with a gap between; None where it has one.

    Two means, from `place` and the farthest tenth; a gap: the means lie three times their summed spreads apart.
    """
    at = sample[:, :2]
    far = np.hypot(*(at - place).T)
    means = np.array([place, at[far >= np.quantile(far, 0.9)].mean(0)])
    for _ in range(30):
        own = np.argmin(np.hypot(*(at[:, None, :] - means[None]).transpose(2, 0, 1)), axis=1)
        if own.min() == own.max():
            return None
        means = np.array([at[own == k].mean(0) for k in (0, 1)])
    apart = float(np.hypot(*(means[1] - means[0])))
    along = (at - means[own]) @ (means[1] - means[0]) / max(apart, 1e-9)
    share = float((own == 1).mean())
    if share < LEAST_SHARE or 1 - share < LEAST_SHARE:
        return None
    if apart < 3.0 * sum(float(along[own == k].std()) for k in (0, 1)):
        return None
    other = int(np.argmax(np.hypot(*(means - place).T)))
    return float(means[other, 0]), float(means[other, 1]), share if other == 1 else 1 - share


def median(place: Float) -> Float:
    """The place from which the mean distance to all members is least (Weiszfeld's iteration)."""
    centre: Float = np.median(place, axis=0)
    for _ in range(60):
        weight = 1.0 / np.maximum(np.hypot(*(place - centre).T), 0.05)
        new = (place * weight[:, None]).sum(0) / weight.sum()
        if np.hypot(*(new - centre)) < 0.01:
            return np.asarray(new)
        centre = new
    return centre
