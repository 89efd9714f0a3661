"""The sheet of one event: where, the traces and picks, P/S, magnitudes, yield, and the reasons in words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from detente.drawing import canvas, rendered
from detente.errors import DetenteError
from detente.files import write_all
from detente.monitor.bulletin.records import Arrival, Bulletin, Event
from detente.monitor.character.magnitudes import body_wave
from detente.monitor.character.near import Station, stations
from detente.monitor.character.ratios import ratios
from detente.monitor.coast import CREDIT
from detente.monitor.sheets import around, panels
from detente.monitor.sheets.around import Place
from detente.monitor.sheets.style import INK, SMALL, VERDICT, made_words, place_words, stamp, style
from detente.monitor.sheets.threshold import threshold_applies
from detente.monitor.waves.trace import Array, Recording

FK_S = (1.0, 4.0)
"""The f-k window: from so much before P to so much after, s."""


def event_sheet(bulletin: Bulletin, event: Event, recording: Recording, arrays: Mapping[str, Array]) -> Any:
    """A matplotlib figure, A4 landscape: all that the chain holds for an event, for print and screen."""
    near = stations(event, recording, arrays)
    found = [r for s in near for r in ratios(s, event.origin.time)]
    arrivals = {a.id: a for a in bulletin.arrivals}
    used = {u.station for u in event.origin.used}
    codes = dict.fromkeys((*(s.path.station for s in near), *(c for c in arrays if c in used)))
    places = [Place(c, arrays[c].lat, arrays[c].lon, c in used) for c in codes]
    figure, grid = _page(event)
    _where(figure, grid, bulletin, event, places)
    panels.draw_traces(figure.add_subplot(grid[1, 1]), event, near, arrivals)
    seen = _fk(near, arrays, arrivals)
    below = grid[2, :].subgridspec(1, 3 if seen is None else 4)
    panels.draw_magnitudes(figure.add_subplot(below[0]), event)
    panels.draw_ratios(figure.add_subplot(below[1]), found)
    _yield(figure.add_subplot(below[2]), event, bulletin)
    if seen is not None:
        _draw_fk(figure, below[3], seen[0], seen[1])
    _foot(figure, bulletin)
    return figure


def bulletin_sheet(bulletin: Bulletin, event: Event) -> Any:
    """The sheet that a bulletin alone allows, where its waveforms are not at hand: residuals and evidence instead."""
    figure, grid = _page(event)
    _where(figure, grid, bulletin, event, around.places_of(event))
    panels.draw_residuals(figure.add_subplot(grid[1, 1]), event)
    below = grid[2, :].subgridspec(1, 3)
    panels.draw_magnitudes(figure.add_subplot(below[0]), event)
    panels.draw_evidence(figure.add_subplot(below[1]), event)
    _yield(figure.add_subplot(below[2]), event, bulletin)
    _foot(figure, bulletin, "drawn from the bulletin alone")
    return figure


def _page(event: Event) -> tuple[Any, Any]:
    figure = canvas(13.2, 9.4)
    grid = figure.add_gridspec(3, 2, height_ratios=(0.34, 2.0, 1.35), width_ratios=(1.0, 2.1))
    _head(figure.add_subplot(grid[0, :]), event)
    return figure, grid


def _where(figure: Any, grid: Any, bulletin: Bulletin, event: Event, places: Sequence[Place]) -> None:
    left = grid[1, 0].subgridspec(2, 1, height_ratios=(2.3, 1.0))
    around.draw_map(figure.add_subplot(left[0]), event, places)
    around.draw_zoom(figure.add_subplot(left[1]), event, bulletin.events)


def _yield(axes: Any, event: Event, bulletin: Bulletin) -> None:
    seed = int(bulletin.made_with.get("seed", "1"))
    panels.draw_yield(axes, event, seed, bound=threshold_applies(event) is not None)


def _fk(
    near: Sequence[Station], arrays: Mapping[str, Array], arrivals: Mapping[str, Arrival]
) -> tuple[Any, Station] | None:
    """The f-k map of P at the nearest array that saw it; None where no array did."""
    from detente.monitor.signals.fk import fk

    for s in near:
        if not s.arrival or len(arrays[s.path.station].sites) < 4 or s.arrival not in arrivals:
            continue
        with suppress(DetenteError):
            return fk(s.verticals, arrays[s.path.station], s.p_time - FK_S[0], s.p_time + FK_S[1]), s
    return None


def _draw_fk(figure: Any, cell: Any, seen: Any, s: Station) -> None:
    """The polar map with its peak, its 90 % ellipse and where the event's P should lie."""
    from detente.monitor.signals.picture import fk_panel

    u = s.used
    predicted = None
    if u is not None and u.slowness_residual_s_km is not None:
        predicted = (s.path.backazimuth_deg, max(seen.slowness_s_km - u.slowness_residual_s_km, 0.0))
    parts = cell.subgridspec(2, 1, height_ratios=(0.02, 1.0))
    style(
        head := figure.add_subplot(parts[0]),
        f"f-k of P at {seen.station}, {seen.band_hz[0]:g}-{seen.band_hz[1]:g} Hz",
    )
    head.set_axis_off()
    axes = figure.add_subplot(parts[1], projection="polar")
    mesh = fk_panel(axes, seen, predicted=predicted, size=SMALL)
    bar = axes.figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.12)
    bar.set_label("relative power", fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL - 1)
    ring = "" if predicted is None else "; ring: of the origin"
    axes.set_xlabel(
        f"back-azimuth {seen.backazimuth_deg:.1f}° ± {seen.backazimuth_sd_deg:.2g}°\n"
        f"slowness {seen.slowness_s_km:.4f} ± {seen.slowness_sd_s_km:.2g} s/km (radius)\n"
        f"+: peak with 90 % ellipse{ring}",
        fontsize=SMALL,
    )  # fmt: skip


