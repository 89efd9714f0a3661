"""New START against its published record: every declaration, the dispute of 901, the suspension, the end."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from detente.asof import AsOf
from detente.assess.compliance import Compliance, assess_law, declarations, history
from detente.treaty import load, resolve
from detente.treaty.life import State
from detente.treaty.patch import read
from detente.verdict import Basis, Outcome, Verdict

LIMITS = {"II.1.a": 700, "II.1.b": 1550, "II.1.c": 800}
COLUMNS = {"II.1.a": "deployed_delivery_systems", "II.1.b": "deployed_warheads", "II.1.c": "total_launchers"}
BIND = "2018-02-05"


def rows() -> list[dict[str, str]]:
    path = files("detente.forces").joinpath("data", "new_start_aggregates.csv")
    lines = [x for x in path.read_text("utf-8").splitlines() if not x.startswith("#")]
    return list(csv.DictReader(lines))


FULL = [r for r in rows() if all(r[c] for c in COLUMNS.values())]


def assess(day: str, viewpoint: str = "") -> Compliance:
    return assess_law(load("new-start"), AsOf.on(day), viewpoint)


def verdict(found: Compliance, party: str, limit: str) -> Verdict:
    return next(v for v in found.verdicts if v.party == party and v.provision == f"limits/{limit}")


def test_forty_five_rows_are_fully_backed() -> None:
    assert len(FULL) == 45


@pytest.mark.parametrize("row", FULL, ids=lambda r: f"{r['as_of']}-{r['party']}")
@pytest.mark.parametrize("limit", LIMITS)
def test_each_declaration_against_each_limit(row: dict[str, str], limit: str) -> None:
    # the declarant's own count: the reading of the party that declared
    found = verdict(assess(row["as_of"], row["party"]), row["party"], limit)
    declared = float(row[COLUMNS[limit]])
    assert found.count is not None and found.margin is not None
    assert found.count.low == found.count.high == declared
    assert found.margin.low == LIMITS[limit] - declared
    if row["as_of"] < BIND:
        assert found.outcome is Outcome.not_applicable  # over or under: no breach before the limits bind
    else:
        assert found.outcome is Outcome.met


def test_counts_over_the_limits_before_they_bind_are_no_breach() -> None:
    found = verdict(assess("2016-09-01"), "RU", "II.1.b")
    assert found.margin is not None
    assert (found.outcome, found.margin.low) == (Outcome.not_applicable, 1550 - 1796)
    assert "2018-02-05" in found.reason


def test_russia_is_one_under_in_september_2022() -> None:
    found = verdict(assess("2022-09-01"), "RU", "II.1.b")
    assert found.margin is not None
    assert (found.outcome, found.margin.low) == (Outcome.met, 1)


@pytest.mark.parametrize("day", ["2023-03-01", "2023-09-01", "2024-07-01", "2025-12-31", "2026-02-04"])
@pytest.mark.parametrize("limit", LIMITS)
def test_russia_since_march_2023_is_unknown_and_says_what_is_missing(day: str, limit: str) -> None:
    for viewpoint in ("", "US", "RU"):
        found = verdict(assess(day, viewpoint), "RU", limit)
        assert (found.outcome, found.basis) == (Outcome.indeterminate, Basis.missing)
        assert found.missing
        assert found.p_met is None


def test_a_partial_row_leaves_only_its_missing_number_unknown() -> None:
    found = assess("2022-09-01")
    assert verdict(found, "US", "II.1.c").outcome is Outcome.indeterminate
    assert verdict(found, "US", "II.1.b").outcome is Outcome.met


def test_last_day_and_the_day_after() -> None:
    last, after = assess("2026-02-04"), assess("2026-02-05")
    assert last.in_force and not after.in_force
    assert after.status.state is State.expired
    assert {v.outcome for v in after.verdicts} == {Outcome.not_in_force}


def test_before_entry_into_force_it_is_signed_and_binds_nobody() -> None:
    found = assess("2010-06-01")
    assert found.status.state is State.signed
    assert {v.outcome for v in found.verdicts} == {Outcome.not_in_force}


def test_as_known_before_the_extension_it_would_have_ended_in_2021() -> None:
    found = assess_law(load("new-start"), AsOf.on("2022-01-01", known="2020-06-01"))
    assert found.status.state is State.expired


@pytest.mark.parametrize(
    "day", ["2013-03-01", "2014-03-01", "2014-09-01", "2017-03-01", "2017-09-01", "2020-09-01"]
)
def test_us_delivery_systems_by_type_add_to_the_declared_total(day: str) -> None:
    law = resolve(load("new-start"), AsOf.on(day))
    rows = declarations(law, by_system=True)["US"].items
    deployed = [
        i for i in rows if i.kind in ("icbm", "slbm", "heavy_bomber") and i.attributes.get("deployed")
    ]
    total = next(
        float(r["deployed_delivery_systems"]) for r in FULL if r["as_of"] == day and r["party"] == "US"
    )
    assert sum(i.best for i in deployed) == total


def test_us_by_system_adds_to_its_totals() -> None:
    law = resolve(load("new-start"), AsOf.on("2020-09-01"))
    found = assess_law(load("new-start"), AsOf.on("2020-09-01"), "", declarations(law, by_system=True))
    counts = {v.provision: v.count for v in found.verdicts if v.party == "US"}
    assert [c.low for c in counts.values() if c] == [675, 1457, 800]


def test_one_declaration_two_readings_800_and_901() -> None:
    found = verdict(assess("2022-03-01"), "US", "II.1.c")
    sides = {r.holders: r.verdict for r in found.readings}
    us, ru = sides[("US",)], sides[("RU",)]
    assert found.outcome is Outcome.disputed and found.basis is Basis.readings
    assert us.count is not None and ru.count is not None
    assert (us.count.low, us.outcome) == (800, Outcome.met)
    assert (ru.count.low, ru.outcome) == (901, Outcome.exceeded)
    assert verdict(assess("2022-03-01", "US"), "US", "II.1.c").outcome is Outcome.met
    assert verdict(assess("2022-03-01", "RU"), "US", "II.1.c").outcome is Outcome.exceeded


def test_the_suspension_differs_by_viewpoint() -> None:
    law = resolve(load("new-start"), AsOf.on("2023-06-01"))
    views = {k: v.state for k, v in law.status().views.items()}
    assert views == {"US": State.in_force, "RU": State.suspended}
    assert law.status().state is State.disputed
    assert law.status().in_force  # a suspension is no end, in either view
    assert law.status().views["RU"].binds("limits/II.1.b") is True
    assert law.status().views["RU"].binds("obligations/database-update") is False


def test_505_against_501_shows_as_a_conflict_of_sources() -> None:
    found = verdict(assess("2017-09-01"), "RU", "II.1.a")
    assert found.count is not None and found.count.low == 501
    assert any("501 or 505" in mark and "fas.org" in mark for mark in found.marks)


def test_a_declaration_is_not_known_before_it_is_published() -> None:
    early = assess_law(load("new-start"), AsOf.on("2022-09-01", known="2022-09-15"))
    assert verdict(early, "RU", "II.1.b").outcome is Outcome.indeterminate


def test_history_holds_every_declaration_and_every_change_of_the_law() -> None:
    found = history(load("new-start"))
    days = [str(c.as_of.law) for c in found]
    assert days == sorted(days)
    assert {r["as_of"] for r in rows()} | {"2010-04-08", "2011-02-05", "2018-02-05", "2026-02-05"} <= set(
        days
    )


def test_declared_totals_stand_under_a_proposal_that_counts_alike(tmp_path) -> None:  # type: ignore[no-untyped-def]
    base = load("new-start")
    patch = tmp_path / "lower.yaml"
    text = (
        f"patch: lower\ntitle: Lower\nbase: new-start\nbase_digest: {base.digest}\nrationale: a test\n"
        "cite: [T]\nquality: assumed\nsources: {T: {ref: test}}\noperations:\n"
    )
    patch.write_text(text + "  - {set: limits/II.1.b/bound, to: 1400}\n")
    found = assess_law(read("new-start", patch), AsOf.on("2022-09-01"))
    assert verdict(found, "US", "II.1.b").outcome is Outcome.exceeded  # 1420
    assert verdict(found, "US", "II.1.b").margin.low == -20  # type: ignore[union-attr]

    patch.write_text(text + "  - {set: counting/bomber-warheads/each, to: 20}\n")
    found = assess_law(read("new-start", patch), AsOf.on("2022-09-01"))
    assert (
        verdict(found, "US", "II.1.b").outcome is Outcome.indeterminate
    )  # the declared total no longer answers


def test_declaration_stands_seven_months_at_most() -> None:
    assert verdict(assess("2023-08-31"), "US", "II.1.b").outcome is Outcome.met
    assert verdict(assess("2023-10-01"), "US", "II.1.b").outcome is Outcome.indeterminate


def test_start_1_memorandum_of_1990_counts_as_published() -> None:
    found = assess_law(load("start-1"), AsOf.on("1990-09-01"))
    counts = {(v.party[:2], v.provision): v.count.low for v in found.verdicts if v.count}
    assert counts["US", "limits/II.1.a"] == 2246 and counts["US", "limits/II.1.b"] == 10563
    assert counts["RU", "limits/II.1.a"] == 2500 and counts["RU", "limits/II.1.b"] == 10271
    assert {v.outcome for v in found.verdicts} == {Outcome.not_in_force}
