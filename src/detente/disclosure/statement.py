"""What a ceiling proof says: item classes, the limits as integers from the linear form, and the context."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from detente.canonical import canonical_json
from detente.errors import DetenteError
from detente.linear import LinearForm, Sense

VERSION = "detente.org/ceiling-proof/v1"
REACH = 2**120  # no sum of a statement comes near the group order of 2**252: nothing can wrap around
_MAX_COUNT, _MAX_INTEGER = 2**32, 2**53 - 1


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of everything that stands in a file: unknown members are refused."""


class Quantity(Record, frozen=True):
    """A hidden count of an item: 0 to `max`; zero unless the 0/1 quantity number `needs` is one (-1: free).

    `kind` and `attributes` are those of an inventory row: they tell the law what is counted.
    """

    name: str
    max: int
    needs: int
    kind: str
    attributes: dict[str, bool | int | str]


class ItemClass(Record, frozen=True):
    """A kind of accountable item: its text fields (hashed) and its quantities (also committed)."""

    name: str
    texts: tuple[str, ...]
    quantities: tuple[Quantity, ...]


class EscrowHead(Record, frozen=True):
    """What the escrow root binds besides the leaves. `vrf`: hex public key of the slots."""

    version: str
    party: str
    exchange: int
    classes: tuple[ItemClass, ...]
    slots: int
    vrf: str


class Limit(Record, frozen=True):
    """sum of `terms` (column, coefficient) `sense` `bound`, in integers `scale` times the law's own unit."""

    provision: str
    citation: str
    sentence: str
    unit: str
    sense: str
    bound: int
    scale: int
    terms: tuple[tuple[int, int], ...]


class Treaty(Record, frozen=True):
    """Which law: its id, the digest of its text, and the day at which it was compiled."""

    id: str
    digest: str
    day: str


class LogPoint(Record, frozen=True):
    """Where the root stands in the party's log: the log's origin and the tree size that holds it."""

    origin: str
    size: int


class Head(Record, frozen=True):
    """The public statement of a proof. `left_out`: provisions that it does not cover, and why."""

    version: str
    treaty: Treaty
    party: str
    exchange: int
    log: LogPoint
    escrow: EscrowHead
    root: str
    limits: tuple[Limit, ...]
    left_out: tuple[tuple[str, str], ...]


def columns(classes: Sequence[ItemClass]) -> tuple[str, ...]:
    """The linear form's columns: ``class/quantity`` for every quantity of every class, in order."""
    return tuple(f"{c.name}/{q.name}" for c in classes for q in c.quantities)


def check_classes(classes: Sequence[ItemClass]) -> None:
    """Raises DetenteError where a class cannot be proved about."""
    names = [c.name for c in classes]
    if not classes or len(set(names)) != len(names) or len(names) > 250:
        raise DetenteError("item classes need distinct names", fix="give 1 to 250 classes")
    for c in classes:
        own = [*c.texts, *(q.name for q in c.quantities)]
        if len(set(own)) != len(own) or not 1 <= len(c.quantities) <= 16 or len(c.texts) > 16:
            raise DetenteError(
                "fields need distinct names", where=c.name, fix="1 to 16 quantities, up to 16 texts"
            )
        for n, q in enumerate(c.quantities):
            where = f"{c.name}/{q.name}"
            if not 1 <= q.max <= _MAX_COUNT:
                raise DetenteError(f"a largest count of {q.max}", where=where, fix="1 to 2**32")
            if not -1 <= q.needs < n or (q.needs >= 0 and c.quantities[q.needs].max != 1):
                raise DetenteError("'needs' names no earlier 0/1 quantity", where=where)
            if not all(
                name.isascii() for name in q.attributes
            ):  # so that every JSON library sorts them alike
                raise DetenteError("an attribute name is not ASCII", where=where)


def limits_of(
    form: LinearForm, classes: Sequence[ItemClass]
) -> tuple[tuple[Limit, ...], tuple[tuple[str, str], ...]]:
    """The provable limits of a compiled treaty, and those left out with the reason.

    `form` is compiled over one row a column of `classes`, so a coefficient holds for every item of a class.
    Raises DetenteError where the form's columns are not those of the classes.
    """
    if tuple(form.items) != columns(classes):
        raise DetenteError(
            "the linear form's rows are not the item classes' quantities", fix="compile over columns(classes)"
        )
    proved, left = [], []
    special = {op.limit for op in form.operators}
    for n, provision in enumerate(form.provision):
        reason = _why_not(form, n, special)
        if reason:
            left.append((provision, reason))
        else:
            proved.append(_limit(form, n))
    return tuple(proved), tuple(left)


