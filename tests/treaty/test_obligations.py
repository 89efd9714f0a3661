"""Duties: deadlines confirmed in treaty texts, and what an event log makes of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.treaty import Law, duties, load, resolve
from detente.treaty.duty import Duty, DutyState
from detente.treaty.events import Event, read_events
from detente.treaty.obligations import event_types


def law(name: str = "new-start", day: str = "2012-03-01") -> Law:
    return resolve(load(name), AsOf.on(day))


def of(found: tuple[Duty, ...], obligation: str, party: str) -> list[Duty]:
    return [d for d in found if d.obligation == obligation and d.party == party]


def test_first_database_is_due_45_days_after_entry_into_force() -> None:
    first = of(duties(law(), [], "2011-03-22"), "database-initial", "US")[0]
    assert first.due is not None and first.due.date().isoformat() == "2011-03-22"
    assert first.state is DutyState.due
    assert of(duties(law(), [], "2011-03-23"), "database-initial", "US")[0].state is DutyState.breached


@pytest.mark.parametrize(("sent", "state"), [("2011-03-22T23:00Z", "met"), ("2011-03-23T00:30Z", "late")])
def test_a_day_ends_at_midnight_utc(sent: str, state: str) -> None:
    log = [Event(id="d", type="initial_database", by="RU", at=sent)]
    assert of(duties(law(), log, "2012-01-01"), "database-initial", "RU")[0].state == state


def test_updates_are_due_30_days_after_each_six_month_period() -> None:
    found = of(duties(law(), [], "2012-12-31"), "database-update", "RU")
    assert [d.due.date().isoformat() for d in found if d.due] == ["2011-09-30", "2012-03-30", "2012-09-30"]


def test_an_update_answers_its_own_period() -> None:
    log = [Event(id="u2", type="database_update", by="US", at="2012-03-20")]
    states = [d.state for d in of(duties(law(), log, "2012-06-01"), "database-update", "US")]
    assert states == [DutyState.breached, DutyState.met]


@pytest.mark.parametrize(("sent", "state", "late"), [("2012-02-06", "met", None), ("2012-02-08", "late", 2)])
def test_five_days_after_a_change(sent: str, state: str, late: int | None) -> None:
    log = [
        Event(id="c", type="data_change", by="US", at="2012-02-01"),
        Event(id="n", type="data_change_notice", by="US", at=sent, of="c"),
    ]
    duty = of(duties(law(), log, "2012-03-01"), "data-change", "US")[0]
    assert duty.state == state
    assert duty.late_by == (timedelta(days=late) if late else None)


def test_a_waiver_by_the_other_side_waives_and_ones_own_does_not() -> None:
    change = Event(id="c", type="data_change", by="US", at="2012-02-01")
    theirs = Event(id="w", type="waiver", by="RU", at="2012-02-02", of="c")
    own = Event(id="w", type="waiver", by="US", at="2012-02-02", of="c")
    assert of(duties(law(), [change, theirs], "2012-03-01"), "data-change", "US")[0].state is DutyState.waived
    assert of(duties(law(), [change, own], "2012-03-01"), "data-change", "US")[0].state is DutyState.breached


@pytest.mark.parametrize(
    ("notice", "launch", "state"),
    [
        ("2024-05-01T10:00Z", "2024-05-02T10:00Z", "met"),
        ("2024-05-01T10:01Z", "2024-05-02T10:00Z", "late"),
        ("2024-04-30", "2024-05-02", "met"),
        ("2024-05-01", "2024-05-02", "indeterminate"),  # the hour decides, and nobody gave it
        ("2024-05-01T13:00+03:00", "2024-05-02T10:00Z", "met"),
    ],
)
def test_24_hours_before_a_launch(notice: str, launch: str, state: str) -> None:
    rules = law("launch-notification-1988", "2024-06-01")
    duty = rules.instrument.obligations[0]
    log = [
        Event(id="l", type=duty.on, by="RU", at=launch),
        Event(id="n", type=duty.done_by, by="RU", at=notice, of="l"),
    ]
    found = of(duties(rules, log, "2024-06-01"), duty.id, "RU")[0]
    assert found.state == state


def test_a_planned_launch_shows_its_deadline_ahead() -> None:
    rules = law("launch-notification-1988", "2024-06-01")
    duty = rules.instrument.obligations[0]
    found = duties(rules, [Event(id="l", type=duty.on, by="US", at="2024-06-10T12:00Z")], "2024-06-01")[0]
    assert (found.state, found.due) == (DutyState.due, datetime(2024, 6, 9, 12, tzinfo=UTC))


@pytest.mark.parametrize(("held", "state"), [(10, "met"), (11, "breached")])
def test_ten_type_one_inspections_in_a_treaty_year(held: int, state: str) -> None:
    quota = next(o for o in law().instrument.obligations if o.quota and o.quota.at_most == 10)
    assert quota.quota is not None
    log = [
        Event(id=f"i{n}", type=quota.quota.event, by="US", at=f"2011-{5 + n // 4:02d}-{1 + n % 4:02d}")
        for n in range(held)
    ]
    found = of(duties(law(), log, "2012-02-04"), quota.id, "US")[0]
    assert (found.state, len(found.done)) == (state, held)


def test_a_treaty_year_runs_from_5_february_to_4_february() -> None:
    quota = next(o for o in law().instrument.obligations if o.quota and o.quota.at_most == 10)
    assert quota.quota is not None
    log = [
        Event(id="a", type=quota.quota.event, by="US", at="2012-02-04"),
        Event(id="b", type=quota.quota.event, by="US", at="2012-02-05"),
    ]
    found = of(duties(law(), log, "2012-06-01"), quota.id, "US")
    assert [len(d.done) for d in found] == [1, 1]


def test_quotas_are_ten_and_eight() -> None:
    quotas = {o.quota.at_most for o in law().instrument.obligations if o.quota and o.kind == "inspection"}
    assert quotas == {10, 8}


def test_after_the_suspension_a_missed_update_is_disputed() -> None:
    found = of(duties(law(day="2024-06-01"), [], "2024-06-01"), "database-update", "RU")
    last = next(d for d in found if d.due and d.due.date().isoformat() == "2023-09-30")
    assert last.state is DutyState.disputed
    assert last.views == {"US": DutyState.breached, "RU": DutyState.suspended}


def test_without_a_log_nothing_is_called_undone() -> None:
    assert {d.state for d in duties(law(), None, "2012-12-31")} == {DutyState.indeterminate}


def test_nothing_falls_due_after_the_treaty_ended() -> None:
    found = duties(law(day="2026-11-23"), [], "2026-11-23")
    assert all(d.arose < datetime(2026, 2, 5, tzinfo=UTC) for d in found)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("events:\n  - {id: a, type: data_change, at: 2012-13-01}\n", 2, "not a time"),
        ("events:\n  - {id: a, type: data_changed, at: 2012-01-01}\n", 2, "did you mean 'data_change'"),
        (
            "events:\n  - {id: a, type: data_change, at: 2012-01-01}\n  - {id: a, type: data_change, at: 2012-01-02}\n",
            3,
            "share the id",
        ),
        ("events:\n  - {id: a, type: data_change, at: 2012-01-01, of: b}\n", 2, "no event 'b'"),
        ("events:\n  - {id: a, type: data_change, at: 2012-01-01, by: XX}\n", 2, "unknown party"),
        ("events:\n  - {id: a, typ: data_change, at: 2012-01-01}\n", 2, "typ"),
    ],
)
def test_a_wrong_log_is_one_line_with_its_place(tmp_path: Path, text: str, line: int, word: str) -> None:
    path = tmp_path / "log.yaml"
    path.write_text(text)
    with pytest.raises(DetenteError) as bad:
        read_events(path, event_types(law()))
    assert f"log.yaml:{line}" in str(bad.value) and word in str(bad.value)
