"""Laws as data, the posterior of the 2017 DPRK test, thresholds, and magnitudes without a type."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.monitor.magnitude_yield import (
    estimate_yield,
    laws,
    magnitude_of_yield,
    threshold_verdict,
    yield_of_magnitude,
)
from detente.monitor.yield_report import yield_report
from detente.verdict import Outcome


def test_law_gives_the_joint_verification_experiment() -> None:
    assert magnitude_of_yield(115) == pytest.approx(5.995, abs=1e-3)  # measured: mb 6.03


@given(st.floats(1e-4, 1e4), st.sampled_from(sorted(laws())), st.floats(0.7, 1.0), st.floats(1, 200))
def test_yield_undoes_magnitude(kt: float, law: str, slope: float, factor: float) -> None:
    mb = magnitude_of_yield(kt, law, small_slope=slope, factor=factor)
    assert yield_of_magnitude(mb, law, small_slope=slope, factor=factor) == pytest.approx(kt, rel=1e-9)


@given(st.floats(1e-4, 1e4), st.floats(1.01, 10))
def test_more_yield_is_more_magnitude(kt: float, times: float) -> None:
    assert magnitude_of_yield(kt * times, small_slope=0.9) > magnitude_of_yield(kt, small_slope=0.9)


@pytest.mark.parametrize("agency", ["", "idc", "usgs"])
def test_dprk_2017_covers_the_published_spread(agency: str) -> None:
    mb = 6.3 if agency == "usgs" else 6.1
    q = estimate_yield(mb, "punggye-ri", agency=agency, depth_m=770).quantiles
    assert q.low < 109.4  # Yao et al. 2018
    assert q.high > 340  # Lu et al. 2024: 337
    assert 100 < q.mid < 400


def test_jve_from_its_magnitude() -> None:
    q = estimate_yield(6.03, "semipalatinsk", agency="isc").quantiles
    assert q.low < 115 < q.high


def test_depth_costs_magnitude() -> None:
    shallow, deep = (
        estimate_yield(5.0, "semipalatinsk", agency="isc", depth_m=h).quantiles.mid for h in (300, 900)
    )
    assert deep > 1.4 * shallow


def test_small_magnitudes_are_marked_as_extrapolated() -> None:
    assert any("extrapolated" in m for m in estimate_yield(2.75, "lop-nor", kind="ML").marks)
    assert any("no shot of independent yield" in m for m in estimate_yield(6, "lop-nor", agency="isc").marks)
    assert any("assumed: ML" in m for m in estimate_yield(4, "nevada", kind="ML").marks)
    assert laws()["semipalatinsk"].marks(0.01)[0].startswith("extrapolated")


@pytest.mark.parametrize(
    ("mb", "outcome"), [(5.0, Outcome.met), (6.0, Outcome.indeterminate), (7.0, Outcome.exceeded)]
)
def test_threshold_of_150_kt(mb: float, outcome: Outcome) -> None:
    estimate = estimate_yield(mb, "semipalatinsk", agency="isc")
    verdict = threshold_verdict(estimate, 150, party="USSR", provision="TTBT.I.1")
    assert verdict.outcome is outcome
    assert verdict.p_met == pytest.approx(float(np.mean(estimate.draws <= 150)))
    assert verdict.seed == estimate.seed
    assert bool(verdict.missing) == (outcome is Outcome.indeterminate)


def test_a_cavity_hides_more() -> None:
    r = yield_report(3.5, "mb", "lop-nor", agency="isc", cavity_m=30, depth_m=500)
    assert r.cavity is not None
    assert r.cavity.yield_kt.mid / r.yield_kt.mid == pytest.approx(r.cavity.factor, rel=0.05)


@pytest.mark.parametrize(
    "bad",
    [
        {"value": 2.75, "kind": ""},
        {"value": 2.75, "kind": "Mw"},
        {"value": math.nan, "kind": "mb"},
        {"value": 99, "kind": "mb"},
        {"value": 5, "kind": "mb", "where": "atlantis"},
        {"value": 5, "kind": "mb", "agency": "nobody"},
        {"value": 5, "kind": "mb", "depth_m": -1},
        {"value": 5, "kind": "mb", "rock": "cheese"},
        {"value": 5, "kind": "mb", "draws": 3},
        {"value": 5, "kind": "mb", "sd": -1},
        {"value": 5, "kind": "mb", "cavity_m": 1e4},
    ],
)
def test_bad_input(bad: dict[str, object]) -> None:
    with pytest.raises(DetenteError):
        yield_report(**{"where": "lop-nor", **bad})  # type: ignore[arg-type]


def test_zero_yield() -> None:
    with pytest.raises(DetenteError, match="zero or less"):
        magnitude_of_yield([1.0, 0.0])
    with pytest.raises(DetenteError, match="did you mean"):
        magnitude_of_yield(1, "semipalatinks")
