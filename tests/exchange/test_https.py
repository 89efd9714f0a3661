"""The HTTP face over real sockets: pinned mutual TLS, the commands, and a schema that a fuzzer can follow."""

from __future__ import annotations

import contextlib
import json
import random
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from detente.exchange.api import make_app, make_server
from detente.exchange.fsck import fsck
from detente.exchange.keys import Annex
from detente.exchange.node import Config, Node, init_node
from detente.exchange.peer import Peers
from detente.exchange.transport import HttpsTransport

from .conftest import Net, party_keys


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def served(node: Node) -> Iterator[None]:
    server = make_server(node)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + 20
    while not server.started and time.monotonic() < limit:
        time.sleep(0.02)
    assert server.started
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Node, Node]]:
    keys = {p: party_keys(p) for p in ("CN", "RU")}
    ports = {p: free_port() for p in keys}
    annex = Annex(
        "detente/annex/v1", "test", {p: k.public(f"https://127.0.0.1:{ports[p]}") for p, k in keys.items()}
    )
    nodes = [init_node(tmp_path / p, k, annex, Config(p, port=ports[p])) for p, k in keys.items()]
    yield nodes[0], nodes[1]
    for node in nodes:
        node.close()


def test_two_nodes_exchange_over_pinned_tls(pair: tuple[Node, Node]) -> None:
    cn, ru = pair
    with served(ru), served(cn):
        sent = cn.publish("message", "m", ["RU"], {"i": 1})
        carrier = HttpsTransport(cn)
        assert Peers(cn, carrier).push("RU") and ru.body(ru.find(sent.label)) == {"i": 1}
        ru.publish("message", "m", ["CN"], {"i": 2})
        assert Peers(cn, carrier).pull("RU") == 1
        assert Peers(cn, carrier).urgent(sent, "RU") is not None
        carrier.close()
    assert Peers(cn, HttpsTransport(cn)).push("RU") is True, "already there: nothing to send"
    cn.publish("message", "m", ["RU"], {"i": 3})
    assert Peers(cn, HttpsTransport(cn)).push("RU") is False
    assert Peers(cn, HttpsTransport(cn)).silent_since("RU") is not None


def test_a_client_without_a_pinned_key_gets_no_byte_of_http(pair: tuple[Node, Node], tmp_path: Path) -> None:
    cn, ru = pair
    ru.publish("message", "m", ["CN"], {"i": 1})
    stranger = party_keys("FR")
    cert = tmp_path / "fr.pem"
    cert.write_text(stranger.tls_key + stranger.tls_cert)
    with served(ru):
        for chain in (None, str(cert)):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if chain:
                context.load_cert_chain(chain)
            with httpx.Client(verify=context, trust_env=False) as client, pytest.raises(httpx.HTTPError):
                client.get(f"https://127.0.0.1:{ru.config.port}/log/RU/checkpoint")
        with httpx.Client(trust_env=False) as client, pytest.raises(httpx.HTTPError):
            client.get(f"http://127.0.0.1:{ru.config.port}/log/RU/checkpoint")
        other = msgspec.structs.replace(ru.annex.of("RU"), tls=stranger.tls_cert)
        cn.mirrors["RU"].first_keys = other  # a server without the pinned certificate is not believed either
        assert Peers(cn, HttpsTransport(cn)).pull("RU") == 0
    assert ru.log.size == 1 and not ru.store.all("SELECT 1 FROM evidence")


def test_the_openapi_document_names_every_resource(net: Net) -> None:
    paths = make_app(net.nodes["CN"]).openapi_schema.to_schema()["paths"]
    assert set(paths) == {
        "/log/{party}/checkpoint", "/log/{party}/dated", "/log/{party}/tile/{resource}", "/body/{digest}",
        "/add-checkpoint", "/push", "/urgent", "/gossip",
    }  # fmt: skip


@pytest.mark.soak
def test_schemathesis_finds_no_failing_answer(net: Net) -> None:
    import schemathesis
    from hypothesis import settings

    app = make_app(net.nodes["CN"])
    mark = {"peer": _fingerprint(net.annex.of("RU").tls)}

    async def as_peer(scope: dict[str, object], receive: object, send: object) -> None:
        scope["state"] = {**(scope.get("state") or {}), **mark}  # type: ignore[dict-item]
        await app(scope, receive, send)

    net.nodes["CN"].publish("message", "m", ["RU"], {"i": 1})
    schema = schemathesis.openapi.from_dict(app.openapi_schema.to_schema())
    schema.app = as_peer
    seen: list[int] = []

    for operation in schema.get_all_operations():
        test = operation.ok()

        @settings(max_examples=60, deadline=None)
        def one(case: schemathesis.Case) -> None:
            seen.append(case.call().status_code)

        from hypothesis import given

        given(case=test.as_strategy())(one)()
    assert seen and max(seen) < 500


def _fingerprint(pem: str) -> str:
    from detente.exchange.transport import fingerprint

    return fingerprint(pem)


