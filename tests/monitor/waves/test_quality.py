"""Channel quality: gaps counted by hand, noise against the analytic density of white ground and obspy's PPSD."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.monitor.waves.quality import noise, quality
from detente.monitor.waves.response import Responses, flat
from detente.monitor.waves.trace import NS, Fault, Recording, Trace

RATE = 40.0


def white(
    counts: float, seconds: float = 1800.0, start: float = 1_600_000_000.0, channel: str = "BHZ"
) -> Trace:
    x = np.random.default_rng(9).normal(0, counts, round(seconds * RATE)).astype(np.float32)
    return Trace("XX", "AAA", "", channel, round(start * NS), RATE, x)


def test_white_ground_has_its_analytic_density() -> None:
    """sigma^2 over the Nyquist band, as acceleration: + 40 log10(2 pi f); octave means of f^4 done by quadrature."""
    sensor = flat("XX.AAA..BHZ", 1.0, to="displacement")  # nm a count
    found = {n.frequency_hz: n for n in noise(white(100.0, 14400.0), sensor)}
    density = (100.0 / 1e9) ** 2 / (RATE / 2)
    assert set(found) == {0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0}
    for centre, seen in found.items():
        f = np.linspace(centre / np.sqrt(2), centre * np.sqrt(2), 2000)
        want = 10 * np.log10(density * np.mean((2 * np.pi * f) ** 4))
        assert seen.db == pytest.approx(want, abs=1.2 if centre < 0.2 else 0.6)  # few bins at the lowest


def test_noise_is_obspys_ppsd() -> None:
    from obspy import Trace as Foreign
    from obspy import UTCDateTime
    from obspy.signal import PPSD

    own = white(100.0)
    head = {"network": "XX", "station": "AAA", "channel": "BHZ", "sampling_rate": RATE,
            "starttime": UTCDateTime(own.start)}  # fmt: skip
    paz = {"gain": 1.0, "sensitivity": 1e9 / (2 * np.pi), "poles": [], "zeros": []}  # 1 nm a count at 1 Hz
    theirs = PPSD(Foreign(own.samples.astype(float), head).stats, metadata=paz, ppsd_length=600.0)
    theirs.add(Foreign(own.samples.astype(float), head))
    period, db = theirs.get_mode()
    for n in noise(own, flat("XX.AAA..BHZ", 1.0, to="velocity")):
        if n.frequency_hz >= 0.25:
            assert n.db == pytest.approx(
                float(np.interp(n.frequency_hz, 1 / period[::-1], db[::-1])), abs=2.0
            )


def test_availability_and_gaps_are_those_made() -> None:
    whole = white(10.0, 600.0)
    holed = [
        white(10.0, 600.0, channel="BHN").cut(whole.start + a, whole.start + b)
        for a, b in ((60, 200), (350, 600))
    ]
    told = Fault(channel="XX.AAA..BHN", kind="gap", start=0, end=1)
    n, z = quality(Recording((whole, *holed), (told,)), Responses({}))
    assert (z.channel, z.pieces, z.available, z.longest_gap_s) == ("XX.AAA..BHZ", 1, 1.0, 0.0)
    assert (n.pieces, n.faults) == (2, 1)
    assert n.available == pytest.approx(390 / 600, abs=1e-3) and n.longest_gap_s == pytest.approx(
        150, abs=0.1
    )
    assert z.rms == pytest.approx(10.0, rel=0.02) and z.noise == ()
    assert quality(Recording(), Responses({})) == ()


def test_a_record_too_short_or_without_motion_has_no_noise() -> None:
    assert noise(white(1.0, 60.0), flat("XX.AAA..BHZ", 1.0, to="displacement")) == ()


def test_the_command_on_real_records(waveforms: Path) -> None:
    done = CliRunner().invoke(app, ["quality", str(waveforms / "dprk/2013-02-12"), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert len(found) == 33 and sum(bool(q["noise"]) for q in found) >= 20
    fractions = [n["fraction"] for q in found for n in q["noise"] if n["frequency_hz"] == 0.25]
    assert -0.1 < np.median(fractions) < 1.1  # an earthly microseism, though an explosion is in every record
