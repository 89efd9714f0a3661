"""Show an instrument's counts against its limits through time, as a table and, with -o, as a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._law import InstrumentArg, ViewFlag, status_line, verdict_rows
from detente.cli._show import JsonFlag, KnownFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def history(
    source: InstrumentArg,
    known: KnownFlag = "",
    viewpoint: ViewFlag = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Write the figure here (.svg or .png).")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """One line a party, limit and day on which the law changed or a declaration was made."""
    from detente.asof import parse_day
    from detente.assess.compliance import history as through_time
    from detente.treaty import load

    loaded = load(source)
    found = through_time(loaded, parse_day(known) if known else None, viewpoint)
    if out:
        _draw(found, loaded, out)
    if json:
        show_json(found)
        return
    rows = [(str(c.as_of.law), *row) for c in found for row in verdict_rows(v for v in c.verdicts if v.facts)]
    show_table(
        f"{loaded.instrument.title}: counts against limits",
        ("day", "party", "limit", "outcome", "count", "bound", "margin", "why"),
        rows,
    )
    show_table(
        f"{loaded.instrument.title}: changes of the law",
        ("day", "status"),
        [(str(c.as_of.law), status_line(c.status)) for c in found if not any(v.facts for v in c.verdicts)],
    )


def _draw(found: object, loaded: object, out: Path) -> None:
    from detente.brief.figures import write_history

    write_history(found, loaded, out)  # type: ignore[arg-type]
