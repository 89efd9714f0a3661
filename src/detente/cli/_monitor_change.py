"""An analyst's changes beside `edit`: an f-k taken into an arrival, the last change taken back."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import Annotated

import typer

from detente.cli._monitor_process import BulletinFile, Stations

app = typer.Typer()

EventName = Annotated[str, typer.Option(help="The event.")]
Who = Annotated[str, typer.Option(help="Who makes the change.")]
Reason = Annotated[str, typer.Option(help="Why.")]


@app.command()
def undo(
    bulletin: BulletinFile,
    event: EventName,
    who: Who,
    reason: Reason,
    redo: Annotated[bool, typer.Option("--redo", help="Do the last undone change again.")] = False,
) -> None:
    """Take the last change of an event back, whole; the history keeps the change and its undoing."""
    from detente.cli._bulletin_print import print_event
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.edit import find_event
    from detente.monitor.chain.files import read_bulletin, store_beside, write_bulletin
    from detente.monitor.chain.undo import revert

    held = read_bulletin(bulletin)
    with Store(store_beside(bulletin), create=False) as store:
        way = "redo" if redo else "undo"
        changed, change = revert(held, store, event, way, who=who, reason=reason, when=clock.time())  # type: ignore[arg-type]
        write_bulletin(bulletin, changed)
    typer.echo(f"{change.what}: {change.before} -> {change.after}")
    print_event(changed, find_event(changed, event))


@app.command()
def accept(
    bulletin: BulletinFile,
    event: EventName,
    arrival: Annotated[str, typer.Option(help="The arrival at an array.")],
    who: Who = "",
    reason: Reason = "",
    lead: Annotated[float, typer.Option(help="The window begins so long before the onset, s.")] = 0.5,
    seconds: Annotated[float, typer.Option(help="Length of the window, s.")] = 4.0,
    low: Annotated[float | None, typer.Option(help="Lower edge, Hz; else the phase's filter.")] = None,
    high: Annotated[float | None, typer.Option(help="Upper edge, Hz; else the phase's filter.")] = None,
    look: Annotated[
        bool, typer.Option("--look", help="Show the f-k beside what is predicted; change nothing.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Write the polar plot here (png, svg or pdf).")] = None,
    waveforms: Annotated[list[Path] | None, typer.Option(help="If the data have moved.")] = None,
    stations: Stations = None,
) -> None:
    """F-k at an arrival, taken as its back-azimuth and slowness; location and all that follows are done anew."""
    from detente.cli._bulletin_print import print_event
    from detente.cli._monitor_event import data_behind
    from detente.cli._show import show_table
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.edit import Edit, apply, find_event, keep
    from detente.monitor.chain.files import read_bulletin, store_beside, write_bulletin
    from detente.monitor.chain.process import settings_of
    from detente.monitor.network.event_fk import fk_at

    held = read_bulletin(bulletin)
    data = data_behind(held, bulletin, waveforms, stations)
    band = (low, high) if low is not None and high is not None else None
    found = fk_at(held, find_event(held, event), arrival, data.recording, data.arrays, lead, seconds, band)
    seen, wanted = found.seen, found.predicted
    numbers = [f"{v:.{n}f}" for v, n in zip(found.fk, (1, 1, 4, 4), strict=True)]
    quality = (f"{seen.semblance:.2f}", f"{seen.f_statistic:.1f}", seen.channels)
    rows = [
        ("f-k, bias taken off" if found.bias_known else "f-k", *numbers, *quality),
        ("predicted", f"{wanted.backazimuth_deg:.1f}", "", f"{wanted.slowness_s_km:.4f}", "", "", "", ""),
    ]
    columns = ("", "back-azimuth", "sd", "slowness s/km", "sd", "semblance", "F", "sensors")
    show_table(f"{arrival}, {seen.band_hz[0]:g}-{seen.band_hz[1]:g} Hz", columns, rows)
    if plot is not None:
        from detente.drawing import save
        from detente.monitor.signals.picture import fk_figure

        save(fk_figure(seen, predicted=(wanted.backazimuth_deg, wanted.slowness_s_km)), plot)
        typer.echo(f"wrote {plot}", err=True)
    if look:
        return
    wish = Edit(event=event, who=who, when=clock.time(), reason=reason, arrival=arrival, fk=found.fk)
    changed, change = apply(
        held, wish, data.recording, data.arrays, data.responses, settings=settings_of(held)
    )
    if store_beside(bulletin).is_file():
        with Store(store_beside(bulletin), create=False) as store:
            keep(store, held, changed, wish)
    write_bulletin(bulletin, changed)
    typer.echo(f"{change.what}: {change.before} -> {change.after}")
    print_event(changed, find_event(changed, event))
