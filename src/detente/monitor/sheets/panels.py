"""The panels of an event sheet: traces or residuals, P/S, magnitudes, evidence, yield; each draws into given axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.character.magnitudes import as_idc, body_wave
from detente.monitor.character.near import Station
from detente.monitor.character.ratios import Ratio, populations
from detente.monitor.sheets.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    RED,
    SMALL,
    kilotonnes,
    nothing,
    style,
)
from detente.monitor.sheets.threshold import BOUND_KT
from detente.monitor.waves.trace import Trace

Float = NDArray[np.float64]

TRACES: Final = 16
_PICK_BAND: Final = (1.0, 4.0)
_COLUMNS: Final = 1100  # a trace is drawn as its extremes in as many steps: no page shows more
_FAR: Final = 1.6  # a station's magnitude further from the network's is drawn at the edge, as an arrow


def draw_traces(axes: Any, event: Event, near: Sequence[Station], arrivals: Mapping[str, Arrival]) -> None:
    """Verticals, 1-4 Hz, about the first P, sorted by distance: picks, predicted P and S."""
    shown = [s for s in near if s.verticals]
    whole = len(shown)
    picked = [s for s in shown if s.arrival]
    shown = sorted((picked + [s for s in shown if not s.arrival])[:TRACES], key=lambda s: s.path.distance_deg)
    if not shown:
        nothing(axes, "Traces", "no trace about the predicted P")
        return
    some = "" if len(shown) == whole else f"; {len(shown)} of {whole} stations, the nearest with picks"
    style(axes, f"Vertical traces, 1-4 Hz, each to its own scale{some}")
    middle = float(np.median([s.path.distance_km / 3.0 - s.path.p_s for s in shown]))
    span = min(max(60.0, 1.3 * middle), 300.0)
    size = SMALL if len(shown) <= 12 else SMALL - 1
    for row, s in enumerate(shown):
        zero = event.origin.time + s.path.p_s
        t, y = _line(s.verticals[0], zero - 20, zero + span)
        if t.size:
            axes.plot(t - zero, row + 0.42 * y, color=INK, linewidth=0.45, rasterized=True)
        label = f"{s.path.station}  {s.path.distance_deg:.1f}°"
        axes.text(-21, row, label, fontsize=size, ha="right", va="center")
        for at, colour in ((0.0, BLUE), (s.path.s_s - s.path.p_s, GREEN)):
            if np.isfinite(at) and at < span:
                axes.plot([at, at], [row - 0.45, row + 0.45], ":", color=colour, linewidth=1.6, zorder=4)
        _picks(axes, row, [(arrivals[u.arrival].time - zero, u.phase) for u in event.origin.used
                           if u.station == s.path.station and u.arrival in arrivals], span, size)  # fmt: skip
    axes.set_xlim(-20, span)
    axes.set_ylim(len(shown) - 0.4, -0.8)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("s after predicted P (ak135); solid: picks, dotted: predicted P (blue) and S (green)")


def _picks(axes: Any, row: int, picks: Sequence[tuple[float, str]], span: float, size: float) -> None:
    """Picks as solid lines with their phases beside them; names that would touch go below the trace."""
    last, below = -1e9, False
    for at, phase in sorted(picks):
        if not -20 <= at <= span:
            continue
        axes.plot([at, at], [row - 0.48, row + 0.48], color=RED, linewidth=1.3, zorder=5)
        below = at - last < 0.045 * (span + 20) and not below
        axes.text(at + 0.004 * span, row + (0.47 if below else -0.47), phase, fontsize=size - 0.5, color=INK,
                  va="bottom" if below else "top", zorder=6,
                  bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.4})  # fmt: skip
        last = at


def _line(trace: Trace, start: float, end: float) -> tuple[Float, Float]:
    """Times and normalised samples, filtered; of many samples the extremes of each step."""
    from scipy.signal import butter, sosfiltfilt

    part = trace.cut(start - 10, end)
    if part.samples.size < 50:
        return np.empty(0), np.empty(0)
    high = min(_PICK_BAND[1], 0.42 * trace.rate_hz)
    x = part.samples.astype(float)
    if high > _PICK_BAND[0]:
        x = sosfiltfilt(
            butter(3, (_PICK_BAND[0], high), "band", fs=trace.rate_hz, output="sos"), x - x.mean()
        )
    t = part.start + np.arange(x.size) / part.rate_hz
    keep = (t >= start) & (t <= end)
    t, x = t[keep], x[keep]
    top = float(np.abs(x).max(initial=0.0))
    step = x.size // _COLUMNS
    if step > 2:
        n = x.size // step * step
        parts = x[:n].reshape(-1, step)
        x = np.column_stack([parts.min(axis=1), parts.max(axis=1)]).ravel()
        t = np.repeat(t[:n:step], 2)
    return t, x / (top or 1.0)


def draw_residuals(axes: Any, event: Event) -> None:
    """Observed less predicted time of each pick by distance, those that shaped the origin filled."""
    timed = [u for u in event.origin.used if u.time_residual_s is not None]
    if not timed:
        nothing(axes, "Picks", "no time residual is told")
        return
    style(axes, "Picks: observed less predicted time, by distance")
    axes.axhline(0, color=GREY, linewidth=0.8)
    phases = list(dict.fromkeys(u.phase for u in sorted(timed, key=lambda u: u.distance_deg)))
    marks = {p: ("o", "s", "^", "D", "v", "P", "X")[i % 7] for i, p in enumerate(phases)}
    for phase in phases:
        own = [u for u in timed if u.phase == phase]
        axes.scatter([u.distance_deg for u in own], [u.time_residual_s for u in own], marker=marks[phase], s=34,
                     facecolors=[BLUE if u.defining else "white" for u in own], edgecolors=BLUE, label=phase,
                     zorder=3)  # fmt: skip
    for u in sorted(timed, key=lambda u: -abs(u.time_residual_s or 0.0))[:10]:
        axes.annotate(u.station, (u.distance_deg, u.time_residual_s), (5, 3), textcoords="offset points",
                      fontsize=SMALL - 1)  # fmt: skip
    axes.set_ylabel("s")
    axes.set_xlabel("degrees from the epicentre; filled: shaped the origin, open: did not")
    axes.legend(
        fontsize=SMALL,
        frameon=False,
        ncols=len(phases),
        loc="lower right",
        bbox_to_anchor=(1, 0.99),
        borderpad=0,
    )
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -1.5), max(high, 1.5) * 1.25)


def draw_ratios(axes: Any, ratios: Sequence[Ratio]) -> None:
    """P/S of every station by band over what quakes and explosions show."""
    if not ratios:
        nothing(axes, "P/S", "P/S not measured: see the screening's reasons")
        return
    style(axes, "P/S at 300 km, by band")
    bands = [p.band for p in populations()]
    x = np.arange(len(bands))
    for name, colour, line, hatch in (("quake", GREEN, "--", "//"), ("explosion", ORANGE, "-", None)):
        mean = np.array([getattr(p, name) for p in populations()])
        axes.fill_between(x, mean - 0.27, mean + 0.27, facecolor=colour, alpha=0.22, linewidth=0, hatch=hatch,
                          edgecolor=colour)  # fmt: skip
        axes.plot(x, mean, line, color=colour, linewidth=2, label=f"{name}s ± 0.27")
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
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.22 * (high - low))  # room for the legend
    _label_ends(axes, ends, len(bands) - 0.15)
    axes.set_xticks(x, [f"{a:g}-{b:g}" for a, b in bands])
    axes.set_xlim(-0.5, len(bands) + 0.6)
    axes.set_xlabel("Hz; open triangle: S not seen, at least this")
    axes.set_ylabel("log10 P/S")
    axes.legend(fontsize=SMALL - 1, frameon=False, loc="upper left", ncols=2)


def _label_ends(axes: Any, ends: Sequence[tuple[float, float, str]], x: float) -> None:
    """Names in a column at the right, apart from each other, each with a thin line to its last point."""
    low, high = axes.get_ylim()
    room = 0.9 * (high - low)
    apart = min(0.055 * (high - low), room / max(len(ends), 1))
    if len(ends) > 24:  # no column holds them
        return
    wanted = sorted(ends)
    at = [low + 0.03 * (high - low)] * len(wanted)
    for i, (value, _, _) in enumerate(wanted):
        at[i] = max(value, at[i - 1] + apart if i else at[0])
    over = max(0.0, at[-1] - (high - 0.1 * (high - low)))
    for y, (value, last, name) in zip(at, wanted, strict=True):
        axes.plot([last, x], [value, y - over], color=GREY, linewidth=0.4)
        axes.text(x + 0.03, y - over, name, fontsize=SMALL - 1, va="center")


def draw_magnitudes(axes: Any, event: Event) -> None:
    """Each station's magnitude less the network's, by kind; triangles: limits."""
    kinds = [m for m in event.magnitudes if m.kind != "mb(Pn,Korea)"]
    if not kinds:
        below = next((m for m in event.limits if m.kind.startswith("mb")), None)
        why = "no magnitude: no response, or no signal above the noise"
        nothing(
            axes,
            "Magnitudes",
            why if below is None else f"no station measured one; {below.kind} below {below.value:.1f} (90 %)",
        )
        return
    style(axes, "Station less network magnitude")
    for row, m in enumerate(kinds):
        axes.axhline(row, color=GREY, linewidth=0.4, zorder=0)
        axes.plot(
            [-m.sd, m.sd], [row, row], color=RED, linewidth=5, alpha=0.4, solid_capstyle="butt", zorder=1
        )
        for s in m.stations:
            off = s.value - m.value
            beyond = "<" if off < -_FAR else ">" if off > _FAR else ""
            mark = beyond or ("v" if s.limit else "o")
            axes.plot(np.clip(off, -_FAR, _FAR), row, mark, color=BLUE, markersize=5, zorder=3,
                      markerfacecolor="white" if s.limit else BLUE)  # fmt: skip
        _name_odd(axes, row, [(float(np.clip(s.value - m.value, -_FAR, _FAR)), s.station) for s in m.stations
                              if not s.limit])  # fmt: skip
    axes.set_yticks(range(len(kinds)), [f"{m.kind}\n{m.value:.2f} ± {m.sd:.2f}" for m in kinds])
    axes.set_ylim(len(kinds) - 0.4, -0.6)
    axes.set_xlim(-1.75, 1.75)
    axes.set_xlabel(
        "magnitude units; band: the network's error;\nopen: upper limit; at the edge: further off"
    )


def _name_odd(axes: Any, row: int, found: Sequence[tuple[float, str]]) -> None:
    """The names of the two stations furthest from the network's value, where they do not touch."""
    done: list[float] = []
    for off, name in sorted(found, key=lambda f: -abs(f[0]))[:3]:
        if all(abs(off - d) > 0.5 for d in done):
            axes.text(off, row - 0.13, name, fontsize=SMALL - 1, ha="center")
            done.append(off)


