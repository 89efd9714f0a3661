"""Compliance: an instrument on a day, with what its parties had declared, as verdicts and as a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from detente.asof import AsOf
from detente.draws import Draws
from detente.forces.declarations import declaration_dates, declared
from detente.inventory import Inventory
from detente.inventory_csv import read_inventory
from detente.treaty.judge import judge
from detente.treaty.life import Status
from detente.treaty.load import Loaded
from detente.treaty.resolve import Law, change_points, resolve
from detente.verdict import Verdict


class Compliance(msgspec.Struct, frozen=True):
    """An instrument on a day: its status, whether it is in force in every view, and the verdicts."""

    instrument: str
    title: str
    as_of: AsOf
    viewpoint: str
    status: Status
    in_force: bool
    verdicts: tuple[Verdict, ...]


def assess_law(
    loaded: Loaded,
    as_of: AsOf,
    viewpoint: str = "",
    given: Mapping[str, Inventory | Draws] | None = None,
) -> Compliance:
    """Every limit of an instrument on a day. `given`: rows per party; by default what the parties declared."""
    law = resolve(loaded, as_of, viewpoint)
    rows = declarations(law) if given is None else given
    status = law.status()
    return Compliance(
        loaded.instrument.id,
        loaded.instrument.title,
        as_of,
        law.viewpoint,
        status,
        status.in_force,
        judge(law, rows, tell=True),
    )


def declarations(law: Law, *, by_system: bool = False) -> dict[str, Inventory]:
    """What each party of the instrument had declared for the day, where anything stands.

    Declarations under the instrument a proposal is made from stand for the limits that count alike.
    """
    lineage = {law.instrument.id, *(name for names in law.loaded.counts_as.values() for name in names)}
    found: dict[str, Inventory] = {}
    for name in sorted(lineage):
        for party in law.instrument.parties:
            rows = declared(name, party, law.as_of, by_system=by_system)
            if rows is not None:
                found[party] = rows
    return found


def from_file(path: Path, loaded: Loaded, *, complete: bool = False) -> dict[str, Inventory]:
    """A user's inventory CSV, by party. Raises DetenteError with file:line."""
    kinds = {k: v.unit for k, v in loaded.instrument.kinds.items()}
    attributes = {k: a.type for k, a in loaded.instrument.attributes.items()}
    rows = read_inventory(path, kinds=kinds, attributes=attributes, complete=complete)
    named = [i.party for i in rows.items]
    named += loaded.instrument.parties if complete else ()  # what a complete file does not list is zero
    return {p: rows.of(p) for p in dict.fromkeys(named)}


def history(loaded: Loaded, known: date | None = None, viewpoint: str = "") -> tuple[Compliance, ...]:
    """The instrument at every day on which its law changes or a declaration was made, in order."""
    days = sorted({*change_points(loaded), *declaration_dates(loaded.instrument.id)})
    return tuple(assess_law(loaded, AsOf.on(day, known=known), viewpoint) for day in days)


def exchanges(found: Iterable[Compliance]) -> tuple[Compliance, ...]:
    """The days of a history for which a declaration was made."""
    return tuple(c for c in found if c.as_of.facts in declaration_dates(c.instrument))
