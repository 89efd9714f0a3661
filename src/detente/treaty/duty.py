"""A duty: what is owed, its last moment, and what makes it met, late or breached."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

import msgspec

from detente.asof import Duration, shift
from detente.treaty.events import Event
from detente.treaty.schema import Obligation


class DutyState(StrEnum):
    """What has become of a duty at a moment."""

    due = "due"
    met = "met"
    late = "late"
    breached = "breached"
    waived = "waived"
    suspended = "suspended"
    not_in_force = "not in force"
    disputed = "disputed"
    indeterminate = "indeterminate"


class Duty(msgspec.Struct, frozen=True, kw_only=True):
    """One duty of one party: what it is for, when it is due, what fulfilled it.

    `trigger`: the event, period or treaty year it arises from. `due`: the last moment, None where none is known.
    `done`: the events that fulfilled it (or count towards a quota). `views`: the state as each party sees it.
    """

    obligation: str
    title: str
    article: str
    party: str
    to: tuple[str, ...]
    trigger: str
    arose: datetime
    due: datetime | None
    state: DutyState
    done: tuple[str, ...] = ()
    late_by: timedelta | None = None
    detail: str = ""
    views: dict[str, DutyState] = {}
    recalled: bool = False


def deadline(obligation: Obligation, trigger: datetime) -> datetime | None:
    """The last moment to fulfil an obligation that `trigger` gave rise to; None where the text names none.

    Durations in days, months and years run to the end of that day in UTC; durations in hours are exact.
    """
    if not (obligation.before or obligation.after):
        return None
    step = -Duration.parse(obligation.before) if obligation.before else Duration.parse(obligation.after)
    moved = shift(trigger, step)
    if step.minutes:
        return moved
    return datetime.combine(moved.date(), time.max, UTC)


def timely(
    o: Obligation, done: Event, due: datetime, *, vague: bool
) -> tuple[DutyState, str, timedelta | None]:
    """Met or late; a deadline in hours is not decided by events of which only the day is known.

    `vague`: only the day of the trigger is known, so that the true deadline may be up to a day later.
    """
    at = done.moment
    if not Duration.parse(o.before or o.after or "P0D").minutes:
        days = (at.date() - due.date()).days
        return (DutyState.late, "", timedelta(days=days)) if days > 0 else (DutyState.met, "", None)
    day = timedelta(days=1)
    earliest, latest = due, due + (day if vague else timedelta())
    if at + (day if done.dated else timedelta()) <= earliest:
        return DutyState.met, "", None
    if at > latest:
        return DutyState.late, "", at - latest
    if not vague and not done.dated:
        return DutyState.met, "", None
    return DutyState.indeterminate, "the time of day is not given", None


def quota_state(at_most: int | None, at_least: int | None, n: int, *, over: bool) -> tuple[DutyState, str]:
    if at_most is not None and n > at_most:
        return DutyState.breached, f"{n} of at most {at_most}"
    if at_least is not None and n < at_least:
        return (DutyState.breached if over else DutyState.due), f"{n} of at least {at_least}"
    wanted = f"at most {at_most}" if at_most is not None else f"at least {at_least}"
    return DutyState.met, f"{n} of {wanted}"