def _head(axes: Any, event: Event) -> None:
    axes.set_axis_off()
    o, s, mb = event.origin, event.screening, body_wave(event)
    place = (
        "" if o.semi_major_km is None else f"; 90 % ellipse {o.semi_major_km:.0f} × {o.semi_minor_km:.0f} km"
    )
    told = [mb] if mb is not None else event.magnitudes[:2]
    size = ", ".join(f"{m.kind} {m.value:.2f} ± {m.sd:.2f}" for m in told)
    size = size if mb is not None else f"no mb, {size}" if size else "no magnitude"
    stations_ = len({u.station for u in o.used})
    depth = f"depth {o.depth_km:.0f} km, {o.depth}"
    write = {"va": "top", "transform": axes.transAxes}
    axes.text(
        0,
        1.0,
        f"{stamp(o.time, seconds=True)}   {place_words(o.lat, o.lon)}",
        fontsize=15,
        fontweight="bold",
        **write,
    )
    count = f"{stations_} station{'s' if stations_ != 1 else ''}"
    by = "" if o.by == "machine" else f"; last changed by {o.by}"
    axes.text(
        0,
        0.56,
        f"{size}; {depth}{place}; ± {o.time_sd:.1f} s; {count}{by}; event {event.id}",
        fontsize=10,
        **write,
    )
    if s is not None:
        p = (
            ""
            if s.p_explosion is None
            else f", probability of an explosion {s.p_explosion:.3f} (prior {s.prior:g})"
        )
        axes.text(0, 0.22, f"{s.verdict}{p}", fontsize=11, fontweight="bold", color=VERDICT[s.verdict][0]
                  if s.verdict != "cannot be screened" else INK, **write)  # fmt: skip
        axes.text(0, -0.12, "\n".join(textwrap.wrap(s.why, 190)[:2]), fontsize=8, **write)


def _foot(figure: Any, bulletin: Bulletin, more: str = "") -> None:
    words = f"{made_words(bulletin.made_with)}; travel times ak135; {CREDIT}"
    figure.supxlabel(f"{words}; {more}" if more else words, fontsize=7, x=0.01, ha="left", color=INK)


def write_event_sheet(
    bulletin: Bulletin, event: Event, recording: Recording, arrays: Mapping[str, Array], folder: Path
) -> list[Path]:
    """Write the sheet as SVG and PNG into `folder`; the paths written."""
    made = rendered(event_sheet(bulletin, event, recording, arrays))
    return list(write_all(folder, {f"{event.id}.{kind}": data for kind, data in made.items()}))


def write_bulletin_sheet(bulletin: Bulletin, event: Event, folder: Path) -> list[Path]:
    """Write the sheet that the bulletin alone allows, as SVG and PNG; the paths written."""
    made = rendered(bulletin_sheet(bulletin, event))
    return list(write_all(folder, {f"{event.id}.{kind}": data for kind, data in made.items()}))
