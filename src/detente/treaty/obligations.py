"""Obligations: from an event log to what is due, met, late, breached or waived, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from detente.asof import Duration, parse_moment, shift
from detente.treaty.duty import Duty, DutyState, deadline, quota_state, timely
from detente.treaty.events import Event
from detente.treaty.life import Standing, State
from detente.treaty.resolve import Law
from detente.treaty.schema import Obligation
from detente.treaty.times import when, within

WAIVER = "waiver"  # an event of this type, by the party to whom the duty is owed, waives it


def duties(law: Law, events: Iterable[Event] | None, now: date | datetime | str) -> tuple[Duty, ...]:
    """Every duty that has arisen by `now` under the instrument, in the order of its due time.

    Events after `now` are plans: they give rise to duties that fall due before them (a launch notice), and
    fulfil nothing. The status of the law on the day a duty arises decides whether it binds, in each view.
    Without a log (None) nothing is known to be undone: what should have been done is indeterminate.
    """
    moment = _end_of_day(now)
    log = sorted(events or (), key=lambda e: (e.moment, e.id))
    found: list[Duty] = []
    for obligation in law.instrument.obligations:
        if obligation.kind == "right":
            continue
        if obligation.quota:
            found += _quota(law, obligation, log, moment)
        elif obligation.every:
            found += _periodic(law, obligation, log, moment)
        else:
            found += _triggered(law, obligation, log, moment)
    window = {o.id: (o.since, o.until) for o in law.instrument.obligations}
    found = [d for d in found if _in_window(law, *window[d.obligation], d.arose.date())]
    bound = [d for d in found if d.state is not DutyState.not_in_force]
    if events is None:
        bound = [
            msgspec.structs.replace(d, state=DutyState.indeterminate, views={}, detail="no log given")
            for d in bound
        ]
    return tuple(sorted(bound, key=lambda d: (d.due or d.arose, d.obligation, d.party)))


def event_types(law: Law) -> frozenset[str]:
    """The event types that the instrument's obligations know, and waivers."""
    words = {WAIVER}
    for o in law.instrument.obligations:
        words |= {o.on, o.done_by, o.quota.event if o.quota else ""}
    return frozenset(words - {""})


def _in_window(law: Law, since: str, until: str, day: date) -> bool:
    """Does an obligation's own window let a duty arise on `day`? An event that has not happened keeps it shut."""
    first = when(since, law.events) if since else None
    if since and first is None:
        return False
    return within(day, first, when(until, law.events) if until else None) is not False


def _triggered(law: Law, o: Obligation, log: Sequence[Event], now: datetime) -> Iterator[Duty]:
    used: set[str] = set()
    for event in _triggers(law, o, log):
        arose = event.moment
        if not o.before and arose > now:
            continue
        for party in _who(law, o, event):
            due = deadline(o, arose)
            done = _fulfilled(o, log, party, event, now, used, before=bool(o.before))
            used |= {done.id} if done else set()
            waived = _waived(o, log, party, event.id, now)
            yield _duty(law, o, party, event.id, arose, due, done, waived, now, vague=event.dated)


def _triggers(law: Law, o: Obligation, log: Sequence[Event]) -> Iterator[Event]:
    span = law.events.get(o.on)
    if span is not None:
        yield Event(id=o.on, type=o.on, at=span.earliest.isoformat())
        return
    yield from (e for e in log if e.type == o.on)


def _periodic(law: Law, o: Obligation, log: Sequence[Event], now: datetime) -> Iterator[Duty]:
    assert o.every is not None
    used: set[str] = set()
    for begin, end in _periods(law, o.every.start, o.every.length, now):
        # a period ends with its last day: 30 days after 31 August is 30 September
        point = end - timedelta(days=1) if o.every.at == "end" else begin
        if point > now.date():
            return
        label = f"period {begin} to {end - timedelta(days=1)}"
        arose = datetime.combine(point, time.min, UTC)
        due = deadline(o, arose)
        first, following = point, end + (end - begin) if o.every.at == "end" else end
        if o.before:  # what is due before the period was done in the one before it
            first, following = point - (end - begin), point
        for party in _who(law, o, None):
            done = _of_period(o, log, party, (str(begin), str(point), label), now) or next(
                (
                    e
                    for e in _doers(o, log, party, now)
                    if not e.period and e.id not in used and first <= e.moment.date() < following
                ),
                None,
            )
            used |= {done.id} if done else set()
            yield _duty(
                law, o, party, label, arose, due, done, _waived(o, log, party, label, now, str(begin)), now
            )


def _quota(law: Law, o: Obligation, log: Sequence[Event], now: datetime) -> Iterator[Duty]:
    assert o.quota is not None
    quota = o.quota
    for n, (begin, end) in enumerate(_periods(law, quota.start, quota.per, now), start=1):
        if begin > now.date():
            return
        label = f"year {n}: {begin} to {end - timedelta(days=1)}"
        held = [
            e for e in log if e.type == quota.event and begin <= e.moment.date() < end and e.moment <= now
        ]
        for party in _who(law, o, None) if not quota.jointly else ("+".join(law.instrument.parties),):
            mine = held if quota.jointly else [e for e in held if e.by == party]
            state, detail = quota_state(quota.at_most, quota.at_least, len(mine), over=end <= now.date())
            arose = datetime.combine(begin, time.min, UTC)
            due = datetime.combine(end - timedelta(days=1), time.max, UTC)
            yield _viewed(law, o, party, label, arose, due, state, tuple(e.id for e in mine), detail)


