"""Arrivals to events: associate, locate, relocate, and a whole archive day by day."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli._monitor_process import Masks
from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Arrival, Event, Origin

app = typer.Typer()

ArrivalsFile = Annotated[
    Path,
    typer.Argument(
        metavar="ARRIVALS",
        help="CSV of station, time, and what else was measured; or a bulletin of any format, BULLETIN#EVENT.",
    ),
]
Stations = Annotated[
    list[Path] | None, typer.Option(help="StationXML or tables of places; repeatable. The IMS if left out.")
]
CorrectionsFile = Annotated[
    Path | None, typer.Option(help="CSV of station, phase, shift_s, sd_s: paths known from master events.")
]
Depth = Annotated[
    float | None, typer.Option(help="Fix the depth, km; else it is found if the data resolve it.")
]


@app.command()
def associate(
    arrivals: ArrivalsFile,
    stations: Stations = None,
    corrections: CorrectionsFile = None,
    least_score: Annotated[float, typer.Option(help="Natural log of the odds an event must reach.")] = 3.0,
    rate: Annotated[float, typer.Option(help="Events a day to expect beforehand, over the globe.")] = 100.0,
    out: Annotated[Path | None, typer.Option(help="Write a bulletin.json here.")] = None,
    json: JsonFlag = False,
) -> None:
    """Find the events among a network's arrivals."""
    from detente.monitor.bulletin.records import Bulletin
    from detente.monitor.network.arrivals_csv import read_arrivals
    from detente.monitor.network.associate import Settings
    from detente.monitor.network.associate import associate as run
    from detente.monitor.network.observed import read_corrections

    seen = read_arrivals(arrivals)
    paths = read_corrections(corrections) if corrections else None
    chosen = Settings(least_score=least_score, events_a_day=rate)
    places = _sites(stations)
    placed, faults = _placed(seen, places)
    events = run(placed, places, settings=chosen, corrections=paths)
    if out is not None:
        from detente.files import write_whole
        from detente.monitor.bulletin.tables import write_json

        times = [a.time for a in seen]
        made = Bulletin(start=min(times), end=max(times), arrivals=seen, events=events, faults=faults)
        write_whole(out, write_json(made))
        typer.echo(f"wrote {out}", err=True)
    if json:
        show_json(events)
        return
    used = sum(len(e.origin.used) for e in events)
    show_table(
        f"{len(events)} events from {used} of {len(seen)} arrivals",
        ("time", "lat", "lon", "depth km", "ellipse km", "phases", "missed", "log odds"),
        [_event_row(e) for e in events],
    )


def _placed(
    seen: Sequence[Arrival], places: Mapping[str, Any]
) -> tuple[tuple[Arrival, ...], tuple[str, ...]]:
    """The arrivals at stations of known place; of each other station a fault, told. Raises if none is left."""
    from collections import Counter

    from detente.errors import DetenteError, nearest

    lost = Counter(a.station for a in seen if a.station not in places)
    faults = tuple(
        f"{code}: no site: place unknown, {n} arrivals left out" for code, n in sorted(lost.items())
    )
    if sum(lost.values()) == len(seen):
        first = min(lost)
        raise DetenteError(f"no place for station '{first}', nor for any other", fix=nearest(first, places))
    for fault in faults:
        typer.echo(fault, err=True)
    return tuple(a for a in seen if a.station in places), faults


def _event_row(event: Event) -> Sequence[object]:
    o = event.origin
    return (
        _utc(o.time), f"{o.lat:.3f}", f"{o.lon:.3f}", _depth(o), _ellipse(o), len(o.used), len(o.missed),
        f"{event.score or 0:.1f}",
    )  # fmt: skip


@app.command()
def locate(
    arrivals: ArrivalsFile,
    stations: Stations = None,
    corrections: CorrectionsFile = None,
    depth: Depth = None,
    confidence: Annotated[float, typer.Option(help="Of the ellipse and the depth's interval.")] = 0.9,
    earth: Annotated[str, typer.Option(help="ak135 or iasp91.")] = "ak135",
    json: JsonFlag = False,
) -> None:
    """Locate one event: every arrival of the file belongs to it, named by its phase."""
    from detente.monitor.network.arrivals_csv import read_arrivals
    from detente.monitor.network.locate import Settings
    from detente.monitor.network.locate import locate as run
    from detente.monitor.network.observed import read_corrections

    origin = run(
        read_arrivals(arrivals),
        _sites(stations),
        settings=Settings(depth_km=depth, confidence=confidence, earth=earth),
        corrections=read_corrections(corrections) if corrections else None,
    )
    if json:
        show_json(origin)
        return
    print(
        f"{_utc(origin.time)} +- {origin.time_sd:.1f} s  {origin.lat:.4f} {origin.lon:.4f}  depth {_depth(origin)} km"
    )
    print(f"{origin.confidence:.0%} ellipse {_ellipse(origin)}")
    show_table(
        "arrivals",
        ("station", "phase", "distance", "azimuth", "time s", "backazimuth", "slowness s/km", "shaped it"),
        [
            (u.station, u.phase, f"{u.distance_deg:.2f}", f"{u.azimuth_deg:.0f}", _signed(u.time_residual_s, 2),
             _signed(u.backazimuth_residual_deg, 1), _signed(u.slowness_residual_s_km, 4), u.defining)
            for u in origin.used
        ],
    )  # fmt: skip


