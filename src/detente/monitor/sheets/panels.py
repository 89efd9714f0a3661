"""The panels of an event sheet: map, aligned traces, P/S, magnitudes, yield, f-k; each draws into given axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.character.magnitudes import Station, as_idc, body_wave
from detente.monitor.character.ratios import Ratio, populations
from detente.monitor.coast import rings
from detente.monitor.event_location import destination
from detente.monitor.geo import KM_PER_DEG
from detente.monitor.waves.trace import Array, Trace

Float = NDArray[np.float64]

# Okabe & Ito 2008, colour-blind safe
BLUE, ORANGE, GREEN, RED, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999", "#222222"
SMALL: Final = 8.0
TRACES: Final = 14
_PICK_BAND: Final = (1.0, 4.0)


def style(axes: Any, title: str) -> None:
    """One look for all panels."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.label.set_fontsize(SMALL + 1)
    axes.yaxis.label.set_fontsize(SMALL + 1)


def plain(kt: float) -> str:
    """Two figures, no powers of ten."""
    return f"{float(f'{kt:.2g}'):,.10g}"


def nothing(axes: Any, title: str, why: str) -> None:
    """A panel that says why it is empty."""
    style(axes, title)
    axes.set_axis_off()
    axes.text(0.0, 0.9, why, fontsize=SMALL + 1, va="top", wrap=True, transform=axes.transAxes)


def draw_map(axes: Any, event: Event, near: Sequence[Station], arrays: Mapping[str, Array]) -> None:
    """Stations that gave picks (filled) and that did not (open), the epicentre and its ellipse."""
    style(axes, "Where")
    o = event.origin
    used = {u.station for u in o.used}
    for ring in rings():
        for turn in (-360, 0, 360):
            axes.plot(ring[:, 0] + turn, ring[:, 1], color=GREY, linewidth=0.6, zorder=1)
    shown = [(s.path.station, arrays[s.path.station]) for s in near if s.path.distance_deg < 60]
    for code, array in shown:
        x = o.lon + (array.lon - o.lon + 180) % 360 - 180
        axes.plot([o.lon, x], [o.lat, array.lat], color=GREY, linewidth=0.4, zorder=1)
        face = BLUE if code in used else "white"
        axes.plot(x, array.lat, "^", color=BLUE, markerfacecolor=face, markersize=7, zorder=3)
    for code, array in [s for s in shown if s[0] in used][:12]:
        x = o.lon + (array.lon - o.lon + 180) % 360 - 180
        axes.annotate(code, (x, array.lat), (3, 3), textcoords="offset points", fontsize=SMALL - 1)
    if o.semi_major_km is not None and o.semi_minor_km is not None:
        lat, lon = _ellipse(o.lat, o.lon, o.semi_major_km, o.semi_minor_km, o.strike_deg or 0.0)
        axes.fill(o.lon + (lon - o.lon + 180) % 360 - 180, lat, color=RED, alpha=0.25, zorder=2)
        axes.plot(o.lon + (lon - o.lon + 180) % 360 - 180, lat, color=RED, linewidth=1.2, zorder=4)
    axes.plot(o.lon, o.lat, "*", color=RED, markersize=13, markeredgecolor="white", zorder=5)
    _frame(axes, event, [a for _, a in shown])


def _ellipse(lat: float, lon: float, major: float, minor: float, strike: float) -> tuple[Float, Float]:
    t = np.linspace(0, 2 * np.pi, 121)
    a = np.radians(strike)
    along, across = major * np.cos(t), minor * np.sin(t)
    east, north = along * np.sin(a) + across * np.cos(a), along * np.cos(a) - across * np.sin(a)
    azimuth = np.degrees(np.arctan2(east, north)) % 360
    lats, lons = destination(lat, lon, azimuth, np.hypot(east, north) / KM_PER_DEG)
    return np.asarray(lats), np.asarray(lons)


def _frame(axes: Any, event: Event, shown: Sequence[Array]) -> None:
    o = event.origin
    lats = np.array([o.lat, *(a.lat for a in shown)])
    lons = np.array([o.lon, *(o.lon + (a.lon - o.lon + 180) % 360 - 180 for a in shown)])
    reach = max((o.semi_major_km or 0.0) / KM_PER_DEG, 1.0)
    low, high = min(lats.min(), o.lat - reach) - 1, max(lats.max(), o.lat + reach) + 1
    stretch = max(float(np.cos(np.radians(o.lat))), 0.15)
    left = min(lons.min(), o.lon - reach / stretch) - 1.5
    right = max(lons.max(), o.lon + reach / stretch) + 1.5
    axes.set_xlim(left, right)
    axes.set_ylim(max(low, -90), min(high, 90))
    axes.set_aspect(1 / stretch, adjustable="box", anchor="NW")
    axes.set_xlabel("degrees east")
    axes.set_ylabel("degrees north")


