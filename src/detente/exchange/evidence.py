"""Evidence of equivocation: two signed checkpoints of one log that cannot both be true, in one file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.exchange.checkpoint import Checkpoint, parse_checkpoint
from detente.exchange.merkle import EMPTY, Subtree, consistency_proof, root_of, roots_from_consistency
from detente.exchange.note import Note, decode64, log_lines, parse_note, parse_vkey, verified
from detente.exchange.worldfile import read_file, write_file

EVIDENCE_TYPE = "detente/equivocation/v1"


class Evidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file. Where the sizes differ, `proof` shows what the larger tree held at the smaller size."""

    type: str
    origin: str
    party: str
    keys: tuple[str, ...]
    smaller: str
    larger: str
    proof: tuple[str, ...] = ()
    seen: str = ""
    digest: str = ""

    @property
    def id(self) -> str:
        heads = [parse_note(n).text for n in (self.smaller, self.larger)]
        return sha256("\0".join(sorted(heads)).encode()).hexdigest()


class Finding(msgspec.Struct, frozen=True):
    """What an evidence file proves: the log `origin` signed two histories."""

    origin: str
    party: str
    sizes: tuple[int, int]
    roots: tuple[str, str]
    keys: tuple[str, ...]
    text: str


def make_evidence(
    party: str, keys: Sequence[str], one: Note, other: Note, subtree: Subtree | None = None, *, seen: str = ""
) -> Evidence | None:
    """The evidence in two signed checkpoints; None where they agree or nothing is proven.

    `subtree` reads the tree under the larger checkpoint; it is not needed where the sizes are equal.
    """
    heads = [(parse_checkpoint(str(n))[0], n) for n in (one, other)]
    (a, small), (b, large) = sorted(heads, key=lambda pair: (pair[0].size, pair[0].root))
    small, large = log_lines(small), log_lines(large)
    proof: list[bytes] = []
    if a.size != b.size:
        if subtree is None or root_of(b.size, subtree) != b.root or root_of(a.size, subtree) == a.root:
            return None
        proof = consistency_proof(a.size, b.size, subtree)
        if (
            a.size and a.size & (a.size - 1) == 0
        ):  # RFC 6962 leaves the old root out of such proofs: put it back
            proof = [root_of(a.size, subtree), *proof]
    elif a.root == b.root:
        return None
    coded = tuple(base64.b64encode(h).decode() for h in proof)
    made = Evidence(EVIDENCE_TYPE, a.origin, party, tuple(keys), str(small), str(large), coded, seen)
    try:
        check_evidence(encode_evidence(made))  # nobody is accused with a file that would not convince
    except DetenteError:
        return None
    return made


def encode_evidence(evidence: Evidence) -> bytes:
    """The file's bytes: readable JSON."""
    return write_file(evidence)


def check_evidence(data: bytes, *, where: str = "evidence", pinned: Sequence[str] = ()) -> Finding:
    """What `data` proves, from its bytes alone. Raises DetenteError where it proves nothing.

    `pinned`: the log keys that the reader holds from the treaty's annex; without them the reader must
    compare the keys that the finding names.
    """
    e = read_file(data, Evidence, what="an evidence file", where=where)
    if e.type != EVIDENCE_TYPE:
        raise DetenteError(f"not an evidence file: '{e.type[:60]}'", where=where)
    if pinned and not set(e.keys) <= set(pinned):
        raise DetenteError("the keys in the file are not the pinned ones", where=where)
    keys = [parse_vkey(k, where=where) for k in e.keys]
    heads: list[Checkpoint] = []
    for text in (e.smaller, e.larger):
        head, note = parse_checkpoint(text, where=where)
        if head.origin != e.origin or not verified(
            note, [k for k in keys if k.name == e.origin], where=where
        ):
            raise DetenteError("a checkpoint that the log's key did not sign proves nothing", where=where)
        heads.append(head)
    _contradict(heads[0], heads[1], [decode64(h, where=where, length=32) for h in e.proof], where)
    return _finding(e, heads)


def _contradict(a: Checkpoint, b: Checkpoint, proof: list[bytes], where: str) -> None:
    """Raises DetenteError unless the two heads cannot both be true."""
    nothing = DetenteError("the two checkpoints can both be true: this proves nothing", where=where)
    if a.size > b.size or (a.size == b.size and (proof or a.root == b.root)):
        raise nothing
    if a.size == b.size:
        return
    if a.size == 0:
        if proof or a.root == EMPTY:
            raise nothing
        return
    power = a.size & (a.size - 1) == 0
    seed, path = (proof[0], proof[1:]) if power and proof else (b"", proof)
    roots = roots_from_consistency(a.size, b.size, seed, path)
    if roots is None or roots[1] != b.root or roots[0] == a.root:
        raise nothing


def _finding(e: Evidence, heads: list[Checkpoint]) -> Finding:
    a, b = heads
    roots = (base64.b64encode(a.root).decode(), base64.b64encode(b.root).decode())
    how = (
        f"two different roots for the same {a.size} entries"
        if a.size == b.size
        else f"a head of {b.size} entries whose first {a.size} are not those of its head of {a.size}"
    )
    text = (
        f"PROVEN: the log {e.origin} ({e.party}) signed two histories: {how}. "
        "Its signing key made both statements; no other party could have. "
        "Compare the key with the treaty's annex before acting on it."
    )
    return Finding(e.origin, e.party, (a.size, b.size), roots, e.keys, text)


def explain_evidence(path: Path, *, pinned: Sequence[str] = ()) -> Finding:
    """What an evidence file proves, on a machine that has nothing else. Raises DetenteError otherwise."""
    try:
        data = path.read_bytes()
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    if len(data) > 4 << 20:
        raise DetenteError("too long for an evidence file", where=str(path))
    return check_evidence(data, where=path.name, pinned=pinned)
