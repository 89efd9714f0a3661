"""Amplitude readings on waves of known size."""

from __future__ import annotations

import numpy as np
import pytest

from detente.monitor.character.ground import displacement, one_instrument, swing
from detente.monitor.character.shape import complexity, first_motion
from detente.monitor.waves.response import flat
from detente.monitor.waves.trace import NS, Trace

RATE = 40.0


def _trace(x: np.ndarray, **names: str) -> Trace:
    return Trace(
        "XX", "A", names.get("location", ""), names.get("channel", "BHZ"), 0, RATE, x.astype(np.float32)
    )


@pytest.mark.parametrize("frequency", [0.9, 1.0, 2.0, 4.0])
def test_a_sine_gives_its_amplitude_and_period_at_any_frequency_of_the_band(frequency):
    t = np.arange(int(200 * RATE)) / RATE
    x = np.where(t > 120, 50 * np.sin(2 * np.pi * frequency * t), 0.0)
    x += 0.01 * np.random.default_rng(1).normal(size=t.size)
    trace = _trace(x)
    ground = displacement(trace, flat(trace.id, 1.0, to="displacement"), (0.8, 4.5))
    read = swing(ground, trace, (0.8, 4.5), (140.0, 145.5), (60.0, 117.0))
    assert read.amplitude_nm == pytest.approx(50, rel=0.06)
    assert read.period_s == pytest.approx(1 / frequency, rel=0.12)
    assert read.snr > 50


def test_a_window_that_is_not_recorded_gives_nothing():
    trace = _trace(np.random.default_rng(1).normal(size=4000))
    ground = trace.samples.astype(float)
    assert swing(ground, trace, (0.8, 4.5), (98.0, 104.0), (10.0, 60.0)) is None


def test_one_sensor_of_several():
    a, b = (_trace(np.zeros(10), location=loc) for loc in ("10", "00"))
    assert one_instrument([a, b]) is b
    assert one_instrument([_trace(np.zeros(10), channel="BHN")]) is None


@pytest.mark.parametrize("sign", [1, -1])
def test_first_motion_of_a_clear_onset(sign):
    rng = np.random.default_rng(2)
    t = np.arange(int(80 * RATE)) / RATE
    push = np.where(t > 50, np.sin(2 * np.pi * 2 * (t - 50)) * np.exp(-(t - 50)), 0.0)
    trace = _trace(rng.normal(size=t.size) + sign * 500 * push)
    assert first_motion(trace, 50.1) == ("up" if sign > 0 else "down")


def test_no_first_motion_in_noise_or_off_the_record():
    rng = np.random.default_rng(3)
    trace = _trace(rng.normal(size=int(80 * RATE)))
    assert first_motion(trace, 50.0) == ""
    assert first_motion(trace, 79.5) == ""


def test_complexity_is_the_power_of_the_coda():
    rng = np.random.default_rng(5)
    t = np.arange(int(120 * RATE)) / RATE
    size = np.where(t > 60, np.where(t < 65, 100.0, 30.0), 1.0)
    trace = _trace(rng.normal(size=t.size) * size)
    assert complexity(trace, 60.0) == pytest.approx(np.log10(0.09), abs=0.15)
    assert trace.start_ns / NS == 0
