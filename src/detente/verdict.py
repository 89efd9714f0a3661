"""Verdicts: seven outcomes, a margin, a probability where one is meant, and what would settle the rest."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """What an evaluation found. Unknown is a finding of its own and is never folded into another."""

    met = "met"
    exceeded = "exceeded"
    indeterminate = "indeterminate"
    disputed = "disputed"
    not_applicable = "not_applicable"
    not_in_force = "not_in_force"
    error = "error"


class Basis(StrEnum):
    """Why the outcome is what it is; it keeps "37 % of draws exceed" apart from "cannot be known"."""

    counted = "counted"  # one declaration, every input known
    bounded = "bounded"  # inputs are intervals, and they decide (or do not)
    draws = "draws"  # a Monte-Carlo distribution
    missing = "missing"  # an input nobody has given
    readings = "readings"  # holders of rival readings get different outcomes
    status = "status"  # the law of the day: not binding yet, ended, suspended
    contradiction = "contradiction"  # the inputs contradict each other: nothing was counted
    condition = "condition"  # a conditional commitment whose condition is not established


class Quantiles(msgspec.Struct, frozen=True):
    """The 5, 50 and 95 % points of a distribution, or low, best and high of an interval (same unit)."""

    low: float
    mid: float
    high: float


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """One limit, one party, one day.

    `count`, `bound` and `margin` (how far on the permitted side; negative is over) are in `unit`.
    `p_met` is a fraction of draws with standard error `p_met_se`; None where it is not a question of chance.
    `missing` names what would settle an indeterminate outcome; `readings` holds a verdict per rival reading.
    """

    outcome: Outcome
    basis: Basis
    party: str
    provision: str
    unit: str
    sense: str = "<="
    bound: float | None = None
    count: Quantiles | None = None
    margin: Quantiles | None = None
    p_met: float | None = None
    p_met_se: float | None = None
    missing: tuple[str, ...] = ()
    readings: tuple[Reading, ...] = ()
    reason: str = ""
    marks: tuple[str, ...] = ()  # e.g. that a value it rests on is recalled
    facts: tuple[str, ...] = ()
    seed: int | None = None


class Reading(msgspec.Struct, frozen=True):
    """The verdict under one named reading of a provision, and who holds that reading."""

    name: str
    holders: tuple[str, ...]
    verdict: Verdict
