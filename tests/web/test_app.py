"""The server: pages and answers as the commands give them, read-only, one line for a wrong day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from detente.web.app import create_app


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with TestClient(create_app()) as found:
        yield found


def test_the_page_of_a_day(client: TestClient) -> None:
    found = client.get("/", params={"as_of": "2012-01-01"})
    assert found.status_code == 200 and found.headers["content-type"].startswith("text/html")
    assert "2012-01-01" in found.text and "<script" not in found.text


def test_its_files(client: TestClient) -> None:
    data = client.get("/files/brief.json", params={"as_of": "2012-01-01"}).json()
    assert data["as_of"] == "2012-01-01"
    assert client.get("/files/instruments.svg", params={"as_of": "2012-01-01"}).text.startswith("<?xml")
    assert client.get("/files/../pyproject.toml").status_code == 404
    assert client.get("/files/passwd", params={"as_of": "2012-01-01"}).status_code == 404


def test_answers_are_those_of_the_commands(client: TestClient) -> None:
    found = client.get("/api/v1/assess/new-start", params={"as_of": "2022-09-01"}).json()
    russia = next(v for v in found["verdicts"] if v["party"] == "RU" and v["provision"] == "limits/II.1.b")
    assert (russia["outcome"], russia["margin"]["low"]) == ("met", 1)
    listed = {x["id"]: x["status"]["state"] for x in client.get("/api/v1/treaties").json()}
    assert listed["new-start"] == "expired"


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("/", {"as_of": "yesterday"}, 400),
        ("/api/v1/assess/new-start", {"viewpoint": "ZZ"}, 400),
        ("/api/v1/assess/new-strat", {}, 404),
        ("/api/v1/assess/%2Fetc%2Fpasswd", {}, 404),
    ],
)
def test_a_wrong_question_is_refused_in_a_line(
    client: TestClient, path: str, params: dict[str, str], code: int
) -> None:
    found = client.get(path, params=params)
    assert found.status_code == code and "Traceback" not in found.text


def test_nothing_can_be_changed(client: TestClient) -> None:
    for path in ("/", "/api/v1/treaties", "/api/v1/assess/new-start"):
        assert client.post(path).status_code == 405


def test_the_interface_describes_itself(client: TestClient) -> None:
    assert "/api/v1/treaties" in client.get("/schema/openapi.json").json()["paths"]
