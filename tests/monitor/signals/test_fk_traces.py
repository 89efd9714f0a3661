"""F-k along time: two planted waves each at its time and from its side, F low between, the command and its refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.signals.fk import Settings
from detente.monitor.signals.fk_traces import fk_traces
from detente.monitor.signals.synthetic import EPOCH, Planted, make_day
from detente.monitor.waves.miniseed import write_miniseed
from detente.monitor.waves.trace import NS, Trace

WAVES = [
    Planted(event=k, phase="P", time=EPOCH + at, backazimuth_deg=side, slowness_s_km=slow, snr=30.0, frequency_hz=2.0,
            length_s=4.0)
    for k, (at, side, slow) in enumerate(((120.0, 60.0, 0.06), (160.0, 250.0, 0.125)))
]  # fmt: skip
DAY = make_day(seed=71, seconds=300.0, rate_hz=20.0, events=WAVES, glitches=0)
SETTINGS = Settings(window_s=4.0, step_s=1.0, band_hz=(1.0, 4.0))


def test_each_wave_shows_at_its_time_from_its_side() -> None:
    seen = fk_traces(DAY.panel, EPOCH + 100, 80.0, SETTINGS)
    assert len(seen.windows) == 77
    least = []
    for wave in WAVES:
        own = [w for w in seen.windows if w.start >= wave.time - 0.5 and w.end <= wave.time + 7]
        best = max(own, key=lambda w: w.f_statistic)
        assert best.f_statistic > 10
        least.append(best.f_statistic)
        assert abs(best.backazimuth_deg - wave.backazimuth_deg) < 4
        assert best.slowness_s_km == pytest.approx(wave.slowness_s_km, abs=0.008)
    between = [w.f_statistic for w in seen.windows if w.start > EPOCH + 140 and w.end < EPOCH + 158]
    assert np.median(between) < 0.2 * min(least)
    peak = seen.start + np.abs(seen.beam).argmax() / seen.rate_hz
    assert min(abs(peak - w.time) for w in WAVES) < 4


def test_the_command_prints_and_draws_and_refuses(tmp_path: Path) -> None:
    p = DAY.panel
    start = round(EPOCH * NS)
    traces = [Trace(*c.split("."), start, p.rate_hz, x) for c, x in zip(p.codes, p.samples, strict=True)]
    (tmp_path / "a.mseed").write_bytes(write_miniseed(traces))
    rows = ["station,lat,lon,elevation_m"] + [f"{s.code},{s.lat},{s.lon},0" for s in DAY.array().sites]
    (tmp_path / "p.csv").write_text("\n".join(rows) + "\n")
    from detente.monitor.bulletin.times import iso

    common = [
        "fk",
        str(tmp_path / "a.mseed"),
        "--stations",
        str(tmp_path / "p.csv"),
        "--start",
        iso(EPOCH + 115),
    ]
    done = CliRunner().invoke(
        app, [*common, "--array", "SYN", "--span", "12", "--plot", str(tmp_path / "t.png"), "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert len(found) == 9 and abs(max(found, key=lambda r: r["f_statistic"])["backazimuth_deg"] - 60) < 4
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    for more, words in ((["--span", "1"], "0 windows"), (["--span", "1e6"], "windows"),
                        (["--span", "9", "--step", "0"], "step above 0")):  # fmt: skip
        answer = CliRunner().invoke(app, [*common, "--array", "SYN", *more])
        assert isinstance(answer.exception, DetenteError) and words in str(answer.exception)
    lone = CliRunner().invoke(app, [*common, "--span", "12"])
    assert isinstance(lone.exception, DetenteError) and "0 arrays" in str(lone.exception)
