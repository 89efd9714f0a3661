"""The two public files, escrow and proof: a magic line, a head in canonical JSON, then fixed-size binary parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NoReturn, TypeVar

import msgspec

from detente.disclosure.hashing import tagged
from detente.disclosure.merkle import tree_head
from detente.disclosure.statement import (
    VERSION,
    EscrowHead,
    Head,
    ItemClass,
    Record,
    Slack,
    check_classes,
    columns,
    head_bytes,
    largest_sums,
    slack,
    weights,
)
from detente.errors import DetenteError

ESCROW_VERSION: Final = "detente.org/escrow/v1"
COMPACT_VERSION: Final = "detente.org/compact-proof/v1"
POINT = SCALAR = 32
CHALLENGE = 16
_MOST_SLOTS, _MOST_HEAD = 2**17, 2**24
_HEX_ROOT = re.compile(r"[0-9a-f]{128}")

HeadType = TypeVar("HeadType", bound=Record)


class Slot(msgspec.Struct, frozen=True):
    """One public leaf: VRF key of the serial, class number, digest of the fields, the commitments."""

    key: bytes
    kind: int
    body: bytes
    commitments: tuple[bytes, ...]

    @property
    def leaf(self) -> bytes:
        return tagged(
            "detente.org/escrow/v1/leaf", self.key, bytes([self.kind]), self.body, b"".join(self.commitments)
        )

    def encode(self) -> bytes:
        return self.key + bytes([self.kind]) + self.body + b"".join(self.commitments)


class Escrow(msgspec.Struct, frozen=True):
    """The published escrow: its head and the slots in ascending order of their keys."""

    head: EscrowHead
    slots: tuple[Slot, ...]

    @property
    def root(self) -> bytes:
        """What goes into the log: 64 bytes that bind everything above."""
        tree = tree_head([s.leaf for s in self.slots])
        return tagged("detente.org/escrow/v1/root", head_bytes(self.head), tree)

    def encode(self) -> bytes:
        head = head_bytes(self.head)
        return b"".join((_magic(ESCROW_VERSION), _size(head), head, *(s.encode() for s in self.slots)))


class ProofFile(msgspec.Struct, frozen=True):
    """A parsed proof: `prefix` is every byte the challenge absorbs, `responses` the rest."""

    head: Head
    escrow: Escrow
    firsts: bytes
    responses: bytes
    prefix: bytes


def _magic(version: str) -> bytes:
    return version.encode() + b"\n"


def _size(head: bytes) -> bytes:
    return len(head).to_bytes(4, "big")


def _bad(what: str) -> NoReturn:
    raise DetenteError(what, fix="the file is damaged or was made by another program")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        part = self.data[self.at : self.at + length]
        if len(part) != length:
            _bad(f"the file ends after {len(self.data)} bytes, in the middle of a part")
        self.at += length
        return part


def _head(reader: _Reader, version: str, kind: type[HeadType]) -> HeadType:
    if reader.take(len(_magic(version))) != _magic(version):
        _bad(f"this is no {version} file")
    size = int.from_bytes(reader.take(4), "big")
    if size > _MOST_HEAD:
        _bad("the head is larger than any treaty needs")
    text = reader.take(size)
    try:
        head = msgspec.json.decode(text, type=kind)
        same = head_bytes(head) == text
    except (msgspec.MsgspecError, RecursionError, DetenteError, UnicodeDecodeError):
        _bad("the head has not the form of this version")
    if not same:
        _bad("the head is not in canonical form")
    return head


def _slots(reader: _Reader, head: EscrowHead) -> tuple[Slot, ...]:
    if head.version != ESCROW_VERSION:
        _bad("an escrow of another version")
    check_classes(head.classes)
    if not 1 <= head.slots <= _MOST_SLOTS or head.exchange < 0 or not re.fullmatch(r"[0-9a-f]{64}", head.vrf):
        _bad("the escrow head is out of range")
    counts = [len(c.quantities) for c in head.classes]
    slots, last = [], b""
    for _ in range(head.slots):
        key, kind = reader.take(32), reader.take(1)[0]
        if key <= last:
            _bad("two slots share a key, or the slots are out of order")
        if kind >= len(counts):
            _bad("a slot of no class")
        body = reader.take(64)
        slots.append(Slot(key, kind, body, tuple(reader.take(POINT) for _ in range(counts[kind]))))
        last = key
    return tuple(slots)


def read_escrow(data: bytes) -> Escrow:
    """A published escrow. Raises DetenteError for anything not exactly of the format."""
    reader = _Reader(data)
    head = _head(reader, ESCROW_VERSION, EscrowHead)
    escrow = Escrow(head, _slots(reader, head))
    if reader.at != len(data):
        _bad(f"{len(data) - reader.at} bytes too many")
    return escrow


def read_proof(data: bytes) -> ProofFile:
    """A proof file. Raises DetenteError for anything not exactly of the format.

    Whether points and scalars are canonical, and whether the equations hold, is for a verifier to say.
    """
    reader = _Reader(data)
    head, escrow = _statement(reader, VERSION)
    firsts, responses = proof_sizes(head, escrow.slots)
    found = ProofFile(head, escrow, reader.take(firsts), b"", data[: reader.at])
    found = msgspec.structs.replace(found, responses=reader.take(responses))
    if reader.at != len(data):
        _bad(f"{len(data) - reader.at} bytes too many")
    return found


def read_compact(data: bytes) -> tuple[Head, Escrow, bytes, bytes]:
    """A compact proof file: head, escrow, the bytes up to the proof, and the proof. Raises DetenteError."""
    reader = _Reader(data)
    head, escrow = _statement(reader, COMPACT_VERSION)
    return head, escrow, data[: reader.at], data[reader.at :]


def _statement(reader: _Reader, version: str) -> tuple[Head, Escrow]:
    head = _head(reader, version, Head)
    escrow = Escrow(head.escrow, _slots(reader, head.escrow))
    if (head.version, head.party, head.exchange) != (version, head.escrow.party, head.escrow.exchange):
        _bad("the head and the escrow name different parties, exchanges or versions")
    if not _HEX_ROOT.fullmatch(head.root) or bytes.fromhex(head.root) != escrow.root:
        _bad("the escrow root in the head is not the root of the slots")
    if head.log.size < 0:
        _bad("a log of negative size")
    return head, escrow


def encode_prefix(head: Head, slots: Sequence[Slot], firsts: bytes) -> bytes:
    """Every byte of a proof file before the responses."""
    text = head_bytes(head)
    return b"".join((_magic(head.version), _size(text), text, *(s.encode() for s in slots), firsts))


def slacks(head: Head, slots: Sequence[Slot]) -> list[Slack]:
    """The limits of a head as slacks over its slots. Raises DetenteError where one is malformed."""
    width = len(columns(head.escrow.classes))
    members: dict[int, int] = {}
    for s in slots:
        members[s.kind] = members.get(s.kind, 0) + 1
    largest = largest_sums(head.escrow.classes, members)
    for limit in head.limits:
        order = [i for i, _ in limit.terms]
        good = order and order == sorted(set(order)) and order[0] >= 0 and order[-1] < width
        if not good or any(c == 0 for _, c in limit.terms) or limit.sense not in ("<=", ">=", "="):
            _bad("a limit is malformed")
        if limit.scale < 1:
            _bad("a limit is malformed")
    return [slack(limit, largest) for limit in head.limits]


def tops(classes: Sequence[ItemClass], kind: int) -> list[int]:
    """The largest value of each quantity of a class."""
    return [q.max for q in classes[kind].quantities]


def proof_sizes(head: Head, slots: Sequence[Slot]) -> tuple[int, int]:
    """Bytes of the first messages and of the responses."""
    per_class = [
        [len(weights(t)) for t in tops(head.escrow.classes, n)] for n in range(len(head.escrow.classes))
    ]
    values = [k for s in slots for k in per_class[s.kind]]
    values += [len(weights(s.top)) for s in slacks(head, slots)]
    bits = sum(values)
    zeros = values.count(0)
    carried = bits - (len(values) - zeros)  # each value's lowest bit commitment is derived, not sent
    firsts = POINT * (carried + 2 * bits + zeros)
    return firsts, bits * (CHALLENGE + 2 * SCALAR) + zeros * SCALAR


def challenge(prefix: bytes) -> bytes:
    """The 16-byte Fiat-Shamir challenge over every byte before the responses."""
    return tagged("detente.org/ceiling-proof/v1/challenge", prefix)[:CHALLENGE]
