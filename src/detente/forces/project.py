"""Projections: a pool of three views of a stockpile, years ahead, from what a day knew."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.forces import bottomup
from detente.forces.byrule import rule_drivers
from detente.forces.line import Line, stockpile_line
from detente.forces.material import Bound, plutonium_bound
from detente.forces.topdown import OUTSIDE_SHARE, top_down
from detente.forces.weights import Earned, earned
from detente.linear import Array
from detente.sources import RECALLED_MARK, Quality, worst

WRITTEN = date(2026, 11, 1)  # drivers.csv, with its paths to 2035


class Projection(msgspec.Struct, frozen=True, eq=False):
    """Draws of a party's stockpile in each January.

    `values` (year, draw) float64 warheads; `view` (draw,) names the model that made a draw: 0 state space,
    1 outside view, 2 bottom up. `build`: the systems in print, `bound`: what plutonium allows, each None where
    nothing was in print. `earned`: what the bottom-up view's weight rests on; `by_rule` (year, draw): what
    systems carried on by rule alone would give, both None where no edition by system was in print.
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
    earned: Earned | None = None
    by_rule: Array | None = None

    def quantiles(self, points: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75, 0.95)) -> Array:
        """(year, point) warheads."""
        return np.asarray(np.quantile(self.values, points, axis=1).T)

    @property
    def from_systems(self) -> bool:
        """Are the bottom-up draws those of `build` (on an older day they are those of the rule)?"""
        return self.build is not None and self.known >= WRITTEN

    @property
    def marks(self) -> tuple[str, ...]:
        return (RECALLED_MARK,) if self.quality.doubtful else ()


def project(party: str, to: int, *, known: date | None = None, n: int = 20_000, seed: int = 1) -> Projection:
    """`party`'s stockpile in each January to the year `to`, from what was in print on `known` (today).

    Raises DetenteError for a year that is not ahead.
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
    made = bottomup.build(party, known, (last, *years), n, rng)
    carried = rule_drivers(party, known)
    # a stream of its own: what the rule draws changes no other draw
    ruled = bottomup.build(party, known, (last, *years), n, np.random.default_rng([seed, 3]), carried)
    # an older day does not see the paths of drivers.csv: they were written down later
    mine = made if known >= WRITTEN else ruled
    won = earned(party, known) if mine else None
    share = won.weight if won else 0.0
    weights = ((1 - share) * (1 - OUTSIDE_SHARE), (1 - share) * OUTSIDE_SHARE, share)
    # shuffled, so that any part of the draws is a fair sample of the whole
    view = rng.permutation(np.repeat([0, 1, 2], _split(weights, n)))
    values = np.where(view == 0, inside, other)
    bound = plutonium_bound(party, known, last, len(years) + 1, n, rng)
    by_rule = bottomup.ahead(ruled, line.last, bound, np.random.default_rng([seed, 4])) if ruled else None
    if mine is not None:
        values = np.where(view == 2, bottomup.ahead(mine, line.last, bound, rng), values)
    words = [c.quality for c in line.rows[-5:]] + ([mine.quality] if mine else [])
    if bound is not None and mine is not None:
        words.append(bound.quality)
    return Projection(
        *(party, known, years, values, view, weights, seed, line, made, bound, worst(words)),
        earned=won,
        by_rule=by_rule,
    )


def _split(weights: tuple[float, float, float], n: int) -> list[int]:
    cuts = np.round(np.cumsum(weights) * n).astype(int)
    return [int(cuts[0]), int(cuts[1] - cuts[0]), int(n - cuts[1])]


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
