"""All faults of §6 at once, each on its own channel: told, and the healthy channels untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from detente.monitor.waves import response, sites
from detente.monitor.waves.diagnose import diagnose
from detente.monitor.waves.inventory import read_inventory
from detente.monitor.waves.miniseed import write_miniseed
from detente.monitor.waves.read import read
from tests.monitor.waves.test_orient import ARRAY, traces

pytest.importorskip("obspy")
NOW = 1.8e9
T0_NS = 1_504_409_400 * 10**9
_XML = """<?xml version="1.0"?><FDSNStationXML xmlns="http://www.fdsn.org/xml/station/1" schemaVersion="1.1">
<Source>x</Source><Created>2020-01-01T00:00:00</Created><Network code="XX">{stations}</Network></FDSNStationXML>"""
_STATION = """<Station code="{code}"><Latitude>{lat}</Latitude><Longitude>{lon}</Longitude><Elevation>0</Elevation>
<Site><Name>x</Name></Site>{channels}</Station>"""
_CHANNEL = """<Channel code="BH{part}" locationCode=""><Latitude>{lat}</Latitude><Longitude>{lon}</Longitude>
<Elevation>0</Elevation><Depth>0</Depth><Azimuth>{azimuth}</Azimuth><Dip>{dip}</Dip><SampleRate>20</SampleRate>
<Response><InstrumentSensitivity><Value>{gain}</Value><Frequency>1</Frequency><InputUnits><Name>M/S</Name></InputUnits>
<OutputUnits><Name>COUNTS</Name></OutputUnits></InstrumentSensitivity></Response></Channel>"""
_FACING = {"Z": (0, -90), "N": (0, 0), "E": (90, 0)}


def stationxml(path: Path, *, gain: dict[str, float], turned: str = "", without: str = "") -> Path:
    stations = ""
    for site in ARRAY.sites:
        channels = ""
        for part, (azimuth, dip) in _FACING.items():
            if f"{site.code}{part}" != without:
                channels += _CHANNEL.format(
                    part=part,
                    lat=site.lat,
                    lon=site.lon,
                    azimuth=azimuth,
                    dip=90 if f"{site.code}{part}" == turned else dip,
                    gain=gain.get(f"{site.code}{part}", 1e9),
                )
        stations += _STATION.format(code=site.code, lat=site.lat, lon=site.lon, channels=channels)
    path.write_text(_XML.format(stations=stations))
    return path


def test_each_sick_channel_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    made = {
        k: structs.replace(t, start_ns=T0_NS, samples=np.round(t.samples * 30)) for k, t in traces().items()
    }
    made["A1Z"] = structs.replace(made["A1Z"], samples=-made["A1Z"].samples)
    made["A2N"], made["A2E"] = (
        structs.replace(made["A2N"], samples=made["A2E"].samples),
        structs.replace(made["A2E"], samples=made["A2N"].samples),
    )
    dead = made["A3E"].samples.copy()
    dead[1000:2000] = 5
    made["A3E"] = structs.replace(made["A3E"], samples=dead)
    made["A4N"] = structs.replace(made["A4N"], start_ns=round(NOW * 1e9) + 10**15)
    number = made["A5E"].samples.copy()
    number[7] = np.nan
    made["A5E"] = structs.replace(made["A5E"], samples=number)
    made["lost"] = structs.replace(made["A0Z"], station="QQQ", samples=made["A5Z"].samples)
    for name, trace in made.items():
        (tmp_path / f"{name}.mseed").write_bytes(write_miniseed([trace]))
    (tmp_path / "A0E.mseed").write_bytes((tmp_path / "A0E.mseed").read_bytes()[:2048] + b"\xff" * 700)
    xml = stationxml(tmp_path / "x.xml", gain={"A0N": 1e15}, turned="A4Z", without="A3N")
    recording = read(tmp_path, now=NOW)
    found = diagnose(recording, sites.load(xml, array="ARR"), response.load(xml), [xml])
    said = {(f.channel, f.kind) for f in found}
    assert said >= {
        ("XX.A1..BHZ", "polarity"),
        ("XX.A2..BHN", "swapped"),
        ("XX.A2..BHE", "swapped"),
        ("XX.A3..BHE", "dead"),
        ("XX.A3..BHN", "no response"),
        ("XX.A4..BHN", "in the future"),
        ("XX.A4..BHZ", "polarity"),
        ("XX.A5..BHE", "not a number"),
        ("XX.A0..BHN", "units"),
        ("XX.QQQ..BHZ", "no site"),
        ("A0E.mseed", "corrupt"),
    }
    assert any(f.kind == "duplicate" and "XX.QQQ..BHZ" in f.channel + f.detail for f in found)
    # only A1 and A2 have three whole components left: which of the two is swapped cannot be told, so both are
    healthy = {"XX.A0..BHZ", "XX.A2..BHZ", "XX.A3..BHZ", "XX.A5..BHN", "XX.A5..BHZ"}
    assert not healthy & {f.channel for f in found}
    left = {t.id for t in recording.traces}
    assert healthy | {"XX.A5..BHE", "XX.A3..BHE", "XX.A0..BHE"} <= left
    assert "XX.A4..BHN" not in left


def test_a_station_told_twice_at_two_places_is_a_fault(tmp_path: Path) -> None:
    from detente.monitor.waves.inventory import faults

    path = stationxml(tmp_path / "x.xml", gain={})
    other = (
        '</Network><Network code="YY">'
        + _STATION.format(code="A1", lat=10, lon=20, channels="")
        + "</Network>"
    )
    path.write_text(path.read_text().replace("</Network>", other))
    told = faults(read_inventory(path))
    assert [(f.channel, f.kind) for f in told] == [("YY.A1", "duplicate")]
