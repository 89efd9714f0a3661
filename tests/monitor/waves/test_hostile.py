"""What archives hold besides sound records: told by channel, the rest goes on, nothing is lost in silence."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.monitor.waves import css_waves, response, sites
from detente.monitor.waves.diagnose import diagnose
from detente.monitor.waves.merge import assemble
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.read import finish, fold, read
from detente.monitor.waves.trace import Fault, Recording, Trace
from tests.monitor.waves._made import miniseed, noise
from tests.monitor.waves.test_diagnose import stationxml

pytest.importorskip("pymseed")
NOW = 1.8e9
T0_NS = 1_504_409_400 * 10**9


def kinds(found: Recording) -> list[str]:
    return sorted(f.kind for f in found.faults)


@pytest.mark.parametrize("size", [1, 20, 47])
def test_a_file_cut_within_its_first_header_is_told(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.mseed").write_bytes(miniseed(noise())[:size])
    found = read(tmp_path, now=NOW)
    assert kinds(found) == ["corrupt"]


# factor and multiplier of the fixed header, bytes 32 to 36: 1.07e9 Hz, 9e-10 Hz, no rate
@pytest.mark.parametrize("rate", [b"\x7f\xff\x7f\xff", b"\x80\x01\x80\x01", b"\x00\x00\x00\x01"])
def test_a_record_with_an_absurd_rate_costs_that_record_and_is_told(rate: bytes) -> None:
    data = bytearray(miniseed(noise()))
    data[32:36] = rate
    found = read_miniseed(bytes(data), "a.mseed")
    first = read_miniseed(miniseed(noise())[:512], "a").traces[0].samples.size
    assert sum(t.samples.size for t in found.traces) == 4000 - first
    assert len(found.faults) == 1
    torn = read_miniseed(bytes(data[:-100]), "a.mseed")  # with another fault beside it
    assert torn.traces
    assert len(torn.faults) == 2


@pytest.mark.parametrize("records", [4, 9])
@pytest.mark.parametrize("wrong", [0, 1, 3])
@pytest.mark.parametrize("power", [7, 10, 11, 12, 20])
def test_a_record_that_lies_of_its_length_costs_itself_only(records: int, wrong: int, power: int) -> None:
    data = bytearray(miniseed(noise(6000))[: 512 * records])
    sizes = [
        read_miniseed(bytes(data[i : i + 512]), "x").traces[0].samples.size for i in range(0, len(data), 512)
    ]
    data[512 * wrong + 54] = power
    found = read_miniseed(bytes(data), "x")
    assert sum(t.samples.size for t in found.traces) == sum(sizes) - sizes[wrong]
    assert {f.kind for f in found.faults} == {"corrupt"}


def test_counts_beyond_float32_are_told() -> None:
    from pymseed import DataEncoding

    x = (noise(scale=1.0) + 2**30).astype(np.int32)
    found = read_miniseed(miniseed(x, encoding=DataEncoding.INT32), "a")
    assert [(f.channel, f.kind) for f in found.faults] == [("IC.MDJ.00.BHZ", "precision")]
    assert "every 128th" in found.faults[0].detail
    edge = np.array([2**24, -(2**24), 5], np.int32)
    assert read_miniseed(miniseed(edge, encoding=DataEncoding.INT32), "a").faults == ()


def test_numbers_too_large_for_float32_are_no_numbers_and_no_warning() -> None:
    from pymseed import DataEncoding

    x = np.random.default_rng(1).normal(0, 1e300, 4000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = finish(read_miniseed(miniseed(x, encoding=DataEncoding.FLOAT64), "a").traces, now=NOW)
    assert kinds(found) == ["not a number"]


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 200)), min_size=1, max_size=40))
def test_pieces_that_overlap_alike_make_the_whole(cuts: list[tuple[int, int]]) -> None:
    x = np.random.default_rng(1).normal(0, 1, 1100).astype(np.float32)
    step = 50_000_000
    pieces = [Trace("", "A", "", "BHZ", T0_NS + a * step, 20.0, x[a : a + n]) for a, n in cuts]
    found = assemble(pieces)
    covered = np.zeros(1100, bool)
    for a, n in cuts:
        covered[a : a + n] = True
    got = np.zeros(1100, int)
    for t in found.traces:
        first = (t.start_ns - T0_NS) // step
        assert np.array_equal(t.samples, x[first : first + t.samples.size])
        got[first : first + t.samples.size] += 1
    assert np.array_equal(got, covered.astype(int))
    assert {f.kind for f in found.faults} <= {"gap", "overlap"}


def test_a_fault_a_hundred_times_is_one_line_a_channel() -> None:
    x = noise(2100).astype(np.float32)
    pieces = [Trace("", "A", "", "BHZ", T0_NS + i * 10**9, 20.0, x[i * 18 : i * 18 + 18]) for i in range(101)]
    other = Trace("", "B", "", "BHZ", T0_NS, 20.0, x[:100])
    gap = Fault(channel="x", kind="corrupt", start=0.0, end=0.0, detail="bytes")
    found = finish([*pieces, other], [gap], now=NOW)
    assert [(f.channel, f.kind) for f in found.faults] == [("x", "corrupt"), (".A..BHZ", "gap")]
    told = found.faults[1]
    assert told.detail.startswith("100 times, 10.000 s in all; the first: 0.100 s missing")
    assert (told.start, told.end) == (pytest.approx(T0_NS / 1e9 + 0.9), pytest.approx(T0_NS / 1e9 + 100.0))
    assert fold([gap] * 20) == (gap,) * 20  # a few are told one by one


def test_miniseed_of_before_blockette_1000_is_read_as_obspy_reads_it(tmp_path: Path) -> None:
    from pymseed import DataEncoding

    data = bytearray(miniseed(noise(), length=4096, encoding=DataEncoding.STEIM1))
    for at in range(0, len(data), 4096):
        data[at + 39], data[at + 46 : at + 56] = 0, bytes(10)
    (tmp_path / "old").write_bytes(data)
    found = read(tmp_path, now=NOW)
    assert np.array_equal(found.traces[0].samples, noise().astype(np.float32))
    assert found.faults == ()
    (tmp_path / "old").write_bytes(bytes(data[:48]) + os.urandom(4048))
    broken = read(tmp_path, now=NOW)
    assert broken.traces or broken.faults


def test_files_that_belong_to_another_are_read_with_it_and_no_fault(tmp_path: Path) -> None:
    import obspy

    from detente.monitor.bulletin.css3 import encode

    trace = Trace("", "MDJ", "", "BHZ", T0_NS, 20.0, noise().astype(np.float32))
    rows = css_waves.write_waves([trace], tmp_path / "day")
    (tmp_path / "day.wfdisc").write_bytes(encode("wfdisc", rows))
    found = read(tmp_path, now=NOW)
    assert found.faults == ()
    assert np.array_equal(found.traces[0].samples, trace.samples)
    other = tmp_path / "sh"
    other.mkdir()
    stream = obspy.Stream([obspy.Trace(noise().astype(np.float32), {"station": "MDJ", "channel": "LHZ"})])
    stream.write(str(other / "a"), format="Q")
    assert sorted(p.name for p in other.iterdir()) == ["a.QBN", "a.QHD"]
    found = read(other, now=NOW)
    assert found.faults == ()
    assert found.traces[0].samples.size == 4000


def test_what_cannot_be_opened_is_told_and_the_rest_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mseed").write_bytes(miniseed(noise()))
    for name in ("locked", "open"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "b.mseed").write_bytes(miniseed(noise(seed=2), name=("IC", "BJT", "", "BHZ")))
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = read(tmp_path, now=NOW)
    assert [t.id for t in found.traces] == ["IC.BJT..BHZ", "IC.MDJ.00.BHZ"]
    assert [(f.channel, f.kind) for f in found.faults] == [("locked", "corrupt")]
    for name in ("x" * 5000, str(tmp_path / "a.mseed" / "below"), str(tmp_path / "pipe")):
        with pytest.raises(DetenteError, match=r"cannot be read|no such file|neither"):
            read(name, now=NOW)


def test_a_file_larger_than_memory_bears_is_told(tmp_path: Path) -> None:
    path = tmp_path / "year.mseed"
    path.write_bytes(miniseed(noise()))
    os.truncate(path, (1 << 30) + 512)  # sparse: no disk is filled
    found = read(path, now=NOW)
    assert kinds(found) == ["corrupt"]
    assert "SDS" in found.faults[0].detail


def test_a_broken_station_file_among_others_costs_itself_only(tmp_path: Path) -> None:
    stationxml(tmp_path / "good.xml", gain={}, turned="A1Z")
    bombs = "".join(f'<!ENTITY {chr(98 + i)} "{("&" + chr(97 + i) + ";") * 10}">' for i in range(8))
    bomb = f'<?xml version="1.0"?><!DOCTYPE FDSNStationXML [<!ENTITY a "xxxxxxxxxx">{bombs}]>'
    whole = (tmp_path / "good.xml").read_text()
    body = whole[whole.index("<FDSNStationXML") :]
    (tmp_path / "bomb.xml").write_text(bomb + body.replace("<Source>", "<Source>&i;", 1))
    outside = '<?xml version="1.0"?><!DOCTYPE FDSNStationXML [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    (tmp_path / "outside.xml").write_text(outside + body.replace("<Source>", "<Source>&e;", 1))
    (tmp_path / "cut.xml").write_text(whole[:400])
    places = sites.load(tmp_path)
    assert set(places) == {"A0", "A1", "A2", "A3", "A4", "A5"}
    trace = Trace("XX", "A1", "", "BHZ", T0_NS, 20.0, noise().astype(np.float32))
    told = diagnose(Recording((trace,)), places, response.load(tmp_path), [tmp_path])
    assert {f.channel for f in told if f.kind == "no response"} >= {"bomb.xml", "outside.xml", "cut.xml"}
    assert ("XX.A1..BHZ", "polarity") in {(f.channel, f.kind) for f in told}  # found in a folder, too
    with pytest.raises(DetenteError, match=r"bomb\.xml"):
        sites.load(tmp_path / "bomb.xml")


def test_a_response_without_a_transfer_function_is_told(tmp_path: Path) -> None:
    from obspy import UTCDateTime
    from obspy.core.inventory import Channel, Inventory, Network, Station
    from obspy.core.inventory.response import (
        InstrumentPolynomial,
        InstrumentSensitivity,
        PolynomialResponseStage,
        Response,
    )

    shape = ("M/S", "V", 0.0, 1.0, -1.0, 1.0, 0.0, [1.0, 2.0])
    polynomial = Response(
        instrument_polynomial=InstrumentPolynomial(*shape),
        response_stages=[PolynomialResponseStage(1, 1.0, 1.0, *shape)],
    )
    nought = Response(instrument_sensitivity=InstrumentSensitivity(0.0, 1.0, "M/S", "COUNTS"))
    for told, words in ((polynomial, "polynomial"), (nought, "sensitivity of 0")):
        channel = Channel("BHZ", "00", 44.6, 129.6, 250, 0, start_date=UTCDateTime(1990, 1, 1), response=told)
        station = Station("MDJ", 44.6, 129.6, 250, channels=[channel])
        Inventory([Network("IC", [station])], source="x").write(str(tmp_path / "x.xml"), format="STATIONXML")
        held = response.load(tmp_path / "x.xml")
        trace = Trace("IC", "MDJ", "00", "BHZ", T0_NS, 20.0, noise().astype(np.float32))
        assert held.find(trace) is None
        assert [f.kind for f in held.missing(Recording((trace,)))] == ["no response"]
        assert words in held.faults[0].detail


def test_one_code_in_two_networks_stands_at_two_places(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(
        "network,station,lat,lon\nXX,ABC,10,20\nYY,ABC,40,50\nZZ,ABC,10,20\nXX,DEF,1,2\n"
    )
    found = sites.load(tmp_path / "s.csv")
    assert {k: (a.lat, round(a.lon, 6)) for k, a in found.items()} == {
        "ABC": (10.0, 20.0),
        "YY.ABC": (40.0, 50.0),
        "DEF": (1.0, 2.0),
    }
    x = noise().astype(np.float32)
    traces = [Trace(n, s, "", "BHZ", T0_NS, 20.0, x) for n in ("XX", "YY", "ZZ", "") for s in ("ABC", "DEF")]
    by, lost = sites.by_array(Recording(tuple(traces)), found)
    assert [t.network for t in by["YY.ABC"]] == ["YY"]
    assert sorted(t.network for t in by["ABC"]) == ["", "XX", "ZZ"]
    assert len(by["DEF"]) == 4
    assert lost == ()
