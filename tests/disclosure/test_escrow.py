"""The escrow: one root, step-by-step openings, presence and absence, and secrets that stay in their file."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from detente.disclosure import disclosed, secretfile
from detente.disclosure.container import read_escrow
from detente.disclosure.escrow import Entry, Secrets, commit, read_secrets
from detente.disclosure.group import encode
from detente.disclosure.hashing import tagged
from detente.disclosure.items import item_classes, read_items
from detente.disclosure.merkle import head_from_path, path, tree_head
from detente.disclosure.opening import Document, Mismatch, Opener, check, read_document
from detente.errors import DetenteError


@pytest.fixture(scope="module")
def opener(world: SimpleNamespace) -> Opener:
    public, secrets = world.escrow([(1, 3), (0, 0), (1, 10), (1, 0), (0, 0), (1, 7)], [4, 0], pad=3)
    return Opener(public, secrets)


def _split(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return tagged("detente.org/escrow/v1/node", _split(leaves[:k]), _split(leaves[k:]))


def test_the_tree_is_that_of_rfc_6962_and_every_wrong_path_is_refused() -> None:
    for size in range(1, 35):
        leaves = [tagged("leaf", bytes([n])) for n in range(size)]
        head = tree_head(leaves)
        assert head == _split(leaves)
        for n in range(size):
            steps = path(leaves, n)
            assert head_from_path(leaves[n], n, size, steps) == head
            assert head_from_path(leaves[n], n, size, (*steps, bytes(64))) is None
            if steps:
                assert head_from_path(leaves[n], n, size, steps[:-1]) is None
                assert head_from_path(leaves[n], n, size, (steps[0][::-1], *steps[1:])) != head
            for other in {0, n - 1, n + 1, size - 1} - {n}:
                assert head_from_path(leaves[n], other, size, steps) != head


def test_the_public_file_reads_back_and_holds_no_secret(opener: Opener) -> None:
    data = opener.escrow.encode()
    assert read_escrow(data) == opener.escrow
    for word in (b"M1", b"base 0", opener.secrets.master.encode(), bytes.fromhex(opener.secrets.master)):
        assert word not in data


def test_openings_show_what_was_declared(opener: Opener) -> None:
    root = opener.root
    slot = opener.slot_of("M2")
    item = {f.field: f.value for f in check(opener.item(slot), root=root)}
    assert item == {"serial": "M2", "site": "base 0", "deployed": 1, "warheads": 10}
    assert [(f.field, f.value) for f in check(opener.field(slot, "warheads"), root=root)] == [
        ("warheads", 10)
    ]
    assert [(f.field, f.value) for f in check(opener.field(slot, "site"), root=root)] == [("site", "base 0")]
    at_site = {f.value for f in check(opener.site("base 1"), root=root) if f.field == "serial"}
    assert at_site == {"M1", "M3", "M5"}


def test_a_field_hides_the_others(opener: Opener) -> None:
    slot = opener.slot_of("M2")
    text = opener.field(slot, "site").encode()
    kept = opener.secrets.slots[slot]
    assert b"M2" not in text
    assert not any(b.encode() in text for b in kept.blindings)


def test_a_look_up_proves_presence_or_absence(opener: Opener) -> None:
    assert check(opener.lookup("M4"), root=opener.root)[0].slot == opener.slot_of("M4")
    absent = [check(opener.lookup(f"unknown {n}"), root=opener.root)[0].slot for n in range(40)]
    assert absent == [-1] * 40  # 40 places among 11 slots: both ends and the middle


def test_a_declared_serial_cannot_be_denied(opener: Opener, world: SimpleNamespace) -> None:
    """The look-up of a declared serial with other neighbours, and of an absent one with a neighbour left out."""
    present = opener.lookup("M4")
    slot = opener.slot_of("M4")
    from detente.disclosure.opening import _place

    def with_near(document: Document, *numbers: int) -> Document:
        assert document.lookup
        near = tuple(_place(opener.escrow, opener.leaves, n) for n in numbers)
        return msgspec.structs.replace(document, lookup=msgspec.structs.replace(document.lookup, near=near))

    last = len(opener.escrow.slots) - 1
    for near in ((slot - 1, slot + 1), (0,), (last,), (0, 1), (last - 1, last), ()):
        numbers = tuple(n for n in near if 0 <= n <= last)
        if numbers == (slot,):
            continue
        with pytest.raises(Mismatch):
            check(with_near(present, *numbers), root=opener.root)
    wrong = msgspec.structs.replace(present, lookup=msgspec.structs.replace(present.lookup, serial="M5"))
    with pytest.raises(Mismatch):
        check(wrong, root=opener.root)


def _leaves_of(tree: object, at: tuple = ()):  # type: ignore[no-untyped-def, type-arg]
    if isinstance(tree, dict):
        for k, v in tree.items():
            yield from _leaves_of(v, (*at, k))
    elif isinstance(tree, list):
        for n, v in enumerate(tree):
            yield from _leaves_of(v, (*at, n))
    else:
        yield at, tree


@pytest.mark.parametrize("kind", ["item", "field", "count", "site", "lookup", "absent"])
def test_every_value_of_an_opening_is_bound(opener: Opener, kind: str) -> None:
    """Each string, number and digest of each kind of opening, changed one at a time."""
    slot = opener.slot_of("M2")
    document = {
        "item": lambda: opener.item(slot),
        "field": lambda: opener.field(slot, "site"),
        "count": lambda: opener.field(slot, "warheads"),
        "site": lambda: opener.site("base 1"),
        "lookup": lambda: opener.lookup("M2"),
        "absent": lambda: opener.lookup("nobody"),
    }[kind]()
    tree = msgspec.json.decode(document.encode())
    places = list(_leaves_of(tree))
    assert len(places) > 20
    for at, value in places:
        changed = msgspec.json.decode(document.encode())
        node = changed
        for step in at[:-1]:
            node = node[step]
        if isinstance(value, bool):
            node[at[-1]] = not value
        elif isinstance(value, int):
            node[at[-1]] = value + 1
        elif value == "":
            node[at[-1]] = "x"
        else:
            node[at[-1]] = ("1" if value[0] == "0" else "0") + value[1:]
        with pytest.raises((DetenteError, Mismatch)):
            check(read_document(msgspec.json.encode(changed)), root=opener.root)


def test_an_opening_of_another_root_is_refused(opener: Opener, world: SimpleNamespace) -> None:
    other, _ = world.escrow([(1, 3)], [], seed="other")
    with pytest.raises(Mismatch, match="another escrow root"):
        check(opener.item(0), root=other.root.hex())


def test_a_count_that_differs_from_the_proof_is_found_when_opened(world: SimpleNamespace) -> None:
    """The link of leaf and proof: a leaf that hashes 3 beside a commitment to 2 cannot be opened as either."""
    from detente.disclosure.escrow import body, field_leaves, item_key, site_key, site_of
    from detente.disclosure.prove import Opening

    public, secrets = world.escrow([(1, 2)], [])
    slot, kept = public.slots[0], secrets.slots[0]
    blindings = [bytes.fromhex(b) for b in kept.blindings]
    own = item_key(site_key(bytes.fromhex(secrets.master), site_of(world.MISSILE, kept.texts)), slot.key)
    lie = [Opening(1, blindings[0]), Opening(3, blindings[1])]
    false = msgspec.structs.replace(
        slot, body=body(field_leaves(world.MISSILE, kept.texts, lie, slot.commitments, own))
    )
    public = msgspec.structs.replace(public, slots=(false,))
    for values in ((1, 3), (1, 2)):
        told = msgspec.structs.replace(secrets, slots=(msgspec.structs.replace(kept, values=values),))
        with pytest.raises(Mismatch):
            check(Opener(public, told).item(0))


def test_a_serial_in_a_slot_of_another_key_is_found_when_opened(world: SimpleNamespace) -> None:
    """Two leaves for one serial need a false key for one of them: its opening gives it away."""
    from detente.disclosure.container import Escrow

    public, secrets = world.escrow([(1, 2)], [])
    slot, kept = public.slots[0], secrets.slots[0]
    from detente.disclosure.escrow import body, field_leaves, item_key, site_key, site_of

    key = bytes(31) + b"\1"
    own = item_key(site_key(bytes.fromhex(secrets.master), site_of(world.MISSILE, kept.texts)), key)
    leaves = field_leaves(world.MISSILE, kept.texts, secrets.openings[0], slot.commitments, own)
    second = msgspec.structs.replace(slot, key=key, body=body(leaves))
    head = msgspec.structs.replace(public.head, slots=2)
    both = Escrow(head, (second, slot))
    opener = Opener(both, msgspec.structs.replace(secrets, slots=(kept, kept)))
    assert check(opener.item(1))
    for document in (opener.item(0), opener.field(0, "serial")):
        with pytest.raises(Mismatch, match="does not belong"):
            check(document)


def test_an_empty_slot_opens_to_nothing_and_must_be_empty(opener: Opener) -> None:
    empty = next(n for n, s in enumerate(opener.secrets.slots) if not s.texts[0])
    assert {f.value for f in check(opener.item(empty), root=opener.root)} == {"", 0}


def test_one_serial_one_slot(world: SimpleNamespace) -> None:
    twice = [
        Entry("missile", {"serial": "M1"}, {"deployed": 1}),
        Entry("store", {"serial": "M1"}, {"reserve": 1}),
    ]
    with pytest.raises(DetenteError, match="share a serial"):
        commit("RU", 1, world.CLASSES, twice, vrf_secret=encode(5))


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (Entry("missle", {"serial": "secret-7"}, {}), "did you mean"),
        (Entry("missile", {"serial": "secret-7"}, {"warheads": 3}), "well formed"),
        (Entry("missile", {"serial": "secret-7"}, {"deployed": 2}), "well formed"),
        (Entry("missile", {"serial": "secret-7"}, {"deployed": 1, "warheads": 11}), "well formed"),
        (Entry("missile", {"serial": "secret-7"}, {"deployed": 1, "warheads": -1}), "well formed"),
        (Entry("missile", {"serial": "secret-7"}, {"warhead": 1}), "no field"),
        (Entry("missile", {"site": "secret-7"}, {}), "serial"),
    ],
)
def test_malformed_items_are_refused_without_being_quoted(
    world: SimpleNamespace, entry: Entry, word: str
) -> None:
    with pytest.raises(DetenteError, match=word) as caught:
        commit("RU", 1, world.CLASSES, [entry], vrf_secret=encode(5))
    assert "secret-7" not in str(caught.value)
    assert "11" not in str(caught.value)


def test_each_exchange_is_committed_afresh_under_the_same_slots(world: SimpleNamespace) -> None:
    (a, _), (b, _) = (world.escrow([(1, 3), (0, 0)], [], exchange=n, seed=str(n)) for n in (1, 2))
    assert [s.key for s in a.slots] == [s.key for s in b.slots]
    assert not {c for s in a.slots for c in s.commitments} & {c for s in b.slots for c in s.commitments}
    assert not {s.body for s in a.slots} & {s.body for s in b.slots}


def test_secrets_do_not_appear_in_representations(opener: Opener) -> None:
    secrets: Secrets = opener.secrets
    entry = Entry("missile", {"serial": "S1"}, {})
    shown = f"{secrets!r} {secrets} {secrets.openings[0]!r} {secrets.slots[0]!r} {entry!r}"
    for word in (secrets.master, secrets.vrf, *secrets.slots[0].blindings, "S1", "M0"):
        assert word not in shown


def test_secret_files_are_private_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "a" / "secret"
    umask = os.umask(0)
    try:
        secretfile.write_secret(file, b"x")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secretfile.read_secret(file) == b"x"
    with pytest.raises(DetenteError, match="exists"):
        secretfile.write_secret(file, b"y")
    file.chmod(0o640)
    with pytest.raises(DetenteError, match="chmod 600"):
        secretfile.read_secret(file)
    assert [p.name for p in file.parent.iterdir()] == ["secret"]


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DetenteError, match="No space left"):
        secretfile.write_secret(tmp_path / "secret", b"x")
    assert not list(tmp_path.iterdir())


def test_damaged_secrets_are_not_quoted(opener: Opener) -> None:
    data = opener.secrets.encode()
    for bad in (data[:-5], data.replace(b'"values":[1', b'"values":["M7"', 1), b"{}"):
        with pytest.raises(DetenteError) as caught:
            read_secrets(bad)
        assert opener.secrets.master not in str(caught.value)
        assert caught.value.__cause__ is None


def test_the_running_disclosure_adds_up(opener: Opener, tmp_path: Path) -> None:
    file, day = tmp_path / "disclosed.json", "2026-03-01"
    slot = opener.slot_of("M2")
    disclosed.note(file, opener.field(slot, "warheads"), "US", day)
    disclosed.note(file, opener.field(slot, "warheads"), "US", day)
    disclosed.note(file, opener.lookup("M4"), "US", day)
    disclosed.note(file, opener.item(opener.slot_of("M0")), "CN", day)
    kinds = opener.escrow.head.classes
    widths = [len(kinds[s.kind].texts) + len(kinds[s.kind].quantities) for s in opener.escrow.slots]
    cn, us = disclosed.totals(disclosed.read(file), widths)
    assert (us.to, us.openings, us.items_whole, us.items_touched, us.fields, us.look_ups) == (
        "US",
        3,
        0,
        1,
        1,
        1,
    )
    assert (cn.to, cn.openings, cn.items_whole, cn.items_touched, cn.fields, cn.look_ups) == (
        "CN",
        1,
        1,
        1,
        4,
        0,
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_packaged_classes_and_lists(tmp_path: Path) -> None:
    for name in ("strategic", "deployed_missiles", "warheads"):
        assert item_classes(name)
    with pytest.raises(DetenteError, match="did you mean 'strategic'"):
        item_classes("strategc")
    own = tmp_path / "own.yaml"
    own.write_text("- {name: a, texts: [serial], quantities: [{name: n, max: 3, kind: icbm, needs: x}]}")
    with pytest.raises(DetenteError, match="needs 'x'"):
        item_classes(str(own))
    listed = tmp_path / "items.csv"
    listed.write_text("class,serial,deployed,warheads\nmissile,A,1,3\nmissile,B,,\nmissile,C,1,x9\n")
    with pytest.raises(DetenteError, match=r"items.csv:4: the warheads is no whole number") as caught:
        read_items(listed, item_classes("deployed_missiles"))
    assert "x9" not in str(caught.value)
    listed.write_text("class,serial,deployed,warheads\nmissile,A,1,3\nmissile,B,,\n")
    items = read_items(listed, item_classes("deployed_missiles"))
    assert [i.counts for i in items] == [{"deployed": 1, "warheads": 3}, {}]
