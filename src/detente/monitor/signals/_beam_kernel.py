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
def strongest(ratio: Any, top: Any, which: Any) -> None:
    """Of `ratio` (row, band, beam) the greatest over beams and its number, (row, band)."""
    for r in range(ratio.shape[0]):
        for b in range(ratio.shape[1]):
            best, at = ratio[r, b, 0], 0
            for k in range(1, ratio.shape[2]):
                if ratio[r, b, k] > best:
                    best, at = ratio[r, b, k], k
            top[r, b], which[r, b] = best, at
