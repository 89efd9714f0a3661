"""How arrivals that are noise come: each station's rate, directions, amplitudes, and the wake of strong signals."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]

CODA_S: Final = 40.0  # assumed: false picks after a strong signal die off with this time
PRIOR_S: Final = 300.0  # a station's noise rate is a priori Gamma of shape 2 and this scale: 24 an hour
DEAF_S: Final = 90.0  # onsets of one signal's train are one: each counted onset stops the count for so long
CODA_EACH: Final = 0.5  # and number about this many for each factor of ten in its signal-to-noise ratio


def noise_densities(rows: Float, first: Int, heard: Float, *, trains: bool) -> Float:
    """Log densities of each arrival if noise: time, azimuth, slowness, log amplitude (n, 4).

    Time: the station's own rate, raised behind signals stronger by twice in amplitude, if from their direction.
    Slowness: the network's own histogram, smoothed. Amplitude: the station's own, smoothed.
    """
    out = np.zeros((len(rows), 4))
    out[:, 1] = -np.log(360.0)
    slow = rows[:, 4]
    seen = slow[np.isfinite(slow)]
    if seen.size:
        grid = np.linspace(0.0, 0.5, 101)
        density = np.histogram(np.clip(seen, 0, 0.4999), grid, density=True)[0]
        smooth = np.convolve(
            np.pad(density, 6, mode="edge"), np.hanning(15)[1:-1] / np.hanning(15).sum(), "valid"
        )
        density = 0.8 * smooth + 0.2 / 0.5
        out[:, 2] = np.log(np.interp(np.nan_to_num(slow), 0.5 * (grid[1:] + grid[:-1]), density))
    for s in range(first.size - 1):
        part = slice(first[s], first[s + 1])
        own = rows[part]
        if not len(own):
            continue
        rate = _rate(own[:, 0], float(heard[s])) if trains else (len(own) + 3.0) / heard[s]
        out[part, 0] = np.log(rate + _coda(own))
        loud = own[:, 6]
        known = loud[np.isfinite(loud)]
        if known.size:
            wide = 0.25
            z = (loud[:, None] - known[None, :]) / wide
            spread = np.exp(-0.5 * z * z).sum(1) / (known.size * wide * np.sqrt(2 * np.pi))
            out[part, 3] = np.log(np.nan_to_num(spread) * 0.95 + 0.02)
    return out


def _rate(times: Float, heard_s: float) -> float:
    """Noise onsets a second, from onsets in order within so many seconds heard: the mean of a Gamma posterior.

    An event's own train must not pass for noise: after each onset counted the count stops for 90 s, which leaves
    the rate of a Poisson process unbiased (a dead time that is not extended); the onset in question is left out.
    """
    count, last = 0, -np.inf
    for t in times:
        if t - last > DEAF_S:
            count, last = count + 1, t
    return float((count + 1.0) / (max(heard_s - count * DEAF_S, 0.0) + PRIOR_S))


def _coda(own: Float) -> Float:
    """Rate (per s) of false picks that the signals before each arrival make at its time and azimuth."""
    t, log_a = own[:, 0], own[:, 6]
    extra = np.zeros(len(own))
    low = np.nanquantile(log_a, 0.1) if np.isfinite(log_a).any() else 0.0
    for k in range(len(own)):
        j = np.searchsorted(t, t[k] - 5 * CODA_S)
        before = np.arange(j, k)
        strong = before[log_a[before] - np.nan_to_num(log_a[k]) > 0.3]
        if not strong.size:
            continue
        since = t[k] - t[strong]
        rate = CODA_EACH * np.clip(log_a[strong] - low - 0.3, 0, 3) * np.exp(-since / CODA_S) / CODA_S
        if np.isfinite(own[k, 2]):
            turn = (own[k, 2] - own[strong, 2] + 180) % 360 - 180
            sd = np.hypot(own[k, 3], own[strong, 3])
            alike = np.exp(-0.5 * (turn / sd) ** 2) * 360 / (sd * np.sqrt(2 * np.pi))
            rate = rate * np.where(np.isfinite(turn), 0.2 + 0.8 * alike, 1.0)
        extra[k] = rate.sum()
    return extra
