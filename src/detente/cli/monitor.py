"""From waveforms to a bulletin: read, detect, associate, locate, screen, publish."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import typer
from typer.models import CommandInfo

import detente.cli

PANELS: Final = {
    "The whole chain": ("process", "watch", "archive"),
    "The analyst": ("show", "edit", "accept", "undo", "mask", "export", "serve"),
    "One step": ("read", "quality", "detect", "fk", "correlate", "identify", "associate", "locate", "relocate",
                 "magnitude", "screen", "station-terms"),
    "Looking ahead, and playing back": ("predict", "beam", "replay"),
}  # fmt: skip
app = typer.Typer(no_args_is_help=True)


@app.callback()
def _monitor() -> None:
    """Waveforms to a bulletin, step by step or as a whole."""


def _name(command: CommandInfo) -> str:
    return command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")


def _collect() -> None:
    """The commands of every file `_monitor_*`, in the order of PANELS; one that no panel names stands at the end."""
    modules = [m.name for m in iter_modules(detente.cli.__path__) if m.name.startswith("_monitor_")]
    found = [c for name in modules for c in import_module(f"detente.cli.{name}").app.registered_commands]
    place = {
        name: (panel, n) for n, (panel, name) in enumerate((p, c) for p, own in PANELS.items() for c in own)
    }
    for command in sorted(found, key=lambda c: place.get(_name(c), ("", len(place)))[1]):
        command.rich_help_panel = place.get(_name(command), (None, 0))[0]
        app.registered_commands.append(command)


_collect()
