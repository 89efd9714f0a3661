"""Back-tests with vintages only: what would have been said each July, against what came to be printed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

import msgspec
import numpy as np

from detente.forces import outside
from detente.forces.line import stockpile_line, truth
from detente.forces.scores import covered, crps, pit
from detente.forces.topdown import PARTIES, knowledge, pasts, pooled, top_down
from detente.forces.weights import SEED, earned, forecast
from detente.linear import Array

ORIGINS = range(2012, 2026)
HORIZONS = 10
SMALL = 20.0  # scores are divided by the last known stockpile, or this if it is smaller


class Score(msgspec.Struct, frozen=True):
    """One forecast of one party for one January against the outcome; scores as fractions of the last print.

    `model`: CRPS of the pool with the weight the bottom-up view had earned by then; `top_down` of the pool
    without it, `bottom_up` of systems carried on by rule (None where none were in print), `state_space`,
    `outside`: CRPS; `last_value`, `trend`: the absolute error of the point baselines; `last_value_spread`: CRPS
    of the last value with past errors as its spread.
    """

    party: str
    origin: int
    target: int
    outcome: float
    scale: float
    model: float
    top_down: float
    bottom_up: float | None
    weight: float
    state_space: float
    outside: float
    last_value: float
    trend: float
    last_value_spread: float
    covered: bool
    covered_half: bool
    pit: float
    approximate: bool


@lru_cache(maxsize=8)
def run(
    *,
    origins: tuple[int, ...] = tuple(ORIGINS),
    n: int = 6000,
    seed: int = 1,
    judged: date = date(2026, 11, 1),
) -> tuple[Score, ...]:
    """Every forecast 1..10 years ahead from each origin year and party, scored against what `judged` knows.

    The model is the pool as that day would have made it: state space and outside view with all parameters fixed
    on targets to 2011, and, where editions by system were in print, systems carried on by rule with the weight
    their scores had earned on outcomes printed by then. A party without an arsenal in print at the origin is left out.
    """
    scores: list[Score] = []
    for origin in origins:
        examples = pasts(knowledge(origin))
        for party in examples:
            # a stream of its own for each forecast: adding a party changes no other score
            rng = np.random.default_rng([seed, origin, PARTIES.index(party)])
            scores += _party(party, origin, examples, judged, n, rng, seed)
    return tuple(scores)


def _party(
    party: str,
    origin: int,
    examples: dict[str, outside.Past],
    judged: date,
    n: int,
    rng: np.random.Generator,
    seed: int,
) -> Iterable[Score]:
    line = stockpile_line(party, knowledge(origin))
    outcomes = truth(party, judged)
    last = int(line.years[-1])
    ahead = min(origin + HORIZONS, judged.year) - last
    inside, other = top_down(party, knowledge(origin), ahead, n, rng, examples)
    above = pooled(inside, other)
    below, weight = _systems(party, origin, ahead, n, seed)
    whole = above if below is None else _mixed(above, below, weight, rng)
    past = examples[party]
    slope = (
        np.polyfit(past.years[-5:] - last, past.warheads[-5:], 1) if len(past.years) > 1 else (0.0, line.last)
    )
    for target in range(origin + 1, min(origin + HORIZONS, judged.year) + 1):
        if target not in outcomes:
            continue
        h, outcome, scale = target - last, outcomes[target], max(line.last, SMALL)
        said = whole[h - 1]
        yield Score(
            party=party,
            origin=origin,
            target=target,
            outcome=outcome,
            scale=scale,
            model=crps(said, outcome) / scale,
            top_down=crps(above[h - 1], outcome) / scale,
            bottom_up=None if below is None else crps(below[h - 1], outcome) / scale,
            weight=weight,
            state_space=crps(inside[h - 1], outcome) / scale,
            outside=crps(other[h - 1], outcome) / scale,
            last_value=abs(line.last - outcome) / scale,
            trend=abs(max(float(slope[1] + slope[0] * h), 0.0) - outcome) / scale,
            last_value_spread=crps(_with_past_errors(past.warheads, h, line.last), outcome) / scale,
            covered=covered(said, outcome),
            covered_half=covered(said, outcome, 0.5),
            pit=pit(said, outcome, rng),
            approximate=any(line.approximate[-6:]),
        )


def _with_past_errors(warheads: Array, h: int, last: float) -> Array:
    """The last value with the party's own changes over `h` years, of the last thirty, as its spread."""
    recent = warheads[-30:]
    changes = np.log((recent[h:] + 5.0) / (recent[:-h] + 5.0)) if len(recent) > h + 1 else np.zeros(1)
    both = np.concatenate([changes, -changes])
    return np.asarray(np.maximum((last + 5.0) * np.exp(both) - 5.0, 0.0))


def _systems(party: str, origin: int, ahead: int, n: int, seed: int) -> tuple[Array | None, float]:
    """(systems by rule (year, draw), the weight they had earned); (None, 0) where none were in print."""
    views = forecast(party, origin, n, seed + SEED)
    return (None, 0.0) if views is None else (views[2][:ahead], earned(party, knowledge(origin)).weight)


def _mixed(above: Array, below: Array, weight: float, rng: np.random.Generator) -> Array:
    """(year, draw): a share `weight` of the draws from `below`, the rest from `above`."""
    return np.where(rng.permutation(above.shape[1]) < round(weight * above.shape[1]), below, above)


class Summary(msgspec.Struct, frozen=True):
    """Means over a group of forecasts: CRPS and baselines (fractions of the last print), coverage, mean PIT."""

    group: str
    forecasts: int
    model: float
    top_down: float
    state_space: float
    outside: float
    last_value: float
    trend: float
    last_value_spread: float
    cover_90: float
    cover_50: float
    pit_mean: float


def summary(group: str, scores: Iterable[Score]) -> Summary:
    """The means of one group of forecasts."""
    chosen = list(scores)

    def mean(name: str) -> float:
        return float(np.mean([getattr(s, name) for s in chosen]))

    return Summary(
        group=group,
        forecasts=len(chosen),
        model=mean("model"),
        top_down=mean("top_down"),
        state_space=mean("state_space"),
        outside=mean("outside"),
        last_value=mean("last_value"),
        trend=mean("trend"),
        last_value_spread=mean("last_value_spread"),
        cover_90=mean("covered"),
        cover_50=mean("covered_half"),
        pit_mean=mean("pit"),
    )


def table(scores: Iterable[Score]) -> list[Summary]:
    """Pooled, by party, by horizon, and without the origins whose prints are approximate."""
    rows = list(scores)
    groups = [summary("all", rows), summary("exact prints only", [s for s in rows if not s.approximate])]
    systems = [s for s in rows if s.bottom_up is not None]
    if systems:
        groups.append(summary("systems in print", systems))
    groups += [
        summary(p, [s for s in rows if s.party == p]) for p in PARTIES if any(s.party == p for s in rows)
    ]
    for low, high in ((1, 2), (3, 5), (6, 10)):
        chosen = [s for s in rows if low <= s.target - s.origin <= high]
        if chosen:
            groups.append(summary(f"{low}-{high} years ahead", chosen))
    return groups
