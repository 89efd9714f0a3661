"""Judge an instrument's limits on a day, by what its parties declared or by your own inventory."""

from __future__ import annotations

from typing import Annotated

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
from detente.cli._show import AsOfFlag, JsonFlag, KnownFlag, show_drivers, show_json, show_table

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
    draws: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Draw the rows this often: chances, not only ranges.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    drivers: Annotated[
        bool,
        typer.Option("--drivers", help="What makes a limit kept or not; draws 20,000 times unless told."),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Judge every limit for every party. The exit code is 0 whatever the verdicts, 2 where rows contradict."""
    from detente.assess.compliance import assess_law, drawn, driven, from_file
    from detente.errors import DetenteError

    loaded = instrument(source, patch)
    when = clocks(as_of, known)
    rows = from_file(inventory, loaded, complete=complete) if inventory else None
    by_chance = None
    if draws or drivers:
        if rows is None:
            raise DetenteError("a declaration is exact: there is nothing to draw", fix="give --inventory")
        by_chance = drawn(rows, n=draws or 20_000, seed=seed)
    found = assess_law(loaded, when, viewpoint, by_chance or rows)
    causes = driven(loaded, found, by_chance) if drivers and by_chance is not None else None
    wrong = next((v for v in found.verdicts if v.outcome == "error"), None)
    if json:
        show_json(found if causes is None else {"assessment": found, "drivers": causes, "seed": seed})
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

    if causes is not None:
        what = [
            (f"{c.party} {c.provision.removeprefix('limits/')}, P(kept) {c.p_met:.1%}", c.inputs)
            for c in causes
        ]
        show_drivers("what drives whether a limit is kept", what, seed=seed)
    if wrong:
        raise DetenteError(wrong.reason)


def _side(verdict: object) -> str:
    from detente.treaty.explain import summary

    return summary(verdict)  # type: ignore[arg-type]
