"""The log, its mirrors and its witnesses on both databases; injected damage is caught and attributed."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from detente.errors import DetenteError
from detente.exchange import merkle, tiles
from detente.exchange.body import seal_body
from detente.exchange.checkpoint import Checkpoint
from detente.exchange.envelope import ENTRY_TYPE, Envelope, seal_entry
from detente.exchange.evidence import check_evidence, explain_evidence
from detente.exchange.fsck import fsck
from detente.exchange.keys import Annex, SecretKeys
from detente.exchange.log import Log
from detente.exchange.mirror import Mirror, Push, note_acts, put_body
from detente.exchange.note import Note, sign_note
from detente.exchange.policy import parse_policy
from detente.exchange.proof import check_proof, parse_proof
from detente.exchange.store import Store
from detente.exchange.witness import add_checkpoint, format_request

World = tuple[dict[str, SecretKeys], Annex]
NOW = 1_790_000_000


def act(keys: SecretKeys, n: int, **more: object) -> bytes:
    """A signed message entry that differs with `n`."""
    values: dict[str, object] = {
        "type": ENTRY_TYPE,
        "id": f"{n:032x}",
        "act": "message",
        "form": "test",
        "version": 1,
        "party": keys.party,
        "to": ("US",),
        "at": "2026-11-23T12:00:00Z",
    } | more
    return seal_entry(Envelope(**values), keys, ("duty-1", "duty-2"))  # type: ignore[arg-type]


class Side:
    """A log of CN in a store, with its index as the node writes it."""

    def __init__(self, store: Store, keys: SecretKeys) -> None:
        self.store, self.keys = store, keys
        self.log = Log(store, keys.origin)

    def add(self, *entries: bytes, bodies: tuple[bytes, ...] = ()) -> Note:
        import hashlib

        from detente.exchange.envelope import parse_entry

        with self.store.write():
            for body in bodies:
                put_body(self.store, hashlib.sha256(body).hexdigest(), body)
            first, note = self.log.append(entries, self.keys.signers("log"))
            note_acts(self.store, self.log, first, [(parse_entry(e)[0], "") for e in entries], NOW)
        return note

    def push(self, start: int, note: Note, *bodies: bytes) -> Push:
        return Push(str(note), start, tuple(self.log.entries(start, self.log.size)), bodies)


def mirror(store: Store, world: World, party: str = "CN") -> Mirror:
    keys, annex = world
    return Mirror(store, annex, party, keys["RU"].signers("mirror"), now=lambda: NOW)


def annex_bytes(world: World) -> bytes:
    return msgspec.json.encode(world[1])


def test_a_log_grows_by_one_and_by_many_and_proves_both(new_store: Callable[[], Store], world: World) -> None:
    keys, annex = world
    log = Log(new_store(), keys["CN"].origin)
    plain = [bytes([i % 251]) * (i % 7) + i.to_bytes(2) for i in range(700)]
    log.append(plain[:1], keys["CN"].signers("log"))
    log.append(plain[1:300], keys["CN"].signers("log"))
    _, note = log.append(plain[300:], keys["CN"].signers("log"))
    assert (
        note.text == Checkpoint(log.origin, 700, merkle.frontier_of(map(merkle.leaf_hash, plain)).root).text
    )
    for index in (0, 1, 255, 256, 299, 511, 512, 699):
        proof = parse_proof(str(log.prove(index)))
        assert check_proof(proof, plain[index], annex.of("CN").verifiers("log"))[0].size == 700
    roots = [merkle.frontier_of(map(merkle.leaf_hash, plain[:n])).root for n in (1, 256, 300, 700)]
    for old, root in zip((1, 256, 300, 700), roots, strict=True):
        assert merkle.consistent(old, 700, root, roots[-1], log.consistency(old, 700))
    for kind, n, width in tiles.tiles_of(700):
        data = log.resource(tiles.tile_path(kind, n, width))
        if kind is None:
            assert tiles.parse_bundle(data) == plain[n * 256 : n * 256 + width]
        else:
            span = 256**kind
            want = [
                merkle.frontier_of(map(merkle.leaf_hash, plain[k * span : (k + 1) * span])).root
                for k in range(n * 256, n * 256 + width)
            ]
            assert data == b"".join(want)
    for path in ("tile/0/003", "tile/0/002.p/189", "tile/2/000.p/1", "tile/entries/002.p/200"):
        with pytest.raises(DetenteError, match="no such tile"):
            log.resource(path)


def test_a_mirror_takes_entries_and_bodies_and_cosigns(new_store: Callable[[], Store], world: World) -> None:
    keys, annex = world
    cn, held = Side(new_store(), keys["CN"]), mirror(new_store(), world)
    stored, body = seal_body(b"secret", {"US": annex.of("US"), "CN": annex.of("CN")})
    note = cn.add(act(keys["CN"], 1, body=body), act(keys["CN"], 2), bodies=(stored,))
    push = cn.push(0, note, stored)
    without = msgspec.structs.replace(push, bodies=())
    assert held.receive(without).status == 424 and held.log.size == 0
    answer = held.receive(push)
    assert answer.status == 200 and held.log.size == 2
    names = {w: str(k) for w, k in zip(("ed", "pq"), annex.of("RU").verifiers("mirror"), strict=True)}
    policy = parse_policy(
        "".join(f"witness {n} {k}\n" for n, k in names.items()) + "group all all ed pq\nquorum all\n"
    )
    from detente.exchange.note import parse_note

    assert policy.met(parse_note(str(note) + answer.body))
    assert held.receive(push).body == "2\n", "a repeated push changes nothing and is told where we stand"
    again = held.receive(cn.push(2, note))
    assert again.status == 200 and held.log.size == 2, "the same head is cosigned again"
    url = held.store.url
    assert fsck(url, annex_bytes(world)).problems == []


def fork_of(side: Side, world: World, new_store: Callable[[], Store], same: int, other: int) -> Side:
    """A second history of the same log: `same` entries shared, then `other` different ones."""
    twin = Side(new_store(), side.keys)
    for entry in [*side.log.entries(0, same), *(act(side.keys, 900 + i) for i in range(other))]:
        twin.add(entry)
    return twin


def test_forks_rollbacks_and_rewrites_leave_evidence(
    new_store: Callable[[], Store], world: World, tmp_path: Path
) -> None:
    keys, annex = world
    cn, held = Side(new_store(), keys["CN"]), mirror(new_store(), world)
    notes = [cn.add(act(keys["CN"], i)) for i in range(6)]
    assert held.receive(cn.push(0, notes[-1])).status == 200
    twin = fork_of(cn, world, new_store, 3, 5)
    for size in (4, 6):  # rollback onto another branch, fork at the same size
        assert held.receive(Push(str(twin.log.cosigned(size)), size, ())).status == 422
    longer = Push(str(twin.log.cosigned(8)), 6, tuple(twin.log.entries(6, 8)))
    assert held.receive(longer).status == 422
    assert held.receive(Push(str(notes[2]), 3, ())).status == 409, "an old head is no crime"
    twin_note = twin.log.cosigned(8)
    assert held.accuse(twin_note) is None, "a larger head proves nothing until its tree is read"
    assert held.accuse(twin_note, twin.log.subtree(8)) is not None
    kept = [bytes(r[0]) for r in held.store.all("SELECT data FROM evidence WHERE kind <> 'suspect'")]
    assert len(kept) == 3
    pinned = [str(k) for k in annex.of("CN").verifiers("log")]
    for data in kept:
        found = check_evidence(data, pinned=pinned)
        assert found.party == "CN" and found.text.startswith("PROVEN")
        path = tmp_path / "evidence.json"
        path.write_bytes(data)
        assert explain_evidence(path) == found
    assert held.log.size == 6 and fsck(held.store.url, annex_bytes(world)).problems == []


def test_evidence_that_proves_nothing_is_refused(new_store: Callable[[], Store], world: World) -> None:
    keys, _ = world
    cn = Side(new_store(), keys["CN"])
    for i in range(9):
        cn.add(act(keys["CN"], i))
    twin = fork_of(cn, world, new_store, 4, 3)
    from detente.exchange.evidence import encode_evidence, make_evidence

    vkeys = [str(s.verifier) for s in keys["CN"].signers("log")]
    for m in range(1, 9):  # honest pairs never make evidence
        assert make_evidence("CN", vkeys, cn.log.cosigned(m), cn.log.cosigned(9), cn.log.subtree(9)) is None
    for m, n in ((5, 9), (6, 9), (7, 9), (7, 7)):
        made = make_evidence("CN", vkeys, twin.log.cosigned(m), cn.log.cosigned(n), cn.log.subtree(n))
        assert made is not None
        data = encode_evidence(made)
        assert check_evidence(data).sizes == (m, n)
        honest = msgspec.structs.replace(
            made, smaller=str(cn.log.cosigned(m)), larger=str(cn.log.cosigned(n))
        )
        forged = msgspec.structs.replace(made, keys=(str(keys["RU"].signers("log")[0].verifier),))
        cut = msgspec.structs.replace(made, proof=made.proof[:-1]) if made.proof else honest
        swapped = (
            msgspec.structs.replace(made, smaller=made.larger, larger=made.smaller) if m != n else honest
        )
        for bad in (honest, forged, cut, swapped):
            with pytest.raises(DetenteError):
                check_evidence(encode_evidence(bad))
        with pytest.raises(DetenteError, match="not the pinned"):
            check_evidence(data, pinned=["x"])
    for junk in (b"", b"{}", b"[1]", b"\xff"):
        with pytest.raises(DetenteError):
            check_evidence(junk)


def test_the_witness_protocol_answers_as_specified(new_store: Callable[[], Store], world: World) -> None:
    keys, annex = world
    cn, store = Side(new_store(), keys["CN"]), new_store()
    notes = [cn.add(act(keys["CN"], i)) for i in range(5)]
    trusted = annex.of("CN").verifiers("log")
    told: list[int] = []

    def ask(old: int, note: Note | str, proof: list[bytes]) -> tuple[int, str]:
        answer = add_checkpoint(
            store,
            format_request(old, proof, note).encode(),
            lambda origin: trusted if origin == keys["CN"].origin else (),
            keys["RU"].signers("witness"),
            now=lambda: NOW,
            suspect=lambda head, note: told.append(head.size),
        )
        return answer.status, answer.body

    status, lines = ask(0, notes[1], [])
    assert status == 200
    from detente.exchange.note import parse_note, verified

    assert len(verified(parse_note(str(notes[1]) + lines), annex.of("RU").verifiers("witness"))) == 2
    assert ask(0, notes[3], []) == (409, "2\n")
    assert ask(2, notes[3], cn.log.consistency(2, 4))[0] == 200
    assert ask(4, notes[3], [])[0] == 200, "the same head again"
    assert ask(4, notes[4], [])[0] == 422 and ask(2, notes[1], []) == (409, "4\n")
    twin = fork_of(cn, world, new_store, 2, 3)
    assert ask(4, twin.log.cosigned(4), []) == (409, "4\n")
    assert ask(4, twin.log.cosigned(5), twin.log.consistency(4, 5))[0] == 422
    assert told == [5, 2, 4, 5]
    alien = sign_note(Checkpoint(keys["CN"].origin, 5, bytes(32)).text, keys["US"].signers("log"))
    assert ask(4, alien, [])[0] == 403
    wrong = sign_note(Checkpoint("other", 5, bytes(32)).text, keys["CN"].signers("log"))
    assert ask(4, wrong, [])[0] == 404
    assert ask(5, notes[3], [])[0] == 400 and ask(0, notes[4], [bytes(32)])[0] == 400
    for junk in (
        b"",
        b"old 0\n",
        b"old 00\n\n" + str(notes[0]).encode(),
        b"\xff",
        b"old 0\nAAAA\n\n" + str(notes[0]).encode(),
    ):
        assert add_checkpoint(store, junk, lambda o: trusted, ()).status == 400


def test_a_mirror_never_steps_behind_what_its_witness_cosigned(
    new_store: Callable[[], Store], world: World
) -> None:
    keys, _ = world
    cn, held = Side(new_store(), keys["CN"]), mirror(new_store(), world)
    for i in range(6):
        cn.add(act(keys["CN"], i))
    twin = fork_of(cn, world, new_store, 2, 6)
    assert held.receive(Push(str(cn.log.cosigned(2)), 0, tuple(cn.log.entries(0, 2)))).status == 200
    data = format_request(2, cn.log.consistency(2, 4), cn.log.cosigned(4)).encode()
    assert (
        add_checkpoint(held.store, data, lambda o: held.log_keys(), keys["RU"].signers("witness")).status
        == 200
    )
    assert held.receive(Push(str(cn.log.cosigned(3)), 2, tuple(cn.log.entries(2, 3)))).status == 409
    assert held.receive(Push(str(twin.log.cosigned(8)), 2, tuple(twin.log.entries(2, 8)))).status == 422
    assert held.log.size == 2
    assert held.receive(Push(str(cn.log.cosigned(6)), 2, tuple(cn.log.entries(2, 6)))).status == 200


def test_broken_entries_are_kept_and_noted_not_lost(new_store: Callable[[], Store], world: World) -> None:
    keys, _ = world
    cn, held = Side(new_store(), keys["CN"]), mirror(new_store(), world)
    good, alien = act(keys["CN"], 1), act(keys["RU"], 2)
    bent = good.replace(b"US", b"RU", 1)
    unsigned = b"{}\n\n" + good.rpartition(b"\n\n")[2]
    _, note = cn.log.append(
        [good, alien, bent, unsigned, b"junk", act(keys["CN"], 1, to=("RU",))], keys["CN"].signers("log")
    )
    assert held.receive(cn.push(0, note)).status == 200
    faults = [r[0] for r in held.store.all("SELECT fault FROM act ORDER BY at")]
    assert faults[0] == "" and all(faults[1:])
    for fault, part in zip(
        faults[1:],
        ("act of RU", "signature of", "malformed envelope", "no signature block", "repetition"),
        strict=True,
    ):
        assert part in fault


def test_a_key_change_moves_both_signatures_and_checkpoints(
    new_store: Callable[[], Store], world: World
) -> None:
    keys, annex = world
    old = keys["CN"]
    fresh = msgspec.structs.replace(old, seeds={r: [secrets.token_bytes(32)] for r in old.seeds})
    cn, held = Side(new_store(), old), mirror(new_store(), world)
    change = msgspec.json.encode(fresh.public()).decode()
    first = cn.add(act(old, 1), act(old, 2, act="key", form="key", text=change))
    assert held.receive(cn.push(0, first)).status == 200
    with pytest.raises(DetenteError, match="bears no signature"):
        cn.log.append([act(fresh, 3)], fresh.signers("log"))
    _, note = cn.log.append([act(fresh, 3)], fresh.signers("log"), trusted=annex.of("CN").verifiers("log"))
    assert held.receive(cn.push(2, note)).status == 200
    assert [r[0] for r in held.store.all("SELECT fault FROM act ORDER BY at")] == ["", "", ""]
    _, stale = cn.log.append([act(old, 4)], old.signers("log"), trusted=fresh.public().verifiers("log"))
    assert held.receive(cn.push(3, stale)).status == 403, "the retired key signs no more"
    assert fsck(held.store.url, annex_bytes(world)).problems == []


DAMAGE = {
    "leaf": ("entry", "leaf", "at", 3),
    "entry": ("entry", "data", "at", 3),
    "frontier": ("head", "frontier", "log", None),
    "body": ("body", "data", "sha256", None),
    "tile": ("tile", "hash", "i", None),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_flipped_bit_is_named_by_fsck(what: str, new_store: Callable[[], Store], world: World) -> None:
    keys, annex = world
    cn = Side(new_store(), keys["CN"])
    stored, body = seal_body(b"x", {"US": annex.of("US")})
    one = act(keys["CN"], 1, body=body)
    cn.add(
        one, *[act(keys["CN"], 2)] * 259, bodies=(stored,)
    )  # content is not the tree's concern: one act, often
    copy = Side(new_store(), keys["CN"])
    copy.add(*cn.log.entries(0, 260), bodies=(stored,))
    table, column, key, offset = DAMAGE[what]
    row = cn.store.one(f"SELECT {key}, {column} FROM {table} ORDER BY {key} LIMIT 1 OFFSET ?", (offset or 0,))
    assert row is not None
    bent = bytearray(bytes(row[1]))
    bent[len(bent) // 2] ^= 4
    cn.store.run(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (bytes(bent), row[0]))
    report = fsck(cn.store.url, annex_bytes(world), signatures=False, against=copy.store.url)
    assert report.problems, what
    expected = {
        "leaf": "entry 3",
        "entry": f"entry 3 byte {len(bent) // 2}",
        "body": "body",
        "tile": "tile 1 hash 0",
        "frontier": "frontier",
    }
    assert expected[what] in " ".join(report.problems)
    if what in ("frontier", "tile"):
        with pytest.raises(DetenteError, match="nothing was signed"):
            cn.add(act(keys["CN"], 5))


def test_a_log_whose_rightmost_tile_is_damaged_signs_nothing(
    new_store: Callable[[], Store], world: World
) -> None:
    keys, _ = world
    cn = Side(new_store(), keys["CN"])
    cn.add(*[act(keys["CN"], 1)] * 5)
    good = cn.store.one("SELECT note FROM head")
    assert good is not None
    for sql in (
        "UPDATE entry SET leaf = leaf || leaf WHERE at = (SELECT MIN(at) FROM entry)",
        "DELETE FROM entry WHERE at = (SELECT MAX(at) FROM entry)",
        "UPDATE head SET size = size - 1",
        f"UPDATE head SET note = '{str(good[0]).replace(chr(10) + '5' + chr(10), chr(10) + '4' + chr(10))}'",
    ):
        with pytest.raises(DetenteError), cn.store.write():
            cn.store.run(sql)
            cn.log.append([act(keys["CN"], 7)], keys["CN"].signers("log"))
    assert cn.log.append([act(keys["CN"], 7)], keys["CN"].signers("log"))[0] == 5


def test_a_full_disk_loses_nothing_and_says_so(tmp_path: Path, world: World) -> None:
    keys, _ = world
    cn = Side(Store(str(tmp_path / "a.db")), keys["CN"])
    cn.add(act(keys["CN"], 1))
    pages = cn.store.one("PRAGMA page_count")
    assert pages is not None
    cn.store.run(f"PRAGMA max_page_count = {pages[0] + 2}")
    with pytest.raises(DetenteError, match="full"):
        for i in range(2, 20):
            cn.add(act(keys["CN"], i))
    held = cn.log.size
    cn.store.run("PRAGMA max_page_count = 1000000")
    cn.add(act(keys["CN"], 99))
    assert cn.log.size == held + 1 and fsck(cn.store.url, annex_bytes(world)).problems == []


@pytest.mark.parametrize("step", [509])
def test_a_wal_cut_anywhere_opens_to_a_prefix(tmp_path: Path, world: World, step: int) -> None:
    check_cut_wal(tmp_path, world, step)


@pytest.mark.soak
def test_a_wal_cut_at_every_byte_opens_to_a_prefix(tmp_path: Path, world: World) -> None:
    check_cut_wal(tmp_path, world, 1)


def check_cut_wal(tmp_path: Path, world: World, step: int) -> None:
    """Power loss: the write-ahead log is cut after each `step` bytes; what opens is a signed prefix."""
    keys, _ = world
    live = Side(Store(str(tmp_path / "live.db")), keys["CN"])
    live.store.run("PRAGMA wal_autocheckpoint = 0")
    live.store.run("PRAGMA wal_checkpoint(TRUNCATE)")
    for i in range(3):
        live.add(act(keys["CN"], i))
    base, wal = (tmp_path / "live.db").read_bytes(), (tmp_path / "live.db-wal").read_bytes()
    assert len(wal) > 50_000
    seen = set()
    for cut in [*range(0, len(wal), step), len(wal)]:
        (tmp_path / "cut.db").write_bytes(base)
        (tmp_path / "cut.db-wal").write_bytes(wal[:cut])
        (tmp_path / "cut.db-shm").unlink(missing_ok=True)
        store = Store(str(tmp_path / "cut.db"))
        log = Log(store, keys["CN"].origin)
        size = log.size
        seen.add(size)
        if size:
            assert log.trusted_frontier([s.verifier for s in keys["CN"].signers("log")]).size == size
            assert list(log.entries(0, size + 1)) == list(live.log.entries(0, size))
        store.close()
    assert seen == {0, 1, 2, 3}


def test_a_store_that_is_no_database_is_one_clear_error(tmp_path: Path, world: World) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 400)
    with pytest.raises(DetenteError, match=r"the store (refused|cannot be opened)"):
        Store(str(tmp_path / "x.db"))
    assert not fsck(str(tmp_path / "x.db"), annex_bytes(world)).clean
    assert not fsck(str(tmp_path / "none" / "y.db"), annex_bytes(world)).clean
    assert isinstance(sqlite3.sqlite_version, str)
