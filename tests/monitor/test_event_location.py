"""Location of the two signals of 22 June 2020, and geodesics against geographiclib."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from geographiclib.geodesic import Geodesic
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.monitor.event import Histogram
from detente.monitor.event_files import read_event
from detente.monitor.event_location import area_geometry, destination, local_km, locate
from detente.monitor.geo import KM_PER_DEG

EVENT = read_event("lop-nor-2020")
# computed beforehand from the same published distributions (ak135, depth 0, no path correction)
KNOWN = {"ev1": (41.30, 88.61, 5.9, 1.3), "ev2": (41.22, 89.13, 12.6, 1.6)}
NINE_EIGHTEEN = 9 * 3600 + 18 * 60


@given(st.floats(-80, 80), st.floats(-180, 179.9), st.floats(0, 360), st.floats(0.001, 150))
def test_destination_is_the_geodesic(lat: float, lon: float, azimuth: float, degrees: float) -> None:
    there = Geodesic.WGS84.Direct(lat, lon, azimuth, degrees * KM_PER_DEG * 1000)
    la, lo = destination(lat, lon, azimuth, degrees)
    assert float(la) == pytest.approx(there["lat2"], abs=1e-6)
    assert abs((float(lo) - there["lon2"] + 180) % 360 - 180) * np.cos(np.radians(la)) < 1e-6


@pytest.mark.parametrize("signal", EVENT.signals, ids=lambda s: s.id)
def test_reproduces_the_known_places_and_times(signal: object) -> None:
    place = locate(EVENT, signal, draws=50_000)  # type: ignore[arg-type]
    lat, lon, origin = place.median
    known_lat, known_lon, seconds, half_width = KNOWN[place.signal]
    east, north = local_km(lat, lon, known_lat, known_lon)
    assert np.hypot(east, north) < 5
    assert origin - NINE_EIGHTEEN == pytest.approx(seconds, abs=0.5)
    low, high = np.quantile(place.origin_s, (0.05, 0.95))
    assert (high - low) / 2 == pytest.approx(half_width, abs=0.3)


def test_distances_of_the_test_areas() -> None:
    geometry = {a.id: area_geometry(EVENT, a) for a in EVENT.areas}
    assert geometry["tunnels"] == pytest.approx((741.5, 137.0), abs=0.2)
    assert geometry["shafts"] == pytest.approx((775.7, 135.7), abs=0.2)


def test_ellipse_holds_what_it_says() -> None:
    place = locate(EVENT, EVENT.signals[0], path=EVENT.path, draws=50_000)
    e = place.ellipse(0.9)
    x, y = local_km(place.lat, place.lon, e.lat, e.lon)
    a = np.radians(e.azimuth_deg)
    along, across = x * np.sin(a) + y * np.cos(a), x * np.cos(a) - y * np.sin(a)
    inside = np.mean((along / e.major_km) ** 2 + (across / e.minor_km) ** 2 <= 1)
    assert inside == pytest.approx(0.9, abs=0.02)


def test_path_errors_widen_and_signals_share_them() -> None:
    bare, wide = (locate(EVENT, EVENT.signals[1], path=p, draws=20_000) for p in (None, EVENT.path))
    assert wide.ellipse().area_km2 > 5 * bare.ellipse().area_km2
    one, two = (locate(EVENT, s, path=EVENT.path, draws=20_000) for s in EVENT.signals)
    assert np.corrcoef(one.distance_deg, two.distance_deg)[0, 1] > 0.8


def test_histogram_draws_have_its_moments() -> None:
    h = Histogram(start=1.0, end=3.0, weights=[1, 0, 3])
    x = h.draw((np.arange(100_000) + 0.5) / 100_000)
    mean, sd = h.moments()
    assert (x.mean(), x.std()) == pytest.approx((mean, sd), abs=1e-3)
    assert not ((x > 1.7) & (x < 2.3)).any()


def test_seed_repeats_and_a_far_signal_is_told() -> None:
    one, two = (locate(EVENT, EVENT.signals[0], draws=1000, seed=4) for _ in range(2))
    assert np.array_equal(one.lat, two.lat)
    late = msgspec.structs.replace(
        EVENT.signals[0],
        s=Histogram(start="2020-06-22T09:59:00", end="2020-06-22T09:59:02", weights=[1]),
    )
    with pytest.raises(DetenteError, match="fits no distance"):
        locate(EVENT, late, draws=1000)
