"""One event of a bulletin: look at why it is what it is, correct it, compute it anew."""

from __future__ import annotations

import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._bulletin_print import print_arrival, print_bulletin, print_event
from detente.cli._monitor_process import BulletinFile, Stations, seconds
from detente.cli._show import JsonFlag, show_json

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin, Event
    from detente.monitor.chain.files import Data

app = typer.Typer()


@app.command()
def show(
    bulletin: Annotated[
        Path,
        typer.Argument(
            metavar="BULLETIN", help="Of `process`, or any of JSON, store, QuakeML, IMS1.0, CSS3.0."
        ),
    ],
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="An event of the bulletin; none lists them.")
    ] = "",
    arrival: Annotated[
        str, typer.Option(help="All that is known of one arrival: beam, band, errors, reasons.")
    ] = "",
    waveforms: Annotated[list[Path] | None, typer.Option(help="If the data have moved.")] = None,
    stations: Stations = None,
    out: Annotated[Path | None, typer.Option(help="Also draw the event's sheet into this folder.")] = None,
    json: JsonFlag = False,
) -> None:
    """Why an event is what it is: every pick, residual, station magnitude, criterion and change."""
    from detente.monitor.bulletin.formats import read_any
    from detente.monitor.chain.edit import find_event

    held = read_any(bulletin)
    if arrival:
        print_arrival(held, arrival, json=json)
        return
    if not event:
        show_json(held) if json else print_bulletin(held)
        return
    found = find_event(held, event)
    show_json(found) if json else print_event(held, found)
    if out is not None:
        paths = _sheet(held, found, bulletin, waveforms, stations, out)
        for path in paths:
            typer.echo(f"wrote {path}", err=True)


@app.command()
def edit(
    bulletin: BulletinFile,
    event: Annotated[str, typer.Option(help="The event to correct.")],
    who: Annotated[str, typer.Option(help="Who makes the change.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    arrival: Annotated[str, typer.Option(help="The arrival to change.")] = "",
    station: Annotated[str, typer.Option(help="Pick anew at this station (--time), or leave it out.")] = "",
    time: Annotated[str, typer.Option(help="The pick's time, UTC.")] = "",
    sd: Annotated[float, typer.Option(help="How well it is read, s.")] = 0.3,
    phase: Annotated[str, typer.Option(help="Its phase.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it out of the event.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Take it into the event.")] = False,
    exclude: Annotated[bool, typer.Option("--exclude", help="Leave the station out of the event.")] = False,
    include: Annotated[bool, typer.Option("--include", help="Take the station in again.")] = False,
    depth: Annotated[float | None, typer.Option(help="Fix the event's depth, km.")] = None,
    waveforms: Annotated[list[Path] | None, typer.Option(help="If the data have moved.")] = None,
    stations: Stations = None,
    out: Annotated[Path | None, typer.Option(help="Write here instead of over BULLETIN.")] = None,
) -> None:
    """Correct a pick, a station or the depth; location, magnitudes, screening and yield follow, all is kept."""
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.edit import Edit, apply, keep
    from detente.monitor.chain.files import read_bulletin, store_beside, write_bulletin
    from detente.monitor.chain.process import settings_of

    held = read_bulletin(bulletin)
    data = data_behind(held, bulletin, waveforms, stations)
    wanted = Edit(
        event=event,
        who=who,
        when=clock.time(),
        reason=reason,
        arrival=arrival,
        station=station,
        time=seconds(time) if time else None,
        phase=phase,
        remove=remove,
        add=add,
        exclude=exclude,
        include=include,
        depth_km=depth,
        sd=sd,
    )
    changed, change = apply(
        held, wanted, data.recording, data.arrays, data.responses, settings=settings_of(held)
    )
    if store_beside(bulletin).is_file():
        with Store(store_beside(bulletin), create=False) as store:
            keep(store, held, changed, wanted)
    write_bulletin(out or bulletin, changed)
    typer.echo(f"{change.what}: {change.before} -> {change.after}")
    print_event(changed, next(e for e in changed.events if e.id == event))


def data_behind(
    held: Bulletin, file: Path, waveforms: list[Path] | None, stations: list[Path] | None
) -> Data:
    """What a bulletin was made from, or the waveforms that are named, less what was masked."""
    from detente.monitor.chain.files import data_of, masks_of, read_data

    folder = file.parent
    return (
        read_data(waveforms, stations or [], masks_of(held, folder)) if waveforms else data_of(held, folder)
    )


def _sheet(
    held: Bulletin,
    event: Event,
    file: Path,
    waveforms: list[Path] | None,
    stations: list[Path] | None,
    out: Path,
) -> list[Path]:
    """The event's sheet: whole, or, where no waveforms are named or at hand, what the bulletin alone allows."""
    from detente.errors import DetenteError
    from detente.monitor.sheets.event import write_bulletin_sheet, write_event_sheet

    try:
        data = data_behind(held, file, waveforms, stations)
    except DetenteError as bad:
        if waveforms:
            raise
        typer.echo(f"{bad.what}: the sheet shows what the bulletin alone allows", err=True)
        return write_bulletin_sheet(held, event, out)
    return write_event_sheet(held, event, data.recording, data.arrays, out)
