"""Compliance: an instrument on a day, with what its parties had declared, as verdicts and as a history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import msgspec

from detente.asof import AsOf
from detente.draws import Draws
from detente.forces.declarations import declaration_dates, declared
from detente.forces.sensitivity import Share
from detente.inventory import Inventory
from detente.inventory_csv import read_inventory
from detente.treaty.compile import compile_form
from detente.treaty.judge import judge, rows_of
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


class Driven(msgspec.Struct, frozen=True):
    """What drives whether one limit is kept: first-order shares of the variance of "kept", largest first.

    `inputs` is empty where every draw gives the same answer or the limit is not linear over known rows.
    """

    party: str
    provision: str
    p_met: float
    inputs: tuple[Share, ...]


def drawn(given: Mapping[str, Inventory | Draws], *, n: int, seed: int) -> dict[str, Inventory | Draws]:
    """Each party's rows as `n` draws from their low, best, high and quality; parties are independent."""
    from detente.forces.uncertainty import draws  # with its data, needed only where chance is asked for

    return {
        p: draws(rows, n=n, seed=seed + 7919 * k) if isinstance(rows, Inventory) else rows
        for k, (p, rows) in enumerate(sorted(given.items()))
    }


def driven(loaded: Loaded, found: Compliance, given: Mapping[str, Inventory | Draws]) -> tuple[Driven, ...]:
    """What drives each verdict of `found` that is a matter of chance, from the draws it was judged by."""
    from detente.forces.drivers import of_limit

    law = resolve(loaded, found.as_of, found.viewpoint)
    limits = {f"limits/{x.id}": x for x in law.instrument.limits}
    answers = []
    for v in found.verdicts:
        rows = rows_of(v.party, given)
        if v.p_met is None or v.provision not in limits or not isinstance(rows, Draws):
            continue
        form = compile_form(law, v.party, rows.inventory, None, (limits[v.provision],))
        answers.append(Driven(v.party, v.provision, v.p_met, of_limit(form, 0, rows)))
    return tuple(answers)


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
