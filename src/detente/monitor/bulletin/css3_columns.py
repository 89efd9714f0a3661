"""The fixed widths of CSS 3.0 flat files, from one table: a row written, a row read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.numbers import one_line, station
from detente.tables import read_table

Row = Mapping[str, Any]
_FORMAT = re.compile(r"(\d+)(?:\.(\d+))?([dfs])")
# every read leaves by this one door, so that a gap in a file is told in one way
BLANK = "-"
_NEEDED = ("time", "lat", "lon", "depth")
"""Without these a row says nothing; other numbers that do not fit are unknown rather than the end of a bulletin."""


class Field(msgspec.Struct, frozen=True):
    """One column of a flat file: `decimals` None but for numbers with a point; `null` stands for unknown."""

    name: str
    width: int
    decimals: int | None
    kind: str
    null: str


@lru_cache(maxsize=1)
def schema() -> dict[str, tuple[Field, ...]]:
    """The tables written and read, by name, with their columns in order."""
    found: dict[str, list[Field]] = {}
    table = files("detente.monitor.bulletin") / "css3.csv"
    for row in read_table(table, ("table", "field", "format", "null")):
        match = _FORMAT.fullmatch(row["format"])
        if match is None:
            raise DetenteError(f"'{row['format']}' is no format", where=row.where)
        decimals = None if match[2] is None else int(match[2])
        found.setdefault(row["table"], []).append(
            Field(row["field"], int(match[1]), decimals, match[3], row["null"])
        )
    return {k: tuple(v) for k, v in found.items()}


def encode(table: str, rows: Iterable[Row]) -> bytes:
    """Rows as the lines of a flat file; what a row does not name is null. Raises DetenteError for an unknown field."""
    fields = schema()[table]
    known = {f.name for f in fields}
    lines = []
    for row in rows:
        for name in row:
            if name not in known:
                raise DetenteError(f"no field '{name}' in {table}", fix=nearest(name, known))
        lines.append(" ".join(_write(f, row.get(f.name)) for f in fields) + "\n")
    return "".join(lines).encode("ascii", "replace")


def decode(table: str, data: bytes, where: str = "") -> tuple[dict[str, Any], ...]:
    """The rows of a flat file, None for null. Raises DetenteError with the line for what is not in its columns."""
    fields = schema()[table]
    width = sum(f.width + 1 for f in fields) - 1
    found = []
    for number, line in enumerate(data.decode("latin-1").split("\n"), 1):
        if not line.strip():
            continue
        at = f"{where or table}:{number}"
        if len(line.rstrip("\r")) < width - fields[-1].width:
            raise DetenteError(f"a line of {len(line)} characters where {table} has {width}", where=at)
        found.append(_read_row(fields, line.rstrip("\r").ljust(width), at))
    return tuple(found)


def _write(field: Field, value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        value = field.null if field.kind == "s" else float(field.null)
    if field.kind == "s":
        text = station(str(value), field.width) if field.name == "sta" else one_line(str(value))
        return (text.strip() or BLANK)[: field.width].ljust(field.width)
    # a number too wide gives up decimals before it gives up its size
    for decimals in range(field.decimals or 0, -1, -1):
        cell = f"{value:{field.width}.{decimals}f}"
        if len(cell) <= field.width:
            return cell
    if field.name in _NEEDED or field.name.endswith("id"):
        raise DetenteError(f"{value} does not fit {field.width} columns", where=field.name)
    return _write(field, None)


def _read_row(fields: Sequence[Field], line: str, where: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    at = 0
    for field in fields:
        cell = line[at : at + field.width]
        at += field.width + 1
        if line[at - 1 : at].strip():
            raise DetenteError(f"no blank behind '{field.name}'", where=where)
        text = cell.strip()
        if field.kind == "s":
            row[field.name] = None if text == field.null else text
            continue
        try:
            value = int(text) if field.kind == "d" else float(text)
        except ValueError:
            raise DetenteError(f"'{text}' is no {field.name}", where=where) from None
        null = float(field.null)
        row[field.name] = None if abs(value - null) < 0.002 and null != 0 else value
    return row
