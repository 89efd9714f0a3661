"""The escrow: items become slots with hashed fields and committed counts; the party keeps the openings.

docs/disclosure-spec.md section 3. One slot an item; the root goes into the party's log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec

from detente.disclosure import vrf_r255
from detente.disclosure.container import ESCROW_VERSION, Escrow, Slot
from detente.disclosure.group import canonical_scalar, group
from detente.disclosure.hashing import expand, frame, noise, tagged
from detente.disclosure.prove import Opening
from detente.disclosure.statement import EscrowHead, ItemClass, Record, check_classes
from detente.errors import DetenteError, nearest

SECRET_VERSION = "detente.org/escrow-secret/v1"
_FIELD = "detente.org/escrow/v1/"


class Entry(Record, frozen=True):
    """One accountable item in clear: its class, its text fields and its counts, by name."""

    kind: str
    texts: dict[str, str]
    counts: dict[str, int]

    def __repr__(self) -> str:  # an item must not reach a log through a traceback
        return "Entry(hidden)"


class KeptSlot(Record, frozen=True):
    """What the party keeps for one slot, in the order of the class: texts, values, blindings (hex)."""

    kind: int
    texts: tuple[str, ...]
    values: tuple[int, ...]
    blindings: tuple[str, ...]

    def __repr__(self) -> str:
        return "KeptSlot(hidden)"


class Secrets(Record, frozen=True, dict=True):
    """The private half of an escrow: never published, written with mode 0600."""

    version: str
    master: str
    vrf: str
    slots: tuple[KeptSlot, ...]

    def __repr__(self) -> str:
        return "Secrets(hidden)"

    @cached_property
    def openings(self) -> list[list[Opening]]:
        """Per slot, per quantity."""
        return [
            [Opening(v, bytes.fromhex(b)) for v, b in zip(s.values, s.blindings, strict=True)]
            for s in self.slots
        ]

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


def read_secrets(data: bytes) -> Secrets:
    """The private half from its file. Raises DetenteError, without quoting it, where it is damaged."""
    try:
        found = msgspec.json.decode(data, type=Secrets)
        good = found.version == SECRET_VERSION and len(bytes.fromhex(found.master)) == 64
        good = good and all(canonical_scalar(bytes.fromhex(b)) for s in found.slots for b in s.blindings)
    except (msgspec.MsgspecError, ValueError):
        good = False
    if not good:
        raise DetenteError(
            "this is no escrow secret of this version", fix="give the escrow.secret of 'commit'"
        )
    return found


def serial_input(party: str, serial: str) -> bytes:
    """What the slot's VRF is asked about."""
    return b"detente.org/escrow/v1/serial" + frame(party.encode()) + frame(serial.encode())


def site_key(master: bytes, site: str) -> bytes:
    """The one key that opens the fields of every item at a site: 64 bytes."""
    return expand(_FIELD + "site", 64, master, site.encode())


def item_key(site: bytes, slot_key: bytes) -> bytes:
    """The key that opens every field of one item: 64 bytes."""
    return expand(_FIELD + "item", 64, site, slot_key)


def field_nonce(item: bytes, name: str) -> bytes:
    """The nonce of one field: 64 bytes."""
    return expand(_FIELD + "nonce", 64, item, name.encode())


def text_leaf(name: str, value: str, nonce: bytes) -> bytes:
    """The commitment to a text field."""
    return tagged(_FIELD + "text", name.encode(), value.encode(), nonce)


def count_leaf(name: str, opening: Opening, nonce: bytes, commitment: bytes) -> bytes:
    """The commitment to a count: the hash binds the value and the blinding of the group commitment too."""
    value = opening.value.to_bytes(8, "big")
    return tagged(_FIELD + "count", name.encode(), value, nonce, commitment, opening.blinding)


def field_leaves(
    kind: ItemClass,
    texts: Sequence[str],
    openings: Sequence[Opening],
    commitments: Sequence[bytes],
    item: bytes,
) -> list[bytes]:
    """The sub-leaves of an item: texts, then counts, in the order of its class."""
    leaves = [text_leaf(n, v, field_nonce(item, n)) for n, v in zip(kind.texts, texts, strict=True)]
    counts = zip(kind.quantities, openings, commitments, strict=True)
    return leaves + [count_leaf(q.name, o, field_nonce(item, q.name), c) for q, o, c in counts]


def body(leaves: Sequence[bytes]) -> bytes:
    """The digest in the slot that binds its sub-leaves."""
    return tagged(_FIELD + "body", *leaves)


def site_of(kind: ItemClass, texts: Sequence[str]) -> str:
    return texts[kind.texts.index("site")] if "site" in kind.texts else ""


