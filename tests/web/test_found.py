"""Found events through the API: the bulletin's numbers, its sheets as files, its changes at once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from litestar.testing import TestClient

from detente.brief.held import held
from detente.cli._app import run
from detente.monitor.bulletin.tables import write_json
from detente.web.app import create_app
from tests.brief._found import made, shot, write_day

ONE = "/api/v1/found/day/events/19880914T035957"


def test_the_list_has_every_event_and_its_place(client: TestClient) -> None:
    found = client.get("/api/v1/found").json()
    table = found["tables"]["found"]
    assert table["id"] == ["19880914T035957", "quake"] and table["changes"] == [0, 1]
    assert found["data"]["bulletins"][0]["name"] == "day"
    shapes = client.get("/api/v1/found?format=geojson").json()["features"]
    assert shapes[0]["geometry"]["coordinates"] == [78.82, 49.87]
    assert client.get("/api/v1/found?format=csv").text.count("\n") >= 3


def test_without_a_bulletin_the_list_is_empty() -> None:
    with TestClient(create_app(static=None, hosts=("*",))) as bare:
        assert bare.get("/api/v1/found").json()["data"] == {"bulletins": [], "events": []}


def test_an_event_has_picks_magnitudes_evidence_yield_and_how_it_was_made(client: TestClient) -> None:
    found = client.get(ONE).json()
    tables, event = found["tables"], shot()
    assert tables["picks"]["station"] == [u.station for u in event.origin.used]
    assert tables["picks"]["time_residual_s"] == [0.2, 0.2, 0.2]
    assert tables["magnitudes"]["less_network"] == pytest.approx([-0.1, 0.0, 0.1])
    assert tables["evidence"]["log10_ratio"] == [2.5, 0.4]
    coupled = event.yields[0]
    assert tables["yields"]["low_kt"][0] == pytest.approx(coupled.low_kt, rel=0.05)  # two figures
    assert tables["yields"]["high_kt"][0] == pytest.approx(coupled.high_kt, rel=0.05)
    assert dict(zip(tables["made"]["what"], tables["made"]["value"], strict=True))["data"] == "cd" * 32
    kinds = [f["properties"]["kind"] for f in found["geo"]["features"]]
    assert kinds == ["ellipse", "station", "station", "station", "place"]
    assert "Threshold Test Ban Treaty" in found["data"]["reading"]
    assert (
        client.get(ONE, params={"lang": "fr"})
        .json()["said"][found["data"]["reading"]]
        .startswith("14 septembre 1988")
    )


def test_what_crosses_the_date_line_stays_in_one_piece(tmp_path: Path) -> None:
    east = msgspec.structs.replace(shot().origin, lat=52.0, lon=179.9)
    (tmp_path / "b.json").write_bytes(write_json(made(shot(origins=(east,)))))
    with TestClient(create_app(static=None, hosts=("*",), bulletins=held([tmp_path / "b.json"]))) as own:
        shapes = own.get("/api/v1/found/b/events/19880914T035957").json()["geo"]["features"]
    ring = shapes[0]["geometry"]["coordinates"][0]
    assert max(x for x, _ in ring) > 180 and max(x for x, _ in ring) - min(x for x, _ in ring) < 1


@pytest.mark.parametrize(("name", "start"), [("sheet.svg", b"<?xml"), ("sheet.png", b"\x89PNG")])
def test_the_sheet_comes_as_a_file(client: TestClient, name: str, start: bytes) -> None:
    found = client.get(f"{ONE}/{name}")
    assert found.status_code == 200 and found.content.startswith(start) and len(found.content) > 20_000
    assert found.headers["content-type"].startswith("image/")


def test_the_day_comes_as_a_file(client: TestClient) -> None:
    assert client.get("/api/v1/found/day/figures/day.svg").content.startswith(b"<?xml")


def test_an_analysts_change_shows_without_a_restart(tmp_path: Path) -> None:
    known = held([write_day(tmp_path)])
    with TestClient(create_app(static=None, hosts=("*",), bulletins=known)) as own:
        assert own.get("/api/v1/found").json()["tables"]["found"]["changes"] == [0, 1]
        path = Path(known[0].path)
        path.write_bytes(write_json(made(shot(id="anew"))))
        assert own.get("/api/v1/found").json()["tables"]["found"]["id"] == ["anew"]


def test_no_path_of_the_waveforms_is_told(tmp_path: Path) -> None:
    told = made(shot(), waveforms='["/somewhere/private"]', stations="[]")
    (tmp_path / "b.json").write_bytes(write_json(told))
    with TestClient(create_app(static=None, hosts=("*",), bulletins=held([tmp_path / "b.json"]))) as own:
        assert "/somewhere" not in own.get("/api/v1/found/b/events/19880914T035957").text


def test_the_briefing_that_stands_in_for_the_page_shows_the_events(client: TestClient) -> None:
    text = client.get("/brief", params={"as_of": "1990-01-01"}).text
    assert "Event of 1988-09-14" in text and "The sheet of the event of 1988-09-14" in text
    assert "Event of 1988-09-14" not in client.get("/brief", params={"as_of": "1980-01-01"}).text


def test_a_wrong_bulletin_is_one_line_before_anything_listens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["serve", "--bulletin", str(tmp_path / "none.json")], {"serve": ""}) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.strip().splitlines()) == 1 and "none.json" in err
