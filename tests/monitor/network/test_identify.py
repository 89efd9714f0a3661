"""Names at one station: what the slowness of a wave, and a P before it, say."""

from __future__ import annotations

import pytest

from detente.monitor.bulletin.records import Arrival
from detente.monitor.network.identify import identify


def _arrival(p: float | None, t: float = 0.0, name: str = "a", **why: float) -> Arrival:
    return Arrival(
        id=name, station="MKAR", time=t, time_sd=0.3, slowness_s_km=p, slowness_sd_s_km=0.008,
        backazimuth_deg=120.0, backazimuth_sd_deg=6.0, why=why,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("p", "name"), [(0.02, "PKP"), (0.06, "P"), (0.123, "Pn"), (0.165, "Pg"), (0.38, "noise")]
)
def test_slowness_names_the_wave(p: float, name: str) -> None:
    assert identify(_arrival(p)).best == name


def test_a_p_before_makes_lg() -> None:
    late = _arrival(0.285, 120.0)
    alone, led = identify(late), identify(late, [_arrival(0.123, 0.0, "p")])
    assert led.best == "Lg" and led.after == "p"
    assert led.probability["Lg"] > alone.probability["Lg"]


def test_horizontal_motion_tells_s_from_p() -> None:
    before = [_arrival(0.05, -300.0, "p")]
    up, flat = (identify(_arrival(0.1, 0.0, "s", vertical_share=v), before) for v in (0.8, 0.2))
    assert up.best == "P" and flat.best == "S"


def test_nothing_measured_is_what_detections_are() -> None:
    found = identify(_arrival(None))
    assert sum(found.probability.values()) == pytest.approx(1.0)
    assert max(found.probability.values()) < 0.5
