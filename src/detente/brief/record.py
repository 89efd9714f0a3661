"""The records a briefing is made of: every number with its door."""

from __future__ import annotations

from datetime import date

import msgspec

from detente.treaty.life import State
from detente.verdict import Outcome

LIVE = (State.in_force, State.suspended, State.observed, State.disputed)


class Door(msgspec.Struct, frozen=True):
    """What stands behind a number: how it was found, its sources, and the command that finds it again."""

    method: str
    command: str
    sources: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class Headline(msgspec.Struct, frozen=True):
    """One of the numbers a reader sees first."""

    value: str
    label: str
    door: Door


class LawRow(msgspec.Struct, frozen=True):
    """One instrument on the day: whom it binds, its status, in words and as each party sees it."""

    id: str
    title: str
    kind: str
    topic: str
    parties: tuple[str, ...]
    state: State
    in_force: bool
    ever_in_force: bool
    since: str
    views: dict[str, str]
    condition: str
    summary: str
    door: Door


class Point(msgspec.Struct, frozen=True):
    """One declared count against one limit on one date; None where no number was given."""

    day: date
    party: str
    limit: str
    count: float | None
    bound: float | None
    outcome: Outcome
    marks: tuple[str, ...]


class Dispute(msgspec.Struct, frozen=True):
    """A question on which holders of readings, parties or sources differ, with each side."""

    title: str
    day: str
    sides: tuple[tuple[str, str], ...]
    door: Door


class Unknown(msgspec.Struct, frozen=True):
    """Something the record does not tell, since when, and what would settle it."""

    what: str
    since: str
    why: str
    settles: tuple[str, ...]
    door: Door


class Notice(msgspec.Struct, frozen=True):
    """A duty to notify or talk that is alive on the day."""

    instrument: str
    parties: tuple[str, ...]
    duty: str
    deadline: str
    article: str
    marks: tuple[str, ...]
    door: Door


class Table(msgspec.Struct, frozen=True):
    """Rows of text under a heading, with the door to where they come from."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    door: Door


class Exhibit(msgspec.Struct, frozen=True):
    """A figure by its file name, what it shows in words, and the command that draws it."""

    figure: str
    alt: str
    command: str


class Section(msgspec.Struct, frozen=True):
    """A section that another room fills: a lead sentence, figures, tables, and the marks it must carry."""

    id: str
    title: str
    lead: str
    tables: tuple[Table, ...]
    exhibits: tuple[Exhibit, ...]
    marks: tuple[str, ...] = ()


class Brief(msgspec.Struct, frozen=True):
    """Everything the briefing says."""

    as_of: date
    title: str
    summary: str
    headlines: tuple[Headline, ...]
    law: tuple[LawRow, ...]
    points: tuple[Point, ...]
    disputes: tuple[Dispute, ...]
    unknowns: tuple[Unknown, ...]
    notices: tuple[Notice, ...]
    sections: tuple[Section, ...] = ()
