"""C2SP tlog-tiles: a log's hashes and entries as static resources, and their reader."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Sequence

from detente.errors import DetenteError
from detente.exchange.merkle import Subtree, node_hash

WIDTH = 256
MAX_ENTRY = 65_535
_PATH = re.compile(
    r"tile/(?:(?P<level>0|[1-9][0-9]?)|entries)/(?P<n>(?:x\d{3}/)*\d{3})(?:\.p/(?P<w>[1-9]\d{0,2}))?"
)


def tile_path(level: int | None, n: int, width: int = WIDTH) -> str:
    """The resource of tile `n` at `level` (None: entry bundle); 1234067 becomes x001/x234/067."""
    digits = f"{n:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join(["x" + g for g in groups[:-1]] + groups[-1:])
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{'entries' if level is None else level}/{name}{partial}"


def parse_path(path: str) -> tuple[int | None, int, int]:
    """(level, n, width) of a resource. Raises DetenteError for any path but the canonical one."""
    match = _PATH.fullmatch(path)
    if match and path.isascii():
        level = None if match["level"] is None else int(match["level"])
        n, width = int(match["n"].replace("x", "").replace("/", "")), int(match["w"] or WIDTH)
        if (level or 0) < 64 and (match["w"] is None or width < WIDTH) and tile_path(level, n, width) == path:
            return level, n, width
    raise DetenteError("no such tile", where=path[:80])


def widths(size: int, level: int) -> tuple[int, int]:
    """(full tiles, width of the partial one or 0) at `level` in a tree of `size` leaves."""
    return divmod(size >> (8 * level), WIDTH)


def tiles_of(size: int) -> Iterator[tuple[int | None, int, int]]:
    """Every tile and bundle of a tree of `size` leaves."""
    level = 0
    while size >> (8 * level):
        full, rest = widths(size, level)
        for kind in (None, level) if level == 0 else (level,):
            yield from ((kind, n, WIDTH) for n in range(full))
            if rest:
                yield kind, full, rest
        level += 1


def bundle(entries: Sequence[bytes]) -> bytes:
    """An entry bundle: each entry after its big-endian uint16 length."""
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise DetenteError(f"an entry of {len(entry)} bytes", fix=f"entries hold at most {MAX_ENTRY}")
    return b"".join(struct.pack(">H", len(e)) + e for e in entries)


def parse_bundle(data: bytes, *, where: str = "bundle") -> list[bytes]:
    """The entries of a bundle. Raises DetenteError where it is cut short or holds more than 256."""
    entries: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if len(data) - at < 2 or end > len(data) or len(entries) == WIDTH:
            raise DetenteError(f"broken at byte {at}", where=where)
        entries.append(data[at + 2 : end])
        at = end
    return entries


def subtree_reader(tile: Callable[[int, int, int], Sequence[bytes]], size: int) -> Subtree:
    """A subtree reader over ``tile(level, n, width) -> hashes`` for a tree of `size` leaves."""

    def read(level: int, i: int) -> bytes:
        tall, low = divmod(level, 8)
        first = i << low
        full, rest = widths(size, tall)
        n, at = divmod(first, WIDTH)
        hashes = tile(tall, n, WIDTH if n < full else rest)
        row = list(hashes[at : at + (1 << low)])
        if len(row) != 1 << low:
            raise DetenteError(f"tile {tall}/{n} is short")
        while len(row) > 1:
            row = [node_hash(row[k], row[k + 1]) for k in range(0, len(row), 2)]
        return row[0]

    return read
