"""Parties: states by ISO 3166-1 code, their predecessors, and the groups that proposals speak of."""

from __future__ import annotations

import csv
from functools import cache
from importlib.resources import files

import msgspec

from detente.errors import DetenteError, nearest


class Party(msgspec.Struct, frozen=True, order=True):
    """A state. `code` is ISO 3166-1 alpha-2 (UK and SU are reserved elements of that standard)."""

    code: str
    name: str
    alpha3: str
    successor: str = ""  # the code that carries its treaty obligations on


@cache
def parties() -> dict[str, Party]:
    """Every party known, by code, from ``parties.csv``."""
    text = files("detente").joinpath("parties.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {r["code"]: Party(r["code"], r["name"], r["alpha3"], r["successor"]) for r in rows}


@cache
def _names() -> dict[str, str]:
    names = {"GB": "UK", "USSR": "SU", "USA": "US", "DPRK": "KP"}
    for p in parties().values():
        names |= {p.code: p.code, p.alpha3: p.code, p.name.upper(): p.code}
    return names


def party(name: str, *, where: str = "") -> Party:
    """The party called `name` (code, alpha-3 code or English name, any case).

    Raises DetenteError with the nearest known name.
    """
    code = _names().get(name.strip().upper())
    if code is None:
        raise DetenteError(f"unknown party '{name}'", where=where, fix=nearest(name.upper(), _names()))
    return parties()[code]


GROUPS: dict[str, tuple[str, ...]] = {
    "P5": ("CN", "FR", "RU", "UK", "US"),
    "NATO-nuclear": ("FR", "UK", "US"),
    "nuclear-armed": ("CN", "FR", "IL", "IN", "KP", "PK", "RU", "UK", "US"),
}
