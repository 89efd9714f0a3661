"""The inner loops of the filter bank and the triggers: one step in time for many lanes (channels x bands) at once.

The scratch is one flat array, row k of it at k * CAP, so that the compiler sees that its rows do not overlap:
rows 0-7 the states of four second-order sections, 8-27 their coefficients (b0 b1 b2 a1 a2 each), then sta, lta,
their two constants, and the filtered sample.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

CAP = 144  # lanes a call takes; all rows of the scratch then fit the first-level cache
COEFFICIENTS, STA, LTA, K_STA, K_LTA, OUTPUT, ROWS = 8, 28, 29, 30, 31, 32, 33


@numba.njit(inline="always")
def _advance(x: Any, n: int, w: Any, out: Any, write: bool) -> None:
    """One sample of every lane through the sections and the averages; the ratio to `out` where it is asked for."""
    for i in range(n):
        x0 = x[i]
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
        w[OUTPUT * CAP + i] = x4
        if write:
            out[i] = w[STA * CAP + i] / w[LTA * CAP + i]


@numba.njit(cache=True, nogil=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
def run(x: Any, n: int, w: Any, every: int, phase: int, filtered: Any, ratio: Any) -> int:
    """Filter (direct form II transposed), square, average and divide.

    `x` (t, n) float32, see `spread`; lane = band * channels + channel; `n` lanes, a multiple of 16, at most CAP; `w`
    the scratch with the state of the lanes; `ratio` (t / every, n) gets STA/LTA at every `every`-th sample, the
    first after `phase` samples; `filtered` (t, n) the filtered samples if it has rows. Gives the next phase.
    Source: recursive STA/LTA: Withers et al. 1998, BSSA 88, 95, as obspy.signal.trigger.recursive_sta_lta has it.
    """
    row = 0
    for t in range(x.shape[0]):
        if phase == 0:
            _advance(x[t], n, w, ratio[row], True)
            row += 1
            phase = every
        else:
            _advance(x[t], n, w, ratio[0], False)
        phase -= 1
        if filtered.shape[0]:
            for i in range(n):
                filtered[t, i] = w[OUTPUT * CAP + i]
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
    count, busy = 0, 0
    for i in range(n):
        busy += sign[i] < np.float32(0.0)
    for t in range(ratio.shape[0]):
        changed = 0
        for i in range(n):
            changed += (ratio[t, i] - level[i]) * sign[i] >= np.float32(0.0)
        if busy:
            for i in range(n):
                peak[i] = max(peak[i], ratio[t, i])
        if changed:
            for i in range(n):
                r = ratio[t, i]
                if (r - level[i]) * sign[i] >= np.float32(0.0):
                    if sign[i] > 0:
                        begun[i], peak[i], sign[i], level[i] = first + t, r, -1.0, off[i]
                        busy += 1
                    else:
                        if count < found.shape[0]:
                            found[count, 0], found[count, 1] = i, begun[i]
                            found[count, 2], found[count, 3] = first + t - 1, peak[i]
                        count += 1
                        busy -= 1
                        sign[i], level[i] = 1.0, on[i]
    return count


@numba.njit(cache=True, nogil=True)
def spread(x: Any, bands: int, narrow: Any, flat: Any, n: int) -> None:
    """(channel, t) to lanes (t, n): turned in tiles that stay in cache, then copied for every band.

    `narrow` (t, channels to a multiple of 16); `flat` (t * n and 16 spare columns more): whole vectors are copied,
    what one band's copy spills the next overwrites.
    """
    channels, length = x.shape
    for t0 in range(0, length, 16):
        t1 = min(t0 + 16, length)
        for c in range(channels):
            for t in range(t0, t1):
                narrow[t, c] = x[c, t]
    wide, step, skip = np.uintp(narrow.shape[1]), np.uintp(n), np.uintp(channels)  # no sign to check
    for t in range(np.uintp(length)):
        for b in range(np.uintp(bands)):
            at = t * step + b * skip
            for k in range(wide):
                flat[at + k] = narrow[t, k]


@numba.njit(cache=True, nogil=True)
def chain(
    x: Any, bands: int, n: int, w: Any, quiet: int, narrow: Any, flat: Any, ratio: Any, level: Any, high: Any,
    sign: Any, low: Any, begun: Any, peak: Any, found: Any,
) -> int:  # fmt: skip
    """`spread`, `run` and `follow` over the whole of `x` in blocks; triggers count from sample `quiet` on."""
    block, count, first, length = ratio.shape[0], 0, 0, x.shape[1]
    none = ratio[:0]
    while first < length:
        if first == quiet:
            level[:] = high
        last = min(first + block, length)
        if first < quiet < last:
            last = quiet
        many = last - first
        spread(x[:, first:last], bands, narrow, flat, n)
        run(flat[: many * n].reshape(many, n), n, w, 1, 0, none, ratio)
        count += follow(
            ratio[:many], n, first, level, sign, high, low, begun, peak, found[min(count, found.shape[0]) :]
        )
        first = last
    return count
