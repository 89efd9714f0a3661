"""What waveform files hold, and what is wrong with each channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli._show import JsonFlag, show_json, show_table
from detente.errors import DetenteError
from detente.monitor.waves.trace import Fault, Trace

app = typer.Typer()
_EVER = 1e11
_MOST_PIECES = 20


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
    from detente.monitor.waves import response, sites
    from detente.monitor.waves.diagnose import diagnose
    from detente.monitor.waves.read import nothing_in
    from detente.monitor.waves.read import read as read_waves

    recording = read_waves(files)
    silent = "" if recording.traces else nothing_in(files, recording.faults)
    faults: tuple[Fault, ...] = recording.faults
    if stations:
        arrays = {**sites.ims_arrays(), **sites.load(stations)}
        faults = diagnose(recording, arrays, response.load(stations), stations)
    if json:
        show_json({"traces": [_plain(t) for t in recording.traces], "faults": faults})
    else:
        columns = ("channel", "first sample (UTC)", "seconds", "Hz", "samples", "unit", "pieces")
        show_table("Traces", columns, _rows(recording.traces))
        show_table("Faults", ("channel", "kind", "from (UTC)", "seconds", "detail"), map(_fault, faults))
    if silent:
        raise DetenteError(silent)


def _rows(traces: Sequence[Trace]) -> Iterator[tuple[Any, ...]]:
    """A line a trace; one for all of a channel that is broken into more than twenty."""
    for _, group in groupby(traces, key=lambda t: (t.id, t.unit, t.rate_hz)):
        pieces = list(group)
        for some in [pieces] if len(pieces) > _MOST_PIECES else [[t] for t in pieces]:
            first, size = some[0], sum(t.samples.size for t in some)
            seconds = f"{size / first.rate_hz:.3f}"
            yield first.id, _utc(first.start), seconds, f"{first.rate_hz:.8g}", size, first.unit, len(some)


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
    length = f"{fault.end - fault.start:.3f}" if fault.start < fault.end < _EVER else ""
    return fault.channel, fault.kind, when, length, fault.detail


def _utc(time: float) -> str:
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return f"{time:.0f} s"
