"""Openings: a field, an item, a site or a serial look-up, each a small document that anybody checks against a root."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NoReturn

import msgspec

from detente.disclosure import vrf_r255
from detente.disclosure.container import Escrow, Slot
from detente.disclosure.escrow import (
    Secrets,
    body,
    count_leaf,
    field_leaves,
    field_nonce,
    item_key,
    serial_input,
    site_key,
    site_of,
    text_leaf,
)
from detente.disclosure.group import canonical_scalar, group
from detente.disclosure.hashing import tagged
from detente.disclosure.merkle import head_from_path, path
from detente.disclosure.prove import Opening
from detente.disclosure.statement import EscrowHead, ItemClass, Record, check_classes, head_bytes
from detente.errors import DetenteError, nearest

VERSION: Literal["detente.org/opening/v1"] = "detente.org/opening/v1"


class Place(Record, frozen=True):
    """A slot in clear with its Merkle path (hex): enough to recompute the root."""

    index: int
    key: str
    kind: int
    body: str
    commitments: tuple[str, ...]
    path: tuple[str, ...]


class OpenItem(Record, frozen=True):
    """Every field of one slot in the order of its class, and the VRF proof that its serial belongs here.

    An empty slot has no serial, no proof and no counts.
    """

    place: Place
    texts: tuple[str, ...]
    values: tuple[int, ...]
    blindings: tuple[str, ...]
    proof: str


class OpenField(Record, frozen=True):
    """One field: its value and nonce, its blinding where it is a count, and the other sub-leaves' digests.

    `proof`: the VRF proof of the slot where the field is the serial number.
    """

    place: Place
    name: str
    value: str | int
    nonce: str
    blinding: str
    others: tuple[str, ...]
    proof: str


class Lookup(Record, frozen=True):
    """Is this serial declared? `near` holds its slot, or the two slots (or the end slot) it would stand between."""

    serial: str
    proof: str
    near: tuple[Place, ...]


class Document(Record, frozen=True, omit_defaults=True):
    """An opening. `key`: the site's or the item's key (hex), where `kind` is site or item."""

    version: Literal["detente.org/opening/v1"]
    kind: Literal["field", "item", "site", "lookup"]
    escrow: EscrowHead
    root: str
    site: str = ""
    key: str = ""
    items: tuple[OpenItem, ...] = ()
    field: OpenField | None = None
    lookup: Lookup | None = None

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


class Finding(msgspec.Struct, frozen=True):
    """One fact an opening shows: the slot, the item class, the field and its value."""

    slot: int
    kind: str
    field: str
    value: str | int


def _place(escrow: Escrow, leaves: Sequence[bytes], index: int) -> Place:
    s = escrow.slots[index]
    steps = tuple(p.hex() for p in path(leaves, index))
    return Place(index, s.key.hex(), s.kind, s.body.hex(), tuple(c.hex() for c in s.commitments), steps)


class Opener:
    """Makes openings from an escrow and its secrets."""

    def __init__(self, escrow: Escrow, secrets: Secrets) -> None:
        if len(escrow.slots) != len(secrets.slots):
            raise DetenteError("these secrets belong to another escrow")
        self.escrow, self.secrets = escrow, secrets
        self.master, self.leaves = bytes.fromhex(secrets.master), [s.leaf for s in escrow.slots]
        self.keys = {s.key: n for n, s in enumerate(escrow.slots)}
        self.root = escrow.root.hex()

    def _document(self, kind: Literal["field", "item", "site", "lookup"], **more: object) -> Document:
        return msgspec.structs.replace(Document(VERSION, kind, self.escrow.head, self.root), **more)

    def slot_of(self, serial: str) -> int:
        """The slot of a serial. Raises DetenteError where it is not declared."""
        found = self.keys.get(self._key(serial))
        if found is None:
            raise DetenteError("this serial number is not in the escrow", fix="'--lookup' proves its absence")
        return found

    def _key(self, serial: str) -> bytes:
        alpha = serial_input(self.escrow.head.party, serial)
        return vrf_r255.output(bytes.fromhex(self.secrets.vrf), alpha)[:32]

    def _class(self, slot: int) -> ItemClass:
        return self.escrow.head.classes[self.secrets.slots[slot].kind]

    def _item_key(self, slot: int) -> bytes:
        site = site_of(self._class(slot), self.secrets.slots[slot].texts)
        return item_key(site_key(self.master, site), self.escrow.slots[slot].key)

    def _open_item(self, slot: int) -> OpenItem:
        kept = self.secrets.slots[slot]
        proof = self._proof(_serial(self._class(slot), kept.texts))
        return OpenItem(
            _place(self.escrow, self.leaves, slot), kept.texts, kept.values, kept.blindings, proof
        )

    def _proof(self, serial: str) -> str:
        alpha = serial_input(self.escrow.head.party, serial)
        return vrf_r255.prove(bytes.fromhex(self.secrets.vrf), alpha).hex() if serial else ""

    def item(self, slot: int) -> Document:
        """Every field of one slot."""
        return self._document("item", key=self._item_key(slot).hex(), items=(self._open_item(slot),))

    def site(self, site: str) -> Document:
        """Every item at a site, under the site's one key. Raises DetenteError where none is there."""
        at = [
            n for n, s in enumerate(self.secrets.slots) if site and site_of(self._class(n), s.texts) == site
        ]
        if not at:
            raise DetenteError(f"no item at a site '{site}'", fix="write the name as in the list of items")
        items = tuple(self._open_item(n) for n in at)
        return self._document("site", site=site, key=site_key(self.master, site).hex(), items=items)

    def field(self, slot: int, name: str) -> Document:
        """One field of one slot, the others staying hidden. Raises DetenteError for an unknown field."""
        kind, kept = self._class(slot), self.secrets.slots[slot]
        names = [*kind.texts, *(q.name for q in kind.quantities)]
        if name not in names:
            raise DetenteError(f"the class {kind.name} has no field '{name}'", fix=nearest(name, names))
        at, own = names.index(name), self._item_key(slot)
        commitments = self.escrow.slots[slot].commitments
        leaves = field_leaves(kind, kept.texts, self.secrets.openings[slot], commitments, own)
        number = at - len(kind.texts)
        value = kept.texts[at] if number < 0 else kept.values[number]
        blinding = "" if number < 0 else kept.blindings[number]
        others = tuple(leaf.hex() for n, leaf in enumerate(leaves) if n != at)
        place, nonce = _place(self.escrow, self.leaves, slot), field_nonce(own, name).hex()
        proof = self._proof(str(value)) if name == "serial" else ""
        return self._document("field", field=OpenField(place, name, value, nonce, blinding, others, proof))

    def lookup(self, serial: str) -> Document:
        """Is `serial` declared? A proof of presence or of absence, opening nothing else."""
        key, size = self._key(serial), len(self.escrow.slots)
        at = sum(s.key < key for s in self.escrow.slots)
        near = [at] if key in self.keys else [n for n in (at - 1, at) if 0 <= n < size]
        places = tuple(_place(self.escrow, self.leaves, n) for n in near)
        return self._document("lookup", lookup=Lookup(serial, self._proof(serial), places))


