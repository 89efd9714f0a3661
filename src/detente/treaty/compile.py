"""Compiling: the limits of a day become one linear form over a party's inventory rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detente import vocabulary
from detente.errors import DetenteError, nearest
from detente.inventory import Inventory
from detente.linear import Array, LinearForm, Operator, Sense
from detente.treaty.count import Share, shares
from detente.treaty.resolve import Law
from detente.treaty.schema import CountingRule, Limit, Reading


def limits_of(law: Law, party: str) -> tuple[Limit, ...]:
    """The limits that name `party` (or name nobody in particular)."""
    codes = set(party.split("+"))
    return tuple(x for x in law.instrument.limits if not (named := named_parties(x)) or codes & set(named))


def named_parties(limit: Limit) -> tuple[str, ...]:
    """The parties that a limit names, alone or in `sides`; none where it is for all."""
    return limit.parties or tuple(code for side in limit.sides for code in side)


def compile_form(
    law: Law,
    party: str,
    inventory: Inventory,
    reading: Reading | None = None,
    limits: tuple[Limit, ...] | None = None,
) -> LinearForm:
    """The linear form of `party`'s limits on the day over the rows of `inventory`.

    Coefficients (limit, item) in the limit's unit per row unit; see `LinearForm`. `reading`: the reading whose
    rejected and claimed exceptions hold (None: the text as it stands).
    Raises DetenteError for a row of unknown kind, a wrong unit, or a quantity declared twice.
    """
    chosen = limits_of(law, party) if limits is None else limits
    _check_rows(law, inventory)
    rows = [_row(law, limit, party, inventory, reading, n) for n, limit in enumerate(chosen)]
    shape = (len(chosen), len(inventory.items))
    bounds = [law.bound(limit, party).value for limit in chosen]
    return LinearForm(
        party=party,
        items=tuple(i.id for i in inventory.items),
        low=np.array([r.low for r in rows]).reshape(shape),
        high=np.array([r.high for r in rows]).reshape(shape),
        bound=np.array([np.nan if b is None else b for b in bounds]),
        sense=tuple(Sense(x.sense) for x in chosen),
        unit=tuple(x.unit for x in chosen),
        provision=tuple(f"limits/{x.id}" for x in chosen),
        citation=tuple(x.article for x in chosen),
        sentence=tuple(sentence(x, b) for x, b in zip(chosen, bounds, strict=True)),
        missing=tuple(r.missing for r in rows),
        operators=tuple(op for r in rows for op in r.operators),
        open=tuple(r.open for r in rows),
    )


def sentence(limit: Limit, bound: float | None) -> str:
    """The limit in words: what is counted, how it relates to the bound, under which article."""
    word = {"<=": "at most", ">=": "at least", "=": "exactly"}[limit.sense]
    value = "an unknown number of" if bound is None else f"{bound:,.10g}".replace(",", " ")
    return f"{limit.title}: {word} {value} {limit.unit} ({limit.article})"


class _Row:
    """The coefficients, operators and gaps of one limit."""

    def __init__(self, width: int) -> None:
        self.low: Array = np.zeros(width)
        self.high: Array = np.zeros(width)
        self.operators: list[Operator] = []
        self.missing: tuple[str, ...] = ()
        self.open = False


def _row(law: Law, limit: Limit, party: str, inventory: Inventory, reading: Reading | None, n: int) -> _Row:
    row = _Row(len(inventory.items))
    totals = declared_totals(law, limit, inventory)
    if reading and limit.id not in reading.of:
        reading = None
    gaps: list[str] = []
    unsaid: list[str] = []
    parts = []
    for group in limit.groups or (limit.count,):
        part = _Row(len(inventory.items))
        for rule in rules_for(law, group, party):
            found = shares(rule, inventory.items, law.exceptions(reading), law.words)
            if totals:
                stated = shares(rule, inventory.items, law.exceptions(), law.words)
                _no_parts_beside_total(stated, inventory, totals)
            elif not (inventory.complete or rule.optional):
                # a row that only may be of the category does not speak for it
                sure = [s.column for s in found if s.certain]
                gaps += [
                    f"{whose}{rule.text} ({rule.article}): no row says how many"
                    for whose in _silent(party, rule.parties, sure, inventory)
                ]
            unsaid += _unsaid(found, inventory)
            _add(part, rule, found, n)
        parts.append(part)
    if totals:  # what a reading adds to the declared count stands beside it
        row = parts[0]
        row.low[list(totals)] = row.high[list(totals)] = 1.0
        unsaid = []
        gaps = [f"{whose}no total is declared" for whose in _silent(party, (), totals, inventory)]
    elif limit.operator == "sum":
        row = parts[0]
    else:
        pair = np.stack([np.stack([p.low for p in parts]), np.stack([p.high for p in parts])])
        row.operators.append(Operator(kind=limit.operator, limit=n, parts=pair))
    row.missing = (*dict.fromkeys((*gaps, *unsaid)), *_unknown_counts(row, inventory))
    row.open = bool(gaps)
    return row


def _silent(
    party: str, only: tuple[str, ...], columns: Sequence[int], inventory: Inventory
) -> tuple[str, ...]:
    """Who among the parties counted as one has given no row: ``RU: ``, or '' where there is but one party."""
    members = party.split("+")
    if len(members) == 1:
        return () if columns else ("",)
    given = {inventory.items[c].party for c in columns}
    return tuple(f"{m}: " for m in members if m not in given and (not only or m in only))


def rules_for(law: Law, group: tuple[str, ...], party: str) -> list[CountingRule]:
    """The counting rules of `group` that hold for `party`, in the group's order."""
    rules = {r.id: r for r in law.instrument.counting}
    codes = party.split("+")
    return [r for r in (rules[name] for name in group) if not r.parties or set(codes) & set(r.parties)]


