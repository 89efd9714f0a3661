"""Predicted phases: TauP's times and slownesses, geographiclib's angles, one name a wave."""

from __future__ import annotations

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Origin
from detente.monitor.geo import KM_PER_DEG
from detente.monitor.network.predict import predict
from detente.monitor.waves.trace import Site

ORIGIN = Origin(id="o", time=1000.0, lat=0.0, lon=20.0, time_sd=0.0, depth_km=50.0)
SITES = {f"S{d}": Site(f"S{d}", 0.0, 20.0 + d) for d in (60, 35, 8)}


def test_times_and_slownesses_are_taups() -> None:
    """Along the equator, a circle larger than TauP's sphere by 6378.1 to 6371 km, and so are its times."""
    from obspy.taup import TauPyModel

    found = {(p.station, p.phase): p for p in predict(ORIGIN, SITES, ("P", "S", "pP", "sP", "PcP"))}
    earth = TauPyModel("ak135")
    for code, degrees in (("S35", 35.0), ("S60", 60.0)):
        for phase in ("P", "S", "pP", "sP", "PcP"):
            ray = earth.get_travel_times(50.0, degrees, [phase])[0]
            p = found[code, phase]
            assert p.time - 1000.0 == pytest.approx(ray.time * 6378.137 / 6371.0, abs=0.35)
            assert p.slowness_s_km == pytest.approx(ray.ray_param_sec_degree / KM_PER_DEG, rel=0.01)
            assert p.distance_deg == pytest.approx(degrees, abs=0.01) and p.time_sd > 0


def test_stations_come_by_distance_with_their_angles() -> None:
    from geographiclib.geodesic import Geodesic

    origin = Origin(id="o", time=0.0, lat=41.3, lon=129.1, time_sd=0.0)
    sites = {"A": Site("A", 62.5, -114.6), "B": Site("B", 46.8, 82.3), "C": Site("C", -20.1, 134.3)}
    found = predict(origin, sites, ("P",))
    assert [p.station for p in found] == ["B", "C", "A"]
    for p in found:
        line = Geodesic.WGS84.Inverse(sites[p.station].lat, sites[p.station].lon, 41.3, 129.1)
        assert abs((p.backazimuth_deg - line["azi1"] + 180) % 360 - 180) < 0.3
        assert abs((p.azimuth_deg - line["azi2"] - 180 + 180) % 360 - 180) < 0.3


def test_a_wave_has_one_name_and_what_does_not_arrive_none() -> None:
    near = {p.phase for p in predict(ORIGIN, {"S8": SITES["S8"]}, ("P", "Pn", "PKP", "S", "Sn"))}
    assert near == {"Pn", "Sn"}
    assert {p.phase for p in predict(ORIGIN, {"S8": SITES["S8"]}, ("P", "S"))} == {"P", "S"}
    assert {p.phase for p in predict(ORIGIN, {"S60": SITES["S60"]}, ("P", "Pn", "PKP"))} == {"P"}
    with pytest.raises(DetenteError, match="no travel times"):
        predict(ORIGIN, SITES, ("Q",))
    assert np.all(np.diff([p.distance_deg for p in predict(ORIGIN, SITES)]) >= 0)
