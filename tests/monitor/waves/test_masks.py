"""Masks: the masked samples and no others are gone, the loss is told, and the commands honour the table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.waves.masks import Mask, add_mask, cut_away, read_masks
from detente.monitor.waves.trace import NS, Recording, Trace

RUN = CliRunner()


def trace(channel: str = "BHZ", start: float = 100.0, n: int = 400, rate: float = 20.0) -> Trace:
    return Trace("XX", "AAA", "00", channel, round(start * NS), rate, np.arange(n, dtype=np.float32))


def mask(start: float, end: float, channel: str = "*.AAA.*.BH?") -> Mask:
    return Mask(channel=channel, start=start, end=end, reason="a bull at the pit", who="me")


@given(
    st.lists(st.tuples(st.floats(90, 130), st.floats(0.01, 15)), max_size=4),
    st.sampled_from([1.0, 20.0, 33.3]),
)
def test_what_is_left_is_each_sample_outside_every_mask_at_its_own_time(
    spans: list[tuple[float, float]], rate: float
) -> None:
    """Against a look at every sample by itself."""
    whole = trace(rate=rate)
    masks = [mask(a, a + d) for a, d in spans]
    cut = cut_away(Recording((whole,)), masks)
    times = whole.start + np.arange(whole.samples.size) / rate
    near = np.zeros(times.size, bool)  # on an edge, a microsecond either way is nobody's business
    for m in masks:
        near |= (np.abs(times - m.start) < 2e-6) | (np.abs(times - m.end) < 2e-6)
    want = {
        int(v)
        for v, t in zip(whole.samples, times, strict=True)
        if not any(m.start <= t < m.end for m in masks)
    }
    got = {int(v) for t in cut.traces for v in t.samples}
    assert {v for v in want ^ got if not near[v]} == set()
    for t in cut.traces:
        assert t.start == pytest.approx(times[int(t.samples[0])], abs=1e-6)
        assert np.all(np.diff(t.samples) == 1)
    assert bool(cut.faults) == (len(got) < whole.samples.size)
    assert all(f.kind == "masked" and "a bull at the pit (me)" in f.detail for f in cut.faults)


def test_a_mask_takes_only_the_channels_it_names() -> None:
    both = Recording((trace("BHZ"), trace("HHZ")))
    left = cut_away(both, [mask(0, 1e9)])
    assert [t.channel for t in left.traces] == ["HHZ"]
    assert cut_away(both, []) is both


def test_a_table_is_begun_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "masks.csv"
    add_mask(path, mask(100.5, 110))
    add_mask(path, mask(120, 130, "XX.BBB..*"))
    assert [(m.start, m.channel) for m in read_masks([path])] == [(100.5, "*.AAA.*.BH?"), (120, "XX.BBB..*")]
    before = path.read_bytes()
    for bad, words in (
        (mask(10, 10), "ends before"), (mask(1, 2, "AAA"), "no channel"),
        (Mask(channel="a.b.c.d", start=1, end=2, reason="", who="me"), "reason or a name"),
    ):  # fmt: skip
        with pytest.raises(DetenteError, match=words):
            add_mask(path, bad)
    assert path.read_bytes() == before
    path.write_text("channel,start,end,reason,who\na.b.c.d,yesterday,2020-01-01,x,y\n")
    with pytest.raises(DetenteError, match=r"masks\.csv:2: 'yesterday' is no"):
        read_masks([path])


def test_detect_hears_nothing_in_a_masked_stretch_and_process_keeps_the_table(tmp_path: Path) -> None:
    from obspy import Stream, UTCDateTime
    from obspy import Trace as Foreign

    rng = np.random.default_rng(4)
    x = rng.normal(size=20 * 600)
    x[20 * 300 : 20 * 310] += (
        60 * np.sin(2 * np.pi * 2.5 * np.arange(200) / 20) * np.exp(-np.arange(200) / 60)
    )
    head = {"network": "XX", "station": "AAA", "channel": "BHZ", "sampling_rate": 20.0}
    start = UTCDateTime("2020-01-01")
    Stream([Foreign(np.rint(100 * x).astype(np.int32), head | {"starttime": start})]).write(
        str(tmp_path / "a.mseed"), format="MSEED"
    )
    (tmp_path / "places.csv").write_text("station,lat,lon,elevation_m\nAAA,10,20,0\n")
    common = [str(tmp_path / "a.mseed"), "--stations", str(tmp_path / "places.csv"), "--json"]
    heard = json.loads(RUN.invoke(app, ["detect", *common]).stdout)
    at = start.timestamp + 300
    assert any(abs(a["time"] - at) < 2 for a in heard)
    table = str(tmp_path / "masks.csv")
    added = RUN.invoke(app, ["mask", table, "--channel", "XX.AAA.*.BHZ", "--start", "2020-01-01T00:04:50",
                             "--end", "2020-01-01T00:05:30", "--who", "me", "--reason", "calibration"])  # fmt: skip
    assert added.exit_code == 0 and "calibration" in added.output
    quiet = json.loads(RUN.invoke(app, ["detect", *common, "--masks", table]).stdout)
    assert not any(abs(a["time"] - at) < 15 for a in quiet)
    made = RUN.invoke(
        app, ["process", *common, "--masks", table, "--no-sheets", "--out", str(tmp_path / "out")]
    )
    assert made.exit_code == 0, made.output
    held = json.loads((tmp_path / "out" / "bulletin.json").read_text())
    assert any("masked" in f and "calibration (me)" in f for f in held["faults"])
    assert json.loads(held["made_with"]["masks"]) == [table]
    # whoever looks at the bulletin's records again leaves the same out, its waveforms named anew or not
    from detente.cli._monitor_event import data_behind
    from detente.monitor.chain.files import read_bulletin

    path = tmp_path / "out" / "bulletin.json"
    bulletin = read_bulletin(path)
    for named in (None, [tmp_path / "a.mseed"]):
        data = data_behind(bulletin, path, named, [tmp_path / "places.csv"])
        assert sum(t.samples.size for t in data.recording.traces) == 20 * 560


def test_a_beam_at_a_bulletins_event_leaves_out_what_the_bulletin_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from detente.monitor.bulletin.records import Bulletin
    from detente.monitor.bulletin.tables import write_json
    from detente.monitor.chain import files
    from tests.monitor.character import _scene as scene

    event = scene.event(scene.stations([(10.0, 3.0)]))
    made = Bulletin(start=0.0, end=1.0, events=(event,), made_with={"masks": '["m.csv"]'})
    (tmp_path / "bulletin.json").write_bytes(write_json(made))
    add_mask(tmp_path / "m.csv", mask(1, 2))
    add_mask(tmp_path / "n.csv", mask(3, 4))
    asked: list[Path] = []

    def read(waveforms: object, stations: object, masks: list[Path]) -> None:
        asked.extend(masks)
        raise DetenteError("seen")

    monkeypatch.setattr(files, "read_data", read)
    line = ["beam", "x", "--at", f"{tmp_path}/bulletin.json#e", "--masks", str(tmp_path / "n.csv")]
    RUN.invoke(app, line)
    assert asked == [tmp_path / "n.csv", tmp_path / "m.csv"]