def declared_totals(law: Law, limit: Limit, inventory: Inventory) -> tuple[int, ...]:
    """Columns of rows that state the whole count of `limit`, as a party declared it."""
    names = {f"{name}/{limit.id}" for name in law.loaded.counts_as.get(limit.id, ())}
    names.add(f"{law.instrument.id}/{limit.id}")
    names |= {limit.same_as} if limit.same_as else set()
    columns: list[int] = []
    for column, item in enumerate(inventory.items):
        if item.kind == "declared_total" and item.attributes.get("provision") in names:
            if item.unit != limit.unit:
                raise DetenteError(
                    f"unit mismatch: a total in {item.unit} for a limit in {limit.unit}", where=item.id
                )
            twin = next((c for c in columns if inventory.items[c].party == item.party), None)
            if twin is not None:
                raise DetenteError(
                    f"'{inventory.items[twin].id}' and '{item.id}' both state the total of '{limit.id}'",
                    where=item.id,
                    fix="keep one of them, or evaluate two inventories",
                )
            columns.append(column)
    return tuple(columns)


def _no_parts_beside_total(stated: tuple[Share, ...], inventory: Inventory, totals: tuple[int, ...]) -> None:
    """Rows that count under the text as it stands are inside the declared total already."""
    inside = [s.column for s in stated if s.rate[1] > 0]
    if inside:
        part, total = inventory.items[inside[0]].id, inventory.items[totals[0]].id
        raise DetenteError(
            f"'{part}' is already inside the declared total '{total}'",
            where=part,
            fix="evaluate the total and its parts as two inventories",
        )


def _add(part: _Row, rule: CountingRule, found: tuple[Share, ...], n: int) -> None:
    linear = [s for s in found if s.outside is None]
    for share in linear:
        part.low[share.column] += share.rate[0]
        part.high[share.column] += share.rate[1]
    tranches: dict[int, list[Share]] = {}
    for share in found:
        if share.outside is not None:
            tranches.setdefault(share.way, []).append(share)
    for way, members in tranches.items():
        tranche = rule.all_ways[way].tranche
        assert tranche is not None
        part.operators.append(
            Operator(
                kind="tranche",
                limit=n,
                columns=tuple(s.column for s in members),
                first=float(tranche.first),
                inside=np.array([s.rate for s in members]).T,
                outside=np.array([s.outside for s in members]).T,
            )
        )


def _unsaid(found: tuple[Share, ...], inventory: Inventory) -> list[str]:
    return [
        f"{inventory.items[s.column].label}: '{key}' is not given ({inventory.items[s.column].id})"
        for s in found
        for key in s.unknown
        if inventory.items[s.column].interval[1] > 0 and (s.rate[0] < s.rate[1] or s.outside)
    ]


def _unknown_counts(row: _Row, inventory: Inventory) -> list[str]:
    used = {int(c) for c in np.flatnonzero(row.high)}
    for operator in row.operators:
        used |= set(operator.columns)
        if operator.parts is not None:
            used |= {int(c) for c in np.flatnonzero(operator.parts[1].any(axis=0))}
    return [
        f"{item.label}: no number given ({item.source.note or item.id})"
        for item in (inventory.items[c] for c in sorted(used))
        if not item.known
    ]


_PLAIN: dict[str, tuple[type, ...]] = {"bool": (bool,), "number": (int, float), "text": (str,)}


def _check_rows(law: Law, inventory: Inventory) -> None:
    types = law.words.attributes
    for item in inventory.items:
        own = law.instrument.kinds.get(item.kind)
        shared = vocabulary.kinds().get(item.kind)
        if own is None and shared is None:
            raise DetenteError(
                f"unknown item class '{item.kind}'", where=item.id, fix=nearest(item.kind, law.words.kinds)
            )
        unit = own.unit if own else shared.unit if shared else ""
        if item.kind != "declared_total" and item.unit != unit:
            raise DetenteError(
                f"unit mismatch: a row of {item.kind} counts {unit}, not {item.unit}", where=item.id
            )
        for key, value in item.attributes.items():
            if (kind := types.get(key)) and type(value) not in _PLAIN[kind]:
                for what, fix in law.words.misfits(key, [value]):
                    raise DetenteError(what, where=item.id, fix=fix)
