"""INF's month 29, SALT I's two printed values, SORT's single day."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from detente.treaty.judge import judge
from detente.verdict import Outcome, Verdict


def verdict(law, given, party: str, limit: str) -> Verdict:
    return next(v for v in judge(law, given) if (v.party, v.provision) == (party, f"limits/{limit}"))


def ss20(rows, n: int):
    launcher = {"deployed": True, "range_km": 5000.0, "warheads_attributed": 3.0, "type": "SS-20"}
    return rows(("ss20", "ground_missile_launcher", n, "launchers", launcher), party="RU")


@pytest.mark.parametrize(("launchers", "outcome"), [(57, Outcome.met), (58, Outcome.exceeded)])
def test_at_most_57_ss20_at_month_29(
    law: Callable[..., object], rows, launchers: int, outcome: Outcome
) -> None:
    found = verdict(law("inf", "1990-11-01"), {"RU": ss20(rows, launchers)}, "RU", "IV.2.a.i")
    assert found.outcome is outcome
    assert found.count is not None and found.count.low == 3 * launchers
    assert found.bound == 171


def test_171_pershing_launchers_would_have_been_allowed(law: Callable[..., object], rows) -> None:
    one = {"deployed": True, "range_km": 1800.0, "warheads_attributed": 1.0}
    given = {"US": rows(("p2", "ground_missile_launcher", 171, "launchers", one))}
    assert verdict(law("inf", "1991-01-01"), given, "US", "IV.2.a.i").outcome is Outcome.met


@pytest.mark.parametrize(
    ("day", "step", "zero"),
    [
        ("1990-10-31", Outcome.not_applicable, Outcome.not_applicable),
        ("1990-11-01", Outcome.exceeded, Outcome.not_applicable),
        ("1991-05-31", Outcome.exceeded, Outcome.not_applicable),
        ("1991-06-01", Outcome.not_applicable, Outcome.exceeded),
        ("2019-08-01", Outcome.not_applicable, Outcome.not_applicable),  # suspended since 2019-02-02
        ("2019-08-02", Outcome.not_in_force, Outcome.not_in_force),
    ],
)
def test_the_step_lasts_seven_months_then_zero(
    law: Callable[..., object], rows, day: str, step: Outcome, zero: Outcome
) -> None:
    given = {"RU": ss20(rows, 100)}
    assert verdict(law("inf", day), given, "RU", "IV.2.a.i").outcome is step
    assert verdict(law("inf", day), given, "RU", "IV.1-launchers").outcome is zero


@pytest.mark.parametrize(
    ("range_km", "intermediate", "shorter"),
    [(499, 0, 0), (500, 0, 1), (1000, 0, 1), (1001, 1, 0), (5500, 1, 0), (5501, 0, 0)],
)
def test_ranges(law: Callable[..., object], rows, range_km: float, intermediate: int, shorter: int) -> None:
    given = {
        "US": rows(("m", "ground_ballistic_missile", 1, "missiles", {"deployed": True, "range_km": range_km}))
    }
    for limit, expected in (("IV.1", intermediate), ("V.1", shorter)):
        found = verdict(law("inf", "1995-01-01"), given, "US", limit)
        assert found.outcome is (Outcome.exceeded if expected else Outcome.met)


def test_an_unknown_range_is_no_compliance(law: Callable[..., object], rows) -> None:
    given = {"RU": rows(("9M729", "ground_cruise_missile", 60, "missiles", {"deployed": True}), party="RU")}
    found = verdict(law("inf", "2018-01-01"), given, "RU", "IV.1")
    assert found.outcome is Outcome.indeterminate
    assert any("range_km" in m for m in found.missing)


@pytest.mark.parametrize(("party", "total"), [("US", 846), ("RU", 1846)])
def test_elimination_totals(law: Callable[..., object], rows, party: str, total: int) -> None:
    for n, outcome in ((total, Outcome.met), (total - 1, Outcome.exceeded), (total + 1, Outcome.exceeded)):
        given = {party: rows(("e", "eliminated_missile", n, "missiles"), party=party)}
        assert verdict(law("inf", "1991-06-01"), given, party, "eliminated").outcome is outcome
    assert 846 + 1846 == 2692


def test_a_hundred_by_launching_in_six_months(law: Callable[..., object], rows) -> None:
    for n, outcome in ((100, Outcome.met), (101, Outcome.exceeded)):
        given = {
            "RU": rows(
                ("e", "eliminated_missile", n, "missiles", {"by_launching": True}),
                ("f", "eliminated_missile", 500, "missiles"),
                party="RU",
            )
        }
        assert verdict(law("inf", "1988-11-30"), given, "RU", "X.5").outcome is outcome
        assert verdict(law("inf", "1988-12-01"), given, "RU", "X.5").outcome is Outcome.not_applicable


@pytest.mark.parametrize(
    ("launchers", "outcome"),
    [
        (1607, Outcome.met),
        (1608, Outcome.indeterminate),
        (1618, Outcome.indeterminate),
        (1619, Outcome.exceeded),
    ],
)
def test_two_printed_values_are_a_conflict(
    law: Callable[..., object], rows, launchers: int, outcome: Outcome
) -> None:
    given = {"SU": rows(("silos", "icbm_launcher", launchers, "launchers", {"fixed": True}), party="SU")}
    found = verdict(law("salt-1-interim", "1974-01-01"), given, "SU", "I")
    assert found.outcome is outcome
    assert any("1618 or 1607" in m for m in found.marks)


def test_the_american_value_has_no_rival(law: Callable[..., object], rows) -> None:
    given = {"US": rows(("silos", "icbm_launcher", 1054, "launchers", {"fixed": True}))}
    found = verdict(law("salt-1-interim", "1974-01-01"), given, "US", "I")
    assert found.outcome is Outcome.met and not found.marks


def sort_rows(rows, n: int):
    on_duty = {"strategic": True, "operational": True}
    return {"US": rows(("w", "deployed_warhead", n, "warheads", on_duty))}


@pytest.mark.parametrize(
    ("day", "outcome"),
    [
        ("2012-12-30", Outcome.not_applicable),
        ("2012-12-31", Outcome.met),
        ("2013-01-01", Outcome.not_in_force),
    ],
)
def test_sort_binds_one_day_for_who_does_not_know_of_new_start(
    law: Callable[..., object], rows, day: str, outcome: Outcome
) -> None:
    on = law("sort", day, known="2010-12-31")
    assert verdict(on, sort_rows(rows, 2200), "US", "I").outcome is outcome


def test_new_start_ended_sort_before_its_day(law: Callable[..., object], rows) -> None:
    found = verdict(law("sort", "2012-12-31"), sort_rows(rows, 5000), "US", "I")
    assert found.outcome is Outcome.not_in_force


def test_without_an_agreed_rule_each_side_counts_its_way(law: Callable[..., object], rows) -> None:
    given = {
        "US": rows(
            ("on", "deployed_warhead", 2000, "warheads", {"strategic": True, "operational": True}),
            ("off", "deployed_warhead", 400, "warheads", {"strategic": True, "operational": False}),
        )
    }
    found = verdict(law("sort", "2012-12-31", known="2010-12-31"), given, "US", "I")
    assert found.outcome is Outcome.disputed
    counts = {r.name: r.verdict.count.low for r in found.readings if r.verdict.count}
    assert counts == {"operationally-deployed": 2000, "no-definition": 2400}
