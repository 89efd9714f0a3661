"""Geodesics against geographiclib."""

from __future__ import annotations

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic

from detente.errors import DetenteError
from detente.monitor.geo import KM_PER_DEG, distance_azimuth, unit_vectors


def _turn(a: np.ndarray) -> np.ndarray:
    return np.abs((a + 180) % 360 - 180)


def test_geodesics_agree_with_geographiclib_to_a_millimetre() -> None:
    rng = np.random.default_rng(0)
    places = np.c_[rng.uniform([-90, -180, -90, -180], [90, 180, 90, 180], (500, 4))]
    places[:10, 2:] = np.c_[-places[:10, 0] + 0.05, places[:10, 1] + 179.9]  # nearly antipodal
    places[:10, 3] = (places[:10, 3] + 180) % 360 - 180
    places[10:20, [0, 2]] = 0.0  # along the equator
    degrees, azimuth, back = distance_azimuth(*places.T)
    truth = [Geodesic.WGS84.Inverse(*p) for p in places]
    np.testing.assert_allclose(degrees * KM_PER_DEG, [t["s12"] / 1e3 for t in truth], atol=1e-6)
    assert _turn(azimuth - [t["azi1"] for t in truth]).max() < 1e-6
    assert _turn(back - [t["azi2"] + 180 for t in truth]).max() < 1e-6


def test_arcs_of_unit_vectors_stay_within_a_third_of_a_percent() -> None:
    rng = np.random.default_rng(1)
    lat1, lon1, lat2, lon2 = rng.uniform([-90, -180, -90, -180], [90, 180, 90, 180], (2000, 4)).T
    arc = np.degrees(np.arccos(np.clip((unit_vectors(lat1, lon1) * unit_vectors(lat2, lon2)).sum(1), -1, 1)))
    degrees, _, _ = distance_azimuth(lat1, lon1, lat2, lon2)
    far = degrees > 1
    assert np.abs(arc / degrees - 1)[far].max() < 0.0055


@pytest.mark.parametrize(("lat", "lon"), [(91, 0), (0, 361), (float("nan"), 0)])
def test_a_place_off_the_earth_is_refused(lat: float, lon: float) -> None:
    with pytest.raises(DetenteError, match="off the Earth"):
        distance_azimuth(lat, lon, 0, 0)
