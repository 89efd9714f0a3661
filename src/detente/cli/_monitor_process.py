"""The whole chain on files: a bulletin with its reasons; look at an event, correct it, or take one step alone."""

from __future__ import annotations

import sys
import time as clock
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin, Event, StationMagnitude
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
    show_json(made) if json else _print(made)
    typer.echo(f"wrote {out / 'bulletin.json'}", err=True)


@app.command()
def show(
    bulletin: BulletinFile,
    event: Annotated[
        str, typer.Argument(metavar="EVENT", help="An event of the bulletin; none lists them.")
    ] = "",
    waveforms: Annotated[list[Path] | None, typer.Option(help="If the data have moved.")] = None,
    stations: Stations = None,
    out: Annotated[Path | None, typer.Option(help="Also draw the event's sheet into this folder.")] = None,
    json: JsonFlag = False,
) -> None:
    """Why an event is what it is: every pick, residual, station magnitude, criterion and change."""
    from detente.monitor.chain.edit import find_event
    from detente.monitor.chain.files import read_bulletin

    held = read_bulletin(bulletin)
    if not event:
        show_json(held) if json else _print(held)
        return
    found = find_event(held, event)
    show_json(found) if json else _print_event(held, found)
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
    time: Annotated[str, typer.Option(help="Its new time, UTC.")] = "",
    phase: Annotated[str, typer.Option(help="Its new phase.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take it out of the event.")] = False,
    add: Annotated[bool, typer.Option("--add", help="Take it into the event.")] = False,
    depth: Annotated[float | None, typer.Option(help="Fix the event's depth, km.")] = None,
    waveforms: Annotated[list[Path] | None, typer.Option(help="If the data have moved.")] = None,
    stations: Stations = None,
    out: Annotated[Path | None, typer.Option(help="Write here instead of over BULLETIN.")] = None,
) -> None:
    """Correct one arrival or the depth; location, magnitudes, screening and yield follow, the change is kept."""
    from detente.monitor.bulletin.store import Store
    from detente.monitor.chain.edit import Edit, apply, keep
    from detente.monitor.chain.files import read_bulletin, store_beside, write_bulletin
    from detente.monitor.chain.process import settings_of

    held = read_bulletin(bulletin)
    data = _data(held, bulletin, waveforms, stations)
    wanted = Edit(
        event=event,
        who=who,
        when=clock.time(),
        reason=reason,
        arrival=arrival,
        time=_seconds(time) if time else None,
        phase=phase,
        remove=remove,
        add=add,
        depth_km=depth,
    )
    changed, change = apply(
        held, wanted, data.recording, data.arrays, data.responses, settings=settings_of(held)
    )
    if store_beside(bulletin).is_file():
        with Store(store_beside(bulletin), create=False) as store:
            keep(store, changed, wanted)
    write_bulletin(out or bulletin, changed)
    typer.echo(f"{change.what}: {change.before} -> {change.after}")
    _print_event(changed, next(e for e in changed.events if e.id == event))


@app.command()
def magnitude(
    files: Waveforms,
    at: At,
    stations: Stations = None,
    station_terms: StationTerms = None,
    json: JsonFlag = False,
) -> None:
    """Magnitudes of an origin that is given, from the records."""
    from detente.monitor.chain.files import read_data
    from detente.monitor.character.magnitudes import measure

    data = read_data(files, stations or [])
    terms = _terms(station_terms)
    found = measure(_origin(at), data.recording, data.responses, data.arrays, terms=terms)
    show_json([*found.magnitudes, *found.limits]) if json else _print_magnitudes(found)


@app.command()
def screen(
    files: Waveforms,
    at: At,
    stations: Stations = None,
    prior: Prior = 0.5,
    station_terms: StationTerms = None,
    json: JsonFlag = False,
) -> None:
    """Screen an origin that is given: explosion, earthquake, or no answer, and the yield if it may be one."""
    from detente.monitor.chain.files import read_data
    from detente.monitor.character.magnitudes import measure
    from detente.monitor.character.screen import screen as run
    from detente.monitor.character.yields import estimate

    data = read_data(files, stations or [])
    terms = _terms(station_terms)
    found = measure(_origin(at), data.recording, data.responses, data.arrays, terms=terms)
    found = estimate(run(found, data.recording, data.arrays, prior=prior))
    if json:
        show_json(found)
        return
    _print_magnitudes(found)
    _print_screening(found)


def _tell(step: str, done: int, of: int) -> None:
    typer.echo(f"\r{step} {done + 1}/{of}   ", nl=False, err=True)


def _terms(path: Path | None) -> tuple[Term, ...]:
    from detente.monitor.character.station_terms import read_terms

    return () if path is None else read_terms(path)


def _seconds(text: str) -> float:
    from datetime import UTC, datetime

    from detente.errors import DetenteError

    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise DetenteError(f"'{text}' is no time", fix="write 2017-09-03T03:30:01.6") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _origin(text: str) -> Event:
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
        id="given", time=_seconds(parts[0]), lat=lat, lon=lon, time_sd=0.0, depth_km=depth, method="given"
    )
    return Event(id="given", origins=(origin,))


def _data(held: Bulletin, file: Path, waveforms: list[Path] | None, stations: list[Path] | None) -> Data:
    from detente.monitor.chain.files import data_of, read_data

    return read_data(waveforms, stations or []) if waveforms else data_of(held, file.parent)


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
        data = _data(held, file, waveforms, stations)
    except DetenteError as bad:
        if waveforms:
            raise
        typer.echo(f"{bad.what}: the sheet shows what the bulletin alone allows", err=True)
        return write_bulletin_sheet(held, event, out)
    return write_event_sheet(held, event, data.recording, data.arrays, out)


