"""Weighing hypotheses: against brute force, against quadrature, and on events made up to decide or not."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest
from scipy import integrate, stats

from detente.asof import parse_moment
from detente.monitor.capability import Model
from detente.monitor.event import Event, Histogram, Outcome, PathErrors
from detente.monitor.event_files import read_event, with_priors
from detente.monitor.event_location import area_geometry, destination, times
from detente.monitor.event_report import Report, analyse
from detente.monitor.event_size import pattern_likelihood, sizes
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.hypotheses import Weighed, area_share, bayes_words, weigh
from detente.monitor.information import worths
from detente.monitor.sensitivity import weakest
from detente.monitor.statements import set_factor
from detente.monitor.stations import network

EVENT = read_event("lop-nor-2020")
DISTANCES = np.arange(0.5, 30.0, 0.01)


@pytest.fixture(scope="module")
def weighed() -> Weighed:
    return weigh(EVENT, draws=20_000)


@pytest.fixture(scope="module")
def report() -> Report:
    return analyse(EVENT, draws=20_000).report


def _brute_force(reading: str, n: int = 400_000) -> float:
    """Plain Monte Carlo of the arrivals' density for a source in the region, path errors drawn."""
    rng = np.random.default_rng(11)
    path, gap = EVENT.path, times("S", "ak135") - times("P", "ak135")

    def place() -> tuple[np.ndarray, np.ndarray]:
        lat = np.degrees(np.arcsin(rng.uniform(*np.sin(np.radians([40.0, 43.5])), n)))
        d, az, _ = distance_azimuth(EVENT.station.lat, EVENT.station.lon, lat, rng.uniform(86, 91, n))
        return np.interp(d, DISTANCES, gap), az

    shared = path.correlation * path.p_sd_s * path.s_sd_s
    both = rng.multivariate_normal([0, 0], [[path.p_sd_s**2, shared], [shared, path.s_sd_s**2]], n)
    shift = both[:, 1] - both[:, 0]
    turn = rng.normal(path.back_azimuth_mean_deg, path.back_azimuth_sd_deg, n)
    density = np.ones(n)
    where = [place()] * 2 if reading == "two-one-place" else [place(), place()]
    for s, (sp, az) in zip(EVENT.signals, where, strict=True):
        (p, p_sd), (t, t_sd), (b, b_sd) = (
            s.p.moments(EVENT.zero),
            s.s.moments(EVENT.zero),
            s.back_azimuth.moments(),
        )
        spread = np.sqrt(p_sd**2 + t_sd**2 + 2 * path.scatter_s**2)
        density *= stats.norm.pdf(t - p - sp - shift, 0, spread) * stats.norm.pdf(b - az - turn, 0, b_sd)
    return float(density.mean()) / EVENT.origin_window_s


@pytest.mark.parametrize("reading", ["two-places", "two-one-place"])
def test_grid_equals_brute_force(weighed: Weighed, reading: str) -> None:
    i, j = weighed.sources.index("earthquake"), weighed.readings.index(reading)
    assert 10 ** weighed.place[i, j] == pytest.approx(_brute_force(reading), rel=0.1)


def test_size_of_an_earthquake_equals_quadrature() -> None:
    def integrand(mb: float) -> float:
        rate = np.log(10) * 10 ** (-(mb - 2)) / (1 - 10**-3)
        return float(rate * (stats.norm.cdf((3 - mb) / 0.4) - stats.norm.cdf((2.5 - mb) / 0.4)) / 0.5)

    exact = integrate.quad(integrand, 2, 5)[0]
    quake = next(h for h in EVENT.hypotheses if h.id == "earthquake")
    assert sizes(EVENT, quake).evidence == pytest.approx(exact, rel=0.02)


def test_posterior_yields_follow_the_laws(weighed: Weighed) -> None:
    coupled = weighed.sizes["nuclear-coupled"].quantiles()
    assert coupled is not None
    # published laws read 2.75 as 2.6 to 36 t: the median lies among them
    assert 2.6 < coupled.mid < 36
    hidden = weighed.sizes["nuclear-decoupled-any"].quantiles()
    assert hidden is not None
    assert 30 < hidden.mid / coupled.mid < 300


def test_who_saw_it_speaks_of_size() -> None:
    """Product over stations, written out: seen by one array and by no other."""
    curve = pattern_likelihood(msgspec.structs.replace(
        EVENT, pattern=msgspec.structs.replace(EVENT.pattern, model_sd=0.0)))  # fmt: skip
    assert curve is not None
    model = Model.build(network(("primary",), without=("China",)))
    lat, lon = (float(np.mean([getattr(a, k) for a in EVENT.areas])) for k in ("lat", "lon"))
    expected = 1.0
    for station, p in zip(model.stations, model.probabilities(lat, lon, 2.6), strict=True):
        expected *= p if station.code == "MKAR" else 1 - p
    assert np.interp(2.6, *curve) == pytest.approx(expected, rel=1e-3)
    best = curve[0][np.argmax(curve[1])]
    assert 2.0 < best < 2.75  # far below the three-station threshold, near the one array's own
    without = weigh(msgspec.structs.replace(EVENT, pattern=None), draws=5000)
    assert 10 ** without.size[0] > 10 ** weigh(EVENT, draws=5000).size[0]


def test_priors_move_posteriors_and_not_bayes_factors(weighed: Weighed) -> None:
    other = weigh(with_priors(EVENT, ["earthquake=100"]), draws=20_000)
    assert np.array_equal(other.of_sources(), weighed.of_sources())
    i = weighed.sources.index("earthquake")
    assert other.posterior_sources()[i] > weighed.posterior_sources()[i]
    assert other.posterior_sources().sum() == pytest.approx(1)


