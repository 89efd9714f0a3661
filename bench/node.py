"""The records: appends, witnessing, audit and catch-up, each beside its bare cost in the same run."""

from __future__ import annotations

import os
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from bench._report import best, line
from detente.canonical import canonical_json
from detente.exchange.envelope import ENTRY_TYPE, Envelope, parse_entry, seal_entry
from detente.exchange.fsck import fsck
from detente.exchange.keys import ANNEX_TYPE, Annex, SecretKeys, new_keys
from detente.exchange.log import Log
from detente.exchange.mirror import Mirror, Push, note_acts
from detente.exchange.node import Config, Node, init_node
from detente.exchange.note import private_key
from detente.exchange.peer import Peers
from detente.exchange.store import Store
from detente.exchange.transport import HttpsTransport

SIGNED = 25_000  # entries with real signatures: as many as New START notified in its whole life


def envelope(n: int) -> Envelope:
    return Envelope(
        type=ENTRY_TYPE, id=f"{n:032x}", act="message", form="bench", version=1,
        party="CN", to=("RU",), at="2026-11-23T12:00:00Z",
    )  # fmt: skip


def main() -> None:
    line("load average of the machine", os.getloadavg()[0], "")
    keys = {p: new_keys(p, f"bench/{p}") for p in ("CN", "RU", "US")}
    annex = Annex(ANNEX_TYPE, "bench", {p: k.public() for p, k in keys.items()})
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        appends(here, keys["CN"])
        entries = [seal_entry(envelope(n), keys["CN"]) for n in range(SIGNED)]
        bare = bare_checks(entries, annex)
        audit(here, keys["CN"], annex, entries, bare)
        catch_up(here, keys, annex, entries, bare)
        witnessed(here, keys)


def appends(here: Path, keys: SecretKeys) -> None:
    """One durable append with both signatures and a signed head, against the bare loop; and batches."""
    log = Log(Store(str(here / "append.db")), keys.origin)
    signers = keys.signers("log")
    numbers = iter(range(1 << 30))

    def ours() -> None:
        for _ in range(100):
            log.append([seal_entry(envelope(next(numbers)), keys)], signers)

    link = sqlite3.connect(here / "bare.db", isolation_level=None)
    link.execute("PRAGMA journal_mode=WAL")
    link.execute("PRAGMA synchronous=FULL")
    link.execute("CREATE TABLE entry (n INTEGER PRIMARY KEY, data BLOB)")
    secret = [private_key(s.kind, s.secret) for s in keys.signers("entry")]

    def bare() -> None:
        for _ in range(100):
            text = canonical_json(msgspec.to_builtins(envelope(next(numbers))))
            made = b"".join(k.sign(text) for k in secret)
            link.execute("BEGIN IMMEDIATE")
            link.execute("INSERT INTO entry (data) VALUES (?)", (text + made,))
            link.execute("COMMIT")

    a, b = best(ours, repeat=5) / 100, best(bare, repeat=5) / 100
    line("durable append, signed twice, head signed", 1 / a, "1/s")
    line("  rate against bare SQLite insert + both signatures", b / a, "ratio", ">= 0.6", kept=b / a >= 0.6)
    batch = [b"entry %d" % n + bytes(200) for n in range(5120)]
    many = Log(Store(str(here / "batch.db")), keys.origin)

    def batches() -> None:
        for at in range(0, len(batch), 512):
            many.append(batch[at : at + 512], signers)

    rate = len(batch) / best(batches, repeat=3)
    line("batch append (512 a transaction)", rate, "1/s", ">= 20000", kept=rate >= 20_000)


