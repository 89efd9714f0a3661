"""A gain that is wrong by a thousand is told; real records with their own responses are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detente.monitor.waves import response
from detente.monitor.waves.level import units
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
    found = units(ground(10.0), Responses({"XX.A..BHZ": (flat,)}))
    assert [f.kind for f in found] == (["units"] if told else [])


def test_real_records_with_their_own_responses_are_in_order(waveforms: Path) -> None:
    folder = waveforms / "dprk/2013-02-12"
    recording, held = read(folder), response.load(folder)
    assert units(recording, held) == ()
    wrong = {
        name: tuple(
            response.Response(r.channel, lambda f, r=r: 1e-6 * r.counts_per_metre(f), r.start, r.end)
            for r in epochs
        )
        for name, epochs in held.by_channel.items()
    }
    told = {f.channel for f in units(recording, Responses(wrong))}
    assert told == {t.id for t in recording.traces}
