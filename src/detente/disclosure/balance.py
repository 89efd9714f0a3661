"""The balance between two exchanges: new totals less old ones are the committed sum of the notified changes.

docs/disclosure-spec.md section 5. One first message and one response for all columns together: a proof that every
column's difference commits to zero, by powers of the challenge (Gennaro, Leigh, Sundaram, Yerazunis 2004).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from detente.disclosure.container import Escrow
from detente.disclosure.escrow import Secrets
from detente.disclosure.group import IDENTITY, Group, canonical_scalar, group
from detente.disclosure.hashing import expand, noise, tagged
from detente.disclosure.native import Refused
from detente.disclosure.prove import Opening
from detente.disclosure.statement import ItemClass, Record, columns, head_bytes
from detente.errors import DetenteError, nearest
from detente.tables import read_table

VERSION = "detente.org/balance-proof/v1"
_CHALLENGE = VERSION + "/challenge"


class Change(Record, frozen=True):
    """A notified change: its public id, the column (``class/quantity``), the hidden signed amount."""

    id: str
    column: str
    amount: int

    def __repr__(self) -> str:
        return "Change(hidden)"


class Noted(Record, frozen=True):
    """What a notification publishes of a change: its id, the column, the commitment (hex)."""

    id: str
    column: str
    commitment: str


class BalanceHead(Record, frozen=True):
    """The public statement of a balance proof."""

    version: str
    party: str
    old: int
    new: int
    old_root: str
    new_root: str
    changes: tuple[Noted, ...]
    first: str


class BalanceFile(Record, frozen=True):
    """The proof file: the statement and the response (hex)."""

    head: BalanceHead
    response: str


def read_changes(path: Path, classes: Sequence[ItemClass]) -> list[Change]:
    """Changes from CSV. Raises DetenteError naming the line, never an amount."""
    known = columns(classes)
    found = []
    for row in read_table(path, ("id", "class", "quantity", "change")):
        column = f"{row['class'].strip()}/{row['quantity'].strip()}"
        text = row["change"].strip()
        if column not in known:
            raise DetenteError(f"no quantity '{column}'", where=row.where, fix=nearest(column, known))
        if not text.lstrip("+-").isdecimal() or not text.isascii() or len(text) > 12:
            raise DetenteError("the change is no whole number", where=row.where)
        found.append(Change(row["id"].strip(), column, int(text)))
    return found


def _difference(g: Group, old: Escrow, new: Escrow, changes: Sequence[Noted]) -> list[bytes]:
    """Per column: new less old less the notified changes. A balanced book commits to zero everywhere."""
    names = columns(new.head.classes)
    sums = [IDENTITY] * len(names)
    for escrow, combine in ((new, g.add), (old, g.sub)):
        at = [0]
        for c in escrow.head.classes:
            at.append(at[-1] + len(c.quantities))
        for slot in escrow.slots:
            for n, point in enumerate(slot.commitments, at[slot.kind]):
                sums[n] = combine(sums[n], point)
    for change in changes:
        n = names.index(change.column)
        sums[n] = g.sub(sums[n], bytes.fromhex(change.commitment))
    return sums


def prove(
    old: Escrow,
    old_secrets: Secrets,
    new: Escrow,
    new_secrets: Secrets,
    changes: Sequence[Change],
    *,
    entropy: bytes | None = None,
) -> bytes:
    """The balance proof as a file. Raises DetenteError where the books do not balance, naming the column only."""
    g, names = group(), columns(new.head.classes)
    _same_books(old, new)
    seed = expand(VERSION + "/seed", 64, os.urandom(64) if entropy is None else entropy, new_secrets.encode())
    noted, blinds, totals = [], [bytes(32)] * len(names), [0] * len(names)
    for n, change in enumerate(changes):
        wide = noise(VERSION + "/blinding", 64, seed + n.to_bytes(4, "big"), fresh=entropy is None)
        blinding = g.scalar(wide)
        commitment = Opening(change.amount, blinding).commitment(g)
        noted.append(Noted(change.id, change.column, commitment.hex()))
        at = names.index(change.column)
        blinds[at], totals[at] = g.scalar_sub(blinds[at], blinding), totals[at] - change.amount
    for escrow, secrets, sign in ((new, new_secrets, 1), (old, old_secrets, -1)):
        start = [
            sum(len(c.quantities) for c in escrow.head.classes[:n]) for n in range(len(escrow.head.classes))
        ]
        for slot, own in zip(escrow.slots, secrets.openings, strict=True):
            for n, opening in enumerate(own, start[slot.kind]):
                totals[n] += sign * opening.value
                combine = g.scalar_add if sign > 0 else g.scalar_sub
                blinds[n] = combine(blinds[n], opening.blinding)
    for name, total in zip(names, totals, strict=True):
        if total:
            raise DetenteError("the exchanges do not differ by the notified changes", where=name)
    nonce = g.scalar(noise(VERSION + "/nonce", 64, seed, fresh=entropy is None))
    head = BalanceHead(
        VERSION, new.head.party, old.head.exchange, new.head.exchange, old.root.hex(), new.root.hex(),
        tuple(noted), g.base(nonce).hex(),
    )  # fmt: skip
    z, c = nonce, tagged(_CHALLENGE, head_bytes(head))[:16] + bytes(16)
    power = c
    for blind in blinds:
        z, power = g.scalar_add(z, g.scalar_mul(power, blind)), g.scalar_mul(power, c)
    return head_bytes(BalanceFile(head, z.hex()))


def verify(data: bytes, old: Escrow, new: Escrow) -> BalanceHead:
    """The statement that a balance proof proves. Raises Refused where it does not hold, DetenteError if no proof."""
    g = group()
    try:
        file = msgspec.json.decode(data, type=BalanceFile)
        head = file.head
        first, z = bytes.fromhex(head.first), bytes.fromhex(file.response)
        points = [first, *(bytes.fromhex(c.commitment) for c in head.changes)]
        same = head_bytes(file) == data
    except (msgspec.MsgspecError, ValueError, RecursionError, DetenteError):
        raise DetenteError("this is no balance proof of this version") from None
    if not same or head.version != VERSION:
        raise Refused("the file is not in canonical form, or of another version")
    _same_books(old, new)
    stated = (head.party, head.old, head.new, head.old_root, head.new_root)
    if stated != (new.head.party, old.head.exchange, new.head.exchange, old.root.hex(), new.root.hex()):
        raise Refused("the proof is of other escrows")
    if not canonical_scalar(z) or any(p == IDENTITY or not g.valid(p) for p in points):
        raise Refused("a point or a scalar is not canonical")
    if not {c.column for c in head.changes} <= set(columns(new.head.classes)):
        raise Refused("a change of an unknown quantity")
    if len({c.id for c in head.changes}) != len(head.changes):
        raise Refused("two changes share an id")
    c = tagged(_CHALLENGE, head_bytes(head))[:16] + bytes(16)
    left, power = first, c
    for point in _difference(g, old, new, head.changes):
        left, power = g.add(left, g.mul(power, point)), g.scalar_mul(power, c)
    if left != g.base(z):
        raise Refused("the exchanges do not differ by the notified changes")
    return head


def _same_books(old: Escrow, new: Escrow) -> None:
    if old.head.party != new.head.party or old.head.classes != new.head.classes:
        raise DetenteError("the two escrows are of different parties or item classes")
    if old.head.exchange >= new.head.exchange:
        raise DetenteError("the exchanges are out of order", fix="give the earlier escrow first")
