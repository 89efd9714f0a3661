"""Signals in waveforms: arrivals, where they come from, and repeats of known events."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table
from detente.errors import DetenteError

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Arrival
    from detente.monitor.signals.fk import Settings
    from detente.monitor.waves.trace import Array, Trace

app = typer.Typer()

Files = Annotated[list[Path], typer.Argument(metavar="FILES", help="Waveform files or folders, any format.")]
Stations = Annotated[
    list[Path] | None, typer.Option(help="StationXML, pole-zero files or tables of places; repeatable.")
]
ArrayName = Annotated[
    str, typer.Option("--array", help="Take all sites of --stations as one array of this name.")
]
Low = Annotated[float, typer.Option("--low", help="Lower edge of the band, Hz.")]
High = Annotated[float, typer.Option("--high", help="Upper edge of the band, Hz.")]
Start = Annotated[str, typer.Option("--start", metavar="UTC", help="First moment, YYYY-MM-DDTHH:MM:SS.")]


@app.command()
def detect(
    files: Files,
    stations: Stations = None,
    array: ArrayName = "",
    false_per_day: Annotated[
        float, typer.Option(help="False alarms a day and station that set the levels.")
    ] = 20.0,
    picker: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="A learned picker in place of ours: eqtransformer, eqtransformer-2."
        ),
    ] = "",
    masks: Annotated[
        list[Path] | None,
        typer.Option(help="Tables of stretches to leave out, as `monitor mask` writes them; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write them here as CSV, for monitor associate.")] = None,
    json: JsonFlag = False,
) -> None:
    """Arrivals at arrays and single stations, levels set by a stated rate of false alarms.

    --picker: networks trained on earthquakes within 350 km at 100 Hz, at single three-component sensors; their rate
    of false alarms is not stated, and they know neither far P nor beams. They come with the extra detente[picker].
    """
    from msgspec.structs import replace

    from detente.monitor.signals import learned
    from detente.monitor.signals.detect import DEFAULT, INFRASOUND
    from detente.monitor.signals.detect import detect as find

    model = learned.picker(picker) if picker else None
    found: list[Arrival] = []
    for place, traces in _stations(files, stations, array, masks):
        if model is not None:
            found += learned.pick(traces, place, model)
            continue
        sound = all(len(t.channel) == 3 and t.channel[1] == "D" for t in traces)
        settings = replace(INFRASOUND if sound else DEFAULT, false_per_day=false_per_day)
        found += find(traces, place, settings)
    found.sort(key=lambda a: a.time)
    if out is not None:
        _write_arrivals(found, out)
    if json:
        show_json(found)
        return
    columns = (
        "station",
        "time (UTC)",
        "sd s",
        "phase",
        "back-azimuth",
        "sd",
        "slowness s/km",
        "sd",
        "snr",
        "band Hz",
    )
    rows = [
        (
            a.station, _utc(a.time), f"{a.time_sd:.2f}", a.phase, _num(a.backazimuth_deg, 1),
            _num(a.backazimuth_sd_deg, 1), _num(a.slowness_s_km, 4), _num(a.slowness_sd_s_km, 4), _num(a.snr, 1),
            "" if a.band_hz is None else f"{a.band_hz[0]:g}-{a.band_hz[1]:g}",
        )
        for a in found
    ]  # fmt: skip
    show_table("Arrivals", columns, rows)


@app.command()
def fk(
    files: Files,
    start: Start,
    stations: Stations = None,
    array: ArrayName = "",
    seconds: Annotated[float, typer.Option(help="Length of the window, s.")] = 4.0,
    low: Low = 1.0,
    high: High = 4.0,
    limit: Annotated[
        float, typer.Option(help="Slownesses to this on each side, s/km; 4 for sound in air.")
    ] = 0.4,
    whiten: Annotated[bool, typer.Option(help="Every frequency weighs the same.")] = False,
    capon: Annotated[bool, typer.Option(help="Capon's map in place of Bartlett's.")] = False,
    span: Annotated[
        float,
        typer.Option(help="Move the window along for so many seconds: F, back-azimuth, slowness in time."),
    ] = 0.0,
    step: Annotated[float, typer.Option(help="With --span: from window to window, s.")] = 1.0,
    plot: Annotated[
        Path | None, typer.Option(help="Write the polar plot, or the traces, here (png, svg or pdf).")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """The f-k map of one window: back-azimuth and slowness with their uncertainty."""
    from detente.monitor.signals import fk as analysis
    from detente.monitor.signals.bias import correct

    begin = _time(start)
    settings = analysis.Settings(band_hz=(low, high), limit_s_km=limit, grid_s_km=limit / 40, whiten=whiten)
    if span:
        if capon or step <= 0:
            raise DetenteError("--span goes without --capon and with a step above 0")
        from msgspec.structs import replace

        moved = replace(settings, window_s=seconds, step_s=step)
        _fk_traces(_stations(files, stations, array), begin, span, moved, plot, json)
        return
    rows, kept = [], []
    for place, traces in _stations(files, stations, array):
        if len(place.sites) < 3:
            continue
        seen = analysis.fk(
            traces, place, begin, begin + seconds, settings, method="capon" if capon else "bartlett"
        )
        right = correct(place.code, seen.sx, seen.sy)
        kept.append(seen)
        rows.append({
            "station": place.code, "start": seen.start, "end": seen.end, "channels": seen.channels,
            "method": seen.method, "backazimuth_deg": seen.backazimuth_deg,
            "backazimuth_sd_deg": seen.backazimuth_sd_deg, "slowness_s_km": seen.slowness_s_km,
            "slowness_sd_s_km": seen.slowness_sd_s_km, "semblance": seen.semblance,
            "f_statistic": seen.f_statistic, "bias_known": right.known,
            "corrected_sx_s_km": right.sx, "corrected_sy_s_km": right.sy,
        })  # fmt: skip
    if not rows:
        raise DetenteError(
            "no array of three sites among the stations", fix="name them one with --array CODE"
        )
    if plot is not None:
        from detente.drawing import save
        from detente.monitor.signals.picture import fk_figure

        save(fk_figure(kept[0]), plot)
    if json:
        show_json(rows)
        return
    columns = ("station", "back-azimuth", "sd", "slowness s/km", "sd", "semblance", "F", "sensors")
    show_table(f"f-k, {low:g}-{high:g} Hz, {seconds:g} s from {start}", columns, [
        (r["station"], f"{r['backazimuth_deg']:.1f}", f"{r['backazimuth_sd_deg']:.1f}", f"{r['slowness_s_km']:.4f}",
         f"{r['slowness_sd_s_km']:.4f}", f"{r['semblance']:.2f}", f"{r['f_statistic']:.1f}", r["channels"])
        for r in rows
    ])  # fmt: skip


def _fk_traces(
    found: list[tuple[Array, list[Trace]]],
    begin: float,
    span: float,
    settings: Settings,
    plot: Path | None,
    json: bool,
) -> None:
    from detente.monitor.signals.fk_traces import fk_traces, traces_figure
    from detente.monitor.signals.gather import panel

    arrays = [(place, traces) for place, traces in found if len(place.sites) >= 3]
    if len(arrays) != 1:
        raise DetenteError(
            f"{len(arrays)} arrays of three sites", fix="give the records of one, named with --array CODE"
        )
    place, traces = arrays[0]
    near = [t.cut(begin - 30, begin + span + 30) for t in traces]
    seen = fk_traces(panel([t for t in near if t.samples.size], place), begin, span, settings)
    if plot is not None:
        from detente.drawing import save

        save(traces_figure(seen), plot)
        typer.echo(f"wrote {plot}", err=True)
    rows = [
        {
            "start": w.start, "end": w.end, "f_statistic": w.f_statistic, "semblance": w.semblance,
            "backazimuth_deg": w.backazimuth_deg, "backazimuth_sd_deg": w.backazimuth_sd_deg,
            "slowness_s_km": w.slowness_s_km, "slowness_sd_s_km": w.slowness_sd_s_km, "channels": w.channels,
        } for w in seen.windows
    ]  # fmt: skip
    if json:
        show_json(rows)
        return
    columns = ("window from (UTC)", "F", "semblance", "back-azimuth", "sd", "slowness s/km", "sd", "sensors")
    show_table(f"f-k at {place.code}", columns, [
        (_utc(w.start), f"{w.f_statistic:.1f}", f"{w.semblance:.2f}", f"{w.backazimuth_deg:.1f}",
         f"{w.backazimuth_sd_deg:.1f}", f"{w.slowness_s_km:.4f}", f"{w.slowness_sd_s_km:.4f}", w.channels)
        for w in seen.windows
    ])  # fmt: skip


@app.command()
def correlate(
    files: Files,
    template: Annotated[list[Path], typer.Option(help="Waveforms of the known event; repeatable.")],
    start: Start,
    stations: Stations = None,
    array: ArrayName = "",
    seconds: Annotated[float, typer.Option(help="Length of the template, s.")] = 20.0,
    low: Low = 1.0,
    high: High = 4.0,
    false_per_day: Annotated[float, typer.Option(help="False alarms a day that set the level.")] = 1.0,
    per_channel: Annotated[bool, typer.Option(help="Normalise each channel on its own.")] = False,
    json: JsonFlag = False,
) -> None:
    """Repeats of a known event by waveform correlation, at a false-alarm rate that is set.

    The template begins at --start. The level comes from the same template backwards in time on the same data; steady
    spectral lines (hum) are taken out of both.
    """
    from detente.monitor.signals import correlate as work
    from detente.monitor.signals.gather import panel
    from detente.monitor.waves.read import read

    begin = _time(start)
    known = read(template).traces
    found: list[work.Match] = []
    skipped = []
    for place, traces in _stations(files, stations, array):
        own = [t for t in known if t.station in {s.code for s in place.sites}]
        try:
            one, data = panel(own, place), panel(traces, place)
            shared = [c for c in data.codes if c in one.codes]
            band = (low, high)
            master, day = (work.filtered(work.keep(p, shared), band) for p in (one, data))
            t = work.cut_template(master, place.code, begin, seconds)
            statistic: work.Statistic = "channel" if per_channel else "array"
            found += work.repeats(day, [t], false_per_day, statistic)
        except DetenteError as bad:
            skipped.append(f"{place.code}: {bad}")
    if skipped and not found and len(skipped) == len(_stations(files, stations, array)):
        raise DetenteError(skipped[0])
    found.sort(key=lambda m: m.time)
    if json:
        show_json(found)
        return
    columns = ("template", "time (UTC)", "correlation", "level", "false a day at this")
    show_table("Matches", columns, [
        (m.template, _utc(m.time), f"{m.correlation:.3f}", f"{m.level:.3f}", f"{m.false_per_day:.2g}") for m in found
    ])  # fmt: skip


def _write_arrivals(found: list[Arrival], out: Path) -> None:
    from detente.files import write_whole
    from detente.monitor.bulletin.records import Bulletin
    from detente.monitor.bulletin.tables import write_csv

    if not found:
        raise DetenteError("no arrival to write", where=str(out))
    held = Bulletin(start=found[0].time, end=found[-1].time, arrivals=tuple(found))
    write_whole(out, write_csv(held)["arrivals.csv"])
    typer.echo(f"wrote {out}", err=True)


def _stations(
    files: list[Path], stations: list[Path] | None, array: str, masks: list[Path] | None = None
) -> list[tuple[Array, list[Trace]]]:
    """Each station of the files with its traces, masked stretches left out; IMS places are known."""
    from detente.monitor.waves import sites
    from detente.monitor.waves.health import summary
    from detente.monitor.waves.masks import cut_away, read_masks
    from detente.monitor.waves.read import nothing_in, read

    recording = cut_away(read(files), read_masks(masks or []))
    if not recording.traces:
        raise DetenteError(nothing_in(files, recording.faults))
    if recording.faults:
        kinds = ", ".join(f"{n} {kind}" for kind, n in summary(recording.faults).items())
        typer.echo(f"faults in the records: {kinds}; detente monitor read tells them", err=True)
    places = dict(sites.ims_arrays())
    if stations:
        places.update(sites.load(stations, array=array))
    grouped, _ = sites.by_array(recording, places)
    if not grouped:
        raise DetenteError("no trace stands at a known place", fix="give --stations StationXML")
    return [(places[code], traces) for code, traces in grouped.items()]


def _time(text: str) -> float:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise DetenteError(f"'{text}' is no time", fix="write YYYY-MM-DDTHH:MM:SS") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _utc(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-4]


def _num(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"
