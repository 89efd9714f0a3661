"""The server: pages and answers as the commands give them, read-only, one line for a wrong question."""

from __future__ import annotations

import csv
import io
import json
import shlex
from pathlib import Path

import polars as pl
import pytest
from litestar.testing import TestClient

from detente.cli import command_names
from detente.cli._app import run
from detente.web.app import create_app
from detente.web.guard import HEADERS
from detente.web.pages import HOW_TO_BUILD

PLACES = [
    "/api/v1/overview?as_of=2022-09-01",
    "/api/v1/treaties?as_of=2022-09-01",
    "/api/v1/treaties/new-start?as_of=2022-09-01",
    "/api/v1/treaties/new-start/why/II.1.b/RU?as_of=2022-09-01",
    "/api/v1/forces?parties=CN,US",
    "/api/v1/forces/CN",
    "/api/v1/projections/CN?draws=500",
    "/api/v1/proposals?draws=200",
    "/api/v1/compose?set=limits/II.1.b/bound=1400&as_of=2022-09-01&draws=200",
    "/api/v1/stations?network=primary",
    "/api/v1/capability?region=35,45,80,95&step=2.5",
    "/api/v1/events",
    "/api/v1/events/lop-nor-2020?draws=2000",
    "/api/v1/found",
    "/api/v1/found/day/events/19880914T035957",
    "/api/v1/claims?as_of=2026-02-06",
    "/api/v1/claims/C001?as_of=2026-06-01",
]


def test_the_briefing_of_a_day_stands_in_for_a_page_that_is_not_built(client: TestClient) -> None:
    found = client.get("/", params={"as_of": "2012-01-01"})
    assert found.status_code == 200 and found.headers["content-type"].startswith("text/html")
    assert "2012-01-01" in found.text and "<script" not in found.text
    assert found.headers["x-detente"] == HOW_TO_BUILD and "make serve" in HOW_TO_BUILD
    assert client.get("/brief", params={"as_of": "2012-01-01"}).text == found.text
    assert '<html lang="ru">' in client.get("/brief", params={"as_of": "1970-01-01", "lang": "ru"}).text
    assert client.get("/brief", params={"lang": "de"}).status_code == 400


def test_its_files(client: TestClient) -> None:
    data = client.get("/files/brief.json", params={"as_of": "2012-01-01"}).json()
    assert data["as_of"] == "2012-01-01"
    assert client.get("/files/instruments.svg", params={"as_of": "2012-01-01"}).text.startswith("<?xml")
    assert client.get("/files/../pyproject.toml").status_code == 404
    assert client.get("/files/passwd", params={"as_of": "2012-01-01"}).status_code == 404


def test_answers_are_those_of_the_commands(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    found = client.get("/api/v1/treaties/new-start", params={"as_of": "2022-09-01"}).json()["data"]
    russia = next(v for v in found["verdicts"] if v["party"] == "RU" and v["provision"] == "limits/II.1.b")
    assert (russia["outcome"], russia["margin"]["low"]) == ("met", 1)
    listed = {x["id"]: x["state"] for x in client.get("/api/v1/treaties").json()["data"]}
    assert listed["new-start"] == "expired"
    assert run(["claims", "--as-of", "2026-02-06", "--json"], dict.fromkeys(command_names(), "")) == 0
    told = {a["claim"]["id"]: a["now"]["word"] for a in json.loads(capsys.readouterr().out)}
    table = client.get("/api/v1/claims", params={"as_of": "2026-02-06"}).json()["tables"]["claims"]
    assert dict(zip(table["id"], table["word"], strict=True)) == told


@pytest.mark.parametrize("place", PLACES)
def test_every_answer_has_data_code_and_how_it_was_found(client: TestClient, place: str) -> None:
    found = client.get(place)
    assert found.status_code == 200, found.text
    answer = found.json()
    assert answer["data"] and answer["code"]["command"].startswith("detente ")
    compile(answer["code"]["python"], place, "exec")
    for columns in answer["tables"].values():
        assert len({len(c) for c in columns.values()}) <= 1, "columns of one table are equally long"
    assert {k: found.headers[k.lower()] for k in HEADERS} == HEADERS


@pytest.mark.parametrize("place", PLACES)
def test_every_command_is_one_that_detente_takes(
    client: TestClient, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = client.get(place).json()
    (tmp_path / "proposal.yaml").write_text(
        answer["data"].get("yaml", "") if isinstance(answer["data"], dict) else ""
    )
    for line in answer["code"]["command"].splitlines():
        assert run(shlex.split(line)[1:], dict.fromkeys(command_names(), "")) == 0, line


@pytest.mark.parametrize("place", [p for p in PLACES if "/claims?" not in p])
def test_the_python_runs(
    client: TestClient,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(client.get(place).json()["code"]["python"], place, "exec"), {"__name__": "snippet"})
    assert capsys.readouterr().out.strip()


def test_a_composed_patch_changes_a_verdict_and_nothing_else(client: TestClient) -> None:
    def outcomes(answer: dict[str, object], when: str) -> dict[tuple[str, str], str]:
        return {(v["party"], v["provision"]): v["outcome"] for v in answer["data"][when]}  # type: ignore[index]

    params = {"set": "limits/II.1.b/bound=1500", "as_of": "2022-09-01", "draws": 200}
    found = client.get("/api/v1/compose", params=params).json()
    before, after = outcomes(found, "before"), outcomes(found, "after")
    turned = {k for k in before if before[k] != after[k]}
    assert turned == {("RU", "limits/II.1.b")}, "Russia declared 1549, the United States 1420"
    again = client.get("/api/v1/compose", params={"yaml": found["data"]["yaml"], **params}).json()
    assert again["data"]["after"] == found["data"]["after"], "its text means the same"


def test_the_bands_of_a_map_are_the_map(client: TestClient) -> None:
    import numpy as np

    from detente.assess import rooms
    from detente.monitor.capability import capability_map

    whole = capability_map(rooms.network(), region=(25.0, 55.0, 60.0, 110.0), step_deg=1.5)
    cells = client.get("/api/v1/capability", params={"region": "25,55,60,110", "step": 1.5}).json()["tables"][
        "cells"
    ]
    assert len(cells["mb"]) == whole.magnitude[2].size
    assert np.allclose(cells["mb"], whole.magnitude[2].ravel(), atol=6e-4)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("/?as_of=yesterday", 400, "not a date"),
        ("/api/v1/treaties/new-start?viewpoint=ZZ", 400, "ZZ"),
        ("/api/v1/treaties/new-strat", 404, "new-strat"),
        ("/api/v1/treaties/%2Fetc%2Fpasswd", 404, ""),
        ("/api/v1/events/%2Fetc%2Fpasswd", 404, ""),
        ("/api/v1/events/passwd.yaml", 400, "no event"),
        ("/api/v1/found/dya/events/quake", 400, "no bulletin 'dya'"),
        ("/api/v1/found/day/events/quaek", 400, "no event 'quaek'"),
        ("/api/v1/found/%2Fetc/events/passwd", 400, "no bulletin"),
        ("/api/v1/found/day/events/quake/sheet.pdf", 400, "no figure"),
        ("/api/v1/found/day/figures/health.svg", 400, "waveforms"),
        ("/api/v1/found/day/figures/day.svg?lang=xx", 400, "xx"),
        ("/api/v1/forces?status=lost", 400, "lost"),
        ("/api/v1/forces?format=xls", 400, "xls"),
        ("/api/v1/forces?format=geojson", 400, "place"),
        ("/api/v1/forces?format=csv&table=x", 400, "no table"),
        ("/api/v1/projections/CN?draws=1", 400, "draws"),
        ("/api/v1/capability?region=1,2,3", 400, "region"),
        ("/api/v1/capability?step=0.01", 400, "cells"),
        ("/api/v1/compose?set=limits/II.1.x/bound=1", 400, "proposal.yaml"),
        ("/api/v1/compose?yaml=%7B", 400, "proposal.yaml:2"),
        ("/api/v1/compose?base=../../etc", 404, ""),
        ("/api/v1/jobs/nosuch", 404, "job"),
    ],
)
def test_a_wrong_question_is_refused_in_a_line(client: TestClient, path: str, code: int, words: str) -> None:
    found = client.get(path)
    assert found.status_code == code and "Traceback" not in found.text
    assert found.headers["content-type"].startswith("application/problem+json")
    said = found.json()
    assert said["status"] == code and words in said["detail"] and "\n" not in said["detail"]
    assert "/tmp" not in found.text, "no path of this machine"


