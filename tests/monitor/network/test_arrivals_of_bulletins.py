"""Other people's bulletins as input: an event of IMS 1.0, CSS 3.0 and QuakeML is located anew where it was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.bulletin.formats import write_as
from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Origin
from detente.monitor.network.arrivals_csv import read_arrivals
from detente.monitor.network.locate import locate
from detente.monitor.network.predict import predict
from detente.monitor.waves.trace import Site

PLACES = {"AAA": (60, 20), "BBB": (30, 10), "CCC": (35, 75), "DDD": (62, 70), "EEE": (10, 45)}
SITES = {code: Site(code, float(lat), float(lon)) for code, (lat, lon) in PLACES.items()}


def one(name: str, time: float, lat: float) -> tuple[tuple[Arrival, ...], Event]:
    origin = Origin(id=f"{name}-o", time=time, lat=lat, lon=45.0, time_sd=0.1)
    picks = tuple(
        Arrival(id=f"{name}{p.station}", station=p.station, time=p.time, time_sd=0.2, phase="P")
        for p in predict(origin, SITES, ("P",))
    )
    return picks, Event(id=name, origins=(locate(picks, SITES, origin_id=f"{name}-o"),))


@pytest.fixture(scope="module")
def held() -> Bulletin:
    (p1, e1), (p2, e2) = one("101", 1_600_000_000.0, 42.0), one("202", 1_600_050_000.0, 50.0)
    return Bulletin(start=1_600_000_000.0, end=1_600_060_000.0, arrivals=(*p1, *p2), events=(e1, e2))


@pytest.mark.parametrize("kind", ["ims1", "css3", "quakeml", "json"])
def test_an_event_of_a_foreign_bulletin_is_located_anew(kind: str, held: Bulletin, tmp_path: Path) -> None:
    made = write_as(held, kind, tmp_path)
    file = next((p for p in made if p.suffix == ".origin"), made[0])
    every = read_arrivals(file)
    assert sorted(a.station for a in every) == sorted(a.station for a in held.arrivals)
    from detente.monitor.bulletin.formats import read_any

    for event, want in zip(read_any(file).events, held.events, strict=True):
        own = read_arrivals(Path(f"{file}#{event.id}"))
        assert len(own) == 5 and {a.phase for a in own} == {"P"}
        o = locate(own, SITES)
        assert (o.lat, o.lon) == pytest.approx((want.origin.lat, want.origin.lon), abs=0.05)
    with pytest.raises(DetenteError, match="no event '999'"):
        read_arrivals(Path(f"{file}#999"))


def test_the_command_takes_an_event_of_ims(held: Bulletin, tmp_path: Path) -> None:
    (file,) = write_as(held, "ims1", tmp_path)
    from detente.monitor.bulletin.formats import read_any

    name = read_any(file).events[1].id
    rows = ["station,lat,lon,elevation_m"] + [f"{s.code},{s.lat},{s.lon},0" for s in SITES.values()]
    (tmp_path / "p.csv").write_text("\n".join(rows) + "\n")
    args = ["locate", f"{file}#{name}", "--stations", str(tmp_path / "p.csv"), "--json"]
    done = CliRunner().invoke(app, args)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["lat"] == pytest.approx(50.0, abs=0.1)


def test_a_table_is_told_by_its_head_whatever_its_name(held: Bulletin, tmp_path: Path) -> None:
    table = "# mine\nstation,time,phase\nAAA,1600000000,P\n"
    for name in ("picks", "picks.txt", "my#picks.csv"):
        (tmp_path / name).write_text(table)
        assert [(a.station, a.phase) for a in read_arrivals(tmp_path / name)] == [("AAA", "P")]
    (made,) = write_as(held, "ims1", tmp_path / "reb.txt")
    assert len(read_arrivals(made)) == 10
    (tmp_path / "neither.csv").write_text("lat,lon\n1,2\n")
    for bad in ("missing.csv", "missing.ims#3", "neither.csv"):
        with pytest.raises(DetenteError):
            read_arrivals(tmp_path / bad)
