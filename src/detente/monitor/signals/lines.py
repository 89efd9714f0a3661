"""Machines hum: a signal that is one spectral line is no seismic phase."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

WIDTH_HZ = 0.3  # a line and its skirts; a seismic phase of a few seconds is several times as wide
SHARE = 0.8  # of the power gained in the band
HUM_RISE_S = 1.5  # a machine's hum and the filter's answer to it have risen by then
STEADY_S = 60.0  # stretches whose spectra tell a steady line
NOTCH_HZ = 0.1  # taken out about a steady line: it rings for three seconds


class Line(msgspec.Struct, frozen=True):
    """The strongest line of the window: its frequency and its share of the power that came with the signal."""

    frequency_hz: float
    share: float

    @property
    def is_line(self) -> bool:
        """Whether the signal is that line."""
        return self.share > SHARE


def line_test(
    x: NDArray[np.floating],
    rate_hz: float,
    at: float,
    band_hz: tuple[float, float],
    *,
    window_s: float = 10.0,
) -> Line:
    """How much of what is new after `at` (s) lies within WIDTH_HZ of one frequency.

    Power of the window after the onset less that of one as long before it (where it is more), Hann taper,
    over the band widened by half an octave. Ten seconds resolve 0.2 Hz, so a line holds nearly all; P and its coda,
    a process of bandwidth B, hold about WIDTH_HZ / B.
    """
    n = round(window_s * rate_hz)
    first = round(at * rate_hz)
    after = np.asarray(x[first : first + n], np.float64)
    before = np.asarray(x[max(0, first - n - n // 10) : max(0, first - n // 10)], np.float64)
    if after.size < n // 2:
        return Line(0.0, 0.0)
    size = 1 << (2 * n - 1).bit_length()
    frequency = np.fft.rfftfreq(size, 1 / rate_hz)
    use = (frequency > band_hz[0] / 1.4) & (frequency < band_hz[1] * 1.4)

    def power(y: NDArray[np.float64]) -> NDArray[np.float64]:
        if y.size < 8:
            return np.zeros(int(use.sum()))
        w = np.hanning(y.size)
        return np.asarray(np.abs(np.fft.rfft((y - y.mean()) * w, size)[use]) ** 2 / (w**2).sum())

    new = np.maximum(power(after) - power(before), 0.0)
    if not new.sum() > 0:
        return Line(0.0, 0.0)
    f = frequency[use]
    k = int(new.argmax())
    inside = np.abs(f - f[k]) <= WIDTH_HZ / 2
    return Line(float(f[k]), float(new[inside].sum() / new.sum()))


def without_tone(
    x: NDArray[np.floating], rate_hz: float, at: float, frequency_hz: float, band_hz: tuple[float, float]
) -> NDArray[np.float64]:
    """The samples less a steady tone that begins at `at` (s): amplitude and phase by least squares over the eight
    seconds after HUM_RISE_S, its frequency within a twentieth of a hertz of the given one.
    """
    from scipy.signal import sosfiltfilt

    from detente.monitor.signals.filters import band_pass

    out = np.array(x, np.float64)
    near = sosfiltfilt(band_pass((band_hz[0] / 1.5, min(band_hz[1] * 1.5, 0.45 * rate_hz)), rate_hz, 2), out)
    first = round((at + HUM_RISE_S) * rate_hz)
    fit = near[first : first + round(8 * rate_hz)]
    if fit.size < rate_hz:
        return out
    t = np.arange(out.size) / rate_hz
    best, tone = np.inf, np.zeros(out.size)
    for hz in frequency_hz + np.linspace(-0.05, 0.05, 11):
        basis = np.column_stack([np.cos(2 * np.pi * hz * t), np.sin(2 * np.pi * hz * t)])
        some = basis[first : first + fit.size]
        weights = np.linalg.lstsq(some, fit, rcond=None)[0]
        left = float(((fit - some @ weights) ** 2).sum())
        if left < best:
            best, tone = left, basis @ weights
    begin = round((at + 0.1) * rate_hz)
    out[begin:] -= tone[begin:]
    return out


def steady_lines(samples: NDArray[np.floating], rate_hz: float) -> tuple[float, ...]:
    """Frequencies (Hz) of lines that stand in the spectrum of any channel (channel, n) for most of the record.

    The median over stretches of a minute of the power in 0.02 Hz, against its median within half a hertz: an event,
    however great, is in few stretches. A line exceeds 2, or chance over the bins where the stretches are few.
    """
    from scipy.ndimage import median_filter
    from scipy.signal import get_window

    n = round(STEADY_S * rate_hz)
    firsts = range(0, samples.shape[1] - n + 1, n // 2)
    if len(firsts) < 8:
        return ()
    window, found = get_window("hann", n).astype(np.float32), set()
    frequency = np.fft.rfftfreq(n, 1 / rate_hz)
    for row in samples:
        power = np.abs(np.fft.rfft(np.stack([row[a : a + n] * window for a in firsts]))) ** 2
        heard = power[power.any(axis=1)]  # a gap says nothing
        if len(heard) < 8:
            continue
        middle = np.median(heard, axis=0)
        ratio = middle / np.maximum(median_filter(middle, 2 * round(STEADY_S / 2) + 1), 1e-300)
        peak = np.r_[False, (ratio[1:-1] >= ratio[:-2]) & (ratio[1:-1] >= ratio[2:]), False]
        strong = ratio > max(2.0, 1 + 10 / np.sqrt(len(heard)))
        found |= {float(f) for f in frequency[peak & strong & (frequency > 2 * NOTCH_HZ)]}
    return tuple(sorted(found))


def notched(
    samples: NDArray[np.floating], rate_hz: float, frequencies_hz: Sequence[float]
) -> NDArray[np.float32]:
    """The channels (channel, n) less NOTCH_HZ about each frequency, without delay (two second-order notches a line)."""
    from scipy.signal import iirnotch, sosfiltfilt, tf2sos

    wanted = [f for f in frequencies_hz if f < 0.5 * rate_hz - NOTCH_HZ]
    if not wanted:
        return np.asarray(samples, np.float32)
    sections = np.concatenate([tf2sos(*iirnotch(f, f / NOTCH_HZ, rate_hz)) for f in wanted])
    reach = min(samples.shape[1] - 1, round(10 * rate_hz))
    rows = [sosfiltfilt(sections, row.astype(np.float64), padlen=reach).astype(np.float32) for row in samples]
    return np.stack(rows)
