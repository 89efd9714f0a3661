"""A gain that is wrong by a thousand is told; real records with their own responses are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from detente.monitor.waves import response
from detente.monitor.waves.level import faults
from detente.monitor.waves.read import read
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Recording, Trace


def ground(rms_nm: float) -> Recording:
    """White displacement, in counts of a sensor of 1 count/nm."""
    x = np.random.default_rng(4).normal(0, rms_nm, 20 * 400)
    return Recording((Trace("XX", "A", "", "BHZ", 0, 20.0, x.astype(np.float32)),))


@pytest.mark.parametrize(
    ("gain", "told"), [(1.0, False), (30.0, False), (0.03, False), (1e6, True), (1e-5, True)]
)
def test_a_gain_off_by_orders_is_told(gain: float, told: bool) -> None:
    flat = response.flat("XX.A..BHZ", 1.0 / gain, to="displacement")
    found = faults(ground(10.0).traces, Responses({"XX.A..BHZ": (flat,)}))
    assert [f.kind for f in found] == (["units"] if told else [])


def test_real_records_with_their_own_responses_are_in_order(waveforms: Path) -> None:
    folder = waveforms / "dprk/2013-02-12"
    recording, held = read(folder), response.load(folder)
    assert faults(recording.traces, held) == ()
    wrong = {
        name: tuple(
            response.Response(r.channel, lambda f, r=r: 1e-6 * r.counts_per_metre(f), r.start, r.end)
            for r in epochs
        )
        for name, epochs in held.by_channel.items()
    }
    told = {f.channel for f in faults(recording.traces, Responses(wrong))}
    assert told == {t.id for t in recording.traces}


SENSORS = [
    ("BHZ", 1, False),
    ("BHZ", 2, True),
    ("HNZ", 2, False),
    ("HNZ", 1, True),
    ("SLZ", 2, True),
    ("BDF", 2, False),
]


@pytest.mark.parametrize(("code", "power", "told"), SENSORS)
def test_a_code_that_names_another_sensor_is_told(code: str, power: int, told: bool) -> None:
    """Quiet ground as a sensor of the power would write it; the name alone decides."""
    name = f"XX.A..{code}"
    answer = response.Response(name, lambda f: 1e9 * (2j * np.pi * f) ** power)
    trace = ground(10.0).traces[0]
    f = np.fft.rfftfreq(trace.samples.size, 0.05)
    written = np.fft.irfft(np.fft.rfft(trace.samples) * (2 * np.pi * f) ** power, trace.samples.size)
    trace = structs.replace(trace, channel=code, samples=written.astype(np.float32))
    found = faults([trace], Responses({name: (answer,)}))
    assert ["a wrong unit" in x.detail and "code" in x.detail for x in found] == ([True] if told else [])


def test_a_day_that_is_dead_for_its_first_hours_has_its_own_gain() -> None:
    """Of a long record one piece that is not of this Earth says nothing of the gain."""
    flat = response.flat("XX.A..BHZ", 1.0, to="displacement")
    x = np.random.default_rng(5).normal(0, 10.0, 20 * 7200).astype(np.float32)
    x[: 20 * 3000] = 0.0
    held = Responses({"XX.A..BHZ": (flat,)})
    assert faults([Trace("XX", "A", "", "BHZ", 0, 20.0, x)], held) == ()
    (one,) = faults([Trace("XX", "A", "", "BHZ", 0, 20.0, x * np.float32(1e6))], held)
    assert one.kind == "units"
