"""The sheet of one event: where, the traces and picks, P/S, magnitudes, yield, and the reasons in words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detente.drawing import canvas, rendered
from detente.errors import DetenteError
from detente.files import write_all
from detente.monitor.bulletin.records import Arrival, Bulletin, Event
from detente.monitor.character.magnitudes import Station, body_wave, stations
from detente.monitor.character.ratios import ratios
from detente.monitor.coast import CREDIT
from detente.monitor.sheets import panels
from detente.monitor.waves.trace import Array, Recording


def event_sheet(bulletin: Bulletin, event: Event, recording: Recording, arrays: Mapping[str, Array]) -> Any:
    """A matplotlib figure, A4 landscape: all that the chain holds for an event, for print and screen."""
    near = stations(event, recording, arrays)
    found = [r for s in near for r in ratios(s, event.origin.time)]
    arrivals = {a.id: a for a in bulletin.arrivals}
    figure = canvas(13.2, 9.6)
    grid = figure.add_gridspec(3, 3, height_ratios=(0.32, 2.0, 1.5), width_ratios=(1.0, 1.25, 0.95))
    _head(figure.add_subplot(grid[0, :]), event)
    panels.draw_map(figure.add_subplot(grid[1, 0]), event, near, arrays)
    panels.draw_traces(figure.add_subplot(grid[1, 1:]), event, near, arrivals)
    map_ = _fk(near, arrays, event, arrivals)
    below = grid[2, :].subgridspec(1, 3 if map_ is None else 4)
    panels.draw_magnitudes(figure.add_subplot(below[0]), event)
    panels.draw_ratios(figure.add_subplot(below[1]), found)
    _last(figure.add_subplot(below[2]), event, bulletin)
    if map_ is not None:
        panels.draw_fk(figure.add_subplot(below[3], projection="polar"), map_)
    figure.supxlabel(_foot(bulletin), fontsize=6.5, x=0.01, ha="left", color=panels.INK)
    return figure


def _fk(
    near: Sequence[Station], arrays: Mapping[str, Array], event: Event, arrivals: Mapping[str, Arrival]
) -> Any:
    """The f-k map of P at the nearest array that saw it; None where no array did."""
    from detente.monitor.signals.fk import fk

    for s in near:
        if not s.arrival or len(arrays[s.path.station].sites) < 4 or s.arrival not in arrivals:
            continue
        with suppress(DetenteError):
            return fk(s.verticals, arrays[s.path.station], s.p_time - 1.0, s.p_time + 4.0)
    return None


def _last(axes: Any, event: Event, bulletin: Bulletin) -> None:
    panels.draw_yield(axes, event, int(bulletin.made_with.get("seed", "1")))


def _head(axes: Any, event: Event) -> None:
    axes.set_axis_off()
    o, s, mb = event.origin, event.screening, body_wave(event)
    when = datetime.fromtimestamp(o.time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    ellipse = (
        "" if o.semi_major_km is None else f", 90 % within {o.semi_major_km:.0f} x {o.semi_minor_km:.0f} km"
    )
    size = "no magnitude" if mb is None else f"{mb.kind} {mb.value:.2f} +- {mb.sd:.2f}"
    depth = f"depth {o.depth_km:.0f} km ({o.depth})"
    axes.text(
        0, 1.0, f"{when}   {o.lat:.2f}° N {o.lon:.2f}° E", fontsize=15, fontweight="bold", va="top",
        transform=axes.transAxes,
    )  # fmt: skip
    axes.text(
        0, 0.48, f"{size};  {depth}{ellipse};  {event.id}", fontsize=10, va="top", transform=axes.transAxes
    )
    if s is not None:
        p = (
            ""
            if s.p_explosion is None
            else f",  P(explosion) {s.p_explosion:.3f} from a prior of {s.prior:g}"
        )
        axes.text(0, 0.12, f"{s.verdict}{p}", fontsize=11, fontweight="bold", color=panels.RED, va="top",
                  transform=axes.transAxes)  # fmt: skip
        axes.text(
            0, -0.22, "\n".join(textwrap.wrap(s.why, 190)[:2]), fontsize=8, va="top", transform=axes.transAxes
        )


def _foot(bulletin: Bulletin) -> str:
    made = bulletin.made_with
    return (
        f"{made.get('program', 'detente')}; settings {made.get('settings', '')[:12]}, data {made.get('data', '')[:12]},"
        f" seed {made.get('seed', '')}; travel times ak135; {CREDIT}"
    )


def write_event_sheet(
    bulletin: Bulletin, event: Event, recording: Recording, arrays: Mapping[str, Array], folder: Path
) -> list[Path]:
    """Write the sheet as SVG and PNG into `folder`; the paths written."""
    made = rendered(event_sheet(bulletin, event, recording, arrays))
    return list(write_all(folder, {f"{event.id}.{kind}": data for kind, data in made.items()}))
