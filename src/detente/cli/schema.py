"""Print the JSON Schema of instruments and patches, for editors and other programs."""

from __future__ import annotations

import typer

from detente.cli._show import show_json

app = typer.Typer(add_completion=False)


@app.command()
def schema() -> None:
    """Print the JSON Schema (2020-12)."""
    from detente.treaty.schema_patch import json_schema

    show_json(json_schema())
