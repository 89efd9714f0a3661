"""Responses against obspy's and evalresp's, and a known ground motion recovered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.waves import response
from detente.monitor.waves.sacpz import read_sacpz
from detente.monitor.waves.trace import Recording, Trace

STS1 = """* NETWORK   (KNETWK): IC
* STATION    (KSTNM): MDJ
* LOCATION   (KHOLE): 00
* CHANNEL   (KCMPNM): BHZ
* START             : 1999-05-18T08:35:00
* END               : 2010-10-19T00:00:00
* LATITUDE          : 44.617000
* LONGITUDE         : 129.590800
* INPUT UNIT        : M
* SENSITIVITY       : 9.193910e+08 (M/S)
* A0                : 3.948580e+03
ZEROS	3
	+0.0	+0.0
	+0.0	+0.0
POLES	4
	-1.234000e-02	+1.234000e-02
	-1.234000e-02	-1.234000e-02
	-3.918000e+01	+4.912000e+01
	-3.918000e+01	-4.912000e+01
CONSTANT	3.630289e+12
"""


def test_poles_and_zeros_give_the_stated_sensitivity() -> None:
    (block,) = read_sacpz(STS1.encode(), "x")
    made = response.from_polezero(block)
    # in the flat part the velocity sensitivity is the stated one: displacement has 2 pi f more
    assert made.gain(0.1) * 1e9 / (2 * np.pi * 0.1) == pytest.approx(9.19391e8, rel=0.02)
    assert block.site is not None
    assert block.site.lat == 44.617


def test_a_known_motion_comes_back_in_nanometres() -> None:
    (block,) = read_sacpz(STS1.encode(), "x")
    made = response.from_polezero(block)
    rate, n, f = 20.0, 12_000, 1.25
    t = np.arange(n) / rate
    envelope = np.exp(-(((t - 300) / 40) ** 2))
    ground_nm = 137.0 * envelope * np.sin(2 * np.pi * f * t)
    gain = complex(made.counts_per_metre(np.array([f]))[0]) * 1e-9
    counts = 137.0 * envelope * np.imag(gain * np.exp(2j * np.pi * f * t)) + 5000.0
    trace = Trace("IC", "MDJ", "00", "BHZ", 0, rate, counts.astype(np.float32))
    moved = made.to_displacement_nm(trace, (0.5, 4.0))
    assert moved.unit == "nm"
    assert moved.start_ns == trace.start_ns
    assert np.abs(moved.samples - ground_nm).max() < 1.0  # 1 % of 137 nm; the envelope is not one frequency


def test_velocity_in_metres_a_second_needs_no_response() -> None:
    rate, f = 20.0, 1.0
    t = np.arange(8000) / rate
    velocity = 2 * np.pi * f * 50e-9 * np.cos(2 * np.pi * f * t) * np.hanning(8000)
    trace = Trace("", "A", "", "BHZ", 0, rate, velocity.astype(np.float32), "m/s")
    moved = response.flat("x", 1.0).to_displacement_nm(trace, (0.3, 3.0))
    assert np.abs(moved.samples - 50 * np.sin(2 * np.pi * f * t) * np.hanning(8000)).max() < 0.5


def test_a_calibration_in_one_number() -> None:
    made = response.flat("IM.MK01..SHZ", 0.01226, 1.0)  # a velocity sensor, nm/count at 1 Hz
    assert made.gain(1.0) == pytest.approx(1 / 0.01226)
    assert made.gain(2.0) == pytest.approx(2 / 0.01226)
    assert response.flat("x", 2.0, to="displacement").gain(7.0) == pytest.approx(0.5)
    with pytest.raises(DetenteError):
        response.flat("x", 0.0)


def test_stationxml_as_evalresp_gives_it_and_a_gain_told_twice_is_a_fault(waveforms: Path) -> None:
    import obspy

    folder = waveforms / "nnsn/RESPONSES"
    held = response.load(folder)
    frequencies = np.array([0.5, 1.0, 3.0, 8.0])
    inventory = obspy.read_inventory(str(folder / "ASK1.xml"))
    theirs = inventory[0][0][0].response.get_evalresp_response_for_frequencies(frequencies, output="DISP")
    ours = held.by_channel["NS.ASK1.00.SHZ"][0].counts_per_metre(frequencies)
    assert np.allclose(ours, theirs, rtol=1e-6)
    bad = {f.channel for f in held.faults if f.kind == "units"}
    # the second and third stage of these both carry the digitiser's gain
    assert bad == {f"IU.{s}.10.{c}" for s in ("KBS", "KONO") for c in ("BH1", "BH2", "BHZ")}


def test_a_pole_zero_file_agrees_with_obspy(waveforms: Path) -> None:
    import obspy
    from obspy.io.sac.sacpz import attach_paz

    path = waveforms / "dprk/2009-05-25/SACPZ.IC.MDJ.00.BHZ"
    trace = obspy.Trace()
    attach_paz(trace, str(path))
    paz = trace.stats.paz
    f = np.array([0.5, 1.0, 4.0])
    s = 2j * np.pi * f
    theirs = paz.gain * paz.sensitivity if "sensitivity" in paz else paz.gain
    answer = (
        theirs * np.prod(s[:, None] - np.array(paz.zeros), 1) / np.prod(s[:, None] - np.array(paz.poles), 1)
    )
    (ours,) = response.load(path).by_channel["IC.MDJ.00.BHZ"]
    assert np.allclose(np.abs(ours.counts_per_metre(f)), np.abs(answer), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (("CONSTANT\t3.630289e+12", "CONSTANT\t3.630289e+09"), "units"),
        (("CONSTANT\t3.630289e+12", "CONSTANT nan"), "no response"),
        (("INPUT UNIT        : M", "INPUT UNIT        : K"), "no response"),
        (("POLES\t4", "POLES\t3"), "no response"),
        (("ZEROS\t3", "ZEROS\t1e9"), "no response"),
    ],
)
def test_a_wrong_pole_zero_file_is_a_fault(tmp_path: Path, change: tuple[str, str], kind: str) -> None:
    path = tmp_path / "SACPZ.X"
    assert change[0] in STS1
    path.write_text(STS1.replace(*change))
    held = response.load(path)
    assert [f.kind for f in held.faults] == [kind]


def test_a_channel_without_a_response_is_told(tmp_path: Path) -> None:
    path = tmp_path / "SACPZ.X"
    path.write_text(STS1)
    held = response.load(path)
    x = np.zeros(10, np.float32)
    old = Trace("IC", "MDJ", "00", "BHZ", 0, 20.0, x)  # 1970, before the file's epoch
    fit = Trace("IC", "MDJ", "00", "BHZ", 1_200_000_000 * 10**9, 20.0, x)
    bare = Trace("", "MDJ", "", "BHZ", 1_200_000_000 * 10**9, 20.0, x)
    other = Trace("IC", "BJT", "00", "BHZ", 1_200_000_000 * 10**9, 20.0, x, "m")
    assert held.find(fit) is not None
    assert held.find(bare) is not None
    assert held.find(old) is None
    assert [f.kind for f in held.missing(Recording((fit, old, other)))] == ["no response"]
    with pytest.raises(DetenteError, match="band"):
        held.find(fit).to_displacement_nm(fit, (1.0, 30.0))  # type: ignore[union-attr]
