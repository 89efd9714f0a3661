"""The two top-down views of a stockpile, from what was in print on a day: state space and outside view."""

from __future__ import annotations

from datetime import date

import numpy as np

from detente.errors import DetenteError
from detente.forces import outside, statespace
from detente.forces.line import Line, stockpile_line
from detente.linear import Array

OUTSIDE_SHARE = 0.3  # of the two top-down views; chosen on targets to 2011, see detente.forces.calibrate
PARTIES = ("US", "RU", "CN", "UK", "FR", "IN", "PK", "IL", "KP")


def knowledge(origin: int) -> date:
    """The day of a back-tested forecast: 1 July, when the yearbook of that June was out."""
    return date(origin, 7, 1)


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


def pooled(inside: Array, other: Array) -> Array:
    """(year, draw): the two views in one pool, OUTSIDE_SHARE of the draws from the outside view."""
    n = inside.shape[1]
    view = round(n * OUTSIDE_SHARE)
    return np.concatenate([inside[:, : n - view], other[:, :view]], axis=1)
