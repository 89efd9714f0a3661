"""Figures of the forces room: counts through time, fan charts, the proposals heat map, headroom bars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from detente.drawing import canvas, plain_axes
from detente.forces.line import stockpile_line
from detente.forces.project import Projection
from detente.linear import Array
from detente.parties import party as find

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito (2008), the colours that stay apart for colour-blind readers
COLOURS = {
    "US": "#0072B2",
    "RU": "#D55E00",
    "CN": "#CC79A7",
    "FR": "#009E73",
    "UK": "#56B4E9",
    "PK": "#E69F00",
    "IN": "#000000",
    "IL": "#7F7F7F",
    "KP": "#B8A800",
}
CREDIT = "Sources: SIPRI Yearbooks 2011-2026; FAS (Our World in Data, CC BY 4.0)"


def _axes(width: float = 9.0, height: float = 5.4) -> tuple[Figure, Any]:
    figure = canvas(width, height)
    return figure, plain_axes(figure)


def _credited(figure: Figure, credit: str) -> Figure:
    figure.supxlabel(credit, fontsize=9, color="#555555", x=0.01, ha="left")
    return figure


def through_time(parties: Sequence[str], known: date, *, since: int = 1945) -> Figure:
    """Stockpiles through time on a logarithmic axis, as known on a day."""
    figure, ax = _axes()
    for code in parties:
        line = stockpile_line(code, known)
        shown = (line.years >= since) & (line.warheads > 0)
        ax.plot(line.years[shown], line.warheads[shown], color=COLOURS.get(code, "#000000"), lw=2.4)
        ax.annotate(
            f"{find(code).name} {line.last:,.0f}",
            (line.years[shown][-1], line.last),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=10.5,
            color=COLOURS.get(code, "#000000"),
        )
    ax.set_yscale("log")
    ax.set_yticks([1, 10, 100, 1000, 10_000], ["1", "10", "100", "1,000", "10,000"])
    ax.set_ylabel("warheads in the stockpile")
    ax.set_title(f"Nuclear stockpiles as printed by {known}", loc="left", fontsize=14)
    last = int(max(stockpile_line(c, known).years[-1] for c in parties))
    ax.set_xlim(since, last + 0.28 * (last - since))
    ax.set_xticks(range(-(-since // 20) * 20, last, 20))
    _apart(ax)
    return _credited(figure, CREDIT)


def _apart(ax: Any, gap: float = 13.0) -> None:
    """Move the labels at the right end up or down until none covers another (points)."""
    figure = ax.figure
    figure.canvas.draw()
    scale = 72.0 / figure.dpi
    labels = sorted(ax.texts, key=lambda t: ax.transData.transform(t.xy)[1])
    place = -1e9
    for text in labels:
        here = ax.transData.transform(text.xy)[1] * scale
        target = max(here, place + gap)
        text.set_position((6, target - here))
        place = target


def fan(p: Projection, published: Sequence[Any] = ()) -> Figure:
    """A fan chart: the line as known, 50 and 90 % bands ahead, published forecasts as dated points."""
    figure, ax = _axes(12.0)
    colour = COLOURS.get(p.party, "#0072B2")
    line, years = p.line, (int(p.line.years[-1]), *p.years)
    shown = line.years >= min(2000, years[0] - 20)
    ax.plot(line.years[shown], line.warheads[shown], color="black", lw=2.4, label="printed estimates")
    points = (0.05, 0.25, 0.5, 0.75, 0.95)
    q = np.vstack([np.full(5, line.last), p.quantiles(points)])
    ax.fill_between(years, q[:, 0], q[:, 4], color=colour, alpha=0.22, lw=0, label="90 % of draws")
    ax.fill_between(years, q[:, 1], q[:, 3], color=colour, alpha=0.45, lw=0, label="50 % of draws")
    ax.plot(years, q[:, 2], color=colour, lw=2.4, label="median")
    marks = [
        r for r in published if shown.any() and r.target <= years[-1] and r.target >= line.years[shown][0]
    ]
    if marks:
        _number_points(ax, marks)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("warheads in the stockpile")
    mark = " (some inputs recalled)" if p.marks else ""
    ax.set_title(
        f"{find(p.party).name}: projection from what was in print on {p.known}{mark}", loc="left", fontsize=13
    )
    ax.legend(frameon=False, loc="best", fontsize=11)
    said = "; forecasts: projections_published.csv" if marks else ""
    credit = f"{CREDIT}{said}. {p.values.shape[1]:,} draws, seed {p.seed}."
    return _credited(figure, credit)


def _number_points(ax: Any, marks: Sequence[Any]) -> None:
    """A number on each forecast and the key of who said it, when, at the right."""
    from matplotlib.transforms import blended_transform_factory

    groups: dict[tuple[int, float], dict[str, list[str]]] = {}
    for r in marks:
        who = r.who.removeprefix("US ").split(" (")[0].replace("DoD CMPR", "Pentagon").replace(" wargame", "")
        groups.setdefault((r.target, r.value), {}).setdefault(who, []).append(r.published[:4])
    key = []
    for n, ((year, value), said) in enumerate(groups.items(), 1):
        ax.plot(year, value, marker="o", ms=15, mfc="white", mec="#333333", mew=1.2, ls="", zorder=4)
        ax.text(year, value, str(n), fontsize=9, ha="center", va="center", zorder=5)
        names = "; ".join(f"{who} {', '.join(when)}" for who, when in said.items())
        key.append(f"{n}  {value:,.0f} in {year}: {names}")
    place = blended_transform_factory(ax.transAxes, ax.transAxes)
    text = "\n".join(("published forecasts", *key))
    ax.text(1.02, 1.0, text, transform=place, va="top", fontsize=10, linespacing=1.6, color="#333333")


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Array,
    texts: Sequence[Sequence[str]],
    title: str,
    credit: str,
) -> Figure:
    """A matrix of shares (row, column) in [0, 1], NaN where nothing is bound; dark is more to change."""
    figure, ax = _axes(1.6 + 3.4 + 1.25 * len(columns), 1.6 + 0.62 * len(rows))
    import matplotlib as mpl

    colours = mpl.colormaps["cividis_r"].with_extremes(bad="#f4f4f4")
    ax.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=0.0, vmax=1.0, aspect="auto")
    for r in range(len(rows)):
        for c in range(len(columns)):
            dark = np.isfinite(values[r, c]) and values[r, c] > 0.42
            ax.text(
                c, r, texts[r][c], ha="center", va="center", fontsize=11, color="white" if dark else "black"
            )
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0, top=True, bottom=False, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return _credited(figure, credit)


def headroom_bars(
    labels: Sequence[str], low: Array, mid: Array, high: Array, unit: str, title: str, credit: str
) -> Figure:
    """Bars of headroom (bound less count, in `unit`) with 90 % whiskers; left of zero must be cut."""
    figure, ax = _axes(10.0, 1.8 + 0.36 * len(labels))
    where = np.arange(len(labels))[::-1]
    colours = ["#0072B2" if m >= 0 else "#D55E00" for m in mid]
    ax.barh(where, mid, color=colours, height=0.62)
    ax.errorbar(
        mid, where, xerr=np.abs(np.vstack([mid - low, high - mid])), fmt="none", ecolor="black", capsize=4
    )
    ax.axvline(0, color="black", lw=1.2)
    ax.set_yticks(where, labels, fontsize=11)
    ax.set_ylim(-0.7, len(labels) - 0.3)
    ax.set_xscale("symlog", linthresh=300)
    ticks = (-5000, -1000, -300, 0, 300, 1000, 5000)
    ax.set_xticks(ticks, [f"{t:,}" for t in ticks])
    ax.set_xlabel(f"headroom, {unit}, left of zero: over the limit\n(straight to ±300, logarithmic beyond)")
    figure.suptitle(title, x=0.01, ha="left", fontsize=14)
    return _credited(figure, credit)
