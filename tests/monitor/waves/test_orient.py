"""Reversed and swapped components are found where neighbours see the same ground, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from detente.monitor.waves import sites
from detente.monitor.waves.orient import orientation
from detente.monitor.waves.read import read
from detente.monitor.waves.trace import Array, Recording, Site, Trace

RATE, N = 20.0, 6000
ARRAY = Array(
    "ARR", tuple(Site(f"A{i}", 46.77 + 0.008 * np.cos(i), 82.3 + 0.01 * np.sin(i)) for i in range(6))
)


def ground(seed: int) -> np.ndarray:
    """Three components of a field that all elements see, delayed as by a P wave, with noise of their own."""
    rng = np.random.default_rng(seed)
    white = rng.normal(0, 1, (3, N + 40))
    kernel = np.hanning(15)
    return np.array([np.convolve(w, kernel, "same") for w in white])


def traces(parts: str = "ZNE", own: float = 0.3) -> dict[str, Trace]:
    field, rng = ground(1), np.random.default_rng(2)
    found = {}
    for site, (east, _) in zip(ARRAY.sites, ARRAY.offsets_km(), strict=True):
        delay = round(0.06 * east * RATE)
        for k, part in enumerate("ZNE"):
            if part in parts:
                x = field[k, 20 + delay : 20 + delay + N] + own * rng.normal(0, 1, N)
                found[f"{site.code}{part}"] = Trace(
                    "XX", site.code, "", f"BH{part}", 0, RATE, (300 * x).astype(np.float32)
                )
    return found


def faults(made: dict[str, Trace], array: Array = ARRAY) -> list[tuple[str, str]]:
    found = orientation(Recording(tuple(made.values())), {"ARR": array})
    return sorted((f.channel, f.kind) for f in found)


def test_an_array_that_is_right_has_no_fault() -> None:
    assert faults(traces()) == []
    assert faults(traces("Z")) == []


@pytest.mark.parametrize("part", ["Z", "E"])
def test_a_reversed_component_is_told(part: str) -> None:
    made = traces()
    key = f"A3{part}"
    made[key] = structs.replace(made[key], samples=-made[key].samples)
    assert faults(made) == [(f"XX.A3..BH{part}", "polarity")]


def test_swapped_components_are_told() -> None:
    made = traces()
    north, east = made["A2N"], made["A2E"]
    made["A2N"] = structs.replace(north, samples=east.samples)
    made["A2E"] = structs.replace(east, samples=north.samples)
    assert faults(made) == [("XX.A2..BHE", "swapped"), ("XX.A2..BHN", "swapped")]


def test_two_sensors_in_one_vault_tell_that_one_is_reversed() -> None:
    pair = Array("ARR", (ARRAY.sites[0],))
    first = traces()["A0Z"]
    second = structs.replace(first, location="10", samples=-2 * first.samples)
    found = orientation(Recording((first, second)), {"ARR": pair})
    assert [f.kind for f in found] == ["polarity", "polarity"]
    assert "one of them" in found[0].detail


def test_sensors_that_see_different_ground_say_nothing() -> None:
    made = traces("Z", own=30.0)
    made["A3Z"] = structs.replace(made["A3Z"], samples=-made["A3Z"].samples)
    assert faults(made) == []
    wide = Array("ARR", tuple(structs.replace(s, lat=s.lat + i) for i, s in enumerate(ARRAY.sites)))
    assert faults(traces(), wide) == []
    assert orientation(Recording(), {"ARR": ARRAY}) == ()


def test_noise_alone_is_never_called_reversed() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        made = {
            s.code: Trace("XX", s.code, "", "BHZ", 0, RATE, rng.normal(0, 1, N).astype(np.float32))
            for s in ARRAY.sites
        }
        assert faults(made) == []


def test_real_arrays_are_as_they_should_be_until_one_is_turned(waveforms: Path) -> None:
    arrays = sites.load(waveforms / "obspy_examples/array_yellowknife.xml")
    recording = read(waveforms / "obspy_examples/array_yellowknife_2012-08-14.mseed")
    assert orientation(recording, arrays) == ()
    turned = Recording(
        tuple(structs.replace(t, samples=-t.samples) if t.station == "YKR4" else t for t in recording.traces)
    )
    assert [f.channel for f in orientation(turned, arrays)] == ["CN.YKR4..SHZ"]
    folder = waveforms / "dprk/2013-02-12"
    assert orientation(read(folder), sites.load(folder)) == ()
