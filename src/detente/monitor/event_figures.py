"""Figures of one event and of hiding: map with ellipses, yield by hypothesis, what a cavity could hide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from detente.drawing import canvas, save
from detente.monitor.event import Area, Event
from detente.monitor.event_location import Ellipse, Location, destination
from detente.monitor.geo import KM_PER_DEG
from detente.monitor.hiding import largest_hidden
from detente.monitor.magnitude_yield import law as find_law
from detente.monitor.magnitude_yield import yield_of_magnitude

if TYPE_CHECKING:
    from detente.monitor.event_report import Analysis

Array = npt.NDArray[np.float64]

# Okabe & Ito 2008, colour-blind safe
BLUE, ORANGE, GREEN, RED, SKY, PINK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
_COLOURS = {
    "chemical": ORANGE,
    "nuclear-coupled": BLUE,
    "nuclear-decoupled": RED,
    "nuclear-decoupled-any": PINK,
}
_SIGNAL = (BLUE, RED, GREEN, PINK)


def write_figures(analysis: Analysis, folder: Path) -> list[Path]:
    """Write the event map and the yield posteriors as PNG into `folder`; the paths written."""
    folder.mkdir(parents=True, exist_ok=True)
    name = analysis.event.event
    drawn = {
        folder / f"{name}-map.png": event_map(analysis),
        folder / f"{name}-yield.png": yield_figure(analysis),
    }
    for path, figure in drawn.items():
        save(figure, path)
    return list(drawn)


def ring(lat: float, lon: float, major_km: float, minor_km: float, azimuth_deg: float) -> tuple[Array, Array]:
    """Latitudes and longitudes of an ellipse about a place."""
    t = np.linspace(0, 2 * np.pi, 181)
    a = np.radians(azimuth_deg)
    along, across = major_km * np.cos(t), minor_km * np.sin(t)
    east = along * np.sin(a) + across * np.cos(a)
    north = along * np.cos(a) - across * np.sin(a)
    return destination(
        lat, lon, np.degrees(np.arctan2(east, north)) % 360, np.hypot(east, north) / KM_PER_DEG
    )


def event_map(analysis: Analysis) -> Any:
    """Map of the station, both signals' 90 % ellipses with and without path errors, and the test areas."""
    event = analysis.event
    figure = canvas(8, 6.6)
    ax = figure.add_subplot()
    for k, (bare, honest) in enumerate(zip(analysis.bare, analysis.honest, strict=True)):
        colour = _SIGNAL[k % len(_SIGNAL)]
        _ellipse(ax, honest.ellipse(), colour, f"{honest.signal}: with path errors", fill=True)
        _ellipse(ax, bare.ellipse(), colour, f"{bare.signal}: ak135, no path error", fill=False)
        lat, lon, _ = bare.median
        ax.plot(lon, lat, "+", color=colour, markersize=11, markeredgewidth=2)
    for area in event.areas:
        _area(ax, area)
    _near(ax, event, [*analysis.bare, *analysis.honest])
    _inset(ax, analysis)
    ax.set_xlabel("longitude, degrees east")
    ax.set_ylabel("latitude, degrees north")
    ax.set_title(f"{event.title}\nwhere one array puts it (90 % ellipses)", loc="left", fontsize=12)
    ax.legend(loc="lower left", fontsize=9.5, framealpha=0.95)
    _foot(figure, f"{event.signals[0].source}.\nak135, surface source. Crosses: medians without path error.")
    return figure


def _ellipse(ax: Any, e: Ellipse, colour: str, label: str, *, fill: bool) -> None:
    lat, lon = ring(e.lat, e.lon, e.major_km, e.minor_km, e.azimuth_deg)
    if fill:
        ax.fill(lon, lat, color=colour, alpha=0.18, lw=0, label=label)
    else:
        ax.plot(lon, lat, color=colour, lw=2, label=label)


def _area(ax: Any, area: Area) -> None:
    lat, lon = ring(area.lat, area.lon, area.radius_km, area.radius_km, 0)
    ax.plot(lon, lat, color="black", lw=1.4, ls="--")
    ax.plot(area.lon, area.lat, "k^", markersize=6)
    ax.annotate(area.name, (area.lon, lat.max()), ha="center", va="bottom", fontsize=10.5)


