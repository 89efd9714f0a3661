"""What waveform files hold, and what is wrong with each channel."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli._show import JsonFlag, show_json, show_table
from detente.monitor.waves.trace import Fault, Trace

app = typer.Typer()


@app.command()
def read(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILES", help="Waveform files or folders, any format.")
    ],
    stations: Annotated[
        list[Path] | None, typer.Option(help="StationXML, pole-zero files or tables of places; repeatable.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """What waveform files hold, and what is wrong with each channel."""
    from detente.monitor.waves import inventory, level, orient, response, sites
    from detente.monitor.waves.read import read as read_waves

    recording = read_waves(files)
    faults = list(recording.faults)
    if stations:
        arrays = sites.load(stations)
        responses = response.load(stations)
        known = {**sites.ims_arrays(), **arrays}
        _, lost = sites.by_array(recording, known)
        faults += [*responses.faults, *lost, *responses.missing(recording)]
        faults += [*orient.orientation(recording, known), *level.units(recording, responses)]
        faults += [
            f for p in stations if p.suffix == ".xml" for f in inventory.faults(inventory.read_inventory(p))
        ]
    if json:
        show_json({"traces": [_plain(t) for t in recording.traces], "faults": faults})
        return
    rows = [
        (t.id, _utc(t.start), f"{t.samples.size / t.rate_hz:.3f}", f"{t.rate_hz:.8g}", t.samples.size, t.unit)
        for t in recording.traces
    ]
    show_table("Traces", ("channel", "first sample (UTC)", "seconds", "Hz", "samples", "unit"), rows)
    show_table("Faults", ("channel", "kind", "from (UTC)", "seconds", "detail"), map(_fault, faults))


def _plain(trace: Trace) -> dict[str, Any]:
    x = trace.samples
    return {
        "channel": trace.id,
        "start": trace.start,
        "end": trace.end,
        "rate_hz": trace.rate_hz,
        "samples": x.size,
        "unit": trace.unit,
        "min": float(x.min()),
        "max": float(x.max()),
        "rms": float((x - x.mean(dtype=float)).std(dtype=float)),
    }


def _fault(fault: Fault) -> tuple[str, str, str, str, str]:
    when = _utc(fault.start) if fault.start else ""
    return fault.channel, fault.kind, when, f"{max(0.0, fault.end - fault.start):.3f}", fault.detail


def _utc(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f} s"
