"""The quality of each channel: availability, gaps, noise."""

from __future__ import annotations

import typer

from detente.cli._monitor_process import Masks, Stations, Waveforms
from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer()


@app.command("quality")
def quality_(
    files: Waveforms,
    stations: Stations = None,
    masks: Masks = None,
    json: JsonFlag = False,
) -> None:
    """How good each channel was: availability, gaps, rms, and its noise between Peterson's low and high models."""
    from detente.monitor.chain.files import read_data
    from detente.monitor.waves.quality import OCTAVES_HZ, quality

    data = read_data(files, stations or [], masks or [])
    found = quality(data.recording, data.responses)
    if json:
        show_json(found)
        return
    columns = ("channel", "Hz", "available", "pieces", "longest gap s", "rms", "faults",
               *(f"{f:g} Hz dB" for f in OCTAVES_HZ), "0 low to 1 high model at 1 Hz")  # fmt: skip
    rows = []
    for q in found:
        by = {n.frequency_hz: n for n in q.noise}
        levels = [f"{by[f].db:.0f}" if f in by else "" for f in OCTAVES_HZ]
        share = f"{by[1.0].fraction:.2f}" if 1.0 in by else ""
        rows.append((q.channel, f"{q.rate_hz:g}", f"{100 * q.available:.1f} %", q.pieces, f"{q.longest_gap_s:.1f}",
                     f"{q.rms:.4g} {q.unit}", q.faults, *levels, share))  # fmt: skip
    show_table("Channels; noise in dB relative to 1 (m/s^2)^2/Hz", columns, rows)
