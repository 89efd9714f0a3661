"""The law's linear form over an escrow's item classes: what a ceiling proof must state."""

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
from detente.treaty.compile import compile_form
from detente.treaty.compile import limits_of as limits_in
from detente.treaty.load import Loaded, instrument_ids
from detente.treaty.proposals import load_proposal, proposal_ids
from detente.treaty.resolve import resolve


class Ceilings(msgspec.Struct, frozen=True):
    """A treaty's limits for one party on a day, as a proof states them."""

    treaty: Treaty
    limits: tuple[Limit, ...]
    left_out: tuple[tuple[str, str], ...]


def ceilings(treaty: str | Loaded, party: str, day: str, classes: Sequence[ItemClass]) -> Ceilings:
    """The limits that bind `party` under a treaty or proposal (id, YAML file, or loaded) on `day`, over item classes.

    A category of the law that no class covers counts as empty, and is named among what is left out.
    Raises DetenteError for an unknown treaty, kind or party, and where no limit binds on that day.
    """
    code = known_party(party).code
    loaded = text_of(treaty)
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
    chosen = tuple(limit for limit, _ in binding)
    form, bare = (
        compile_form(law, code, _rows(code, classes, whole), limits=chosen) for whole in (True, False)
    )
    for name, closed, open_ in zip(form.provision, form.missing, bare.missing, strict=True):
        gaps = [gap.removesuffix(": no row says how many") for gap in open_ if gap not in closed]
        left += [(name, f"taken as none: {gap}") for gap in gaps]
    marks = [f"{s} [{m}]" if m else s for s, (_, m) in zip(form.sentence, binding, strict=True)]
    limits, not_provable = limits_of(msgspec.structs.replace(form, sentence=tuple(marks)), classes)
    what = Treaty(loaded.instrument.id, loaded.digest, law.as_of.law.isoformat())
    return Ceilings(what, limits, (*left, *not_provable))


def text_of(source: str | Loaded) -> Loaded:
    """A treaty of the library, a proposal of the library, or a YAML file of either."""
    return load_proposal(source) if isinstance(source, str) else source


def _rows(party: str, classes: Sequence[ItemClass], whole: bool) -> Inventory:
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
    return inventory(rows, name="item classes", complete=whole)


def law_agrees(head: Head, law: str | Loaded = "") -> str:
    """Does the proof state the limits that the law's text sets? A sentence where it does or cannot be told.

    `law`: the treaty or proposal to compare with; the library's text of the proof's treaty if left out.
    Raises Refused where the text is another, or sets other limits.
    """
    if not law and head.treaty.id not in (*instrument_ids(), *proposal_ids()):
        return f"the library has no {head.treaty.id}: name its text with --law to compare the limits"
    if text_of(law or head.treaty.id).digest != head.treaty.digest:
        if law:
            name = law if isinstance(law, str) else f"the {head.treaty.id} held here"
            raise Refused(f"the proof is under another text than {name}")
        return f"the library's text of {head.treaty.id} is another: name the proof's text with --law"
    own = ceilings(law or head.treaty.id, head.party, head.treaty.day, head.escrow.classes)
    if set(own.limits) != set(head.limits):
        raise Refused(f"the limits are not those that {head.treaty.id} sets for these item classes")
    if set(own.left_out) != set(head.left_out):
        raise Refused("what the proof says it leaves out is not what it leaves out")
    return f"the limits are those that the text of {head.treaty.id} sets on {head.treaty.day}"
