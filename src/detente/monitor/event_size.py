"""Sizes of a hypothesis: draws of yield and magnitude from its prior, weighted by the magnitude observed."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from detente.errors import DetenteError, nearest
from detente.monitor.calibration import standard
from detente.monitor.decoupling import (
    FACTOR_DOUBT,
    WALL_FRACTIONS,
    amplitude_factor,
    full_decoupling_radius,
)
from detente.monitor.event import Event, Hypothesis, Magnitude, Range
from detente.monitor.magnitude_yield import BEND_KT, ML_LESS_MB, SMALL_SLOPES, Law, law, site
from detente.verdict import Quantiles

Array = npt.NDArray[np.float64]
Curve = tuple[Array, Array]  # mb, and a likelihood at each

FREQUENCY_HZ = (1.0, 4.0)  # where the regional magnitude was read
BLAST_SIGMA = 0.3


class Sizes(msgspec.Struct, frozen=True, eq=False):
    """Draws of one hypothesis: `yield_t` (n,) tonnes (NaN for an earthquake), `mb` (n,), `factor` (n,)
    decoupling as amplitude, `weight` (n,) density (per unit) of the magnitude and of who saw it."""

    yield_t: Array
    mb: Array
    factor: Array
    weight: Array

    @property
    def evidence(self) -> float:
        """Density (per unit) of the magnitude, and of the stations that saw it, under the hypothesis."""
        return float(np.mean(self.weight))

    def quantiles(self) -> Quantiles | None:
        """5, 50, 95 % of the yield given the magnitude, tonnes; None for an earthquake."""
        if np.isnan(self.yield_t).any() or self.evidence <= 0:
            return None
        order = np.argsort(self.yield_t)
        total = np.cumsum(self.weight[order])
        at = np.searchsorted(total, np.array([0.05, 0.5, 0.95]) * total[-1])
        return Quantiles(*(float(self.yield_t[order][i]) for i in at))

    def above(self, tonnes: float) -> float:
        """P(yield > `tonnes`) given the magnitude."""
        return float(np.sum(self.weight * (self.yield_t > tonnes)) / max(np.sum(self.weight), 1e-300))

    def between(self, low_t: float, high_t: float) -> float:
        """P(low <= yield <= high) given the magnitude, tonnes."""
        inside = (self.yield_t >= low_t) & (self.yield_t <= high_t)
        return float(np.sum(self.weight * inside) / max(np.sum(self.weight), 1e-300))

    def effective(self) -> float:
        """Effective number of draws behind the posterior."""
        return float(np.sum(self.weight) ** 2 / max(np.sum(self.weight**2), 1e-300))


def sizes(
    event: Event, h: Hypothesis, *, draws: int = 100_000, seed: int = 1, pattern: Curve | None = None
) -> Sizes:
    """`draws` from the size prior of `h`, with the weight that the event's magnitude gives each.

    `pattern`: the curve of `pattern_likelihood`, if who saw the event is to count too.
    """
    rng = np.random.default_rng([seed, sum(map(ord, h.id))])
    factor = np.ones(draws)
    if h.kind == "earthquake":
        assert h.magnitude is not None
        mb = _gutenberg_richter(h.magnitude, h.b, rng.random(draws))
        return Sizes(np.full(draws, np.nan), mb, factor, _weight(event, mb, pattern))
    assert h.yield_t is not None
    tonnes = _log_uniform(h.yield_t, rng, draws)
    if h.kind == "chemical":
        assert h.deficit is not None
        mb = _law_mb(law("chemical-best"), tonnes) - rng.uniform(h.deficit.low, h.deficit.high, draws)
        mb += rng.normal(0, BLAST_SIGMA, draws)
    else:
        mb = coupled_mb(event, tonnes / 1000, rng)
        if h.kind == "nuclear-decoupled":
            factor = _decoupling(h, tonnes / 1000, rng)
            mb = mb - np.log10(factor)
    return Sizes(tonnes, mb, factor, _weight(event, mb, pattern))


def _weight(event: Event, mb: Array, pattern: Curve | None) -> Array:
    weight = magnitude_density(event.magnitude, mb)
    return weight if pattern is None else weight * np.interp(mb, *pattern)


def pattern_likelihood(event: Event) -> Curve | None:
    """P(these stations saw it and no other of the network | mb), on a grid of mb.

    Product over stations of the capability model, at the middle of the test areas (else of the region); the
    model's own doubt shifts all stations together and is averaged. Raises DetenteError for a station in
    `seen` that is not in the network. None if the event has no pattern.
    """
    from detente.monitor.capability import Model
    from detente.monitor.stations import network

    if event.pattern is None:
        return None
    stations = network(event.pattern.network, without=event.pattern.without)
    codes = [s.code for s in stations]
    for code in event.pattern.seen:
        if code not in codes:
            raise DetenteError(f"no station '{code}' listens", where="pattern", fix=nearest(code, codes))
    seen = np.array([c in event.pattern.seen for c in codes])
    lat, lon = _middle(event)
    grid = np.arange(-2.0, 8.01, 0.05)
    offset = np.linspace(-2.5, 2.5, 11)
    share = np.exp(-(offset**2) / 2)
    chance = Model.build(stations).probabilities(lat, lon, grid[:, None] + event.pattern.model_sd * offset)
    each = np.prod(np.where(seen, chance, 1 - chance), axis=-1)
    return grid, each @ (share / share.sum())


def _middle(event: Event) -> tuple[float, float]:
    if event.areas:
        return float(np.mean([a.lat for a in event.areas])), float(np.mean([a.lon for a in event.areas]))
    r = event.region
    return (r.south + r.north) / 2, (r.west + r.east) / 2


def coupled_mb(event: Event, yield_kt: Array, rng: np.random.Generator) -> Array:
    """Draws of mb of coupled shots (kt) at the event's site: the calibrated law, slope 0.75 to 1 below 1 kt."""
    n = len(yield_kt)
    name, rock, province = event.site, event.rock, event.province
    if not (rock and province):
        known = site(name)
        name, rock, province = known.id, rock or known.rock, province or known.province
    a, b, sigma = standard().law(name, rock, province, rng, n)
    x = np.log10(yield_kt / BEND_KT)
    slope = np.where(x < 0, np.maximum(rng.uniform(*SMALL_SLOPES, n), b), b)
    return np.asarray(a + slope * x + sigma * rng.normal(size=n), float)


