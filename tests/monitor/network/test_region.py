"""The region told of an event: its sample against a plain grid, its coverage where picks are false, two places."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from detente.monitor.bulletin.records import Arrival, Origin
from detente.monitor.chain.day_judge import inside_ellipse
from detente.monitor.geo import KM_PER_DEG
from detente.monitor.network._phase_kernel import aside, basis, beyond, model_error
from detente.monitor.network.depth import fit_at
from detente.monitor.network.locate import Settings, locate
from detente.monitor.network.mixture import FALSE, Mixture
from detente.monitor.network.observed import LOST_P, pose
from detente.monitor.network.phases import geocentric, geographic, index_of, model, travel_time
from detente.monitor.network.region import SOURCE_KM, cloud, ellipse, second
from detente.monitor.waves.trace import Site
from tests.monitor.network.scene import START, arrivals, ring

LOST = 1.5 * 0.2 * LOST_P  # of an arrival that tells no signal-to-noise ratio


def test_a_place_beyond_and_back() -> None:
    here = basis(1.5, -3.0)
    for east, north in ((0.0, 0.0), (700.0, -300.0), (-40.0, 900.0)):  # the last over the pole
        assert aside(here, *beyond(here, east, north)) == pytest.approx((east, north), abs=1e-6)


def _student(t: np.ndarray, scale: float) -> np.ndarray:
    return 0.3796066898 / scale * (1 + (t / scale) ** 2 / 5) ** -3


def _plain(seen: list[Arrival], sites: dict[str, Site], lat: float, lon: float, depth: float) -> float:
    """Log of the posterior of a place, the time summed over: every name and the false pick written out."""
    t0 = np.arange(-30.0, 30.0, 0.1)
    total = np.zeros(t0.size)
    for a in seen:
        density = {}
        for name in ("P", "pP", "sP"):
            view = travel_time(name, lat, lon, depth, sites[a.station])
            sd = math.hypot(
                a.time_sd, model_error(model().errors[index_of(name)], view["distance_deg"], depth)
            )
            late = a.time - START - t0 - view["time_s"]
            density[name] = _student(late, math.sqrt(0.75) * sd)
            if name == "P":
                false = FALSE * (_student(late, 15.0) / _student(np.zeros(1), 15.0) + 1e-4)
        own = (1 - LOST) * (density["P"] + false)
        total += np.log(own + LOST * (0.67 * density["pP"] + 0.33 * density["sP"] + false))
    return float(np.log(np.exp(total - total.max()).sum()) + total.max())


def test_the_sample_equals_a_plain_grid() -> None:
    """Six stations, one pick 15 s off: the shares of the sample in quarters about the best place, and its spread."""
    rng = np.random.default_rng(21)
    sites = ring(6, rng, 41.3, 129.1, 30.0, 80.0)
    errors = rng.normal(0, 1.0, 6)
    errors[2] += 15.0
    seen = arrivals(sites, 41.3, 129.1, 33.0, errors)
    problem = pose(seen, sites)
    start = math.radians(float(geocentric(41.3))), math.radians(129.1), START - problem.zero
    best = fit_at(problem, np.array(start), 33.0)
    sample = cloud(Mixture.of(problem, best), best, [best], depth_known=True)
    here = basis(best.x[0], best.x[1])
    axis = np.arange(-96.0, 97.0, 8.0)
    log = np.empty((axis.size, axis.size))
    for i, east in enumerate(axis):
        for j, north in enumerate(axis):
            y, x = beyond(here, east, north)
            log[i, j] = _plain(seen, sites, float(geographic(math.degrees(y))), math.degrees(x), 33.0)
    mass = np.exp(log - log.max())
    mass /= mass.sum()
    inside = sample[np.all(np.abs(sample[:, :2]) < 100.0, axis=1), :2]
    assert len(inside) > 0.9 * len(sample)
    for k, share in ((0, mass.sum(1)), (1, mass.sum(0))):
        mean = float((share * axis).sum())
        sd = math.sqrt(float((share * (axis - mean) ** 2).sum()) + SOURCE_KM**2)
        assert inside[:, k].mean() == pytest.approx(mean, abs=0.2 * sd)
        assert inside[:, k].std() == pytest.approx(sd, rel=0.2)


def test_ellipses_hold_the_truth_where_picks_are_false_and_p_is_lost() -> None:
    """Four to eight stations, each pick false or a surface reflection by the chances that the law states."""
    rng = np.random.default_rng(8)
    inside, n = 0, 150
    for _ in range(n):
        lat, lon = float(np.degrees(np.arcsin(rng.uniform(-0.9, 0.9)))), float(rng.uniform(-180, 180))
        sites = ring(int(rng.integers(4, 9)), rng, lat, lon, 30.0, 80.0)
        east, north = rng.normal(0.0, SOURCE_KM / KM_PER_DEG, 2)
        place = lat + north, lon + east / np.cos(np.radians(lat))
        seen = []
        for code, site in sites.items():
            name = "P" if rng.uniform() > LOST else rng.choice(["pP", "sP"], p=[2 / 3, 1 / 3])
            late = rng.normal(0, 1.2) if rng.uniform() > 0.05 else 15.0 * rng.standard_t(5)
            time = START + travel_time(name, *place, 33.0, site)["time_s"] + late
            seen.append(Arrival(id=code, station=code, time=time, time_sd=0.3, phase="P"))
        start = Origin(id="", time=START, lat=lat + 0.3, lon=lon, time_sd=1.0)
        inside += inside_ellipse(locate(seen, sites, settings=Settings(depth_km=33.0), start=start), lat, lon)
    assert 0.84 <= inside / n <= 0.96


def test_two_places_are_told_and_one_ellipse_holds_both() -> None:
    rng = np.random.default_rng(3)
    sample = rng.normal(0.0, 10.0, (500, 4))
    assert second(sample, (0.0, 0.0)) is None
    sample[:150, 0] += 200.0
    other = second(sample, (0.0, 0.0))
    assert other is not None and other[0] == pytest.approx(200.0, abs=5.0)
    assert other[2] == pytest.approx(0.3, abs=0.02)
    region = ellipse(sample, 0.9)
    assert region.major_km > 150.0 and region.strike_deg == pytest.approx(90.0, abs=10.0)
    angle = math.radians(region.strike_deg)
    away = sample[:, :2] - (region.east_km, region.north_km)
    along = away @ (math.sin(angle), math.cos(angle)) / region.major_km
    across = away @ (math.cos(angle), -math.sin(angle)) / region.minor_km
    assert np.mean(along**2 + across**2 <= 1.0) == pytest.approx(0.9, abs=0.01)


def test_a_false_pick_shapes_nothing_and_is_said_to() -> None:
    rng = np.random.default_rng(3)
    sites = ring(12, rng, 41.3, 129.1)
    seen = arrivals(sites, 41.3, 129.1, 0.0)
    wild = [msgspec.structs.replace(seen[0], time=seen[0].time + 40.0), *seen[1:]]
    found = locate(wild, sites, settings=Settings(depth_km=0.0))
    assert [u.arrival for u in found.used if not u.defining] == [seen[0].id]
