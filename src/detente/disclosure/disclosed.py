"""The running disclosure: what a party has opened, to whom and when, so that pieces given away add up in sight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from detente.disclosure.opening import Document, Finding, check
from detente.disclosure.secretfile import read_secret, write_secret
from detente.disclosure.statement import Record
from detente.errors import DetenteError


class Given(Record, frozen=True):
    """One opening given to one party: the slots and fields it showed."""

    to: str
    day: str
    kind: str
    shown: tuple[tuple[int, str], ...]


class Total(msgspec.Struct, frozen=True):
    """What one party has been shown of an escrow in all."""

    to: str
    openings: int
    items_whole: int
    items_touched: int
    fields: int
    of_fields: int
    look_ups: int


def read(path: Path) -> list[Given]:
    """The record of an escrow's openings; empty where nothing was opened. Raises DetenteError if damaged."""
    if not path.exists():
        return []
    try:
        return msgspec.json.decode(read_secret(path), type=list[Given])
    except msgspec.MsgspecError:
        raise DetenteError("the record of openings is damaged", where=str(path)) from None


def note(path: Path, document: Document, to: str, day: str) -> list[Finding]:
    """Record that `document` goes to party `to` on `day` (YYYY-MM-DD); what it shows."""
    shown = check(document)
    given = Given(to, day, document.kind, tuple((f.slot, f.field) for f in shown))
    write_secret(path, msgspec.json.encode([*read(path), given]), replace=True)
    return shown


def totals(record: Sequence[Given], fields_of_slot: Sequence[int]) -> list[Total]:
    """Per party, what it has seen. `fields_of_slot`: how many fields each slot has."""
    found = []
    for to in sorted({g.to for g in record}):
        own = [g for g in record if g.to == to]
        seen = {pair for g in own if g.kind != "lookup" for pair in g.shown}
        touched = {slot for slot, _ in seen}
        whole = sum(sum(s == slot for s, _ in seen) == fields_of_slot[slot] for slot in touched)
        look_ups = sum(g.kind == "lookup" for g in own)
        found.append(Total(to, len(own), whole, len(touched), len(seen), sum(fields_of_slot), look_ups))
    return found
