"""Killed processes, witnesses of another make, and parsers under a fuzzer."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import msgspec
import pytest

from detente.exchange.fsck import fsck
from detente.exchange.keys import ANNEX_TYPE, Annex
from detente.exchange.log import Log
from detente.exchange.merkle import frontier_of, leaf_hash
from detente.exchange.note import ED25519, Signer, parse_note, parse_vkey, verified
from detente.exchange.store import Store
from detente.exchange.witness import format_request

from .conftest import party_keys

WRITER = """
import sys, msgspec
from pathlib import Path
from detente.exchange.keys import SecretKeys
from detente.exchange.log import Log
from detente.exchange.store import Store
keys = msgspec.json.decode(Path(sys.argv[2]).read_bytes(), type=SecretKeys)
log = Log(Store(sys.argv[1]), keys.origin)
n = log.size
while True:
    first, note = log.append([b"entry %d" % (n + k) * 40 for k in range(1 + n % 3)], keys.signers("log"))
    n = first + 1 + n % 3
    sys.stdout.write(f"{n}\\n"); sys.stdout.flush()
"""


def kill_rounds(tmp_path: Path, rounds: int, seed: int) -> None:
    """Kill -9 a writer at random moments; every entry it acknowledged is there, and the store is sound."""
    draw = random.Random(seed)
    keys = party_keys("CN")
    (tmp_path / "keys").write_bytes(msgspec.json.encode(keys))
    url = str(tmp_path / "log.db")
    acknowledged = 0
    for number in range(rounds):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(tmp_path / "keys")], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(draw.random() * 0.05)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read()
        writer.wait()
        lines = (first + rest).split("\n")[:-1]  # a line without its end was not acknowledged
        acknowledged = max([acknowledged, *map(int, lines)])
        store = Store(url)
        log = Log(store, keys.origin)
        size = log.size
        assert size >= acknowledged
        log.trusted_frontier([s.verifier for s in keys.signers("log")])
        if number % 20 == 0 or number == rounds - 1:
            entries = list(log.entries(0, size))
            assert len(entries) == size and all(e.startswith(b"entry %d" % i) for i, e in enumerate(entries))
            head = log.head()
            assert head and frontier_of(map(leaf_hash, entries)).root == head.checkpoint.root
        store.close()
    assert acknowledged > rounds
    annex = msgspec.json.encode(Annex(ANNEX_TYPE, "test", {"CN": keys.public()}))
    assert fsck(url, annex, signatures=False).problems == []


def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 6, 1)


@pytest.mark.soak
def test_a_thousand_kills_lose_nothing_acknowledged(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 1000, 2)


def sigsum_witness() -> str:
    """The witness of the Sigsum project, where it is installed."""
    found = shutil.which("sigsum-witness") or os.environ.get("DETENTE_SIGSUM_WITNESS", "")
    if not found or not Path(found).exists():
        pytest.skip("sigsum-witness is not installed (Debian trixie: apt-get install sigsum-go)")
    return found


class Foreign:
    """A running sigsum-witness that trusts one log key."""

    def __init__(self, folder: Path, log_key: Signer) -> None:
        program = sigsum_witness()
        tool = str(Path(program).with_name("sigsum-key"))
        self.folder = folder
        subprocess.run([tool, "generate", "-o", str(folder / "w")], check=True, capture_output=True)
        public = log_key.verifier.public.hex()
        made = subprocess.run(
            [tool, "from-hex", "-k", "/dev/stdin"], input=public, check=True, capture_output=True, text=True
        )
        (folder / "log.pub").write_text(made.stdout)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.command = [
            program, "-k", str(folder / "w"), "--log-key", str(folder / "log.pub"),
            "--state-file", str(folder / "state"), f"127.0.0.1:{self.port}",
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command, env={**os.environ, "GODEBUG": "httpmuxgo121=0"}, stderr=subprocess.PIPE
        )
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("the witness did not start")

    def ask(self, body: str) -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/add-checkpoint", body.encode())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()


def test_a_witness_of_another_make_cosigns_and_refuses(tmp_path: Path) -> None:
    """sigsum-witness knows logs by the sigsum origin: the key's hash; our log takes that name for it."""
    import hashlib

    seed = bytes(range(32))
    public = Signer("x", ED25519, seed).verifier.public
    origin = f"sigsum.org/v1/tree/{hashlib.sha256(public).hexdigest()}"
    signer = Signer(origin, ED25519, seed)
    foreign = Foreign(tmp_path, signer)
    try:
        log, fork = Log(Store(str(tmp_path / "a.db")), origin), Log(Store(str(tmp_path / "b.db")), origin)
        notes = [log.append([b"%d" % i], [signer])[1] for i in range(40)]
        forked = [fork.append([b"%d" % (i if i < 5 else -i)], [signer])[1] for i in range(40)]
        status, lines = foreign.ask(format_request(0, [], notes[2]))
        assert status == 200, lines
        tool = str(Path(foreign.command[0]).with_name("sigsum-key"))
        told = lines.split(" ")[1]
        vkey = subprocess.run(
            [tool, "to-vkey", "-k", str(tmp_path / "w.pub"), "-n", told, "-t", "cosignature/v1"],
            capture_output=True, text=True,
        )  # fmt: skip
        key = parse_vkey(vkey.stdout.strip()) if vkey.returncode == 0 else foreign_key(tmp_path, told)
        assert verified(parse_note(str(notes[2]) + lines), [key]) == [key]
        for old, new in ((3, 20), (20, 40), (40, 40)):
            status, lines = foreign.ask(format_request(old, log.consistency(old, new), notes[new - 1]))
            assert status == 200 and verified(parse_note(str(notes[new - 1]) + lines), [key]) == [key]
        assert foreign.ask(format_request(3, log.consistency(3, 20), notes[19]))[0] == 409, "rollback"
        assert foreign.ask(format_request(40, [], forked[39]))[0] in (409, 422), "fork"
        longer = fork.append([b"x"], [signer])[1]
        assert foreign.ask(format_request(40, fork.consistency(40, 41), longer))[0] == 422, "rewrite"
        foreign.process.kill()
        foreign.process.wait()
        foreign.start()
        assert foreign.ask(format_request(0, [], notes[5])) == (409, "40\n"), "it remembers after a kill"
    finally:
        foreign.process.kill()


