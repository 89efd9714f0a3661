"""Shared by the law's commands: their options, reading an instrument with patches, printing status and verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.asof import AsOf

if TYPE_CHECKING:
    from detente.treaty.life import Status
    from detente.treaty.load import Loaded
    from detente.verdict import Verdict

InstrumentArg = Annotated[
    str, typer.Argument(metavar="ID", help="A library id (detente treaties), or a YAML file.")
]
PatchFlag = Annotated[
    list[Path] | None, typer.Option("--patch", metavar="FILE", help="Apply a proposal; repeat for more.")
]
ViewFlag = Annotated[str, typer.Option("--viewpoint", metavar="PARTY", help="The law as this party sees it.")]
InventoryFlag = Annotated[
    Path | None,
    typer.Option("--inventory", metavar="CSV", help="Use these rows instead of the declarations."),
]
CompleteFlag = Annotated[
    bool, typer.Option("--complete", help="The inventory is complete: what it does not list is zero.")
]


def clocks(as_of: str, known: str = "") -> AsOf:
    """The three clocks of a command: the day asked about, today if left out."""
    return AsOf.on(as_of or date.today(), known=known or None)


def instrument(source: str, patches: list[Path] | None) -> Loaded:
    """An instrument with its patches applied from left to right."""
    from detente.treaty.patch import read

    return read(source, *(patches or []))


def status_line(status: Status) -> str:
    """The status in words, each side's where they differ."""
    if len({v.state for v in status.views.values()}) == 1:
        view = next(iter(status.views.values()))
        return str(view.state) + (f" since {view.since}" if view.since else "")
    sides = "; ".join(
        f"{who}: {v.state}" + (f" since {v.since}" if v.since else "") for who, v in status.views.items()
    )
    return f"{status.state} ({sides})"


def verdict_rows(verdicts: Iterable[Verdict]) -> list[tuple[str, ...]]:
    """One row a verdict: party, article, outcome, count, bound, margin, and why."""
    from detente.treaty.explain import number

    rows: list[tuple[str, ...]] = []
    for v in verdicts:
        count = "" if v.count is None else _span(v.count.low, v.count.high)
        margin = "" if v.margin is None else _span(v.margin.low, v.margin.high)
        bound = "" if v.bound is None else f"{v.sense} {number(v.bound)}"
        why = "; ".join(t for t in (v.reason, *(f"missing: {m}" for m in v.missing[:2]), *v.marks) if t)
        rows.append((v.party, v.provision.removeprefix("limits/"), str(v.outcome), count, bound, margin, why))
    return rows


VERDICT_COLUMNS = ("party", "limit", "outcome", "count", "bound", "margin", "why")


def _span(low: float, high: float) -> str:
    from detente.treaty.explain import number

    if low in (float("-inf"), 0.0) and high == float("inf"):
        return "unknown"
    if low == float("-inf"):
        return f"at most {number(high)}"
    if high == float("inf"):
        return f"at least {number(low)}"
    return number(low) if low == high else f"{number(low)} to {number(high)}"