def bare_checks(entries: list[bytes], annex: Annex) -> float:
    """Seconds an entry for its two signature checks alone."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, mldsa

    ed, pq = (k.public for k in annex.of("CN").verifiers("entry"))
    notes = [parse_entry(e)[1] for e in entries[:500]]
    triples = [(n.text.encode(), n.signatures[0].raw, n.signatures[1].raw) for n in notes]
    one = ed25519.Ed25519PublicKey.from_public_bytes(ed)
    two = mldsa.MLDSA87PublicKey.from_public_bytes(pq)

    def check() -> None:
        for text, a, b in triples:
            one.verify(a, text)
            two.verify(b, text)

    return best(check, repeat=3) / len(triples)


def audit(here: Path, keys: SecretKeys, annex: Annex, entries: list[bytes], bare: float) -> None:
    """fsck with signatures on real entries; hashes alone on 250 000 entries of the same size."""
    data = msgspec.json.encode(annex)
    store = Store(str(here / "audit.db"))
    log = Log(store, keys.origin)
    with store.write():
        log.append(entries, keys.signers("log"))
        note_acts(store, log, 0, [(parse_entry(e)[0], "") for e in entries], 0)
    store.close()
    seconds = best(lambda: _sound(str(here / "audit.db"), data, True), repeat=2) / len(entries)
    line("full audit, signatures included, an entry", seconds * 1e6, "us")
    line("  against its bare signature checks", seconds / bare, "ratio", "<= 2.5", kept=seconds / bare <= 2.5)
    text, _, lines = entries[0].rpartition(b"\n\n")
    store = Store(str(here / "large.db"))
    log = Log(store, keys.origin)
    peak = {}
    for size in (25_000, 250_000):
        for at in range(log.size, size, 5000):  # the envelopes differ, the signature bytes are one entry's
            log.append(
                [text.replace(b"0" * 32, b"%032x" % n, 1) + b"\n\n" + lines for n in range(at, at + 5000)],
                keys.signers("log"),
            )
        store.run("PRAGMA wal_checkpoint(TRUNCATE)")
        took = best(lambda: _sound(str(here / "large.db"), data, False), repeat=2)
        peak[size] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    store.close()
    line("audit of 250000 entries, hashes, tree, heads", took, "s", "<= 5", kept=took <= 5)
    line(
        "  memory of this process after it, against after 25000",
        peak[250_000] / peak[25_000],
        "ratio",
        "flat",
    )
    (here / "large.db").unlink()


def _sound(url: str, annex: bytes, signatures: bool) -> None:
    report = fsck(url, annex, signatures=signatures)
    assert report.clean, report.problems[:3]


def catch_up(
    here: Path, keys: dict[str, SecretKeys], annex: Annex, entries: list[bytes], bare: float
) -> None:
    """A new mirror takes in the whole log in pushes of 512 and verifies all of it."""
    log = Log(Store(str(here / "source.db")), keys["CN"].origin)
    ends = [*range(512, len(entries), 512), len(entries)]
    pushes, start = [], 0
    for end in ends:
        _, note = log.append(entries[start:end], keys["CN"].signers("log"))
        pushes.append(Push(str(note), start, tuple(entries[start:end])))
        start = end
    mirror = Mirror(Store(str(here / "mirror.db")), annex, "CN", keys["RU"].signers("mirror"))
    begin = time.perf_counter()
    for push in pushes:
        assert mirror.receive(push).status == 200
    seconds = (time.perf_counter() - begin) / len(entries)
    line("mirror catch-up, fully verified, an entry", seconds * 1e6, "us")
    line("  against its bare signature checks", seconds / bare, "ratio", "<= 3", kept=seconds / bare <= 3)


def witnessed(here: Path, keys: dict[str, SecretKeys]) -> None:
    """Durable appends witnessed by two nodes over mutual TLS on loopback, each in a process of its own."""
    ports = {}
    for p in keys:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports[p] = probe.getsockname()[1]
    public = {p: k.public(f"https://127.0.0.1:{ports[p]}") for p, k in keys.items()}
    annex = Annex(ANNEX_TYPE, "bench", public)
    nodes = {p: init_node(here / p, k, annex, Config(p, port=ports[p])) for p, k in keys.items()}
    node = nodes["CN"]
    servers = [_serve(here / p) for p in ("RU", "US")]
    carrier = HttpsTransport(node)
    try:
        peers = Peers(node, carrier)
        node.publish("message", "bench", ["RU"])
        assert peers.push("RU") and peers.push("US")
        begin, n = time.perf_counter(), 60
        for _ in range(n):
            node.publish("message", "bench", ["RU"])
            assert peers.push("RU") and peers.push("US")
        rate = n / (time.perf_counter() - begin)
        line("durable append, then two witnesses, one after another", rate, "1/s")
        _grouped(node, carrier)
    finally:
        for server in servers:
            server.terminate()
            server.wait(20)


def _serve(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "detente", "node", "serve", "--home", str(home), "--every", "3600"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None and "serving" in server.stdout.readline()
    time.sleep(1.5)
    return server


def _grouped(node: Node, carrier: HttpsTransport) -> None:
    """Appends go on while a pusher a witness sends whatever has come: each entry is durable and witnessed."""
    n = 300

    def burst() -> None:
        done = threading.Event()

        def pusher(party: str) -> None:
            peers = Peers(node, carrier)
            while not (done.is_set() and peers._acknowledged(party) >= node.log.size):
                peers.push(party)

        threads = [threading.Thread(target=pusher, args=(p,), daemon=True) for p in ("RU", "US")]
        for t in threads:
            t.start()
        for _ in range(n):
            node.publish("message", "bench", ["RU"])
        done.set()
        for t in threads:
            t.join(60)

    rate = n / best(burst, repeat=3)
    line("durable append with two witnesses, pushes grouped", rate, "1/s", ">= 150", kept=rate >= 150)


if __name__ == "__main__":
    main()
