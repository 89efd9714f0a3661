"""The words rules and inventories share: item classes with their parents and units, and attributes."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from detente.tables import Row, read_table


class Kind(msgspec.Struct, frozen=True):
    """An item class: a rule on it also selects its descendants; `unit` is what a row of it counts."""

    name: str
    parent: str
    unit: str
    meaning: str


@cache
def kinds() -> dict[str, Kind]:
    """Every item class by name, from ``kinds.csv``."""
    rows = read_table(files("detente").joinpath("kinds.csv"), ("kind", "parent", "unit", "meaning"))
    return {r["kind"]: Kind(r["kind"], r["parent"], r["unit"], r["meaning"]) for r in rows}


@cache
def _attribute_rows() -> tuple[Row, ...]:
    columns = ("attribute", "type", "default", "meaning")
    return tuple(read_table(files("detente").joinpath("attributes.csv"), columns))


@cache
def attributes() -> dict[str, str]:
    """Every attribute and its type (bool, number, text), from ``attributes.csv``."""
    return {r["attribute"]: r["type"] for r in _attribute_rows()}


@cache
def defaults() -> dict[str, bool]:
    """What an absent attribute means where that is settled: nothing is converted unless declared so."""
    return {r["attribute"]: r["default"] == "true" for r in _attribute_rows() if r["default"]}


@cache
def ancestry(kind: str) -> tuple[str, ...]:
    """`kind` and its ancestors, nearest first; an unknown kind stands alone."""
    known = kinds()
    chain = [kind]
    while chain[-1] in known and known[chain[-1]].parent:
        chain.append(known[chain[-1]].parent)
    return tuple(chain)