@app.command()
def relocate(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="event1, event2, time1, time2, station, phase, cc.")
    ],
    at: Annotated[str, typer.Option(metavar="LAT,LON", help="Where the mean of the events is held.")],
    stations: Stations = None,
    slowness: Annotated[
        Path | None, typer.Option(help="Text of station, phase, ..., east, north in s/km; else from ak135.")
    ] = None,
    confidence: Annotated[float, typer.Option(help="Of the ellipses.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 1,
    json: JsonFlag = False,
) -> None:
    """Locate events relative to each other, to tens of metres, from times that correlation gave."""
    from detente.errors import DetenteError
    from detente.monitor.network import relocate as room

    try:
        lat, lon = (float(v) for v in at.split(","))
    except ValueError:
        raise DetenteError(f"'{at}' is no place", fix="write --at LAT,LON in degrees") from None
    lags = room.read_lags(table)
    vectors = (
        room.read_slownesses(slowness) if slowness else room.slownesses(lags, _sites(stations), lat, lon)
    )
    found = room.relocate(lags, vectors, lat, lon, confidence=confidence, seed=seed)
    if json:
        show_json(found)
        return
    show_table(
        f"{found.lags} lags at {found.stations} stations and phases, scale {1000 * found.scale_s:.0f} ms, seed {seed}",
        ("event", "east km", "north km", "lat", "lon", f"{confidence:.0%} ellipse km", "lags"),
        [
            (e.event, f"{e.east_km:+.3f}", f"{e.north_km:+.3f}", f"{e.lat:.4f}", f"{e.lon:.4f}",
             f"{e.semi_major_km:.3f} x {e.semi_minor_km:.3f}, {e.strike_deg:.0f} deg", e.lags)
            for e in found.events
        ],
    )  # fmt: skip


@app.command()
def archive(
    sds: Annotated[Path, typer.Option(help="The SDS archive.")],
    stations: Annotated[list[Path], typer.Option(help="StationXML or tables of places; repeatable.")],
    start: Annotated[str, typer.Option(metavar="DATE", help="First day, UTC.")],
    end: Annotated[str, typer.Option(metavar="DATE", help="The day after the last, UTC.")],
    out: Annotated[Path, typer.Option(help="Folder for a bulletin a day and the manifest.")],
    select: Annotated[list[str] | None, typer.Option(help="Channels, NET.STA.LOC.CHA with * and ?.")] = None,
    masks: Masks = None,
    workers: Annotated[str, typer.Option(metavar="tcp://...", help="A dask scheduler's address.")] = "",
    json: JsonFlag = False,
) -> None:
    """Every day of an archive through the whole chain; a run that was cut off goes on where it was."""
    from detente.monitor.bulletin.times import from_iso
    from detente.monitor.chain.archive import Job, run_archive

    job = Job(
        sds=str(sds.resolve()), stations=tuple(str(p.resolve()) for p in stations), out=str(out.resolve()),
        select=tuple(select or ("*",)), masks=tuple(str(p.resolve()) for p in masks or []),
    )  # fmt: skip
    client = _client(workers) if workers else None
    try:
        made = run_archive(job, from_iso(start), from_iso(end), client=client, tell=_tell)
    finally:
        if client is not None:
            client.close()
    if json:
        show_json(made)
        return
    show_table("days", ("day", "bulletin's SHA-256"), [(d, s[:16]) for d, s in made.days.items()])


def _client(address: str) -> Any:
    from distributed import Client

    from detente.errors import DetenteError

    try:
        return Client(address, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as bad:
        raise DetenteError(f"no dask scheduler: {bad}", where=address) from None


def _tell(day: str, done: int, many: int) -> None:
    print(f"{done} of {many} days {day}".rstrip(), file=sys.stderr, flush=True)


def _sites(stations: list[Path] | None) -> Mapping[str, Any]:
    from detente.monitor.waves.sites import ims_arrays, load

    return load(stations) if stations else ims_arrays()


def _utc(time: float) -> str:
    from detente.monitor.bulletin.times import moment

    return f"{moment(time, 1):%Y-%m-%d %H:%M:%S}.{int(round(time % 1, 1) * 10) % 10}"


def _depth(o: Origin) -> str:
    interval = "" if o.depth_low_km is None else f" ({o.depth_low_km:.0f}-{o.depth_high_km:.0f})"
    return f"{o.depth_km:.0f} {o.depth}{interval}"


def _ellipse(o: Origin) -> str:
    return f"{o.semi_major_km:.1f} x {o.semi_minor_km:.1f} km, {o.strike_deg:.0f} deg"


def _signed(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:+.{digits}f}"
