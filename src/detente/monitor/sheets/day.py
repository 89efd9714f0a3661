"""The overview of a recording: arrivals by station against time with the events, and the network's health."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from detente.drawing import canvas, save
from detente.monitor.bulletin.records import Bulletin
from detente.monitor.character.magnitudes import body_wave
from detente.monitor.sheets.panels import BLUE, GREEN, GREY, INK, ORANGE, RED, SMALL, style
from detente.monitor.waves.trace import Array, Recording

_VERDICT: dict[str, str] = {
    "explosion-like": RED,
    "earthquake-like": GREEN,
    "not an explosion": GREEN,
    "cannot be screened": ORANGE,
}


def day_overview(bulletin: Bulletin) -> Any:
    """Arrivals (grey; blue where an event took them) by station, and the events above them by magnitude."""
    names = list(bulletin.stations)
    figure = canvas(11.5, 2.6 + 0.22 * max(len(names), 6))
    top, main = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": (1.0, max(1.2, 0.12 * len(names)))}
    )
    unit, name = _unit(bulletin.end - bulletin.start)
    style(top, f"Events of {_stamp(bulletin.start)} to {_stamp(bulletin.end)}")
    for e in bulletin.events:
        mb = body_wave(e)
        x, y = (e.origin.time - bulletin.start) / unit, mb.value if mb else 0.0
        verdict: str = e.screening.verdict if e.screening else "cannot be screened"
        top.plot([x, x], [0, y], color=_VERDICT[verdict], linewidth=1)
        top.plot(x, y, "o" if mb else "x", color=_VERDICT[verdict], markersize=7)
        top.annotate(
            f"{y:.1f}" if mb else "no mb", (x, y), (4, 2), textcoords="offset points", fontsize=SMALL
        )
    for verdict, colour in _VERDICT.items():
        top.plot([], [], "o", color=colour, label=verdict)
    top.legend(fontsize=SMALL - 1, frameon=False, ncols=4, loc="lower right", bbox_to_anchor=(1, 1.0))
    top.set_ylim(0, 7.4)
    top.set_ylabel("mb")
    style(main, "Arrivals (blue: of an event)")
    used = {u.arrival for e in bulletin.events for u in e.origin.used}
    row = {code: i for i, code in enumerate(names)}
    for taken, colour in ((False, GREY), (True, BLUE)):
        several = [a for a in bulletin.arrivals if (a.id in used) == taken and a.station in row]
        main.plot(
            [(a.time - bulletin.start) / unit for a in several], [row[a.station] for a in several], "|",
            color=colour, markersize=8, markeredgewidth=1.6 if taken else 0.9,
        )  # fmt: skip
    main.set_yticks(range(len(names)), names)
    main.set_ylim(len(names) - 0.4, -0.6)
    main.set_xlim(0, max((bulletin.end - bulletin.start) / unit, 1e-9))
    main.set_xlabel(f"{name} after {_stamp(bulletin.start)}")
    return figure


def network_health(bulletin: Bulletin, recording: Recording, arrays: Mapping[str, Array]) -> Any:
    """When each station recorded, its rms over the window's median, and how many faults its channels have."""
    codes = list(bulletin.stations)
    figure = canvas(11.5, 1.8 + 0.24 * max(len(codes), 6))
    left, right = figure.subplots(1, 2, sharey=True, gridspec_kw={"width_ratios": (2.2, 1.0)})
    unit, name = _unit(bulletin.end - bulletin.start)
    style(left, "Data: verticals recorded; red: faults")
    style(right, "Arrivals (grey) and of events (blue)")
    used = {u.arrival for e in bulletin.events for u in e.origin.used}
    for i, code in enumerate(codes):
        sites = {s.code for s in arrays[code].sites} if code in arrays else {code}
        for t in recording.traces:
            if t.station in sites and t.channel[-1:] in "ZF":
                left.plot([(v - bulletin.start) / unit for v in (t.start, t.end)], [i, i], color=BLUE, linewidth=4,
                          solid_capstyle="butt", alpha=0.6)  # fmt: skip
        faults = sum(any(s in f.split(":")[0].split(".") for s in sites) for f in bulletin.faults)
        if faults:
            left.text(1.005, i, f"{faults}", fontsize=SMALL, color=RED, va="center",
                      transform=left.get_yaxis_transform())  # fmt: skip
        own = [a for a in bulletin.arrivals if a.station == code]
        right.barh(i, len(own), color=GREY, height=0.7)
        right.barh(i, sum(a.id in used for a in own), color=BLUE, height=0.7)
    left.set_yticks(range(len(codes)), codes)
    left.set_ylim(len(codes) - 0.4, -0.6)
    left.set_xlim(0, max((bulletin.end - bulletin.start) / unit, 1e-9))
    left.set_xlabel(f"{name} after {_stamp(bulletin.start)}")
    right.set_xlabel("arrivals")
    lost = [f for f in bulletin.faults if ": no site:" in f or ": no response:" in f]
    note = f"{len(bulletin.faults)} faults, {len(lost)} of them channels without a place or a response"
    figure.supxlabel(note, fontsize=SMALL, x=0.01, ha="left", color=INK)
    return figure


def _unit(seconds: float) -> tuple[float, str]:
    return (3600.0, "hours") if seconds > 3 * 3600 else (60.0, "minutes")


def _stamp(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC")


def write_day(bulletin: Bulletin, folder: Path) -> Path:
    """Write day.svg; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "day.svg"
    save(day_overview(bulletin), path)
    save(day_overview(bulletin), folder / "day.png")
    return path


def write_health(bulletin: Bulletin, recording: Recording, arrays: Mapping[str, Array], folder: Path) -> Path:
    """Write health.svg; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "health.svg"
    figure = network_health(bulletin, recording, arrays)
    save(figure, path)
    save(figure, folder / "health.png")
    return path
