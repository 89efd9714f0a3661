"""Stations, their noise and array gain, coast lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.arraygain import array_gain
from detente.monitor.coast import coast_km, on_land
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.noise import acceleration_db, models, octave_rms_nm, read_spectra
from detente.monitor.stations import NETWORKS, Station, from_stationxml, ims, network, silence, treaty_places
from detente.sources import Quality


def test_the_ims_has_the_treatys_numbers_with_the_four_places_it_leaves_open() -> None:
    codes = {n: {s.treaty_code.split("/")[0] for s in ims() if s.network == n} for n in NETWORKS}
    codes["hydroacoustic"] = {c[:4] for c in codes["hydroacoustic"]}
    numbers = {"primary": 50, "auxiliary": 120, "infrasound": 60, "hydroacoustic": 11, "radionuclide": 80}
    assert {n: len(c) for n, c in codes.items()} == numbers
    assert set().union(*codes.values()) == set(treaty_places())
    unplaced = {s.treaty_code for s in ims() if not s.placed}
    assert unplaced == {"PS20", "AS039", "IS28", "RN35"}
    assert unplaced <= {code for code, place in treaty_places().items() if place is None}
    assert not any(s.treaty_code in unplaced for s in network(("primary", "auxiliary"), planned=True))


def test_stations_stand_where_the_treaty_puts_them_or_were_moved() -> None:
    """The text of Annex 1 is independent of the station file: codes must meet, save sites known to have moved."""
    moved = {"AS011", "AS016", "AS064", "AS076", "AS089", "AS094"}  # relocated since 1996
    treaty = treaty_places()
    far = {}
    for s in (s for s in ims() if s.placed and s.network in ("primary", "auxiliary")):
        place = treaty[s.treaty_code.split("/")[0]]
        if place is not None:
            far[s.treaty_code] = KM_PER_DEG * float(distance_azimuth(s.lat, s.lon, *place)[0])
    assert {code for code, km in far.items() if km > 100} == moved
    assert np.median(list(far.values())) < 15
    text = [s for s in ims() if s.placed and s.quality is Quality.text]
    assert len(text) == 79 + 12 + 1 and all((s.lat, s.lon) == treaty[s.treaty_code] for s in text)


def test_makanchi_has_nine_elements_in_five_kilometres() -> None:
    mkar = next(s for s in ims() if s.code == "MKAR")
    place = np.array(mkar.offsets)
    apart = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    assert len(place) == 9 and apart.max() == pytest.approx(4.87, abs=0.15)


def test_stations_fall_silent_by_code_treaty_code_or_country() -> None:
    everyone = network(("primary", "auxiliary"), planned=True)
    assert len(everyone) == 168
    assert {"MKAR"} == {s.code for s in everyone} - {s.code for s in silence(everyone, ["ps23"])}
    gone = {s.code for s in everyone} - {s.code for s in silence(everyone, ["China"])}
    assert {"HILR", "LZDM", "BJT"} <= gone and len(gone) == 6
    with pytest.raises(DetenteError, match="no station or country 'Chjna'; did you mean 'China'"):
        silence(everyone, ["Chjna"])
    assert not any(s.country == "China" for s in network())  # none was in the data centre's file


def test_octave_noise_agrees_with_the_collected_table() -> None:
    f, low, high = models()
    at = {1.0: (0.102, 30.6), 2.0: (0.0318, 13.2), 4.0: (0.0123, 21.5), 8.0: (0.00399, 20.7)}
    for hz, pair in at.items():
        i = int(np.flatnonzero(f == hz)[0])
        ours = [octave_rms_nm(level[i], hz) for level in (low, high)]
        np.testing.assert_allclose(ours, pair, rtol=0.01)


def test_noise_models_are_petersons() -> None:
    from obspy.signal.spectral_estimation import get_nhnm, get_nlnm

    f, low, high = models()
    for ours, (period, theirs) in ((low, get_nlnm()), (high, get_nhnm())):
        order = np.argsort(1 / period)
        expected = np.interp(np.log(f), np.log(1 / period)[order], theirs[order])
        assert np.abs(ours - expected).max() < 0.4


def test_octave_rms_is_the_integral_of_the_displacement_spectrum() -> None:
    f = np.linspace(2 / np.sqrt(2), 2 * np.sqrt(2), 4001)
    power = 1e-15 / (2 * np.pi * f) ** 4
    exact = 1e9 * np.sqrt(np.trapezoid(power, f))
    # the octave's middle stands for all of it: 12 % too low on a flat acceleration spectrum
    assert octave_rms_nm(-150.0, np.array(2.0)) == pytest.approx(exact, rel=0.25)
    assert octave_rms_nm(-150.0, np.array(2.0)) < exact


def test_sites_by_the_sea_are_louder_and_a_users_spectrum_wins(tmp_path: Path) -> None:
    f = np.array([1.0, 2.0])
    inland = Station("A", "user", 47, 82, coast_km=900.0)
    shore = Station("B", "user", -17, -149, coast_km=0.0)
    assert (acceleration_db(shore, f) > acceleration_db(inland, f)).all()
    path = tmp_path / "noise.csv"
    path.write_text("station,freq_hz,acc_db\nA,0.5,-150\nA,10,-150\n")
    spectra = read_spectra(path)
    np.testing.assert_allclose(acceleration_db(inland, f, spectra), -150)
    with pytest.raises(DetenteError, match=r"A: no noise at 20-20 Hz, only 0.5-10 Hz"):
        acceleration_db(inland, np.array([20.0]), spectra)


@pytest.mark.parametrize("cell", ["A,1,loud", "A,0,-150", "A,1,150", "A,1,-150"])
def test_broken_noise_is_refused_with_its_line(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "noise.csv"
    path.write_text(f"station,freq_hz,acc_db\n{cell}\n")
    with pytest.raises(DetenteError, match=r"noise.csv:"):
        read_spectra(path)


def _array(offsets: list[tuple[float, float]]) -> Station:
    return Station("X", "user", 0, 0, kind="array", elements=len(offsets), offsets=tuple(offsets))


def test_array_gain_runs_from_one_to_root_n() -> None:
    f = np.array([1.0, 2.0, 4.0])
    together = _array([(0.0, 0.0)] * 9)
    np.testing.assert_allclose(array_gain(together, f), 1.0)
    for s in ims():
        if s.kind == "array" and s.network in ("primary", "auxiliary"):
            gain = array_gain(s, f)
            assert (gain >= 1).all() and (gain <= np.sqrt(s.elements) + 1e-9).all(), s.code
    np.testing.assert_allclose(array_gain(Station("Y", "user", 0, 0), f), 1.0)


def test_noise_alike_over_small_spacing_takes_gain_away_at_low_frequency() -> None:
    arces = next(s for s in ims() if s.code == "ARCES")
    low, high = array_gain(arces, np.array([0.5, 4.0]))
    assert low < 0.3 * np.sqrt(25) < 0.9 * np.sqrt(25) < high


def test_a_users_stationxml_becomes_stations_or_one_array(tmp_path: Path) -> None:
    from obspy.core.inventory import Inventory, Network
    from obspy.core.inventory import Station as XmlStation

    sites = [XmlStation(f"T{i}", 46.8 + i / 100, 82.3, 600.0) for i in range(3)]
    path = tmp_path / "net.xml"
    Inventory([Network("XX", sites)], source="test").write(str(path), format="STATIONXML")
    assert [s.code for s in from_stationxml(path)] == ["T0", "T1", "T2"]
    (one,) = from_stationxml(path, array="TEST")
    assert one.kind == "array" and one.lat == pytest.approx(46.81)
    assert one.offsets[2][1] == pytest.approx(1.112, abs=0.01)


@pytest.mark.parametrize("text", ["", "not xml", "<FDSNStationXML/>"])
def test_a_broken_stationxml_is_one_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "net.xml"
    path.write_text(text)
    with pytest.raises(DetenteError, match=r"net.xml"):
        from_stationxml(path)


def test_land_is_land() -> None:
    lat, lon = [48.9, 41.6, -23.7, 0.0, 30.0, -89.0, 66.0], [2.4, 88.6, 133.9, -30.0, -150.0, 0.0, -175.0]
    np.testing.assert_array_equal(on_land(lat, lon), [True, True, True, False, False, True, True])
    y, x = np.meshgrid(np.arange(-89, 90, 2.0), np.arange(-179, 180, 2.0), indexing="ij")
    weight = np.cos(np.radians(y)).ravel()
    assert (weight * on_land(y.ravel(), x.ravel())).sum() / weight.sum() == pytest.approx(0.292, abs=0.01)


def test_distance_to_the_coast() -> None:
    assert coast_km(46.8, 82.3)[0] > 2000  # Makanchi: nearly as far from the sea as land goes
    assert coast_km(60.4, 5.3)[0] < 40  # Bergen
    assert coast_km(-17.6, -149.6)[0] == 0  # Tahiti