def foreign_key(folder: Path, name: str) -> object:
    """The witness's cosignature key, built from its raw public key."""
    from detente.exchange.note import COSIGN_ED25519, Verifier

    raw = subprocess.run(
        ["sigsum-key", "to-hex", "-k", str(folder / "w.pub")], capture_output=True, text=True, check=True,
        env={**os.environ, "PATH": f"{Path(sigsum_witness()).parent}:{os.environ['PATH']}"},
    )  # fmt: skip
    return Verifier(name, COSIGN_ED25519, bytes.fromhex(raw.stdout.strip()))


@pytest.mark.soak
def test_atheris_finds_no_other_failure_in_any_parser(tmp_path: Path) -> None:
    """Coverage-guided fuzzing of every parser that meets another party's bytes."""
    code = """
import sys, atheris
with atheris.instrument_imports():
    from detente.exchange import note, checkpoint, proof, policy, witness, tiles, envelope, body
    from detente.exchange import evidence, aggregate, keys, contradiction, expiry, fsck_lines
from detente.errors import DetenteError
PARSERS = [note.parse_note, checkpoint.parse_checkpoint, proof.parse_proof, policy.parse_policy,
           witness.parse_request, tiles.parse_bundle, envelope.parse_entry, body.recipients_of,
           evidence.check_evidence, aggregate.check_published, keys.parse_annex,
           contradiction.check_contradiction, lambda data: expiry.read_heads([data], "x", [])]
def one(data):
    if data:
        try:
            PARSERS[data[0] % len(PARSERS)](data[1:])
        except DetenteError:
            pass
atheris.Setup([sys.argv[0], "-max_total_time=120", "-rss_limit_mb=1024"], one)
atheris.Fuzz()
"""
    pytest.importorskip("atheris")
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=400,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