def test_on_the_real_event_the_data_do_not_decide(report: Report) -> None:
    pair = report.test_against_rest
    assert pair is not None
    assert 1 / 20 < pair.factor < 20
    assert "do not decide" in report.sentence
    answers = {s.id: s.answer for s in report.statements}
    assert set(answers.values()) <= {"compatible", "incompatible", "not testable"}
    assert answers["ctbto-cause"] == answers["ctbto-far-below"] == "compatible"


def _made_up(km_east: float, *, later_s: float = 5.0) -> Event:
    """Both signals from one source `km_east` of the tunnels, exact path, narrow picks."""
    tunnels = EVENT.areas[0]
    lat, lon = (float(v) for v in destination(tunnels.lat, tunnels.lon, 90, km_east / KM_PER_DEG))
    d, az, _ = distance_azimuth(EVENT.station.lat, EVENT.station.lon, lat, lon)
    tp, ts = (float(np.interp(d, DISTANCES, times(ph, "ak135"))) for ph in "PS")
    signals = []
    for k, s in enumerate(EVENT.signals):
        at = parse_moment("2020-06-22T09:18:00") + timedelta(seconds=later_s * k)
        p, t = ([(at + timedelta(seconds=x + e)).isoformat() for e in (-0.1, 0.1)] for x in (tp, ts))
        signals.append(
            msgspec.structs.replace(
                s,
                p=Histogram(start=p[0], end=p[1], weights=[1]),
                s=Histogram(start=t[0], end=t[1], weights=[1]),
                back_azimuth=Histogram(start=float(az) - 0.3, end=float(az) + 0.3, weights=[1]),
            )
        )
    path = PathErrors(p_sd_s=0.2, s_sd_s=0.3, scatter_s=0.1, back_azimuth_sd_deg=0.3, basis="made up")
    return msgspec.structs.replace(EVENT, signals=signals, path=path)


def test_a_well_placed_event_is_decided() -> None:
    inside = analyse(_made_up(0), draws=5000).report
    assert inside.test_against_rest is not None
    assert inside.test_against_rest.factor > 1.9  # chemical at the site stays possible
    quake = next(p for p in inside.pairs if p.second == "earthquake" and p.first == "nuclear-coupled")
    # the place is then worth the region's surface over the areas', here times the worth of the magnitude
    size = {s.id: s.size for s in inside.sources}
    worth = 10 ** (size["nuclear-coupled"] - size["earthquake"]) / area_share(EVENT)
    assert quake.factor == pytest.approx(worth, rel=0.2)
    assert quake.factor > 20
    away = analyse(_made_up(120), draws=5000).report
    assert away.test_against_rest is not None
    assert away.test_against_rest.factor < 1e-3
    denied = {s.id: s.answer for s in away.statements}
    assert denied["us-explosion"] == "incompatible"
    assert denied["ctbto-cause"] == "compatible"  # earthquake or mine is still open
    assert denied["norsar-place"] == "incompatible"


def test_one_place_is_told_from_two() -> None:
    readings = {r.id: r.evidence for r in analyse(_made_up(0), draws=2000).report.readings}
    assert readings["two-one-place"] > readings["two-places"] + 0.5
    assert readings["two-one-place"] > readings["pg-lg"] + 2


def test_area_geometry_is_used(weighed: Weighed) -> None:
    """A reading that takes P for Pg and S for Lg puts the source about 70 km nearer than the areas."""
    lg = DISTANCES * KM_PER_DEG * (1 / 3.5 - 1 / 6.1)
    km = float(np.interp(81.5, lg, DISTANCES)) * KM_PER_DEG
    assert area_geometry(EVENT, EVENT.areas[0])[0] - km == pytest.approx(72, abs=5)
    worst = np.argsort(weighed.of_readings())[:2]
    assert {weighed.readings[i] for i in worst} == {"pg-lg", "p-lg"}


def test_value_of_information_has_its_limits(weighed: Weighed) -> None:
    ids = weighed.sources
    common = {"text": "", "about": "sources", "basis": "", "sd": 1e-3}
    useless = Outcome(id="useless", probability=dict.fromkeys(ids, 0.5), **common)  # type: ignore[arg-type]
    perfect = Outcome(id="perfect", mean={s: float(k) for k, s in enumerate(ids)},
                      **{**common, "sd": 0.02})  # type: ignore[arg-type]  # fmt: skip
    found = {
        w.id: w for w in worths(msgspec.structs.replace(EVENT, could_observe=[useless, perfect]), weighed)
    }
    assert found["useless"].bits == pytest.approx(0, abs=1e-9)
    assert found["perfect"].bits == pytest.approx(found["perfect"].before, abs=0.02)
    assert found["perfect"].decides == pytest.approx(1, abs=0.01)
    real = {w.id: w.bits for w in worths(EVENT, weighed)}
    assert real["all-of-these"] > max(
        real[k] for k in ("place-5-km", "p-over-s", "radionuclide", "first-motion")
    )


def test_set_factor_and_words() -> None:
    evidence, prior = np.log10([0.2, 0.4, 0.1]), np.array([1.0, 1.0, 2.0])
    assert 10 ** set_factor(evidence, prior, np.array([True, True, False])) == pytest.approx(0.3 / 0.1)
    assert bayes_words(0.1) == bayes_words(-0.4) == "these data do not decide"
    assert "strong" in bayes_words(1.5)
    assert weakest([2, 3, -1]) == 0
    assert weakest([-2, -1, -4]) == -1


def test_decoupled_draws_have_credible_factors() -> None:
    h = next(h for h in EVENT.hypotheses if h.id == "nuclear-decoupled")
    low, mid, high = np.quantile(sizes(EVENT, h, draws=20_000).factor, (0.05, 0.5, 0.95))
    assert 10 < low < 70 < mid < 200
    assert high < 700
