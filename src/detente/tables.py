"""Tables of facts: strict CSV reading where each row keeps its line, and a wrong cell names it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)


class Row(msgspec.Struct, frozen=True):
    """One line of a table: its cells by column, and `where` it stands (``file:line``)."""

    cells: dict[str, str]
    where: str

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def number(self, column: str) -> float | None:
        """The cell as a finite number, None where it is empty. Raises DetenteError otherwise."""
        text = self.cells[column].strip()
        if not text:
            return None
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if value - value != 0:  # NaN and infinities are not counts
            raise DetenteError(f"'{text}' in column '{column}' is not a number", where=self.where)
        return value


def read_table(
    path: Path | Traversable, columns: Sequence[str], *, optional: Sequence[str] = ()
) -> Iterator[Row]:
    """Rows of a CSV file with a header; lines that start with ``#`` before the header are comments.

    Raises DetenteError for a missing file, column or cell, an unknown column, or bytes that are not UTF-8.
    """
    name = path.name
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    except UnicodeDecodeError as bad:
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=name) from None
    lines = io.StringIO(text, newline="").readlines()
    skipped = 0
    while skipped < len(lines) and lines[skipped].startswith("#"):
        skipped += 1
    reader = csv.reader(io.StringIO("".join(lines[skipped:]), newline=""), strict=True)
    try:
        yield from _rows(reader, name, skipped, columns, optional)
    except csv.Error as bad:
        raise DetenteError(f"broken CSV: {bad}", where=f"{name}:{skipped + reader.line_num}") from None


def _rows(
    reader: Any,
    name: str,
    skipped: int,
    columns: Sequence[str],
    optional: Sequence[str],
) -> Iterator[Row]:
    header = [h.strip() for h in next(reader, [])]
    where = f"{name}:{skipped + 1}"
    for column in columns:
        if column not in header:
            raise DetenteError(f"no column '{column}'", where=where, fix=nearest(column, header))
    for column in header:
        if column not in (*columns, *optional):
            raise DetenteError(
                f"unknown column '{column}'", where=where, fix=nearest(column, (*columns, *optional))
            )
    if len(set(header)) != len(header):
        raise DetenteError("a column appears twice", where=where)
    for cells in reader:
        where = f"{name}:{skipped + reader.line_num}"
        if not any(cells):
            continue
        if len(cells) != len(header):
            raise DetenteError(f"{len(cells)} cells under {len(header)} columns", where=where)
        yield Row({h: c.strip() for h, c in zip(header, cells, strict=True)}, where)
