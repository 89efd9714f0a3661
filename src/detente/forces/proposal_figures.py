"""The proposals at a glance: one cell for each proposal and party, and the headroom behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from detente.forces import figures
from detente.forces.proposals import PARTIES, Comparison, Effect
from detente.parties import party as find

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CREDIT = "Sources: {n} draws of projected forces (SIPRI, FAS; drivers.csv), seed {s}; some inputs recalled"
SHORT = {
    "one-year-rollover": "one more year of 1550/700/800",
    "permanent-1550": "1550/700/800 without an end",
    "third-lower": "a third lower (1030)",
    "freeze-2020": "freeze of all warheads (2020)",
    "three-equal": "equal for three (1550/700/800)",
    "three-asymmetric": "for three, by arsenal",
    "p5-alliances": "five, NATO counted as one",
    "launchers-with-mid-range": "launchers incl. mid-range (800)",
    "all-warheads-2500": "all warheads 2500, 1000 deployed",
    "french-level": "down to the French level (300)",
}


def cell(effects: Sequence[Effect]) -> tuple[float, str]:
    """(share to cut, words) of one proposal on one party in a year: its hardest limit.

    NaN where nothing binds the party then.
    """
    bound = [e for e in effects if e.cut_share is not None]
    if not bound:
        return math.nan, "ended" if effects else "not bound"
    worst = max(bound, key=lambda e: (e.cut_share or 0.0, -(e.p_met or 0.0)))
    chance = min(e.p_met if e.p_met is not None else 1.0 for e in bound)
    share = worst.cut_share or 0.0
    together = " with allies" if "+" in worst.party else ""
    said = "P<1%" if chance < 0.01 else "P>99%" if chance > 0.99 else f"P {chance:.0%}"
    if (worst.cut or 0.0) < 1.0:
        return share, f"keeps{together}, {said}"
    return share, f"−{worst.cut:,.0f} {_unit(worst.unit)}{together}, {said}"


def _unit(unit: str) -> str:
    return {"delivery systems": "systems", "launchers and bombers": "launchers"}.get(unit, unit)


def heat_map(c: Comparison, year: int) -> Figure:
    """Who would have to change what in one January: dark cells have most to cut, as a share of what is counted."""
    names = list(dict.fromkeys(e.proposal for e in c.effects))
    cells = [[cell(c.of(n, p, year)) for p in PARTIES] for n in names]
    values = np.array([[v for v, _ in row] for row in cells])
    texts = [[_wrapped(t) for _, t in row] for row in cells]
    title = (
        f"Who would have to cut what by January {year}: mean excess over the hardest limit\n"
        "P: chance that the limit most at risk is kept with no change of plan"
    )
    credit = CREDIT.format(n=f"{c.draws:,}", s=c.seed) + f"; known {c.known}. Dark: larger share to cut."
    columns = [find(p).name for p in PARTIES]
    return figures.heat_map([SHORT.get(n, n) for n in names], columns, values, texts, title, credit)


def _wrapped(text: str) -> str:
    return text.replace(", ", "\n").replace(" with allies", "\nwith allies")


def headroom(c: Comparison, year: int, unit: str = "warheads") -> Figure:
    """Headroom under every warhead limit in one January, medians with 90 % whiskers."""
    rows = [e for e in c.effects if e.year == year and e.unit == unit and e.headroom is not None]
    labels = [
        f"{e.party.replace('+', ' + ')} · {SHORT.get(e.proposal, e.proposal)}{_which(e, rows)}" for e in rows
    ]
    low, mid, high = (np.array([(e.headroom or (0, 0, 0))[k] for e in rows], dtype=float) for k in range(3))
    credit = CREDIT.format(n=f"{c.draws:,}", s=c.seed)
    title = f"Headroom under warhead limits, January {year}"
    return figures.headroom_bars(labels, low, mid, high, unit, title, credit)


def _which(e: Effect, rows: Sequence[Effect]) -> str:
    same = [r for r in rows if r.proposal == e.proposal and r.party == e.party]
    return f" ({'all' if 'all' in e.title else 'deployed'})" if len(same) > 1 else ""
