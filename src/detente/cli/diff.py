"""Compare two laws side by side, article by article: instruments, files, or an instrument and a proposal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.treaty import Loaded

app = typer.Typer(add_completion=False)


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A library id or a YAML file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another, or a patch: it is applied to its base.")],
    json: JsonFlag = False,
) -> None:
    """Show the provisions that differ. Exit code 0 where none does, 1 where some do."""
    from detente.treaty import compare

    left, right = _read(a, a), _read(b, a)
    changes = compare(left, right)
    if json:
        show_json(changes)
    else:
        show_table(
            f"{left.instrument.title} and {right.instrument.title}",
            ("article", "provision", "what", left.instrument.id, right.instrument.id),
            [
                (c.article, c.provision, field, _value(c.before, field), _value(c.after, field))
                for c in changes
                for field in (c.fields if c.before and c.after else ("",))
            ],
        )
    raise typer.Exit(1 if changes else 0)


def _read(source: str, base: str) -> Loaded:
    from detente.treaty import load, read
    from detente.treaty.document import read_yaml

    path = Path(source)
    if path.is_file() and "patch" in read_yaml(path).tree:
        return read(read_yaml(path).tree.get("base", base), path)
    return load(source)


def _value(entry: dict[str, Any] | None, field: str) -> str:
    if entry is None:
        return "-"
    if not field:
        return str(entry.get("title") or entry.get("text") or entry.get("id"))
    value = entry.get(field)
    return "-" if value is None else str(value)
