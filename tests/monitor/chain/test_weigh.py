"""Events weighed by all arrivals: found where there is one, moved to where it is, not made of chance."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.stats import t as student

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.chain import evidence
from detente.monitor.chain.evidence import log_evidence, shares, witnesses
from detente.monitor.chain.lone import lone_events
from detente.monitor.chain.weigh import weighed_events
from detente.monitor.character.paths import path
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network.associate import Settings
from detente.monitor.waves.trace import Array
from tests.monitor.character import _scene as scene

RING = [(azimuth, 3.0 + 0.9 * i) for i, azimuth in enumerate((10, 60, 115, 170, 215, 265))]


def _picks(arrays: dict[str, Array], rng: np.random.Generator, snr: float = 25.0) -> list[Arrival]:
    """First P of an event at the scene's origin, within a second."""
    origin = Origin(id="o", time=scene.TIME, lat=scene.LAT, lon=scene.LON, time_sd=0.1)
    return [
        Arrival(id=f"{code}-P", station=code, time=scene.TIME + path(origin, a).p_s + 0.7 * rng.normal(),
                time_sd=0.2, snr=snr) for code, a in arrays.items()
    ]  # fmt: skip


def _noise(
    arrays: dict[str, Array], rng: np.random.Generator, each: float, snr: float, more: float = 3.0
) -> list[Arrival]:
    return [
        Arrival(id=f"{code}-{snr:.0f}-{k}", station=code, time=scene.TIME + 360 * rng.random(), time_sd=0.2,
                snr=snr + more * rng.random()) for code in arrays for k in range(rng.poisson(each))
    ]  # fmt: skip


def _event(name: str, members: list[Arrival], lat: float, lon: float, late: float = 0.0) -> Event:
    used = tuple(
        Used(arrival=a.id, station=a.station, phase="P", distance_deg=9.0, azimuth_deg=0.0) for a in members
    )
    return Event(id=name, origins=(
        Origin(id=name, time=scene.TIME + late, lat=lat, lon=lon, time_sd=1.0, used=used),))  # fmt: skip


def _off_km(event: Event) -> float:
    o = event.origin
    return float(distance_azimuth(o.lat, o.lon, scene.LAT, scene.LON)[0]) * KM_PER_DEG


def test_the_evidence_is_the_sum_over_all_assignments():
    """Against a slow reading of the formula, one arrival at a time, with scipy's Student law."""
    rng = np.random.default_rng(7)
    arrays = scene.stations(RING)
    every = [*_picks(arrays, rng), *_noise(arrays, rng, 3, 3.0)]
    every = [
        msgspec.structs.replace(a, backazimuth_deg=123.0, backazimuth_sd_deg=20.0) if k % 3 == 0 else a
        for k, a in enumerate(every)
    ]
    w = witnesses(every, arrays)
    lat, lon, time = scene.LAT + 0.3, scene.LON - 0.2, scene.TIME + 1.0
    origin = Origin(id="o", time=time, lat=lat, lon=lon, time_sd=0.1)
    total = 0.0
    for code, array in arrays.items():
        way = path(origin, array)
        for phase, travel in (("P", way.p_s), ("S", way.s_s), ("Lg", way.distance_km / 3.5)):
            odds = 0.0
            for a, rate, sd in zip(w.arrivals, w.rate, w.sd, strict=True):
                if a.station != code:
                    continue
                wide = float(np.hypot(sd, evidence.OWN_S[phase]))
                one = student.pdf(a.time - time - travel, 4, scale=wide) / rate
                if phase == "P" and a.backazimuth_deg is not None:
                    off = (a.backazimuth_deg - way.backazimuth_deg + 180) % 360 - 180
                    one *= 0.8 * 360 * np.exp(-0.5 * (off / 25) ** 2) / (25 * np.sqrt(2 * np.pi)) + 0.2
                odds += one
            seen = evidence.SEEN[phase]
            total += np.log(1 - seen + seen * odds)
    got = log_evidence(w, np.array([lat]), np.array([lon]), np.array([time]))
    assert float(got[0]) == pytest.approx(total, abs=0.02)