def _why_not(form: LinearForm, n: int, special: set[int]) -> str:
    if n in special:
        return "the rule is not linear"
    if not math.isfinite(form.bound[n]):
        return "no bound is known"
    if list(form.low[n]) != list(form.high[n]):
        return "whether a class counts is not known"
    if not form.low[n].any():
        return "nothing in this escrow counts under it"
    if form.sense[n] is Sense.exactly and (Fraction(form.bound[n]) * _scale(form, n)).denominator != 1:
        return "the bound is no multiple of what is counted"
    return ""


def exact(number: float) -> Fraction:
    """The rational a coefficient stands for: 0.1 is a tenth. Raises DetenteError where none is meant."""
    rational = Fraction(number).limit_denominator(1_000_000)
    if float(rational) != number:
        raise DetenteError(f"the coefficient {number!r} is no fraction with a small denominator")
    return rational


def _scale(form: LinearForm, n: int) -> int:
    return math.lcm(*(exact(c).denominator for c in form.low[n]))


def _limit(form: LinearForm, n: int) -> Limit:
    scale, sense = _scale(form, n), form.sense[n]
    bound = exact(form.bound[n]) * scale
    terms = tuple((i, int(exact(c) * scale)) for i, c in enumerate(form.low[n]) if c)
    return Limit(
        form.provision[n],
        form.citation[n],
        form.sentence[n],
        form.unit[n],
        sense.value,
        # the counted side is whole, so a broken bound rounds to the permitted side without changing the law
        math.ceil(bound) if sense is Sense.at_least else math.floor(bound),
        scale,
        terms,
    )


class Slack(msgspec.Struct, frozen=True):
    """A limit turned into ``constant + sum(terms) in [0, top]``; top 0 means equal to zero."""

    constant: int
    terms: tuple[tuple[int, int], ...]
    top: int


def slack(limit: Limit, largest: Sequence[int]) -> Slack:
    """The slack of `limit` where column i sums to at most ``largest[i]``.

    Raises DetenteError where no holding can satisfy it, or a sum could come near the group order.
    """
    spread = [(c * largest[i]) for i, c in limit.terms]
    reach = abs(limit.bound) + sum(map(abs, spread))
    low, high = sum(s for s in spread if s < 0), sum(s for s in spread if s > 0)
    turned = tuple((i, -c) for i, c in limit.terms)
    if limit.sense == "<=":
        found = Slack(limit.bound, turned, limit.bound - low)
    elif limit.sense == ">=":
        found = Slack(-limit.bound, limit.terms, high - limit.bound)
    else:
        found = Slack(limit.bound, turned, 0 if low <= limit.bound <= high else -1)
    if found.top < 0:
        raise DetenteError("no holding satisfies this limit", where=limit.provision)
    if reach >= REACH:
        raise DetenteError("the sums are too large to prove", where=limit.provision)
    return found


def weights(top: int) -> tuple[int, ...]:
    """Bit weights whose subset sums are exactly 0 to `top`: 1, 2, 4, ... and a rest.

    >>> weights(10)
    (1, 2, 4, 3)
    """
    if top == 0:
        return ()
    k = top.bit_length()
    return (*(1 << j for j in range(k - 1)), top - (1 << (k - 1)) + 1)


def bits_of(value: int, top: int) -> tuple[int, ...]:
    """The bits of `value` in ``weights(top)``; 0 <= value <= top."""
    w = weights(top)
    if not w:
        return ()
    last = int(value >= 1 << (len(w) - 1))
    rest = value - last * w[-1]
    return (*((rest >> j) & 1 for j in range(len(w) - 1)), last)


def largest_sums(classes: Sequence[ItemClass], members: Mapping[int, int]) -> list[int]:
    """The largest each column can sum to, with `members` slots in each class (by number)."""
    return [q.max * members.get(n, 0) for n, c in enumerate(classes) for q in c.quantities]


def head_bytes(head: Record) -> bytes:
    """The one encoding of a head: RFC 8785 JSON."""
    return canonical_json(msgspec.to_builtins(head))
