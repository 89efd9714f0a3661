"""The commands for records: what they print, and one line for what is wrong."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.tables import write_json
from detente.monitor.waves.miniseed import write_miniseed
from detente.monitor.waves.trace import Trace
from tests.monitor.bulletin._made import made
from tests.monitor.waves._made import miniseed, noise

pytest.importorskip("pymseed")
pytest.importorskip("obspy")


def detente(line: str) -> tuple[int, str, str]:
    """Exit code, output and errors of a command."""
    from detente import cli
    from detente.cli._app import run

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(shlex.split(line), {name: cli.summary(name) for name in cli.command_names()})
    return code, out.getvalue(), err.getvalue()


def test_read_lists_traces_and_faults(tmp_path: Path) -> None:
    (tmp_path / "a.mseed").write_bytes(miniseed(noise())[:-200])
    (tmp_path / "s.csv").write_text("station,lat,lon\nXYZ,1,2\n")
    code, out, _ = detente(f"monitor read {tmp_path} --stations {tmp_path / 's.csv'}")
    assert code == 0
    assert "IC.MDJ.00.BHZ\t2017-09-03T03:30:00.019" in out
    assert "a.mseed\tcorrupt" in out
    assert "IC.MDJ.00.BHZ\tno site" in out
    assert "IC.MDJ.00.BHZ\tno response" in out
    code, out, _ = detente(f"monitor read {tmp_path} --json")
    found = json.loads(out)
    assert found["traces"][0]["rate_hz"] == 20.0
    assert [f["kind"] for f in found["faults"]] == ["corrupt"]


@pytest.mark.parametrize("kind", ["quakeml", "ims1", "css3", "csv", "parquet", "json", "geojson"])
def test_export_writes_every_format(tmp_path: Path, kind: str) -> None:
    (tmp_path / "b.json").write_bytes(write_json(made()))
    out = tmp_path / ("day" if kind == "css3" else "out")
    code, said, _ = detente(f"monitor export {tmp_path / 'b.json'} --to {kind} --out {out}")
    assert code == 0
    assert all(Path(p).stat().st_size for p in said.split())


def test_export_to_css_takes_stations_and_waves(tmp_path: Path) -> None:
    with Store(tmp_path / "b.sqlite") as store:
        store.put(made())
    (tmp_path / "a.mseed").write_bytes(miniseed(noise()))
    (tmp_path / "s.csv").write_text("station,lat,lon\nMDJ,44.6,129.6\n")
    more = f"--stations {tmp_path}/s.csv --waves {tmp_path}/a.mseed"
    line = f"monitor export {tmp_path}/b.sqlite --to css3 --out {tmp_path}/day {more}"
    assert detente(line)[0] == 0
    names = {p.suffix for p in tmp_path.glob("day.*")}
    assert names >= {".origin", ".site", ".sitechan", ".wfdisc", ".w"}


def test_where_nothing_could_be_read_the_faults_are_told_and_the_exit_is_2(tmp_path: Path) -> None:
    path, places = tmp_path / "bad.mseed", tmp_path / "s.csv"
    path.write_bytes(miniseed(noise())[:400])
    places.write_text("station,lat,lon\nMDJ,44.6,129.6\n")
    for more in ("", "--json"):
        code, out, err = detente(f"monitor read {path} {more}")
        assert (code, err.count("\n")) == (2, 1)
        assert "no waveform" in err
        assert "corrupt" in out
    at = "--at 2017-09-03T03:30:00,41,129"
    for line in (
        f"detect {path}",
        f"process {path} --out {tmp_path}/o",
        f"screen {path} {at}",
        f"magnitude {path} {at}",
    ):
        code, out, err = detente(f"monitor {line} --stations {places}")
        assert (code, out, err.count("\n")) == (2, "", 1), line
        assert "no waveform" in err
        assert "corrupt" in err
    assert not (tmp_path / "o").exists()


def test_waveforms_without_a_place_say_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.mseed").write_bytes(miniseed(noise()))
    code, _, err = detente(f"monitor process {tmp_path}/a.mseed --out {tmp_path}/o")
    assert (code, err.count("\n")) == (2, 1)
    assert "no station's place is known; give --stations" in err


def test_a_channel_in_many_pieces_is_one_line(tmp_path: Path) -> None:
    x = noise(4000).astype(np.float32)
    t0 = 1_504_409_400 * 10**9
    pieces = [
        Trace("XX", "A", "", "BHZ", t0 + i * 10**10, 20.0, x[i * 100 : i * 100 + 100]) for i in range(40)
    ]
    (tmp_path / "a.mseed").write_bytes(write_miniseed(pieces))
    _, out, _ = detente(f"monitor read {tmp_path}")
    assert "XX.A..BHZ\t2017-09-03T03:30:00.000\t200.000\t20\t4000\tcounts\t40\n" in out
    assert out.count("XX.A") == 2  # and one line of gaps
    assert "39 times" in out
    code, out, _ = detente(f"monitor read {tmp_path} --json")
    assert (code, len(json.loads(out)["traces"])) == (0, 40)


def test_detect_says_that_records_have_faults(tmp_path: Path) -> None:
    (tmp_path / "a.mseed").write_bytes(miniseed(noise(6000))[:-100])
    (tmp_path / "s.csv").write_text("station,lat,lon\nMDJ,44.6,129.6\n")
    code, out, err = detente(f"monitor detect {tmp_path}/a.mseed --stations {tmp_path}/s.csv --json")
    assert (code, json.loads(out)) == (0, [])
    assert "1 corrupt" in err


def test_an_empty_file_is_no_store_and_stays_empty(tmp_path: Path) -> None:
    (tmp_path / "zero").touch()
    code, _, err = detente(f"monitor serve {tmp_path}/zero")
    assert (code, err.count("\n")) == (2, 1)
    assert [(p.name, p.stat().st_size) for p in tmp_path.iterdir()] == [("zero", 0)]


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    import socket

    with Store(tmp_path / "b.sqlite") as store:
        store.put(made())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = detente(f"monitor serve {tmp_path}/b.sqlite --port {port}")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "cannot listen" in err


def test_an_archive_run_refuses_before_it_writes(tmp_path: Path) -> None:
    (tmp_path / "sds").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "s.csv").write_text("station,lat,lon\nMDJ,44.6,129.6\n")
    right = {"sds": "sds", "stations": "s.csv", "start": "2017-01-01", "end": "2017-01-02", "out": "o"}
    for wrong, said in (
        ({"sds": "none"}, "no such archive"),
        ({"stations": "none"}, "cannot be read"),
        ({"start": "2017-01-03"}, "the last day is before the first"),
        ({"start": "0001-01-01", "end": "0001-01-02"}, "no such day"),
        ({"out": "file"}, "not a folder"),
    ):
        given = right | wrong
        paths = {k: tmp_path / v if k in ("sds", "stations", "out") else v for k, v in given.items()}
        code, out, err = detente("monitor archive " + " ".join(f"--{k} {v}" for k, v in paths.items()))
        assert (code, out, err.count("\n")) == (2, "", 1), wrong
        assert said in err
        assert not (tmp_path / "o").exists()


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_bytes(write_json(made()))
    (tmp_path / "s.csv").write_text("station,lat,lon\nMDJ,north,129.6\n")
    for more in (f"--stations {tmp_path}/s.csv", f"--waves {tmp_path}/nothing"):
        code, out, err = detente(f"monitor export {tmp_path}/b.json --to css3 --out {tmp_path}/o/day {more}")
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("monitor read nothing", "no such file"),
        ("monitor export nothing --to json --out x", "cannot be read"),
        ("monitor export {b} --to jsn --out x", "did you mean"),
        ("monitor export {b} --to json --out x --waves {b}", "go with --to css3"),
        ("monitor serve nothing", "no such store"),
        ("monitor serve {b}", "not a store"),
        ("monitor replay {b}", "no waveforms"),
        ("monitor process {b} --prior 2 --out x", "less than or equal to 1"),
        ("monitor serve {b} --sds nothing", "not a store"),
        ("monitor watch --seedlink nowhere:x --out {d}", "is no HOST:PORT"),
        ("monitor watch --seedlink h:1 --out {d} --select MDJ", "is no NET_STA"),
        ("monitor watch --seedlink h:1 --out {d} --stations {b}", "not a station file"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "b.json"
    path.write_bytes(write_json(made()))
    code, out, err = detente(line.format(b=path, d=tmp_path / "d"))
    assert code == 2
    assert out == ""
    assert err.count("\n") == 1
    assert said in err
    assert not (tmp_path / "x").exists()


def test_watch_over_a_replay(tmp_path: Path) -> None:
    from detente.monitor.waves.seedlink_server import Replay

    x = noise(3000).astype(np.float32)
    trace = Trace("XX", "AAA", "", "BHZ", 1_504_409_400 * 10**9, 20.0, x)
    (tmp_path / "s.csv").write_text("station,network,lat,lon\nAAA,XX,44.6,129.6\nBBB,XX,44.7,129.6\n")
    assert write_miniseed([trace])
    server = Replay([trace], speed=400.0).start()
    more = f"--stations {tmp_path}/s.csv --out {tmp_path}/o --idle 1 --json"
    line = f"monitor watch --seedlink 127.0.0.1:{server.port} {more}"
    code = detente(line)[0]
    server.stop()
    assert code == 0
    with Store(tmp_path / "o/watch.sqlite") as store:
        assert store.state("done")["AAA"] == pytest.approx(trace.end, abs=1.0)
        assert list(store.events()) == []


def test_replay_serves_until_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from detente.monitor.waves import seedlink_server

    (tmp_path / "a.mseed").write_bytes(miniseed(noise()))
    made_servers: list[seedlink_server.Replay] = []
    serve = seedlink_server.Replay.serve_forever

    def kept(self: seedlink_server.Replay, poll_interval: float = 0.05) -> None:
        made_servers.append(self)
        serve(self, poll_interval)

    monkeypatch.setattr(seedlink_server.Replay, "serve_forever", kept)
    thread = threading.Thread(target=detente, args=(f"monitor replay {tmp_path}/a.mseed --port 0",))
    thread.start()
    until = time.monotonic() + 20.0
    while not made_servers and time.monotonic() < until:
        time.sleep(0.05)
    assert made_servers[0].records[0].station == "IC_MDJ"
    made_servers[0].shutdown()
    thread.join(10.0)
    assert not thread.is_alive()
