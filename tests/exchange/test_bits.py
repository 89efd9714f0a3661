"""A flipped bit anywhere in what a node stores or exports is found, and the finding names its place.

`make test` flips a sample; the soak flips every bit.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from detente.disclosure.group import available
from detente.errors import DetenteError
from detente.exchange.fsck import fsck
from detente.exchange.keys import ANNEX_TYPE, Annex
from detente.exchange.node import Node
from detente.exchange.records_file import explain_record
from detente.exchange.store import Store

from .conftest import Net, party_keys
from .test_log import Side, act, fork_of, mirror

OFFICERS = ("duty-1", "duty-2")
ANNEX = Annex(ANNEX_TYPE, "test", {p: party_keys(p).public() for p in ("CN", "RU", "US")})

PLACES: dict[str, tuple[str, str, str, str]] = {  # what: table, column, rows, what fsck must say
    "entry": ("entry", "data", "at = (SELECT MIN(at) FROM entry)", "entry 0 byte {byte}:"),
    "leaf": ("entry", "leaf", "at = (SELECT MIN(at) FROM entry)", "leaf hash of entry 0 byte {byte}:"),
    "sealed body": ("body", "data", "length(data) > 3000", "body {sha256} byte {byte}:"),
    "open body": ("body", "data", "length(data) < 3000", "body {sha256} byte {byte}:"),
    "checkpoint": ("checkpoint", "note", "size = 3", "checkpoint 3 byte {byte}:"),
    "head": ("head", "note", "size > 0", "head byte {byte}:"),
    "frontier": ("head", "frontier", "size > 0", "frontier byte {byte}:"),
    "cosignature": ("cosignature", "line", "length(line) < 1000", "cosignature at 3 byte {byte}:"),
    "ML-DSA cosignature": ("cosignature", "line", "length(line) > 1000", "cosignature at 3 byte {byte}:"),
    "cosigned head": ("witnessed", "note", "size > 0", "cosigned head 3"),
    "cosigned root": ("witnessed", "root", "size > 0", "cosigned head 3 root byte {byte}:"),
}


def small_store(tmp_path: Path) -> tuple[str, str]:
    """A node's store with one sealed and one open body, cosigned by its peer; and a copy of it."""
    net = Net(tmp_path, ("CN", "RU"))
    cn = net.nodes["CN"]
    cn.publish("notification", "test/notice", ["RU"], {"i": 1}, officers=OFFICERS)
    cn.publish("aggregate", "test/aggregate", ["*"], {"i": 2}, officers=OFFICERS)
    cn.publish("ack", "ack", ["RU"])
    assert net.peers["CN"].push("RU")
    net.close()
    there = tmp_path / "copy.db"
    here = tmp_path / "RU" / "node.db"
    for path in (here, there):
        with sqlite3.connect(here if path == here else path) as link:
            if path == there:
                with sqlite3.connect(here) as source:
                    source.backup(link)
            link.execute("PRAGMA journal_mode = DELETE")
    return str(here), str(there)


