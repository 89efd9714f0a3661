"""SAC pole-zero files, with the annotated comments that data centres write: one block a channel epoch."""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from detente.errors import DetenteError
from detente.monitor.waves.trace import Site

_COMMENT = re.compile(r"\*\s*([A-Z0 ]+?)\s*(?:\([A-Z ]*\))?\s*:\s*(.*?)\s*$")
_MOST = 400


class PoleZero(msgspec.Struct, frozen=True):
    """One block: ground displacement in metres to counts, unless `unit` says otherwise; rad/s."""

    channel: str
    zeros: tuple[complex, ...]
    poles: tuple[complex, ...]
    constant: float
    unit: str = "M"
    start: float = -1e12
    end: float = 1e12
    site: Site | None = None
    notes: dict[str, str] = {}


def is_sacpz(head: bytes) -> bool:
    """Whether a file's first bytes look like a pole-zero file."""
    words = head.lstrip()
    return words.startswith((b"* **", b"ZEROS", b"POLES")) or (
        words.startswith(b"*") and b"KSTNM" in head and b"KNETWK" in head
    )


def read_sacpz(data: bytes, where: str) -> tuple[PoleZero, ...]:
    """The blocks of a file. Raises DetenteError for text that does not add up.

    Source: SAC user's manual, command TRANSFER, POLEZERO option.
    """
    text = data.decode("latin-1")
    blocks = [_block(number, lines, where) for number, lines in _blocks(text)]
    if not blocks:
        raise DetenteError("no poles and zeros", where=where)
    return tuple(blocks)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    first = 1
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not lines:
            first = number
        lines.append(line)
        if line.upper().startswith("CONSTANT"):
            yield first, lines
            lines = []
    if any(line.strip() and not line.startswith("*") for line in lines):
        yield first, lines


def _block(number: int, lines: list[str], where: str) -> PoleZero:
    at = f"{where}:{number}"
    notes: dict[str, str] = {}
    found: dict[str, list[complex]] = {"ZEROS": [], "POLES": []}
    count = {"ZEROS": 0, "POLES": 0}
    constant, current = math.nan, ""
    for line in lines:
        words = line.split()
        if not words:
            continue
        if line.startswith("*"):
            comment = _COMMENT.match(line)
            if comment:
                notes.setdefault(comment[1], comment[2])
        elif words[0].upper() in count and len(words) == 2:
            current = words[0].upper()
            count[current] = int(_number(words[1], at))
        elif words[0].upper() == "CONSTANT" and len(words) == 2:
            constant = _number(words[1], at)
        elif current and len(words) == 2:
            found[current].append(complex(_number(words[0], at), _number(words[1], at)))
        else:
            raise DetenteError(f"a line that is no pole or zero: '{line.strip()[:40]}'", where=at)
    for kind, listed in found.items():
        if not len(listed) <= count[kind] <= _MOST:
            raise DetenteError(f"{count[kind]} {kind} announced, {len(listed)} listed", where=at)
        listed += [0j] * (count[kind] - len(listed))  # those left out stand at the origin
    if not (math.isfinite(constant) and constant):
        raise DetenteError("no CONSTANT", where=at)
    location = notes.get("LOCATION", "").replace("--", "")
    parts = (notes.get("NETWORK", ""), notes.get("STATION", ""), location, notes.get("CHANNEL", ""))
    return PoleZero(
        ".".join(parts) if parts[1] else where.removeprefix("SACPZ."),
        tuple(found["ZEROS"]),
        tuple(found["POLES"]),
        constant,
        notes.get("INPUT UNIT", "M").upper() or "M",
        _time(notes.get("START", ""), -1e12),
        _time(notes.get("END", ""), 1e12),
        _site(notes),
        notes,
    )


def _number(word: str, where: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not cmath.isfinite(value):
        raise DetenteError(f"'{word[:20]}' is not a number", where=where)
    return value


def _time(text: str, unset: float) -> float:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return unset


def _site(notes: dict[str, str]) -> Site | None:
    try:
        lat, lon = float(notes["LATITUDE"]), float(notes["LONGITUDE"])
        high = float(notes.get("ELEVATION") or 0.0)
    except (KeyError, ValueError):
        return None
    return Site(notes.get("STATION", ""), lat, lon, high, notes.get("NETWORK", ""))
