"""What is installed, what is missing, what for, and how to get it."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Any, Literal, NamedTuple

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(add_completion=False)

PURPOSE = {
    "": "the program itself",
    "monitor": "waveforms, stations, capability maps, event analysis",
    "node": "a party's node",
    "proofs": "ceiling proofs, their fast verification",
    "web": "the workbench",
}
# Programs and libraries from outside Python: what looks for them, what for, the Debian package.
OUTSIDE = {
    "libsodium": ("making ceiling proofs; checking them works without", "libsodium23"),
    "chromium": ("the tests of the pages", "chromium"),
    "psql": ("trying a node's store on PostgreSQL; any server by URL does", "postgresql"),
    "git": ("working on detente", "git"),
}


class Found(NamedTuple):
    """One thing looked for."""

    part: str
    name: str
    state: Literal["ok", "missing", "too old"]
    version: str
    purpose: str
    get: str


@app.command()
def doctor(json: JsonFlag = False) -> None:
    """List every part with its state; exit 1 where the base itself is not whole."""
    found = [_python(), *_packages(), *_outside()]
    if json:
        show_json(found)
    else:
        rows = [(f.part or "base", f.name, f.state, f.version, f.purpose, f.get) for f in found]
        show_table("detente doctor", ("part", "name", "state", "version", "for", "get it with"), rows)
        lacking = sorted({f.part for f in found if f.state != "ok" and f.part in PURPOSE})
        print(f"not whole: {', '.join(p or 'base' for p in lacking)}" if lacking else "every part is whole")
    if any(f.state != "ok" and not f.part for f in found):
        raise typer.Exit(1)


def _python() -> Found:
    version = ".".join(map(str, sys.version_info[:3]))
    return Found("", "python", "ok" if sys.version_info >= (3, 11) else "too old", version, PURPOSE[""], "")


def _packages() -> Iterator[Found]:
    """What the installed package itself says that it needs, part by part."""
    for line in metadata.requires("detente") or ():
        extra = re.search(r"extra == ['\"](\w+)['\"]", line)
        part = extra[1] if extra else ""
        name = re.match(r"[\w.-]+", line)
        if part not in PURPOSE or name is None or name[0] == "detente":
            continue
        wanted = re.search(r">=([\d.]+)", line)
        yield _package(part, name[0], wanted[1] if wanted else "0")


def _package(part: str, name: str, wanted: str) -> Found:
    get = f"pip install 'detente[{part}]'" if part else "pip install --upgrade detente"
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Found(part, name, "missing", "", PURPOSE[part], get)
    old = _numbers(version) < _numbers(wanted)
    return Found(part, name, "too old" if old else "ok", version, PURPOSE[part], get if old else "")


def _numbers(version: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", version.split("+")[0])[:3]]


def _outside() -> Iterator[Found]:
    from detente.disclosure import group

    for name, (purpose, package) in OUTSIDE.items():
        where: Any = group.available() if name == "libsodium" else shutil.which(name)
        state: Literal["ok", "missing"] = "ok" if where else "missing"
        yield Found("outside", name, state, "", purpose, "" if where else f"apt-get install {package}")
