"""The f-k analysis against obspy, a slow reference, the laws of plane waves and Monte Carlo."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from detente.errors import DetenteError
from detente.monitor.signals import fk
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.synthetic import EPOCH, Planted, make_day, rings

RATE = 40.0


def _panel(samples: np.ndarray, places: np.ndarray, rate: float = RATE) -> Panel:
    n = len(places)
    return Panel("T", tuple(f"XX.T{k}..BHZ" for k in range(n)), 0, rate, samples.astype(np.float32), np.zeros(n),
                 places - places.mean(axis=0))  # fmt: skip


def _wave(
    places: np.ndarray, sx: float, sy: float, rng: np.random.Generator, n: int, rate: float = RATE
) -> np.ndarray:
    """A band-limited plane wave by exact delays in the frequency domain."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    f = np.fft.rfftfreq(n, 1 / rate)
    spectrum *= (f > 1.0) & (f < 4.0)
    ahead = places @ np.array([sx, sy])
    return np.fft.irfft(spectrum * np.exp(2j * np.pi * f * ahead[:, None]), n)


@pytest.mark.parametrize(
    "places", [rings(), rings((0.7, 2.0, 4.0), (3, 7, 9))[:14], rings()[:4]], ids=["9", "14", "4"]
)
def test_the_scan_finds_obspys_maximum_in_every_window(places: np.ndarray) -> None:
    from obspy import Stream, Trace, UTCDateTime
    from obspy.core import AttribDict
    from obspy.signal.array_analysis import array_processing

    rng = np.random.default_rng(5)
    samples = rng.standard_normal((len(places), 2400)) + 0.7 * _wave(places, 0.06, -0.1, rng, 2400)
    traces = []
    for k, row in enumerate(samples.astype(np.float32)):
        t = Trace(row.astype(float), {"sampling_rate": RATE, "starttime": UTCDateTime(0), "station": f"T{k}"})
        t.stats.coordinates = AttribDict(x=places[k, 0], y=places[k, 1], elevation=0.0)
        traces.append(t)
    theirs = array_processing(
        Stream(traces), 4.0, 0.5, -0.3, 0.3, -0.3, 0.3, 0.01, -1e9, -1e9, 1.0, 4.0, UTCDateTime(0),
        UTCDateTime(2399 / RATE), 0, coordsys="xy", timestamp="julsec", method=0,
    )  # fmt: skip
    ours = fk.scan(_panel(samples, places))
    n = len(theirs)
    assert n >= 27
    # obspy's back-azimuth is the direction its waves come from: the sign of the slowness vector is pinned here
    angle = np.radians(theirs[:, 3])
    np.testing.assert_allclose(ours.sx[:n], theirs[:, 4] * np.sin(angle), atol=1e-6)
    np.testing.assert_allclose(ours.sy[:n], theirs[:, 4] * np.cos(angle), atol=1e-6)
    np.testing.assert_allclose(ours.semblance[:n], theirs[:, 1], rtol=2e-5)


def test_the_scan_is_the_same_on_one_and_two_threads() -> None:
    import numba

    data = make_day(seed=3, seconds=900.0).panel
    before = numba.get_num_threads()
    try:
        found = []
        for threads in {1, min(2, before)}:
            numba.set_num_threads(threads)
            found.append(fk.scan(data))
    finally:
        numba.set_num_threads(before)
    assert all(
        np.array_equal(f.sx, found[0].sx) and np.array_equal(f.semblance, found[0].semblance) for f in found
    )


def test_windows_that_do_not_overlap_by_half_and_whitening_agree_with_the_slow_map() -> None:
    rng = np.random.default_rng(6)
    places = rings()
    data = _panel(rng.standard_normal((9, 1000)) + _wave(places, -0.05, 0.02, rng, 1000), places)
    data = msgspec.structs.replace(data, late_s=rng.uniform(-0.012, 0.012, 9))
    settings = fk.Settings(
        window_s=3.0, step_s=0.7, band_hz=(1.5, 5.0), limit_s_km=0.2, grid_s_km=0.02, whiten=True
    )
    ours = fk.scan(data, settings)
    axis = settings.axis()
    y, x = np.meshgrid(axis, axis, indexing="ij")
    for w in range(len(ours.sx)):
        X, f = fk.spectra(data.samples[:, w * 28 : w * 28 + 120], RATE, settings.band_hz)
        X = X * np.exp(-2j * np.pi * f * data.late_s[:, None])
        X /= np.sqrt((np.abs(X) ** 2).mean(axis=0))
        power = fk.beam_power(X, f, data.offsets_km, x.ravel(), y.ravel())
        k = power.argmax()
        assert (ours.sx[w], ours.sy[w]) == (x.ravel()[k], y.ravel()[k])
        assert ours.semblance[w] == pytest.approx(power[k] / 9 / (np.abs(X) ** 2).sum(), rel=1e-4)


def test_the_two_ways_to_the_map_agree() -> None:
    rng = np.random.default_rng(7)
    X = rng.standard_normal((6, 5)) + 1j * rng.standard_normal((6, 5))
    f, places, axis = np.linspace(1, 4, 5), rings()[:6], np.arange(-4, 5) * 0.05
    y, x = np.meshgrid(axis, axis, indexing="ij")
    np.testing.assert_allclose(
        fk.map_power(X, f, places, axis).ravel(),
        fk.beam_power(X, f, places, x.ravel(), y.ravel()),
        rtol=1e-10,
    )


