"""The overview of a recording: arrivals by station against time with the events, and the network's health."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from detente.drawing import canvas, rendered
from detente.files import write_all
from detente.monitor.bulletin.records import Bulletin, Event
from detente.monitor.character.magnitudes import body_wave
from detente.monitor.sheets.style import BLUE, GREY, INK, LIGHT, RED, SMALL, VERDICT, made_words, stamp, style
from detente.monitor.waves.trace import Array, Recording

ROWS: Final = 40
"""More stations than these share the height of so many: their names stand in columns, so that none is smaller."""
_HIGHEST: Final = 9.5  # inches of rows on a printed page


def day_overview(bulletin: Bulletin) -> Any:
    """The events by magnitude and verdict, and below them every arrival by station (dark where an event took it)."""
    names = list(bulletin.stations)
    rows = _height(len(names))
    figure = canvas(11.5, 2.9 + rows)
    top, main = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (1.9, max(rows, 1.0))})
    found = f"{len(bulletin.events)} event{'s' if len(bulletin.events) != 1 else ''}"
    style(top, f"{stamp(bulletin.start)} to {stamp(bulletin.end)}: {found}", pad=20)
    _events(top, bulletin.events)
    used = {u.arrival for e in bulletin.events for u in e.origin.used}
    row = {code: i for i, code in enumerate(names)}
    tall = 72 * rows / max(len(names), 1)
    parts = []
    for taken, colour in ((False, GREY), (True, BLUE)):
        several = [a for a in bulletin.arrivals if (a.id in used) == taken and a.station in row]
        parts.append(f"{len(several)} {'of events (blue, long)' if taken else 'of none (grey, short)'}")
        main.plot(
            [_when(a.time) for a in several], [row[a.station] for a in several], "|", color=colour,
            markersize=np.clip((0.8 if taken else 0.45) * tall, 2.5, 11), markeredgewidth=1.5 if taken else 0.8,
        )  # fmt: skip
    style(main, f"Arrivals by station: {', '.join(reversed(parts))}")
    _stations(main, names)
    _clock(main, bulletin)
    _foot(figure, bulletin)
    return figure


def _events(axes: Any, events: Sequence[Event]) -> None:
    """One mark an event at its magnitude; those without one stand on a line of their own below."""
    sizes = {e.id: m.value for e in events if (m := body_wave(e)) is not None}
    low = np.floor(min(sizes.values(), default=4.0) - 1.0)
    high = max(np.ceil(max(sizes.values(), default=6.0) + 0.5), low + 3)
    bottom = low - 0.5
    seen: dict[str, list[Event]] = {v: [] for v in VERDICT}
    for e in events:
        seen[e.screening.verdict if e.screening else "cannot be screened"].append(e)
    for verdict, (colour, mark) in VERDICT.items():
        own = seen[verdict]
        x, y = [_when(e.origin.time) for e in own], [sizes.get(e.id, bottom) for e in own]
        axes.vlines(x, bottom, y, color=colour, linewidth=0.8, alpha=0.7)
        axes.plot(x, y, mark, color=colour, markersize=11 if mark == "*" else 6.5, linestyle="none", zorder=3,
                  markerfacecolor="white" if verdict == "cannot be screened" else colour,
                  label=f"{verdict} ({len(own)})")  # fmt: skip
    axes.legend(fontsize=SMALL, frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(-0.01, 0.97),
                borderpad=0)  # fmt: skip
    ticks = [float(v) for v in np.arange(low, high + 0.1, 1 if high - low < 6 else 2)]
    unsized = any(e.id not in sizes for e in events)
    axes.set_yticks(
        [*([bottom] if unsized else []), *ticks], [*(["none"] if unsized else []), *(f"{v:g}" for v in ticks)]
    )
    axes.set_ylim(bottom - 0.3, high + 0.3)
    axes.set_ylabel("mb")
    named: list[tuple[float, float]] = []
    span = max((e.origin.time for e in events), default=1.0) - min(
        (e.origin.time for e in events), default=0.0
    )
    for e in sorted((e for e in events if e.id in sizes), key=lambda e: (-_told(e), -sizes.get(e.id, 0.0))):
        t, size = e.origin.time, sizes[e.id]
        if any(
            abs(t - a) < 0.045 * max(span, 600.0) and abs(size - b) < 0.14 * (high - low) for a, b in named
        ):
            continue  # a number over another tells neither
        named.append((t, size))
        axes.annotate(f"{size:.1f}", (_when(t), size), (6, 2), textcoords="offset points", fontsize=SMALL)


def _told(event: Event) -> float:
    return (event.screening.p_explosion or 0.0) if event.screening else 0.0


def network_health(bulletin: Bulletin, recording: Recording, arrays: Mapping[str, Array]) -> Any:
    """When each station's verticals recorded, what share that is, what is wrong with it, and its arrivals."""
    codes = list(bulletin.stations)
    rows = _height(len(codes))
    figure = canvas(11.5, 1.5 + rows)
    left, share, right = figure.subplots(1, 3, sharey=True, gridspec_kw={"width_ratios": (2.4, 0.45, 1.0)})
    style(left, "Verticals recorded: all (dark), some (pale); faults beside")
    style(share, "% of span")
    style(right, "Arrivals (dark: of events)")
    used = {u.arrival for e in bulletin.events for u in e.origin.used}
    thick, columns = 0.7 * 72 * rows / max(len(codes), 1), _columns(len(codes))
    for i, code in enumerate(codes):
        names = {s.code for s in arrays[code].sites} if code in arrays else {code}
        whole = _spans(left, recording, names, i, min(thick, 8.0), bulletin)
        place = 0.98 - 0.24 * ((columns - 1 - i) % columns)
        share.text(place, i, f"{100 * whole:.0f}", fontsize=SMALL if columns == 1 else SMALL - 1.5, ha="right",
                   va="center", color=INK if whole > 0.95 else RED,
                   fontweight="normal" if whole > 0.95 else "bold")  # fmt: skip
        own = [a for a in bulletin.arrivals if a.station == code]
        right.barh(i, len(own), color=LIGHT, edgecolor=GREY, linewidth=0.6, height=0.7)
        right.barh(i, sum(a.id in used for a in own), color=BLUE, height=0.7)
        _faults(left, [f for f in bulletin.faults if _channel(f) in names or _channel(f) == code], i)
    _stations(left, codes)
    _clock(left, bulletin)
    share.set_axis_off()
    right.set_xlabel("arrivals")
    right.tick_params(axis="y", left=False)
    lost = [f for f in bulletin.faults if ": no site:" in f or ": no response:" in f]
    several = f"{len(bulletin.faults)} faults" if len(bulletin.faults) != 1 else "1 fault"
    _foot(figure, bulletin, f"{several}, {len(lost)} of them channels without a place or a response")
    return figure