def test_shares_of_a_station_are_a_probability():
    rng = np.random.default_rng(8)
    arrays = scene.stations(RING)
    w = witnesses([*_picks(arrays, rng), *_noise(arrays, rng, 5, 4.0)], arrays)
    found = shares(w, scene.LAT, scene.LON, scene.TIME)
    for i in range(len(w.stations)):
        for phase in ("P", "S", "Lg"):
            own = [p for (k, name), p in found.items() if name == phase and w.whose[k] == i]
            assert 0 <= sum(own) < 1
    assert all(found[k, "P"] > 0.9 for k, a in enumerate(w.arrivals) if a.id.endswith("-P"))


def test_by_chance_the_evidence_is_seldom_high():
    """Markov: odds of e^k against noise come by noise at most once in e^k; here at a fixed place and time."""
    arrays = scene.stations(RING)
    place = np.array([scene.LAT]), np.array([scene.LON]), np.array([scene.TIME + 20.0])
    logs = []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        rate = rng.exponential(360 / 300)  # the prior's own law of strong signals
        every = [*_noise(arrays, rng, rate, 8.0, 20.0), *_noise(arrays, rng, 4, 3.5)]
        logs.append(float(log_evidence(witnesses(every, arrays), *place)[0]) if every else -9.0)
    assert np.mean(np.array(logs) > 2.0) <= np.exp(-2.0)
    assert np.mean(np.array(logs) > 4.0) <= np.exp(-4.0)
    assert np.mean(logs) < 0


def test_strong_arrivals_that_agree_are_an_event_among_weak_ones():
    rng = np.random.default_rng(1)
    arrays = scene.stations(RING)
    picks = [*_picks(arrays, rng), *_noise(arrays, rng, 4, 3.0)]
    [event] = weighed_events([], picks, arrays, Settings())
    o = event.origin
    assert _off_km(event) < 25
    assert abs(o.time - scene.TIME) < 3
    assert {f"{code}-P" for code in arrays} <= {u.arrival for u in o.used if u.defining}
    assert o.why["log_odds"] > 1.5 and "weighed by all arrivals" in o.method


def test_an_event_of_wrong_arrivals_is_moved_to_where_all_agree():
    """The associator's event 300 km off, of two true and two false arrivals: moved, its origin kept behind."""
    rng = np.random.default_rng(5)
    arrays = scene.stations(RING)
    picks, noise = _picks(arrays, rng), _noise(arrays, rng, 3, 3.5)
    wrong = _event("wrong", [*picks[:2], *noise[:2]], scene.LAT + 2.5, scene.LON + 1.5, late=-15.0)
    other = _event("other", [], 0.0, 0.0, late=-3000.0)
    found = {e.id: e for e in weighed_events([wrong, other], [*picks, *noise], arrays, Settings())}
    assert set(found) == {"wrong", "other"}
    assert _off_km(found["wrong"]) < 25
    assert found["wrong"].origins[-1] == wrong.origin


def test_an_event_where_all_agree_stays_as_it_is():
    rng = np.random.default_rng(2)
    arrays = scene.stations(RING)
    picks = [*_picks(arrays, rng), *_noise(arrays, rng, 4, 3.0)]
    [whole] = weighed_events([], picks, arrays, Settings())
    assert weighed_events([whole], picks, arrays, Settings()) == [whole]


def test_a_deep_event_is_left_to_the_associator():
    rng = np.random.default_rng(6)
    arrays = scene.stations(RING)
    picks = _picks(arrays, rng)
    wrong = _event("deep", picks, scene.LAT + 3, scene.LON)
    deep = msgspec.structs.replace(wrong.origin, depth="free", depth_km=150.0, depth_low_km=120.0)
    event = Event(id="deep", origins=(deep,))
    assert weighed_events([event], picks, arrays, Settings()) == [event]


def test_the_ellipse_counts_in_a_second_place():
    """Stations in a line cannot tell one side from the other: the ellipse reaches over both."""
    rng = np.random.default_rng(9)
    arrays = scene.stations([(0.0, 3.0), (2.0, 6.0), (180.0, 4.0), (178.0, 7.0), (0.0, 8.0)])
    shifted = {
        c: Array(c, tuple(msgspec.structs.replace(s, lon=s.lon - 2.0) for s in a.sites))
        for c, a in arrays.items()
    }
    picks = _picks(shifted, rng)
    for event in weighed_events([], picks, shifted, Settings()):
        assert (event.origin.semi_major_km or 0) > 100
        assert _off_km(event) < 1.1 * (event.origin.semi_major_km or 0)


