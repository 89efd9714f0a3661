"""A made-up day at an array: noise between the standard models, glitches, and signals at known times."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.geo import KM_PER_DEG
from detente.monitor.noise import models
from detente.monitor.signals.gather import Panel
from detente.monitor.waves.trace import NS, Array, Site, Trace

Float = NDArray[np.float64]

DAY_S = 86400.0
EPOCH = 1_600_000_000.0  # s UTC of the first sample: any day
WAVES = 8  # plane surface waves that make up the coherent noise
WAVE_SPEED_KM_S = 3.0
COHERENT_BELOW_HZ = 1.0
SNR_BAND_HZ = (1.0, 4.0)


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """A signal put into the day: `time` (s UTC) at the phase centre, `snr` of one sensor, see `plant`."""

    event: int
    phase: str
    time: float
    backazimuth_deg: float
    slowness_s_km: float
    snr: float
    frequency_hz: float
    length_s: float
    first: bool = True


class Day(msgspec.Struct, frozen=True, eq=False):
    """The samples, nm/s of ground velocity, and what was put into them; `noise_rms` in SNR_BAND_HZ."""

    panel: Panel
    planted: tuple[Planted, ...]
    glitches: Float
    noise_rms: float
    seed: int

    def array(self) -> Array:
        """The array as detectors want it, near 0 N 0 E."""
        place = self.panel.offsets_km / KM_PER_DEG
        sites = [
            Site(code=c.split(".")[1], lat=float(y), lon=float(x))
            for c, (x, y) in zip(self.panel.codes, place, strict=True)
        ]
        return Array(code=self.panel.station, sites=tuple(sites))

    def traces(self) -> tuple[Trace, ...]:
        """One trace a channel."""
        out = []
        for code, row in zip(self.panel.codes, self.panel.samples, strict=True):
            network, station, location, channel = code.split(".")
            out.append(
                Trace(network, station, location, channel, self.panel.start_ns, self.panel.rate_hz, row)
            )
        return tuple(out)


def rings(radii_km: Sequence[float] = (0.7, 2.0), counts: Sequence[int] = (3, 5)) -> Float:
    """(element, 2) km east and north: one at the centre, then rings, as small arrays are laid out."""
    places = [np.zeros((1, 2))]
    for k, (radius, count) in enumerate(zip(radii_km, counts, strict=True)):
        angle = 2 * np.pi * (np.arange(count) / count + 0.09 * k)
        places.append(radius * np.column_stack([np.sin(angle), np.cos(angle)]))
    found = np.concatenate(places)
    return np.asarray(found - found.mean(axis=0))


def noise(
    offsets_km: Float, rng: np.random.Generator, *, seconds: float, rate_hz: float, level: float = 0.5
) -> NDArray[np.float32]:
    """(channel, n) nm/s of Gaussian noise at `level` of the way, in dB, from the low to the high noise model.

    Below COHERENT_BELOW_HZ it is made of plane surface waves that all channels share; above, each has its own.
    Source of the models: Peterson 1993, see detente.monitor.noise.
    """
    from scipy.fft import irfft, next_fast_len, rfftfreq

    n = round(seconds * rate_hz)
    size = next_fast_len(n + round(20 * rate_hz), real=True)
    f = rfftfreq(size, 1 / rate_hz)
    known, low, high = models()
    inside = np.clip(f, known.min(), known.max())
    order = np.argsort(known)
    x = np.log(known[order])
    db = np.interp(np.log(inside), x, ((1 - level) * low + level * high)[order])
    omega = 2 * np.pi * np.maximum(f, 0.02)
    shape = np.sqrt(10 ** (db / 10) * rate_hz * size / 2) / omega * 1e9 * (f > 0.02)
    shared = 1 / (1 + (f / COHERENT_BELOW_HZ) ** 8)
    cut = int(np.searchsorted(f, 3 * COHERENT_BELOW_HZ))

    def white(k: int) -> NDArray[np.complex64]:
        pair = rng.standard_normal((2, k), np.float32)
        return np.asarray(pair[0] + 1j * pair[1], np.complex64)

    waves = [white(cut) for _ in range(WAVES)]
    angles = rng.uniform(0, 2 * np.pi, WAVES)
    out = np.empty((len(offsets_km), n), np.float32)
    own, common = (shape * np.sqrt((1 - shared) / 2)).astype(np.float32), shape * np.sqrt(shared / 2 / WAVES)
    for c, (east, north) in enumerate(offsets_km):
        spectrum = white(f.size) * own
        for wave, angle in zip(waves, angles, strict=True):
            ahead = (np.sin(angle) * east + np.cos(angle) * north) / WAVE_SPEED_KM_S
            spectrum[:cut] += wave * common[:cut] * np.exp(2j * np.pi * f[:cut] * ahead)
        out[c] = irfft(spectrum, size, overwrite_x=True)[:n]
    return out


def band_rms(
    samples: NDArray[np.floating], rate_hz: float, band_hz: tuple[float, float] = SNR_BAND_HZ
) -> float:
    """Root-mean-square of the samples in the band (Butterworth, order 4, both ways)."""
    from scipy.signal import butter, sosfiltfilt

    sos = butter(4, band_hz, "bandpass", fs=rate_hz, output="sos")
    return float(np.sqrt((sosfiltfilt(sos, samples.astype(np.float64)) ** 2).mean()))


def plant(
    samples: NDArray[np.float32], start: float, rate_hz: float, offsets_km: Float, what: Planted, peak: float,
    rng: np.random.Generator, *, scatter: float = 0.1,
) -> None:  # fmt: skip
    """Add a plane wave that begins at `what.time` at the phase centre.

    Noise of a band about `frequency_hz` under a quick rise and an exponential fall of `length_s`, scaled so that
    its zero-to-peak within SNR_BAND_HZ is `peak`; amplitudes differ between sensors by `scatter`.
    """
    from scipy.signal import butter, sosfilt, sosfiltfilt

    s = what.slowness_s_km * np.array(
        [np.sin(np.radians(what.backazimuth_deg)), np.cos(np.radians(what.backazimuth_deg))]
    )
    t = np.arange(round((6 * what.length_s + 4) * rate_hz)) / rate_hz
    f = what.frequency_hz
    envelope = np.where(t > 0, (1 - np.exp(-t * f * 2)) * np.exp(-t / what.length_s), 0.0)
    source = envelope * np.concatenate([rng.standard_normal(1) + 2.0, rng.standard_normal(t.size - 1)])
    sos = butter(2, (0.6 * f, min(1.6 * f, 0.45 * rate_hz)), "bandpass", fs=rate_hz, output="sos")
    source = sosfilt(sos, source)
    seen = sosfiltfilt(butter(4, SNR_BAND_HZ, "bandpass", fs=rate_hz, output="sos"), source)
    source *= peak / np.abs(seen).max()
    from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

    size = next_fast_len(t.size + round(8 * rate_hz), real=True)
    spectrum, freq = rfft(source, size), rfftfreq(size, 1 / rate_hz)
    for c, place in enumerate(offsets_km):
        at = (what.time - start - float(place @ s)) * rate_hz
        first = int(np.floor(at))
        wave = irfft(spectrum * np.exp(-2j * np.pi * freq * (at - first) / rate_hz), size)
        gain = float(np.exp(scatter * rng.standard_normal()))
        a, b = max(0, first), min(samples.shape[1], first + size)
        if a < b:
            samples[c, a:b] += (gain * wave[a - first : b - first]).astype(np.float32)


def draw_events(
    rng: np.random.Generator, *, seconds: float, teleseismic: int = 140, regional: int = 60,
    snr: tuple[float, float] = (0.7, 30.0),
) -> list[Planted]:  # fmt: skip
    """Events at random times, at least 20 s from the ends; single-sensor SNR of the first P log-uniform."""
    events: list[Planted] = []
    spacing = (seconds - 400) / max(1, teleseismic + regional)
    slots = 20 + spacing * (np.arange(teleseismic + regional) + rng.uniform(0, 0.5, teleseismic + regional))
    kinds = rng.permutation(np.arange(teleseismic + regional) < teleseismic)
    for k, (time, far) in enumerate(zip(slots, kinds, strict=True)):
        size = float(np.exp(rng.uniform(np.log(snr[0]), np.log(snr[1]))))
        baz = float(rng.uniform(0, 360))
        if far:
            events.append(
                Planted(event=k, phase="P", time=EPOCH + time, backazimuth_deg=baz,
                        slowness_s_km=float(rng.uniform(0.04, 0.08)), snr=size,
                        frequency_hz=float(rng.uniform(1.0, 2.2)), length_s=float(rng.uniform(1.5, 6.0)))
            )  # fmt: skip
            continue
        km = float(rng.uniform(150, 900))
        for phase, speed, slow, gain, f in (
            ("Pn", 8.1, 0.123, 1.0, 3.0), ("Pg", 6.1, 0.164, 1.3, 2.5),
            ("Sn", 4.5, 0.222, 1.2, 2.0), ("Lg", 3.5, 0.286, 1.8, 1.6),
        ):  # fmt: skip
            events.append(
                Planted(event=k, phase=phase, time=EPOCH + time + km / speed - km / 8.1, backazimuth_deg=baz,
                        slowness_s_km=slow, snr=size * gain, frequency_hz=f, length_s=2.0 + km / 150.0,
                        first=phase == "Pn")
            )  # fmt: skip
    return events


def make_day(
    *, seed: int, seconds: float = DAY_S, rate_hz: float = 40.0, offsets_km: Float | None = None,
    events: Sequence[Planted] | None = None, glitches: int = 20, level: float = 0.5, station: str = "SYN",
) -> Day:  # fmt: skip
    """A day at an array of nine verticals (or `offsets_km`), with `events` or a random set of 200 a day.

    The signal-to-noise ratio of a signal is its zero-to-peak over the noise's root-mean-square, both in
    SNR_BAND_HZ at one sensor. Repeats bit for bit for the same `seed`.
    """
    rng = np.random.default_rng(seed)
    places = rings() if offsets_km is None else offsets_km
    samples = noise(places, rng, seconds=seconds, rate_hz=rate_hz, level=level)
    rms = float(np.mean([band_rms(row[: round(3600 * rate_hz)], rate_hz) for row in samples]))
    if events is None:
        share = seconds / DAY_S
        events = draw_events(rng, seconds=seconds, teleseismic=round(140 * share), regional=round(60 * share))
    for what in events:
        plant(samples, EPOCH, rate_hz, places, what, what.snr * rms, rng)
    when = np.sort(rng.uniform(0, seconds - 5, glitches))
    for t in when:
        first, c = int(t * rate_hz), int(rng.integers(len(places)))
        fall = np.exp(-np.arange(round(3 * rate_hz)) / (rng.uniform(0.02, 1.0) * rate_hz))
        samples[c, first : first + fall.size] += (rms * rng.uniform(10, 200) * fall).astype(np.float32)
    codes = tuple(f"XX.{station[:3]}{k:02d}..BHZ" for k in range(len(places)))
    panel = Panel(
        station,
        codes,
        round(EPOCH * NS),
        rate_hz,
        samples,
        np.zeros(len(places)),
        places - places.mean(axis=0),
    )
    return Day(panel, tuple(events), EPOCH + when, rms, seed)