def _spans(
    axes: Any, recording: Recording, names: set[str], row: int, thick: float, bulletin: Bulletin
) -> float:
    """Draw when the verticals of some sites recorded; the share of the span in which any did."""
    own = [t for t in recording.traces if t.station in names and t.channel[-1:] in ("Z", "F", "3")]
    channels = len({t.id for t in own})
    edges = sorted({v for t in own for v in (t.start, t.end)})
    total = 0.0
    for a, b in pairwise(edges):
        n = len({t.id for t in own if t.start <= a and t.end >= b})
        if n:
            total += b - a
            axes.plot([_when(a), _when(b)], [row, row], color=BLUE, linewidth=thick, solid_capstyle="butt",
                      alpha=1.0 if n == channels else 0.35)  # fmt: skip
    return total / max(bulletin.end - bulletin.start, 1e-9)


def _faults(axes: Any, faults: Sequence[str], row: int) -> None:
    """What is wrong with a station, by kind: 2 gap, clipped."""
    kinds: dict[str, int] = {}
    for fault in faults:
        kind = fault.split(": ")[1] if ": " in fault else fault
        kinds[kind] = kinds.get(kind, 0) + 1
    words = ", ".join(f"{n} {k}" if n > 1 else k for k, n in sorted(kinds.items(), key=lambda x: -x[1])[:3])
    if words:
        axes.annotate(words, (1.0, row), (-4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
                      fontsize=SMALL, ha="right", va="center", color=INK, fontweight="bold", zorder=5,
                      bbox={"facecolor": "white", "edgecolor": RED, "linewidth": 1.0, "pad": 1.2})  # fmt: skip


def _channel(fault: str) -> str:
    """The station of a fault's channel: NET.STA.LOC.CHA, or a bare code."""
    parts = fault.split(": ")[0].split(".")
    return parts[1] if len(parts) == 4 else parts[0]


def _columns(rows: int) -> int:
    """In how many columns the words of so many rows stand side by side."""
    return max(1, -(-rows // ROWS))


def _height(rows: int) -> float:
    """Inches for so many rows."""
    return min(0.24 * max(rows, 3), _HIGHEST)


def _stations(axes: Any, names: Sequence[str]) -> None:
    """The stations' names; where rows are thin, in columns side by side."""
    columns = _columns(len(names))
    labels = [name + " " * 13 * ((columns - 1 - i) % columns) for i, name in enumerate(names)]
    axes.set_yticks(range(len(names)), labels, fontsize=SMALL if columns == 1 else SMALL - 1.5)
    axes.set_ylim(len(names) - 0.4, -0.6)
    for i in range(columns - 1, len(names), max(columns, 1) if columns > 1 else 5):
        axes.axhline(i + 0.5, color=LIGHT, linewidth=0.5, zorder=0)


def _when(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)


def _clock(axes: Any, bulletin: Bulletin) -> None:
    """The axis in hours and minutes UTC."""
    from matplotlib.dates import AutoDateLocator, DateFormatter

    span = max(bulletin.end - bulletin.start, 1.0)
    axes.set_xlim(_when(bulletin.start), _when(bulletin.start + span))
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=4, maxticks=9))
    form = "%H:%M:%S" if span < 240 else "%H:%M" if span < 2 * 86400 else "%m-%d"
    axes.xaxis.set_major_formatter(DateFormatter(form, tz=UTC))
    axes.set_xlabel(f"UTC, {stamp(bulletin.start)[:10]}")


def _foot(figure: Any, bulletin: Bulletin, more: str = "") -> None:
    words = made_words(bulletin.made_with)
    figure.supxlabel(f"{more}; {words}" if more else words, fontsize=7, x=0.01, ha="left", color=INK)


def write_day(bulletin: Bulletin, folder: Path) -> Path:
    """Write day.svg and day.png; the first one's path."""
    made = rendered(day_overview(bulletin))
    return write_all(folder, {f"day.{kind}": data for kind, data in made.items()})[0]


def write_health(bulletin: Bulletin, recording: Recording, arrays: Mapping[str, Array], folder: Path) -> Path:
    """Write health.svg and health.png; the first one's path."""
    made = rendered(network_health(bulletin, recording, arrays))
    return write_all(folder, {f"health.{kind}": data for kind, data in made.items()})[0]
