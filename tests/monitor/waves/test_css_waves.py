"""CSS waveforms: obspy reads our wfdisc and its samples; sites name their array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detente.monitor.bulletin.css3 import decode, encode
from detente.monitor.waves import css_waves, sites
from detente.monitor.waves.trace import Trace
from tests.monitor.waves._made import noise

obspy = pytest.importorskip("obspy")


def test_obspy_reads_our_wfdisc(tmp_path: Path) -> None:
    traces = [
        Trace(
            "IM",
            f"MK0{i}",
            "",
            "SHZ",
            1_504_409_400_019_530_000 + i,
            40.0,
            noise(900 + i, i).astype(np.float32),
        )
        for i in range(3)
    ]
    rows = css_waves.write_waves(traces, tmp_path / "day")
    (tmp_path / "day.wfdisc").write_bytes(encode("wfdisc", rows))
    stream = obspy.read(str(tmp_path / "day.wfdisc"), format="CSS")
    for ours, theirs in zip(traces, stream, strict=True):
        assert theirs.stats.station == ours.station
        assert theirs.stats.sampling_rate == 40.0
        assert abs(theirs.stats.starttime.timestamp - ours.start) < 1e-4
        assert np.array_equal(theirs.data, ours.samples)


def test_sites_name_their_array_and_its_offsets() -> None:
    mkar = sites.ims_arrays()["MKAR"]
    rows = css_waves.station_rows(
        {"MKAR": mkar}, [Trace("IM", "MK01", "", "SHZ", 0, 40.0, np.zeros(1, np.float32))]
    )
    back = decode("site", encode("site", rows["site"]))
    assert [r["sta"] for r in back] == ["MKAR", *(s.code for s in mkar.sites)]
    assert {r["refsta"] for r in back} == {"MKAR"}
    offsets = mkar.offsets_km()
    assert [r["deast"] for r in back[1:]] == pytest.approx(offsets[:, 0].tolist(), abs=1e-4)
    assert [r["dnorth"] for r in back[1:]] == pytest.approx(offsets[:, 1].tolist(), abs=1e-4)
    assert decode("affiliation", encode("affiliation", rows["affiliation"]))[0]["net"] == "IM"
    assert decode("sitechan", encode("sitechan", rows["sitechan"]))[0]["vang"] == 0.0
