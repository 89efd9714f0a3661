"""The command line: one file a sub-command, found by its name and loaded only when it is called."""

from __future__ import annotations

import sys
from pathlib import Path

_HERE = Path(__file__).parent


def command_names() -> list[str]:
    """Every sub-command: a file of this folder whose name does not begin with an underscore."""
    return sorted(p.stem.replace("_", "-") for p in _HERE.glob("*.py") if not p.stem.startswith("_"))


def summary(name: str) -> str:
    """The first line of a command's file, read without running it."""
    with (_HERE / f"{name.replace('-', '_')}.py").open(encoding="utf-8") as file:
        return file.readline().strip().strip('"')


def main() -> None:
    """Run `detente`: exit 0 answered, 1 a check failed, 2 bad input, 130 interrupted."""
    from detente.cli._app import run

    sys.exit(run(sys.argv[1:], {name: summary(name) for name in command_names()}))
