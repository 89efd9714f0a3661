"""Two quantities, one force: what analysts estimate on missiles and bombers, and what a treaty counts of it."""

from __future__ import annotations

from datetime import date

import msgspec

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.forces.catalogue import as_known
from detente.forces.counts import Count
from detente.forces.declarations import declared
from detente.forces.views import latest_edition
from detente.inventory import Inventory, Item, inventory
from detente.sources import Quality, Source, worst
from detente.treaty.compile import compile_form
from detente.treaty.load import load
from detente.treaty.resolve import resolve


class Reconciled(msgspec.Struct, frozen=True):
    """An estimate turned into a treaty count, beside what was declared for the day (None if nothing was)."""

    party: str
    day: date
    estimated: float
    counted: float
    declared: float | None
    rows: tuple[Item, ...]
    quality: Quality


def reconcile(party: str, day: date, *, known: date | None = None) -> Reconciled:
    """Analysts' deployed warheads of `party` counted as New START counts them, Art. III.2.

    Missile warheads stay as estimated; in place of the weapons at bomber bases stands one for each deployed
    bomber, as the last declaration by system gave them. Raises DetenteError where the estimate has no split.
    """
    known = known or date.today()
    estimate = _estimate(party, day, known)
    bombers = _bombers(party, day, known)
    rows = inventory([*(_item(party, c) for c in estimate if c.category in ("land", "sea")), *bombers])
    law = resolve(load("new-start"), AsOf(day, day, known))
    limit = law.limit("II.1.b")
    form = compile_form(law, party, Inventory(rows.items, complete=True), None, (limit,))
    counted = float(form.low[0] @ rows.best)
    said = declared("new-start", party, AsOf(day, day, known))
    total = next((i.best for i in said.items if i.id.endswith("II.1.b")), None) if said else None
    words = [i.source.quality for i in rows.items]
    return Reconciled(party, day, sum(c.mid for c in estimate), counted, total, rows.items, worst(words))


def _estimate(party: str, day: date, known: date) -> list[Count]:
    rows = [
        c
        for c in as_known(known)
        if c.party == party and c.status == "deployed" and c.kind == "deployed_warhead"
        and c.series == "FAS_NOTEBOOK" and not c.type and c.category in ("land", "sea", "air")
    ]  # fmt: skip
    found = list(latest_edition(rows, day))
    if not {"land", "sea"} <= {c.category for c in found}:
        raise DetenteError(f"no estimate of deployed warheads by leg for {party} on {day}")
    return found


def _bombers(party: str, day: date, known: date) -> list[Item]:
    """Deployed heavy bombers of the last declaration by system (their number changes slowly)."""
    from detente.forces.declarations import declaration_dates

    for when in sorted(declaration_dates("new-start"), reverse=True):
        if when > day:
            continue
        said = declared("new-start", party, AsOf(when, when, known), by_system=True)
        rows = (
            [i for i in said.items if i.kind == "heavy_bomber" and i.attributes.get("deployed")]
            if said
            else []
        )
        if rows:
            return rows
    raise DetenteError(f"no declaration of {party} by system before {day}")


def _item(party: str, c: Count) -> Item:
    return Item(
        id=c.id,
        party=party,
        kind="deployed_missile_warhead",
        unit="warheads",
        best=c.mid,
        source=Source(c.source, c.quality, c.published),
        as_of=c.as_of,
    )
