"""One magnitude at one site as a yield: posterior, published laws beside it, threshold, the cavity case."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError, nearest
from detente.monitor.calibration import standard
from detente.monitor.decoupling import amplitude_factor, decoupling
from detente.monitor.magnitude_yield import (
    YieldEstimate,
    estimate_yield,
    laws,
    site,
    threshold_verdict,
    yield_of_magnitude,
)
from detente.monitor.media import checked
from detente.verdict import Quantiles, Verdict

Array = npt.NDArray[np.float64]


class LawYield(msgspec.Struct, frozen=True):
    """Yield (kt) by one published law at the stated magnitude as it stands."""

    law: str
    yield_kt: float
    marks: tuple[str, ...]


class CavityCase(msgspec.Struct, frozen=True):
    """Yields (kt) if the same signal came from a cavity shot; amplitude `factor` at 1 Hz at the median."""

    medium: str
    depth_m: float
    radius_m: float
    yield_kt: Quantiles
    factor: float


class YieldReport(msgspec.Struct, frozen=True):
    """Everything that `detente yield` prints; pairs are mean and standard deviation."""

    given: str
    site: str
    yield_kt: Quantiles
    verdict: Verdict
    by_law: list[LawYield]
    cavity: CavityCase | None
    shots: int
    coverage: float
    slope: tuple[float, float]
    at_1_kt: tuple[float, float]
    scatter: tuple[float, float]
    marks: tuple[str, ...]
    draws: int
    seed: int


def yield_report(
    value: float,
    kind: str,
    where: str,
    *,
    agency: str = "",
    sd: float = 0.0,
    depth_m: float | None = None,
    rock: str = "",
    threshold_kt: float = 150.0,
    cavity_m: float | None = None,
    party: str = "",
    provision: str = "",
    draws: int = 20_000,
    seed: int = 1,
) -> YieldReport:
    """Yield of a magnitude `value` of type `kind` at site `where`; units as in `estimate_yield`.

    Raises DetenteError for a bad magnitude, site, rock, depth, cavity, threshold or number of draws.
    """
    place, fit = site(where), standard()
    checked("threshold", threshold_kt, 1e-6, 1e6, "kt")
    checked("spread", sd, 0, 3, "magnitude units")
    if not 1000 <= draws <= 10_000_000:
        raise DetenteError(f"{draws} draws", fix="give 1000 to 10,000,000")
    if rock and rock not in fit.rocks:
        raise DetenteError(f"no rock class '{rock}'", fix=nearest(rock, fit.rocks))
    estimate = estimate_yield(
        value, place, kind=kind, agency=agency, sd=sd, depth_m=depth_m, rock=rock, draws=draws, seed=seed
    )
    verdict = threshold_verdict(estimate, threshold_kt, party=party, provision=provision)
    rng = np.random.default_rng(seed)
    a, b, sigma = fit.law(place.id, rock or place.rock, place.province, rng, draws)
    by_law = []
    for law in laws().values():
        kt = yield_of_magnitude(value, law)
        by_law.append(LawYield(law.name, kt, law.marks(kt)))
    cavity = None
    marks = estimate.marks
    if cavity_m is not None:
        cavity = _cavity(estimate, place.medium, depth_m, cavity_m)
        marks += decoupling(cavity.yield_kt.mid, place.medium, cavity.depth_m, cavity_m).marks
    return YieldReport(
        estimate.given,
        place.id,
        estimate.quantiles,
        verdict,
        by_law,
        cavity,
        len(fit.shots),
        fit.coverage(0.9),
        _pair(b),
        _pair(a),
        _pair(sigma),
        marks,
        draws,
        seed,
    )


def _pair(x: Array) -> tuple[float, float]:
    return float(x.mean()), float(x.std())


def _cavity(estimate: YieldEstimate, medium: str, depth_m: float | None, radius_m: float) -> CavityCase:
    """The shots in a cavity whose weakened signal equals the coupled posterior's.

    At one depth the low-frequency source grows in proportion to yield, so a shot Y in the cavity looks like a
    coupled one of Y / factor(Y); solved on a grid of yields.
    """
    depth = checked("depth", depth_m if depth_m is not None else 500.0, 20, 5000, "m")
    y = np.logspace(-6, 4, 600)
    radius = checked("cavity radius", radius_m, 0.1, 500, "m")
    looks_like = np.maximum.accumulate(y / amplitude_factor(y, medium, depth, radius, 1.0))
    hidden = np.exp(np.interp(np.log(estimate.draws), np.log(looks_like), np.log(y)))
    q = Quantiles(*(float(v) for v in np.quantile(hidden, (0.05, 0.5, 0.95))))
    return CavityCase(medium, depth, radius, q, float(amplitude_factor(q.mid, medium, depth, radius, 1.0)))
