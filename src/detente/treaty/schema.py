"""The shape of an instrument: what a treaty file may say, typed, unknown keys forbidden."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from detente.sources import Quality

Id = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._()-]*$", description="a short id, unique in its section")
]
DateText = Annotated[
    str, Meta(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$", description="YYYY-MM-DD, YYYY-MM or YYYY")
]
DurationText = Annotated[
    str, Meta(pattern=r"^-?P[0-9YMWDTH]+$", description="ISO 8601 duration: P7Y, P45D, PT24H")
]
TimeText = Annotated[
    str,
    Meta(description="a date, or an event of the instrument's life with durations: entry_into_force + P7Y"),
]
Scalar = bool | int | float | str
Number = int | float


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A numeric range: `min` and `max` belong to it, `above` and `below` do not."""

    min: Number | None = None
    max: Number | None = None
    above: Number | None = None
    below: Number | None = None


Select = dict[str, Scalar | list[Scalar] | Range]


class SourceRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A publication that provisions cite: its address or citation."""

    ref: str
    title: str = ""
    published: DateText = ""
    note: str = ""


class Cited(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every provision carries: the article, the sources it was read in, and how well it was read."""

    article: str
    cite: tuple[str, ...]
    quality: Quality
    note: str = ""


class Provision(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node of the instrument that can be pointed at by ``section/id``."""

    id: Id


class Act(StrEnum):
    """What a statement in an instrument's life does."""

    signed = "signed"
    ratified = "ratified"
    entered_into_force = "entered_into_force"
    extended = "extended"
    suspended = "suspended"
    resumed = "resumed"
    contested = "contested"
    withdrawal_announced = "withdrawal_announced"
    withdrawn = "withdrawn"
    ratification_withdrawn = "ratification_withdrawn"
    terminated = "terminated"
    offered = "offered"
    declined = "declined"
    observes = "observes"
    noted = "noted"


class Statement(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A dated statement by somebody about somebody.

    `about`: the parties it concerns (all of them if left out). `effective`: when it takes effect, if not on `date`.
    `until`: the new end of an extension or of a voluntary observance. `of`: the statement it contests or declines.
    `keeps`: provisions a suspension leaves alone. `condition`: what it depends on, in words.
    """

    act: Act
    date: DateText
    by: tuple[str, ...]
    about: tuple[str, ...] = ()
    effective: TimeText = ""
    until: TimeText = ""
    of: str = ""
    keeps: tuple[str, ...] = ()
    condition: str = ""
    published: DateText = ""
    event: Id | None = None


class Term(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How long the instrument lasts: from an event, a length (none: unlimited), how far it may be extended."""

    starts: TimeText = "entry_into_force"
    length: DurationText = ""
    until: TimeText = ""
    extension_at_most: DurationText = ""
    renews_by: DurationText = ""
    withdrawal_notice: DurationText = ""
    withdrawal_notice_quality: Quality | None = None


class EntryCondition(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Entry into force `after` a duration once all of `group` have ratified."""

    group: str
    after: DurationText


class Group(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parties named together by the instrument, e.g. the Annex 2 states."""

    members: tuple[str, ...]


class Definition(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A term of the instrument; with `select`, the rows it covers, for use as ``is: id`` in rules."""

    term: str
    text: str
    select: Select = {}


class Tranche(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first `first` of the selected items count `inside` each, the rest `outside` (number or attribute).

    The instruments do not say which items are the first: those that count most outside are.
    """

    first: Number
    inside: Number
    outside: Number | str


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to count: each selected item counts `each` (a number, or the name of a per-item attribute)."""

    select: Select
    each: Number | str = 1
    tranche: Tranche | None = None


class CountingRule(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How items of a kind are counted, in `unit`.

    `select` and `each` (or `tranche`) for one way; `ways` where a declaration may give the same quantity in
    several forms (warheads per base, or per missile). `parties`: for whom the rule is (all if left out).
    `optional`: an inventory without such rows has none (special cases); otherwise their number is missing.
    """

    text: str
    unit: str
    select: Select = {}
    each: Number | str = 1
    tranche: Tranche | None = None
    ways: tuple[Way, ...] = ()
    parties: tuple[str, ...] = ()
    optional: bool = False

    @property
    def all_ways(self) -> tuple[Way, ...]:
        return self.ways or (Way(self.select, self.each, self.tranche),)


class ExceptionRule(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Items for which a counting rule, or another exception, does not hold: they count `each` instead.

    Where several exceptions hold for an item, the last one written counts.
    """

    of: tuple[str, ...]
    text: str
    select: Select
    each: Number = 0
    applies: bool = True  # False: only under a reading that claims it
    since: TimeText = ""
    until: TimeText = ""


class Reading(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One side's reading of a limit: the exceptions it rejects or claims, who holds it, since when it is known."""

    of: tuple[str, ...]
    holders: tuple[str, ...]
    text: str
    rejects: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    since: TimeText = ""


Bound = Number | dict[str, Number]


class Phase(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A bound that holds from a moment on, until the next phase (or `until`)."""

    since: TimeText
    bound: Bound
    until: TimeText = ""
    article: str = ""
    cite: tuple[str, ...] = ()
    quality: Quality | None = None
    note: str = ""


class RivalValue(Cited, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Another value that a source prints for the same bound: kept as a conflict, never silently chosen."""

    bound: Bound


class Limit(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A limit on a count: the sum of counting rules, or an operator over sums, against a bound.

    `count`: ids of counting rules, summed. `operator`: max or min over the sums in `groups`, or ratio of the
    first to the second. `bound`, one for all or one a party, for the whole life or in `phases`; `shares` put
    the parties' bounds in a fixed ratio (the largest share has the bound). `within`: the limit this is a
    sub-limit of. `same_as`: ``instrument/limit`` that counts the same things, so totals declared under it stand
    here. `together`: all its parties are counted as one; `sides`: each listed group of parties is.
    """

    title: str
    unit: str
    count: tuple[str, ...] = ()
    operator: Literal["sum", "max", "min", "ratio"] = "sum"
    groups: tuple[tuple[str, ...], ...] = ()
    sense: Literal["<=", ">=", "="] = "<="
    bound: Bound | None = None
    shares: dict[str, Number] = {}
    phases: tuple[Phase, ...] = ()
    since: TimeText = ""
    until: TimeText = ""
    parties: tuple[str, ...] = ()
    together: bool = False
    sides: tuple[tuple[str, ...], ...] = ()
    within: str = ""
    same_as: Annotated[str, Meta(pattern=r"^([a-z0-9-]+/[A-Za-z0-9._()-]+)?$")] = ""
    rivals: tuple[RivalValue, ...] = ()


class Prohibition(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An act that is forbidden, or forbidden above a threshold, judged event by event."""

    title: str
    text: str
    select: Select
    unit: str
    at_most: Number = 0
    parties: tuple[str, ...] = ()
    since: TimeText = ""
    until: TimeText = ""


class Every(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A schedule: periods of `length` from `start`; the duty arises at the `at` of each (its start or end)."""

    length: DurationText
    start: TimeText
    at: Literal["start", "end"] = "end"


class Quota(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many events of a type a party may (`at_most`) or must (`at_least`) have in each period."""

    event: str
    per: DurationText = "P1Y"
    start: TimeText = "entry_into_force"
    at_most: int | None = None
    at_least: int | None = None
    jointly: bool = False  # all parties' events count together


class Obligation(Provision, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A duty to do something by a time.

    It arises `on` an event of a type (in the log, or in the instrument's own life), `every` period, or is a
    `quota`. It is due `after` or `before` that moment (``within`` hours, days, months) and is fulfilled by an
    event of type `done_by`. `by`: who owes it: `actor` (who caused the event), `each` party, or named parties.
    """

    title: str
    kind: Literal["notification", "data_exchange", "inspection", "session", "exhibition", "right", "other"]
    text: str
    by: tuple[str, ...] = ("actor",)
    on: str = ""
    every: Every | None = None
    quota: Quota | None = None
    after: DurationText = ""
    before: DurationText = ""
    done_by: str = ""
    silence_is_consent: bool = False
    since: TimeText = ""
    until: TimeText = ""


class CoverageRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One article or protocol part: encoded (by which provisions), referenced, or not encoded and why."""

    article: str
    title: str
    status: Literal["encoded", "referenced", "not_encoded"]
    provisions: tuple[str, ...] = ()
    reason: str = ""


class KindText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item class of the instrument's own: the class it belongs to, what a row counts, what it means."""

    unit: str
    meaning: str
    parent: str = ""


class AttributeText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An attribute of the instrument's own."""

    type: Literal["bool", "number", "text"]
    meaning: str


class Instrument(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An instrument as data. Every list is addressed by ``section/id``."""

    id: Id
    title: str
    kind: Literal["treaty", "agreement", "memorandum", "political_commitment", "proposal"]
    parties: tuple[str, ...]
    summary: str
    sources: dict[str, SourceRef]
    topic: Literal["limits", "notification", "testing", "communication"] = "limits"
    open_to_others: bool = False
    term: Term | None = None
    groups: dict[str, Group] = {}
    kinds: dict[str, KindText] = {}
    attributes: dict[str, AttributeText] = {}
    entry_condition: EntryCondition | None = None
    life: tuple[Statement, ...] = ()
    definitions: tuple[Definition, ...] = ()
    counting: tuple[CountingRule, ...] = ()
    exceptions: tuple[ExceptionRule, ...] = ()
    limits: tuple[Limit, ...] = ()
    readings: tuple[Reading, ...] = ()
    prohibitions: tuple[Prohibition, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    coverage: tuple[CoverageRow, ...] = ()


SECTIONS: tuple[str, ...] = (
    "life",
    "definitions",
    "counting",
    "exceptions",
    "limits",
    "readings",
    "prohibitions",
    "obligations",
)
