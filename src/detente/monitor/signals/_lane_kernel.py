"""The inner loops of the filter bank and the triggers: lanes (channels x bands) side by side in vectors.

`w` is a flat table of rows of `wide` lanes, a multiple of WIDTH: 0-7 the states of four second-order sections, 8-15
their recursive coefficients -a1 -a2, then gain, averages, their weights, and the ratio that starts a trigger. A
section is (1 - z^-2) / (1 + a1 z^-1 + a2 z^-2): a Butterworth band-pass has as many zeros at z = 1 as at z = -1.
Samples come turned, x[t * row + c], with the channels repeated, so that lane i, of channel i mod channels, finds its
own wherever a vector begins.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from detente.monitor.signals._vector import WIDTH as WIDTH
from detente.monitor.signals._vector import fma, fms, larger, load, splat, store, transpose

COEFFICIENTS, GAIN, STA, LTA, K_STA, K_LTA, LEVEL, ROWS = 8, 16, 17, 18, 19, 20, 21, 22
BLOCK = 256  # samples that pass through all steps in the first-level cache
TINY = np.float32(1e-30)  # power of a silent channel: its ratio stays one, nothing becomes subnormal


@numba.njit(inline="always")
def _eight(w: Any, at: int, wide: int) -> Any:
    return (
        load(w, at), load(w, at + wide), load(w, at + 2 * wide), load(w, at + 3 * wide),
        load(w, at + 4 * wide), load(w, at + 5 * wide), load(w, at + 6 * wide), load(w, at + 7 * wide),
    )  # fmt: skip


@numba.njit(inline="always")
def _keep(w: Any, at: int, wide: int, s: Any) -> None:
    store(w, at, s[0])
    store(w, at + wide, s[1])
    store(w, at + 2 * wide, s[2])
    store(w, at + 3 * wide, s[3])
    store(w, at + 4 * wide, s[4])
    store(w, at + 5 * wide, s[5])
    store(w, at + 6 * wide, s[6])
    store(w, at + 7 * wide, s[7])


@numba.njit(inline="always")
def _filter(x: Any, s: Any, m: Any) -> Any:
    """One sample through the four sections (direct form II transposed), and their new states."""
    y = x + s[0]
    s0, s1 = fma(m[0], y, s[1]), fms(m[1], y, x)
    z = y + s[2]
    s2, s3 = fma(m[2], z, s[3]), fms(m[3], z, y)
    y = z + s[4]
    s4, s5 = fma(m[4], y, s[5]), fms(m[5], y, z)
    z = y + s[6]
    return z, (s0, s1, s2, s3, s4, s5, fma(m[6], z, s[7]), fms(m[7], z, y))


@numba.njit(cache=True, nogil=True)
def turn(x: Any, starts: Any, first: int, many: int, stage: Any, rows: Any, out: Any) -> None:
    """out[t * row + r] = x[starts[c] + first + t], c = r mod channels, for `many` samples.

    `x` flat; `starts` (channel,) offsets into it; `rows` (row,) offsets into `stage`, which has room for a whole
    number of vectors a channel: samples that lie far apart in memory are brought together before they are turned,
    unless one vector holds all channels.
    """
    length, row, done, whole = len(stage) // len(starts), len(rows), 0, many - many % WIDTH
    if len(starts) == WIDTH and row == WIDTH:
        for t in range(0, whole, WIDTH):
            transpose(x, starts, first + t, out, t * row, row)
        done = whole
    for c in range(len(starts)):
        begin, at = starts[c] + first, c * length
        for t in range(done, whole, WIDTH):
            store(stage, at + t, load(x, begin + t))
        for t in range(whole, many):
            stage[at + t] = x[begin + t]
    for k in range(0, row, WIDTH):
        for t in range(done, many, WIDTH):
            transpose(stage, rows[k : k + WIDTH], t, out, t * row + k, row)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def run(x: Any, row: int, many: int, channels: int, w: Any, wide: int, every: int, phase: int, ratio: Any,
        filtered: Any) -> None:  # fmt: skip
    """Filter, square and average `many` samples of every lane.

    `ratio` (step, wide) gets STA/LTA at every `every`-th sample, the first after `phase` samples; `filtered`
    (t, wide) the filtered samples if it has rows; both flat.
    Source: recursive STA/LTA: Withers et al. 1998, BSSA 88, 95, as obspy.signal.trigger.recursive_sta_lta has it.
    """
    tiny, kept = splat(TINY), len(filtered) > 0
    for lane in range(0, wide, WIDTH):
        s, m = _eight(w, lane, wide), _eight(w, COEFFICIENTS * wide + lane, wide)
        gain = load(w, GAIN * wide + lane)
        sta, lta = load(w, STA * wide + lane), load(w, LTA * wide + lane)
        ks, kl = load(w, K_STA * wide + lane), load(w, K_LTA * wide + lane)
        at, left, out = lane % channels, phase, lane
        for t in range(many):
            y, s = _filter(load(x, at), s, m)
            y = y * gain
            power = fma(y, y, tiny)
            sta, lta = fma(ks, power - sta, sta), fma(kl, power - lta, lta)
            if left == 0:
                store(ratio, out, sta / lta)
                out, left = out + wide, every
            left -= 1
            if kept:
                store(filtered, t * wide + lane, y)
            at += row
        _keep(w, lane, wide, s)
        store(w, STA * wide + lane, sta)
        store(w, LTA * wide + lane, lta)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def watch(x: Any, row: int, many: int, channels: int, w: Any, wide: int, seen: Any, first: int, begun: Any,
          peak: Any, on: Any, off: Any, found: Any, count: int) -> int:  # fmt: skip
    """Filter, square, average and trigger `many` samples of every lane; gives the new count of ended triggers.

    `seen`: room for the two averages of one vector of lanes; `first`: number of the first sample; `begun`, `peak`
    (lane,): where a trigger is on, when it began and its greatest ratio; -1 elsewhere. Ended triggers fill `found`
    (lane, on, last sample above off, peak); `count` may exceed its rows. Semantics: obspy's trigger_onset.
    """
    tiny, none = splat(TINY), splat(np.float32(0.0))
    most = np.empty(WIDTH, np.float32)
    for lane in range(0, wide, WIDTH):
        s, m = _eight(w, lane, wide), _eight(w, COEFFICIENTS * wide + lane, wide)
        gain = load(w, GAIN * wide + lane)
        sta, lta = load(w, STA * wide + lane), load(w, LTA * wide + lane)
        ks, kl = load(w, K_STA * wide + lane), load(w, K_LTA * wide + lane)
        level = none - load(w, LEVEL * wide + lane)
        above, at = none, lane % channels
        for t in range(many):
            y, s = _filter(load(x, at), s, m)
            y = y * gain
            power = fma(y, y, tiny)
            sta, lta = fma(ks, power - sta, sta), fma(kl, power - lta, lta)
            above = larger(fma(level, lta, sta), above)
            store(seen, 2 * WIDTH * t, sta)
            store(seen, 2 * WIDTH * t + WIDTH, lta)
            at += row
        _keep(w, lane, wide, s)
        store(w, STA * wide + lane, sta)
        store(w, LTA * wide + lane, lta)
        store(most, 0, above)
        for i in range(WIDTH):
            if most[i] > np.float32(0.0) or begun[lane + i] >= 0:
                count = _follow(seen, i, many, first, lane + i, begun, peak, on, off, found, count)
    return count


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _follow(seen: Any, i: int, many: int, first: int, lane: int, begun: Any, peak: Any, on: Any, off: Any,
            found: Any, count: int) -> int:  # fmt: skip
    """One lane's trigger with hysteresis through the averages of a block."""
    since, most = begun[lane], peak[lane]
    for t in range(many):
        sta, lta = seen[2 * WIDTH * t + i], seen[2 * WIDTH * t + WIDTH + i]
        if since < 0:
            if sta > on * lta:
                since, most = first + t, sta / lta
        elif sta > most * lta:
            most = sta / lta
        elif sta <= off * lta:
            if count < found.shape[0]:
                found[count, 0], found[count, 1] = lane, since
                found[count, 2], found[count, 3] = first + t - 1, most
            count, since = count + 1, -1
    begun[lane], peak[lane] = since, most
    return count