def draw_evidence(axes: Any, event: Event) -> None:
    """Each criterion's logarithm of explosion over earthquake likelihood, and the prior's."""
    s = event.screening
    if s is None or not s.criteria:
        nothing(axes, "Evidence", "nothing to screen with" if s is None else s.why)
        return
    style(axes, "Evidence: explosion (right) or earthquake (left)")
    rows = [(c.name, c.log10_ratio) for c in s.criteria]
    if 0 < s.prior < 1:
        rows.append((f"prior {s.prior:g}", float(np.log10(s.prior / (1 - s.prior)))))
    for y, (_, value) in enumerate(rows):
        axes.barh(y, value, color=RED if value > 0 else GREEN, hatch=None if value > 0 else "//", height=0.6,
                  edgecolor="white")  # fmt: skip
        axes.text(
            value, y, f" {value:+.2f} ", fontsize=SMALL, va="center", ha="left" if value >= 0 else "right"
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    reach = 1.5 * max(1.0, *(abs(v) for _, v in rows))
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("log10 of the likelihood ratio")


def draw_yield(axes: Any, event: Event, seed: int, *, bound: bool = False) -> None:
    """The posterior of the coupled yield, and the 90 % interval of each assumption; `bound`: the treaty's line."""
    from detente.monitor.character.yields import nearest_site
    from detente.monitor.magnitude_yield import estimate_yield

    mb = body_wave(event)
    if not event.yields or mb is None:
        nothing(axes, "Yield", "no yield: no magnitude, or no explosion")
        return
    style(axes, "Yield if an explosion")
    site, _ = nearest_site(event)
    draws = estimate_yield(as_idc(mb), site, kind="mb", agency="idc", sd=mb.sd, seed=seed).draws
    low = np.floor(np.log10(min(y.low_kt for y in event.yields)) - 0.6)
    high = np.ceil(np.log10(max(y.high_kt for y in event.yields)) + 0.6)
    edges = np.linspace(low, high, 90)
    density, _ = np.histogram(np.log10(draws), edges, density=True)
    axes.fill_between(10 ** ((edges[1:] + edges[:-1]) / 2), density, color=BLUE, alpha=0.3, linewidth=0)
    top = float(density.max()) or 1.0
    for row, y in enumerate(event.yields):
        at = -0.36 * top * (row + 1)
        colour, line = ((BLUE, "-"), (RED, (0, (1.2, 0.6))))[row % 2]
        axes.plot([y.low_kt, y.high_kt], [at, at], linestyle=line, color=colour, linewidth=3, solid_capstyle="butt",
                  dash_capstyle="butt")  # fmt: skip
        axes.plot(y.median_kt, at, "o", color=colour, markeredgecolor="white", markersize=7)
        words = f"{y.assumption}: {kilotonnes(y.median_kt)} ({kilotonnes(y.low_kt)} to {kilotonnes(y.high_kt)}) kt"
        axes.text(
            0.5, at + 0.07 * top, words, fontsize=SMALL, ha="center", transform=axes.get_yaxis_transform()
        )
    if bound:
        axes.axvline(BOUND_KT, color=INK, linewidth=1.2, linestyle="--")
        axes.text(1.1 * BOUND_KT, 1.1 * top, f"{BOUND_KT:g} kt", fontsize=SMALL, va="top")
    axes.set_xscale("log")
    axes.set_xlim(10**low, 10**high)
    axes.set_ylim(-0.36 * top * len(event.yields) - 0.2 * top, 1.15 * top)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    ticks = [10.0**k for k in np.arange(low, high + 1, 1 if high - low <= 6 else 2)]
    axes.set_xticks(ticks, [kilotonnes(v) for v in ticks])
    axes.minorticks_off()
    axes.set_xlabel(
        "kt TNT; shaded: probability if coupled; bars: 90 %;\na cavity above 10 kt is judged impractical"
    )
