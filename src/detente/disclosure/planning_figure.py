"""The figure of confidence against years, for several ways of cheating with the same inspections."""

from __future__ import annotations

from pathlib import Path

from detente.disclosure.planning import ways_of_cheating
from detente.drawing import canvas, check_target, save

# Okabe and Ito's colours, with a dash for each, so that the lines differ without colour too
_STYLES = (
    ("#0072B2", "-"),
    ("#56B4E9", "--"),
    ("#E69F00", "-."),
    ("#009E73", (0, (1, 1))),
    ("#CC79A7", (0, (5, 1, 1, 1, 1, 1))),
    ("#000000", (0, (8, 3))),
)
_GOAL = "90 %, the safeguards goal"
_FOOT = (
    "Exact hypergeometric probabilities (detente plan figure); assumed counts. New START allowed ten\n"
    "Type One inspections a year (Article XI). Opening declared items finds no undeclared one."
)


def draw(path: Path, items: int, hidden: int, sites: int, per_year: int, years: int) -> None:
    """Write the figure; counts as in `planning.ways_of_cheating`. Raises DetenteError if unwritable."""
    check_target(path)
    ways = ways_of_cheating(items, hidden, sites, per_year, years)
    figure = canvas(9.5, 5.6)
    axes = figure.subplots()
    span = range(years + 1)
    for way, (colour, dash) in zip(ways, _STYLES, strict=True):
        percents = [0.0, *(100 * float(p) for p in way.by_year)]
        name = f"{way.name}\n({way.note})"
        axes.plot(span, percents, color=colour, ls=dash, lw=2.4, label=name, clip_on=False, zorder=3)
    axes.axhline(90, color="0.6", linewidth=0.8)
    axes.text(0.2, 91, _GOAL, fontsize=10, color="0.35")
    axes.set(xlim=(0, years), ylim=(0, 100))
    axes.set_xlabel("years of inspections", fontsize=12)
    axes.set_ylabel("chance of detection (%)", fontsize=12)
    title = f"{per_year} items opened a year, {hidden} false of {items} declared items at {sites} sites"
    axes.set_title(title, loc="left", fontsize=13)
    axes.tick_params(labelsize=11)
    axes.grid(color="0.9", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right center", frameon=False, fontsize=10.5, labelspacing=1.1, handlelength=3)
    figure.supxlabel(_FOOT, fontsize=9.5, x=0.01, ha="left", color="0.35")
    save(figure, path)
