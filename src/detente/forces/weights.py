"""What weight the bottom-up view has earned: its scores from vintages only, drawn towards one half."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import msgspec
import numpy as np

from detente.forces import bottomup
from detente.forces.byrule import rule_drivers
from detente.forces.line import stockpile_line, truth
from detente.forces.material import plutonium_bound
from detente.forces.scores import crps
from detente.forces.topdown import PARTIES, knowledge, pooled, top_down
from detente.linear import Array

FIRST_ORIGIN = 2012
HORIZONS = 10
DRAWS = 1000
PRIOR_ORIGINS = 10  # one half weighs as much as ten scored origins: assumed
SEED = 31


class Scored(msgspec.Struct, frozen=True):
    """One origin and target: CRPS in warheads of the top-down pool and of systems carried on by rule."""

    origin: int
    target: int
    top_down: float
    bottom_up: float


class Earned(msgspec.Struct, frozen=True):
    """The bottom-up view's weight and what it rests on.

    `by_scores`: the weight that the scores alone would give, None without one; `origins`: the origin years
    scored, `forecasts` how many; `top_down`, `bottom_up`: mean CRPS in warheads.
    """

    party: str
    weight: float
    by_scores: float | None
    origins: tuple[int, ...]
    forecasts: int
    top_down: float | None
    bottom_up: float | None

    @property
    def words(self) -> str:
        if self.by_scores is None or self.top_down is None or self.bottom_up is None:
            return f"bottom-up weight {self.weight:.0%}: no origin could be scored, so one half"
        span = f"{self.origins[0]}-{self.origins[-1]}" if len(self.origins) > 1 else f"{self.origins[0]}"
        return (
            f"bottom-up weight {self.weight:.0%}: {len(self.origins)} origins ({span}), {self.forecasts} forecasts,"
            f" CRPS {self.bottom_up:.0f} by rule against {self.top_down:.0f} top down would give"
            f" {self.by_scores:.0%}; drawn towards one half, which counts as {PRIOR_ORIGINS} origins"
        )


@lru_cache(maxsize=256)
def forecast(party: str, origin: int, n: int = DRAWS, seed: int = SEED) -> tuple[int, Array, Array] | None:
    """(first year ahead, top-down pool, bottom up), each (year, draw), from what was in print at `origin`.

    None where nothing was in print that the rule could carry on: that origin has no score.
    """
    known = knowledge(origin)
    drivers = rule_drivers(party, known)
    if not drivers:
        return None
    rng = np.random.default_rng([seed, origin, PARTIES.index(party)])
    line = stockpile_line(party, known)
    last = int(line.years[-1])
    years = tuple(range(last, origin + HORIZONS + 1))
    made = bottomup.build(party, known, years, n, rng, drivers)
    assert made is not None
    bound = plutonium_bound(party, known, last, len(years), n, rng)
    below = bottomup.ahead(made, line.last, bound, rng)
    return last + 1, pooled(*top_down(party, known, len(years) - 1, n, rng)), below


def scored(party: str, known: date) -> tuple[Scored, ...]:
    """Both views' scores at every origin before `known`, on outcomes printed by then and no later."""
    outcomes = truth(party, known)
    found = []
    for origin in range(FIRST_ORIGIN, known.year + 1):
        if knowledge(origin) >= known or not any(origin < t <= known.year for t in outcomes):
            continue
        views = forecast(party, origin)
        if views is None:
            continue
        first, above, below = views
        for target in range(origin + 1, min(origin + HORIZONS, known.year) + 1):
            if target in outcomes:
                said = (crps(v[target - first], outcomes[target]) for v in (above, below))
                found.append(Scored(origin, target, *said))
    return tuple(found)


@lru_cache(maxsize=128)
def earned(party: str, known: date) -> Earned:
    """The weight of the bottom-up view of `party` on the day `known`; later outcomes are left out.

    By scores: inverse to the mean CRPS, w = S_top / (S_top + S_bottom) (Bates & Granger 1969, with CRPS for
    squared error). Drawn towards equal weights by the number of origins n, w n + 1/2 n0 over n + n0: few origins
    say little (Stock & Watson 2004, section 3; n0 = PRIOR_ORIGINS). Neighbouring targets of one origin are one.
    """
    found = scored(party, known)
    if not found:
        return Earned(party, 0.5, None, (), 0, None, None)
    above = float(np.mean([s.top_down for s in found]))
    below = float(np.mean([s.bottom_up for s in found]))
    by_scores = above / (above + below) if above + below > 0 else 0.5
    origins = tuple(sorted({s.origin for s in found}))
    n = len(origins)
    weight = (n * by_scores + PRIOR_ORIGINS * 0.5) / (n + PRIOR_ORIGINS)
    return Earned(party, weight, by_scores, origins, len(found), above, below)
