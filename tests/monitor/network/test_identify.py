"""Names at one station: what the slowness of a wave, and a P before it, say."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.monitor.bulletin.records import Arrival
from detente.monitor.network.identify import CLASSES, identify, read_station


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


def test_equals_a_sum_over_every_true_slowness() -> None:
    """The slow way: each class's true slownesses one by one, the measured one normal about each."""
    p, sd = 0.118, 0.011
    weight = {}
    for name, (share, low, high, _, follows) in CLASSES.items():
        truth = np.linspace(low, high, 4001)
        density = np.exp(-0.5 * ((p - truth) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        weight[name] = share * np.trapezoid(density, truth) / (high - low) * (0.25 if follows else 1.0)
    arrival = msgspec.structs.replace(_arrival(p), slowness_sd_s_km=sd)
    found = identify(arrival).probability
    for name, value in weight.items():
        assert found[name] == pytest.approx(value / sum(weight.values()), abs=2e-4)


def test_a_table_is_read_station_by_station() -> None:
    here, late = _arrival(0.123, 0.0, "p"), _arrival(0.285, 120.0, "s")
    other = msgspec.structs.replace(late, id="o", station="ELSE")
    led, alone, first = read_station([late, other, here])
    assert (led.after, alone.after, first.after) == ("p", "", "")
    assert led.ranked[0] == "Lg"
    assert read_station([late, here], earlier_s=60.0)[0].after == ""


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


def test_the_command_names_each_arrival(tmp_path: Path) -> None:
    table = tmp_path / "arrivals.csv"
    table.write_text(
        "station,time,slowness_s_km,slowness_sd_s_km\nMKAR,0,0.123,0.008\nMKAR,120,0.285,0.008\n"
    )
    ran = CliRunner().invoke(app, ["identify", str(table), "--json"])
    assert ran.exit_code == 0
    assert json.loads(ran.stdout)["a2"]["after"] == "a1"