def draw_traces(axes: Any, event: Event, near: Sequence[Station], arrivals: Mapping[str, Arrival]) -> None:
    """Verticals, 1-4 Hz, about the first P, sorted by distance; picks red, predicted P and S dashed."""
    style(axes, "Traces, 1-4 Hz, aligned on predicted P (each to its own scale)")
    shown = [s for s in near if s.verticals]
    picked = [s for s in shown if s.arrival]
    shown = sorted((picked + [s for s in shown if not s.arrival])[:TRACES], key=lambda s: s.path.distance_deg)
    if not shown:
        nothing(axes, "Traces", "no trace about the predicted P")
        return
    middle = float(np.median([s.path.distance_km / 3.0 - s.path.p_s for s in shown]))
    span = min(max(60.0, 1.3 * middle), 300.0)
    for row, s in enumerate(shown):
        zero = event.origin.time + s.path.p_s
        t, y = _line(s.verticals[0], zero - 20, zero + span)
        if t.size:
            axes.plot(t - zero, row + 0.45 * y, color=INK, linewidth=0.5)
        label = f"{s.path.station}  {s.path.distance_deg:.1f}°"
        axes.text(-21, row, label, fontsize=SMALL, ha="right", va="center")
        s_at = s.path.s_s - s.path.p_s
        for at, colour in ((0.0, BLUE), (s_at, GREEN)):
            if np.isfinite(at) and at < span:
                axes.plot([at, at], [row - 0.4, row + 0.4], "--", color=colour, linewidth=1)
        for u in event.origin.used:
            if u.station == s.path.station and u.arrival in arrivals:
                at = arrivals[u.arrival].time - zero
                axes.plot([at, at], [row - 0.48, row + 0.48], color=RED, linewidth=1.4)
                axes.text(at, row - 0.2, f" {u.phase}", fontsize=SMALL - 1, color=RED)
    axes.set_xlim(-20, span)
    axes.set_ylim(len(shown) - 0.4, -0.7)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("s after predicted P; red: picks, blue: predicted P, green: predicted S")


def _line(trace: Trace, start: float, end: float) -> tuple[Float, Float]:
    """Times and normalised samples, filtered and thinned to what a page can show."""
    from scipy.signal import butter, sosfiltfilt

    part = trace.cut(start - 10, end)
    if part.samples.size < 50:
        return np.empty(0), np.empty(0)
    band = (_PICK_BAND[0], min(_PICK_BAND[1], 0.42 * trace.rate_hz))
    x = part.samples.astype(float)
    y = sosfiltfilt(butter(3, band, "band", fs=trace.rate_hz, output="sos"), x - x.mean())
    t = part.start + np.arange(y.size) / part.rate_hz
    keep = (t >= start) & (t <= end)
    top = float(np.abs(y[keep]).max()) if keep.any() else 0.0
    return t[keep], y[keep] / (top or 1.0)


def draw_ratios(axes: Any, ratios: Sequence[Ratio]) -> None:
    """P/S of every station by band over what quakes and explosions show."""
    if not ratios:
        nothing(axes, "P/S", "P/S not measured: see the screening's reasons")
        return
    style(axes, "P/S at 300 km, by band")
    bands = [p.band for p in populations()]
    x = np.arange(len(bands))
    for name, colour, offset in (("quake", GREEN, -0.06), ("explosion", ORANGE, 0.06)):
        mean = np.array([getattr(p, name) for p in populations()])
        axes.fill_between(x + offset, mean - 0.27, mean + 0.27, color=colour, alpha=0.22, linewidth=0)
        axes.plot(x + offset, mean, color=colour, linewidth=2, label=f"{name}s +- 0.27")
    names = sorted({r.station for r in ratios})
    ends: list[tuple[float, float, str]] = []
    for i, name in enumerate(names):
        own = sorted((r for r in ratios if r.station == name), key=lambda r: r.band)
        at = np.array([bands.index(r.band) for r in own]) + 0.5 * ((i + 0.5) / len(names) - 0.5)
        axes.plot(at, [r.value for r in own], color=INK, linewidth=0.5, alpha=0.6)
        for xi, r in zip(at, own, strict=True):
            axes.plot(xi, r.value, "^" if r.at_least else "o", color=INK, markersize=4,
                      markerfacecolor="white" if r.at_least else INK)  # fmt: skip
        ends.append((own[-1].value, float(at[-1]), name))
    _label_ends(axes, ends, len(bands) - 0.15)
    axes.set_xticks(x, [f"{a:g}-{b:g}" for a, b in bands])
    axes.set_xlim(-0.5, len(bands) + 0.5)
    axes.set_xlabel("Hz; open triangles: S not seen, the ratio is at least this")
    axes.set_ylabel("log10 P/S")
    axes.legend(fontsize=SMALL - 1, frameon=False, loc="upper left")


