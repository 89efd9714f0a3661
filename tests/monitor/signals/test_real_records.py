"""Real records: an IMS array, an infrasound array, Norwegian stations; skipped where the records are not at hand."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from detente.monitor.geo import distance_azimuth
from detente.monitor.signals import fk
from detente.monitor.signals.detect import detect
from detente.monitor.signals.filters import band_pass
from detente.monitor.signals.gather import is_vertical
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.read import read
from detente.monitor.waves.sites import by_array, load


def test_yellowknife_sees_okhotsk_where_it_was(waveforms: Path) -> None:
    # ak135: back-azimuth 305.6 degrees, slowness 0.0646 s/km (reference_results.csv)
    folder = waveforms / "obspy_examples"
    array = load(folder / "array_yellowknife.xml", array="YKA")["YKA"]
    found = detect(read(folder / "array_yellowknife_2012-08-14.mseed").traces, array)
    p = max(found, key=lambda a: a.snr or 0.0)
    assert p.time == pytest.approx(datetime(2012, 8, 14, 3, 7, 51, tzinfo=UTC).timestamp(), abs=2.0)
    assert p.backazimuth_deg == pytest.approx(305.6, abs=3.0)
    assert p.slowness_s_km == pytest.approx(0.0646, rel=0.05)
    before = [a for a in found if a.time < p.time - 10]
    assert len(before) <= 10  # thirty-eight minutes of real noise, with true small signals in it


def test_the_infrasound_array_hears_from_two_sides(waveforms: Path) -> None:
    # quick look: 321 degrees at 815 s, 249-252 degrees at 670-700 s
    folder = waveforms / "infrasound_brp"
    recording = read(folder)
    begin = min(t.start for t in recording.traces)
    found = detect(recording.traces, load(folder, array="BRP")["BRP"])
    loud = [a for a in found if 800 < a.time - begin < 830 and (a.snr or 0) > 15]
    west = [a for a in found if 660 < a.time - begin < 705 and (a.snr or 0) > 5]
    assert loud and all(abs((a.backazimuth_deg or 0) - 321) < 3 and a.phase == "I" for a in loud)
    assert west and all(247 <= (a.backazimuth_deg or 0) <= 254 for a in west)


def test_a_forty_metre_array_agrees_with_obspy(waveforms: Path) -> None:
    from obspy import Stream, Trace, UTCDateTime
    from obspy.core import AttribDict
    from obspy.signal.array_analysis import array_processing

    from detente.monitor.signals.gather import panel

    folder = waveforms / "obspy_examples"
    array = load(folder / "agfainventory.xml", array="AGFA")["AGFA"]
    data = panel(read(folder / "agfa.mseed").traces, array)
    data = data.between(data.start + 15, data.start + 35)
    stream = Stream()
    for k, row in enumerate(data.samples):
        t = Trace(
            row.astype(float), {"sampling_rate": data.rate_hz, "starttime": UTCDateTime(0), "station": str(k)}
        )
        t.stats.coordinates = AttribDict(x=data.offsets_km[k, 0], y=data.offsets_km[k, 1], elevation=0.0)
        stream.append(t)
    end = UTCDateTime((data.samples.shape[1] - 1) / data.rate_hz)
    theirs = array_processing(stream, 1.0, 0.5, -3, 3, -3, 3, 0.05, -1e9, -1e9, 2.0, 8.0, UTCDateTime(0), end, 0,
                              coordsys="xy", timestamp="julsec", method=0)  # fmt: skip
    settings = fk.Settings(window_s=1.0, step_s=0.5, band_hz=(2.0, 8.0), limit_s_km=3.0, grid_s_km=0.05)
    ours = fk.scan(data, settings)
    n = len(theirs)
    late = np.abs(data.late_s).max()  # obspy takes the samples as simultaneous
    assert late < 1e-3
    angle = np.radians(theirs[:, 3])
    apart = np.hypot(ours.sx[:n] - theirs[:, 4] * np.sin(angle), ours.sy[:n] - theirs[:, 4] * np.cos(angle))
    assert np.mean(apart < 0.051) > 0.95


def test_p_is_found_on_norwegian_verticals(waveforms: Path) -> None:
    times, places = TravelTimes(), load(waveforms / "nnsn/RESPONSES")
    found = total = 0
    for e in csv.DictReader((waveforms / "nnsn/nnsn_events.csv").open()):
        origin = datetime.fromisoformat(e["datetime_sipri"]).replace(tzinfo=UTC).timestamp()
        groups, _ = by_array(read(waveforms / "nnsn/ARCHIVE" / e["dir"]), places)
        for code, traces in groups.items():
            place = places[code]
            arc = float(distance_azimuth(float(e["lat"]), float(e["lon"]), place.lat, place.lon)[0])
            p = origin + float(times.time("P", arc, 0.0))
            for t in traces:
                if is_vertical(t) and _snr(t.samples, t.rate_hz, p - t.start) > 5:
                    total += 1
                    found += any(abs(a.time - p) < 6 for a in detect([t], place))
    assert total > 250
    assert found >= 0.85 * total


def _snr(x: np.ndarray, rate: float, at: float) -> float:
    """Peak from 3 s before to 10 s after the predicted time over the rms before it, in the best of three bands."""
    from scipy.signal import sosfilt

    best = 0.0
    for band in ((1.0, 3.0), (1.5, 4.0), (2.0, 5.0)):
        if band[1] < 0.45 * rate:
            y = sosfilt(band_pass(band, rate), x.astype(float) - float(x[0]))
            k = round(at * rate)
            quiet, loud = (
                y[round(3 * rate) : max(0, round(k - 5 * rate))],
                y[max(0, round(k - 3 * rate)) : round(k + 10 * rate)],
            )
            if quiet.size > 5 * rate and loud.size > 5 * rate:
                best = max(best, float(np.abs(loud).max() / (quiet.std() + 1e-9)))
    return best


def test_recall_on_the_nordic_windows_is_above_obspys(waveforms: Path) -> None:
    pytest.importorskip("h5py", reason="the Nordic windows are HDF5; h5py comes with requirements/bench.txt")
    from bench.nordic import table

    rows = {(kind, name): rest for kind, name, *rest in table(waveforms / "nordic_arrays")}
    for kind, least in (("3C", 0.55), ("beam", 0.85)):
        ours, theirs = rows[kind, "detente, 20 a day"], rows[kind, "obspy STA/LTA on 3.5"]
        assert ours[0] >= max(least, theirs[0])
        assert ours[2] < 1.0
