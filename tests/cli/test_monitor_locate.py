"""The commands on arrivals: what they print, and one line for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detente.cli import main
from detente.cli._monitor_locate import app
from tests.monitor.network.scene import arrivals, ring

run = CliRunner()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    import numpy as np

    sites = ring(8, np.random.default_rng(1), 41.3, 129.1)
    seen = arrivals(sites, 41.3, 129.1, 0.0)
    table, places = tmp_path / "arrivals.csv", tmp_path / "places.csv"
    table.write_text(
        "station,time,time_sd,phase\n" + "".join(f"{a.station},{a.time:.3f},0.3,P\n" for a in seen)
    )
    places.write_text("station,lat,lon\n" + "".join(f"{c},{s.lat},{s.lon}\n" for c, s in sites.items()))
    return table, places


def test_locate_tells_the_place(files: tuple[Path, Path]) -> None:
    table, places = files
    done = run.invoke(app, ["locate", str(table), "--stations", str(places), "--depth", "0", "--json"])
    found = json.loads(done.stdout)
    assert found["lat"] == pytest.approx(41.3, abs=0.02) and found["lon"] == pytest.approx(129.1, abs=0.02)
    plain = run.invoke(app, ["locate", str(table), "--stations", str(places)])
    assert "90% ellipse" in plain.stdout and plain.stdout.count("\tP\t") == 8


def test_bad_arrivals_are_one_line(
    files: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("station,time\nS00,soon\n")
    monkeypatch.setattr("sys.argv", ["detente", "monitor", "locate", str(bad), "--stations", str(files[1])])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "soon" in said and "Traceback" not in said


def test_a_station_of_no_place_is_told_and_the_others_make_the_event(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    table, places = files
    whole = json.loads(run.invoke(app, ["associate", str(table), "--stations", str(places), "--json"]).stdout)
    time = table.read_text().splitlines()[1].split(",")[1]
    table.write_text(table.read_text() + f"QQQ,{time},0.3,P\nQQQ,{float(time) + 9},0.3,S\n")
    out = tmp_path / "b.json"
    done = run.invoke(app, ["associate", str(table), "--stations", str(places), "--out", str(out), "--json"])
    assert done.exit_code == 0 and "QQQ: no site: place unknown, 2 arrivals left out" in done.stderr
    assert json.loads(done.stdout) == whole and len(whole) == 1
    assert any(f.startswith("QQQ: no site") for f in json.loads(out.read_text())["faults"])
    table.write_text("station,time\nQQQ,1500000000\n")
    assert run.invoke(app, ["associate", str(table), "--stations", str(places)]).exit_code != 0
