"""Location against an exhaustive grid over TauP times, and its errors against simulation."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Origin
from detente.monitor.chain.day_judge import inside_ellipse
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network._phase_kernel import model_error
from detente.monitor.network.locate import Settings, locate
from detente.monitor.network.observed import LOST_P, WEAK_SNR, pose, read_corrections
from detente.monitor.network.phases import geocentric, index_of, model, travel_time
from detente.monitor.network.region import SOURCE_KM
from detente.monitor.waves.trace import Site
from tests.monitor.network.scene import START, arrivals, ring


def _away(origin: Origin, lat: float, lon: float) -> float:
    return float(distance_azimuth(origin.lat, origin.lon, lat, lon)[0]) * KM_PER_DEG


def test_equals_an_exhaustive_grid_of_taup_times() -> None:
    """The slow way: every place of a 2 km grid, TauP's times, Student's law, independent errors."""
    from obspy.taup import TauPyModel

    rng = np.random.default_rng(4)
    sites = ring(9, rng, 41.3, 89.0, 25.0, 80.0)
    seen = arrivals(sites, 41.3, 89.0, 0.0, rng.normal(0, 1.0, 9))
    found = locate(seen, sites, settings=Settings(depth_km=0.0))
    taup = TauPyModel("ak135")
    lat = 41.3 + np.arange(-30, 31) * 0.018
    lon = 89.0 + np.arange(-30, 31) * 0.024
    y, x = np.meshgrid(lat, lon, indexing="ij")
    residual, error = np.empty((9, *y.shape)), np.empty(9)
    for k, a in enumerate(seen):
        site = sites[a.station]
        cos = np.sin(np.radians(geocentric(y))) * np.sin(np.radians(geocentric(site.lat)))
        cos += (
            np.cos(np.radians(geocentric(y)))
            * np.cos(np.radians(geocentric(site.lat)))
            * np.cos(np.radians(x - site.lon))
        )
        arc = np.degrees(np.arccos(cos))
        knots = np.linspace(arc.min(), arc.max(), 7)
        times = [taup.get_travel_times(0.0, d, ["P"])[0].time for d in knots]
        truth = arrivals({a.station: site}, 41.3, 89.0, 0.0)[0].time - START
        middle = float(np.interp(arc[30, 30], knots, times))  # ellipticity is flat over so small a grid
        residual[k] = a.time - START - np.interp(arc, knots, times) - (truth - middle)
        error[k] = np.hypot(a.time_sd, 1.25)
    best = np.full(y.shape, -np.inf)
    for t0 in np.arange(-4, 4, 0.05):
        u = (residual - t0) / error[:, None, None]
        best = np.maximum(best, -3.0 * np.log1p(u * u / 5.0).sum(0))
    i, j = np.unravel_index(np.argmax(best), best.shape)
    assert _away(found, float(lat[i]), float(lon[j])) < 4.0


def test_the_ellipse_holds_what_it_says() -> None:
    """Ninety in a hundred: errors drawn from the law the locator states, alike between near stations, and the shift
    that the Earth at the source gives all of them."""
    rng = np.random.default_rng(7)
    inside = 0
    n = 320
    for _ in range(n):
        lat, lon = float(np.degrees(np.arcsin(rng.uniform(-0.9, 0.9)))), float(rng.uniform(-180, 180))
        sites = ring(int(rng.integers(5, 16)), rng, lat, lon)
        east, north = rng.normal(0.0, SOURCE_KM / KM_PER_DEG, 2)
        exact = arrivals(sites, lat + north, lon + east / np.cos(np.radians(lat)), 0.0)
        problem = pose(exact, sites)
        model = np.interp(_distances(exact, sites, lat, lon), [15, 19, 25, 80], [3.6, 2.1, 1.4, 1.1])
        cov = problem.alike * model[:, None] * model[None, :] + 0.09 * np.eye(len(exact))
        errors = np.linalg.cholesky(cov) @ rng.normal(size=len(exact))
        seen = [msgspec.structs.replace(a, time=a.time + e) for a, e in zip(exact, errors, strict=True)]
        start = Origin(id="", time=START, lat=lat + 0.3, lon=lon, time_sd=1.0)
        inside += inside_ellipse(locate(seen, sites, settings=Settings(depth_km=0.0), start=start), lat, lon)
    assert 0.85 <= inside / n <= 0.96


def _distances(seen: list[Arrival], sites: dict, lat: float, lon: float) -> np.ndarray:
    places = [(sites[a.station].lat, sites[a.station].lon) for a in seen]
    return distance_azimuth(lat, lon, [p[0] for p in places], [p[1] for p in places])[0]


def test_one_wild_pick_moves_nothing() -> None:
    rng = np.random.default_rng(3)
    sites = ring(12, rng, 41.3, 129.1)
    seen = arrivals(sites, 41.3, 129.1, 0.0)
    wild = [msgspec.structs.replace(seen[0], time=seen[0].time + 40.0), *seen[1:]]
    calm, hit = (locate(a, sites, settings=Settings(depth_km=0.0)) for a in (seen, wild))
    assert _away(hit, calm.lat, calm.lon) < 2.0
    assert next(u for u in hit.used if u.arrival == seen[0].id).defining == ""


def _lost_p() -> tuple[dict[str, Site], list[Arrival], set[str]]:
    """An event at 33 km whose P two stations of eight lost: what they call P is pP, six or more seconds later."""
    rng = np.random.default_rng(12)
    sites = ring(8, rng, 41.3, 129.1, 30.0, 80.0)
    both = arrivals(sites, 41.3, 129.1, 33.0, rng.normal(0, 0.3, 8), phases=("P", "pP"))
    lost = {"S02", "S03"}
    seen = [a for a in both if (a.phase == "pP") == (a.station in lost)]
    return sites, [msgspec.structs.replace(a, phase="P", snr=4.0) for a in seen], lost


def test_a_pp_called_p_is_seen_through() -> None:
    sites, seen, lost = _lost_p()
    found = locate(seen, sites, settings=Settings(depth_km=33.0))
    right = locate([a for a in seen if a.station not in lost], sites, settings=Settings(depth_km=33.0))
    assert {u.station for u in found.used if u.phase == "pP"} == lost
    assert _away(found, right.lat, right.lon) < 8.0


def test_doubtful_names_equal_a_grid_of_their_mixture() -> None:
    """The slow way: every place and time of a grid, each arrival's density summed over what it may be."""
    sites, seen, _ = _lost_p()
    found = locate(seen, sites, settings=Settings(depth_km=33.0))
    chance = LOST_P / (1 + (4.0 / WEAK_SNR) ** 2)
    best = (-np.inf, 0.0, 0.0)
    for lat in 41.3 + np.arange(-8, 9) * 0.05:
        for lon in 129.1 + np.arange(-8, 9) * 0.066:
            views = [
                {n: travel_time(n, lat, lon, 33.0, sites[a.station]) for n in ("P", "pP", "sP")} for a in seen
            ]
            for t0 in np.arange(-3, 3, 0.1):
                total = 0.0
                for a, view in zip(seen, views, strict=True):
                    density = 0.0
                    for name, share in (("P", 1 - 1.5 * chance), ("pP", chance), ("sP", 0.5 * chance)):
                        x = view[name]["distance_deg"]
                        sd = np.hypot(a.time_sd, _model_sd(name, x, 33.0))
                        u = (a.time - START - t0 - view[name]["time_s"]) / sd
                        density += share / sd * (1 + u * u / 5) ** -3
                    total += np.log(density)
                best = max(best, (total, float(lat), float(lon)))
    assert (
        _away(found, best[1], best[2]) < 9.0
    )  # alike errors of near stations, which the grid leaves out, move it