def detente(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "detente", *map(str, words)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


def test_a_person_can_run_a_node(tmp_path: Path) -> None:
    homes = {p: tmp_path / p for p in ("CN", "RU")}
    for p, home in homes.items():
        detente(
            "node",
            "init",
            "--party",
            p,
            "--home",
            home,
            "--instrument",
            "exercise",
            "--port",
            str(free_port()),
        )
    cards = [h / "card.json" for h in homes.values()]
    digests = {detente("node", "join", *cards, "--home", h).stdout.splitlines()[0] for h in homes.values()}
    assert len(digests) == 1
    server = subprocess.Popen(
        [sys.executable, "-m", "detente", "node", "serve", "--home", str(homes["RU"])],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None and "serving on https://127.0.0.1" in server.stdout.readline()
        time.sleep(1)
        cn = ("--home", homes["CN"])
        sent = detente(
            "node", "notify", "exercise/exercise_notice", "--to", "RU", "--event", "2099-01-01",
            "--set", "start=2099-01-01", "--second", "duty-2", "--even-so", *cn,
        )  # fmt: skip
        assert "CN:0: received" in sent.stdout or "CN:0: witnessed" in sent.stdout, sent.stdout + sent.stderr
        assert "SILENT" not in detente("node", "message", "contact", "--to", "RU", *cn).stdout
        box = detente("node", "inbox", "--language", "zh", "--home", homes["RU"]).stdout
        assert "请值班军官立即到线" in box and box.count("not yet reviewed by a native speaker") == 2
        detente("node", "ack", "CN:0", "--home", homes["RU"])
        detente("node", "sync", *cn)
        shown = json.loads(detente("node", "show", "CN:0", "--json", *cn).stdout)
        assert shown["trace"]["acknowledged"] and shown["body"] == {"start": "2099-01-01"}
        assert "sound" in detente("node", "fsck", *cn).stdout
        detente("node", "log", "prove", "CN:0", "-o", tmp_path / "p", *cn)
        assert (tmp_path / "p.tlog-proof").read_text().startswith("c2sp.org/tlog-proof@v1\n")
        detente("node", "log", "export", "-o", tmp_path / "static", *cn)
        assert (tmp_path / "static" / "tile" / "entries" / "000.p" / "2").exists()
    finally:
        server.terminate()
        server.wait(20)
    assert (
        "did you mean"
        in detente("node", "notify", "exercise/exercise_notise", "--to", "RU", *cn, code=2).stderr
    )
    assert "no node here" in detente("node", "status", "--home", tmp_path / "none", code=2).stderr
    assert "there is a node here" in detente("node", "init", "--party", "CN", *cn, code=2).stderr
    (homes["CN"] / "keys.json").chmod(0o644)
    assert "chmod 600" in detente("node", "status", *cn, code=2).stderr


class Cutter:
    """A TCP relay on loopback that cuts, stalls or garbles connections as its seed has it."""

    def __init__(self, target: int, seed: int) -> None:
        self.target, self.draw, self.bad = target, random.Random(seed), True
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.server.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        budget = self.draw.randrange(200, 60_000) if self.bad and self.draw.random() < 0.6 else None
        garble = self.bad and self.draw.random() < 0.2
        with (
            contextlib.suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self.target)) as server,
        ):
            passed = 0
            while True:
                for s in select.select([client, server], [], [], 5)[0]:
                    data = s.recv(4096)
                    passed += len(data)
                    if not data or (budget is not None and passed > budget):
                        return
                    if garble and passed > 3000:
                        data = bytes([data[0] ^ 1]) + data[1:]
                    (server if s is client else client).sendall(data)


@pytest.mark.parametrize("seed", [1])
def test_processes_on_a_bad_line_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    """Three served nodes in processes of their own; every byte between them goes through a cutting relay."""
    bad_line(tmp_path, seed, 8)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 8))
def test_processes_on_a_bad_line_at_length(tmp_path: Path, seed: int) -> None:
    bad_line(tmp_path, seed, 40)


def bad_line(folder: Path, seed: int, acts: int) -> None:
    keys = {p: party_keys(p) for p in ("CN", "RU", "US")}
    ports = {p: free_port() for p in keys}
    relays = {p: Cutter(ports[p], seed) for p in keys}
    public = {p: k.public(f"https://127.0.0.1:{relays[p].port}") for p, k in keys.items()}
    annex = Annex("detente/annex/v1", "test", public)
    nodes = {p: init_node(folder / p, k, annex, Config(p, port=ports[p])) for p, k in keys.items()}
    command = [sys.executable, "-m", "detente", "node", "serve", "--every", "1", "--home"]
    servers = [
        subprocess.Popen(
            [*command, str(folder / p)],
            stdout=subprocess.PIPE,
            stderr=(folder / f"{p}.err").open("w"),
            text=True,
        )
        for p in keys
    ]
    try:
        for server in servers:
            assert server.stdout is not None and "serving" in server.stdout.readline()
        for i in range(acts):
            for p, node in nodes.items():
                node.publish("message", "m", [q for q in nodes if q != p], {"i": i})
        time.sleep(4)
        for relay in relays.values():
            relay.bad = False
        limit = time.monotonic() + 60
        while time.monotonic() < limit and not all(
            node.log_of(p).size == acts for node in nodes.values() for p in nodes
        ):
            time.sleep(0.3)
        held = {p: {q: node.log_of(q).size for q in nodes} for p, node in nodes.items()}
        said = {p: (folder / f"{p}.err").read_text() for p in nodes}
        assert all(n == acts for row in held.values() for n in row.values()), (held, said)
        assert all(server.poll() is None for server in servers), said
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(20)
    for node in nodes.values():
        for p in nodes:
            assert [node.body(a) for a in node.acts(party=p)] == [{"i": i} for i in range(acts)]
        assert not node.store.all("SELECT 1 FROM evidence WHERE kind <> 'suspect'")
        assert fsck(node.store.url, msgspec.json.encode(annex)).problems == []
        node.close()
