"""Declarations: every item with its identifier, what changed since the last, and whether the books balance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from detente.asof import parse_day
from detente.errors import DetenteError, nearest
from detente.inventory import Inventory, Item, inventory
from detente.sources import Quality, Source
from detente.treaty import judge
from detente.treaty.resolve import Law
from detente.verdict import Outcome, Verdict
from detente.vocabulary import kinds

DECLARATION = "detente/declaration/v1"


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A declared place: base, factory, store, range."""

    id: str
    name: str
    lat: float | None = None
    lon: float | None = None


class Declared(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One declared item. `kind`: a class of ``kinds.csv``; `warheads`: on it, where it is a deployed missile."""

    id: str
    kind: str
    site: str
    type: str = ""
    deployed: bool | None = None
    nuclear: bool | None = None
    converted: bool | None = None
    warheads: int | None = None


class Declaration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The full data of one party under one instrument on one day."""

    type: str
    instrument: str
    party: str
    as_of: str
    sites: tuple[Site, ...]
    items: tuple[Declared, ...]


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A notified change of one item. `to`: the item as it is afterwards, for all but removals."""

    item: str
    change: Literal["added", "removed", "changed"]
    to: Declared | None = None


class Difference(msgspec.Struct, frozen=True):
    """One item that differs between two declarations."""

    item: str
    change: Literal["added", "removed", "changed"]
    before: Declared | None
    after: Declared | None

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            return f"{self.item} {self.change}"
        old, new = msgspec.to_builtins(self.before), msgspec.to_builtins(self.after)
        parts = [
            f"{k} {old.get(k, '-')} -> {new.get(k, '-')}"
            for k in sorted({*old, *new})
            if old.get(k) != new.get(k)
        ]
        return f"{self.item} changed: {', '.join(parts)}"


def parse_declaration(data: Any, *, where: str = "declaration") -> Declaration:
    """A declaration from JSON bytes or a decoded object.

    Raises DetenteError for another shape, a doubled or unknown identifier, kind, site or place.
    """
    try:
        if isinstance(data, bytes):
            d = msgspec.json.decode(data, type=Declaration)
        else:
            d = msgspec.convert(data, Declaration)
    except (msgspec.DecodeError, UnicodeDecodeError) as bad:
        raise DetenteError(f"not a declaration: {bad}", where=where) from None
    if d.type != DECLARATION:
        raise DetenteError(f"not a declaration: '{d.type[:60]}'", where=where)
    parse_day(d.as_of, where=where)
    sites, known = [s.id for s in d.sites], kinds()
    for name, ids in (("site", sites), ("item", [i.id for i in d.items])):
        double = [i for i, n in Counter(ids).items() if n > 1]
        if double:
            raise DetenteError(f"{name} '{double[0]}' is declared twice", where=where)
    for item in d.items:
        here = f"{where} item {item.id}"
        if item.kind not in known:
            raise DetenteError(f"unknown kind '{item.kind}'", where=here, fix=nearest(item.kind, known))
        if item.site not in sites:
            raise DetenteError(
                f"no site '{item.site}' is declared", where=here, fix=nearest(item.site, sites)
            )
        if item.warheads is not None and item.warheads < 0:
            raise DetenteError("a negative number of warheads", where=here)
    return d


def parse_changes(value: Any, *, where: str = "changes") -> tuple[Change, ...]:
    """The changes in a notice. Raises DetenteError for another shape."""
    try:
        changes = msgspec.convert(value, tuple[Change, ...])
    except msgspec.ValidationError as bad:
        raise DetenteError(f"not a list of changes: {bad}", where=where) from None
    for c in changes:
        if (c.to is None) != (c.change == "removed") or (c.to is not None and c.to.id != c.item):
            raise DetenteError(
                "an added or changed item is given as it is afterwards", where=f"{where} {c.item}"
            )
    return changes


def diff(before: Declaration, after: Declaration) -> tuple[Difference, ...]:
    """What differs between two declarations of one party, by item."""
    old, new = ({i.id: i for i in d.items} for d in (before, after))
    found = []
    for item in sorted({*old, *new}):
        a, b = old.get(item), new.get(item)
        if a != b:
            change: Literal["added", "removed", "changed"] = (
                "added" if a is None else "removed" if b is None else "changed"
            )
            found.append(Difference(item, change, a, b))
    return tuple(found)


def apply_changes(items: dict[str, Declared], changes: Iterable[Change]) -> list[str]:
    """Book `changes` into `items`; returns what could not be booked."""
    wrong = []
    for c in changes:
        if (c.change == "added") == (c.item in items):
            wrong.append(
                f"{c.item}: notified as {c.change}, but it {'is' if c.item in items else 'is not'} in the books"
            )
        if c.to is None:
            items.pop(c.item, None)
        else:
            items[c.item] = c.to
    return wrong


def reconcile(before: Declaration, notified: Iterable[Change], after: Declaration) -> tuple[str, ...]:
    """Every imbalance between the last declaration plus the notified changes and the new declaration.

    Warhead numbers change without notice (New START, Part Four, II.3), so they are not compared.
    """
    books = {i.id: i for i in before.items}
    imbalances = apply_changes(books, notified)
    declared = {i.id: i for i in after.items}
    for item in sorted({*books, *declared}):
        a, b = books.get(item), declared.get(item)
        if a is None:
            imbalances.append(f"{item}: declared, but never notified as added")
        elif b is None:
            imbalances.append(f"{item}: gone from the declaration, but never notified as removed")
        elif msgspec.structs.replace(a, warheads=None) != msgspec.structs.replace(b, warheads=None):
            imbalances.append(str(Difference(item, "changed", a, b)) + ", which was not notified")
    return tuple(imbalances)


def totals(d: Declaration) -> dict[str, int]:
    """Items by kind and deployment, for both sides' books."""
    count = Counter(
        i.kind + ("" if i.deployed is None else " deployed" if i.deployed else " non-deployed")
        for i in d.items
    )
    return dict(sorted(count.items()))


def as_inventory(d: Declaration, source: str) -> Inventory:
    """The declaration as an inventory that the law can count: one row an item, complete by its own word."""
    known = kinds()
    rows = []
    for i in d.items:
        named = {
            "deployed": i.deployed,
            "nuclear": i.nuclear,
            "converted": i.converted,
            "warheads": i.warheads,
        }
        attributes: dict[str, bool | float | str] = {k: v for k, v in named.items() if v is not None}
        attributes.setdefault("converted", False)
        rows.append(
            Item(
                id=f"{d.party}/{i.id}",
                party=d.party,
                kind=i.kind,
                unit=known[i.kind].unit,
                best=1.0,
                type=i.type,
                site=i.site,
                as_of=d.as_of,
                source=Source(source, Quality.official, d.as_of),
                attributes=attributes,
            )
        )
    return inventory(rows, name=source, complete=True)


def judge_declaration(law: Law, d: Declaration, source: str) -> tuple[Verdict, ...]:
    """The verdicts of the instrument's limits on what the party itself declares."""
    return tuple(v for v in judge(law, {d.party: as_inventory(d, source)}) if v.party == d.party)


def contradictions(
    law: Law, d: Declaration, before: Declaration | None, notified: Iterable[Change]
) -> tuple[str, ...]:
    """Where a declaration contradicts the law or the last exchange; empty where it is in order."""
    found = [
        f"{v.provision}: {v.count.mid if v.count else math.nan:g} declared against {v.bound:g} {v.unit}"
        for v in judge_declaration(law, d, "declaration")
        if v.outcome is Outcome.exceeded
    ]
    if before is not None:
        if before.as_of > d.as_of:
            found.append(f"it is as of {d.as_of}, before the last one of {before.as_of}")
        found += reconcile(before, notified, d)
    return tuple(found)
