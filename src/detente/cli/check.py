"""Check a treaty or patch file of your own: every problem with its line, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json

app = typer.Typer(add_completion=False)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A YAML file or a folder of them.")],
    json: JsonFlag = False,
) -> None:
    """Exit code 0 where the file is sound, 1 where it is not."""
    from detente.treaty.lint import lint

    found = lint(file)
    if json:
        show_json({"file": str(file), "problems": found.problems, "summary": found.summary})
    else:
        for problem in found.problems:
            print(problem)
        print(found.summary)
    raise typer.Exit(1 if found.problems else 0)
