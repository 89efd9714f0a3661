"""Stores on both databases, and small worlds of parties."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from detente.exchange.keys import ANNEX_TYPE, Annex, SecretKeys, new_keys
from detente.exchange.node import Config, Node, init_node
from detente.exchange.peer import Peers
from detente.exchange.service import Bucket, Reply, Service
from detente.exchange.store import Store

BINARIES = [Path(p) for p in ("/usr/local/bin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin"))))]


@cache
def party_keys(party: str) -> SecretKeys:
    """Keys made once a run: they cost milliseconds and nothing here depends on their values."""
    return new_keys(party, f"records.test/{party}")


@pytest.fixture
def world() -> tuple[dict[str, SecretKeys], Annex]:
    """Three parties with keys, and their annex."""
    keys = {p: party_keys(p) for p in ("CN", "RU", "US")}
    return keys, Annex(ANNEX_TYPE, "test", {p: k.public() for p, k in keys.items()})


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL server of our own on loopback, for this run only."""
    bins = next((b for b in BINARIES if (b / "initdb").exists() and (b / "pg_ctl").exists()), None)
    if bins is None:
        pytest.skip("no PostgreSQL server on this machine")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = Path(tempfile.mkdtemp(prefix="detente-pg-"))
    lead = []
    if os.getuid() == 0:  # the server refuses to run as root
        try:
            user = pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("no user to run a PostgreSQL server as")
        os.chown(home, user.pw_uid, user.pw_gid)
        lead = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]

    def run(*words: str) -> None:
        subprocess.run([*lead, *words], check=True, capture_output=True, cwd=home, timeout=120)

    run(
        str(bins / "initdb"),
        "-D",
        str(home / "db"),
        "-A",
        "trust",
        "-U",
        "detente",
        "--no-locale",
        "-E",
        "UTF8",
    )
    # the crashes tested are of nodes, not of the server: it need not wait for the disk
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=off"
    run(str(bins / "pg_ctl"), "-D", str(home / "db"), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        yield f"postgresql://detente@127.0.0.1:{port}/postgres"
    finally:
        run(str(bins / "pg_ctl"), "-D", str(home / "db"), "-m", "immediate", "stop")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """A maker of places for empty stores, once on each database."""

    def make() -> str:
        if request.param == "sqlite":
            return str(tmp_path / f"{uuid4().hex}.db")
        import psycopg

        base, name = request.getfixturevalue("postgres"), f"d{uuid4().hex}"
        with psycopg.connect(base, autocommit=True) as link:
            link.execute(f'CREATE SCHEMA "{name}"')
        return f"{base}?options=-csearch_path%3D{name}"

    return make


@pytest.fixture
def new_store(new_url: Callable[[], str]) -> Iterator[Callable[[], Store]]:
    """A maker of empty stores, once on each database."""
    made: list[Store] = []

    def make() -> Store:
        made.append(Store(new_url()))
        return made[-1]

    yield make
    for store in made:
        store.close()


class Wire:
    """An in-process network of nodes whose faults a test chooses. `fault(request) -> replies or None`."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.down: set[str] = set()
        self.tamper: Callable[[str, str, bytes], bytes] | None = None
        self.lose_reply = False

    def transport(self, sender: str) -> Callable[..., Reply]:
        def send(party: str, method: str, path: str, data: bytes = b"") -> Reply:
            if party in self.down or sender in self.down or party not in self.services:
                raise ConnectionError("nobody answers")
            if self.tamper:
                data = self.tamper(path, "request", data)
            reply = self.services[party].answer(sender, method, path, data)
            if self.lose_reply:
                self.lose_reply = False
                raise ConnectionError("the reply was lost")
            if self.tamper:
                return Reply(reply.status, self.tamper(path, "reply", reply.data), reply.media)
            return reply

        return send


class Net:
    """Nodes of several parties on one wire, with clocks that a test sets."""

    def __init__(
        self,
        folder: Path,
        parties: tuple[str, ...],
        new_url: Callable[[], str] = lambda: "node.db",
        ends: dict[str, str] | None = None,
    ) -> None:
        self.folder, self.wire, self.now = folder, Wire(), 1_790_000_000.0
        self.skew: dict[str, float] = {}
        keys = {p: msgspec.structs.replace(party_keys(p), not_after=(ends or {}).get(p, "")) for p in parties}
        self.annex = Annex(ANNEX_TYPE, "test", {p: k.public() for p, k in keys.items()})
        self.nodes: dict[str, Node] = {}
        self.peers: dict[str, Peers] = {}
        for p in parties:
            clock = self._clock(p)
            self.nodes[p] = init_node(
                folder / p, keys[p], self.annex, Config(p, store=new_url()), clock=clock
            )
            self.join(p)

    def _clock(self, party: str) -> Callable[[], float]:
        return lambda: self.now + self.skew.get(party, 0.0)

    def join(self, party: str) -> None:
        bucket = Bucket(1e9, 1e9)
        self.wire.services[party] = Service(self.nodes[party], bucket)
        self.peers[party] = Peers(self.nodes[party], self.wire.transport(party))

    def restart(self, party: str) -> None:
        self.nodes[party].close()
        self.nodes[party] = Node.open(self.folder / party, clock=self._clock(party))
        self.join(party)

    def sync(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            for p in self.peers.values():
                p.sync()

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()


@pytest.fixture
def net(tmp_path: Path, new_url: Callable[[], str]) -> Iterator[Net]:
    made = Net(tmp_path, ("CN", "RU", "US"), new_url)
    yield made
    made.close()
