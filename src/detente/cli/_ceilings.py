"""Shared by prove and verify: the law's linear form over an escrow's item classes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from detente.asof import AsOf
from detente.disclosure.native import Refused
from detente.disclosure.statement import Head, ItemClass, Limit, Treaty, limits_of
from detente.errors import DetenteError
from detente.inventory import Inventory, Item, inventory
from detente.parties import party as known_party
from detente.sources import RECALLED_MARK, Quality, Source


class Ceilings(msgspec.Struct, frozen=True):
    """A treaty's limits for one party on a day, as a proof states them."""

    treaty: Treaty
    limits: tuple[Limit, ...]
    left_out: tuple[tuple[str, str], ...]


def ceilings(treaty: str, party: str, day: str, classes: Sequence[ItemClass]) -> Ceilings:
    """The limits that bind `party` under a library treaty (or a YAML file) on `day`, over item classes.

    Raises DetenteError for an unknown treaty, kind or party, and where no limit binds on that day.
    """
    from detente.treaty.compile import compile_form
    from detente.treaty.compile import limits_of as limits_in
    from detente.treaty.load import load
    from detente.treaty.resolve import resolve

    code = known_party(party).code
    loaded = load(treaty)
    law = resolve(loaded, AsOf.on(day))
    binding, left = [], []
    for limit in limits_in(law, code):
        bound = law.bound(limit, code)
        if bound.open:
            binding.append((limit, RECALLED_MARK if Quality(bound.quality).doubtful else ""))
        else:
            left.append((f"limits/{limit.id}", "not binding on that day"))
    if not binding:
        raise DetenteError(
            f"no limit of {loaded.instrument.id} binds {code} on {law.as_of.law}",
            fix="choose a day in its term with --as-of",
        )
    form = compile_form(law, code, _rows(code, classes), limits=tuple(limit for limit, _ in binding))
    marks = [f"{s} [{m}]" if m else s for s, (_, m) in zip(form.sentence, binding, strict=True)]
    limits, not_provable = limits_of(msgspec.structs.replace(form, sentence=tuple(marks)), classes)
    what = Treaty(loaded.instrument.id, loaded.digest, law.as_of.law.isoformat())
    return Ceilings(what, limits, (*left, *not_provable))


def _rows(party: str, classes: Sequence[ItemClass]) -> Inventory:
    from detente.vocabulary import kinds

    source = Source("the party's escrow", Quality.assumed)
    rows = []
    for c in classes:
        for q in c.quantities:
            unit = kinds()[q.kind].unit if q.kind in kinds() else "items"
            rows.append(
                Item(
                    id=f"{c.name}/{q.name}", party=party, kind=q.kind, unit=unit, source=source,
                    attributes=dict(q.attributes),
                )
            )  # fmt: skip
    # complete: a category without a class is declared empty, which is what the proof cannot show and says so
    return inventory(rows, name="item classes", complete=True)


def law_agrees(head: Head) -> str:
    """Does the proof state the limits that this library's text sets? A sentence either way."""
    from detente.treaty.load import instrument_ids, load

    if head.treaty.id not in instrument_ids():
        return f"the library has no {head.treaty.id}: compare the limits with the text yourself"
    if load(head.treaty.id).digest != head.treaty.digest:
        return f"the library's text of {head.treaty.id} is another version: compare the limits yourself"
    own = ceilings(head.treaty.id, head.party, head.treaty.day, head.escrow.classes)
    if set(own.limits) != set(head.limits):
        raise Refused(f"the limits are not those that {head.treaty.id} sets for these item classes")
    return f"the limits are those of the library's text of {head.treaty.id} on {head.treaty.day}"
