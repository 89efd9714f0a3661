"""The commands of station processing on a made-up array, and their answers to bad input."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.signals.synthetic import EPOCH, Planted, make_day

RUN = CliRunner()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A quarter of an hour of miniSEED with one P and its weaker repeat, and the table of the places."""
    from obspy import Stream, Trace, UTCDateTime

    events = [
        Planted(event=k, phase="P", time=EPOCH + t, backazimuth_deg=70.0, slowness_s_km=0.06, snr=snr,
                frequency_hz=2.0, length_s=3.0)
        for k, (t, snr) in enumerate(((300.0, 30.0),))
    ]  # fmt: skip
    day = make_day(seed=51, seconds=900.0, rate_hz=20.0, events=events, glitches=0)
    samples = day.panel.samples.copy()
    cut = samples[:, 20 * 298 : 20 * 320].copy()
    samples[:, 20 * 600 : 20 * 622] += 0.2 * cut
    folder = tmp_path_factory.mktemp("made")
    stream, rows = Stream(), ["station,lat,lon,elevation_m"]
    for code, site, row in zip(day.panel.codes, day.array().sites, samples, strict=True):
        network, station, _, channel = code.split(".")
        header = {"network": network, "station": station, "channel": channel, "sampling_rate": 20.0}
        stream.append(Trace(np.rint(row * 100).astype(np.int32), header | {"starttime": UTCDateTime(EPOCH)}))
        rows.append(f"{site.code},{site.lat:.6f},{site.lon:.6f},0")
    stream.write(str(folder / "made.mseed"), format="MSEED")
    (folder / "places.csv").write_text("\n".join(rows) + "\n")
    return folder / "made.mseed", folder / "places.csv"


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(EPOCH + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def test_detect_fk_and_correlate(made: tuple[Path, Path], tmp_path: Path) -> None:
    waves, places = (str(p) for p in made)
    common = ["--stations", places, "--array", "SYN", "--json"]
    found = RUN.invoke(app, ["detect", waves, *common])
    assert found.exit_code == 0, found.output
    p = min(json.loads(found.output), key=lambda a: abs(a["time"] - EPOCH - 300))
    assert abs(p["time"] - EPOCH - 300) < 1.5 and abs(p["backazimuth_deg"] - 70) < 5
    picture = tmp_path / "fk.png"
    seen = RUN.invoke(app, ["fk", waves, "--start", _utc(300), "--plot", str(picture), *common])
    assert seen.exit_code == 0, seen.output
    assert abs(json.loads(seen.output)[0]["backazimuth_deg"] - 70) < 5
    assert picture.read_bytes().startswith(b"\x89PNG")
    again = RUN.invoke(app, ["correlate", waves, "--template", waves, "--start", _utc(299), "--seconds", "12",
                             "--stations", places, "--array", "SYN", "--json"])  # fmt: skip
    assert again.exit_code == 0, again.output
    times = sorted(round(m["time"] - EPOCH) for m in json.loads(again.output))
    assert times == [299, 601]


def test_bad_input_is_said_in_one_line(made: tuple[Path, Path]) -> None:
    waves, places = (str(p) for p in made)
    for words, args in (
        ("no time", ["fk", waves, "--start", "yesterday", "--stations", places]),
        ("no array", ["fk", waves, "--start", _utc(300), "--stations", places]),
        ("known place", ["detect", waves]),
    ):
        answer = RUN.invoke(app, args)
        assert isinstance(answer.exception, DetenteError) and words in str(answer.exception)
