"""Predicted times against published corrections and obspy's TauP."""

from __future__ import annotations

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.geo import distance_azimuth
from detente.monitor.network import _phase_kernel as kernel
from detente.monitor.network.phases import INDEX, geocentric, geographic, index_of, model, travel_time
from detente.monitor.waves.trace import Site


@pytest.mark.parametrize(("phase", "spherical", "correction"), [("P", 619.05, -0.45), ("PcP", 653.31, -0.48)])
def test_ellipticity_of_the_published_example(phase: str, spherical: float, correction: float) -> None:
    """Russell et al., EllipticiPy's example: 64 degrees, 134 km, azimuth 15, source latitude 23, ak135."""
    earth = model()
    f = INDEX[phase]
    assert kernel.spherical(earth.times[f], 64.0, 134.0) == pytest.approx(spherical, abs=0.04)
    found = kernel.elliptic(earth.flattening[f], 64.0, 134.0, np.radians(23.0), np.radians(15.0))
    assert found == pytest.approx(correction, abs=0.01)


def test_later_phases_are_taups() -> None:
    from obspy.taup import TauPyModel

    taup, earth = TauPyModel("ak135"), model()
    cases = [
        ("pP", "pP", 50, 100),
        ("sP", "sP", 70.5, 330),
        ("PcP", "PcP", 40.3, 12),
        ("ScP", "ScP", 40, 520),
    ]
    for ours, theirs, x, z in cases:
        told = taup.get_travel_times(z, x, [theirs])[0].time
        assert kernel.spherical(earth.times[INDEX[ours]], float(x), float(z)) == pytest.approx(told, abs=0.2)
    bc, ab = (a.time for a in taup.get_travel_times(10, 150, ["PKP"]))
    assert kernel.spherical(earth.times[INDEX["PKPbc"]], 150.0, 10.0) == pytest.approx(bc, abs=0.1)
    assert kernel.spherical(earth.times[INDEX["PKPab"]], 150.0, 10.0) == pytest.approx(ab, abs=0.1)


def test_directions_agree_with_the_geodesic() -> None:
    site = Site("X", 44.6, 129.6)
    view = travel_time("P", 41.3, 100.0, 10.0, site)
    distance, azimuth, back = distance_azimuth(41.3, 100.0, 44.6, 129.6)
    assert view["azimuth_deg"] == pytest.approx(float(azimuth), abs=0.3)
    assert view["backazimuth_deg"] == pytest.approx(float(back), abs=0.3)
    assert view["distance_deg"] == pytest.approx(float(distance), rel=0.004)


def test_a_high_station_hears_later() -> None:
    low, high = (travel_time("P", 0.0, 0.0, 10.0, Site("X", 40.0, 20.0, h))["time_s"] for h in (0.0, 3000.0))
    assert 3.0 / 8.0 < high - low < 3.0 / 5.8


def test_latitudes_turn_back() -> None:
    lat = np.linspace(-89, 89, 9)
    np.testing.assert_allclose(geographic(geocentric(lat)), lat, atol=1e-9)


def test_phase_names() -> None:
    assert index_of("Pdiff") == index_of("P") and index_of("PKIKP") == index_of("PKP")
    with pytest.raises(DetenteError, match="Pq"):
        index_of("Pq")
