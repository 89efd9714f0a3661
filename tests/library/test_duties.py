"""Duties as the instruments write them: deadlines, the other party, no deadline, a window of their own."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from detente.asof import Duration
from detente.treaty.duty import Duty, DutyState
from detente.treaty.events import Event
from detente.treaty.load import load
from detente.treaty.obligations import duties

DATA = Path(os.environ.get("DETENTE_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))
TABLE = DATA / "treaties" / "new_start_notifications.csv"
UNITS = {"day": "P{}D", "month": "P{}M", "hour": "PT{}H"}


def event(name: str, kind: str, at: str, by: str, of: str = "") -> Event:
    return Event(id=name, type=kind, at=at, by=by, of=of)


def of(found: tuple[Duty, ...], obligation: str) -> list[Duty]:
    return [d for d in found if d.obligation == obligation]


@pytest.mark.skipif(not TABLE.exists(), reason="the shared table of notifications is not here")
def test_every_row_of_the_notifications_table_is_encoded() -> None:
    encoded = [
        o
        for name in ("new-start", "launch-notification-1988", "strategic-exercises-1989")
        for o in load(name).instrument.obligations
    ]
    for row in csv.DictReader(TABLE.open(encoding="utf-8")):
        value, unit, relation = row["deadline_value"], row["deadline_unit"], row["relation"]
        if not value:
            continue
        if relation == "max":
            assert any(o.quota and o.quota.at_most == int(value) for o in encoded), row["id"]
            continue
        wanted = Duration.parse(UNITS[unit].format(value))
        recalled = row["check"] == "recall_unverified"
        assert any(
            (text := getattr(o, relation))
            and Duration.parse(text) == wanted
            and o.quality.doubtful == recalled
            for o in encoded
        ), row["id"]


@pytest.mark.parametrize(
    ("obligation", "due"),
    [
        ("database-initial", "2011-03-22"),
        ("airplane-types", "2011-02-10"),
        ("inspector-lists", "2011-03-02"),
        ("clearance-first", "2011-03-07"),
    ],
)
def test_what_entry_into_force_set_running(law: Callable[..., object], obligation: str, due: str) -> None:
    found = of(duties(law("new-start", "2012-01-01"), [], "2012-01-01"), obligation)
    assert {d.party for d in found} == {"US", "RU"}
    assert {d.due.date().isoformat() for d in found if d.due} == {due}


def test_the_first_updates_of_the_database(law: Callable[..., object]) -> None:
    found = of(duties(law("new-start", "2012-12-31"), [], "2012-12-31"), "database-update")
    dues = sorted({d.due.date().isoformat() for d in found if d.due})
    assert dues[:3] == ["2011-09-30", "2012-03-30", "2012-09-30"]


def test_the_other_party_owes_the_answer(law: Callable[..., object]) -> None:
    log = [event("gap", "telemetry_gap_notice", "2015-03-01", "US")]
    found = of(duties(law("new-start", "2015-06-01"), log, "2015-06-01"), "telemetry-clarified")
    assert [(d.party, d.state) for d in found] == [("RU", DutyState.breached)]
    assert found[0].due is not None and found[0].due.date() == date(2015, 4, 30)
    answered = [*log, event("a", "telemetry_explanation", "2015-04-01", "RU", of="gap")]
    found = of(duties(law("new-start", "2015-06-01"), answered, "2015-06-01"), "telemetry-clarified")
    assert [d.state for d in found] == [DutyState.met]


def test_a_duty_whose_deadline_nobody_read_is_never_late(law: Callable[..., object]) -> None:
    log = [event("b", "bomber_abroad_24h", "2015-03-01", "RU")]
    found = of(duties(law("new-start", "2020-01-01"), log, "2020-01-01"), "bomber-abroad")
    assert [(d.due, d.state) for d in found] == [(None, DutyState.due)]
    done = [*log, event("n", "bomber_abroad_notice", "2019-12-31", "RU", of="b")]
    found = of(duties(law("new-start", "2020-01-01"), done, "2020-01-01"), "bomber-abroad")
    assert [d.state for d in found] == [DutyState.met]


@pytest.mark.parametrize(
    ("held", "at", "breached"),
    [
        (20, "1990", []),
        (21, "1990", ["inspections-1-3"]),
        (16, "1992", ["inspections-4-8"]),
        (16, "1990", []),
    ],
)
def test_a_quota_binds_in_its_own_years(
    law: Callable[..., object], held: int, at: str, breached: list[str]
) -> None:
    log = [
        event(f"i{n}", "short_notice_inspection", f"{at}-{6 + n // 9:02d}-{2 + n % 9:02d}", "US")
        for n in range(held)
    ]
    found = duties(law("inf", "2002-01-01"), log, "2002-01-01")
    assert [d.obligation for d in found if d.state is DutyState.breached] == breached
    years = {d.obligation: {x.trigger for x in of(found, d.obligation)} for d in found}
    assert [len(years[f"inspections-{y}"]) for y in ("1-3", "4-8", "9-13")] == [3, 5, 5]


def test_what_is_due_before_a_year_is_done_in_the_year_before(law: Callable[..., object]) -> None:
    on = law("new-start", "2013-06-01")
    log = [
        event("c12", "clearance_number", "2011-12-01", "US"),
        event("c13", "clearance_number", "2012-12-20", "US"),
    ]
    found = [d for d in of(duties(on, log, "2013-06-01"), "clearance-yearly") if d.party == "US"]
    assert [d.state for d in found] == [DutyState.met, DutyState.late]
    assert [d.due.date().isoformat() for d in found if d.due] == ["2011-12-02", "2012-12-02"]


@pytest.mark.parametrize(
    ("notice", "state"), [("2024-10-09T09:59:00Z", "met"), ("2024-10-09T10:01:00Z", "late")]
)
def test_24_hours_before_a_launch(law: Callable[..., object], notice: str, state: str) -> None:
    log = [
        event("l", "launch", "2024-10-10T10:00:00Z", "RU"),
        event("n", "launch_notice", notice, "RU", of="l"),
    ]
    found = duties(law("launch-notification-1988", "2024-10-11"), log, "2024-10-11")
    assert [(d.party, str(d.state)) for d in found] == [("RU", state)]


def test_14_days_before_the_exercise(law: Callable[..., object]) -> None:
    log = [
        event("x", "strategic_exercise", "2024-10-29", "RU"),
        event("n", "exercise_notice", "2024-10-15", "RU"),
    ]
    found = of(duties(law("strategic-exercises-1989", "2024-11-01"), log, "2024-11-01"), "exercise")
    assert [d.state for d in found] == [DutyState.met]


def test_china_and_russia_may_withhold_two_a_year_in_years_six_to_ten(law: Callable[..., object]) -> None:
    log = [event(f"u{n}", "unreported_launch", f"2017-0{n + 1}-01", "RU") for n in range(3)]
    found = of(duties(law("china-russia-2009", "2020-12-01"), log, "2020-12-01"), "unreported")
    states = [(d.trigger, str(d.state)) for d in found if d.party == "RU" and d.state is DutyState.breached]
    assert states == [("year 2: 2016-12-16 to 2017-12-15", "breached")]


@pytest.mark.parametrize(("arrived", "state"), [("2026", "met"), ("2031", "late")])
def test_nine_hours_to_the_named_site(law: Callable[..., object], arrived: str, state: str) -> None:
    at = f"1990-03-07T{arrived[:2]}:{arrived[2:]}Z"
    log = [
        event("s", "inspection_site_named", "1990-03-07T11:30Z", "US"),
        event("t", "inspection_team_at_site", at, "RU", of="s"),
    ]
    found = of(duties(law("inf", "1990-04-01"), log, "1990-04-01"), "site-in-nine-hours")
    assert [(d.party, str(d.state)) for d in found] == [("RU", state)]


def test_185_inspections_in_thirteen_years() -> None:
    quotas = [o for o in load("inf").instrument.obligations if o.quota]
    years = [3, 5, 5]
    assert sum(o.quota.at_most * n for o, n in zip(quotas, years, strict=True) if o.quota) == 185
