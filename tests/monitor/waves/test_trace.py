"""Cutting a trace, and the plane geometry of an array."""

import numpy as np
import pytest

from detente.monitor.waves.trace import Array, Site, Trace


def trace(start_ns: int = 1_000_000_000_123_456_789, n: int = 400, rate: float = 40.0) -> Trace:
    return Trace("IM", "MK01", "", "SHZ", start_ns, rate, np.arange(n, dtype=np.float32))


@pytest.mark.parametrize(
    ("a", "b"), [(0.0, 10.0), (1.0, 2.0), (1.01, 2.01), (-5.0, 0.5), (9.9, 30.0), (20.0, 30.0)]
)
def test_a_cut_holds_the_samples_whose_time_lies_inside(a: float, b: float) -> None:
    whole = trace()
    piece = whole.cut(whole.start + a, whole.start + b)
    times = np.arange(400) / 40.0
    expected = np.flatnonzero((times >= a - 1e-6) & (times < b - 1e-6))
    assert piece.samples.tolist() == expected.tolist()
    if expected.size:
        assert piece.start == pytest.approx(whole.start + times[expected[0]], abs=1e-6)
        assert piece.end == pytest.approx(piece.start + expected.size / 40.0, abs=1e-6)


def test_offsets_point_east_and_north_and_centre_on_the_elements() -> None:
    array = Array(
        "X",
        (Site("A", 0.0, 179.99), Site("B", 0.0, -179.99), Site("C", 0.02, 180.0), Site("D", -0.02, 180.0)),
    )
    assert array.lat == pytest.approx(0.0, abs=1e-12)
    assert abs(array.lon) == pytest.approx(180.0)
    east, north = array.offsets_km().T
    assert east == pytest.approx([-1.113, 1.113, 0, 0], abs=2e-3)
    assert north == pytest.approx([0, 0, 2.211, -2.211], abs=3e-3)
