"""Arrivals to phase names, station by station, before any event is known."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli._monitor_locate import ArrivalsFile
from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer()


@app.command()
def identify(
    arrivals: ArrivalsFile,
    earlier: Annotated[
        float, typer.Option(help="How far back a P may lie that leads a shear wave, s.")
    ] = 1200.0,
    json: JsonFlag = False,
) -> None:
    """Say what each arrival may be, from what its own station measured alone."""
    from detente.monitor.network.arrivals_csv import read_arrivals
    from detente.monitor.network.identify import read_station

    seen = read_arrivals(arrivals)
    readings = read_station(seen, earlier_s=earlier)
    if json:
        show_json({a.id: r for a, r in zip(seen, readings, strict=True)})
        return
    show_table(
        f"{len(seen)} arrivals, each by its own station; association names phases by the whole event",
        ("arrival", "station", "likeliest", "next", "led by"),
        [
            (a.id, a.station, *(f"{k} {r.probability[k]:.2f}" for k in r.ranked[:2]), r.after)
            for a, r in zip(seen, readings, strict=True)
        ],
    )
