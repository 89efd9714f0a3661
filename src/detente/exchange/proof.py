"""C2SP tlog-proof: one file that shows an entry to stand in a witnessed log, checkable offline."""

from __future__ import annotations

import base64
from collections.abc import Iterable

import msgspec

from detente.errors import DetenteError
from detente.exchange.checkpoint import Checkpoint, parse_checkpoint, parse_size
from detente.exchange.merkle import included, leaf_hash
from detente.exchange.note import Note, Verifier, decode64, verified

HEADER = "c2sp.org/tlog-proof@v1"


class LogProof(msgspec.Struct, frozen=True):
    """An entry's index, its path to the root, the signed checkpoint; `extra` is not authenticated."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    def __str__(self) -> str:
        extra = f"extra {base64.b64encode(self.extra).decode()}\n" if self.extra else ""
        path = "".join(base64.b64encode(h).decode() + "\n" for h in self.path)
        return f"{HEADER}\n{extra}index {self.index}\n{path}\n{self.checkpoint}"


def parse_proof(data: bytes | str, *, where: str = "proof") -> LogProof:
    """A tlog-proof file. Raises DetenteError for any other form."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise DetenteError("not UTF-8", where=where) from None
    top, gap, checkpoint = text.partition("\n\n")
    lines = top.split("\n")
    if lines.pop(0) != HEADER or not gap or not lines:
        raise DetenteError(f"the first line is not '{HEADER}'", where=where)
    extra = b""
    if lines[0].startswith("extra "):
        extra = decode64(lines.pop(0)[6:], where=where)
    if not lines or not lines[0].startswith("index "):
        raise DetenteError("no index line", where=where)
    index = parse_size(lines.pop(0)[6:], where=where)
    if len(lines) > 63:
        raise DetenteError("a path of more than 63 hashes", where=where)
    parse_checkpoint(checkpoint, where=where)
    return LogProof(index, tuple(decode64(x, where=where, length=32) for x in lines), checkpoint, extra)


def check_proof(
    proof: LogProof, entry: bytes, log_keys: Iterable[Verifier], *, where: str = "proof"
) -> tuple[Checkpoint, Note]:
    """The checkpoint that proves `entry`. Raises DetenteError where signature, origin or path is wrong.

    The quorum of witnesses is the policy's to judge: `Policy.met(note)`.
    """
    head, note = parse_checkpoint(proof.checkpoint, where=where)
    keys = [k for k in log_keys if k.name == head.origin]
    if not verified(note, keys, where=where):
        raise DetenteError(f"no signature of the log {head.origin}", where=where)
    if not included(proof.index, head.size, leaf_hash(entry), head.root, proof.path):
        raise DetenteError(f"the path does not lead from entry {proof.index} to the root", where=where)
    return head, note