def _model_sd(phase: str, distance: float, depth: float) -> float:
    return float(model_error(model().errors[index_of(phase)], distance, depth))


def test_depth_phases_free_the_depth() -> None:
    rng = np.random.default_rng(5)
    sites = ring(14, rng, -20.0, -178.0, 25.0, 85.0)
    deep = locate(arrivals(sites, -20.0, -178.0, 320.0, phases=("P", "pP")), sites)
    assert deep.depth == "free" and deep.depth_km == pytest.approx(320.0, abs=12.0)


def test_a_depth_nobody_can_tell_is_fixed_with_its_interval() -> None:
    rng = np.random.default_rng(6)
    sites = ring(5, rng, 41.3, 129.0, 40.0, 80.0)
    found = locate(arrivals(sites, 41.3, 129.0, 0.0), sites)
    assert found.depth == "fixed" and found.depth_km == 0.0
    assert found.depth_high_km is not None and found.depth_high_km > 20.0


def test_one_array_with_p_and_s_and_direction() -> None:
    sites = {"MK": ring(1, np.random.default_rng(2), 41.6, 88.8, 6.9, 7.1)["S00"]}
    p, s = arrivals(sites, 41.6, 88.8, 0.0, phases=("Pn", "Sn"))
    back = float(distance_azimuth(sites["MK"].lat, sites["MK"].lon, 41.6, 88.8)[1])
    p = msgspec.structs.replace(p, backazimuth_deg=back, backazimuth_sd_deg=3.0, slowness_s_km=0.123)
    found = locate([p, s], sites)
    assert _away(found, 41.6, 88.8) < 30.0
    assert found.semi_major_km is not None and found.semi_major_km > 50.0  # an arc, not a point


def test_corrections_undo_a_known_path(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    sites = ring(8, rng, 50.0, 78.0)
    shift = rng.normal(0, 2.0, 8)
    seen = arrivals(sites, 50.0, 78.0, 0.0, shift)
    table = tmp_path / "paths.csv"
    rows = [f"{c},P,{s:.4f},0.1" for c, s in zip(sites, shift, strict=True)]
    table.write_text("station,phase,shift_s,sd_s\n" + "\n".join(rows) + "\n")
    plain = locate(seen, sites, settings=Settings(depth_km=0.0))
    found = locate(seen, sites, settings=Settings(depth_km=0.0), corrections=read_corrections(table))
    assert _away(found, 50.0, 78.0) < 1.0 < _away(plain, 50.0, 78.0)
    assert (found.semi_major_km or 0) < (plain.semi_major_km or 0) / 2


def test_bad_input_is_named() -> None:
    sites = ring(3, np.random.default_rng(1), 0.0, 0.0)
    seen = arrivals(sites, 0.0, 0.0, 0.0)
    with pytest.raises(DetenteError, match="no arrival"):
        locate([], sites)
    with pytest.raises(DetenteError, match="NONE"):
        locate([msgspec.structs.replace(seen[0], station="NONE")], sites)
    with pytest.raises(DetenteError, match="finite time"):
        locate([msgspec.structs.replace(seen[0], time=float("nan")), *seen[1:]], sites)
    with pytest.raises(DetenteError, match="Xq"):
        locate([msgspec.structs.replace(seen[0], phase="Xq"), *seen[1:]], sites)
    with pytest.raises(DetenteError, match="measurements"):
        locate(seen[:2], sites)
