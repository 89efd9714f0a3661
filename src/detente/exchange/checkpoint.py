"""C2SP tlog-checkpoint: the signed head of a log (origin, size, root)."""

from __future__ import annotations

import base64
import re

import msgspec

from detente.errors import DetenteError
from detente.exchange.note import Note, decode64, parse_note

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(msgspec.Struct, frozen=True):
    """A log's head: `origin` names the log, `size` counts entries, `root` is the RFC 6962 root."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "\n".join(lines) + "\n"


def parse_size(text: str, *, where: str = "checkpoint") -> int:
    """A decimal without leading zeroes. Raises DetenteError otherwise."""
    if not _SIZE.fullmatch(text) or not text.isascii() or int(text) >= 1 << 63:
        raise DetenteError(f"'{text[:30]}' is not a tree size", where=where)
    return int(text)


def parse_text(text: str, *, where: str = "checkpoint") -> Checkpoint:
    """The checkpoint in a note's text. Raises DetenteError for another form."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or any(not line for line in lines[:-1]):
        raise DetenteError("a checkpoint is origin, size and root, each on a line", where=where)
    if len(lines[0].encode()) > 255:
        raise DetenteError("an origin of more than 255 bytes cannot be cosigned", where=where)
    root = decode64(lines[2], where=where, length=32)
    return Checkpoint(lines[0], parse_size(lines[1], where=where), root, tuple(lines[3:-1]))


def parse_checkpoint(data: bytes | str, *, where: str = "checkpoint") -> tuple[Checkpoint, Note]:
    """A signed checkpoint and its note; the signatures are not checked here."""
    note = parse_note(data, where=where)
    return parse_text(note.text, where=where), note
