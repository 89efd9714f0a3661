"""Rules about time: events that are named, days in the calendar, duties that say when and how."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from detente.asof import Duration, Span
from detente.errors import DetenteError
from detente.treaty.problem import Path, Problem
from detente.treaty.schema import Instrument
from detente.treaty.times import require_event, when


def times_resolve(i: Instrument) -> Iterator[Problem]:
    """Every time expression hangs on an event of the instrument."""
    from detente.treaty.life import event_names

    events = event_names(i)
    broken = False
    for path, text in _time_texts(i):
        try:
            if text:
                require_event(text, events)
        except DetenteError as bad:
            broken = True
            yield Problem(bad.what, path, bad.fix)
    for path, value in _dates_and_durations(i):
        try:
            (Duration.parse if "P" in value else Span.parse)(value)
        except DetenteError as bad:
            broken = True
            yield Problem(bad.what, path, bad.fix)
    if not broken:
        yield from calendar_holds(i)


def calendar_holds(i: Instrument) -> Iterator[Problem]:
    """No moment of the instrument lies beyond the calendar: first its life, then its term, then the rest."""
    from detente.treaty.life import fixed_events

    bare = msgspec.structs.replace(i, term=None, entry_condition=None)
    parts: list[tuple[Path, Instrument]] = [
        *((("life", n), msgspec.structs.replace(bare, life=i.life[: n + 1])) for n in range(len(i.life))),
        (("entry_condition", "after"), msgspec.structs.replace(i, term=None)),
        (("term", "length" if i.term and i.term.length else "until"), i),
    ]
    try:
        events = fixed_events(i)
    except DetenteError as bad:
        yield Problem(bad.what, next(path for path, part in parts if _fails(part)), bad.fix)
        return
    for path, text in _time_texts(i):
        try:
            if text:
                when(text, events)
        except DetenteError as bad:
            yield Problem(bad.what, path, bad.fix)


def _fails(i: Instrument) -> bool:
    from detente.treaty.life import fixed_events

    try:
        fixed_events(i)
    except DetenteError:
        return True
    return False


def _time_texts(i: Instrument) -> Iterator[tuple[Path, str]]:
    for section in ("exceptions", "limits", "prohibitions", "obligations", "readings"):
        for n, node in enumerate(getattr(i, section)):
            yield (section, n, "since"), node.since
            yield (section, n, "until"), getattr(node, "until", "")
    for n, limit in enumerate(i.limits):
        for m, phase in enumerate(limit.phases):
            yield ("limits", n, "phases", m, "since"), phase.since
            yield ("limits", n, "phases", m, "until"), phase.until
    for n, statement in enumerate(i.life):
        yield ("life", n, "effective"), statement.effective
        yield ("life", n, "until"), statement.until
    for n, duty in enumerate(i.obligations):
        if duty.every:
            yield ("obligations", n, "every", "start"), duty.every.start
        if duty.quota:
            yield ("obligations", n, "quota", "start"), duty.quota.start
    if i.term:
        yield ("term", "starts"), i.term.starts
        yield ("term", "until"), i.term.until


def _dates_and_durations(i: Instrument) -> Iterator[tuple[Path, str]]:
    for n, statement in enumerate(i.life):
        for field in ("date", "published"):
            if value := getattr(statement, field):
                yield ("life", n, field), value
    for n, duty in enumerate(i.obligations):
        for path, value in (
            (("after",), duty.after),
            (("before",), duty.before),
            (("every", "length"), duty.every.length if duty.every else ""),
            (("quota", "per"), duty.quota.per if duty.quota else ""),
        ):
            if value:
                yield ("obligations", n, *path), value
    if i.term:
        for field in ("length", "extension_at_most", "renews_by", "withdrawal_notice"):
            if value := getattr(i.term, field):
                yield ("term", field), value
    if i.entry_condition:
        yield ("entry_condition", "after"), i.entry_condition.after


def duties_are_whole(i: Instrument) -> Iterator[Problem]:
    """An obligation says when it arises, when it is due, and what fulfils it."""
    for n, duty in enumerate(i.obligations):
        path: Path = ("obligations", n)
        if sum((bool(duty.on), duty.every is not None, duty.quota is not None)) != 1:
            yield Problem(f"obligation '{duty.id}' needs one of 'on', 'every', 'quota'", path)
        if duty.after and duty.before:
            yield Problem("due both 'after' and 'before'", path, "keep one")
        if not duty.quota and not duty.done_by and duty.kind != "right":
            yield Problem(f"obligation '{duty.id}' does not say what fulfils it", path, "give 'done_by'")
        if duty.quota and duty.quota.at_most is None and duty.quota.at_least is None:
            yield Problem("a quota without 'at_most' or 'at_least'", path)
