"""Station terms of magnitudes from bulletins of many events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer()


@app.command("station-terms")
def station_terms(
    bulletins: Annotated[
        list[Path], typer.Argument(metavar="BULLETIN...", help="Bulletins (bulletin.json) of `process`.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Write the table here, for `process --station-terms`.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """What each station reads above or below the network, estimated from the events of BULLETINs."""
    from detente.errors import DetenteError
    from detente.monitor.chain.files import read_bulletin
    from detente.monitor.character.station_terms import estimate, write_terms

    events = [e for path in bulletins for e in read_bulletin(path).events]
    found = estimate(events)
    if not found:
        raise DetenteError(
            f"{len(events)} events give no station term",
            fix="two events with one kind of magnitude at two stations are the least",
        )
    if out is not None:
        write_terms(out, found)
        typer.echo(f"wrote {out}", err=True)
    if json:
        show_json(found)
        return
    rows = [
        (t.station, t.kind, f"{t.term:+.2f}", f"{t.sd:.2f}", f"{t.scatter:.2f}", t.readings, t.limits,
         f"{t.lat:.1f} {t.lon:.1f}", f"{t.reach_km:.0f}") for t in found
    ]  # fmt: skip
    show_table(
        "Station terms",
        ("station", "kind", "term", "sd", "scatter", "readings", "limits", "middle of events", "km"),
        rows,
    )
