"""Inventories from a user's CSV: one row a quantity, any known attribute as a column, a source on every row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from detente import vocabulary
from detente.errors import DetenteError, nearest
from detente.inventory import Inventory, Item, Value
from detente.parties import party
from detente.sources import Quality, Source
from detente.tables import Row, read_table

REQUIRED = ("party", "kind", "count", "source")
OPTIONAL = ("id", "type", "unit", "low", "high", "site", "as_of", "quality", "published", "note")


def read_inventory(
    path: Path,
    *,
    kinds: dict[str, str] | None = None,
    attributes: Mapping[str, str] | None = None,
    complete: bool = False,
) -> Inventory:
    """An inventory from CSV with the columns above and one column per attribute that rules select on.

    An empty cell is unknown; an empty count is a number nobody has given. `kinds`, `attributes`: item classes
    (with their units) and attributes (with their types) of an instrument's own. `complete`: the file says that
    nothing else exists.
    Raises DetenteError with file:line for every wrong cell.
    """
    units = {k: v.unit for k, v in vocabulary.kinds().items()} | (kinds or {})
    types = vocabulary.attributes() | dict(attributes or {})
    rows = read_table(path, REQUIRED, optional=(*OPTIONAL, *types))
    items = []
    seen: dict[str, str] = {}
    for n, row in enumerate(rows, start=1):
        item = _item(row, n, units, types)
        if item.id in seen:
            raise DetenteError(f"the id '{item.id}' stands on {seen[item.id]} too", where=row.where)
        seen[item.id] = row.where
        items.append(item)
    if not items:
        raise DetenteError("no rows", where=path.name, fix="give one row per quantity")
    return Inventory(tuple(items), path.name, complete)


def _item(row: Row, n: int, units: dict[str, str], attributes: dict[str, str]) -> Item:
    cells = row.cells
    kind = cells["kind"]
    if kind not in units:
        raise DetenteError(f"unknown item class '{kind}'", where=row.where, fix=nearest(kind, units))
    unit = cells.get("unit") or units[kind]
    if unit != units[kind] and kind != "declared_total":
        raise DetenteError(f"unit mismatch: {kind} is counted in {units[kind]}, not {unit}", where=row.where)
    best, low, high = (row.number(c) if c in cells else None for c in ("count", "low", "high"))
    try:
        return Item(
            id=cells.get("id") or f"row-{n}",
            party=party(cells["party"], where=row.where).code,
            kind=kind,
            unit=unit,
            best=math.nan if best is None else best,
            low=math.nan if low is None else low,
            high=math.nan if high is None else high,
            type=cells.get("type", ""),
            site=cells.get("site", ""),
            as_of=cells.get("as_of", ""),
            source=_source(row),
            attributes=_attributes(row, attributes),
        )
    except DetenteError as bad:
        raise DetenteError(bad.what, where=row.where, fix=bad.fix) from None


def _source(row: Row) -> Source:
    if not row["source"]:
        raise DetenteError("a row without a source", where=row.where, fix="say where the number was read")
    word = row.cells.get("quality") or Quality.one_source.value
    if word not in list(Quality):
        raise DetenteError(f"unknown quality '{word}'", where=row.where, fix=nearest(word, list(Quality)))
    return Source(row["source"], Quality(word), row.cells.get("published", ""), row.cells.get("note", ""))


def _attributes(row: Row, types: dict[str, str]) -> dict[str, Value]:
    given: dict[str, Value] = {}
    for name, kind in types.items():
        text = row.cells.get(name, "")
        if text:
            given[name] = _value(row, name, text, kind)
    return given


def _value(row: Row, name: str, text: str, kind: str) -> Any:
    if kind == "bool":
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in words:
            raise DetenteError(f"'{text}' in column '{name}' is not true or false", where=row.where)
        return words[text.lower()]
    return row.number(name) if kind == "number" else text


def shown(inventory: Inventory) -> list[dict[str, Any]]:
    """The rows as plain records for JSON."""
    return [msgspec.to_builtins(i) for i in inventory.items]
