"""Amplitude laws: published anchors, the closed forms they claim, and their limits."""

from __future__ import annotations

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.amplitude_regional import LG, PN, in_region
from detente.monitor.amplitude_veith_clawson import fall, log_amplitude, q_factor
from detente.monitor.geo import KM_PER_DEG

# Gutenberg and Richter 1956: Q of vertical P at shallow depth, amplitude in micrometres: 3 less for nm.
GUTENBERG_RICHTER = {30: 6.6, 40: 6.4, 50: 6.7, 60: 6.8, 70: 6.8, 80: 6.7, 90: 7.0}


def test_teleseismic_q_stays_near_gutenberg_and_richter() -> None:
    ours = np.array([q_factor(d) for d in GUTENBERG_RICHTER])
    theirs = np.array(list(GUTENBERG_RICHTER.values())) - 3.0
    assert np.abs(ours - theirs).max() < 0.35
    assert abs(np.mean(ours - theirs)) < 0.2


def test_a_table_node_is_read_as_it_is_and_between_nodes_linearly() -> None:
    assert q_factor(60.0, 0.0) == pytest.approx(3.731)
    assert q_factor(60.5, 0.0) == pytest.approx((3.731 + 3.741) / 2)
    assert q_factor(60.0, 7.5) == pytest.approx((3.731 + 3.641) / 2)


def test_magnitude_at_one_second_is_log_amplitude_plus_q() -> None:
    assert log_amplitude(4.0, 60.0, 1.0) + q_factor(60.0) == pytest.approx(4.0)


def test_p_falls_with_frequency_as_attenuation_on_stable_paths_has_it() -> None:
    """A pulse of flat source spectrum in an octave: f exp(-pi t* f), t* 0.3 to 0.6 s (Der et al. 1985: 0.2-0.6)."""
    f = np.array([1.0, 1.5, 2.0, 3.0, 4.0])
    ours = fall(f)
    assert (np.diff(ours) < 0).all()
    low, high = (np.log10(f) - np.pi * t * (f - 1) * np.log10(np.e) for t in (0.6, 0.3))
    assert (ours >= low - 0.2).all() and (ours <= high + 0.1).all()


@pytest.mark.parametrize("call", [(1.0, 0.0), (101.0, 0.0), (50.0, -1.0), (50.0, 701.0), (float("nan"), 0.0)])
def test_q_outside_the_table_is_refused(call: tuple[float, float]) -> None:
    with pytest.raises(DetenteError, match=r"Veith-Clawson 1972.*outside"):
        q_factor(*call)
    if call[0] == call[0]:
        assert np.isfinite(q_factor(*call, extrapolate=True))


@pytest.mark.parametrize("law", [PN, LG])
def test_regional_spreading_and_attenuation_follow_their_formula(law) -> None:
    near, far, f = 300 / KM_PER_DEG, 1200 / KM_PER_DEG, 3.0
    drop = law.log_amplitude(3, near, f) - law.log_amplitude(3, far, f)
    q = law.q0 * f**law.eta
    expected = law.spreading * np.log10(4) + np.log10(np.exp(np.pi * f * 900 / (q * law.velocity)))
    assert drop == pytest.approx(expected, rel=1e-12)


def test_pn_meets_the_mb_scale_at_its_reference_distance() -> None:
    deg = 1000 / KM_PER_DEG
    assert PN.log_amplitude(3.0, deg, 1.0) == pytest.approx(log_amplitude(3.0, deg, 1.0))


def test_lg_has_nuttlis_level_at_ten_kilometres() -> None:
    assert 10 ** LG.log_amplitude(5.0, 10 / KM_PER_DEG, 1.0, extrapolate=True) == pytest.approx(
        110e3, rel=0.01
    )


def test_a_regional_law_outside_its_paths_is_refused_or_marked() -> None:
    with pytest.raises(DetenteError, match=r"distance 1667.92 km is outside 200 to 1300"):
        PN.log_amplitude(3.0, 15.0, 2.0)
    with pytest.raises(DetenteError, match=r"frequency 20 Hz is outside 1 to 10"):
        PN.log_amplitude(3.0, 5.0, 20.0)
    assert PN.domain.check(extrapolate=True, distance=1500.0) == (
        "extrapolated: Pn, eastern Kazakhstan: distance 1500 km is outside 200 to 1300",
    )


def test_the_region_holds_makanchi_and_lop_nor_but_not_tibet() -> None:
    assert in_region([46.8, 41.6], [82.3, 88.6]).all()
    assert not in_region([30.0, 41.3], [91.0, 129.1]).any()
