"""The top-down model: level, trend and volatility of a stockpile, with trends that can break, by particles."""

from __future__ import annotations

import msgspec
import numpy as np

from detente.linear import Array

OFFSET = 5.0  # log(warheads + 5): keeps the first few weapons of a new arsenal on the scale


class Shape(msgspec.Struct, frozen=True):
    """The fixed parameters, all on the log scale and a year's step. They are fitted on targets to 2011 only.

    `print_sd`: scale of the Student-t error (3 degrees of freedom) of a printed estimate; `level_sd`,
    `trend_sd`: scale of the yearly shocks of level and trend at volatility 1; `damping`: what is left of a
    trend after a year; `break_rate`: chance that a year breaks the trend; `break_sd`: scale of the new trend
    (Laplace about zero); `volatility_sd`: yearly step of the log volatility.
    """

    print_sd: float = 0.018
    level_sd: float = 0.011
    trend_sd: float = 0.0136
    damping: float = 0.89
    break_rate: float = 0.044
    break_sd: float = 0.051
    volatility_sd: float = 0.52


class Particles(msgspec.Struct, frozen=True, eq=False):
    """What is believed after the last print: `level`, `trend`, `volatility` (particle,) on the log scale."""

    level: Array
    trend: Array
    volatility: Array


def start(first: float, shape: Shape, n: int, rng: np.random.Generator) -> Particles:
    """Belief after one print of `first` warheads: its error, an unknown trend, an unknown volatility."""
    level = np.log(first + OFFSET) + shape.print_sd * rng.standard_t(3, n)
    return Particles(level, rng.laplace(0.0, shape.break_sd, n), rng.normal(0.0, 0.7, n))


def step(p: Particles, shape: Shape, rng: np.random.Generator) -> Particles:
    """One year on: a damped trend with shocks, or a broken one; Harvey (1989) ch. 2 with jumps in the slope."""
    n = p.level.size
    volatility = np.clip(p.volatility + shape.volatility_sd * rng.normal(size=n), -3.0, 2.0)
    scale = np.exp(volatility)
    broken = rng.random(n) < shape.break_rate
    smooth = shape.damping * p.trend + shape.trend_sd * scale * rng.normal(size=n)
    trend = np.where(broken, rng.laplace(0.0, shape.break_sd, n), smooth)
    level = p.level + trend + shape.level_sd * scale * rng.normal(size=n)
    return Particles(level, trend, volatility)


def observe(p: Particles, seen: float, shape: Shape, rng: np.random.Generator) -> Particles:
    """Weigh by the print `seen` (warheads) and resample systematically (Kitagawa 1996)."""
    z = (np.log(seen + OFFSET) - p.level) / shape.print_sd
    weight = -2.0 * np.log1p(z * z / 3.0)
    weight = np.exp(weight - weight.max())
    edges = np.cumsum(weight) / weight.sum()
    n = weight.size
    chosen = np.searchsorted(edges, (rng.random() + np.arange(n)) / n).clip(max=n - 1)
    return Particles(p.level[chosen], p.trend[chosen], p.volatility[chosen])


def filtered(
    years: np.ndarray,
    warheads: Array,
    shape: Shape,
    *,
    n: int,
    rng: np.random.Generator,
) -> Particles:
    """Belief at the last of `years` after every print; years between prints are stepped over."""
    p = start(float(warheads[0]), shape, n, rng)
    for gap, seen in zip(np.diff(years), warheads[1:], strict=True):
        for _ in range(int(gap)):
            p = step(p, shape, rng)
        p = observe(p, float(seen), shape, rng)
    return p


def ahead(p: Particles, years: int, shape: Shape, rng: np.random.Generator) -> Array:
    """(year, particle) float64 warheads, 1..`years` years on, as a later print would give them."""
    out = np.empty((years, p.level.size))
    for k in range(years):
        p = step(p, shape, rng)
        error = shape.print_sd * rng.standard_t(3, p.level.size)
        out[k] = np.exp(np.minimum(p.level + error, 12.0)) - OFFSET
    return np.maximum(out, 0.0)
