"""Judge an instrument's limits on a day, by what its parties declared or by your own inventory."""

from __future__ import annotations

import typer

from detente.cli._law import (
    VERDICT_COLUMNS,
    CompleteFlag,
    InstrumentArg,
    InventoryFlag,
    PatchFlag,
    ViewFlag,
    clocks,
    instrument,
    status_line,
    verdict_rows,
)
from detente.cli._show import AsOfFlag, JsonFlag, KnownFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def assess(
    source: InstrumentArg,
    as_of: AsOfFlag = "",
    known: KnownFlag = "",
    viewpoint: ViewFlag = "",
    patch: PatchFlag = None,
    inventory: InventoryFlag = None,
    complete: CompleteFlag = False,
    json: JsonFlag = False,
) -> None:
    """Judge every limit for every party. The exit code is 0 whatever the verdicts, 2 where rows contradict."""
    from detente.assess.compliance import assess_law, from_file
    from detente.errors import DetenteError

    loaded = instrument(source, patch)
    given = from_file(inventory, loaded, complete=complete) if inventory else None
    found = assess_law(loaded, clocks(as_of, known), viewpoint, given)
    wrong = next((v for v in found.verdicts if v.outcome == "error"), None)
    if json:
        show_json(found)
        if wrong:
            raise DetenteError(wrong.reason)
        return
    print(f"{found.title} on {found.as_of.law}: {status_line(found.status)}")
    show_table("", VERDICT_COLUMNS, verdict_rows(found.verdicts))
    for v in found.verdicts:
        for side in v.readings:
            if v.outcome == "disputed":
                print(
                    f"  {v.party} {v.provision}: {' and '.join(side.holders)}: {_side(side.verdict)} ({side.name})"
                )

    if wrong:
        raise DetenteError(wrong.reason)


def _side(verdict: object) -> str:
    from detente.treaty.explain import summary

    return summary(verdict)  # type: ignore[arg-type]
