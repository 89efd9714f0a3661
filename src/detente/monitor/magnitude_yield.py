"""Magnitude to yield and back: published laws as data, and the law calibrated on shots of known yield."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError, nearest
from detente.monitor.media import checked
from detente.sources import Quality, Source
from detente.tables import Row, read_table
from detente.verdict import Basis, Outcome, Quantiles, Verdict

Array = npt.NDArray[np.float64]

BEND_KT = 1.0  # below it depth no longer follows 122 Y^(1/3) and the slope rises towards 1
SMALL_SLOPES = (
    0.75,
    1.0,
)  # range of the slope below the bend (Murphy; source_mueller_murphy.magnitude_slope)
STANDARD_DEPTH_M = 122.0  # m kt^(-1/3)
DEPTH_EFFECT = (0.6, 0.2)  # mb lost per decade of depth: Denny-Johnson 0.44 or 0.79, DPRK shots 0.5
IDC_BELOW_USGS = (0.22, 0.05)  # mean and spread of the six DPRK pairs
ML_LESS_MB = (0.0, 0.4)  # no tie is published for most paths: assumed
AGENCIES = {"isc": 0.0, "usgs": 0.0, "pde": 0.0, "neic": 0.0, "idc": IDC_BELOW_USGS[0]}


class Law(msgspec.Struct, frozen=True):
    """mb = a + b log10(Y/kt) (+ `sigma`), made for `low_kt` to `high_kt`."""

    name: str
    a: float
    b: float
    sigma: float
    low_kt: float
    high_kt: float
    source: Source

    def marks(self, yield_kt: float) -> tuple[str, ...]:
        """What must be said of a use of this law at `yield_kt`."""
        far = not self.low_kt <= yield_kt <= self.high_kt
        valid = f"extrapolated: law '{self.name}' was made for {self.low_kt:g} to {self.high_kt:g} kt"
        recalled = f"recalled: law '{self.name}' not read in a source"
        return (valid,) * far + (recalled,) * self.source.quality.doubtful


class Site(msgspec.Struct, frozen=True):
    """Where a yield is asked for (degrees); `rock`, `province` of the calibration, `medium` of the source."""

    id: str
    name: str
    lat: float
    lon: float
    rock: str
    province: str
    medium: str


def _law(row: Row) -> Law:
    a, b, sigma, low, high = (float(row[c]) for c in ("a", "b", "sigma", "low_kt", "high_kt"))
    source = Source(row["source"], Quality(row["quality"]), note=row["note"])
    return Law(row["law"], a, b, sigma, low, high, source)


@lru_cache(maxsize=1)
def laws() -> dict[str, Law]:
    """The published laws of ``data/magnitude_yield_laws.csv``."""
    table = files("detente.monitor") / "data" / "magnitude_yield_laws.csv"
    columns = ("law", "a", "b", "sigma", "low_kt", "high_kt", "source", "quality", "note")
    return {row["law"]: _law(row) for row in read_table(table, columns)}


@lru_cache(maxsize=1)
def sites() -> dict[str, Site]:
    """The sites of ``data/yield_sites.csv``."""
    table = files("detente.monitor") / "data" / "yield_sites.csv"
    columns = ("site", "name", "lat", "lon", "rock", "province", "medium", "source", "quality")
    found = {}
    for row in read_table(table, columns):
        lat, lon = float(row["lat"]), float(row["lon"])
        found[row["site"]] = Site(
            row["site"], row["name"], lat, lon, row["rock"], row["province"], row["medium"]
        )
    return found


def law(name: str | Law) -> Law:
    """The published law `name`. Raises DetenteError with the known names."""
    if isinstance(name, Law):
        return name
    if name not in laws():
        raise DetenteError(f"no magnitude-yield law '{name}'", fix=nearest(name, laws()))
    return laws()[name]


def site(name: str) -> Site:
    """The site `name`. Raises DetenteError with the known names."""
    key = name.casefold().replace(" ", "-")
    if key not in sites():
        raise DetenteError(f"no site '{name}'", fix=nearest(key, sites()))
    return sites()[key]


def magnitude_of_yield(
    yield_kt: Any, use: str | Law = "semipalatinsk", *, small_slope: Any = None, factor: Any = 1.0
) -> Any:
    """mb of `yield_kt` (kt, broadcasts) by a published law; `factor`: decoupling, as amplitude.

    Below 1 kt the slope is `small_slope` (the law's own if None). Raises DetenteError for yields <= 0.
    """
    chosen = law(use)
    y = np.asarray(yield_kt, float)
    if not np.all(y > 0):
        raise DetenteError("a yield of zero or less", fix="give kilotonnes above zero")
    x = np.log10(y / BEND_KT)
    slope = np.where(x < 0, chosen.b if small_slope is None else small_slope, chosen.b)
    mb = chosen.a + chosen.b * np.log10(BEND_KT) + slope * x - np.log10(factor)
    return mb if mb.ndim else float(mb)


def yield_of_magnitude(
    mb: Any, use: str | Law = "semipalatinsk", *, small_slope: Any = None, factor: Any = 1.0
) -> Any:
    """Yield (kt) of `mb` by a published law: the inverse of `magnitude_of_yield`, no uncertainty.

    `estimate_yield` gives the distribution.
    """
    chosen = law(use)
    above = np.asarray(mb, float) + np.log10(factor) - chosen.a - chosen.b * np.log10(BEND_KT)
    slope = np.where(above < 0, chosen.b if small_slope is None else small_slope, chosen.b)
    y = BEND_KT * 10 ** (above / slope)
    return y if y.ndim else float(y)


class YieldEstimate(msgspec.Struct, frozen=True, eq=False):
    """Posterior of one yield: `draws` (n,) kt; prior flat in expected magnitude."""

    draws: Array
    seed: int
    given: str
    marks: tuple[str, ...]

    @property
    def quantiles(self) -> Quantiles:
        """5, 50 and 95 %, kt."""
        return Quantiles(*(float(q) for q in np.quantile(self.draws, (0.05, 0.5, 0.95))))

    def above(self, threshold_kt: float) -> float:
        """P(yield > threshold), threshold in kt."""
        return float(np.mean(self.draws > threshold_kt))


def magnitude_draws(
    value: float, kind: str, agency: str, sd: float, rng: np.random.Generator, n: int
) -> tuple[Array, tuple[str, ...]]:
    """`n` draws of mb on the calibration's scale from a magnitude of a stated type, and marks.

    `kind`: mb, ML or unknown (half each). `agency`: isc, usgs, pde, neic, idc, or empty (half USGS).
    Raises DetenteError for a magnitude without a known type, or out of range.
    """
    checked("magnitude", value, -2, 8, "units")
    name = kind.casefold()
    if name not in ("mb", "ml", "unknown"):
        raise DetenteError(f"magnitude {value:g} of type '{kind}'", fix="give its type: mb, ML, or unknown")
    if agency and agency.casefold() not in AGENCIES:
        raise DetenteError(f"no agency '{agency}'", fix=nearest(agency.casefold(), AGENCIES))
    mb = value + rng.normal(size=n) * sd
    marks = []
    is_ml = np.full(n, name == "ml") | ((name == "unknown") & (rng.random(n) < 0.5))
    mb -= is_ml * rng.normal(*ML_LESS_MB, n)
    is_idc = np.full(n, agency.casefold() == "idc") | ((not agency) & (rng.random(n) < 0.5))
    mb += (is_idc & ~is_ml) * rng.normal(*IDC_BELOW_USGS, n)
    if name != "mb":
        marks.append(f"assumed: ML - mb = {ML_LESS_MB[0]:g} +- {ML_LESS_MB[1]:g}; no tie is published")
    if not agency and name != "ml":
        marks.append("assumed: agency not given, half USGS/ISC, half IDC (0.22 lower)")
    return mb, tuple(marks)


def estimate_yield(
    value: float,
    place: str | Site,
    *,
    kind: str = "mb",
    agency: str = "",
    sd: float = 0.0,
    depth_m: float | None = None,
    rock: str = "",
    draws: int = 20_000,
    seed: int = 1,
) -> YieldEstimate:
    """Posterior yield of a coupled shot from one magnitude at a site, by the calibrated hierarchy.

    `depth_m` (m): the magnitude falls 0.6 +- 0.2 per decade beyond 122 Y^(1/3) m. None: at that depth
    above 1 kt, and a slope of 0.75 to 1 below.
    Raises DetenteError for a magnitude without type, an unknown site, agency or impossible depth.
    """
    from detente.monitor.calibration import standard

    where = place if isinstance(place, Site) else site(place)
    rng = np.random.default_rng(seed)
    mb, marks = magnitude_draws(value, kind, agency, sd, rng, draws)
    fit = standard()
    a, b, sigma = fit.law(where.id, rock or where.rock, where.province, rng, draws)
    b = np.maximum(b, 0.4)  # a slope drawn near zero has no meaning as a law
    excess = mb - a - sigma * rng.normal(size=draws)
    if depth_m is None:
        small = rng.uniform(*SMALL_SLOPES, draws)  # its depth is not known to follow the yield
        log_yield = excess / np.where(excess < 0, np.maximum(small, b), b)
    else:
        checked("depth", depth_m, 1, 5000, "m")
        effect = np.maximum(rng.normal(*DEPTH_EFFECT, draws), 0)
        # mb = a + b x - effect (log h - log 122 - x / 3), solved for x
        log_yield = (excess + effect * np.log10(depth_m / STANDARD_DEPTH_M)) / (b + effect / 3)
    given = f"{kind} {value:g}{' ' + agency if agency else ''} at {where.id}"
    made = [s.yield_kt for s in fit.shots if s.yield_kt]
    y = 10**log_yield
    marks += (f"{where.id} has no shot of independent yield: drawn from all sites",) * (
        where.id not in fit.sites
    )
    if not min(made) <= np.median(y) <= max(made):
        marks += (f"extrapolated: calibrated on {min(made):g} to {max(made):g} kt",)
    if depth_m and depth_m < 0.5 * STANDARD_DEPTH_M * np.median(y) ** (1 / 3):
        marks += ("extrapolated: shallower than half the normal depth",)
    return YieldEstimate(y, seed, given, marks)


def threshold_verdict(
    estimate: YieldEstimate, threshold_kt: float, *, party: str, provision: str, certain: float = 0.95
) -> Verdict:
    """Is the yield at or below `threshold_kt` (kt)? Met or exceeded at probability `certain`, else open."""
    p_met = 1 - estimate.above(threshold_kt)
    outcome = (
        Outcome.met
        if p_met >= certain
        else Outcome.exceeded
        if p_met <= 1 - certain
        else Outcome.indeterminate
    )
    q = estimate.quantiles
    margin = Quantiles(threshold_kt - q.high, threshold_kt - q.mid, threshold_kt - q.low)
    return Verdict(
        outcome=outcome,
        basis=Basis.draws,
        party=party,
        provision=provision,
        unit="kt",
        bound=threshold_kt,
        count=q,
        margin=margin,
        p_met=p_met,
        p_met_se=float(np.sqrt(p_met * (1 - p_met) / len(estimate.draws))),
        missing=("a calibration shot or a hydrodynamic measurement at the site",)
        if outcome is Outcome.indeterminate
        else (),
        reason=f"P(yield > {threshold_kt:g} kt) = {1 - p_met:.2f} from {estimate.given}",
        marks=estimate.marks,
        seed=estimate.seed,
    )