@pytest.mark.parametrize("each", [0.3, 1.2, 2.0])
def test_noise_makes_no_events(each: float):
    """Records of six minutes, 3, 12 and 20 strong signals an hour at each of six stations."""
    arrays = scene.stations(RING)
    false = 0
    for seed in range(6):
        rng = np.random.default_rng(100 + seed)
        every = [*_noise(arrays, rng, each, 9.0, 20.0), *_noise(arrays, rng, 6, 3.0)]
        false += len(weighed_events([], every, arrays, Settings()))
    assert false == 0


def test_three_stations_or_weak_arrivals_are_not_enough():
    rng = np.random.default_rng(3)
    arrays = scene.stations(RING)
    picks = _picks(arrays, rng)
    assert weighed_events([], picks[:3], arrays, Settings()) == []
    assert weighed_events([], [msgspec.structs.replace(a, snr=5.0) for a in picks], arrays, Settings()) == []
    assert weighed_events([], [], arrays, Settings()) == []


def test_an_edit_of_a_weighed_event_locates_it_as_the_machine_did():
    """Directions of single sensors, loosely: an act that changes nothing moves nothing."""
    from detente.monitor.bulletin.records import Bulletin
    from detente.monitor.chain.acts import Edit
    from detente.monitor.chain.edit import apply

    rng = np.random.default_rng(1)
    arrays = scene.stations(RING)
    ways = {
        c: path(Origin(id="o", time=0.0, lat=scene.LAT, lon=scene.LON, time_sd=0.1), a)
        for c, a in arrays.items()
    }
    picks = [
        msgspec.structs.replace(
            a, backazimuth_deg=(ways[a.station].backazimuth_deg + 12.0) % 360, backazimuth_sd_deg=15.0
        )
        for a in _picks(arrays, rng)
    ]
    every = [*picks, *_noise(arrays, rng, 4, 3.0)]
    [event] = weighed_events([], every, arrays, Settings())
    whole = scene.recording(event, arrays)
    made = Bulletin(
        start=scene.TIME, end=scene.TIME + 600, arrivals=tuple(every), events=(event,), stations=tuple(arrays)
    )
    first = next(u.arrival for u in event.origin.used if u.defining)
    edit = Edit(event=event.id, who="A. Nalyst", when=5.0, reason="why not", arrival=first, phase="P")
    [after] = apply(made, edit, whole, arrays, scene.instruments(arrays))[0].events
    o, p = event.origin, after.origin
    assert abs(o.lat - p.lat) < 0.03 and abs(o.lon - p.lon) < 0.03 and abs(o.time - p.time) < 0.3
    assert {u.arrival for u in o.used if u.defining} == {u.arrival for u in p.used if u.defining}


def test_the_ellipse_of_one_station_lies_across_its_direction_where_that_is_the_worse_known():
    """S - P of three degrees from the east, known to 20 degrees: 90 % lie within a bow from north to south."""
    arrays = scene.stations([(270.0, 3.0)])
    origin = Origin(id="o", time=scene.TIME, lat=scene.LAT, lon=scene.LON, time_sd=0.1)
    way = path(origin, arrays["S0"])
    held, rng = 0, np.random.default_rng(4)
    for _ in range(100):
        turned = way.backazimuth_deg + rng.normal() * np.hypot(20.0, 15.0)
        late = way.s_s + rng.normal() * 2.0
        p = Arrival(id="p", station="S0", time=scene.TIME + way.p_s, time_sd=0.1, snr=50.0, phase="P",
                    backazimuth_deg=turned % 360, backazimuth_sd_deg=20.0)  # fmt: skip
        s = Arrival(id="s", station="S0", time=scene.TIME + late, time_sd=1.0, snr=9.0, phase="S")
        o = lone_events([p, s], [], arrays, least_snr=20.0)[0].origin
        degrees, azimuth, _ = (float(v) for v in distance_azimuth(o.lat, o.lon, scene.LAT, scene.LON))
        turn = np.radians(azimuth - (o.strike_deg or 0.0))
        along, across = degrees * KM_PER_DEG * np.cos(turn), degrees * KM_PER_DEG * np.sin(turn)
        held += (along / (o.semi_major_km or 1)) ** 2 + (across / (o.semi_minor_km or 1)) ** 2 <= 1
    assert 80 <= held <= 100
