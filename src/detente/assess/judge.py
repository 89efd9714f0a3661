"""Claims judged: each part under each definition, as known on the day of the claim and as known on another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import Any

import msgspec

from detente.assess import ask_forces, ask_law, ask_limits, ask_monitor
from detente.assess import questions as ask
from detente.assess.claims import Claim, Role, Trial, words
from detente.assess.questions import Finding

ROOMS: dict[type[ask.Asked], Callable[[Any, date, date], Finding]] = {
    ask.Bound: ask_limits.bound,
    ask.Declared: ask_limits.declared,
    ask.UnderReading: ask_limits.under_reading,
    ask.Status: ask_law.status,
    ask.Act: ask_law.act,
    ask.Member: ask_law.member,
    ask.BoundBy: ask_law.bound_by,
    ask.Duty: ask_law.duty,
    ask.Level: ask_forces.level,
    ask.Steps: ask_forces.steps,
    ask.Ratio: ask_forces.ratio,
    ask.Passes: ask_forces.passes,
    ask.Breakout: ask_forces.breakout,
    ask.Legs: ask_forces.legs,
    ask.EventStatement: ask_monitor.statement,
    ask.EventPair: ask_monitor.pair,
    ask.Capability: ask_monitor.capability,
    ask.Detection: ask_monitor.detection,
}


class Word(StrEnum):
    """What an assessment says. A chance between the stated thresholds is undecided, and the chance is shown."""

    supported = "supported"
    contradicted = "contradicted"
    consistent = "consistent"
    undecided = "undecided"
    recorded = "recorded"


_WEAKEST_FIRST = (Word.contradicted, Word.undecided, Word.consistent, Word.supported)


class Tried(msgspec.Struct, frozen=True):
    """One test: the part of the claim, the definition used, the word, and what the room found."""

    part: str
    definition: str
    role: Role
    word: Word
    finding: Finding


class Part(msgspec.Struct, frozen=True):
    """One part of a claim with its word, and why, where definitions differ."""

    part: str
    word: Word
    why: str
    tests: tuple[Tried, ...]


class View(msgspec.Struct, frozen=True):
    """The assessment from what was known on one day."""

    known: date
    word: Word
    why: str
    parts: tuple[Part, ...]
    beside: tuple[Tried, ...]


class Assessment(msgspec.Struct, frozen=True):
    """A claim with its assessment as known on its day (`then`) and as known on `now.known`.

    `changes`: what would change the word. `untested`: what no room can judge.
    """

    claim: Claim
    then: View
    now: View
    changes: tuple[str, ...]
    untested: tuple[str, ...]

    @property
    def word(self) -> Word:
        return self.now.word


def assess_claim(claim: Claim, known: date | None = None) -> Assessment:
    """A claim against the rooms, as known on its own day and on `known` (today).

    The speaker and the party that speaks are not inputs of the verdict.
    """
    known = max(known or date.today(), claim.day)
    now = view(claim, known)
    then = now if known == claim.day else view(claim, claim.day)
    said = [t.finding for p in now.parts for t in p.tests]
    changes = dict.fromkeys((*claim.settles, *(c for f in said for c in f.changes)))
    return Assessment(claim, then, now, tuple(changes), claim.untested)


def view(claim: Claim, known: date) -> View:
    """A claim from what was known on one day."""
    tested = [_tried(t, claim.day, known) for t in claim.tests]
    judged = [t for t in tested if t.role != "beside"]
    names = dict.fromkeys(t.part for t in judged)
    parts = tuple(_part(n, [t for t in judged if t.part == n]) for n in names)
    word, why = _join(claim, parts)
    return View(known, word, why, parts, tuple(t for t in tested if t.role == "beside"))


def word_of(f: Finding) -> Word:
    """The word for a finding, by the thresholds of ``data/words.yaml``."""
    if f.p is not None:
        limits = words()
        if f.p >= limits.supported_from:
            return Word.supported
        return Word.contradicted if f.p <= limits.contradicted_to else Word.undecided
    return {
        "yes": Word.supported,
        "no": Word.contradicted,
        "allowed": Word.consistent,
        "open": Word.undecided,
    }[f.answer]


def _tried(t: Trial, day: date, known: date) -> Tried:
    found = ROOMS[type(t.question)](t.question, day, known)
    return Tried(t.part, t.definition, t.role, word_of(found), found)


def weakest(words_: Iterable[Word]) -> Word:
    """The word of a conjunction: as weak as its weakest part."""
    return min(words_, key=_WEAKEST_FIRST.index)


def _part(name: str, tests: list[Tried]) -> Part:
    """The speaker's own definition decides; where none was stated, all definitions must agree."""
    stated = [t for t in tests if t.role == "stated"]
    used = [t for t in tests if t.role == "used"]
    chosen = weakest(t.word for t in stated or used or tests)
    rivals = {t.word for t in tests if t.role == "rival"} - {chosen}
    if stated or not rivals:
        why = "; ".join(f"{t.word} if '{t.definition}' is meant" for t in tests if t.word in rivals)
        return Part(name, chosen, why, tuple(tests))
    each = "; ".join(f"{t.word} if '{t.definition}' is meant" for t in tests)
    return Part(name, Word.undecided, f"it turns on the definition: {each}", tuple(tests))


def _join(claim: Claim, parts: tuple[Part, ...]) -> tuple[Word, str]:
    if not parts:
        return Word.recorded, "nothing in it that a room can compute"
    found = {p.word for p in parts}
    if len(found) == 1:
        return parts[0].word, "; ".join(p.why for p in parts if p.why)
    each = "; ".join(f"{p.part}: {p.word}" for p in parts)
    return (Word.undecided if claim.joins == "split" else weakest(found)), each
