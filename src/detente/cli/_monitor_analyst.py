"""What an analyst asks beside the chain: what should come where, and does it come when one listens there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._monitor_process import Masks, Stations, Waveforms
from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin, Event
    from detente.monitor.waves.trace import Trace

app = typer.Typer()

At = Annotated[
    str,
    typer.Option(
        metavar="TIME,LAT,LON[,DEPTH] | BULLETIN#EVENT",
        help="The origin: UTC time, degrees, depth in km; or an event of a bulletin.",
    ),
]
Phases = Annotated[str, typer.Option(metavar="P,S,...", help="Phases to ask for.")]


@app.command()
def predict(
    at: At,
    stations: Annotated[
        list[Path] | None,
        typer.Option(help="StationXML or tables of places; repeatable. The seismic IMS if left out."),
    ] = None,
    phases: Phases = "P,Pn,Pg,S,Sn,Lg,PKP,pP,sP,PcP",
    json: JsonFlag = False,
) -> None:
    """When each phase of an origin comes to each station, from where and how fast; by distance."""
    from detente.monitor.network.predict import predict as run
    from detente.monitor.stations import network
    from detente.monitor.waves import sites

    seismic = {s.code for s in network(("primary", "auxiliary"))}
    ims = {code: place for code, place in sites.ims_arrays().items() if code in seismic}
    places = sites.load(stations) if stations else ims
    _, event = _event(at)
    found = run(event.origin, places, _names(phases))
    if json:
        show_json(found)
        return
    columns = ("station", "degrees", "phase", "UTC", "model sd s", "back-azimuth", "slowness s/km")
    show_table(f"{len(found)} phases", columns, [
        (p.station, f"{p.distance_deg:.2f}", p.phase, _utc(p.time), f"{p.time_sd:.1f}", f"{p.backazimuth_deg:.1f}",
         f"{p.slowness_s_km:.4f}") for p in found
    ])  # fmt: skip


@app.command()
def beam(
    files: Waveforms,
    at: At,
    stations: Stations = None,
    phases: Phases = "P",
    filters: Annotated[
        Path | None, typer.Option(help="CSV of phase, low_hz, high_hz, poles, source, quality over our list.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the beams here as miniSEED.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw them here by distance (png, svg or pdf).")] = None,
    masks: Masks = None,
    json: JsonFlag = False,
) -> None:
    """Event beams: each station's record steered to an origin's phases, in each phase's own band."""
    from detente.monitor.chain.files import masks_of, read_data
    from detente.monitor.network.event_beams import event_beams
    from detente.monitor.signals.phase_filters import filter_of
    from detente.monitor.signals.phase_filters import filters as listed

    held, event = _event(at)
    own = masks_of(held, Path(at.rpartition("#")[0]).parent) if held else []
    data = read_data(files, stations or [], [*(masks or []), *own])
    names, bands = _names(phases), listed(filters)
    for name in names:
        filter_of(name, bands)
    made = event_beams(data.recording, data.arrays, event.origin, bands, names)
    if out is not None:
        from detente.files import write_whole
        from detente.monitor.waves.miniseed import write_miniseed

        write_whole(out, write_miniseed([_named(b.trace, names, b.predicted.phase) for b in made]))
        typer.echo(f"wrote {out}", err=True)
    if plot is not None:
        from detente.drawing import save
        from detente.monitor.network.predict import predict as run
        from detente.monitor.sheets.beams import beam_figure

        codes = {b.predicted.station for b in made}
        near = run(event.origin, {c: data.arrays[c] for c in codes}) if codes else ()
        picks = [(a.station, a.time) for a in held.arrivals] if held else []
        save(beam_figure(event.origin, made, near, picks), plot)
        typer.echo(f"wrote {plot}", err=True)
    rows = [
        {
            "station": b.predicted.station, "phase": b.predicted.phase, "distance_deg": b.predicted.distance_deg,
            "time": b.predicted.time, "backazimuth_deg": b.predicted.backazimuth_deg,
            "slowness_s_km": b.predicted.slowness_s_km, "band_hz": b.band_hz, "sensors": b.sensors, "snr": b.snr,
            "single_snr": b.single_snr,
        } for b in made
    ]  # fmt: skip
    if json:
        show_json(rows)
        return
    columns = ("station", "phase", "degrees", "predicted UTC", "back-azimuth", "slowness s/km", "band Hz", "sensors",
               "SNR", "one sensor's SNR")  # fmt: skip
    show_table("Event beams", columns, [
        (b.predicted.station, b.predicted.phase, f"{b.predicted.distance_deg:.2f}", _utc(b.predicted.time),
         f"{b.predicted.backazimuth_deg:.1f}", f"{b.predicted.slowness_s_km:.4f}",
         f"{b.band_hz[0]:g}-{b.band_hz[1]:g}", b.sensors, _num(b.snr), _num(b.single_snr)) for b in made
    ])  # fmt: skip


def _named(trace: Trace, names: list[str], phase: str) -> Trace:
    """The beam with its phase's number in --phases as location code: miniSEED 2 has no room for its name."""
    from msgspec.structs import replace

    return replace(trace, location=f"{names.index(phase):02d}")


def _names(text: str) -> list[str]:
    from detente.monitor.network.phases import PHASES, index_of

    return list(dict.fromkeys(PHASES[index_of(p.strip())] for p in text.split(",") if p.strip()))


def _event(text: str) -> tuple[Bulletin | None, Event]:
    """An origin given in words, or an event of a bulletin with the bulletin."""
    from detente.cli._monitor_process import given_origin

    path, mark, event = text.rpartition("#")
    if not mark:
        return None, given_origin(text)
    from detente.monitor.bulletin.formats import read_any
    from detente.monitor.chain.edit import find_event

    held = read_any(Path(path))
    return held, find_event(held, event)


def _utc(time: float) -> str:
    from detente.monitor.bulletin.times import iso

    return iso(time)[:-6]


def _num(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
