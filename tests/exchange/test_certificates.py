"""TLS certificates that rotate through the log: announced, good side by side, then only the new one."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from detente.errors import DetenteError
from detente.exchange import rotation
from detente.exchange.certificates import new_certificate
from detente.exchange.fsck import fsck
from detente.exchange.keys import Annex
from detente.exchange.node import Config, Node, init_node
from detente.exchange.peer import Peers
from detente.exchange.pins import Pins, fingerprint, shown
from detente.exchange.transport import HttpsTransport, context_for

from .conftest import Net, party_keys
from .test_https import detente, free_port, served

OFFICERS = ("duty-1", "duty-2")
DAY = 86_400.0


class Clock:
    now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pair(tmp_path: Path, clock: Clock) -> Iterator[tuple[Node, Node]]:
    keys = {p: party_keys(p) for p in ("CN", "RU")}
    ports = {p: free_port() for p in keys}
    public = {p: k.public(f"https://127.0.0.1:{ports[p]}") for p, k in keys.items()}
    annex = Annex("detente/annex/v1", "test", public)
    nodes = [
        init_node(tmp_path / p, k, annex, Config(p, port=ports[p]), clock=clock) for p, k in keys.items()
    ]
    yield nodes[0], nodes[1]
    for node in nodes:
        node.close()


def seen_at(port: int, trusted: str, own: tuple[str, str]) -> str:
    """The fingerprint of the certificate that a server shows to a client whose own is `own`; empty: it hung up."""
    context = context_for((trusted,), own)
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        try:
            with context.wrap_socket(raw) as line:
                line.sendall(b"GET /log/CN/checkpoint HTTP/1.1\r\nHost: x\r\n\r\n")
                if not line.recv(20):
                    return ""
                der = line.getpeercert(binary_form=True)
        except OSError:
            return ""
    return fingerprint(ssl.DER_cert_to_PEM_cert(der or b""))


def wait_for(port: int, own: tuple[str, str], mark: str) -> None:
    limit = time.monotonic() + 15
    while seen_at(port, own[1], own) != mark:
        assert time.monotonic() < limit, "the server did not go over to its certificate"
        time.sleep(0.2)


def test_a_certificate_rotates_while_both_nodes_serve(pair: tuple[Node, Node], clock: Clock) -> None:
    cn, ru = pair
    old, ours = (cn.keys.tls_key, cn.keys.tls_cert), (ru.keys.tls_key, ru.keys.tls_cert)
    with served(cn), served(ru):
        to_ru, to_cn = HttpsTransport(cn), HttpsTransport(ru)
        cn.publish("message", "m", ["RU"], {"i": 1})
        assert Peers(cn, to_ru).push("RU")
        act = rotation.renew_certificate(cn, OFFICERS, 14)
        new = (cn.keys.tls_key, cn.keys.tls_cert)
        assert new != old and act.envelope.act == "key" and len(act.signers) == 3
        assert shown(cn) == old, "who has not read the announcement could not accept another"
        assert Peers(cn, to_ru).push("RU")
        assert shown(cn) == new
        wait_for(cn.config.port, ours, fingerprint(new[1]))
        assert Peers(ru, to_cn).pull("CN") == 0 and Peers(ru, to_cn).silent_since("CN") is None
        cn.publish("message", "m", ["RU"], {"i": 2})
        assert Peers(cn, to_ru).push("RU"), "over the new certificate"
        for own in (old, new):  # within the overlap either speaks for CN
            assert seen_at(ru.config.port, ru.keys.tls_cert, own) == fingerprint(ru.keys.tls_cert)
        clock.now += 14 * DAY + 1
        assert Pins(ru).view().pems["CN"] == (new[1],)
        assert seen_at(ru.config.port, ru.keys.tls_cert, old) == "", "no byte of HTTP"
        assert seen_at(ru.config.port, ru.keys.tls_cert, new) == fingerprint(ru.keys.tls_cert)
        cn.publish("message", "m", ["RU"], {"i": 3})
        assert Peers(cn, to_ru).push("RU") and Peers(ru, to_cn).silent_since("CN") is None
        to_ru.close()
        to_cn.close()
    assert [ru.body(a) for a in ru.acts(act="message")] == [{"i": i} for i in (1, 2, 3)]
    assert fsck(ru.store.url, msgspec.json.encode(ru.annex)).problems == []


def test_a_certificate_that_no_log_names_is_refused_both_ways(pair: tuple[Node, Node]) -> None:
    cn, ru = pair
    cn.publish("message", "m", ["RU"], {"i": 1})
    key, cert = new_certificate()
    false = msgspec.structs.replace(cn.keys, tls_key=key, tls_cert=cert)
    with served(ru):
        cn._use(false)  # shows a certificate that it has not logged
        assert Peers(cn, HttpsTransport(cn)).push("RU") is False
        assert Peers(cn, HttpsTransport(cn)).silent_since("RU") is not None
        assert ru.log_of("CN").size == 0
    with served(cn):
        assert Peers(ru, HttpsTransport(ru)).pull("CN") == 0
        assert Peers(ru, HttpsTransport(ru)).silent_since("CN") is not None


def test_an_open_line_ends_with_its_certificate(pair: tuple[Node, Node], clock: Clock) -> None:
    cn, ru = pair
    old = (cn.keys.tls_key, cn.keys.tls_cert)
    ru.publish("message", "m", ["CN"], {"i": 1})
    with served(ru):
        rotation.renew_certificate(cn, OFFICERS, 1)
        assert Peers(cn, HttpsTransport(cn)).push("RU")
        with httpx.Client(verify=context_for((ru.keys.tls_cert,), old), trust_env=False) as line:
            url = f"https://127.0.0.1:{ru.config.port}/log/RU/checkpoint"
            assert line.get(url).status_code == 200
            clock.now += DAY + 1
            assert line.get(url).status_code == 403


def test_a_third_party_tells_who_was_away_for_the_whole_overlap(net: Net) -> None:
    """US hears of CN's next certificate from RU's mirror: no line to CN is needed for it."""
    cn, us = net.nodes["CN"], net.nodes["US"]
    net.wire.down.add("US")
    rotation.renew_certificate(cn, OFFICERS, 3)
    net.sync()
    assert shown(cn)[1] == net.annex.of("CN").tls, "US has not read it yet"
    net.now += 4 * DAY
    assert shown(cn)[1] == cn.keys.tls_cert
    net.wire.down.clear()
    net.wire.down.add("CN")
    assert net.peers["US"].pull("CN", "RU") == 1
    assert Pins(us).view().pems["CN"] == (cn.keys.tls_cert,)


def test_two_officers_and_one_overlap_at_a_time(net: Net) -> None:
    cn = net.nodes["CN"]
    with pytest.raises(DetenteError, match="needs two officers"):
        rotation.renew_certificate(cn, ("duty-1",), 14)
    assert cn.keys.tls_cert == net.annex.of("CN").tls
    rotation.renew_certificate(cn, OFFICERS, 14)
    with pytest.raises(DetenteError, match="overlap still runs"):
        rotation.renew_certificate(cn, OFFICERS, 14)
    for days in (0, -1, 1000):
        with pytest.raises(DetenteError, match="an overlap of"):
            rotation.renew_certificate(net.nodes["RU"], OFFICERS, days)
    net.now += 15 * DAY
    rotation.renew_certificate(cn, OFFICERS, 14)
    net.sync(2)
    assert net.nodes["RU"].keys_now("CN").tls == cn.keys.tls_cert
    rotation.rotate(cn, OFFICERS)
    net.sync(2)
    assert net.nodes["RU"].keys_now("CN").tls == cn.keys.tls_cert, "a key change keeps the certificate"


@pytest.mark.parametrize("field", ["tls", "tls_old"])
def test_nobody_takes_another_partys_certificate_for_its_own(net: Net, field: str) -> None:
    """RU logs CN's certificate as its own: were it believed, CN's lines would count as RU's."""
    ru, theirs = net.nodes["RU"], net.annex.of("CN")
    card = msgspec.structs.replace(
        ru.own.keys, **{field: theirs.tls}, tls_old_until="2099-01-01T00:00:00Z" if field == "tls_old" else ""
    )
    text = msgspec.json.encode(card).decode()
    ru.publish("key", "key/certificate", ["CN", "US"], officers=OFFICERS, text=text)
    net.sync(2)
    for party in ("CN", "US"):
        (fault,) = [a.fault for a in net.nodes[party].acts(faults=True)]
        assert ("it is another's" if field == "tls" else "not one that was pinned") in fault
    assert Pins(net.nodes["US"]).party(fingerprint(theirs.tls)) == "CN"


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_card_whose_certificate_is_none_is_refused(pem: str) -> None:
    with pytest.raises(DetenteError, match=r"certificate|PEM"):
        msgspec.structs.replace(party_keys("CN").public(), tls=pem or "-").check()