def _serial(kind: ItemClass, texts: Sequence[str]) -> str:
    return texts[kind.texts.index("serial")] if "serial" in kind.texts else ""


class Mismatch(DetenteError):  # noqa: N818 - a finding, not a fault
    """The opening does not fit its root: a finding, not a mistake of the reader."""


def read_document(data: bytes) -> Document:
    """An opening from its file. Raises DetenteError where it is none."""
    try:
        return msgspec.json.decode(data, type=Document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise DetenteError(
            "this is no opening of this version", fix="give a file that 'escrow open' made"
        ) from None


def check(document: Document, *, root: str = "") -> list[Finding]:
    """What an opening shows. `root`: the escrow root from the party's log; without it only the document agrees.

    Raises Mismatch where anything in the document does not fit its root, or `root` is another.
    """
    if root and root.casefold() != document.root:
        raise Mismatch("the opening belongs to another escrow root")
    try:
        check_classes(document.escrow.classes)
        return _Checker(document).run()
    except (ValueError, OverflowError):  # hex or encodings that are none
        raise Mismatch("the opening is malformed") from None


def _no(what: str) -> NoReturn:
    raise Mismatch(what)


class _Checker:
    def __init__(self, document: Document) -> None:
        self.doc = document

    def run(self) -> list[Finding]:
        doc = self.doc
        used = {
            "field": ("field",),
            "lookup": ("lookup",),
            "item": ("key", "items"),
            "site": ("site", "key", "items"),
        }
        for name in ("site", "key", "items", "field", "lookup"):
            if bool(getattr(doc, name)) != (name in used[doc.kind]):
                _no("the opening has parts of another kind, or lacks its own")
        if doc.kind == "lookup" and doc.lookup:
            return self._lookup(doc.lookup)
        if doc.kind == "field" and doc.field:
            return self._field(doc.field)
        if doc.kind in ("item", "site") and doc.items and (doc.kind == "site" or len(doc.items) == 1):
            if len({i.place.index for i in doc.items}) != len(doc.items):
                _no("an item is opened twice")
            return [f for i in doc.items for f in self._item(i)]
        _no("the opening lacks its content")

    def _slot(self, place: Place) -> tuple[Slot, ItemClass]:
        doc = self.doc
        if not 0 <= place.kind < len(doc.escrow.classes):
            _no("a slot of no class")
        kind = doc.escrow.classes[place.kind]
        slot = Slot(
            bytes.fromhex(place.key),
            place.kind,
            bytes.fromhex(place.body),
            tuple(map(bytes.fromhex, place.commitments)),
        )
        lengths = [len(slot.key), len(slot.body), *map(len, slot.commitments)]
        if lengths != [32, 64] + [32] * len(kind.quantities):
            _no("a slot is malformed")
        steps = tuple(map(bytes.fromhex, place.path))
        head = head_from_path(slot.leaf, place.index, doc.escrow.slots, steps)
        if any(len(s) != 64 for s in steps) or head is None:
            _no("a Merkle path does not fit")
        if tagged("detente.org/escrow/v1/root", head_bytes(doc.escrow), head).hex() != doc.root:
            _no("the slot is not under this root")
        return slot, kind

    def _opening(self, value: int, blinding: str, commitment: bytes, top: int) -> Opening:
        raw = bytes.fromhex(blinding)
        if not canonical_scalar(raw) or not 0 <= value <= top:
            _no("a count or its blinding is out of range")
        opening = Opening(value, raw)
        if opening.commitment(group()) != commitment:
            _no("a count is not what was committed to: the leaf and the proof disagree")
        return opening

    def _item(self, item: OpenItem) -> list[Finding]:
        slot, kind = self._slot(item.place)
        own = bytes.fromhex(self.doc.key)
        if len(own) != 64:
            _no("the key is malformed")
        if self.doc.kind == "site":
            if site_of(kind, item.texts) != self.doc.site:
                _no("an item of another site")
            own = item_key(own, slot.key)
        if (len(item.texts), len(item.values)) != (len(kind.texts), len(kind.quantities)):
            _no("an item has other fields than its class")
        if len(item.blindings) != len(item.values):
            _no("an item has other fields than its class")
        rows = zip(item.values, item.blindings, slot.commitments, kind.quantities, strict=True)
        openings = [self._opening(v, b, c, q.max) for v, b, c, q in rows]
        if body(field_leaves(kind, item.texts, openings, slot.commitments, own)) != slot.body:
            _no("a field is not what was committed to")
        self._belongs(slot, _serial(kind, item.texts), item.proof, any(item.values))
        shown: list[tuple[str, str | int]] = [*zip(kind.texts, item.texts, strict=True)]
        counts = [*zip((q.name for q in kind.quantities), item.values, strict=True)]
        return [Finding(item.place.index, kind.name, n, v) for n, v in (*shown, *counts)]

    def _field(self, field: OpenField) -> list[Finding]:
        slot, kind = self._slot(field.place)
        names = [*kind.texts, *(q.name for q in kind.quantities)]
        nonce, others = bytes.fromhex(field.nonce), [bytes.fromhex(o) for o in field.others]
        if field.name not in names or len(nonce) != 64 or [len(o) for o in others] != [64] * (len(names) - 1):
            _no("the field is malformed")
        number = names.index(field.name) - len(kind.texts)
        if number < 0 and isinstance(field.value, str) and not field.blinding:
            leaf = text_leaf(field.name, field.value, nonce)
        elif number >= 0 and isinstance(field.value, int):
            commitment = slot.commitments[number]
            opening = self._opening(field.value, field.blinding, commitment, kind.quantities[number].max)
            leaf = count_leaf(field.name, opening, nonce, commitment)
        else:
            _no("the field's value has another type")
        others.insert(names.index(field.name), leaf)
        if body(others) != slot.body:
            _no("the field is not what was committed to")
        self._belongs(slot, str(field.value) if field.name == "serial" else "", field.proof, False)
        return [Finding(field.place.index, kind.name, field.name, field.value)]

    def _key_of(self, serial: str, proof: str) -> bytes:
        alpha = serial_input(self.doc.escrow.party, serial)
        beta = vrf_r255.verify(bytes.fromhex(self.doc.escrow.vrf), alpha, bytes.fromhex(proof))
        if beta is None:
            _no("the proof of the serial's slot is wrong")
        return beta[:32]

    def _belongs(self, slot: Slot, serial: str, proof: str, filled: bool) -> None:
        """A serial stands in its own slot and nowhere else; a slot without one is empty."""
        if serial and self._key_of(serial, proof) != slot.key:
            _no("the serial number does not belong in this slot")
        if not serial and (proof or filled):
            _no("a slot without a serial number is not empty")

    def _lookup(self, found: Lookup) -> list[Finding]:
        doc = self.doc
        key, near = self._key_of(found.serial, found.proof), [(p.index, self._slot(p)) for p in found.near]
        if len(near) == 1 and near[0][1][0].key == key:
            return [Finding(near[0][0], near[0][1][1].name, "serial", found.serial)]
        keys, at = [slot.key for _, (slot, _) in near], [n for n, _ in near]
        last = doc.escrow.slots - 1
        between = len(near) == 2 and at[1] == at[0] + 1 and keys[0] < key < keys[1]
        outside = len(near) == 1 and ((at == [0] and key < keys[0]) or (at == [last] and key > keys[0]))
        if not between and not outside:
            _no("the neighbours do not show that the serial is absent")
        return [Finding(-1, "", "serial", found.serial)]
