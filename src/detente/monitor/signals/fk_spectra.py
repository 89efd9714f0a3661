"""Spectra of windows of an array, their beams, and the peak of a map of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]

TAPER = 0.22  # share of the window under the cosine, as in obspy and the historical bbfk


def bins(rate_hz: float, window: int, band_hz: tuple[float, float]) -> tuple[int, int, int]:
    """Transform length, first and last bin: the next power of two, and the bins nearest to the band's edges.

    Source: as obspy.signal.array_analysis.array_processing has it, so that results compare window by window.
    """
    size = 1 << (window - 1).bit_length()
    width = rate_hz / size
    low, high = int(band_hz[0] / width + 0.5), int(band_hz[1] / width + 0.5)
    low, high = max(1, low), min(size // 2 - 1, high)
    if high < low or band_hz[0] <= 0:
        raise DetenteError(f"no frequency between {band_hz[0]:g} and {band_hz[1]:g} Hz at {rate_hz:g} Hz")
    return size, low, high


def taper(n: int) -> Float:
    """(n,) cosine taper over TAPER / 2 of the window at either end, 0 at the first and last sample."""
    k = int(n * TAPER / 2 + 0.5)
    w = np.ones(n)
    ramp = 0.5 * (1 - np.cos(np.pi * np.arange(k) / max(k - 1, 1)))
    w[:k], w[n - k :] = ramp, ramp[::-1]
    return w


def spectra(
    block: NDArray[np.floating], rate_hz: float, band_hz: tuple[float, float]
) -> tuple[Complex, Float]:
    """Spectra (..., f) and frequencies (f,) of windows (..., n): mean removed, tapered, zero-padded."""
    n = block.shape[-1]
    size, low, high = bins(rate_hz, n, band_hz)
    data = block - block.mean(axis=-1, keepdims=True, dtype=np.float64)
    found = np.fft.rfft(data * taper(n), size)[..., low : high + 1]
    return found, np.arange(low, high + 1) * rate_hz / size


def beam_power(X: Complex, frequency: Float, offsets_km: Float, sx: Float, sy: Float) -> Float:
    """Power of the beams of spectra (..., channel, f) at slownesses (k,): (..., k), the obvious way."""
    delay = offsets_km @ np.array([sx, sy])  # (channel, k): earlier by this much than at the phase centre
    total = np.zeros((*X.shape[:-2], sx.size))
    for f, hz in enumerate(frequency):
        total += np.abs(X[..., f] @ np.exp(-2j * np.pi * hz * delay)) ** 2
    return total


def map_power(X: Complex, frequency: Float, offsets_km: Float, axis: Float) -> Float:
    """(y, x) the same over a square grid: the phases are products of one factor for each side."""
    total = np.zeros((axis.size, axis.size))
    for f, hz in enumerate(frequency):
        turn = np.exp(-2j * np.pi * hz * axis[:, None, None] * offsets_km)  # (axis, channel, east or north)
        beam = (turn[:, :, 1] * X[:, f]) @ turn[:, :, 0].T
        total += beam.real**2 + beam.imag**2
    return total


def refine(axis: Float, power: Float) -> tuple[float, float]:
    """The peak of a map between its grid points: the paraboloid through the nine points about the greatest."""
    j, i = np.unravel_index(int(power.argmax()), power.shape)
    if not (0 < i < axis.size - 1 and 0 < j < axis.size - 1):
        return float(axis[i]), float(axis[j])
    p = power[j - 1 : j + 2, i - 1 : i + 2]
    gx, gy = (p[1, 2] - p[1, 0]) / 2, (p[2, 1] - p[0, 1]) / 2
    xx, yy = p[1, 2] - 2 * p[1, 1] + p[1, 0], p[2, 1] - 2 * p[1, 1] + p[0, 1]
    xy = (p[2, 2] - p[2, 0] - p[0, 2] + p[0, 0]) / 4
    det = xx * yy - xy * xy
    step = axis[1] - axis[0]
    if det <= 0 or xx >= 0:
        return float(axis[i]), float(axis[j])
    dx, dy = (xy * gy - yy * gx) / det, (xy * gx - xx * gy) / det
    return float(axis[i] + step * np.clip(dx, -1, 1)), float(axis[j] + step * np.clip(dy, -1, 1))


def independent(n: int, rate_hz: float, frequency: Float) -> float:
    """How many independent bins one of these stands for: the window is tapered, then padded with zeros."""
    w = taper(n)
    length = (w**2).sum() ** 2 / (w**4).sum() / rate_hz
    width = frequency[1] - frequency[0] if frequency.size > 1 else rate_hz / n
    return float(min(1.0, width * length))