@numba.njit(cache=True, nogil=True)
def chain(x: Any, starts: Any, length: int, first: int, w: Any, rows: Any, quiet: int, begun: Any, peak: Any,
          on: Any, off: Any, found: Any, count: int) -> int:  # fmt: skip
    """`turn` and `watch` over `length` samples from number `first` on; triggers count from sample `quiet` on."""
    row, wide, channels = len(rows), len(begun), len(starts)
    stage = np.zeros(channels * (BLOCK + WIDTH), np.float32)
    turned, seen = np.empty(BLOCK * row, np.float32), np.empty(BLOCK * 2 * WIDTH, np.float32)
    end = first + length
    while first < end:
        for i in range(wide):
            w[LEVEL * wide + i] = on if first >= quiet and w[GAIN * wide + i] > 0 else np.inf
        last = min(first + BLOCK, end)
        if first < quiet < last:
            last = quiet
        turn(x, starts, first, last - first, stage, rows, turned)
        count = watch(
            turned, row, last - first, channels, w, wide, seen, first, begun, peak, on, off, found, count
        )
        first = last
    return count


@numba.njit(cache=True, nogil=True)
def ratios(x: Any, starts: Any, length: int, w: Any, wide: int, rows: Any, every: int, phase: int, ratio: Any,
           filtered: Any) -> int:  # fmt: skip
    """`turn` and `run` over `length` samples; gives the next phase."""
    row, channels = len(rows), len(starts)
    stage = np.zeros(channels * (BLOCK + WIDTH), np.float32)
    turned = np.empty(BLOCK * row, np.float32)
    first, out, kept = 0, 0, len(filtered) > 0
    while first < length:
        many = min(BLOCK, length - first)
        turn(x, starts, first, many, stage, rows, turned)
        run(turned, row, many, channels, w, wide, every, phase, ratio[out * wide :],
            filtered[first * wide if kept else 0 :])  # fmt: skip
        steps = max(0, -(-(many - phase) // every))
        out, phase, first = out + steps, phase + steps * every - many, first + many
    return phase
