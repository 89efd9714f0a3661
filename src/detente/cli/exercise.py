"""Play a year between three nodes: data exchanges, notices, an inspection, a crisis message, and a cheat."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.exchange.exercise import Report

app = typer.Typer(add_completion=False)


@app.command()
def exercise(
    seed: Annotated[int, typer.Option("--seed", help="Draws the events and who cheats.")] = 1,
    notifications: Annotated[
        int, typer.Option("--notifications", help="How many notices in the year.")
    ] = 200,
    launchers: Annotated[
        int, typer.Option("--launchers", help="How many launchers the hidden party has.", min=40)
    ] = 60,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="DIR", help="Keep the three nodes there, to look into.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="No account of the year, only the reports.")] = False,
    json: JsonFlag = False,
) -> None:
    """Play the scripted year of an invented treaty and print each side's compliance report."""
    from detente.exchange.exercise import Exercise

    def tell(moment: datetime, line: str) -> None:
        if not (quiet or json):
            print(f"{moment:%Y-%m-%d %H:%M}  {line}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="detente-exercise-") as temporary:
        played = Exercise(
            keep or Path(temporary), seed=seed, notifications=notifications, launchers=launchers, tell=tell
        )
        try:
            report = _with_progress(played, notifications, show=sys.stderr.isatty() and not (quiet or json))
        finally:
            played.close()
    if json:
        show_json(report)
    else:
        _print(report)


def _with_progress(played: object, total: int, *, show: bool) -> Report:
    from detente.exchange.exercise import Exercise

    assert isinstance(played, Exercise)
    if not show:
        return played.run()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("2030", total=total)
        played.tell = lambda moment, line: progress.console.print(f"{moment:%Y-%m-%d %H:%M}  {line}")
        played.step = lambda moment, done: progress.update(
            task, completed=min(done, total), description=f"{moment:%Y-%m-%d}"
        )
        return played.run()


def _print(report: Report) -> None:
    print(f"seed {report.seed}; {report.notifications} notices; {report.cheat} was told to cheat")
    if report.chance is None:
        print("no libsodium on this machine: nobody could hide items behind a proof")
    else:
        print(f"the chance that six inspections find what {report.cheat} hides was {report.chance:.1%}")
    for side in report.sides:
        rows = [("entries held", ", ".join(f"{p} {n}" for p, n in side.entries.items()))]
        rows += [("received", ", ".join(f"{n} {k}" for k, n in sorted(side.received.items())))]
        rows += [
            (f"duties {s}", ", ".join(f"{p} {n}" for p, n in sorted(c.items())))
            for s, c in side.duties.items()
        ]
        rows += [("late or breached", line) for line in side.late]
        rows += [
            (f"books of {p}", line)
            for p, lines in side.imbalances.items()
            for line in lines or ("in balance",)
        ]
        rows += [("inspection", line) for line in side.inspections]
        rows += [("hidden items", line) for line in side.escrows]
        rows += [("message", line.replace("\n", " / ")) for line in side.messages]
        rows += [("evidence", line) for line in side.evidence] or [("evidence", "none")]
        rows += [("own store", side.fsck)]
        show_table(f"{side.party}'s report", (side.party, ""), rows)