def commit(
    party: str,
    exchange: int,
    classes: Sequence[ItemClass],
    items: Sequence[Entry],
    *,
    vrf_secret: bytes,
    padding: dict[str, int] | None = None,
    entropy: bytes | None = None,
) -> tuple[Escrow, Secrets]:
    """The public escrow of `items` and the secrets that open it.

    `vrf_secret`: the party's registered key, 32 bytes, the same at every exchange. `padding`: empty slots per
    class, so that the number of slots is not the number of items. `entropy`: 64 random bytes, given only to make
    test vectors. Raises DetenteError for malformed items and for two items with one serial number.
    """
    check_classes(classes)
    seed = os.urandom(64) if entropy is None else entropy
    master = expand(_FIELD + "master", 64, seed)
    drawn = [_item(party, classes, item, f"item {line}", vrf_secret) for line, item in enumerate(items, 1)]
    drawn += _empty(classes, padding or {}, seed)
    drawn.sort(key=lambda pair: pair[0])
    if len({key for key, _ in drawn}) != len(drawn):
        raise DetenteError("two items share a serial number", fix="one serial, one slot: correct the list")
    if not drawn:
        raise DetenteError("an escrow without items", fix="list at least one item, or pad")
    slots, kept = [], []
    for n, (key, plain) in enumerate(drawn):
        blinding = noise(
            _FIELD + "blinding", 64 * len(plain.values), seed + n.to_bytes(4, "big"), fresh=entropy is None
        )
        slot, secret = _seal(classes[plain.kind], key, plain, master, blinding)
        slots.append(slot)
        kept.append(secret)
    public = vrf_r255.public_key(vrf_secret).hex()
    head = EscrowHead(ESCROW_VERSION, party, exchange, tuple(classes), len(slots), public)
    secrets = Secrets(SECRET_VERSION, master.hex(), vrf_secret.hex(), tuple(kept))
    return Escrow(head, tuple(slots)), secrets


def _item(
    party: str, classes: Sequence[ItemClass], item: Entry, where: str, vrf_secret: bytes
) -> tuple[bytes, KeptSlot]:
    """The slot key of an item and what is kept of it, before its blindings are drawn."""
    numbers = {c.name: n for n, c in enumerate(classes)}
    if item.kind not in numbers:
        raise DetenteError(f"no item class '{item.kind}'", where=where, fix=nearest(item.kind, numbers))
    texts, values = _in_order(classes[numbers[item.kind]], item, where)
    serial = item.texts.get("serial", "")
    if not serial:
        raise DetenteError("an item without a serial number", where=where)
    key = vrf_r255.output(vrf_secret, serial_input(party, serial))[:32]
    return key, KeptSlot(numbers[item.kind], texts, values, ())


def _empty(
    classes: Sequence[ItemClass], padding: dict[str, int], seed: bytes
) -> Iterator[tuple[bytes, KeptSlot]]:
    """Empty slots under random keys, which nobody can tell from those of items."""
    names = [c.name for c in classes]
    for name, count in padding.items():
        if name not in names:
            raise DetenteError(f"no item class '{name}'", where="padding", fix=nearest(name, names))
        kind = classes[names.index(name)]
        empty = KeptSlot(names.index(name), ("",) * len(kind.texts), (0,) * len(kind.quantities), ())
        for n in range(count):
            yield expand(_FIELD + "empty", 32, seed, name.encode(), n.to_bytes(4, "big")), empty


def _seal(kind: ItemClass, key: bytes, plain: KeptSlot, master: bytes, wide: bytes) -> tuple[Slot, KeptSlot]:
    """The public slot and the kept one; `wide`: 64 random bytes a blinding."""
    g = group()
    openings = [Opening(v, g.scalar(wide[64 * n : 64 * n + 64])) for n, v in enumerate(plain.values)]
    commitments = tuple(o.commitment(g) for o in openings)
    own = item_key(site_key(master, site_of(kind, plain.texts)), key)
    leaves = field_leaves(kind, plain.texts, openings, commitments, own)
    kept = msgspec.structs.replace(plain, blindings=tuple(o.blinding.hex() for o in openings))
    return Slot(key, plain.kind, body(leaves), commitments), kept


def _in_order(kind: ItemClass, item: Entry, where: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    known = [*kind.texts, *(q.name for q in kind.quantities)]
    for name in (*item.texts, *item.counts):
        if name not in known:
            raise DetenteError(
                f"the class {kind.name} has no field '{name}'", where=where, fix=nearest(name, known)
            )
    values = tuple(item.counts.get(q.name, 0) for q in kind.quantities)
    for q, value in zip(kind.quantities, values, strict=True):
        gate_closed = q.needs >= 0 and values[q.needs] != 1
        if not 0 <= value <= q.max or (gate_closed and value):
            need = f", and 0 without {kind.quantities[q.needs].name}" if q.needs >= 0 else ""
            raise DetenteError(f"the {q.name} is not well formed", where=where, fix=f"0 to {q.max}{need}")
    return tuple(item.texts.get(t, "") for t in kind.texts), values
