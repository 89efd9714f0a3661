"""The two statements after New START: its rules, its declared totals, their own days and conditions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detente.treaty.judge import judge
from detente.treaty.load import load
from detente.verdict import Basis, Outcome

BASE = load("new-start").instrument


@pytest.mark.parametrize("name", ["putin-offer-2025", "lavrov-statement-2026"])
def test_they_count_as_new_start_counts(name: str) -> None:
    own = load(name).instrument
    assert own.definitions == BASE.definitions
    assert own.counting == BASE.counting
    assert own.exceptions == BASE.exceptions
    for limit, base in zip(own.limits, BASE.limits, strict=True):
        assert limit.same_as == f"new-start/{base.id}"
        same = ("id", "title", "unit", "count", "bound", "sense", "operator")
        assert [getattr(limit, f) for f in same] == [getattr(base, f) for f in same]


def totals(rows, warheads: int):
    def total(limit: str, n: int, unit: str):
        return (limit, "declared_total", n, unit, {"provision": f"new-start/{limit}"})

    return rows(
        total("II.1.a", 540, "delivery systems"),
        total("II.1.b", warheads, "warheads"),
        total("II.1.c", 759, "launchers and bombers"),
        party="RU",
        complete=False,
    )


def test_totals_declared_under_new_start_stand_but_the_condition_remains(
    law: Callable[..., object], rows
) -> None:
    on = law("lavrov-statement-2026", "2026-03-01")
    found = {v.provision: v for v in judge(on, {"RU": totals(rows, 1549)})}
    for verdict in found.values():
        assert verdict.outcome is Outcome.met
        assert verdict.basis is Basis.condition
        assert "the United States stays within the same limits" in verdict.reason
    over = {v.provision: v for v in judge(on, {"RU": totals(rows, 1600)})}["limits/II.1.b"]
    # over the cap: a breach only if the condition holds, which nobody has established
    assert over.outcome is Outcome.indeterminate
    assert over.basis is Basis.condition


@pytest.mark.parametrize("day", ["2025-12-01", "2026-02-04", "2026-03-01", "2027-02-05"])
def test_a_declined_offer_binds_nobody(law: Callable[..., object], rows, day: str) -> None:
    for verdict in judge(law("putin-offer-2025", day), {"RU": totals(rows, 5000)}):
        assert verdict.outcome is Outcome.not_in_force


def test_the_offer_would_have_ended_on_5_february_2027(law: Callable[..., object]) -> None:
    on = law("putin-offer-2025", "2026-12-01")
    assert on.events["term_end"].earliest.isoformat() == "2027-02-05"
