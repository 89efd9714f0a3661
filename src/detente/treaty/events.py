"""Event logs: what happened, who did it and when, read strictly from YAML; the input of the obligations engine."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import msgspec

from detente.asof import parse_moment
from detente.errors import DetenteError, nearest
from detente.parties import party
from detente.treaty.document import Document, read_yaml


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that happened, or is planned.

    `type`: the instrument's word for it (database_update, change_in_data, launch, inspection_type_one, ...).
    `of`: the event it answers. `obligation`: the duty it fulfils or waives, where that is not plain.
    `period`: the label of the period a periodic duty is fulfilled for. `at`: ISO 8601, UTC if no zone is given.
    """

    id: str
    type: str
    at: str
    by: str = ""
    to: tuple[str, ...] = ()
    of: str = ""
    obligation: str = ""
    period: str = ""
    source: str = ""
    note: str = ""

    @property
    def moment(self) -> datetime:
        return parse_moment(self.at, where=self.id)

    @property
    def dated(self) -> bool:
        """True where only the day is given: the time of day is then not known."""
        return len(self.at.strip()) <= 10


class EventFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A log: the instrument it belongs to and the events, in any order."""

    events: tuple[Event, ...]
    instrument: str = ""
    note: str = ""


def read_events(path: Path, known_types: frozenset[str] = frozenset()) -> tuple[Event, ...]:
    """The events of a YAML file in the order of time.

    `known_types`: the event types the instrument knows; another is an error with the nearest one.
    Raises DetenteError with file:line for a wrong shape, time, party, reference or type.
    """
    document = read_yaml(path)
    try:
        log = msgspec.convert(document.tree, EventFile)
    except msgspec.ValidationError as bad:
        found = re.search(r"\$\.events\[(\d+)\]", str(bad))
        line = document.line(("events", int(found[1])) if found else ("events",))
        what = re.sub(r" - at `.*`$", "", str(bad)).replace("`", "'")
        raise DetenteError(what, where=f"{document.name}:{line}") from None
    _check(log, document, known_types)
    return tuple(sorted(log.events, key=lambda e: (e.moment, e.id)))


def _check(log: EventFile, document: Document, known_types: frozenset[str]) -> None:
    seen: set[str] = set()
    ids = {e.id for e in log.events}
    for n, event in enumerate(log.events):
        where = f"{document.name}:{document.line(('events', n))}"
        if event.id in seen:
            raise DetenteError(f"two events share the id '{event.id}'", where=where)
        seen.add(event.id)
        parse_moment(event.at, where=where)
        for code in (event.by, *event.to):
            if code:
                party(code, where=where)
        if event.of and event.of not in ids:
            raise DetenteError(f"no event '{event.of}'", where=where, fix=nearest(event.of, ids))
        if known_types and event.type not in known_types:
            raise DetenteError(
                f"unknown event type '{event.type}'", where=where, fix=nearest(event.type, known_types)
            )