def _label_ends(axes: Any, ends: Sequence[tuple[float, float, str]], x: float) -> None:
    """Names in a column at the right, apart from each other, each with a thin line to its last point."""
    low, high = axes.get_ylim()
    apart = 0.055 * (high - low)
    at = low
    for value, last, name in sorted(ends):
        at = max(at + apart, value)
        axes.plot([last, x], [value, at], color=GREY, linewidth=0.4)
        axes.text(x + 0.03, at, name, fontsize=SMALL - 1, va="center")


def draw_magnitudes(axes: Any, event: Event) -> None:
    """Each station's magnitude less the network's, by kind; open triangles: limits."""
    kinds = [m for m in event.magnitudes if m.kind != "mb(Pn,Korea)"]
    if not kinds:
        nothing(axes, "Magnitudes", "no magnitude: no response, or no signal above the noise")
        return
    style(axes, "Station less network magnitude")
    for row, m in enumerate(kinds):
        axes.axhline(row, color=GREY, linewidth=0.4)
        axes.errorbar(0, row, xerr=m.sd, color=RED, capsize=3, linewidth=1.5)
        for s in m.stations:
            marker, face = ("<", "white") if s.limit else ("o", BLUE)
            axes.plot(np.clip(s.value - m.value, -1.6, 1.6), row, marker, color=BLUE, markerfacecolor=face,
                      markersize=5)  # fmt: skip
    for row, m in enumerate(kinds):
        odd = sorted((s for s in m.stations if not s.limit), key=lambda s: -abs(s.value - m.value))[:2]
        for s in odd:
            axes.text(
                np.clip(s.value - m.value, -1.5, 1.5), row - 0.18, s.station, fontsize=SMALL - 2, ha="center"
            )
    axes.set_yticks(range(len(kinds)), [f"{m.kind} {m.value:.2f}" for m in kinds])
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.set_xlim(-1.7, 1.7)
    axes.set_xlabel("magnitude units; red: the network's error; triangles: upper limits")


def draw_yield(axes: Any, event: Event, seed: int) -> None:
    """The posterior of the coupled yield, and the 90 % interval of each assumption."""
    from detente.monitor.character.yields import nearest_site
    from detente.monitor.magnitude_yield import estimate_yield

    mb = body_wave(event)
    if not event.yields or mb is None:
        nothing(axes, "Yield", "no yield: no magnitude, or no explosion")
        return
    style(axes, "Yield")
    site, _ = nearest_site(event)
    draws = estimate_yield(as_idc(mb), site, kind="mb", agency="idc", sd=mb.sd, seed=seed).draws
    edges = np.linspace(-3, 5, 100)
    density, _ = np.histogram(np.log10(draws), edges, density=True)
    axes.fill_between(10 ** ((edges[1:] + edges[:-1]) / 2), density, color=BLUE, alpha=0.3, linewidth=0)
    top = float(density.max())
    for row, y in enumerate(event.yields):
        at = -0.22 * top * (row + 1)
        colour = (BLUE, RED)[row % 2]
        axes.plot([y.low_kt, y.high_kt], [at, at], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot(y.median_kt, at, "o", color=colour, markeredgecolor="white", markersize=7)
        axes.text(
            y.median_kt, at + 0.06 * top, f"{y.assumption}: {y.median_kt:.2g} kt", fontsize=SMALL, ha="center"
        )
    axes.set_xscale("log")
    axes.set_xlim(1e-3, 1e5)
    axes.set_ylim(-0.3 * top * len(event.yields), 1.1 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("kt; bars: 90 %; the cavity is judged impractical above 10 kt")


def draw_fk(axes: Any, found: Any) -> None:
    """Polar map of relative f-k power; slowness outwards, back-azimuth round; the peak and its error."""
    angle = np.radians(np.arange(0, 361, 3))
    top = float(found.axis[-1])
    radius = np.linspace(0, top, 50)
    t, r = np.meshgrid(angle, radius)
    step = float(found.axis[1] - found.axis[0])
    column = np.clip(np.rint((r * np.sin(t) + top) / step).astype(int), 0, len(found.axis) - 1)
    row = np.clip(np.rint((r * np.cos(t) + top) / step).astype(int), 0, len(found.axis) - 1)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.pcolormesh(t, r, found.map[row, column], cmap="cividis", shading="auto", rasterized=True)
    axes.plot(
        np.radians(found.backazimuth_deg),
        found.slowness_s_km,
        "+",
        color=RED,
        markersize=11,
        markeredgewidth=2,
    )
    axes.tick_params(labelsize=SMALL - 1)
    axes.set_yticks(np.round(np.linspace(0, top, 4)[1:], 2))
    axes.set_title(
        f"f-k at {found.station}: {found.backazimuth_deg:.0f}° +- {found.backazimuth_sd_deg:.0f}°,"
        f" {found.slowness_s_km:.3f} s/km",
        loc="left", fontsize=9, fontweight="bold",
    )  # fmt: skip
