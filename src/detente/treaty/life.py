"""An instrument's life: the events its statements make, and its status as each party sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum

import msgspec

from detente.asof import AsOf, Duration, Span, shift_span
from detente.treaty.schema import Act, Instrument, Statement
from detente.treaty.times import when

EVENT_OF_ACT = {
    Act.signed: "signature",
    Act.entered_into_force: "entry_into_force",
    Act.extended: "extension",
    Act.suspended: "suspension",
    Act.withdrawal_announced: "withdrawal_announcement",
    Act.withdrawn: "withdrawal",
    Act.terminated: "termination",
    Act.offered: "offer",
    Act.observes: "observance",
}
_FAR = date.max - timedelta(days=1)


class State(StrEnum):
    """What an instrument is on a day, as one party sees it."""

    not_signed = "not signed"
    signed = "signed"
    in_force = "in force"
    suspended = "suspended"
    withdrawn = "withdrawn"
    expired = "expired"
    terminated = "terminated"
    offered = "offered"
    declined = "declined"
    observed = "observed voluntarily"
    not_party = "not a party"
    indeterminate = "indeterminate"
    disputed = "disputed"


class Standing(msgspec.Struct, frozen=True):
    """The status in one view: since when, by which statements, and what it leaves binding.

    `keeps`: provisions that bind although the state alone would not bind them (a suspension that spares them);
    empty with `suspended` means none, empty with `observed voluntarily` means all. `condition`: what it hangs on.
    """

    state: State
    since: Span | None = None
    by: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    condition: str = ""

    def binds(self, provision: str) -> bool | None:
        """Does ``section/id`` bind in this state? None where the state itself is indeterminate."""
        if self.state is State.indeterminate:
            return None
        if self.state is State.in_force:
            return True
        if self.state is State.suspended:
            return provision in self.keeps
        return self.state is State.observed and (not self.keeps or provision in self.keeps)


class Status(msgspec.Struct, frozen=True):
    """The status towards one party: one state if all views agree, else `disputed` with each side."""

    state: State
    views: dict[str, Standing]

    @property
    def in_force(self) -> bool:
        """True where every view holds that the instrument has begun and not ended (a suspension is no end)."""
        return all(v.state in (State.in_force, State.suspended) for v in self.views.values())


def event_names(instrument: Instrument) -> dict[str, Statement | None]:
    """Every event that time expressions of the instrument may hang on."""
    names: dict[str, Statement | None] = {"signature": None, "entry_into_force": None, "term_end": None}
    for statement in instrument.life:
        names[event_name(statement)] = statement
    return names


def event_name(statement: Statement) -> str:
    """The event a statement makes: its own `event`, else the usual name of its act, else its id."""
    return statement.event or EVENT_OF_ACT.get(statement.act) or statement.id.replace("-", "_")


def fixed_events(instrument: Instrument) -> dict[str, Span]:
    """Every event with its day, as known at the end of the record."""
    return events_known(instrument, _FAR)


def events_known(instrument: Instrument, known: date) -> dict[str, Span]:
    """The events of the statements published by `known`, the first of each name, and the term's end.

    A statement that takes effect on an event waits for it; one whose event never comes makes none.
    """
    events: dict[str, Span] = {}
    said, entry = _published(instrument, known), _entry_by_condition(instrument, known)
    found = -1
    while found < len(events):
        found = len(events)
        for statement in said:
            span = _takes_effect(statement, events)
            if span:
                events.setdefault(event_name(statement), span)
        if entry:
            events.setdefault("entry_into_force", entry)
        if end := _term_end(instrument, events, known):
            events["term_end"] = end
    return events


def _published(instrument: Instrument, known: date) -> list[Statement]:
    said = [s for s in instrument.life if Span.parse(s.published or s.date).earliest <= known]
    return sorted(said, key=lambda s: Span.parse(s.date).earliest)


def _takes_effect(statement: Statement, events: dict[str, Span]) -> Span | None:
    return when(statement.effective, events) if statement.effective else Span.parse(statement.date)


def _term_end(instrument: Instrument, events: dict[str, Span], known: date) -> Span | None:
    term = instrument.term
    if term is None:
        return None
    end: Span | None = None
    if term.until:
        end = when(term.until, events)
    elif term.length and not term.renews_by and (start := when(term.starts, events)):
        end = shift_span(start, Duration.parse(term.length))
    for statement in _published(instrument, known):
        if statement.act is Act.extended and statement.until:
            end = when(statement.until, events) or end
    return end


def _entry_by_condition(instrument: Instrument, known: date) -> Span | None:
    condition = instrument.entry_condition
    if condition is None or missing_ratifications(instrument, known):
        return None
    members = set(instrument.groups[condition.group].members)
    last = max(
        (
            Span.parse(s.date)
            for s in _published(instrument, known)
            if s.act is Act.ratified and members & set(s.by)
        ),
        key=lambda s: s.earliest,
    )
    return shift_span(last, Duration.parse(condition.after))


def missing_ratifications(instrument: Instrument, known: date) -> tuple[str, ...]:
    """Members of the entry-into-force group that had not ratified (or had withdrawn it) by `known`."""
    condition = instrument.entry_condition
    if condition is None:
        return ()
    waiting = set(instrument.groups[condition.group].members)
    for statement in _published(instrument, known):
        if statement.act is Act.ratified:
            waiting -= set(statement.by)
        elif statement.act is Act.ratification_withdrawn:
            waiting |= set(statement.by) & set(instrument.groups[condition.group].members)
    return tuple(sorted(waiting))


def status(instrument: Instrument, as_of: AsOf, party: str = "", viewpoint: str = "") -> Status:
    """The status on `as_of.law`, as known on `as_of.known`, towards `party`, seen by `viewpoint` or by each party."""
    viewers = (viewpoint,) if viewpoint else instrument.parties
    views = {v: standing(instrument, as_of, party, v) for v in viewers}
    states = {v.state for v in views.values()}
    return Status(states.pop() if len(states) == 1 else State.disputed, views)


def standing(instrument: Instrument, as_of: AsOf, party: str, viewer: str) -> Standing:
    """The status on a day in the eyes of `viewer`."""
    record = _Record(instrument, as_of)
    for stage in (_ended, _suspended, _binding, _begun):
        found = stage(record, party, viewer)
        if found:
            return found
    return Standing(State.not_signed)


class _Record:
    """The statements published by then, and which of them have taken effect on the day."""

    def __init__(self, instrument: Instrument, as_of: AsOf) -> None:
        self.instrument, self.day = instrument, as_of.law
        self.events = events_known(instrument, as_of.known)
        self.statements = _published(instrument, as_of.known)

    def done(self, *acts: Act) -> Iterator[tuple[Statement, Span, bool | None]]:
        """(statement, day, reached?) of the given acts that have or may have taken effect."""
        for statement in self.statements:
            if statement.act in acts:
                span = _takes_effect(statement, self.events)
                reached = span.reached(self.day) if span else False
                if span and reached is not False:
                    yield statement, span, reached

    def event(self, name: str) -> tuple[Span | None, bool | None]:
        span = self.events.get(name)
        return span, False if span is None else span.reached(self.day)


def _ended(record: _Record, party: str, viewer: str) -> Standing | None:
    """Terminated, withdrawn or expired; a voluntary observance afterwards still counts."""
    end: Standing | None = None
    for statement, span, reached in record.done(Act.terminated):
        end = Standing(State.terminated if reached else State.indeterminate, span, (statement.id,))
    for statement, span, reached in record.done(Act.withdrawn):
        if not record.instrument.open_to_others or party in statement.by:
            end = Standing(State.withdrawn if reached else State.indeterminate, span, (statement.id,))
    span_end, reached_end = record.event("term_end")
    if end is None and reached_end is not False:
        end = Standing(State.expired if reached_end else State.indeterminate, span_end)
    return end and (_observed(record, party, after=end.since) or end)


def _suspended(record: _Record, party: str, viewer: str) -> Standing | None:
    if record.event("entry_into_force")[1] is not True:
        return None
    running: tuple[Statement, Span, bool | None] | None = None
    for found in record.done(Act.suspended, Act.resumed):
        if found[0].act is Act.suspended:
            running = found
        else:  # over, or perhaps over where the day it was resumed is not known exactly
            running = (running[0], found[1], None) if running and found[2] is None else None
    if running is None:
        return None
    statement, span, reached = running
    contested = {p for s, _, _ in record.done(Act.contested) if s.of == statement.id for p in s.by}
    if viewer in contested:
        return None
    return Standing(
        State.suspended if reached else State.indeterminate, span, (statement.id,), statement.keeps
    )


def _binding(record: _Record, party: str, viewer: str) -> Standing | None:
    """In force towards the party, or observed before (or without) entry into force."""
    span, reached = record.event("entry_into_force")
    if reached is not False:
        if party and party not in record.instrument.parties and not _joined(record, party):
            return Standing(State.signed if _signed(record, party) else State.not_party)
        return Standing(State.in_force if reached else State.indeterminate, span)
    return _observed(record, party, after=None)


def _observed(record: _Record, party: str, after: Span | None) -> Standing | None:
    for statement, span, reached in record.done(Act.observes):
        until = when(statement.until, record.events) if statement.until else None
        over = until.reached(record.day) if until else False
        if over is not True and (after is None or span.earliest >= after.earliest):
            about = statement.about or statement.by
            if not party or party in about:
                state = State.observed if reached and over is False else State.indeterminate
                return Standing(state, span, (statement.id,), statement.keeps, statement.condition)
    return None


def _begun(record: _Record, party: str, viewer: str) -> Standing | None:
    """Not in force (yet): signed, offered, declined."""
    for statement, span, reached in record.done(Act.declined):
        return Standing(State.declined if reached else State.indeterminate, span, (statement.id,))
    for statement, span, reached in record.done(Act.offered):
        state = State.offered if reached else State.indeterminate
        return Standing(state, span, (statement.id,), (), statement.condition)
    if record.instrument.open_to_others and party and not _signed(record, party):
        return Standing(State.not_signed)
    for statement, span, reached in record.done(Act.signed):
        return Standing(State.signed if reached else State.indeterminate, span, (statement.id,))
    return None


def _signed(record: _Record, party: str) -> bool:
    return (
        any(party in s.by for s, _, _ in record.done(Act.signed, Act.ratified))
        or party in record.instrument.parties
    )


def _joined(record: _Record, party: str) -> bool:
    joined = False
    for statement, _, _ in record.done(Act.ratified, Act.ratification_withdrawn):
        if party in statement.by:
            joined = statement.act is Act.ratified
    return joined