def flip_each(
    url: str,
    copy: str,
    table: str,
    column: str,
    rows: str,
    step: int,
    first: int = 0,
    signatures: bool = True,
) -> Iterator[tuple[int, str, list[str]]]:
    """Flip one bit after another in one value: (bit, the row's name, what fsck says), and put it back."""
    link = sqlite3.connect(url, isolation_level=None)
    link.execute("PRAGMA synchronous = OFF")
    link.text_factory = bytes
    name = "sha256" if table == "body" else "rowid"
    ((place, value, label, kind),) = link.execute(
        f"SELECT rowid, {column}, {name}, typeof({column}) FROM {table} WHERE {rows} LIMIT 1"
    ).fetchall()
    sql = f"UPDATE {table} SET {column} = CAST(? AS {kind.decode().upper()}) WHERE rowid = ?"
    annex = msgspec.json.encode(Annex(ANNEX_TYPE, "test", {p: ANNEX.parties[p] for p in ("CN", "RU")}))
    for bit in range(first, 8 * len(value), step):
        bent = bytearray(value)
        bent[bit // 8] ^= 1 << bit % 8
        link.execute(sql, (bytes(bent), place))
        report = fsck(url, annex, signatures=signatures, against=copy)
        yield bit, label.decode() if isinstance(label, bytes) else str(label), report.problems
    link.execute(sql, (value, place))
    link.close()
    assert fsck(url, annex, against=copy).problems == []


def check_place(url: str, copy: str, what: str, step: int, first: int = 0) -> int:
    table, column, rows, said = PLACES[what]
    count = 0
    quick = table == "body"  # no signature stands between a body and its digests
    for bit, label, problems in flip_each(url, copy, table, column, rows, step, first, not quick):
        expected = said.format(byte=bit // 8, sha256=label)
        assert problems, f"{what}: bit {bit} went unseen"
        assert any(expected in p for p in problems), (what, bit, problems)
        count += 1
    assert count
    return count


@pytest.mark.parametrize("what", PLACES)
def test_sampled_bits_of_a_store_are_found_and_named(tmp_path: Path, what: str) -> None:
    check_place(*small_store(tmp_path), what, 997, 3)


@pytest.mark.soak
@pytest.mark.parametrize("what", PLACES)
def test_every_bit_of_a_store_is_found_and_named(tmp_path: Path, what: str) -> None:
    print(f"{what}: {check_place(*small_store(tmp_path), what, 1)} bits flipped, all found and named")


def tall_store(tmp_path: Path) -> tuple[str, str]:
    """A log of 257 entries, one tile hash; and a copy."""
    urls = []
    for name in ("tall", "copy"):
        side = Side(Store(str(tmp_path / f"{name}.db")), party_keys("CN"))
        side.add(*[act(party_keys("CN"), 1)] * 257) if name == "tall" else None
        side.store.close()
        urls.append(str(tmp_path / f"{name}.db"))
    for url in urls:
        with sqlite3.connect(url) as link:
            if url == urls[1]:
                with sqlite3.connect(urls[0]) as source:
                    source.backup(link)
            link.execute("PRAGMA journal_mode = DELETE")
    return urls[0], urls[1]


@pytest.mark.parametrize("step", [61, pytest.param(1, marks=pytest.mark.soak)])
def test_bits_of_a_tile_are_found_and_named(tmp_path: Path, step: int) -> None:
    here, copy = tall_store(tmp_path)
    count = 0
    for bit, _, problems in flip_each(here, copy, "tile", "hash", "level = 1", step, signatures=False):
        assert [p for p in problems if f"tile 1 hash 0 byte {bit // 8}:" in p] == problems != []
        count += 1
    print(f"tile: {count} bits flipped, all found and named")


def damage(data: bytes, step: int, first: int) -> Iterator[tuple[int, bytes]]:
    for bit in range(first, 8 * len(data), step):
        bent = bytearray(data)
        bent[bit // 8] ^= 1 << bit % 8
        yield bit, bytes(bent)


def world_files(tmp_path: Path) -> dict[str, bytes]:
    """One file of each kind that a node gives to the world."""
    from detente.exchange import aggregate

    net = Net(tmp_path, ("CN", "RU", "US"))
    net.now = 1_898_600_000.0
    cn, ru = net.nodes["CN"], net.nodes["RU"]
    shared = aggregate.publish(cn, "exercise", {"deployed": 14}, OFFICERS)
    net.sync(2)
    files = {"aggregate": aggregate.export(ru, ru.find(shared.label)), "equivocation": equivocation(tmp_path)}
    if available():
        files["contradiction"] = contradiction(net)
    net.close()
    return files


def equivocation(tmp_path: Path) -> bytes:
    world: Any = ({p: party_keys(p) for p in ANNEX.parties}, ANNEX)

    def new() -> Store:
        return Store(str(tmp_path / f"{len(list(tmp_path.glob('*.db')))}.db"))

    cn = Side(new(), party_keys("CN"))
    held = mirror(new(), world)
    for i in range(5):
        cn.add(act(party_keys("CN"), i))
    assert held.receive(cn.push(0, cn.log.cosigned(5))).status == 200
    twin = fork_of(cn, world, new, 2, 1)
    assert held.accuse(twin.log.cosigned(3)) is not None
    return bytes(held.store.all("SELECT data FROM evidence")[0][0])


def contradiction(net: Net) -> bytes:
    from detente.exchange.commitments import describe, log_root, read_root
    from detente.exchange.contradiction import gather

    from .test_commitments import LAW, escrow, raw

    cn: Node = net.nodes["CN"]
    first = log_root(cn, escrow()[0], LAW, OFFICERS)
    treaty = read_root(cn, first).treaty
    raw(net, f"{LAW}/escrow_root", msgspec.to_builtins(describe(escrow(1, 4)[0], treaty)))
    return gather(net.nodes["RU"])[0]


@pytest.mark.parametrize("step", [1999, pytest.param(1, marks=pytest.mark.soak)])
def test_bits_of_the_files_for_the_world(tmp_path: Path, step: int) -> None:
    """What `detente verify` reads them with refuses each damaged file, or does not know it for a record at all."""
    from detente.exchange.aggregate import check_published
    from detente.exchange.contradiction import check_contradiction
    from detente.exchange.evidence import check_evidence

    readers: dict[str, Callable[[bytes], Any]] = {
        "aggregate": check_published, "equivocation": check_evidence, "contradiction": check_contradiction
    }  # fmt: skip
    for kind, data in world_files(tmp_path).items():
        path = tmp_path / f"{kind}.json"
        path.write_bytes(data)
        assert explain_record(path) and readers[kind](data)
        count = 0
        for bit, bent in damage(data, step, step // 2):
            with pytest.raises(DetenteError):
                readers[kind](bent)
            if count % 97 == 0:
                path.write_bytes(bent)
                assert shown(path) is None, f"{kind}: bit {bit} went unseen"
            count += 1
        print(f"{kind} file: {count} bits flipped, all refused")


def shown(path: Path) -> list[str] | None:
    try:
        return explain_record(path)
    except DetenteError:
        return None


@pytest.mark.parametrize("step", [4001, pytest.param(1, marks=pytest.mark.soak)])
def test_bits_of_a_logged_proof(tmp_path: Path, step: int) -> None:
    """The three files of `node log prove`: proof, entry, policy. A key's case or a comment is all that may differ."""
    from detente.exchange.records import policy_text

    net = Net(tmp_path, ("CN", "RU"))
    cn = net.nodes["CN"]
    cn.publish("message", "m", ["RU"], {"i": 1})
    cn.publish("message", "m", ["RU"], {"i": 2})
    assert net.peers["CN"].push("RU")
    files = {
        "p.tlog-proof": str(cn.log.prove(0)).encode(), "p.entry": cn.log.entry(0),
        "p.policy": policy_text(cn.annex, "CN").split("\n", 1)[1].encode(),
    }  # fmt: skip
    net.close()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    whole = explain_record(tmp_path / "p.tlog-proof")
    assert whole
    for name, data in files.items():
        count = 0
        for bit, bent in damage(data, step, step // 2):
            (tmp_path / name).write_bytes(bent)
            told = shown(tmp_path / "p.tlog-proof")
            if told is not None:
                before, after = data[bit // 8 : bit // 8 + 1], bent[bit // 8 : bit // 8 + 1]
                assert name == "p.policy" and told[0].split(" by ")[0] == whole[0].split(" by ")[0], (
                    name,
                    bit,
                )
                assert before.lower() == after.lower() or before in b"RU\n" or after in b"\t ", (
                    bit,
                    before,
                    after,
                )
            count += 1
        (tmp_path / name).write_bytes(data)
        print(f"{name}: {count} bits flipped")


@pytest.mark.parametrize("what", ["entry", "frontier", "leaf"])
def test_a_store_with_a_flipped_bit_signs_no_more_or_is_caught_at_the_start(
    what: str, new_store: Callable[[], Store]
) -> None:
    """On both databases: the next append checks head, frontier and tiles; `serve` checks every entry first."""
    keys = party_keys("CN")
    cn = Side(new_store(), keys)
    cn.add(act(keys, 1), act(keys, 2))
    table, column = {"entry": ("entry", "data"), "leaf": ("entry", "leaf"), "frontier": ("head", "frontier")}[
        what
    ]
    row = cn.store.one(f"SELECT {column} FROM {table}")
    assert row is not None
    bent = bytearray(bytes(row[0]))
    bent[-1] ^= 128
    cn.store.run(f"UPDATE {table} SET {column} = ? WHERE {column} = ?", (bytes(bent), bytes(row[0])))
    report = fsck(cn.store.url, msgspec.json.encode(ANNEX), signatures=False)
    assert not report.clean
    if what != "entry":
        with pytest.raises(DetenteError, match="nothing was signed"):
            cn.add(act(keys, 3))
