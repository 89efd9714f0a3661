"""Places from every kind of station file, and the grouping of IMS elements."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.stations import ims
from detente.monitor.waves import sites
from detente.monitor.waves.trace import Recording, Trace


def test_ims_arrays_stand_where_part_one_puts_their_elements() -> None:
    arrays = sites.ims_arrays()
    for station in ims():
        if station.network == "primary" and station.offsets:
            ours = arrays[station.code].offsets_km()
            assert len(ours) == len(station.offsets)
            # part one measures from the mean with the broadband sensors, and along a sphere: under 1 %
            theirs = np.array(station.offsets) - np.mean(station.offsets, axis=0)
            assert np.abs(ours - ours.mean(axis=0) - theirs).max() < 0.01 * np.abs(theirs).max() + 0.01
    assert arrays["MKAR"].lat == pytest.approx(46.770, abs=2e-3)
    assert [s.code for s in arrays["MK31"].sites] == ["MK31"]  # a broadband sensor beside the array
    assert len(arrays["AAK"].sites) == 1
    assert all(np.isfinite([s.lat, s.lon]).all() for a in arrays.values() for s in a.sites)


def test_a_table_of_places_with_any_usual_names(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text(
        "net,sta,latitude,longitude,elevation,array\nYJ,BRP1,39.4727,-110.7409,10,BRP\nYJ,X,1,2,,\n"
    )
    found = sites.load(path)
    assert found["BRP"].sites[0].elevation_m == 10.0
    assert found["X"].sites[0].network == "YJ"
    assert len(sites.load(path, array="ALL")["ALL"].sites) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,lat\nA,1\n", "no column for lon"),
        ("code,lat,lon\nA,91,0\n", "latitude 91 is off the Earth"),
        ("code,lat,lon\nA,x,0\n", "not a number"),
        ("code,lat,lon\nA,47.1,\n", "not a number"),
        ("code,lat,lon\n", "no station"),
    ],
)
def test_a_wrong_table_names_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(DetenteError, match=said):
        sites.load(path)


def test_real_station_files(waveforms: Path) -> None:
    yka = sites.load(waveforms / "obspy_examples/array_yellowknife.xml")
    assert list(yka) == ["YKA"]
    assert len(yka["YKA"].sites) == 18
    regional = sites.load(waveforms / "dprk/2006-10-09")
    assert regional["MDJ"].lat == pytest.approx(44.617)
    assert len(sites.load(waveforms / "nnsn/RESPONSES")) == 46
    brp = sites.load(waveforms / "infrasound_brp", array="BRP")["BRP"]
    assert len(brp.sites) == 4
    assert np.hypot(*brp.offsets_km().T).max() < 1.0


def test_traces_find_their_array_and_the_lost_are_told() -> None:
    def trace(station: str, channel: str = "SHZ") -> Trace:
        return Trace("IM", station, "", channel, 0, 40.0, np.zeros(10, np.float32))

    recording = Recording((trace("MK03"), trace("MK01"), trace("AAK"), trace("NOWHERE")))
    found, lost = sites.by_array(recording, sites.ims_arrays())
    assert [t.station for t in found["MKAR"]] == ["MK01", "MK03"]
    assert [t.station for t in found["AAK"]] == ["AAK"]
    assert [(f.channel, f.kind) for f in lost] == [("IM.NOWHERE..SHZ", "no site")]
