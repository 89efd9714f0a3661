"""Three nodes on three hosts of their own: network namespaces joined by a bridge, one of them cut off and back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from detente.exchange.fsck import fsck
from detente.exchange.keys import Annex
from detente.exchange.node import Config, Node, init_node

from .conftest import party_keys

PARTIES = ("CN", "RU", "US")
NET = f"10.77.{os.getpid() % 250}"
PREFIX = f"d{os.getpid() % 100000}"


def ip(*words: str, inside: str = "") -> None:
    where = ["ip", "netns", "exec", f"{PREFIX}{inside}"] if inside else []
    subprocess.run([*where, "ip", *words], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[dict[str, str]]:
    """Party -> address; each in a namespace of its own, joined by a bridge in a fourth."""
    if not shutil.which("ip") or os.geteuid() != 0:
        pytest.skip("network namespaces need root and iproute2")
    names = (*PARTIES, "hub")
    try:
        ip("netns", "add", f"{PREFIX}hub")
    except subprocess.CalledProcessError:
        pytest.skip("network namespaces are not allowed here")
    try:
        ip("link", "add", "br0", "type", "bridge", inside="hub")
        ip("link", "set", "br0", "up", inside="hub")
        for n, party in enumerate(PARTIES, 1):
            ip("netns", "add", f"{PREFIX}{party}")
            ip(
                "link",
                "add",
                f"v{party}",
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                f"{PREFIX}{party}",
                inside="hub",
            )
            ip("link", "set", f"v{party}", "master", "br0", "up", inside="hub")
            ip("addr", "add", f"{NET}.{n}/24", "dev", "eth0", inside=party)
            ip("link", "set", "lo", "up", inside=party)
            ip("link", "set", "eth0", "up", inside=party)
        yield {p: f"{NET}.{n}" for n, p in enumerate(PARTIES, 1)}
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", f"{PREFIX}{name}"], capture_output=True, check=False)


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if what():
            return True
        time.sleep(0.3)
    return what()


def test_a_host_cut_off_and_back_misses_nothing(hosts: dict[str, str], tmp_path: Path) -> None:
    keys = {p: party_keys(p) for p in PARTIES}
    annex = Annex(
        "detente/annex/v1", "test", {p: k.public(f"https://{hosts[p]}:8443") for p, k in keys.items()}
    )
    nodes = {
        p: init_node(tmp_path / p, k, annex, Config(p, host=hosts[p], port=8443)) for p, k in keys.items()
    }
    serve = [sys.executable, "-m", "detente", "node", "serve", "--every", "1", "--home"]
    servers = [
        subprocess.Popen(
            ["ip", "netns", "exec", f"{PREFIX}{p}", *serve, str(tmp_path / p)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for p in PARTIES
    ]  # fmt: skip

    def say(first: int) -> None:
        for p, node in nodes.items():
            for i in range(first, first + 3):
                node.publish("message", "m", [q for q in PARTIES if q != p], {"i": i})

    def held(node: Node, n: int, of: tuple[str, ...] = PARTIES) -> bool:
        return all(node.log_of(p).size >= n for p in of)

    try:
        for server in servers:
            assert server.stdout is not None and "serving" in server.stdout.readline()
        say(0)
        assert wait_for(lambda: all(held(n, 3) for n in nodes.values()), 60)
        ip("link", "set", "vUS", "down", inside="hub")
        say(3)
        assert wait_for(lambda: held(nodes["CN"], 6, ("CN", "RU")) and held(nodes["RU"], 6, ("CN", "RU")), 60)
        assert nodes["CN"].log_of("US").size == nodes["US"].log_of("CN").size == 3
        ip("link", "set", "vUS", "up", inside="hub")
        assert wait_for(lambda: all(held(n, 6) for n in nodes.values()), 90)
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(20)
    for node in nodes.values():
        for p in PARTIES:
            assert [node.body(a) for a in node.acts(party=p)] == [{"i": i} for i in range(6)]
        assert not node.store.all("SELECT 1 FROM evidence WHERE kind <> 'suspect'")
        assert fsck(node.store.url, msgspec.json.encode(annex)).problems == []
        node.close()
