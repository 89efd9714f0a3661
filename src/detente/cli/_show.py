"""Shared by all commands: common flags, JSON output, tables rich on a terminal and plain in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AsOfFlag = Annotated[
    str, typer.Option("--as-of", metavar="DATE", help="The day asked about (YYYY-MM-DD); today if left out.")
]
KnownFlag = Annotated[
    str, typer.Option("--known", metavar="DATE", help="Use only what was published by this day.")
]


def show_json(value: Any) -> None:
    """Print any record of ours as JSON, keys in a fixed order."""
    import msgspec

    text = msgspec.json.encode(value, order="deterministic", enc_hook=_plain)
    sys.stdout.write(msgspec.json.format(text, indent=2).decode() + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: ruled and coloured on a terminal, tab-separated lines in a pipe."""
    cells = [["" if c is None else str(c) for c in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (list(columns), *cells):
            print("\t".join(c.replace("\t", " ").replace("\n", " ") for c in line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title, title_justify="left", header_style="bold")
    for line in cells:
        table.add_row(*map(Text, line))  # a cell in square brackets is text, not markup
    Console().print(table)


def show_drivers(title: str, found: Iterable[tuple[str, Iterable[Any]]], *, seed: int | None = None) -> None:
    """Print first-order shares, one line a result: what its spread comes from, the largest first."""
    rows = [
        (what, "; ".join(f"{s.input} {s.share:.0%}" for s in shares) or "no draw moves it")
        for what, shares in found
    ]
    show_table(
        f"{title} (first-order shares; rows move together, so they may pass 100 %)",
        ("result", "drivers"),
        rows,
    )
    if seed is not None:
        print(f"seed {seed}")
