"""The inner loops of the correlation detector: products of spectra, and maxima of the normalised correlation."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

TILE = 512  # frequencies whose sums stay in the first-level cache


@numba.njit(cache=True, parallel=True, fastmath={"contract", "nsz"})
def products(template: Any, data: Any, out: Any) -> None:
    """Sum over channels of data times conj(template).

    `template` (template, channel, 2, f), `data` (block, channel, 2, f): real and imaginary parts apart; `out`
    (template, block, f) complex as pairs of float32, (..., 2 f).
    """
    templates, channels, _, size = template.shape
    for t in numba.prange(templates):
        re, im = np.empty(TILE, np.float32), np.empty(TILE, np.float32)
        for b in range(data.shape[0]):
            for first in range(0, size, TILE):
                n = min(TILE, size - first)
                for k in range(n):
                    re[k] = 0.0
                    im[k] = 0.0
                for c in range(channels):
                    tr, ti = template[t, c, 0, first : first + n], template[t, c, 1, first : first + n]
                    xr, xi = data[b, c, 0, first : first + n], data[b, c, 1, first : first + n]
                    for k in range(n):  # one sum a loop: with two the compiler gives up on vectors
                        re[k] += xr[k] * tr[k] + xi[k] * ti[k]
                    for k in range(n):
                        im[k] += xi[k] * tr[k] - xr[k] * ti[k]
                for k in range(n):
                    out[t, b, 2 * (first + k)] = re[k]
                    out[t, b, 2 * (first + k) + 1] = im[k]


@numba.njit(cache=True, parallel=True, fastmath={"contract", "nsz"}, error_model="numpy")
def maxima(raw: Any, scale: Any, chunk: int, valid: int, best: Any, where: Any) -> None:
    """The greatest of raw * scale in every chunk of `chunk` samples and its place.

    `raw` (template, block, nfft), `scale` (block, valid); `best`, `where` (template, block * chunks a block).
    """
    blocks = raw.shape[1]
    each = valid // chunk
    for t in numba.prange(raw.shape[0]):
        row = np.empty(valid, np.float32)
        for b in range(blocks):
            for k in range(valid):
                row[k] = raw[t, b, k] * scale[b, k]
            for j in range(each):
                top = np.float32(-2.0)
                for k in range(j * chunk, (j + 1) * chunk):
                    top = max(top, row[k])
                at = j * chunk
                while row[at] < top and at < (j + 1) * chunk - 1:
                    at += 1
                best[t, b * each + j] = top
                where[t, b * each + j] = at


@numba.njit(cache=True, parallel=True, fastmath={"contract", "nsz"}, error_model="numpy")
def summed(raw: Any, scale: Any, valid: int, out: Any) -> None:
    """`out` (template, block, k): sum over channel of raw (template, block, channel, k) * scale (block, channel, k)."""
    for t in numba.prange(raw.shape[0]):
        for b in range(raw.shape[1]):
            for k in range(valid):
                out[t, b, k] = 0.0
            for c in range(raw.shape[2]):
                for k in range(valid):
                    out[t, b, k] += raw[t, b, c, k] * scale[b, c, k]
