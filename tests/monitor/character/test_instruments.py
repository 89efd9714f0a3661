"""What instruments do to screening: unknown ones, other kinds, wrong gains, channels that clip."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detente.monitor.bulletin.records import Event
from detente.monitor.character.criteria import p_over_s
from detente.monitor.character.magnitudes import body_wave, measure
from detente.monitor.character.near import stations
from detente.monitor.character.screen import screen
from detente.monitor.waves.health import check
from detente.monitor.waves.response import Response, Responses, flat
from detente.monitor.waves.trace import Array, Recording
from tests.monitor.character import _scene as scene

PLACES = [(10.0, 3.0), (100.0, 4.0), (200.0, 5.0), (300.0, 4.5), (60.0, 5.5)]


def _screened(p: float, s: float, *, known: bool) -> Event:
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=p, s=s, components="ZNE")
    responses = scene.instruments(arrays, "ZNE") if known else Responses({})
    return screen(measure(found, recording, responses, arrays), recording, arrays)


def test_without_a_response_nothing_is_called_an_explosion():
    """A collapse may have an explosion's P/S: what shows it is Ms:mb, which nobody has without responses."""
    told = _screened(100, 20, known=False).screening
    assert told is not None and told.p_explosion is not None
    assert told.verdict == "cannot be screened" and told.p_explosion > 0.5
    assert "no magnitude" in told.why or "ambiguous" in told.why
    [ps] = [c for c in told.criteria if c.name == "P/S"]
    assert "response not known" in ps.why


def test_without_a_response_an_earthquake_may_be_told():
    told = _screened(20, 100, known=False).screening
    assert told is not None and told.verdict == "earthquake-like"


def test_an_unknown_instrument_makes_the_ratio_say_less():
    for p, s in ((100, 30), (30, 60)):
        sure, blind = (_screened(p, s, known=k).screening for k in (True, False))
        assert sure is not None and blind is not None
        ours, theirs = (
            next(c.log10_ratio for c in told.criteria if c.name == "P/S") for told in (sure, blind)
        )
        assert abs(theirs) < abs(ours) and np.sign(ours) == np.sign(theirs)


def _as_acceleration(recording: Recording) -> Recording:
    """The same ground, in nm, as an accelerometer of a count for each nm/s^2 would write it."""
    made = []
    for t in recording.traces:
        n = t.samples.size
        w = 2 * np.pi * np.fft.rfftfreq(n, 1 / t.rate_hz)
        x = np.fft.irfft(-(w**2) * np.fft.rfft(t.samples.astype(float)), n)
        made.append(msgspec.structs.replace(t, samples=x.astype(np.float32)))
    return msgspec.structs.replace(recording, traces=tuple(made))


def test_an_accelerometer_with_its_response_says_what_a_seismometer_does():
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    ground = scene.recording(found, arrays, p=100, s=40)
    ours = measure(found, ground, scene.instruments(arrays), arrays)
    ids = [t.id for t in ground.traces]
    accelerometers = Responses(
        {k: (Response(k, lambda f: -1e9 * (2 * np.pi * f) ** 2 + 0j, source="made"),) for k in ids}
    )
    theirs = measure(found, _as_acceleration(ground), accelerometers, arrays)
    a, b = body_wave(ours), body_wave(theirs)
    assert a is not None and b is not None
    assert a.value == pytest.approx(b.value, abs=0.1)


def test_one_gain_a_thousandfold_wrong_moves_the_network_little():
    arrays = scene.stations(PLACES)
    found = scene.event(arrays)
    recording = scene.recording(found, arrays, p=100, s=20)
    right, held = scene.instruments(arrays), scene.instruments(arrays).by_channel
    wrong = Responses({**held, "XX.S0..BHZ": (flat("XX.S0..BHZ", 1000.0, to="displacement"),)})
    a, b = (body_wave(measure(found, recording, r, arrays)) for r in (right, wrong))
    assert a is not None and b is not None
    assert {s.station: s.value for s in b.stations}["S0"] - a.value == pytest.approx(3.0, abs=0.5)
    assert abs(b.value - a.value) < 0.25


def _clipped(recording: Recording, station: str, most: float) -> Recording:
    traces = tuple(
        msgspec.structs.replace(t, samples=np.clip(t.samples, -most, most)) if t.station == station else t
        for t in recording.traces
    )
    return check(Recording(traces), now=scene.TIME + 1e6)


def test_a_clipped_channel_is_left_out():
    """S cut at the digitiser's end would make a quake's P/S an explosion's."""
    arrays: dict[str, Array] = scene.stations(PLACES)
    found = scene.event(arrays)
    whole = scene.recording(found, arrays, p=100, s=400, noise=1)
    cut = _clipped(whole, "S1", 60.0)
    assert {f.kind for f in cut.faults} == {"clipped"}
    assert {s.path.station for s in stations(found, cut, arrays)} == set(arrays) - {"S1"}
    told = p_over_s(found, stations(found, cut, arrays))
    assert "S1" not in told.stations
    loud_before = msgspec.structs.replace(
        cut,
        faults=tuple(msgspec.structs.replace(f, start=f.start - 9e3, end=f.end - 9e3) for f in cut.faults),
    )
    assert "S1" in {s.path.station for s in stations(found, loud_before, arrays)}
