"""What could hide, against the inverse of the laws and the limits of a cavity."""

from __future__ import annotations

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.decoupling import amplitude_factor
from detente.monitor.hiding import largest_hidden, thresholds_at
from detente.monitor.magnitude_yield import magnitude_of_yield, yield_of_magnitude


def test_without_a_cavity_it_is_the_law() -> None:
    h = largest_hidden(3.25, "granite", 500, np.array([0.0]))
    slopes = [yield_of_magnitude(3.25, small_slope=s) for s in (0.75, 0.875, 1.0)]
    assert h.tamped_kt == pytest.approx(slopes, rel=1e-2)
    assert h.mid[0] == pytest.approx(slopes[1], rel=1e-2)


@pytest.mark.parametrize("rock", ["granite", "salt"])
def test_the_hidden_yield_has_the_threshold_magnitude(rock: str) -> None:
    h = largest_hidden(2.79, rock, 700, np.array([8.0, 20.0, 60.0]))
    factor = amplitude_factor(h.mid, rock, 700, h.radius_m, 2.0, 0.75)
    assert magnitude_of_yield(h.mid, small_slope=0.875, factor=factor) == pytest.approx([2.79] * 3, abs=0.01)
    assert np.all(h.low <= h.mid)
    assert np.all(h.mid <= h.high)


def test_larger_cavities_hide_more_until_full() -> None:
    h = largest_hidden(2.5, "salt", 800, np.linspace(0, 80, 81))
    assert np.all(np.diff(h.mid) > -1e-3 * h.mid[1:])
    assert h.mid[-1] == pytest.approx(h.mid[-10], rel=0.02)
    assert h.mid[-1] / h.mid[0] > 50


def test_thresholds_come_from_the_network() -> None:
    found = thresholds_at("lop-nor")
    assert found["one station"] < 2.75 < 3.4
    assert found["one station"] < found["three stations"] < 3.4


def test_bad_input() -> None:
    for arguments in (
        (9, "salt", 500, [1.0]),
        (3, "salt", 10, [1.0]),
        (3, "salt", 500, [400.0]),
        (3, "x", 500, [1.0]),
    ):
        with pytest.raises(DetenteError):
            largest_hidden(*arguments[:3], np.array(arguments[3]))  # type: ignore[arg-type]