def _periods(law: Law, start: str, length: str, now: datetime) -> Iterator[tuple[date, date]]:
    """Half-open periods from `start` while the instrument lives; none where the start has not happened."""
    first = when(start, law.events)
    if first is None:
        return
    last = law.events.get("term_end")
    step = Duration.parse(length)
    begin = first.earliest
    n = 0
    while begin <= now.date() and (last is None or begin < last.earliest):
        n += 1
        end = shift(first.earliest, Duration(n * step.months, n * step.days))
        if end <= begin:
            return
        yield begin, end
        begin = end


def _who(law: Law, o: Obligation, event: Event | None) -> tuple[str, ...]:
    if o.by == ("other",):
        return tuple(p for p in law.instrument.parties if event is None or p != event.by)
    if o.by == ("actor",):
        return (event.by,) if event and event.by else law.instrument.parties
    return law.instrument.parties if o.by == ("each",) else o.by


def _doers(o: Obligation, log: Sequence[Event], party: str, now: datetime) -> list[Event]:
    return [
        e for e in log
        if e.type == o.done_by and e.by == party and e.moment <= now and e.obligation in ("", o.id)
    ]  # fmt: skip


def _fulfilled(
    o: Obligation,
    log: Sequence[Event],
    party: str,
    trigger: Event,
    now: datetime,
    used: set[str],
    *,
    before: bool,
) -> Event | None:
    """The event that answers the trigger by name, else the first free one on the right side of it."""
    doers = _doers(o, log, party, now)
    named = [e for e in doers if e.of == trigger.id]
    if named:
        return named[0]
    free = [e for e in doers if not e.of and not e.period and e.id not in used]
    if before:
        return next((e for e in free if e.moment <= trigger.moment), None)
    return next((e for e in free if e.moment.date() >= trigger.moment.date()), None)


def _of_period(
    o: Obligation, log: Sequence[Event], party: str, names: tuple[str, ...], now: datetime
) -> Event | None:
    return next((e for e in _doers(o, log, party, now) if e.period in names), None)


def _waived(o: Obligation, log: Sequence[Event], party: str, *labels: object) -> Event | None:
    """A waiver by another party that names the duty's trigger, or the obligation itself."""
    names = {x for x in labels if isinstance(x, str)}
    now = next(x for x in labels if isinstance(x, datetime))
    return next(
        (
            e for e in log
            if e.type == WAIVER and e.by != party and e.moment <= now and e.obligation in ("", o.id)
            and ((e.of or e.period) in names or (e.obligation == o.id and not e.of and not e.period))
        ),
        None,
    )  # fmt: skip


def _duty(
    law: Law,
    o: Obligation,
    party: str,
    trigger: str,
    arose: datetime,
    due: datetime | None,
    done: Event | None,
    waived: Event | None,
    now: datetime,
    *,
    vague: bool = False,
) -> Duty:
    late = None
    if waived:
        state, detail = DutyState.waived, f"waived by {waived.by} on {waived.at} ({waived.id})"
    elif due is None:
        state, detail = (DutyState.met if done else DutyState.due), "no deadline is encoded"
    elif done is None:
        state, detail = (DutyState.breached, "nothing done") if now > due else (DutyState.due, "")
    else:
        state, detail, late = timely(o, done, due, vague=vague)
    return _viewed(law, o, party, trigger, arose, due, state, (done.id,) if done else (), detail, late)


def _viewed(
    law: Law,
    o: Obligation,
    party: str,
    trigger: str,
    arose: datetime,
    due: datetime | None,
    state: DutyState,
    done: tuple[str, ...],
    detail: str,
    late: timedelta | None = None,
) -> Duty:
    """The duty with its state in each view: where the law was suspended when it arose, it did not bind."""
    day_law = msgspec.structs.replace(
        law, as_of=msgspec.structs.replace(law.as_of, law=min(arose.date(), date.max))
    )
    views = {
        viewer: _in_view(state, standing, o)
        for viewer, standing in day_law.status(party.split("+")[0]).views.items()
    }
    states = set(views.values())
    return Duty(
        obligation=o.id,
        title=o.title,
        article=o.article,
        party=party,
        to=tuple(p for p in law.instrument.parties if p not in party.split("+")),
        trigger=trigger,
        arose=arose,
        due=due,
        state=states.pop() if len(states) == 1 else DutyState.disputed,
        done=done,
        late_by=late,
        detail=detail,
        views=views,
        recalled=o.quality.doubtful,
    )


def _in_view(state: DutyState, standing: Standing, o: Obligation) -> DutyState:
    if state in (DutyState.met, DutyState.waived):
        return state
    binds = standing.binds(f"obligations/{o.id}")
    if binds is False:
        return DutyState.suspended if standing.state is State.suspended else DutyState.not_in_force
    return state if binds else DutyState.indeterminate


def _end_of_day(now: date | datetime | str) -> datetime:
    if isinstance(now, datetime) or (isinstance(now, str) and len(now) > 10):
        return parse_moment(now)
    return datetime.combine(parse_moment(now).date(), time.max, UTC)