def _draw(made: Bulletin, data: Data, out: Path) -> None:
    from detente.monitor.sheets.day import write_day, write_health
    from detente.monitor.sheets.event import write_event_sheet

    written = [write_day(made, out), write_health(made, data.recording, data.arrays, out)]
    for event in made.events:
        written += write_event_sheet(made, event, data.recording, data.arrays, out)
    for path in written:
        typer.echo(f"wrote {path}", err=True)


def _stamp(time: float) -> str:
    from detente.monitor.chain.edit import stamp

    return stamp(time)[:-5] + "Z"


def _kt(value: float) -> str:
    """Two figures, no powers of ten."""
    return f"{float(f'{value:.2g}'):.10g}"


def _print(made: Bulletin) -> None:
    from detente.monitor.character.magnitudes import body_wave

    typer.echo(
        f"{_stamp(made.start)} to {_stamp(made.end)}: {len(made.stations)} stations,"
        f" {len(made.arrivals)} arrivals, {len(made.events)} events, {len(made.faults)} faults\n"
    )
    rows: list[tuple[Any, ...]] = []
    for e in made.events:
        mb, s, o = body_wave(e), e.screening, e.origin
        kt = next((y for y in e.yields if y.assumption == "coupled"), None)
        ellipse = "" if o.semi_major_km is None else f"{o.semi_major_km:.0f} x {o.semi_minor_km or 0:.0f}"
        rows.append((
            e.id, _stamp(o.time), f"{o.lat:.2f}", f"{o.lon:.2f}", f"{o.depth_km:.0f} {o.depth}", ellipse,
            len({u.station for u in o.used}),
            "" if mb is None else f"{mb.kind} {mb.value:.2f} +- {mb.sd:.2f}",
            "" if s is None else s.verdict,
            "" if s is None or s.p_explosion is None else f"{s.p_explosion:.3f}",
            "" if kt is None else f"{_kt(kt.median_kt)} ({_kt(kt.low_kt)} to {_kt(kt.high_kt)})",
        ))  # fmt: skip
    show_table(
        "Events",
        ("event", "UTC", "lat", "lon", "depth km", "90 % km", "stations", "magnitude", "screening",
         "P(explosion)", "kt if coupled (90 %)"),
        rows,
    )  # fmt: skip


def _print_event(held: Bulletin, e: Event) -> None:
    o = e.origin
    typer.echo(
        f"{e.id}: {_stamp(o.time)} +- {o.time_sd:.1f} s, {o.lat:.3f} N {o.lon:.3f} E, depth {o.depth_km:g} km"
        f" ({o.depth}), by {o.by}; {o.method}\n"
    )
    by_id = {a.id: a for a in held.arrivals}
    rows = []
    for u in sorted(o.used, key=lambda u: u.distance_deg):
        a = by_id.get(u.arrival)
        snr = "" if a is None or a.snr is None else f"{a.snr:.1f}"
        residuals = [
            "" if v is None else f"{v:+.{n}f}"
            for v, n in (
                (u.time_residual_s, 2), (u.backazimuth_residual_deg, 0), (u.slowness_residual_s_km, 3)
            )
        ]  # fmt: skip
        when = "" if a is None else _stamp(a.time)
        rows.append((u.station, u.phase, when, f"{u.distance_deg:.2f}", f"{u.azimuth_deg:.0f}", *residuals,
                     u.defining, snr, u.arrival))  # fmt: skip
    show_table(
        "Arrivals",
        (
            "station",
            "phase",
            "UTC",
            "degrees",
            "azimuth",
            "s",
            "back-azimuth",
            "s/km",
            "used",
            "snr",
            "arrival",
        ),
        rows,
    )
    typer.echo()
    if o.missed:
        missed = [(m.station, m.phase, f"{m.p_detect:.2f}") for m in o.missed]
        show_table("Stations that should have seen it", ("station", "phase", "probability"), missed)
    _print_magnitudes(e)
    _print_screening(e)
    if e.changes:
        changes = [(_stamp(c.when), c.who, c.what, c.before, c.after, c.reason) for c in e.changes]
        show_table("Changes", ("UTC", "who", "what", "before", "after", "reason"), changes)


def _print_magnitudes(e: Event) -> None:
    rows = [
        (m.kind, f"{'<' if limit else ''}{m.value:.2f}", "" if limit else f"{m.sd:.2f}",
         " ".join(_station(s) for s in m.stations), m.method)
        for limit, several in ((False, e.magnitudes), (True, e.limits))
        for m in several
    ]  # fmt: skip
    show_table("Magnitudes", ("kind", "value", "sd", "stations", "method"), rows)


def _station(s: StationMagnitude) -> str:
    """A station's value, and the term that was taken off it."""
    term = "" if s.term is None else f" (term {s.term:+.2f})"
    return f"{s.station} {'<' if s.limit else ''}{s.value:.2f}{term}"


def _print_screening(e: Event) -> None:
    s = e.screening
    if s is not None:
        p = "" if s.p_explosion is None else f", P(explosion) {s.p_explosion:.3f} from a prior of {s.prior:g}"
        typer.echo(f"\n{s.verdict}{p}\n{s.why}\n")
        rows = [
            (c.name, "" if c.value is None else f"{c.value:.2f}", f"{c.log10_ratio:+.2f}", " ".join(c.stations),
             c.why) for c in s.criteria
        ]  # fmt: skip
        show_table("Screening", ("criterion", "value", "log10 ratio", "stations", "why"), rows)
    yields = [
        (y.assumption, _kt(y.median_kt), f"{_kt(y.low_kt)} to {_kt(y.high_kt)}", y.why) for y in e.yields
    ]
    if yields:
        show_table("Yield, kt", ("assumption", "median", "90 %", "why"), yields)
