"""The whole chain on files: a bulletin with its reasons; or magnitudes and screening of an origin that is given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._bulletin_print import print_bulletin, print_magnitudes, print_screening
from detente.cli._show import JsonFlag, show_json

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin, Event
    from detente.monitor.chain.files import Data
    from detente.monitor.character.station_terms import Term

app = typer.Typer()

Waveforms = Annotated[
    list[Path], typer.Argument(metavar="FILES", help="Waveform files or folders, any format.")
]
Stations = Annotated[
    list[Path] | None,
    typer.Option(help="StationXML, SAC pole-zero files or tables of places; repeatable. Else from FILES."),
]
BulletinFile = Annotated[Path, typer.Argument(metavar="BULLETIN", help="A bulletin.json of `process`.")]
At = Annotated[
    str, typer.Option(metavar="TIME,LAT,LON[,DEPTH]", help="The origin: UTC time, degrees, depth in km.")
]
StationTerms = Annotated[
    Path | None, typer.Option("--station-terms", metavar="FILE", help="Station terms to take off magnitudes.")
]
Masks = Annotated[
    list[Path] | None,
    typer.Option(help="Tables of stretches to leave out, as `monitor mask` writes them; repeatable."),
]
Prior = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="Probability of an explosion before any record.")
]


@app.command()
def process(
    files: Waveforms,
    stations: Stations = None,
    out: Annotated[Path, typer.Option(help="Folder for bulletin.json and the sheets.")] = Path("out/monitor"),
    prior: Prior = 0.5,
    station_terms: StationTerms = None,
    masks: Masks = None,
    seed: Annotated[int, typer.Option(help="Seed of the yields' draws.")] = 1,
    sheets: Annotated[bool, typer.Option(help="Draw a sheet of each event, the day and the network.")] = True,
    json: JsonFlag = False,
) -> None:
    """Detect, associate, locate, measure, screen and size everything in FILES."""
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.files import inputs, read_data, store_beside, write_bulletin
    from detente.monitor.chain.process import Settings
    from detente.monitor.chain.process import process as run

    stations, masks = stations or [], masks or []
    data = read_data(files, stations, masks)
    made = run(
        data.recording,
        data.arrays,
        data.responses,
        settings=Settings(prior=prior, seed=seed, terms=_terms(station_terms)),
        inputs=inputs(*([p.resolve() for p in paths] for paths in (files, stations, masks))),
        tell=_tell if sys.stderr.isatty() else None,
    )
    write_bulletin(out / "bulletin.json", made)
    with Store(store_beside(out / "bulletin.json")) as store:
        store.put(made)
    if sheets:
        _draw(made, data, out)
    show_json(made) if json else print_bulletin(made)
    typer.echo(f"wrote {out / 'bulletin.json'}", err=True)


@app.command()
def magnitude(
    files: Waveforms,
    at: At,
    stations: Stations = None,
    station_terms: StationTerms = None,
    masks: Masks = None,
    json: JsonFlag = False,
) -> None:
    """Magnitudes of an origin that is given, from the records."""
    from detente.monitor.chain.files import read_data
    from detente.monitor.character.magnitudes import measure

    data = read_data(files, stations or [], masks or [])
    terms = _terms(station_terms)
    found = measure(given_origin(at), data.recording, data.responses, data.arrays, terms=terms)
    show_json([*found.magnitudes, *found.limits]) if json else print_magnitudes(found)


@app.command()
def screen(
    files: Waveforms,
    at: At,
    stations: Stations = None,
    prior: Prior = 0.5,
    station_terms: StationTerms = None,
    masks: Masks = None,
    json: JsonFlag = False,
) -> None:
    """Screen an origin that is given: explosion, earthquake, or no answer, and the yield if it may be one."""
    from detente.monitor.chain.files import read_data
    from detente.monitor.character.magnitudes import measure
    from detente.monitor.character.screen import screen as run
    from detente.monitor.character.yields import estimate

    data = read_data(files, stations or [], masks or [])
    terms = _terms(station_terms)
    found = measure(given_origin(at), data.recording, data.responses, data.arrays, terms=terms)
    found = estimate(run(found, data.recording, data.arrays, prior=prior))
    if json:
        show_json(found)
        return
    print_magnitudes(found)
    print_screening(found)


def _tell(step: str, done: int, of: int) -> None:
    typer.echo(f"\r{step} {done + 1}/{of}   ", nl=False, err=True)


def _terms(path: Path | None) -> tuple[Term, ...]:
    from detente.monitor.character.station_terms import read_terms

    return () if path is None else read_terms(path)


def seconds(text: str) -> float:
    from datetime import UTC, datetime

    from detente.errors import DetenteError

    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise DetenteError(f"'{text}' is no time", fix="write 2017-09-03T03:30:01.6") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def given_origin(text: str) -> Event:
    from detente.errors import DetenteError
    from detente.monitor.bulletin.records import Event, Origin
    from detente.monitor.geo import check_place

    parts = text.split(",")
    try:
        lat, lon = float(parts[1]), float(parts[2])
        depth = float(parts[3]) if len(parts) > 3 else 0.0
    except (IndexError, ValueError):
        raise DetenteError(f"'{text}' is no origin", fix="write TIME,LAT,LON or TIME,LAT,LON,DEPTH") from None
    check_place(lat, lon, where="--at")
    origin = Origin(
        id="given", time=seconds(parts[0]), lat=lat, lon=lon, time_sd=0.0, depth_km=depth, method="given"
    )
    return Event(id="given", origins=(origin,))


def _draw(made: Bulletin, data: Data, out: Path) -> None:
    from detente.monitor.sheets.day import write_day, write_health
    from detente.monitor.sheets.event import write_event_sheet

    written = [write_day(made, out), write_health(made, data.recording, data.arrays, out)]
    for event in made.events:
        written += write_event_sheet(made, event, data.recording, data.arrays, out)
    for path in written:
        typer.echo(f"wrote {path}", err=True)
