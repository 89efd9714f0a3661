"""Screening and yield: made records and made criteria with a known answer."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Criterion, Magnitude, Screening, StationMagnitude
from detente.monitor.character import criteria
from detente.monitor.character import screen as sc
from detente.monitor.character.magnitudes import as_idc, body_wave, measure
from detente.monitor.character.near import stations
from detente.monitor.character.ratios import correction, ratios, usable
from detente.monitor.character.station_terms import Term
from detente.monitor.character.yields import estimate, nearest_site
from detente.monitor.magnitude_yield import estimate_yield
from tests.monitor.character import _scene as scene

PLACES = [(10.0, 3.0), (100.0, 4.0), (200.0, 5.0)]


def _magnitude(kind: str, value: float, sd: float = 0.15, *, limit: bool = False) -> Magnitude:
    at = StationMagnitude(station="S0", kind=kind, value=value, sd=sd, limit=limit)
    return Magnitude(kind=kind, value=value, sd=sd, stations=(at,))


def _with(*magnitudes: Magnitude, **origin: object) -> sc.Event:
    found = scene.event(scene.stations(PLACES), **origin)
    return msgspec.structs.replace(found, magnitudes=magnitudes)


@pytest.mark.parametrize("components", ["Z", "ZNE"])
def test_ratios_of_trains_of_known_size(components):
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=100, s=40, noise=1, components=components)
    for s in stations(found, recording, arrays):
        for r in ratios(s, found.origin.time):
            # the S window is the S train but for its last 3 %
            assert r.raw == pytest.approx(np.log10(100 / 40), abs=0.09)
            assert r.components == len(components) and not r.at_least
            assert r.value - r.raw == pytest.approx(correction(s.path, r.band)[0])


def test_an_s_below_the_noise_is_a_bound():
    arrays = scene.stations(PLACES[:1])
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=50, s=0.3, noise=5)
    got = ratios(stations(found, recording, arrays)[0], found.origin.time)
    assert got and all(r.at_least for r in got)
    assert all(r.raw < np.log10(50 / 0.3) for r in got)


def test_the_correction_is_nothing_at_the_reference_and_grows_with_distance_and_frequency():
    arrays = scene.stations([(10.0, 300 / 111.195), (10.0, 6.0)])
    found = scene.event(arrays)
    near, far = stations(found, scene.recording(found, arrays), arrays)
    assert correction(near.path, (4.0, 6.0))[0] == pytest.approx(0.0, abs=0.01)
    low, high = correction(far.path, (1.0, 2.0)), correction(far.path, (6.0, 8.0))
    assert high[0] < low[0] and high[1] > low[1] > 0


def test_paths_under_the_sea_and_out_of_reach_say_nothing():
    arrays = scene.stations([(0.0, 0.5), (0.0, 14.0)])
    found = scene.event(arrays)
    assert [bool(usable(s.path)) for s in stations(found, scene.recording(found, arrays), arrays)] == [
        True,
        True,
    ]


@pytest.mark.parametrize(("s", "verdict"), [(25.0, "explosion-like"), (300.0, "earthquake-like")])
def test_a_made_explosion_and_a_made_earthquake(s, verdict):
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=100, s=s, components="ZNE")
    # the trains begin by chance: their first motions mean nothing here
    unread = [msgspec.structs.replace(a, polarity="up") for a in scene.arrivals(found)[:1]]
    sized = measure(found, recording, scene.instruments(arrays, "ZNE"), arrays, kinds=("mb(Pn)",))
    got = sc.screen(sized, recording, arrays, arrivals=unread).screening
    assert got.verdict == verdict, got.why
    assert (got.p_explosion > 0.9) == (verdict == "explosion-like")
    assert got.prior == 0.5 and "P/S" in got.why


def test_the_prior_moves_the_probability_and_has_to_be_one():
    ratio = Criterion(name="P/S", value=0.1, log10_ratio=1.0)
    assert sc.combine([ratio], 0.5).p_explosion == pytest.approx(10 / 11)
    assert sc.combine([ratio], 1e-3).p_explosion == pytest.approx(10 * 1e-3 / 0.999 / (1 + 10 * 1e-3 / 0.999))
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    with pytest.raises(DetenteError, match="prior"):
        sc.screen(found, scene.recording(found, arrays), arrays, prior=1.0)


def test_two_criteria_that_contradict_each_other_give_no_verdict():
    """As of 2010-05-12: one reading says explosion, another earthquake, both published."""
    got = sc.combine(
        [
            Criterion(name="P/S", value=0.2, log10_ratio=1.1),
            Criterion(name="Ms:mb", value=0.0, log10_ratio=-0.9),
        ],
        0.5,
    )
    assert got.verdict == "cannot be screened"
    assert got.why.startswith("ambiguous") and "contradict" in got.why
    assert 0.1 < got.p_explosion < 0.9


def test_nothing_measured_cannot_be_screened():
    arrays = scene.stations([(0.0, 40.0)])
    found = scene.event(arrays)
    got = sc.screen(found, scene.recording(found, arrays), arrays).screening
    assert got.verdict == "cannot be screened" and got.p_explosion is None
    assert "no P/S" in got.why and "km is not between" in got.why
    # first motion alone never decides
    only = sc.combine([Criterion(name="first motion", value=1.0, log10_ratio=0.6)], 0.5)
    assert only.p_explosion is None


def test_surface_waves_against_the_body_wave():
    quake = sc.ms_mb(_with(_magnitude("mb", 4.5), _magnitude("Ms(VMAX)", 4.5)))
    shot = sc.ms_mb(_with(_magnitude("mb", 5.5), _magnitude("Ms(VMAX)", 3.6)))
    assert quake.log10_ratio < -1 and shot.log10_ratio > 1
    assert "above the line" in quake.why and "below the line" in shot.why
    assert sc.ms_mb(_with(_magnitude("mb", 4.5))).value is None


def test_a_surface_wave_that_nobody_saw_speaks_by_its_limit():
    found = _with(_magnitude("mb", 5.5))
    silent = msgspec.structs.replace(found, limits=(_magnitude("Ms(VMAX)", 3.5, limit=True),))
    assert sc.ms_mb(silent).log10_ratio > 0.8
    # and a P that nobody saw beside a clear surface wave is no explosion: the collapse of 2017
    other = msgspec.structs.replace(
        _with(_magnitude("Ms(VMAX)", 4.0)), limits=(_magnitude("mb(Pn)", 4.2, limit=True),)
    )
    assert sc.ms_mb(other).log10_ratio < -0.5
    both = msgspec.structs.replace(
        _with(), limits=(_magnitude("mb", 4, limit=True), _magnitude("Ms", 4, limit=True))
    )
    assert sc.ms_mb(both).value is None


def test_a_deep_event_is_no_explosion_whatever_its_p():
    deep = _with(depth="free", depth_km=60.0, depth_low_km=45.0, depth_high_km=80.0)
    shallow = _with(depth="free", depth_km=6.0, depth_low_km=0.0, depth_high_km=15.0)
    assert sc.depth(deep).log10_ratio == criteria.DEEP and sc.depth(shallow).log10_ratio == 0.0
    got = sc.combine([Criterion(name="P/S", value=0.5, log10_ratio=2.0), sc.depth(deep)], 0.5)
    assert got.verdict == "earthquake-like"
    assert sc.depth(_with()).value is None


def test_first_motions_all_down_speak_against_an_explosion():
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    near = stations(found, scene.recording(found, arrays), arrays)
    down = [msgspec.structs.replace(a, polarity="down") for a in scene.arrivals(found)]
    up = [msgspec.structs.replace(a, polarity="up") for a in scene.arrivals(found)]
    assert sc.motion(near, down).log10_ratio == criteria.MOTION_CAP[0]
    assert sc.motion(near, up).log10_ratio == criteria.MOTION_CAP[1]


def test_magnitudes_of_a_made_event_at_every_station_and_limits_where_nothing_was():
    arrays = scene.stations([*PLACES, (300.0, 6.0)])
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=200, s=200, noise=1)
    quiet = scene.recording(found, arrays, p=0, s=0, noise=10, seed=3)
    mixed = msgspec.structs.replace(recording, traces=(*recording.traces[:3], quiet.traces[3]))
    got = measure(found, mixed, scene.instruments(arrays), arrays)
    pn = next(m for m in got.magnitudes if m.kind == "mb(Pn)")
    assert [s.limit for s in pn.stations] == [False, False, False, True]
    assert body_wave(got) == pn and as_idc(pn) == pytest.approx(pn.value - 0.22)
    # ten times the ground is one unit more
    loud = scene.recording(found, arrays, p=2000, s=2000, noise=1)
    more = measure(found, loud, scene.instruments(arrays), arrays, kinds=("mb(Pn)",)).magnitudes[0]
    assert [m.value - w.value for m, w in zip(more.stations, pn.stations[:3], strict=False)] == pytest.approx(
        [1.0, 1.0, 1.0], abs=0.02
    )
    without = measure(found, mixed, scene.instruments({}), arrays)
    assert without.magnitudes == () and without.limits == ()


def test_a_station_term_is_taken_off_and_told():
    arrays = scene.stations(PLACES[:1])
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=200)
    args = (found, recording, scene.instruments(arrays), arrays)
    bare = measure(*args, kinds=("mb(Pn)",)).magnitudes[0].stations[0]
    known = Term(station="S0", kind="mb(Pn)", term=0.7, sd=0.1, scatter=0.2, readings=9, limits=0, lat=scene.LAT,
                 lon=scene.LON, reach_km=100.0)  # fmt: skip
    term = measure(*args, terms=[known], kinds=("mb(Pn)",)).magnitudes[0].stations[0]
    assert term.value == pytest.approx(bare.value - 0.7) and term.sd < bare.sd and term.term == 0.7


def test_yields_are_part_ones_with_the_magnitudes_error():
    found = msgspec.structs.replace(_with(_magnitude("mb", 5.0, 0.2)))
    site, km = nearest_site(found)
    assert site.id == "semipalatinsk" and km < 70
    coupled, hidden = estimate(found).yields
    want = np.quantile(estimate_yield(5.0, site, kind="mb", agency="idc", sd=0.2).draws, (0.05, 0.5, 0.95))
    assert (coupled.low_kt, coupled.median_kt, coupled.high_kt) == pytest.approx(tuple(want))
    assert hidden.median_kt > 20 * coupled.median_kt and "impractical" in hidden.why
    wide = estimate(_with(_magnitude("mb", 5.0, 0.6))).yields[0]
    assert wide.high_kt / wide.low_kt > coupled.high_kt / coupled.low_kt


def test_no_yield_of_what_is_no_explosion():
    told = Screening(verdict="earthquake-like", p_explosion=0.01, prior=0.5)
    found = msgspec.structs.replace(_with(_magnitude("mb", 5.0)), screening=told)
    assert estimate(found).yields == () and estimate(_with()).yields == ()
