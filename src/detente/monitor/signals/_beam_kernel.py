"""The inner loops of the beam bank: shifted sums of channels, and the strongest beam of every band."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def beams(x: Any, shift: Any, first: int, n: int, scale: Any, out: Any) -> None:
    """`out` (beam, n): mean over channels of x[channel, first + shift + t]; `scale`: one over the channels."""
    for b in range(shift.shape[0]):
        for t in range(n):
            out[b, t] = np.float32(0.0)
        for c in range(x.shape[0]):
            a = first + shift[b, c]
            for t in range(n):
                out[b, t] += x[c, a + t]
        for t in range(n):
            out[b, t] *= scale


@numba.njit(cache=True, nogil=True)
def joined(parts: Any, coarse: Any, shift: Any, weight: Any, first: int, n: int, out: Any) -> None:
    """`out` (beam, n): sum over parts of weight[p] parts[p, coarse[beam], first + shift[beam, p] + t]."""
    for b in range(shift.shape[0]):
        for t in range(n):
            out[b, t] = np.float32(0.0)
        for p in range(parts.shape[0]):
            a, w = first + shift[b, p], weight[p]
            row = parts[p, coarse[b]]
            for t in range(n):
                out[b, t] += w * row[a + t]


@numba.njit(cache=True, nogil=True)
def strongest(ratio: Any, top: Any, which: Any) -> None:
    """Of `ratio` (row, band, beam) the greatest over beams and its number, (row, band)."""
    for r in range(ratio.shape[0]):
        for b in range(ratio.shape[1]):
            best, at = ratio[r, b, 0], 0
            for k in range(1, ratio.shape[2]):
                if ratio[r, b, k] > best:
                    best, at = ratio[r, b, k], k
            top[r, b], which[r, b] = best, at


@numba.njit(cache=True, nogil=True)
def rises(top: Any, level: Any, first: int, state: Any, found: Any) -> int:
    """Where a band's statistic passes its level, or rises again from a lull; `state` (band, 4) goes on between calls.

    `state`: 0 idle, 1 rising, 2 falling; the greatest or least value since; the row it began; the last row found.
    Again: above the level and 2.5 times the least value since the last rise. It ends below half the level.
    `found` gets (row, band); gives their number.
    """
    count = 0
    for r in range(top.shape[0]):
        for b in range(top.shape[1]):
            v = top[r, b]
            if state[b, 0] == 0.0:
                if v > level[b]:
                    state[b, 0], state[b, 1] = 1.0, v
                    if count < found.shape[0]:
                        found[count, 0], found[count, 1] = first + r, b
                        count += 1
            elif v < 0.5 * level[b]:
                state[b, 0] = 0.0
            elif state[b, 0] == 1.0:
                if v > state[b, 1]:
                    state[b, 1] = v
                elif v < 0.7 * state[b, 1]:
                    state[b, 0], state[b, 1] = 2.0, v
            elif v < state[b, 1]:
                state[b, 1] = v
            elif v > level[b] and v > 2.5 * state[b, 1]:
                state[b, 0], state[b, 1] = 1.0, v
                if count < found.shape[0]:
                    found[count, 0], found[count, 1] = first + r, b
                    count += 1
    return count
