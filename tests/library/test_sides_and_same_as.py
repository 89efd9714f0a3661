"""Two words of the format: parties counted side by side, and totals declared under another instrument."""

from __future__ import annotations

import pytest

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.treaty.judge import judge
from detente.treaty.load import loads
from detente.treaty.resolve import resolve
from detente.verdict import Outcome

BASE = """
id: alliance
title: Alliance total
kind: proposal
parties: [RU, US, FR, UK]
summary: an invented proposal
sources: {X: {ref: invented}}
life:
  - {id: entry, act: entered_into_force, date: "2030-01-01", by: [RU, US, FR, UK], WHERE}
counting:
  - {id: warheads, text: every warhead, unit: warheads, select: {kind: warhead}, WHERE}
limits:
  - {id: total, title: warheads, unit: warheads, count: [warheads], bound: 100, WHERE, EXTRA}
"""
SIDES = "sides: [[RU], [FR, UK, US]]"


def alliance(extra: str = SIDES) -> bytes:
    return BASE.replace("EXTRA", extra).replace("WHERE", "article: I, cite: [X], quality: assumed").encode()


def test_each_side_is_counted_as_one(rows) -> None:
    law = resolve(loads(alliance()), AsOf.on("2031-01-01", known="2031-01-01"))
    given = {
        "RU": rows(("ru", "warhead", 100, "warheads"), party="RU"),
        "US": rows(("us", "warhead", 60, "warheads")),
        "FR": rows(("fr", "warhead", 30, "warheads"), party="FR"),
        "UK": rows(("uk", "warhead", 11, "warheads"), party="UK"),
    }
    verdicts = {v.party: v for v in judge(law, given)}
    assert set(verdicts) == {"RU", "FR+UK+US"}
    assert verdicts["RU"].outcome is Outcome.met
    assert verdicts["FR+UK+US"].outcome is Outcome.exceeded
    assert verdicts["FR+UK+US"].count is not None
    assert verdicts["FR+UK+US"].count.mid == 101


@pytest.mark.parametrize(
    "extra",
    [
        "sides: [[RU], [FR, CN]]",
        "sides: [[RU], [US]], together: true",
        "sides: [[RU], [US]], parties: [RU]",
        "sides: [[RU], [US]], shares: {RU: 1, US: 1, FR: 1, UK: 1}",
        "same_as: no slash",
    ],
)
def test_what_does_not_fit_is_refused(extra: str) -> None:
    with pytest.raises(DetenteError):
        loads(alliance(extra))


def test_a_total_declared_elsewhere_stands_only_where_the_limit_says_so(rows) -> None:
    total = ("t", "declared_total", 90, "warheads", {"provision": "old-pact/all"})
    for extra, outcome in (("same_as: old-pact/all", Outcome.met), ("parties: [US]", Outcome.indeterminate)):
        law = resolve(loads(alliance(extra)), AsOf.on("2031-01-01", known="2031-01-01"))
        verdict = next(v for v in judge(law, {"US": rows(total, complete=False)}) if v.party == "US")
        assert verdict.outcome is outcome
