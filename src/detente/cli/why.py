"""Explain a verdict: the tree of provisions, facts, branches and exceptions behind it."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli._law import (
    CompleteFlag,
    InstrumentArg,
    InventoryFlag,
    PatchFlag,
    ViewFlag,
    clocks,
    instrument,
)
from detente.cli._show import AsOfFlag, JsonFlag, KnownFlag, show_json

app = typer.Typer(add_completion=False)


@app.command()
def why(
    source: InstrumentArg,
    limit: Annotated[str, typer.Argument(metavar="LIMIT", help="The limit's id, as in II.1.b.")],
    party: Annotated[str, typer.Argument(metavar="PARTY", help="The party: US, RU, ...")],
    as_of: AsOfFlag = "",
    known: KnownFlag = "",
    viewpoint: ViewFlag = "",
    patch: PatchFlag = None,
    inventory: InventoryFlag = None,
    complete: CompleteFlag = False,
    html: Annotated[bool, typer.Option("--html", help="Print the tree as HTML.")] = False,
    json: JsonFlag = False,
) -> None:
    """Explain the verdict on one limit for one party."""
    from detente.assess.compliance import declarations, from_file
    from detente.errors import DetenteError, nearest
    from detente.inventory import Inventory
    from detente.parties import party as known_party
    from detente.treaty import explain, resolve
    from detente.treaty.explain import as_html, as_text
    from detente.treaty.judge import counted_as, rows_of

    law = resolve(instrument(source, patch), clocks(as_of, known), viewpoint)
    parties = counted_as(law, law.limit(limit))
    code = party if "+" in party else known_party(party).code
    code = next((side for side in parties if code in side.split("+")), code)
    if code not in parties:
        raise DetenteError(
            f"'{limit}' does not bind {code}", where=law.instrument.id, fix=nearest(code, parties)
        )
    given = (
        from_file(inventory, law.loaded, complete=complete)
        if inventory
        else declarations(law, by_system=True)
    )
    tree = explain(
        law, limit, code, rows_of(code, {k: v for k, v in given.items() if isinstance(v, Inventory)})
    )
    if json:
        show_json(tree)
    else:
        print(as_html(tree) if html else as_text(tree))
