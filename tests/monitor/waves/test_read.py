"""Reading files: against obspy's readers, and every way a channel's time can go wrong."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.waves.read import read
from detente.monitor.waves.trace import Recording, Trace
from tests.monitor.waves._made import miniseed, noise

obspy = pytest.importorskip("obspy")
pytest.importorskip("pymseed")
T0 = 1504409400.019534
NOW = 1.8e9


def kinds(recording: Recording) -> list[str]:
    return [f.kind for f in recording.faults]


def put(folder: Path, *parts: bytes, name: str = "a.mseed") -> Path:
    path = folder / name
    path.write_bytes(b"".join(parts))
    return path


def same_as_obspy(ours: tuple[Trace, ...], stream: object) -> None:
    theirs = sorted(stream, key=lambda t: (t.id, t.stats.starttime.ns))  # type: ignore[call-overload]
    assert [t.id for t in ours] == [t.id for t in theirs]
    for a, b in zip(ours, theirs, strict=True):
        assert abs(a.start_ns - b.stats.starttime.ns) <= 1000  # obspy keeps microseconds of SAC's B
        assert a.rate_hz == pytest.approx(b.stats.sampling_rate, rel=1e-6)
        assert np.array_equal(a.samples, b.data.astype(np.float32))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("encoding", ["STEIM1", "STEIM2", "INT32", "FLOAT32"])
def test_miniseed_gives_back_what_was_written(tmp_path: Path, version: int, encoding: str) -> None:
    from pymseed import DataEncoding

    x = noise().astype(np.float32) if encoding == "FLOAT32" else noise()
    path = put(tmp_path, miniseed(x, version=version, encoding=DataEncoding[encoding]))
    found = read(path, now=NOW)
    (trace,) = found.traces
    assert not found.faults
    assert trace.id == "IC.MDJ.00.BHZ"
    assert trace.rate_hz == 20.0
    assert trace.start_ns == 1504409400019534000
    assert np.array_equal(trace.samples, x.astype(np.float32))


def test_real_files_read_as_obspy_reads_them(waveforms: Path) -> None:
    paths = [
        *sorted(waveforms.glob("obspy_examples/*.mseed")),
        *sorted(waveforms.glob("dprk/*.mseed")),
        *sorted(waveforms.glob("dprk/20*/*.SAC")),
        *sorted(waveforms.glob("infrasound_brp/*.SAC")),
    ]
    assert len(paths) > 100
    for path in paths:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = obspy.read(str(path))
        same_as_obspy(read(path, raw=True).traces, theirs)


@pytest.mark.parametrize(
    ("kind", "suffix"), [("SAC", "sac"), ("GSE2", "gse"), ("WAV", "wav"), ("PICKLE", "p")]
)
def test_a_file_is_known_by_what_it_holds(tmp_path: Path, kind: str, suffix: str) -> None:
    made = obspy.Trace(noise(), {"network": "IC", "station": "MDJ", "channel": "BHZ", "sampling_rate": 20.0})
    made.stats.starttime = obspy.UTCDateTime(T0)
    path = tmp_path / f"no-telling-name.{suffix}"
    made.write(str(path), format=kind)
    found = read(path, now=NOW)
    if kind == "PICKLE":  # a pickle can run a program
        assert kinds(found) == ["corrupt"]
        assert not found.traces
    else:
        assert found.traces[0].samples.size == 4000


def test_sac_of_either_byte_order_and_version(tmp_path: Path) -> None:
    made = obspy.Trace(noise().astype(np.float32), {"station": "MDJ", "channel": "BHZ", "delta": 0.05})
    made.stats.starttime = obspy.UTCDateTime(T0)
    for order in "<>":
        with io.BytesIO() as file:
            made.write(file, format="SAC", byteorder=order)
            found = read(put(tmp_path, file.getvalue(), name=f"x{ord(order)}"), now=NOW)
        same_as_obspy(found.traces, [made])
        assert found.traces[0].rate_hz == 20.0


def test_a_sac_file_in_nanometres_comes_in_metres_and_one_in_whole_numbers_in_counts(tmp_path: Path) -> None:
    from obspy.io.sac import SACTrace

    for x, unit in ((noise() + 0.5, "m"), (noise(), "counts")):
        sac = SACTrace(
            data=x.astype(np.float32), delta=0.05, kstnm="MDJ", nzyear=2017, nzjday=246, idep="idisp"
        )
        sac.nzhour = sac.nzmin = sac.nzsec = sac.nzmsec = 0
        path = tmp_path / f"{unit}.SAC"
        sac.write(str(path))
        found = read(path, now=NOW)
        assert found.traces[0].unit == unit
        assert np.allclose(found.traces[0].samples, x * (1e-9 if unit == "m" else 1), rtol=1e-6)
        assert kinds(found) == ([] if unit == "m" else ["units"])


@pytest.mark.parametrize(
    ("later_s", "kind"),
    [(200.0, None), (230.0, "gap"), (201.23, "clock jump"), (190.0, "clock jump"), (400_000.0, None)],
)
def test_a_step_in_time_is_told(tmp_path: Path, later_s: float, kind: str | None) -> None:
    second = miniseed(noise(seed=2), start=round((T0 + later_s) * 1e6) * 1000)
    found = read(put(tmp_path, miniseed(noise()), second), now=NOW)
    assert kinds(found) == ([kind] if kind else [])
    assert len(found.traces) == (1 if later_s in (190.0, 200.0) else 2)
    if later_s == 190.0:  # ten seconds came twice, not alike: the first stay
        assert np.array_equal(found.traces[0].samples[:4000], noise().astype(np.float32))
        assert found.traces[0].samples.size == 7800


def test_what_is_told_twice_alike_is_kept_once(tmp_path: Path) -> None:
    x = noise(8000)
    first, second = miniseed(x[:5000]), miniseed(x[4000:], start=round((T0 + 200) * 1e6) * 1000)
    for parts in ((first, second), (second, first)):
        found = read(put(tmp_path, *parts), now=NOW)
        assert kinds(found) == ["overlap"]
        assert found.faults[0].end - found.faults[0].start == pytest.approx(50.0)
        assert np.array_equal(found.traces[0].samples, x.astype(np.float32))
    again = read([put(tmp_path, first, name="1"), put(tmp_path, first, name="2")], now=NOW)
    assert kinds(again) == ["overlap"]
    assert again.traces[0].samples.size == 5000


def test_a_creeping_clock_is_told_and_the_trace_cut_there(tmp_path: Path) -> None:
    x = noise(20_000)
    parts, at = [], round(T0 * 1e6) * 1000
    for i in range(0, 20_000, 200):  # each record starts 1 ms later than its samples say
        parts.append(miniseed(x[i : i + 200], start=at, length=4096))
        at += 10_000_000_000 + 1_000_000
    found = read(put(tmp_path, *parts), now=NOW)
    assert set(kinds(found)) == {"clock jump"}
    assert sum(t.samples.size for t in found.traces) == 20_000
    for trace in found.traces:
        sample = round((trace.start - T0) * 20 / 1.0001)
        true = T0 + sample / 20 + (sample // 200) * 1e-3
        assert abs(trace.start - true) < 0.03


def test_rates_that_change_are_told(tmp_path: Path) -> None:
    second = miniseed(noise(seed=2), start=round((T0 + 200) * 1e6) * 1000, rate=40.0)
    found = read(put(tmp_path, miniseed(noise()), second), now=NOW)
    assert kinds(found) == ["sampling rate"]
    assert [t.rate_hz for t in found.traces] == [20.0, 40.0]


@pytest.mark.parametrize("version", [2, 3])
def test_a_broken_record_costs_that_record_only(tmp_path: Path, version: int) -> None:
    data = bytearray(miniseed(noise(), version=version))
    data[len(data) // 2] ^= 0xFF
    found = read(put(tmp_path, bytes(data)), now=NOW)
    assert "corrupt" in kinds(found)
    kept = sum(t.samples.size for t in found.traces)
    assert 4000 - 600 < kept < 4000
    for trace in found.traces:
        first = round((trace.start - T0) * 20)
        assert np.array_equal(trace.samples, noise().astype(np.float32)[first : first + trace.samples.size])


def test_noise_between_records_and_a_torn_end_are_told(tmp_path: Path) -> None:
    data = miniseed(noise())
    found = read(put(tmp_path, b"\xff" * 512, data[:1024], b"rubbish!" * 64, data[1024:-200]), now=NOW)
    details = [f.detail for f in found.faults if f.kind == "corrupt"]
    assert details[0] == "bytes 0 to 512 are not miniSEED"
    assert details[1] == "bytes 1536 to 2048 are not miniSEED"
    assert len(details) == 3
    assert found.traces[0].samples[:500].tolist() == noise()[:500].tolist()


def test_bad_files_are_faults_and_the_good_one_is_read(tmp_path: Path) -> None:
    put(tmp_path, b"", name="empty")
    put(tmp_path, b"\x00" * 900, name="zeros")
    put(tmp_path, b"what?", name="text.gcf")
    put(tmp_path, b"<?xml version='1.0'?><FDSNStationXML/>", name="stations.xml")
    put(tmp_path, miniseed(noise()), name="good")
    found = read(tmp_path, now=NOW)
    assert [t.id for t in found.traces] == ["IC.MDJ.00.BHZ"]
    assert sorted((f.channel, f.kind) for f in found.faults) == [
        ("empty", "corrupt"),
        ("text.gcf", "corrupt"),
        ("zeros", "corrupt"),
    ]
    with pytest.raises(DetenteError, match="no such file"):
        read(tmp_path / "nothing")


def test_a_window_of_a_file(tmp_path: Path) -> None:
    path = put(tmp_path, miniseed(noise()))
    (trace,) = read(path, start=T0 + 10, end=T0 + 20, now=NOW).traces
    assert trace.samples.tolist() == noise()[200:400].tolist()
    assert read(path, start=T0 + 1000, now=NOW).traces == ()
