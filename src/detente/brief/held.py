"""Bulletins that somebody holds: opened by path, with their waveforms where those are at hand and are the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from detente.assess import rooms
from detente.errors import DetenteError, nearest

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin, Event
    from detente.monitor.chain.files import Data


class Held(msgspec.Struct, frozen=True):
    """A bulletin by a short name of its own; `stamp` tells one state of the file from another."""

    name: str
    path: str
    stamp: int

    @property
    def bulletin(self) -> Bulletin:
        """Its bulletin, read once."""
        return _bulletin(self)


def held(paths: Iterable[Path]) -> tuple[Held, ...]:
    """The bulletins at some paths, each a file that `monitor export` reads, or a folder with bulletin.json in it
    or in its folders.

    Raises DetenteError where nothing is found or a file is no bulletin.
    """
    if not rooms.monitor_is_here():
        raise DetenteError("a bulletin needs the monitoring packages", fix="pip install 'detente[monitor]'")
    files = [f for p in paths for f in _files(p)]
    names = _names(files)
    found = tuple(Held(n, str(f), _stamp(f)) for n, f in zip(names, dict.fromkeys(files), strict=True))
    for one in found:
        _ = one.bulletin
    return found


def fresh(known: Sequence[Held]) -> tuple[Held, ...]:
    """The same bulletins as their files are now: an analyst may have changed one."""
    return tuple(msgspec.structs.replace(h, stamp=_stamp(Path(h.path))) for h in known)


def find(known: Sequence[Held], name: str) -> Held:
    """The bulletin of a name. Raises DetenteError with the nearest one."""
    by_name = {h.name: h for h in known}
    if name not in by_name:
        raise DetenteError(
            f"no bulletin '{name}'", fix=nearest(name, by_name) if by_name else "serve --bulletin FILE"
        )
    return by_name[name]


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("bulletin.json"))
    if not found:
        raise DetenteError(
            "no bulletin.json in this folder", where=str(path), fix="run detente monitor process"
        )
    return found


def _names(files: Iterable[Path]) -> list[str]:
    """A name for each file: its folder's for bulletin.json, else its own; numbered where two are alike."""
    made: list[str] = []
    for f in dict.fromkeys(files):
        stem = f.resolve().parent.name if f.name == "bulletin.json" else f.name.partition(".")[0]
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip(".-") or "bulletin"
        n, name = 2, plain
        while name in made:
            name, n = f"{plain}-{n}", n + 1
        made.append(name)
    return made


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=64)
def _bulletin(one: Held) -> Bulletin:
    from detente.monitor.bulletin.formats import read_any

    return read_any(Path(one.path))


@lru_cache(maxsize=4)
def waves(one: Held) -> tuple[Data | None, str]:
    """What the bulletin was made from, if it is at hand and its digest is the bulletin's; else why not."""
    from detente.monitor.chain.files import data_of
    from detente.monitor.chain.process import data_digest

    try:
        data = data_of(one.bulletin, Path(one.path).parent)
    except DetenteError as bad:
        return None, bad.what
    if data_digest(data.recording) != one.bulletin.made_with.get("data"):
        return None, "the waveforms at hand are not those that the bulletin was made from"
    return data, ""


def sheet(one: Held, event: Event) -> Any:
    """The event's sheet: whole where the waveforms are at hand, else what the bulletin alone allows."""
    from detente.monitor.sheets.event import bulletin_sheet, event_sheet

    data, _ = waves(one)
    if data is None:
        return bulletin_sheet(one.bulletin, event)
    return event_sheet(one.bulletin, event, data.recording, data.arrays)


def day_sheet(one: Held) -> Any:
    """The overview of the bulletin's span."""
    from detente.monitor.sheets.day import day_overview

    return day_overview(one.bulletin)


def health_sheet(one: Held) -> Any:
    """The health of the network. Raises DetenteError where the waveforms are not at hand."""
    from detente.monitor.sheets.day import network_health

    data, why = waves(one)
    if data is None:
        raise DetenteError(why, where=one.name, fix="draw it where the waveforms are")
    return network_health(one.bulletin, data.recording, data.arrays)