def test_nothing_can_be_changed(client: TestClient) -> None:
    for path, item in client.get("/schema/openapi.json").json()["paths"].items():
        wanted = (
            {"delete", "get"} if path == "/api/v1/jobs/{name}" else {"post"} if "/ack/" in path else {"get"}
        )
        assert set(item) - {"parameters"} == wanted, path
    for path in ("/", "/api/v1/treaties", "/api/v1/treaties/new-start"):
        assert client.post(path).status_code == 405


def test_another_name_reaches_nothing() -> None:
    with TestClient(create_app(static=None)) as plain:
        for host, code in (
            ("127.0.0.1:8765", 200),
            ("localhost", 200),
            ("[::1]:8765", 200),
            ("evil.example:8765", 421),
        ):
            assert plain.get("/api/v1/treaties", headers={"host": host}).status_code == code


def test_files_of_an_answer(client: TestClient) -> None:
    place = "/api/v1/stations?network=primary"
    rows = client.get(place).json()["tables"]["stations"]
    text = client.get(place + "&format=csv")
    assert text.headers["content-disposition"] == 'attachment; filename="stations.csv"'
    assert [r["code"] for r in csv.DictReader(io.StringIO(text.text))] == rows["code"]
    frame = pl.read_parquet(io.BytesIO(client.get(place + "&format=parquet").content))
    assert frame["lat"].to_list() == rows["lat"]
    shapes = client.get(place + "&format=geojson").json()
    assert [f["geometry"]["coordinates"] for f in shapes["features"]] == [
        list(p) for p in zip(rows["lon"], rows["lat"], strict=True) if p[0] is not None
    ]


def test_the_land_is_whole_and_cut_at_the_date_line(client: TestClient) -> None:
    import numpy as np

    from detente.monitor.coast import rings

    def area(ring: np.ndarray) -> float:
        (x, y), (u, v) = ring[:-1].T, ring[1:].T
        return float(abs(np.sum(x * v - u * y)) / 2)

    shapes = client.get("/api/v1/land").json()["features"][0]["geometry"]["coordinates"]
    parts = [np.array(p[0]) for p in shapes]
    assert all(np.abs(p[:, 0]).max() <= 180 and np.array_equal(p[0], p[-1]) for p in parts)
    assert len(parts) > len(rings()), "something crosses the date line"
    assert abs(sum(map(area, parts)) - sum(map(area, rings()))) < 0.5, "square degrees"
    assert max(np.ptp(p[:, 0]) for p in parts if p[:, 1].min() > -60) < 200, (
        "no shape is smeared round the globe"
    )


def test_the_interface_describes_itself_and_asks_no_other_host(client: TestClient) -> None:
    described = client.get("/schema/openapi.json").json()["paths"]
    assert {"/api/v1/treaties", "/api/v1/forces", "/api/v1/capability"} <= set(described)
    assert "http" not in client.get("/schema").text.replace("https://json-schema.org", "")
