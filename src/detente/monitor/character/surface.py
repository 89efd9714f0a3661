"""Rayleigh waves at variable period: Ms(VMAX), usable at regional distances."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.waves.response import Response
from detente.monitor.waves.trace import Trace
from detente.sources import Quality, Source

Float = NDArray[np.float64]

PERIODS_S: Final = tuple(range(8, 26))
SPEEDS_KM_S: Final = (2.2, 4.2)
"""Group speeds between which the Rayleigh wave of 8 to 25 s is looked for."""
LEAST_SNR: Final = 2.0
NEAREST_DEG: Final = 1.0
NOISE_S: Final = 120.0
"""Noise is read over this long before P: what stands before that may be another event."""
SD: Final = 0.2
SOURCE: Final = Source(
    "Russell 2006, BSSA 96(2) 665; Bonner, Russell, Harkrider, Reiter and Herrmann 2006, BSSA 96(2) 678",
    Quality.recalled,
)


class Rayleigh(msgspec.Struct, frozen=True):
    """Ms(VMAX) at one station: the largest over the periods seen above the noise.

    `seen`: False where no period stands out: then `value` is what noise could hide.
    """

    value: float
    period_s: float
    amplitude_nm: float
    snr: float
    seen: bool


def formula(amplitude_nm: float, period_s: float, distance_deg: float) -> float:
    """Ms(VMAX) from the zero-to-peak amplitude (nm) behind the scale's own narrow filter.

    log a + 1/2 log sin D + 0.0031 (20/T)^1.8 D - 0.66 log(20/T) - log fc - 0.43, fc = 0.6 / (T sqrt D).
    Source: Russell 2006, equation 27 (recalled; the published 2.94, 3.66 and 3.95 of three DPRK tests come out).
    """
    sine = np.sin(np.radians(distance_deg))
    return float(
        np.log10(amplitude_nm)
        + 0.5 * np.log10(sine)
        + 0.0031 * (20 / period_s) ** 1.8 * distance_deg
        - 0.66 * np.log10(20 / period_s)
        - np.log10(half_width(period_s, distance_deg))
        - 0.43
    )


def half_width(period_s: float, distance_deg: float) -> float:
    """Half width of the narrow filter, Hz."""
    return float(0.6 / (period_s * np.sqrt(distance_deg)))


def rayleigh(
    trace: Trace,
    instrument: Response,
    distance_deg: float,
    window: tuple[float, float],
    noise_end: float,
) -> Rayleigh | None:
    """Ms(VMAX) from a vertical trace; `window` of the Rayleigh wave and the end of the noise before P, s UTC.

    None where the window is not recorded or too little noise stands before it.
    """
    start, end = max(window[0], trace.start), min(window[1], trace.end)
    if distance_deg < NEAREST_DEG:
        return None
    if end - start < 0.8 * (window[1] - window[0]) or noise_end - trace.start < 2 * PERIODS_S[0]:
        return None
    ground = np.asarray(instrument.to_displacement_nm(trace, (0.02, 1.0)).samples, float)
    i, j = (round((t - trace.start) * trace.rate_hz) for t in (start, end))
    quiet_end = round((noise_end - trace.start) * trace.rate_hz)
    step = max(1, int(trace.rate_hz // 4))  # the narrow filters need no more than a few samples a second
    ground = _thin(ground, step)
    rate = trace.rate_hz / step
    i, j, quiet_end = i // step, j // step, quiet_end // step
    found = []
    for period in PERIODS_S:
        band = half_width(period, distance_deg)
        low = max(1 / period - band, 0.01)
        y = np.abs(_narrow(ground, low, 1 / period + band, rate))
        margin = int(period * rate)
        quiet = y[max(min(margin, quiet_end // 3), quiet_end - int(NOISE_S * rate)) : quiet_end]
        size = float(y[i:j].max())
        snr = size / float(quiet.max()) if quiet.size and quiet.max() > 0 else 0.0
        if snr < LEAST_SNR and quiet.size:  # it may be as large as the least that would have been seen
            size = LEAST_SNR * float(quiet.max())
        found.append((formula(size, period, distance_deg), period, size, snr))
    clear = [f for f in found if f[3] >= LEAST_SNR]
    value, period, size, snr = max(clear) if clear else min(found)
    return Rayleigh(value, float(period), size, snr, bool(clear))


def _thin(x: Float, step: int) -> Float:
    from scipy.signal import resample_poly

    thinned: Float = resample_poly(x - x.mean(), 1, step)
    return thinned


def _narrow(x: Float, low: float, high: float, rate_hz: float) -> Float:
    """The three-pole Butterworth band-pass of the scale, run once with no shift of phase."""
    n = 1 << int(np.ceil(np.log2(2 * x.size)))
    frequency = np.fft.rfftfreq(n, 1 / rate_hz)
    centre, width = np.sqrt(low * high), high - low
    with np.errstate(divide="ignore", invalid="ignore"):
        detuned = (frequency**2 - centre**2) / (frequency * width)
        gain = np.where(frequency > 0, 1 / np.sqrt(1 + detuned**6), 0.0)
    taper = np.ones(x.size)
    edge = max(1, x.size // 40)
    ramp = 0.5 * (1 - np.cos(np.pi * np.arange(edge) / edge))
    taper[:edge], taper[-edge:] = ramp, ramp[::-1]
    filtered: Float = np.fft.irfft(np.fft.rfft(x * taper, n) * gain, n)[: x.size]
    return filtered
