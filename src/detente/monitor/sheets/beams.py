"""Event beams by distance, each about its predicted phase, with every other phase that should come nearby."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detente.drawing import canvas
from detente.monitor.bulletin.records import Origin
from detente.monitor.network.event_beams import AFTER_S, BEFORE_S, EventBeam
from detente.monitor.network.predict import Predicted
from detente.monitor.sheets.style import BLUE, INK, RED, SMALL, place_words, stamp, style

ROWS = 40


def beam_figure(
    origin: Origin,
    beams: Sequence[EventBeam],
    near: Sequence[Predicted],
    picks: Sequence[tuple[str, float]] = (),
) -> Any:
    """The beams from the nearest station down, each to its own scale; at most ROWS of them.

    Parameters: `near`: other phases to mark; `picks`: (station, s UTC since 1970) of what the bulletin holds.
    """
    shown = beams[:ROWS]
    figure = canvas(9.0, 1.6 + 0.42 * max(4, len(shown)))
    axes = figure.subplots()
    more = f"; the nearest {len(shown)} of {len(beams)}" if len(beams) > len(shown) else ""
    style(axes, f"Event beams, {stamp(origin.time, True)}, {place_words(origin.lat, origin.lon)}{more}")
    for row, beam in enumerate(shown):
        zero, code = beam.predicted.time, beam.predicted.station
        x = beam.trace.samples.astype(float)
        t = beam.trace.start - zero + np.arange(x.size) / beam.trace.rate_hz
        axes.plot(t, row - 0.42 * x / (np.abs(x).max(initial=0.0) or 1.0), color=INK, linewidth=0.5)
        axes.plot([0, 0], [row - 0.45, row + 0.45], ":", color=BLUE, linewidth=1.6)
        _label(axes, row, beam)
        for other in (p for p in near if p.station == code and p.phase != beam.predicted.phase):
            at = other.time - zero
            if -BEFORE_S < at < AFTER_S - 2:
                axes.plot([at, at], [row - 0.3, row + 0.3], ":", color=BLUE, linewidth=1.0)
                axes.text(at + 0.4, row - 0.44, other.phase, fontsize=SMALL - 1, color=BLUE, va="top")
        for at in (time - zero for station, time in picks if station == code):
            if -BEFORE_S < at < AFTER_S:
                axes.plot([at, at], [row - 0.45, row + 0.45], color=RED, linewidth=1.2)
    axes.set_xlim(-BEFORE_S, AFTER_S)
    axes.set_ylim(max(len(shown), 4) - 0.4, -0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(
        "s after the predicted time of the phase named at the left; dotted: predicted, solid: picks"
    )
    return figure


def _label(axes: Any, row: int, beam: EventBeam) -> None:
    p = beam.predicted
    sensors = f"{beam.sensors} sensors" if beam.sensors > 1 else "1 sensor"
    snr = "" if beam.snr is None else f", SNR {beam.snr:.1f}"
    axes.text(-BEFORE_S - 1, row - 0.13, f"{p.station}  {p.phase}  {p.distance_deg:.1f}°", fontsize=SMALL, ha="right",
              va="center")  # fmt: skip
    axes.text(-BEFORE_S - 1, row + 0.22, f"{beam.band_hz[0]:g}-{beam.band_hz[1]:g} Hz, {sensors}{snr}",
              fontsize=SMALL - 1.5, ha="right", va="center", color="#555555")  # fmt: skip
