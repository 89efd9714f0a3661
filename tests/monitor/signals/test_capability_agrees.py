"""Detection probability at a real array's geometry against the capability model of part one."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from detente.monitor.arraygain import array_gain
from detente.monitor.capability import Settings
from detente.monitor.signals.detect import detect
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.signals.synthetic import EPOCH, Planted, band_rms, make_day, noise, plant
from detente.monitor.stations import ims

HZ, RATE, EVERY_S = 1.5, 20.0, 75.0
OCTAVE = (HZ / np.sqrt(2), HZ * np.sqrt(2))


def test_detection_probability_falls_as_the_capability_model_says() -> None:
    # signals of falling size, their log10 amplitude scattered as the model's; the model: Phi(log10(snr / 3.5) / sd),
    # snr the beam's zero-to-peak over rms in an octave. Levels come from model noise at this geometry.
    model = Settings()
    mkar = next(s for s in ims() if s.code == "MKAR")
    places = np.array(mkar.offsets)
    places = places[np.hypot(*(places - np.median(places, axis=0)).T) < 3.0]  # the short-period elements
    rng = np.random.default_rng(41)
    rms = float(
        np.mean([band_rms(x, RATE, OCTAVE) for x in noise(places, rng, seconds=1800.0, rate_hz=RATE)])
    )
    gain = float(array_gain(mkar, np.array([HZ]))[0])
    nominal = np.repeat(np.linspace(-0.2, 1.3, 11), 11)
    rng.shuffle(nominal)
    day = make_day(
        seed=42, seconds=EVERY_S * (len(nominal) + 3), rate_hz=RATE, offsets_km=places, events=[], glitches=0
    )
    times = EPOCH + 150 + EVERY_S * np.arange(len(nominal))
    for k, (t, size) in enumerate(zip(times, nominal, strict=True)):
        what = Planted(event=k, phase="P", time=float(t), backazimuth_deg=float(rng.uniform(0, 360)), snr=0.0,
                       slowness_s_km=0.06, frequency_hz=HZ, length_s=2.5)  # fmt: skip
        peak = 10 ** (size + model.sd * rng.standard_normal()) * rms / gain
        plant(day.panel.samples, EPOCH, RATE, day.panel.offsets_km, what, peak, rng)
    bands = ((0.75, 2.0), (1.0, 3.0), (1.5, 4.0), (2.0, 5.0), (3.0, 7.0))
    found = np.array([a.time for a in detect(day.traces(), day.array(), DetectSettings(bands_hz=bands))])
    hit = np.array([bool(((found > t - 3) & (found < t + 6)).any()) for t in times])
    centres = np.linspace(-0.3, 0.6, 181)
    likelihood = [
        np.log(np.clip(ndtr((nominal - c) / model.sd * np.where(hit, 1, -1)), 1e-6, 1)).sum() for c in centres
    ]
    half = float(centres[int(np.argmax(likelihood))]) if 0.0 < np.mean(hit) < 1.0 else np.nan
    sd = 1.4 * model.sd / np.sqrt(len(nominal) / 3)
    # the model's 50 % point is log10 3.5 = 0.54; within 0.2 magnitude units and the error of this many signals
    assert abs(half - np.log10(model.snr)) < 0.2 + sd, half
    curve = ndtr((nominal - half) / model.sd)
    low, high = curve < 0.3, curve > 0.7
    assert abs(hit[low].mean() - curve[low].mean()) < 0.2
    assert abs(hit[high].mean() - curve[high].mean()) < 0.12