def magnitude_density(m: Magnitude, mb: Array) -> Array:
    """Density (per unit) of the published magnitude, evenly spread over its range, for these `mb`."""
    low, high = (m.low, m.high) if m.high > m.low else (m.low - 0.05, m.high + 0.05)
    width = high - low
    as_ml = ndtr((high - mb - ML_LESS_MB[0]) / ML_LESS_MB[1]) - ndtr(
        (low - mb - ML_LESS_MB[0]) / ML_LESS_MB[1]
    )
    as_mb = ndtr((high - mb) / 0.1) - ndtr((low - mb) / 0.1)
    share = {"ML": 1.0, "mb": 0.0, "unknown": 0.5}[m.type]
    return np.asarray((share * as_ml + (1 - share) * as_mb) / width, float)


def _decoupling(h: Hypothesis, yield_kt: Array, rng: np.random.Generator) -> Array:
    n = len(yield_kt)
    assert h.depth_m is not None
    assert h.cavity_fullness is not None
    depth = _log_uniform(h.depth_m, rng, n)
    wall = rng.uniform(*WALL_FRACTIONS, n)
    radius = full_decoupling_radius(yield_kt, depth, h.rock, wall) * _log_uniform(h.cavity_fullness, rng, n)
    ratio = amplitude_factor(yield_kt, h.rock, depth, radius, rng.uniform(*FREQUENCY_HZ, n), wall)
    return np.maximum(ratio * 10 ** (FACTOR_DOUBT * rng.normal(size=n)), 1.0)


def _law_mb(chosen: Law, tonnes: Array) -> Array:
    return chosen.a + chosen.b * np.log10(tonnes / 1000)


def _log_uniform(r: Range, rng: np.random.Generator, n: int) -> Array:
    return np.asarray(np.exp(rng.uniform(np.log(r.low), np.log(r.high), n)), float)


def _gutenberg_richter(r: Range, b: float, u: Array) -> Array:
    """Magnitudes between the limits, numbers falling by 10^b a unit (Gutenberg & Richter 1944)."""
    return np.asarray(r.low - np.log10(1 - u * (1 - 10 ** (-b * (r.high - r.low)))) / b, float)
