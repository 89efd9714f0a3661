"""Projections: a pool of three views of a stockpile, years ahead, from what a day knew."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.forces import bottomup, outside, statespace
from detente.forces.line import Line, stockpile_line
from detente.forces.material import Bound, plutonium_bound
from detente.linear import Array
from detente.sources import RECALLED_MARK, Quality, worst

OUTSIDE_SHARE = 0.3  # of the two top-down views; chosen on targets to 2011, see detente.forces.calibrate
# equal to the top-down views: the scores it has are indicative only (the drivers of 2021 were written later)
BOTTOM_UP_SHARE = 0.5
PARTIES = ("US", "RU", "CN", "UK", "FR", "IN", "PK", "IL", "KP")


class Projection(msgspec.Struct, frozen=True, eq=False):
    """Draws of a party's stockpile in each January.

    `values` (year, draw) float64 warheads; `view` (draw,) names the model that made a draw: 0 state space,
    1 outside view, 2 bottom up. `build`: the systems behind the bottom-up draws, `bound`: what plutonium
    allows, each None where nothing was in print.
    """

    party: str
    known: date
    years: tuple[int, ...]
    values: Array
    view: np.ndarray
    weights: tuple[float, float, float]
    seed: int
    line: Line
    build: bottomup.Build | None
    bound: Bound | None
    quality: Quality

    def quantiles(self, points: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> Array:
        """(year, point) warheads."""
        return np.asarray(np.quantile(self.values, points, axis=1).T)

    @property
    def marks(self) -> tuple[str, ...]:
        return (RECALLED_MARK,) if self.quality.doubtful else ()


def past_of(line: Line) -> outside.Past | None:
    """A line from its first weapon on, gaps filled straight; None with fewer than two figures."""
    held = line.warheads > 0
    if held.sum() < 2:
        return None
    first = int(held.argmax())
    years = np.arange(line.years[first], line.years[-1] + 1)
    return outside.Past(years, np.interp(years, line.years[first:], line.warheads[first:]))


def pasts(known: date) -> dict[str, outside.Past]:
    """Every nuclear-armed party's line as known on a day."""
    found = {p: past_of(stockpile_line(p, known)) for p in PARTIES}
    return {p: past for p, past in found.items() if past is not None}


def top_down(
    party: str,
    known: date,
    years: int,
    n: int,
    rng: np.random.Generator,
    examples: dict[str, outside.Past] | None = None,
) -> tuple[Array, Array]:
    """(state space, outside view), each (year, draw) warheads for 1..`years` years after the last print.

    Raises DetenteError where the party had no arsenal in print.
    """
    examples = pasts(known) if examples is None else examples
    if party not in examples:
        raise DetenteError(f"no arsenal of {party} was in print by {known}", fix="choose a later day")
    past = examples[party]
    shape = statespace.Shape()
    belief = statespace.filtered(past.years, past.warheads, shape, n=n, rng=rng)
    inside = statespace.ahead(belief, years, shape, rng)
    other = outside.ahead(past, examples.values(), years, n, rng)
    return inside, inside if other is None else other


def project(
    party: str, to: int, *, known: date | None = None, n: int = 20_000, seed: int = 1, systems: bool = True
) -> Projection:
    """`party`'s stockpile in each January to the year `to`, from what was in print on `known` (today).

    `systems` False leaves the bottom-up view out. Raises DetenteError for a year that is not ahead.
    """
    known = known or date.today()
    rng = np.random.default_rng(seed)
    line = stockpile_line(party, known)
    last = int(line.years[-1])
    if not last < to <= last + 30:
        raise DetenteError(
            f"the last print is of {last}: {to} is not 1 to 30 years ahead", fix=f"--to {last + 9}"
        )
    years = tuple(range(last + 1, to + 1))
    inside, other = top_down(party, known, len(years), n, rng)
    made = bottomup.build(party, known, (last, *years), n, rng) if systems else None
    share = BOTTOM_UP_SHARE if made else 0.0
    weights = ((1 - share) * (1 - OUTSIDE_SHARE), (1 - share) * OUTSIDE_SHARE, share)
    # shuffled, so that any part of the draws is a fair sample of the whole
    view = rng.permutation(np.repeat([0, 1, 2], _split(weights, n)))
    values = np.where(view == 0, inside, other)
    bound = plutonium_bound(party, known, last, len(years) + 1, n, rng)
    if made is not None:
        values = np.where(view == 2, _from_systems(made, line, bound, rng, n), values)
    words = [c.quality for c in line.rows[-5:]] + ([made.quality] if made else [])
    if bound is not None and made is not None:
        words.append(bound.quality)
    return Projection(party, known, years, values, view, weights, seed, line, made, bound, worst(words))


def _split(weights: tuple[float, float, float], n: int) -> list[int]:
    cuts = np.round(np.cumsum(weights) * n).astype(int)
    return [int(cuts[0]), int(cuts[1] - cuts[0]), int(n - cuts[1])]


def _from_systems(
    made: bottomup.Build, line: Line, bound: Bound | None, rng: np.random.Generator, n: int
) -> Array:
    """Bottom-up draws (year, draw): no more than the plutonium allows, never below today for want of it."""
    error = statespace.Shape().print_sd * rng.standard_t(3, n)
    start = line.last * np.exp(np.clip(error, -0.5, 0.5))
    warheads = bottomup.stockpile(made, start, rng)
    if bound is not None:
        warheads = np.minimum(warheads, np.maximum(bound.warheads, start))
    return np.asarray(warheads[1:])


def exceedance(p: Projection, limit: float) -> Array:
    """(year,) chance that the stockpile is above `limit` warheads in each January."""
    return np.asarray((p.values > limit).mean(axis=1))


def first_years(p: Projection, limit: float) -> dict[str, Any]:
    """When draws first pass `limit`: the chance of ever doing so and the 5, 50, 95 % points of the year.

    A quantile is null where that many draws never pass it within the years projected.
    """
    over = p.values > limit
    ever = over.any(axis=0)
    year = np.where(ever, np.array(p.years)[over.argmax(axis=0)], 9999)
    points = [int(q) for q in np.quantile(year, (0.05, 0.5, 0.95), method="inverted_cdf")]
    return {"limit": limit, "p_ever": float(ever.mean()), "years": [None if q == 9999 else q for q in points]}