@pytest.mark.soak
def test_served_processes_go_over_by_themselves(tmp_path: Path) -> None:
    """Two `node serve`, a person at the command line, real clocks: an overlap of 12 seconds."""
    homes = {p: tmp_path / p for p in ("CN", "RU")}
    ports = {p: free_port() for p in homes}
    for p, home in homes.items():
        detente("node", "init", "--party", p, "--home", home, "--port", str(ports[p]))
    for home in homes.values():
        detente("node", "join", *(h / "card.json" for h in homes.values()), "--home", home)
    command = [sys.executable, "-m", "detente", "node", "serve", "--every", "1", "--home"]
    servers = [
        subprocess.Popen([*command, str(h)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for h in homes.values()
    ]
    ru = Node.open(homes["RU"])
    cn = Node.open(homes["CN"])
    old, ours = (cn.keys.tls_key, cn.keys.tls_cert), (ru.keys.tls_key, ru.keys.tls_cert)
    try:
        for server in servers:
            assert server.stdout is not None and "serving" in server.stdout.readline()
        cn.publish("message", "m", ["RU"], {"i": 0})
        detente("node", "key", "certificate", "--overlap", str(12 / DAY), "--home", homes["CN"])
        begun = time.monotonic()
        cn.refresh()
        wait_for(ports["CN"], ours, fingerprint(cn.keys.tls_cert))
        assert seen_at(ports["RU"], ours[1], old), "good in the overlap"
        time.sleep(max(0.0, 14 - (time.monotonic() - begun)))
        assert seen_at(ports["RU"], ours[1], old) == ""
        cn.publish("message", "m", ["RU"], {"i": 1})
        ru.publish("message", "m", ["CN"], {"i": 2})
        limit = time.monotonic() + 20
        while (ru.log_of("CN").size, cn.log_of("RU").size) != (3, 1) and time.monotonic() < limit:
            time.sleep(0.3)
        assert (ru.log_of("CN").size, cn.log_of("RU").size) == (3, 1)
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(20)
        for node in (cn, ru):
            node.close()
