"""Figures of the briefing: counts against limits through time, and which instruments lived when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from detente.assess.compliance import Compliance, exchanges
from detente.brief.counts import points_of
from detente.brief.record import LawRow, Point
from detente.drawing import canvas, check_target, save
from detente.errors import DetenteError
from detente.treaty import Law, Loaded
from detente.treaty.life import fixed_events
from detente.verdict import Outcome

INK, QUIET = "#1b1f24", "#6b7280"
PARTY_COLOUR = {"US": "#0072B2", "RU": "#D55E00"}  # Okabe and Ito: apart for every kind of colour vision
PARTY_MARK = {"US": "o", "RU": "s"}
NOTE = (
    "Items as declared, twice a year. Black: the limit while it binds, from 5 February 2018. "
    "Sources: State Department, Russian Foreign Ministry, press copies; each is named in brief.json."
)
TITLES = {
    "II.1.a": "Deployed missiles and bombers",
    "II.1.b": "Warheads by treaty count",
    "II.1.c": "Launchers and bombers",
}


def counts_figure(
    points: Sequence[Point], *, end: date | None, title: str = "New START: declared counts and limits"
) -> Any:
    """Declared counts of each party against each limit, with the day from which it binds and the gaps marked."""
    limits = list(dict.fromkeys(p.limit for p in points))
    figure = canvas(9.6, 3.7, layout=None)
    axes = figure.subplots(1, max(len(limits), 1), squeeze=False)[0]
    for axis, limit in zip(axes, limits, strict=False):
        _counts_panel(axis, limit, [p for p in points if p.limit == limit], end)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=9, loc="upper right", ncols=len(labels))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
    figure.text(0.01, 0.012, NOTE, fontsize=7, color=QUIET)
    figure.set_layout_engine("tight", rect=(0, 0.035, 1, 0.97))
    return figure


def _counts_panel(axis: Any, limit: str, mine: list[Point], end: date | None) -> None:
    from matplotlib.dates import DateFormatter, YearLocator

    for party in dict.fromkeys(p.party for p in mine):
        given = [p for p in mine if p.party == party and p.count is not None]
        colour, mark = PARTY_COLOUR.get(party, INK), PARTY_MARK.get(party, "^")
        days, counts = [p.day for p in given], [p.count for p in given]
        axis.plot(days, counts, color=colour, marker=mark, markersize=3.6, linewidth=1.5, label=party)
    axis.margins(y=0.14)
    bound = next((p.bound for p in mine if p.bound is not None), None)
    if bound is not None:
        start = min((p.day for p in mine if p.outcome is not Outcome.not_applicable), default=mine[-1].day)
        axis.axhline(bound, color=QUIET, linewidth=0.8, linestyle=":")
        axis.hlines(bound, start, end or mine[-1].day, color=INK, linewidth=2)
        words = f"limit {bound:,.0f}".replace(",", " ")
        axis.annotate(
            words, (end or start, bound), xytext=(0, 4), textcoords="offset points", fontsize=8, ha="right"
        )
    last = max((p.day for p in mine if p.count is not None), default=None)
    if last and end and last < end:
        axis.axvspan(last, end, color="#9ca3af", alpha=0.22, linewidth=0)
        axis.annotate(
            "no data", (_num(last), 0.02), xycoords=("data", "axes fraction"), fontsize=8, color=QUIET
        )
    axis.set_title(TITLES.get(limit, limit), fontsize=9.5, loc="left", color=INK)
    axis.xaxis.set_major_locator(YearLocator(4))
    axis.xaxis.set_major_formatter(DateFormatter("%Y"))
    _plain(axis)


def lives_figure(laws: Sequence[Law], rows: Iterable[LawRow], day: date) -> Any:
    """When each instrument was in force: full colour where it lives on the day, pale where it has ended."""
    by_id = {law.instrument.id: law for law in laws}
    chosen = [r for r in rows if _span(by_id[r.id], day)]
    chosen.sort(key=lambda r: _span(by_id[r.id], day)[0])  # type: ignore[index]
    figure = canvas(9.6, 0.9 + 0.27 * len(chosen), layout=None)
    axis = figure.subplots()
    colours = {
        "limits": "#0072B2",
        "notification": "#009E73",
        "communication": "#56B4E9",
        "testing": "#CC79A7",
    }
    for y, row in enumerate(reversed(chosen)):
        start, end = _span(by_id[row.id], day) or (day, day)
        shade = 0.95 if end >= day else 0.45
        axis.barh(y, (end - start).days, left=_num(start), height=0.62, color=colours[row.topic], alpha=shade)
    axis.set_yticks(range(len(chosen)), [r.title for r in reversed(chosen)], fontsize=8)
    axis.axvline(_num(day), color=INK, linewidth=1)
    axis.xaxis_date()
    _plain(axis)
    handles = [_patch(c) for c in colours.values()]
    figure.legend(handles, list(colours), frameon=False, fontsize=8, loc="upper right", ncols=4)
    figure.text(
        0.01,
        0.008,
        f"Bars: entry into force to end; full colour: in force on {day}. Dates and sources: detente treaty ID.",
        fontsize=7,
        color=QUIET,
    )
    figure.set_layout_engine("tight", rect=(0, 0.03, 1, 0.96))
    return figure


def _num(day: date) -> int:
    return day.toordinal() - date(1970, 1, 1).toordinal()  # matplotlib counts days from 1970


def _patch(colour: str) -> Any:
    from matplotlib.patches import Patch

    return Patch(color=colour)


def _plain(axis: Any) -> None:
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    axis.tick_params(labelsize=8, colors=INK)
    axis.grid(axis="both", color="#e5e7eb", linewidth=0.6)
    axis.set_axisbelow(True)


def _span(law: Law, day: date) -> tuple[date, date] | None:
    """From entry into force (or the start of observance) to the end, or to `day`."""
    start = law.events.get("entry_into_force") or law.events.get("observance")
    if start is None or start.earliest > day:
        return None
    ends = [law.events[e] for e in ("withdrawal", "termination", "term_end") if e in law.events]
    end = min((e.earliest for e in ends), default=day)
    return start.earliest, min(end, day)


def write_history(found: Sequence[Compliance], loaded: Loaded, out: Path) -> None:
    """The counts of an instrument through time, written to a .svg or .png file.

    Raises DetenteError for another suffix, or where no count is known.
    """
    check_target(out)
    points = points_of(exchanges(found))
    if not points:
        raise DetenteError("no declared counts to draw", where=loaded.instrument.id)
    end = fixed_events(loaded.instrument).get("term_end")
    figure = counts_figure(
        points,
        end=end.earliest if end else None,
        title=f"{loaded.instrument.title}: declared counts and limits",
    )
    save(figure, out)
