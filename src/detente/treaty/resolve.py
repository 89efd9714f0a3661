"""Resolving: the law of one day: which limits bind whom, at what bound, in whose view."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Any

import msgspec

from detente.asof import AsOf, Span
from detente.errors import DetenteError, nearest
from detente.parties import party as known_party
from detente.treaty.life import Status, events_known, fixed_events, status
from detente.treaty.load import Loaded
from detente.treaty.schema import Bound, ExceptionRule, Instrument, Limit, Obligation, Phase, Reading
from detente.treaty.times import when, within
from detente.treaty.words import Words


class BoundOnDay(msgspec.Struct, frozen=True):
    """A limit's bound for a party on a day, and whether the day is in its window.

    `open`: True, False or None (imprecise dates do not decide). `since`, `until`: the window.
    """

    value: float | None
    open: bool | None
    since: Span | None
    until: Span | None
    quality: str
    phase: int | None = None


class Law(msgspec.Struct, frozen=True, dict=True):
    """An instrument on a day. Everything is derived from the text and the clocks; nothing is stored twice."""

    loaded: Loaded
    as_of: AsOf
    viewpoint: str = ""

    @property
    def instrument(self) -> Instrument:
        return self.loaded.instrument

    @cached_property
    def events(self) -> dict[str, Span]:
        return events_known(self.instrument, self.as_of.known)

    @property
    def words(self) -> Words:
        return self.loaded.words

    @cached_property
    def _statuses(self) -> dict[str, Status]:
        return {}

    def status(self, party: str = "") -> Status:
        """The status towards `party` (or in general) in the law's viewpoint, or in each party's."""
        if party not in self._statuses:
            self._statuses[party] = status(self.instrument, self.as_of, party, self.viewpoint)
        return self._statuses[party]

    def limit(self, name: str) -> Limit:
        """The limit of that id. Raises DetenteError with the nearest one."""
        for limit in self.instrument.limits:
            if limit.id == name:
                return limit
        ids = [x.id for x in self.instrument.limits]
        raise DetenteError(f"no limit '{name}'", where=self.instrument.id, fix=nearest(name, ids))

    def bound(self, limit: Limit, party: str) -> BoundOnDay:
        """The bound of `limit` for `party` on the day."""
        since = when(limit.since, self.events) if limit.since else None
        until = when(limit.until, self.events) if limit.until else None
        if not limit.phases:
            opened = self._open(limit.since, since, until)
            return BoundOnDay(_of(limit.bound, limit, party), opened, since, until, str(limit.quality))
        return self._phase(limit, party)

    def _open(self, text: str, since: Span | None, until: Span | None) -> bool | None:
        if text and since is None:  # hangs on an event that has not happened
            return False
        return within(self.as_of.law, since, until)

    def _phase(self, limit: Limit, party: str) -> BoundOnDay:
        spans = [when(p.since, self.events) for p in limit.phases]
        starts = [n for n, s in enumerate(spans) if s and s.reached(self.as_of.law) is not False]
        n = starts[-1] if starts else 0
        phase: Phase = limit.phases[n]
        later = spans[n + 1] if n + 1 < len(spans) else None
        ends = when(phase.until, self.events) if phase.until else later
        ends = ends or (when(limit.until, self.events) if limit.until else None)
        quality = str(phase.quality or limit.quality)
        opened = self._open(phase.since, spans[n], ends)
        return BoundOnDay(_of(phase.bound, limit, party), opened, spans[n], ends, quality, n)

    def exceptions(self, reading: Reading | None = None) -> tuple[ExceptionRule, ...]:
        """The exceptions that apply on the day under a reading (None: as the text stands)."""
        claimed = reading.claims if reading else ()
        rejected = reading.rejects if reading else ()
        return tuple(
            e
            for e in self.instrument.exceptions
            if (e.applies or e.id in claimed) and e.id not in rejected and self.running(e.since, e.until)
        )

    def obligations(self) -> tuple[Obligation, ...]:
        """The obligations whose own window includes the day."""
        return tuple(o for o in self.instrument.obligations if self.running(o.since, o.until))

    def running(self, since: str, until: str) -> bool:
        """Is the day in the window [since, until), or may it be, where dates are imprecise?"""
        first = when(since, self.events) if since else None
        last = when(until, self.events) if until else None
        return self._open(since, first, last) is not False

    def readings(self, limit: Limit) -> tuple[Reading, ...]:
        """The rival readings of a limit that are known on the day, in the text's order."""
        return tuple(r for r in self.instrument.readings if limit.id in r.of and self.running(r.since, ""))


def _of(bound: Bound | None, limit: Limit, party: str) -> float | None:
    if isinstance(bound, dict):
        value = bound.get(party)
        return None if value is None else float(value)
    if bound is None:
        return None
    if limit.shares and not limit.together:
        return (
            float(bound) * float(limit.shares[party]) / max(limit.shares.values())
            if party in limit.shares
            else None
        )
    return float(bound)


def resolve(loaded: Loaded, as_of: AsOf, viewpoint: str = "") -> Law:
    """The law of a day, in one party's view or in each party's.

    Raises DetenteError for a viewpoint that is no party to the instrument.
    """
    if viewpoint:
        viewpoint = known_party(viewpoint).code
        if viewpoint not in loaded.instrument.parties:
            parties = loaded.instrument.parties
            raise DetenteError(
                f"'{viewpoint}' is no party to {loaded.instrument.id}", fix=nearest(viewpoint, parties)
            )
    return Law(loaded, as_of, viewpoint)


def change_points(loaded: Loaded) -> list[date]:
    """Every day on which the law changes: between two of them, resolution is constant (all statements known)."""
    instrument = loaded.instrument
    events = fixed_events(instrument)
    spans: list[Span | None] = [Span.parse(s.date) for s in instrument.life]
    texts = [t for s in instrument.life for t in (s.effective, s.until)]
    for section in (
        instrument.limits,
        instrument.exceptions,
        instrument.obligations,
        instrument.prohibitions,
    ):
        nodes: tuple[Any, ...] = section
        texts += [t for node in nodes for t in (node.since, node.until)]
    texts += [r.since for r in instrument.readings]
    texts += [t for limit in instrument.limits for p in limit.phases for t in (p.since, p.until)]
    spans += [when(t, events) for t in texts if t] + list(events.values())
    if instrument.term and instrument.term.length and (start := when(instrument.term.starts, events)):
        from detente.asof import Duration, shift_span  # the end before any extension was made

        spans.append(shift_span(start, Duration.parse(instrument.term.length)))
    days = {s.earliest for s in spans if s} | {s.latest - timedelta(days=1) for s in spans if s}
    return sorted(days)
