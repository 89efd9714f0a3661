"""C2SP tlog-witness v1: check that a log only grew, remember it, and only then cosign."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from detente.errors import DetenteError
from detente.exchange.checkpoint import Checkpoint, parse_checkpoint, parse_size
from detente.exchange.merkle import consistent
from detente.exchange.note import Note, Signer, Verifier, decode64, only_by, verified
from detente.exchange.store import Store

MAX_PROOF = 63


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer of the protocol: status, body and its type."""

    status: int
    body: str = ""
    media: str = "text/plain; charset=utf-8"


class Request(msgspec.Struct, frozen=True):
    """A parsed add-checkpoint request."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: Checkpoint
    note: Note


def format_request(old: int, proof: Sequence[bytes], note: Note | str) -> str:
    """The body of an add-checkpoint request."""
    import base64

    lines = "".join(base64.b64encode(h).decode() + "\n" for h in proof)
    return f"old {old}\n{lines}\n{note}"


def parse_request(data: bytes) -> Request:
    """An add-checkpoint request. Raises DetenteError for another form."""
    try:
        top, gap, note = data.decode("utf-8").partition("\n\n")
    except UnicodeDecodeError:
        raise DetenteError("not UTF-8", where="add-checkpoint") from None
    lines = top.split("\n")
    if not gap or not lines[0].startswith("old ") or len(lines) - 1 > MAX_PROOF:
        raise DetenteError("not an add-checkpoint request", where="add-checkpoint")
    old = parse_size(lines[0][4:], where="add-checkpoint")
    proof = tuple(decode64(line, where="add-checkpoint", length=32) for line in lines[1:])
    checkpoint, parsed = parse_checkpoint(note, where="add-checkpoint")
    return Request(old, proof, checkpoint, parsed)


def add_checkpoint(
    store: Store,
    data: bytes,
    keys_of: Callable[[str], Sequence[Verifier]],
    signers: Sequence[Signer],
    *,
    now: Callable[[], float] = time.time,
    suspect: Callable[[Checkpoint, Note], None] = lambda checkpoint, note: None,
) -> Answer:
    """Answer an add-checkpoint request; check and store happen in one transaction (the spec's race).

    `keys_of(origin)`: the log keys trusted for an origin, none for an unknown log. `suspect` is told of
    each checkpoint that bears the log's signature and yet does not extend what was cosigned.
    """
    try:
        request = parse_request(data)
    except DetenteError as bad:
        return Answer(400, f"{bad}\n")
    head = request.checkpoint
    keys = keys_of(head.origin)
    if not keys:
        return Answer(404, "unknown log\n")
    try:
        signed = verified(request.note, keys)
    except DetenteError:
        signed = []
    if not signed:
        return Answer(403, "no valid signature of the log\n")
    if request.old > head.size or (request.old == 0 and request.proof):
        return Answer(400, "the old size and the proof do not fit the checkpoint\n")
    number = store.number(head.origin)
    with store.write():
        row = store.one("SELECT size, root FROM witnessed WHERE log = ?", (number,))
        size, root = (int(row[0]), bytes(row[1])) if row else (0, b"")
        answer = _judge(request, size, root)
        if answer is None:
            remember(store, number, head, only_by(request.note, keys))
            lines = [s.sign(request.note.text, at=int(now())) for s in signers]
            answer = Answer(200, "".join(map(str, lines)))
    if answer.status == 422 or (answer.status == 409 and head.size <= size):
        suspect(head, request.note)
    return answer


def _judge(request: Request, size: int, root: bytes) -> Answer | None:
    """None where the checkpoint may be cosigned."""
    head = request.checkpoint
    if request.old != size:
        return Answer(409, f"{size}\n", "text/x.tlog.size")
    if size == 0:
        return None
    if head.size == size:
        if request.proof:
            return Answer(422, "a proof between equal sizes\n")
        return None if head.root == root else Answer(409, f"{size}\n", "text/x.tlog.size")
    if not consistent(size, head.size, root, head.root, request.proof):
        return Answer(422, "the log was rewritten: the consistency proof is wrong\n")
    return None


def remember(store: Store, number: int, head: Checkpoint, note: Note) -> None:
    """Keep `head` as the latest cosigned one; inside a transaction, before a cosignature leaves."""
    store.run(
        "INSERT INTO witnessed (log, size, root, note) VALUES (?, ?, ?, ?) ON CONFLICT (log) DO UPDATE"
        " SET size = excluded.size, root = excluded.root, note = excluded.note",
        (number, head.size, head.root, str(note)),
    )
