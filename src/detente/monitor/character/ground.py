"""Ground motion as magnitudes read it: filtered displacement, and half the largest swing in a window."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.waves.response import Response
from detente.monitor.waves.trace import Trace

Float = NDArray[np.float64]
Band = tuple[float, float]

IDC_BAND: Band = (0.8, 4.5)
ORDER = 3
_MARGIN = 4.0  # the response is removed over a band this much wider than the filter on each side
_LEAST_GAIN = 0.3  # beyond the filter's edges a reading is not scaled up further than this


class Swing(msgspec.Struct, frozen=True):
    """Half the largest swing between neighbouring extremes: nm zero-to-peak, its period in s, and when (s UTC).

    `noise_nm`: the same reading on the noise before; the ratio of the two says whether there is a signal.
    """

    amplitude_nm: float
    period_s: float
    time: float
    noise_nm: float

    @property
    def snr(self) -> float:
        """Signal over noise, amplitudes."""
        return self.amplitude_nm / self.noise_nm if self.noise_nm > 0 else np.inf


def displacement(trace: Trace, instrument: Response, band: Band) -> Float:
    """(n,) nm: displacement through a causal three-pole Butterworth band-pass, as the IDC's mb is read."""
    from scipy.signal import sosfilt

    wide = (band[0] / _MARGIN, min(band[1] * _MARGIN, 0.45 * trace.rate_hz))
    ground = np.asarray(instrument.to_displacement_nm(trace, wide).samples, float)
    filtered: Float = sosfilt(_sections(band, trace.rate_hz), ground - ground.mean())
    return filtered


def _sections(band: Band, rate_hz: float) -> Float:
    from scipy.signal import butter

    sections: Float = butter(ORDER, [band[0], min(band[1], 0.45 * rate_hz)], "band", fs=rate_hz, output="sos")
    return sections


def filter_gain(band: Band, rate_hz: float, frequency_hz: float) -> float:
    """The filter's amplitude gain at a frequency."""
    from scipy.signal import sosfreqz

    _, gain = sosfreqz(_sections(band, rate_hz), worN=[frequency_hz], fs=rate_hz)
    return float(np.abs(gain[0]))


def swing(
    ground: Float, trace: Trace, band: Band, window: tuple[float, float], noise: tuple[float, float]
) -> Swing | None:
    """The largest half swing of filtered `ground` in `window` (s UTC), corrected for the filter at its period.

    None where the window or the noise before it is not wholly recorded.
    """
    inside, before = part(ground, trace, *window), part(ground, trace, *noise)
    if inside is None or before is None:
        return None
    at, size, half_period = _largest(inside)
    if size == 0:
        return None
    period = 2 * half_period / trace.rate_hz
    gain = max(filter_gain(band, trace.rate_hz, 1 / period), _LEAST_GAIN)
    # the noise's largest swing in pieces as long as the window: what the window would hold without a signal
    pieces = [p for p in np.array_split(before, max(1, len(before) // len(inside))) if len(p) > 2]
    quiet = float(np.median([_largest(p)[1] for p in pieces])) if pieces else 0.0
    return Swing(size / gain, period, window[0] + at / trace.rate_hz, quiet / gain)


def part(samples: Float, trace: Trace, start: float, end: float) -> Float | None:
    """Samples with start <= time < end (s UTC), None unless all of them are there."""
    first = round((start - trace.start) * trace.rate_hz)
    last = round((end - trace.start) * trace.rate_hz)
    if first < 0 or last > samples.size or last - first < 3:
        return None
    return samples[first:last]


def _largest(x: Float) -> tuple[int, float, float]:
    """Index, half height and length in samples of the largest step between neighbouring extremes."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(x)))) + 1
    if len(turns) < 2:
        return 0, 0.0, 1.0
    heights = np.abs(np.diff(x[turns]))
    k = int(np.argmax(heights))
    return int(turns[k]), float(heights[k]) / 2, float(turns[k + 1] - turns[k])


def rms(samples: Float) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(samples**2)))


def one_instrument(traces: Sequence[Trace], component: str = "Z") -> Trace | None:
    """Of several sensors of one station the first by location code, with the highest rate within it."""
    chosen = [t for t in traces if t.channel[-1:].upper() == component]
    return min(chosen, key=lambda t: (t.location, -t.rate_hz, t.channel), default=None)