def test_a_plane_wave_without_noise_is_found_between_the_grid_points() -> None:
    rng = np.random.default_rng(8)
    places = rings()
    data = _panel(_wave(places, 0.0637, -0.0213, rng, 400), places)
    for method, reach in (("bartlett", 0.0005), ("capon", 0.004)):  # Capon's stretches are a second long
        seen = fk.fk(data, None, 2.0, 7.0, method=method)
        assert seen.sx == pytest.approx(0.0637, abs=reach)
        assert seen.sy == pytest.approx(-0.0213, abs=reach)
        assert seen.semblance > 0.98
    assert seen.backazimuth_deg == pytest.approx(np.degrees(np.arctan2(0.0637, -0.0213)), abs=2.0)


@pytest.mark.parametrize("snr", [0.5, 1.0, 3.0])
def test_the_uncertainty_covers_the_truth_as_often_as_it_says(snr: float) -> None:
    # 90 % of the errors within the 90 % ellipse of two dimensions, chi-square 4.605; noise of unit variance a sensor
    rng = np.random.default_rng(9)
    places = rings()
    inside, trials = 0, 150
    for _ in range(trials):
        true = rng.uniform(-0.15, 0.15, 2)
        wave = _wave(places, *true, rng, 400)
        data = _panel(snr * wave / wave.std() + rng.standard_normal((9, 400)), places)
        seen = fk.fk(data, None, 3.0, 7.0)
        apart = np.array([seen.sx, seen.sy]) - true
        inside += apart @ np.linalg.solve(seen.covariance, apart) < 4.605
    assert 0.82 <= inside / trials <= 0.985


def test_capon_tells_two_waves_apart_that_bartlett_joins() -> None:
    rng = np.random.default_rng(10)
    places = rings((0.5, 1.2), (3, 5))
    one, two = _wave(places, 0.10, 0.0, rng, 4000), _wave(places, -0.06, 0.0, rng, 4000)
    data = _panel(one + two + 0.05 * rng.standard_normal((9, 4000)), places)
    settings = fk.Settings(band_hz=(1.5, 2.5))
    maps = {m: fk.fk(data, None, 0.0, 100.0, settings, method=m).map for m in ("bartlett", "capon")}
    axis = settings.axis()
    row = axis.size // 2
    at = [int(np.abs(axis - s).argmin()) for s in (-0.06, 0.02, 0.10)]
    dip = {m: min(p[row, at[0]], p[row, at[2]]) / p[row, at[1]] for m, p in maps.items()}
    assert dip["capon"] > 2.0 > dip["bartlett"]


def test_capon_against_the_definition() -> None:
    from detente.monitor.signals.capon import BLOCKS, LOADING, capon_map

    rng = np.random.default_rng(11)
    places, n = rings()[:5], 300
    samples = rng.standard_normal((5, n))
    settings = fk.Settings(limit_s_km=0.1, grid_s_km=0.05, band_hz=(1.0, 2.0))
    got = capon_map(samples, RATE, settings, places, np.zeros(5))
    length = 2 * n // (BLOCKS + 1)
    frames = [samples[:, k : k + length] for k in range(0, n - length + 1, length // 2)]
    X = np.stack([fk.spectra(f, RATE, settings.band_hz)[0] for f in frames], axis=1)
    f = fk.spectra(frames[0], RATE, settings.band_hz)[1]
    want, norm = np.zeros((5, 5)), 0.0
    for k, hz in enumerate(f):
        R = sum(np.outer(X[:, b, k], X[:, b, k].conj()) for b in range(len(frames))) / len(frames)
        level = np.trace(R).real / 5
        for j, sy in enumerate(settings.axis()):
            for i, sx in enumerate(settings.axis()):
                e = np.exp(2j * np.pi * hz * (places @ [sx, sy]))
                want[j, i] += 5 / (e.conj() @ np.linalg.inv(R + LOADING * level * np.eye(5)) @ e).real
        norm += 5 * (1 + LOADING) * level
    np.testing.assert_allclose(got, want / norm, rtol=1e-9)


def test_noise_weights_find_a_weak_signal_under_coherent_low_frequency_noise() -> None:
    event = Planted(event=0, phase="P", time=EPOCH + 200.0, backazimuth_deg=60.0, slowness_s_km=0.07, snr=3.0,
                    frequency_hz=2.0, length_s=3.0)  # fmt: skip
    day = make_day(seed=4, seconds=400.0, events=[event], glitches=0)
    window = (EPOCH + 199.5, EPOCH + 203.5)
    settings = fk.Settings(band_hz=(0.5, 4.0))
    plain = fk.fk(day.panel, None, *window, settings)
    weighed = fk.fk(day.panel, None, *window, settings, noise=(EPOCH + 150, EPOCH + 195))
    true = 0.07 * np.array([np.sin(np.radians(60)), np.cos(np.radians(60))])
    error = [np.hypot(s.sx - true[0], s.sy - true[1]) for s in (plain, weighed)]
    assert error[1] < 0.015 < error[0]


def test_what_cannot_be_analysed_is_said() -> None:
    rng = np.random.default_rng(12)
    places = rings()
    data = _panel(rng.standard_normal((9, 400)), places)
    with pytest.raises(DetenteError, match="elements"):
        fk.fk(data, None, 100.0, 104.0)
    line = _panel(rng.standard_normal((4, 400)), np.column_stack([np.arange(4.0), np.arange(4.0)]))
    with pytest.raises(DetenteError, match="one line"):
        fk.fk(line, None, 1.0, 5.0)
    with pytest.raises(DetenteError, match="frequency"):
        fk.fk(data, None, 1.0, 5.0, fk.Settings(band_hz=(25.0, 30.0)))
    dead = msgspec.structs.replace(
        data, samples=data.samples * (np.arange(9) < 2)[:, None].astype(np.float32)
    )
    with pytest.raises(DetenteError, match="2 elements"):
        fk.fk(dead, None, 1.0, 5.0)
