"""The records of a miniSEED file that matter for a window, without reading the rest: an index of its record headers."""

from __future__ import annotations

from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.waves.miniseed import record_length

Float = NDArray[np.float64]

BLOCK: Final = 16
"""Records that one line of the index covers: a day of 40 Hz is some 800 lines, 13 kB."""
_WORTH_BYTES: Final = 1 << 18  # a smaller file is read whole
_QUALITIES: Final = np.frombuffer(b"DRQM", np.uint8)
_DAYS_1970: Final = np.array([(y - 1970) * 365 + (y - 1969) // 4 - (y - 1901) // 100 + (y - 1601) // 400
                              for y in range(1900, 2101)], float)  # fmt: skip


class Index(NamedTuple):
    """Blocks of `size` bytes, each with the times (s UTC) between which its records lie."""

    size: int
    start: Float
    end: Float


def bytes_between(path: Path, start: float = -inf, end: float = inf) -> bytes:
    """Every record of a miniSEED file that has a sample from `start` to `end` (s UTC), and perhaps others.

    A file whose records are not all alike (one length, one byte order, no time corrections) is read whole.
    """
    about = path.stat()
    index = _index(path, about.st_size, about.st_mtime_ns) if about.st_size >= _WORTH_BYTES else None
    if index is None:
        return path.read_bytes()
    wanted = np.flatnonzero((index.end >= start) & (index.start <= end))
    if wanted.size == index.start.size:
        return path.read_bytes()
    breaks = np.flatnonzero(np.diff(wanted) > 1) + 1
    parts = []
    with path.open("rb") as file:
        for run in np.split(wanted, breaks):
            if run.size:
                file.seek(int(run[0]) * index.size)
                parts.append(file.read(int(run.size) * index.size))
    return b"".join(parts)


@lru_cache(maxsize=20_000)
def _index(path: Path, size: int, _changed_ns: int) -> Index | None:
    """The index of a file, None where its records' places cannot be told from their number."""
    data = np.memmap(path, np.uint8, "r", shape=(size,))
    try:
        length = record_length(data[:2048].tobytes())
    except DetenteError:
        return None
    if length is None or data[:2].tobytes() == b"MS" or size % length:
        return None
    head = np.ascontiguousarray(data.reshape(-1, length)[:, :56]) if length >= 56 else None
    if head is None or not _alike(head):
        return None
    start, end = _times(head)
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        return None
    edges = np.arange(0, start.size, BLOCK)
    return Index(BLOCK * length, np.minimum.reduceat(start, edges), np.maximum.reduceat(end, edges))


def _alike(head: NDArray[np.uint8]) -> bool:
    """Whether all records have blockette 1000 first, with one length and byte order, and no time correction."""
    same = bool((head[:, [46, 47, 48, 49, 54]] == head[0, [46, 47, 48, 49, 54]]).all())
    return same and bool(np.isin(head[:, 6], _QUALITIES).all()) and not head[:, 40:44].any()


def _times(head: NDArray[np.uint8]) -> tuple[Float, Float]:
    """(record,) s UTC of the first sample and after the last, NaN where a header says what no clock does.

    Source: SEED 2.4, chapter 8, fixed section of the data header.
    """

    def number(at: int, kind: str) -> Float:
        return np.ascontiguousarray(head[:, at : at + 2]).view(kind)[:, 0].astype(float)

    order = ">" if 1900 <= number(20, ">u2")[0] <= 2100 else "<"
    year, day, fraction = (number(at, f"{order}u2") for at in (20, 22, 28))
    known = (year >= 1900) & (year <= 2100) & (day >= 1) & (day <= 366)
    days = _DAYS_1970[np.where(known, year - 1900, 0).astype(int)] + day - 1
    start = days * 86400 + head[:, 24] * 3600.0 + head[:, 25] * 60.0 + head[:, 26] + fraction / 1e4
    factor, times = number(32, f"{order}i2"), number(34, f"{order}i2")
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(factor >= 0, factor, -1 / factor) * np.where(times >= 0, times, -1 / times)
        length = np.where(rate > 0, number(30, f"{order}u2") / rate, 0.0)
    return np.where(known, start, np.nan), start + length
