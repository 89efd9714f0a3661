"""From waveforms to a bulletin: read, detect, associate, locate, screen, publish."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import typer

import detente.cli

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _monitor() -> None:
    """Waveforms to a bulletin, step by step or as a whole."""


for _found in iter_modules(detente.cli.__path__):
    if _found.name.startswith("_monitor_"):
        app.add_typer(import_module(f"detente.cli.{_found.name}").app)
