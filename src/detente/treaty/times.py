"""Moments in an instrument's life: ``entry_into_force + P7Y``, resolved to a day as precise as its event."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache

from detente.asof import Duration, Span, shift, shift_span
from detente.errors import DetenteError, nearest

_TERM = re.compile(
    r"^\s*(?:first_of_next_month\(\s*(?P<inner>[a-z_0-9]+)\s*\)|(?P<date>\d{4}(?:-\d{2}){0,2})|(?P<event>[a-z][a-z_0-9]*))"
    r"(?P<steps>(?:\s*[+-]\s*P[0-9YMWDTH]+)*)\s*$"
)
_STEP = re.compile(r"([+-])\s*(P[0-9YMWDTH]+)")


@lru_cache(maxsize=4096)
def parse_time(text: str) -> tuple[str, str, tuple[Duration, ...]]:
    """(kind, name, steps) of a time expression; kind is ``date``, ``event`` or ``next_month``.

    Raises DetenteError with the expected form.
    """
    match = _TERM.match(text)
    if not match:
        raise DetenteError(
            f"'{text}' is not a time", fix="write a date or an event with durations: entry_into_force + P7Y"
        )
    steps = tuple(
        -Duration.parse(step) if sign == "-" else Duration.parse(step)
        for sign, step in _STEP.findall(match["steps"])
    )
    if match["date"]:
        Span.parse(match["date"])
        return "date", match["date"], steps
    if match["inner"]:
        return "next_month", match["inner"], steps
    return "event", match["event"], steps


def event_of(text: str) -> str:
    """The event a time expression hangs on, or '' for a plain date."""
    kind, name, _ = parse_time(text)
    return "" if kind == "date" else name


def when(text: str, events: Mapping[str, Span]) -> Span | None:
    """The day of a time expression, None where its event has not happened.

    Raises DetenteError for a malformed expression.
    """
    kind, name, steps = parse_time(text)
    span = Span.parse(name) if kind == "date" else events.get(name)
    if span is None:
        return None
    if kind == "next_month":
        span = _next_month(span)
    for step in steps:
        span = shift_span(span, step)
    return span


def _next_month(span: Span) -> Span:
    first = shift(span.earliest.replace(day=1), Duration(months=1))
    last = shift((span.latest - timedelta(days=1)).replace(day=1), Duration(months=1))
    return Span(first, last + timedelta(days=1))


def require_event(text: str, events: Mapping[str, object], *, where: str = "") -> None:
    """Raise DetenteError where the expression hangs on an event the instrument does not name."""
    try:
        name = event_of(text)
    except DetenteError as bad:
        raise DetenteError(bad.what, where=where, fix=bad.fix) from None
    if name and name not in events:
        raise DetenteError(f"unknown event '{name}'", where=where, fix=nearest(name, events))


def within(day: date, since: Span | None, until: Span | None) -> bool | None:
    """Is `day` in the half-open interval [since, until)? None where imprecise dates do not decide.

    A missing bound is open on that side.
    """
    started = True if since is None else since.reached(day)
    ended = False if until is None else until.reached(day)
    if started is False or ended is True:
        return False
    return None if started is None or ended is None else True
