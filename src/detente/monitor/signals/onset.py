"""When a signal begins, which way the ground went first, and how large it was: read from one trace."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]


class Onset(msgspec.Struct, frozen=True):
    """`time` and `sd` in s after the trace's first sample; `gain`: log-likelihood won over no change at all."""

    time: float
    sd: float
    gain: float


class FirstMotion(msgspec.Struct, frozen=True):
    """`polarity` where `confidence`, the probability of its sign, is at least 0.95; else empty."""

    polarity: Literal["", "up", "down"]
    confidence: float


class Size(msgspec.Struct, frozen=True):
    """Zero-to-peak amplitude in the trace's unit, its period in s, and the time of the peak in s."""

    amplitude: float
    period_s: float
    time: float


SURE = 0.95


def onset(x: NDArray[np.floating], rate_hz: float, *, bandwidth_hz: float | None = None) -> Onset:
    """The posterior of the sample at which the variance of `x` (n,) changes; even prior over the trace.

    The likelihood is that of the Akaike picker: n1 log var1 + n2 log var2; `bandwidth_hz`: band-passed samples are
    not independent, the log-likelihood is scaled by 2 B / rate.
    Source: Maeda 1985, Zisin 38, 365 (AIC without AR model); posterior as in change-point analysis, Smith 1975,
    Biometrika 62, 407.
    """
    n = len(x)
    a = np.asarray(x, np.float64)
    a = a - a.mean()
    total = np.cumsum(a**2)
    edge = max(3, n // 50)
    k = np.arange(edge, n - edge)
    if k.size < 3 or total[-1] <= 0:
        return Onset(0.0, n / rate_hz / np.sqrt(12), 0.0)
    tiny = total[-1] * 1e-12 / n
    before = np.maximum(total[k - 1] / k, tiny)
    after = np.maximum((total[-1] - total[k - 1]) / (n - k), tiny)
    scale = 1.0 if bandwidth_hz is None else min(1.0, 2 * bandwidth_hz / rate_hz)
    loglike = -0.5 * (k * np.log(before) + (n - k) * np.log(after)) * scale
    grown = after > before
    loglike = np.where(grown, loglike, -np.inf)
    if not grown.any():
        return Onset(0.0, n / rate_hz / np.sqrt(12), 0.0)
    weight = np.exp(loglike - loglike.max())
    weight /= weight.sum()
    best = int(k[loglike.argmax()])
    spread = float((weight * (k - best) ** 2).sum())
    none = -0.5 * n * np.log(max(total[-1] / n, tiny)) * scale
    sd = np.sqrt(spread + 1 / 12) / rate_hz
    return Onset(best / rate_hz, float(sd), float(loglike.max() - none))


RISES_S = (0.1, 0.2, 0.4, 0.8, 1.6)


def rising_onset(x: NDArray[np.floating], rate_hz: float, *, bandwidth_hz: float) -> Onset:
    """As `onset`, for signals that emerge: the power grows with the fourth power of time until its level is reached.

    Amplitude that grows with the square of time is what a step of velocity becomes in a causal band-pass of second
    order; how long it grows is not known: none of it and RISES_S are taken as equally probable and summed over. The
    model of one sudden change puts the onset where the signal is already large, the later the longer it grows.
    """
    a = np.asarray(x, np.float64)
    power, n = (a - a.mean()) ** 2, len(a)
    total = np.concatenate([[0.0], np.cumsum(power)])
    edge = max(3, n // 50)
    k = np.arange(edge, n - edge)
    if k.size < 3 or total[-1] <= 0:
        return Onset(0.0, n / rate_hz / np.sqrt(12), 0.0)
    tiny = total[-1] * 1e-12 / n
    before = np.maximum(total[k] / k, tiny)
    quiet = k * np.log(before) + total[k] / before
    more = (total[-1] - total[k]) - (n - k) * before
    likely = np.full((1 + len(RISES_S), k.size), -np.inf)
    for row, rise in enumerate((0.0, *RISES_S)):
        many = max(0, int(np.ceil(rise * rate_hz - 0.5)))  # samples of growth; after them the level stays
        shape = ((np.arange(many) + 0.5) / max(rise * rate_hz, 0.5)) ** 4
        grown = np.concatenate([[0.0], np.cumsum(shape)])
        last = np.minimum(k + many, n)
        size = np.maximum(more / (grown[last - k] + n - last), 0.0)
        at = k[:, None] + np.arange(many)
        level = before[:, None] + size[:, None] * shape
        growth = np.where(at < n, np.log(level) + power[np.minimum(at, n - 1)] / level, 0.0).sum(axis=1)
        high = before + size
        rest = (n - last) * np.log(high) + (total[-1] - total[last]) / high
        likely[row] = np.where(size > 0, -0.5 * (quiet + growth + rest), -np.inf)
    scale = min(1.0, 2 * bandwidth_hz / rate_hz)
    likely *= scale
    if not np.isfinite(likely).any():
        return Onset(0.0, n / rate_hz / np.sqrt(12), 0.0)
    weight = np.exp(likely - likely.max()).sum(axis=0)
    weight /= weight.sum()
    best = int(k[weight.argmax()])
    spread = float((weight * (k - best) ** 2).sum())
    none = -0.5 * n * (np.log(total[-1] / n) + 1) * scale
    return Onset(best / rate_hz, float(np.sqrt(spread + 1 / 12) / rate_hz), float(likely.max() - none))


def first_motion(
    x: NDArray[np.floating],
    rate_hz: float,
    at: float,
    sd: float,
    *,
    noise_s: float = 5.0,
    within_s: float = 0.8,
) -> FirstMotion:
    """The sign of the first swing that leaves the noise about the onset `at` (s), with its probability.

    The first extremum above 3.5 noise rms from two standard errors before to `within_s` after the onset decides. Its
    height h against the noise gives the probability Phi(h / rms - 3.5) that it is the signal's; where the next swing
    is more than four times as high, a smaller one before may have been lost in the noise, and half of that is given
    up. Unknown where no swing leaves the noise.
    """
    from scipy.special import ndtr

    begin, end = round((at - max(2 * sd, 0.3)) * rate_hz), round((at + within_s) * rate_hz)
    first = begin - round(noise_s * rate_hz)
    if begin < rate_hz or end > len(x):
        return FirstMotion("", 0.5)
    before = np.asarray(x[max(0, first) : begin], np.float64)
    level, rms = float(before.mean()), float(before.std())
    swing = np.asarray(x[begin:end], np.float64) - level
    turns = 1 + np.flatnonzero(np.diff(swing[:-1]) * np.diff(swing[1:]) <= 0)
    high = turns[np.abs(swing[turns]) > 3.5 * rms] if rms > 0 else turns[:0]
    if not high.size:
        return FirstMotion("", 0.5)
    height = float(swing[high[0]])
    after = turns[turns > high[0]]
    sure = float(ndtr(abs(height) / rms - 3.5))
    if after.size and abs(swing[after[0]]) > 4 * abs(height):
        sure /= 2
    confidence = 0.5 + 0.5 * sure
    sign: Literal["up", "down"] = "up" if height > 0 else "down"
    return FirstMotion(sign if confidence >= SURE else "", confidence)


def size(
    x: NDArray[np.floating], rate_hz: float, at: float, *, within_s: float = 5.5, lead_s: float = 0.5
) -> Size:
    """Half of the greatest peak-to-trough swing from `lead_s` before to `within_s` after the onset, twice its time.

    Source: the A5/2 measurement of the IDC: 5.5 s window, 0.5 s lead (GMS release notes PI27).
    """
    begin = max(0, round((at - lead_s) * rate_hz))
    y = np.asarray(x[begin : round((at + within_s) * rate_hz)], np.float64)
    if y.size < 3:
        return Size(0.0, 0.0, at)
    slope = np.diff(y)
    turns = np.flatnonzero(slope[:-1] * slope[1:] <= 0) + 1
    if turns.size < 2:
        return Size(float(np.abs(y).max()), 0.0, at)
    swings = np.abs(np.diff(y[turns]))
    k = int(swings.argmax())
    period = 2 * (turns[k + 1] - turns[k]) / rate_hz
    return Size(float(swings[k] / 2), float(period), float((begin + (turns[k] + turns[k + 1]) / 2) / rate_hz))
