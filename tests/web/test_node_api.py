"""The node behind the workbench: shut without its token; an entry comes with all that proves it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from litestar.testing import TestClient

from detente.errors import DetenteError
from detente.exchange.checkpoint import parse_checkpoint
from detente.exchange.merkle import included, leaf_hash
from detente.web.app import create_app
from detente.web.node import TOKEN, token


@pytest.fixture
def key(node_home: Path) -> dict[str, str]:
    return {"authorization": f"Bearer {token(node_home)}"}


PATHS = ("inbox", "due", "log", "log/RU:1")


def test_without_the_token_nothing_opens(client: TestClient, key: dict[str, str]) -> None:
    wrong = (
        {},
        {"authorization": "Bearer no"},
        {"authorization": "Basic " + key["authorization"][7:]},
        {"authorization": ""},
    )
    for headers in wrong:
        for path in PATHS:
            found = client.get(f"/api/v1/node/{path}", headers=headers)
            assert found.status_code == 401 and found.headers["www-authenticate"].startswith("Bearer")
            assert found.json()["status"] == 401
        assert client.post("/api/v1/node/ack/RU:1", headers=headers).status_code == 401
    for path in PATHS:
        assert client.get(f"/api/v1/node/{path}", headers=key).status_code == 200


def test_the_token_is_its_owners_alone(node_home: Path) -> None:
    path = node_home / TOKEN
    assert len(token(node_home)) >= 40 and token(node_home) == token(node_home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(DetenteError, match="chmod 600"):
        token(node_home)
    path.chmod(0o600)


def test_a_server_without_a_node_has_none() -> None:
    with TestClient(create_app(static=None, hosts=("*",))) as plain:
        assert plain.get("/api/v1/node").json() == {"node": False}
        assert plain.get("/api/v1/node/inbox").status_code == 404
        assert plain.post("/api/v1/node/ack/RU:1").status_code in (404, 405)


def test_an_entry_comes_with_its_proof(client: TestClient, key: dict[str, str]) -> None:
    found = client.get("/api/v1/node/log/RU:3", headers=key).json()["data"]
    entry = base64.b64decode(found["entry"])
    checkpoint, _ = parse_checkpoint(found["checkpoint"])
    path = [base64.b64decode(h) for h in found["path"]]
    assert leaf_hash(entry).hex() == found["leaf"]
    assert included(3, checkpoint.size, leaf_hash(entry), checkpoint.root, path)
    assert found["trace"]["missing"] == []
    assert client.get("/api/v1/node/log/RU:99", headers=key).status_code == 400
    assert client.get("/api/v1/node/log", params={"party": "FR"}, headers=key).status_code == 400


def test_an_acknowledgment_is_logged_once(client: TestClient, key: dict[str, str]) -> None:
    def waiting() -> list[str]:
        columns = client.get("/api/v1/node/inbox", headers=key).json()["tables"]["inbox"]
        return list(columns["label"])

    before = waiting()
    first, again = (client.post("/api/v1/node/ack/RU:4", headers=key).json()["data"]["act"] for _ in range(2))
    assert first == again and first["act"] == "ack" and first["party"] == "CN"
    assert set(before) - set(waiting()) == {"RU:4"}
    assert client.post(f"/api/v1/node/ack/{first['label']}", headers=key).status_code == 400, "not one's own"
