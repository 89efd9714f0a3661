"""The questions a claim may put to a room: each kind is a typed record, answered by one function."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="YYYY-MM-DD")]
Relation = Literal["about", "equal", "at_least", "at_most", "above", "below"]
Answer = Literal["yes", "no", "allowed", "open"]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="ask"):
    """What every kind of question shares: its kind is the key `ask`."""


class Bound(Asked, frozen=True, tag="bound"):
    """Does an instrument (or proposal) set a limit at `value` for `party`? `day`: whose law, if not the claim's."""

    instrument: str
    limit: str
    party: str
    value: float
    relation: Relation = "equal"
    day: Day | None = None


class Declared(Asked, frozen=True, tag="declared"):
    """Were all the counts of `party` as of [since, until] within the limits, or was one over?

    `published`: only the counts that were published are asked about; otherwise a missing one keeps it open.
    """

    instrument: str
    limits: tuple[str, ...]
    party: str
    since: Day
    until: Day
    says: Literal["within", "over"]
    published: bool = False


class UnderReading(Asked, frozen=True, tag="reading"):
    """Under one named reading of a limit, is the count of `party` over (or within), by `margin` if given?"""

    instrument: str
    limit: str
    party: str
    day: Day
    reading: str
    says: Literal["within", "over"]
    margin: float | None = None


class Status(Asked, frozen=True, tag="status"):
    """Is an instrument in one of these states, in the view of `viewpoint` (or of every party)?"""

    instrument: str
    states: tuple[str, ...]
    viewpoint: str = ""
    day: Day | None = None


class Act(Asked, frozen=True, tag="act"):
    """Is a dated statement (by its id) on the instrument's record?"""

    instrument: str
    statement: str


class Member(Asked, frozen=True, tag="member"):
    """Is `party` a party to the instrument?"""

    instrument: str
    party: str
    says: bool


class BoundBy(Asked, frozen=True, tag="bound_by"):
    """Is `party` bound by any encoded instrument of these topics, with a duty of these kinds if given?"""

    party: str
    topics: tuple[str, ...]
    says: Literal["some", "none"]
    duties: tuple[str, ...] = ()
    day: Day | None = None


class Duty(Asked, frozen=True, tag="duty"):
    """Is a duty of an instrument alive (in force, in its window) for `party`, in every view?"""

    instrument: str
    duty: str
    party: str
    says: Literal["alive", "not alive"] = "alive"
    day: Day | None = None


class Level(Asked, frozen=True, tag="level"):
    """A counted quantity of `party`, as each of `series` gives it, against `value`.

    `of`: the month that is counted (``2025-01``); the newest table if left out.
    """

    party: str
    value: float
    relation: Relation
    series: tuple[str, ...] = ("SIPRI",)
    status: str = "stockpile"
    of: Annotated[str, Meta(pattern=r"^(\d{4}-\d{2})?$")] = ""


class Steps(Asked, frozen=True, tag="steps"):
    """Yearly steps of a series from January `since` to January `until` (the newest print if left out).

    `over`: every step, the mean of all, or the last alone.
    """

    party: str
    since: int
    value: float
    relation: Relation
    until: int | None = None
    over: Literal["each", "mean", "last"] = "mean"
    series: str = "SIPRI"
    status: str = "stockpile"


class Ratio(Asked, frozen=True, tag="ratio"):
    """The quantity of `party` as a share of that of `other`, each as `series` last printed it, against `value`."""

    party: str
    other: str
    value: float
    relation: Relation
    series: str = "SIPRI"
    status: str = "stockpile"
    day: Day | None = None


class Passes(Asked, frozen=True, tag="passes"):
    """The chance that `party` passes `limit` (or the level `level_of` has) by a day, for one quantity."""

    party: str
    by: Day
    quantity: Literal["stockpile", "operational", "fissile material for"] = "stockpile"
    limit: float | None = None
    level_of: str = ""


class Breakout(Asked, frozen=True, tag="breakout"):
    """Could `party` deploy more warheads than it does, on the missiles and bombers it has?"""

    party: str
    law: str


class Legs(Asked, frozen=True, tag="legs"):
    """On how many delivery categories (land, sea, air, nonstrategic) does `party` have warheads?"""

    party: str
    value: int
    day: Day | None = None


class EventStatement(Asked, frozen=True, tag="event"):
    """One statement of an event file, as the event room tests it."""

    event: str
    statement: str


class EventPair(Asked, frozen=True, tag="hypotheses"):
    """Is the first hypothesis on an event favoured over the second, whatever the assumptions?"""

    event: str
    first: str
    second: str


class Capability(Asked, frozen=True, tag="capability"):
    """Would the network detect a shot of `tonnes` at a place, or everywhere (`world`), by `stations` or more?

    `about`: a threshold within the stated width of "about" counts as reached.
    """

    place: str
    tonnes: float
    says: Literal["detected", "hidden"]
    about: bool = False
    coupling: Literal["coupled", "factor 70 by yield", "factor 70 by amplitude"] = "coupled"
    stations: int = 3


class Detection(Asked, frozen=True, tag="detection"):
    """The chance that the network detects a magnitude at a place by `stations` or more (or misses it)."""

    place: str
    magnitude: float
    says: Literal["detected", "missed"]
    stations: int = 3


Question = (
    Bound | Declared | UnderReading | Status | Act | Member | BoundBy | Duty | Level | Steps | Ratio | Passes
    | Breakout | Legs | EventStatement | EventPair | Capability | Detection
)  # fmt: skip


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A room's answer: yes, no, allowed (not excluded, not shown) or open; or a chance `p` of being so.

    `margin`: how far the answer is from turning, in `unit`. `changes`: what would turn it. `facts`, `sources`,
    `command`: the doors. `basis`: why it is open where no number decides.
    """

    answer: Answer
    text: str
    p: float | None = None
    margin: float | None = None
    unit: str = ""
    facts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    command: str = ""
    marks: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


def compared(value: float, relation: Relation, bound: float, width: float) -> tuple[bool, float]:
    """Does `value` stand in the relation to `bound`, and by what margin? `width`: "about", a fraction of it."""
    margin = {
        "about": width * abs(bound) - abs(value - bound),
        "equal": 0.0 - abs(value - bound),
        "at_least": value - bound,
        "above": value - bound,
        "at_most": bound - value,
        "below": bound - value,
    }[relation]
    return (margin > 0 if relation in ("above", "below") else margin >= 0), margin
