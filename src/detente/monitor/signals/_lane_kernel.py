"""The inner loops of the filter bank and the triggers: one step in time for many lanes (channels x bands) at once.

The scratch is one flat array, row k of it at k * CAP, so that the compiler sees that its rows do not overlap:
rows 0-7 the states of four second-order sections, 8-27 their coefficients (b0 b1 b2 a1 a2 each), then sta, lta,
their two constants, and the input.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

CAP = 144  # lanes a call takes; all rows of the scratch then fit the first-level cache
COEFFICIENTS, STA, LTA, K_STA, K_LTA, INPUT, ROWS = 8, 28, 29, 30, 31, 32, 33


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
def run(x: Any, bands: int, n: int, w: Any, every: int, phase: int, filtered: Any, ratio: Any) -> int:
    """Filter (direct form II transposed), square, average and divide.

    `x` (t, channel) float32; lane = band * channels + channel; `n` lanes, a multiple of 16, at most CAP; `w`
    the scratch with the state of the lanes; `ratio` (t / every, n) gets STA/LTA at every `every`-th sample, the
    first after `phase` samples; `filtered` (t, n) the filtered samples if it has rows. Gives the next phase.
    Source: recursive STA/LTA: Withers et al. 1998, BSSA 88, 95, as obspy.signal.trigger.recursive_sta_lta has it.
    """
    channels = x.shape[1]
    row = 0
    for t in range(x.shape[0]):
        for b in range(bands):
            for c in range(channels):
                w[INPUT * CAP + b * channels + c] = x[t, c]
        for i in range(n):
            x0 = w[INPUT * CAP + i]
            x1 = w[8 * CAP + i] * x0 + w[0 * CAP + i]
            w[0 * CAP + i] = w[9 * CAP + i] * x0 - w[11 * CAP + i] * x1 + w[1 * CAP + i]
            w[1 * CAP + i] = w[10 * CAP + i] * x0 - w[12 * CAP + i] * x1
            x2 = w[13 * CAP + i] * x1 + w[2 * CAP + i]
            w[2 * CAP + i] = w[14 * CAP + i] * x1 - w[16 * CAP + i] * x2 + w[3 * CAP + i]
            w[3 * CAP + i] = w[15 * CAP + i] * x1 - w[17 * CAP + i] * x2
            x3 = w[18 * CAP + i] * x2 + w[4 * CAP + i]
            w[4 * CAP + i] = w[19 * CAP + i] * x2 - w[21 * CAP + i] * x3 + w[5 * CAP + i]
            w[5 * CAP + i] = w[20 * CAP + i] * x2 - w[22 * CAP + i] * x3
            x4 = w[23 * CAP + i] * x3 + w[6 * CAP + i]
            w[6 * CAP + i] = w[24 * CAP + i] * x3 - w[26 * CAP + i] * x4 + w[7 * CAP + i]
            w[7 * CAP + i] = w[25 * CAP + i] * x3 - w[27 * CAP + i] * x4
            power = x4 * x4
            sta, lta = w[STA * CAP + i], w[LTA * CAP + i]
            w[STA * CAP + i] = sta + w[K_STA * CAP + i] * (power - sta)
            w[LTA * CAP + i] = lta + w[K_LTA * CAP + i] * (power - lta)
            w[INPUT * CAP + i] = x4
        if filtered.shape[0]:
            for i in range(n):
                filtered[t, i] = w[INPUT * CAP + i]
        if phase == 0:
            for i in range(n):
                ratio[row, i] = w[STA * CAP + i] / w[LTA * CAP + i]
            row += 1
            phase = every
        phase -= 1
    return phase


@numba.njit(cache=True, nogil=True, error_model="numpy")
def follow(
    ratio: Any,
    n: int,
    first: int,
    level: Any,
    sign: Any,
    on: Any,
    off: Any,
    begun: Any,
    peak: Any,
    found: Any,
) -> int:
    """The state machine of a trigger with hysteresis, all lanes in step.

    `level`, `sign` (n,): the ratio a lane waits for and from which side (+1 to switch on, -1 to switch off); `begun`,
    `peak`: of a lane that is on. Ended triggers fill `found` (lane, on, last sample above off, peak); gives their
    number, which may exceed the rows of `found`. Semantics: obspy.signal.trigger.trigger_onset.
    """
    count = 0
    for t in range(ratio.shape[0]):
        changed = 0
        for i in range(n):
            r = ratio[t, i]
            peak[i] = max(peak[i], r)
            changed += (r - level[i]) * sign[i] >= np.float32(0.0)
        if changed:
            for i in range(n):
                r = ratio[t, i]
                if (r - level[i]) * sign[i] >= np.float32(0.0):
                    if sign[i] > 0:
                        begun[i], peak[i], sign[i], level[i] = first + t, r, -1.0, off[i]
                    else:
                        if count < found.shape[0]:
                            found[count, 0], found[count, 1] = i, begun[i]
                            found[count, 2], found[count, 3] = first + t - 1, peak[i]
                        count += 1
                        sign[i], level[i] = 1.0, on[i]
    return count


@numba.njit(cache=True, nogil=True)
def transpose(x: Any, out: Any) -> None:
    """(channel, t) to (t, channel), in tiles that stay in cache."""
    channels, n = x.shape
    for t0 in range(0, n, 16):
        t1 = min(t0 + 16, n)
        for c in range(channels):
            for t in range(t0, t1):
                out[t, c] = x[c, t]