def _near(ax: Any, event: Event, places: list[Location]) -> None:
    lats, lons = [a.lat for a in event.areas], [a.lon for a in event.areas]
    for p in places:
        e = p.ellipse()
        lat, lon = ring(e.lat, e.lon, e.major_km, e.minor_km, e.azimuth_deg)
        lats += [lat.min(), lat.max()]
        lons += [lon.min(), lon.max()]
    ax.set_xlim(min(lons) - 0.9, max(lons) + 0.6)
    ax.set_ylim(min(lats) - 0.5, max(lats) + 0.75)
    ax.set_aspect(1 / np.cos(np.radians(np.mean(lats))))
    ax.grid(alpha=0.3)
    x0, y0 = max(lons) - 0.25, min(lats) - 0.25
    width = 50 / (KM_PER_DEG * np.cos(np.radians(y0)))
    ax.plot([x0 - width, x0], [y0, y0], color="black", lw=3)
    ax.annotate("50 km", (x0 - width / 2, y0), ha="center", va="bottom", fontsize=10)


def _inset(ax: Any, analysis: Analysis) -> None:
    """A small map of the path from the station."""
    event, station = analysis.event, analysis.event.station
    box = ax.inset_axes([0.70, 0.71, 0.29, 0.28])
    box.plot(station.lon, station.lat, "v", color=GREEN, markersize=9)
    for area in event.areas:
        box.plot([station.lon, area.lon], [station.lat, area.lat], color="0.6", lw=1)
        box.plot(area.lon, area.lat, "k^", markersize=5)
    for k, p in enumerate(analysis.bare):
        lat, lon, _ = p.median
        box.plot(lon, lat, "+", color=_SIGNAL[k % len(_SIGNAL)], markersize=9, markeredgewidth=2)
    box.annotate(station.name.split(",")[0], (station.lon, station.lat), xytext=(6, -3),
                 textcoords="offset points", fontsize=9)  # fmt: skip
    km = next(iter(analysis.report.geometry.values()))[0] if analysis.report.geometry else 0
    box.annotate(f"{km:.0f} km", (0.3, 0.35), xycoords="axes fraction", fontsize=9)
    box.margins(0.15)
    box.tick_params(labelsize=7.5)


def yield_figure(analysis: Analysis) -> Any:
    """Posterior yield under each explosion hypothesis, with the public statements marked."""
    event = analysis.event
    figure = canvas(9, 5.6)
    ax = figure.add_subplot()
    edges = np.logspace(-1.5, 4.2, 115)
    top = 0.0
    for h in event.hypotheses:
        size = analysis.weighed.sizes[h.id]
        if size.quantiles() is None:
            continue
        share, _ = np.histogram(size.yield_t, bins=edges, weights=size.weight)
        share = share / share.sum() / np.diff(np.log10(edges))
        q = size.quantiles()
        assert q is not None
        label = f"{h.id}: {_tonnes(q.mid)} t (90 %: {_tonnes(q.low)} to {_tonnes(q.high)} t)"
        style = "--" if h.prior == 0 else "-"
        ax.stairs(share, edges, color=_COLOURS.get(h.id, GREEN), lw=2.2, ls=style, label=label)
        top = max(top, float(share.max()))
    _statements(ax, event, top)
    ax.set_xscale("log")
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(0, 1.75 * top)
    ax.set_xlabel("yield, tonnes TNT equivalent")
    ax.set_ylabel("probability per decade of yield")
    m = event.magnitude
    seen = f", seen by {', '.join(event.pattern.seen)} only" if event.pattern else ""
    ax.set_title(f"{event.title}: yield if it was an explosion", loc="left", fontsize=13)
    ax.legend(loc="upper left", fontsize=9.5, title=f"given {m.type} {m.low:g} to {m.high:g} ({m.by}){seen}")
    ax.grid(alpha=0.3)
    _foot(
        figure,
        "Priors even in log yield over each hypothesis' range (dashed: no range asserted). Calibrated on\n"
        "shots of known yield (SIPRI/FOA 2000, others); decoupling in granite, 1-4 Hz, constants recalled.",
    )
    return figure


