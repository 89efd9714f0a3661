"""Events gathered from strong arrivals that agree in time: found where there is one, not made of chance."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.chain.gather import _travel, gathered
from detente.monitor.chain.refine import residuals
from detente.monitor.character.paths import path
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network.locate import Settings as Locate
from detente.monitor.waves.trace import Array
from tests.monitor.character import _scene as scene

RING = [(azimuth, 3.0 + 0.9 * i) for i, azimuth in enumerate((10, 60, 115, 170, 215, 265))]


def _picks(arrays: dict[str, Array], rng: np.random.Generator) -> list[Arrival]:
    """First P of an event at the scene's origin, a second late."""
    origin = Origin(id="o", time=scene.TIME, lat=scene.LAT, lon=scene.LON, time_sd=0.1)
    return [
        Arrival(id=f"{code}-P", station=code, time=scene.TIME + path(origin, a).p_s + 0.7 * rng.normal(),
                time_sd=0.2, snr=25.0) for code, a in arrays.items()
    ]  # fmt: skip


def _noise(
    arrays: dict[str, Array], rng: np.random.Generator, each: float, snr: float, more: float = 3.0
) -> list[Arrival]:
    return [
        Arrival(id=f"{code}-{snr:.0f}-{k}", station=code, time=scene.TIME + 360 * rng.random(), time_sd=0.2,
                snr=snr + more * rng.random()) for code in arrays for k in range(rng.poisson(each))
    ]  # fmt: skip


def test_strong_arrivals_that_agree_are_an_event_among_weak_ones():
    rng = np.random.default_rng(1)
    arrays = scene.stations(RING)
    picks = [*_picks(arrays, rng), *_noise(arrays, rng, 4, 3.0)]
    [event] = gathered([], picks, arrays, Locate())
    o = event.origin
    assert float(distance_azimuth(o.lat, o.lon, scene.LAT, scene.LON)[0]) * KM_PER_DEG < 25
    assert abs(o.time - scene.TIME) < 3 and len({u.station for u in o.used}) == 6
    assert event.origins[-1].why["chance"] < 0.01 and "by chance" in event.origins[-1].method


def test_it_takes_the_place_of_events_of_fewer_stations_and_leaves_others():
    rng = np.random.default_rng(2)
    arrays = scene.stations(RING)
    picks = _picks(arrays, rng)

    def small(name: str, members: list[Arrival]) -> Event:
        used = tuple(
            Used(arrival=a.id, station=a.station, phase="P", distance_deg=9.0, azimuth_deg=0.0)
            for a in members
        )
        return Event(id=name, origins=(
            Origin(id=name, time=scene.TIME - 900, lat=0.0, lon=0.0, time_sd=1.0, used=used),))  # fmt: skip

    wrong, other = small("wrong", picks[:2]), small("other", [])
    found = gathered([wrong, other], picks, arrays, Locate())
    assert {e.id for e in found} - {"other"} and "wrong" not in {e.id for e in found} and len(found) == 2
    whole = found[-1] if found[-1].id != "other" else found[0]
    again = gathered([whole], picks, arrays, Locate())
    assert again == [whole]  # an event of four stations keeps its arrivals


def test_noise_makes_no_events():
    """Twenty records of six minutes, a strong signal every five minutes at each of six stations."""
    arrays = scene.stations(RING)
    false = 0
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        false += len(
            gathered(
                [], [*_noise(arrays, rng, 1.2, 9.0, 20.0), *_noise(arrays, rng, 6, 3.0)], arrays, Locate()
            )
        )
    assert false <= 1


def test_three_stations_or_weak_arrivals_are_not_enough():
    rng = np.random.default_rng(3)
    arrays = scene.stations(RING)
    picks = _picks(arrays, rng)
    assert gathered([], picks[:3], arrays, Locate()) == []
    assert gathered([], [msgspec.structs.replace(a, snr=5.0) for a in picks], arrays, Locate()) == []
    assert gathered([], [], arrays, Locate()) == []


def test_travel_times_are_the_relocations():
    rng = np.random.default_rng(4)
    arrays = scene.stations(RING)
    picks = _picks(arrays, rng)
    lats, lons = np.array([50.0, 48.0]), np.array([78.0, 81.0])
    table = _travel(picks, arrays, lats, lons)
    for i in range(2):
        want = np.array([a.time for a in picks]) - residuals(picks, arrays, (lats[i], lons[i], 0.0))
        assert table[i] == pytest.approx(want, abs=1e-6)
