"""Magnitudes, screening and yield of real tests at their published origins; skipped where the records are absent."""

from __future__ import annotations

import csv
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest

from detente.monitor.bulletin.records import Event, Origin
from detente.monitor.character.magnitudes import as_idc, body_wave, measure
from detente.monitor.character.screen import screen
from detente.monitor.character.yields import estimate
from detente.monitor.explosions import explosions
from detente.monitor.waves import read, response, sites
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Recording

# folder, origin (Yao and others 2018, as in explosions.csv), IDC mb, published yields kt, Ms(VMAX) (Bonner 2008)
TESTS = [
    ("2006-10-09", "2006-10-09T01:35:27.998", 41.2879, 129.1083, 4.1, (0.5, 1.0), 2.94),
    ("2009-05-25", "2009-05-25T00:54:43.167", 41.2955, 129.0811, 4.5, (2.0, 5.0), 3.66),
    ("2013-02-12", "2013-02-12T02:57:51.322", 41.2926, 129.0760, 4.9, (7.0, 14.0), 3.95),
    ("2016-09-09", "2016-09-09T00:30:01.353", 41.3001, 129.0776, 5.1, (15.0, 25.0), None),
    ("2017-09-03", "2017-09-03T03:30:01.655", 41.3018, 129.0738, 6.1, (100.0, 340.0), None),
]
Data = tuple[Recording, Responses, dict[str, Array]]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def _event(time: str, lat: float, lon: float) -> Event:
    return Event(id="e", origins=(Origin(id="o", time=_seconds(time), lat=lat, lon=lon, time_sd=0.5),))


def _data(waveforms: Path, day: str, tmp_path: Path) -> Data:
    dprk = waveforms / "dprk"
    if day != "2017-09-03":
        return read.read(dprk / day), response.load(dprk / day), sites.load(dprk / day)
    with (dprk / "regional_20Hz_stations.csv").open() as file:
        rows = [r for r in csv.DictReader(file) if r["sta_lat"]]
    places = tmp_path / "places.csv"
    places.write_text("id,lat,lon\n" + "".join(f"{r['id']},{r['sta_lat']},{r['sta_lon']}\n" for r in rows))
    recording = read.read([dprk / "2017-09-03_regional_20Hz.mseed"])
    return recording, response.load(dprk / "2016-09-09"), sites.load(places)


@pytest.mark.parametrize(("day", "time", "lat", "lon", "idc", "published", "vmax"), TESTS)
def test_dprk_tests_at_their_published_origins(
    waveforms: Path, tmp_path: Path, day, time, lat, lon, idc, published, vmax
):
    recording, responses, arrays = _data(waveforms, day, tmp_path)
    found = measure(_event(time, lat, lon), recording, responses, arrays)
    assert as_idc(body_wave(found)) == pytest.approx(idc, abs=0.3)
    if vmax is not None:
        surface = next(m for m in found.magnitudes if m.kind == "Ms(VMAX)")
        assert surface.value == pytest.approx(vmax, abs=0.1)
    screened = screen(found, recording, arrays).screening
    assert screened.verdict == "explosion-like" and screened.p_explosion > 0.9
    coupled = estimate(found).yields[0]
    assert coupled.low_kt <= published[0] and coupled.high_kt >= published[1]


def test_the_collapse_is_not_called_an_explosion(waveforms: Path, tmp_path: Path):
    recording, responses, arrays = _data(waveforms, "2017-09-03", tmp_path)
    longer = read.read(waveforms / "obspy_examples" / "IC.MDJ.2017.246.mseed")
    others = tuple(t for t in recording.traces if t.id != "IC.MDJ.00.BHZ")
    recording = msgspec.structs.replace(recording, traces=others + longer.traces)
    found = measure(_event("2017-09-03T03:38:31.800", 41.30, 129.07), recording, responses, arrays)
    screened = screen(found, recording, arrays).screening
    assert screened.verdict != "explosion-like"
    assert screened.p_explosion is None or screened.p_explosion < 0.9


def _catalogue(time: float) -> Event | None:
    for shot in explosions():
        try:
            at = datetime.fromisoformat(shot.time if "+" in shot.time else f"{shot.time}+00:00").timestamp()
        except ValueError:
            continue
        if abs(at - time) < 30:
            return Event(id="e", origins=(Origin(id="o", time=at, lat=shot.lat, lon=shot.lon, time_sd=0.5),))
    return None


def test_norwegian_network_magnitudes_follow_the_catalogue(waveforms: Path):
    """32 Soviet and Chinese tests: regression on the table's mb (SIPRI, mostly Hagfors') within 0.35."""
    folder = waveforms / "nnsn"
    responses, arrays = response.load(folder / "RESPONSES"), sites.load(folder / "RESPONSES")
    pairs = []
    with (folder / "nnsn_events.csv").open() as file:
        for row in csv.DictReader(file):
            time = _seconds(row["datetime_sipri"])
            found = _catalogue(time) or _event(row["datetime_sipri"], float(row["lat"]), float(row["lon"]))
            recording = read.read(folder / "ARCHIVE" / row["dir"])
            mb = body_wave(measure(found, recording, responses, arrays, kinds=("mb", "mb(Pn)")))
            if mb is not None and float(row["mb"]) > 0:
                pairs.append((float(row["mb"]), as_idc(mb)))
    catalogue, ours = np.array(pairs).T
    assert len(pairs) >= 20
    slope, level = np.polyfit(catalogue, ours, 1)
    assert np.std(ours - slope * catalogue - level, ddof=2) < 0.35
    assert slope == pytest.approx(1.0, abs=0.25)


def test_the_one_natural_earthquake_among_the_records_is_no_explosion(waveforms: Path):
    """Okhotsk, 14 August 2012, Mw 7.7, 583 km deep, at Yellowknife: nothing in the hour comes out explosion-like."""
    from detente.monitor.chain.files import read_data
    from detente.monitor.chain.process import process

    own = waveforms / "obspy_examples"
    data = read_data([own / "array_yellowknife_2012-08-14.mseed"], [own / "array_yellowknife.xml"])
    made = process(data.recording, data.arrays, data.responses)
    assert made.events
    for event in made.events:
        assert event.screening is not None and event.screening.verdict != "explosion-like"
        assert (event.screening.p_explosion or 0.0) < 0.9