def _tonnes(t: float) -> str:
    """Two figures, without exponents."""
    return f"{float(f'{t:.2g}'):,.10g}"


def _statements(ax: Any, event: Event, top: float) -> None:
    m = event.magnitude
    low, high = (1000 * yield_of_magnitude(v) for v in (m.low, m.high))
    marks = [(f"{m.by}: M {m.low:g} to {m.high:g},\nif coupled and mb = 4.45 + 0.75 log Y", low, high, BLUE)]
    for s in (x for x in event.statements if x.range_t is not None):
        assert s.range_t is not None
        a, b = s.range_t.low, s.range_t.high
        words, colour = ("said", RED) if s.test == "yield" else ("can identify about", GREEN)
        marks.append((f"{s.by}: {words}\n{f'{a:g} to {b:g}' if b > a else f'{a:g}'} t", a, b, colour))
    for k, (text, a, b, colour) in enumerate(marks):
        y = top * (1.12 + 0.14 * (k % 2))
        ax.plot([a, b], [y, y], color=colour, lw=5, solid_capstyle="butt", alpha=0.8)
        if a == b:
            ax.plot(a, y, "D", color=colour, markersize=8)
            ax.axvline(a, color=colour, lw=1, ls=":")
        right = a == b
        ax.annotate(text, (b if right else np.sqrt(a * b), y), xytext=(8 if right else 0, 0 if right else 5),
                    textcoords="offset points", ha="left" if right else "center",
                    va="center" if right else "bottom", fontsize=9)  # fmt: skip


def hiding_figure(
    thresholds: dict[str, float],
    *,
    depth_m: float = 500.0,
    rocks: tuple[str, ...] = ("granite", "salt"),
    law: str = "semipalatinsk",
) -> Any:
    """Largest yield below each named threshold (mb) against the cavity's radius; one panel a rock."""
    figure = canvas(10, 5.2)
    axes = figure.subplots(1, len(rocks), sharey=True, squeeze=False)[0]
    used = find_law(law)
    radii = np.linspace(0, min(60, depth_m / 2), 121)
    for ax, rock in zip(axes, rocks, strict=True):
        for (name, mb), colour in zip(thresholds.items(), (BLUE, RED, GREEN, ORANGE), strict=False):
            h = largest_hidden(mb, rock, depth_m, radii, law=law)
            ax.fill_between(radii, 1000 * h.low, 1000 * h.high, color=colour, alpha=0.15, lw=0)
            ax.plot(radii, 1000 * h.mid, color=colour, lw=2.2, label=f"{name} (mb {mb:g})")
        ax.axhline(500, color="0.4", lw=1, ls=":")
        ax.annotate("500 t", (0, 500), ha="left", va="bottom", fontsize=10, color="0.3")
        ax.set_yscale("log")
        ax.set_xlabel("cavity radius, m")
        ax.set_title(f"{rock}, {depth_m:g} m deep", loc="left", fontsize=12)
        ax.grid(alpha=0.3, which="both", lw=0.5)
    axes[0].set_ylabel("largest yield that stays below, tonnes")
    axes[0].legend(loc="lower right", fontsize=9.5)
    figure.suptitle(
        "What could hide: yield below a detection threshold against cavity size", x=0.01, ha="left"
    )
    _foot(
        figure,
        f"mb = {used.a:g} + {used.b:g} log Y ({used.name}), slope 0.75 to 1 below 1 kt; band: slope, wall, factor.\n"
        "Factor at 2 Hz (Mueller-Murphy, constants recalled). Above 10 kt judged impractical (NAP 12849).",
    )
    return figure


def _foot(figure: Any, text: str) -> None:
    lines = 1 + text.count("\n")
    inches = 0.17 * lines / figure.get_figheight()
    figure.get_layout_engine().set(rect=(0, inches, 1, 1 - inches))
    figure.text(0.01, inches, text, fontsize=8, color="0.35", va="top")
