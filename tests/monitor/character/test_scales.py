"""Magnitude formulas at the points that define them."""

from __future__ import annotations

import numpy as np
import pytest

from detente.monitor.character import scales
from detente.monitor.character.magnitudes import ORDER
from detente.monitor.geo import KM_PER_DEG


def test_ml_is_three_for_a_millimetre_at_a_hundred_kilometres():
    # Richter's anchor: 1 mm on a Wood-Anderson of magnification 2080 at 100 km
    nm = 1e6 / 2080
    assert scales.ML.value(nm, 1.0, 100 / KM_PER_DEG, 0.0) == pytest.approx(3.0, abs=0.01)


def test_surface_magnitude_is_vaneks_formula():
    # Vanek and others 1962: log(A/T) + 1.66 log D + 3.3 with A in micrometres
    want = np.log10(2.5 / 20) + 1.66 * np.log10(60) + 3.3
    assert scales.MS.value(2500, 20.0, 60.0, 0.0) == pytest.approx(want, abs=1e-9)


def test_teleseismic_mb_by_the_published_table():
    # the q of 1 nm and 1 s at 50 degrees and the surface stands in Veith and Clawson's table: 3.67
    assert scales.MB.value(1.0, 1.0, 50.0, 0.0) == pytest.approx(3.671, abs=0.01)
    assert scales.MB.value(100.0, 0.5, 50.0, 0.0) == pytest.approx(3.671 + 2.301, abs=0.01)


def test_mb_pn_at_a_thousand_kilometres():
    # Denny, Taylor and Vergino 1987, abstract: log A + 2.4 log 1000 - 3.95 = log A + 3.25
    assert scales.MB_PN.value(10.0, 1.0, 1000 / KM_PER_DEG, 0.0) == pytest.approx(4.25, abs=1e-6)


def test_mb_lg_is_five_for_nuttlis_reference():
    # Nuttli: 110 micrometres at 10 km for mb(Lg) 5, whatever the path's Q
    for q in (150, 1000):
        assert scales.mb_lg(110e3, 10 / KM_PER_DEG, q) == pytest.approx(5.0, abs=0.03)


def test_no_scale_is_used_where_it_was_not_made_for():
    assert not scales.MB.covers(10.0, 0.0) and scales.MB_PN.covers(10.0, 0.0)
    assert not scales.ML.covers(3.0, 200.0)
    assert {s.kind for s in (scales.MB, scales.MB_PN, scales.ML, scales.MS)} <= set(ORDER)
