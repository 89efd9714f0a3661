"""A small world for the workbench's tests: two nodes with a few acts, and the server over one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient

from detente.brief.held import Held, held
from detente.exchange.keys import ANNEX_TYPE, Annex, new_keys
from detente.exchange.node import Config, init_node
from detente.exchange.peer import Peers
from detente.exchange.service import Bucket, Reply, Service
from detente.web.app import create_app
from tests.brief._found import write_day


@pytest.fixture(scope="session")
def node_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """China's node: it holds five acts of Russia, all witnessed, none acknowledged."""
    folder = tmp_path_factory.mktemp("nodes")
    keys = {p: new_keys(p, f"workbench.test/{p}") for p in ("CN", "RU")}
    annex = Annex(ANNEX_TYPE, "test", {p: k.public() for p, k in keys.items()})
    nodes = {
        p: init_node(folder / p, k, annex, Config(p, instruments=("launch-notification-1988",)))
        for p, k in keys.items()
    }
    services = {p: Service(n, Bucket(1e9, 1e9)) for p, n in nodes.items()}

    def sender(party: str) -> Callable[..., Reply]:
        return lambda to, method, path, data=b"": services[to].answer(party, method, path, data)

    for n in range(5):
        nodes["RU"].publish(
            "notification", "launch-notification-1988/launch_notice", ["CN"], {"n": n}, officers=("duty-1", "duty-2")
        )  # fmt: skip
    for _ in range(2):
        for p, n in nodes.items():
            Peers(n, sender(p)).sync()
    for n in nodes.values():
        n.close()
    return folder / "CN"


@pytest.fixture(scope="session")
def bulletins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Held, ...]:
    """Two found events, their waveforms elsewhere."""
    return held([write_day(tmp_path_factory.mktemp("found"))])


@pytest.fixture(scope="session")
def client(node_home: Path, bulletins: tuple[Held, ...]) -> Iterator[TestClient]:
    """The API without the built page."""
    with TestClient(create_app(static=None, node=node_home, hosts=("*",), bulletins=bulletins)) as found:
        yield found
