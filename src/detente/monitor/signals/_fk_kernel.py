"""The inner loops of the f-k scan: beam power of two opposite slownesses at once, windows as SIMD lanes."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

LANES = 128  # windows side by side
GROUP = 16  # slowness pairs whose sums stay in the first-level cache
PHASES = 8  # elements a pass takes; the first element is the origin and needs no phase


@numba.njit(inline="always")
def _add(x: Any, c: Any, s: Any, at: int, A: Any, B: Any, D: Any, E: Any) -> None:
    """A += cos re, B += sin im, D += cos im, E += sin re over eight elements that begin at row `at`."""
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    s0, s1, s2, s3, s4, s5, s6, s7 = s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
    a = x[at : at + 16]
    for w in range(LANES):
        A[w] += c0 * a[0, w] + c1 * a[2, w] + c2 * a[4, w] + c3 * a[6, w] + c4 * a[8, w] + c5 * a[10, w] + c6 * a[12, w] + c7 * a[14, w]  # fmt: skip  # noqa: E501
        D[w] += c0 * a[1, w] + c1 * a[3, w] + c2 * a[5, w] + c3 * a[7, w] + c4 * a[9, w] + c5 * a[11, w] + c6 * a[13, w] + c7 * a[15, w]  # fmt: skip  # noqa: E501
        B[w] += s0 * a[1, w] + s1 * a[3, w] + s2 * a[5, w] + s3 * a[7, w] + s4 * a[9, w] + s5 * a[11, w] + s6 * a[13, w] + s7 * a[15, w]  # fmt: skip  # noqa: E501
        E[w] += s0 * a[0, w] + s1 * a[2, w] + s2 * a[4, w] + s3 * a[6, w] + s4 * a[8, w] + s5 * a[10, w] + s6 * a[12, w] + s7 * a[14, w]  # fmt: skip  # noqa: E501


@numba.njit(parallel=True, cache=True, fastmath={"contract", "nsz"}, error_model="numpy")
def scan(X: Any, C: Any, S: Any, best: Any, second: Any, where: Any) -> None:
    """The greatest and second greatest beam power of every window and the index of the greatest.

    `X` (tile, f, 2 + 16 passes, LANES) float32: real and imaginary part by element, the origin's first; `C`, `S`
    (group, f, GROUP, 8 passes): cosine and sine of the phases of slowness s; index 2 g is s, 2 g + 1 is -s.
    """
    for t in numba.prange(X.shape[0]):
        U, V = np.empty((GROUP, LANES), np.float32), np.empty((GROUP, LANES), np.float32)
        A, B = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
        D, E = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
        top, next_ = np.full(LANES, -1.0, np.float32), np.full(LANES, -1.0, np.float32)
        index = np.zeros(LANES, np.int32)
        for group in range(C.shape[0]):
            U[:] = 0.0
            V[:] = 0.0
            for f in range(X.shape[1]):
                x = X[t, f]
                for g in range(GROUP):
                    if C.shape[3] == PHASES:
                        _one_pass(x, C[group, f, g], S[group, f, g], U[g], V[g])
                    else:
                        _passes(x, C[group, f, g], S[group, f, g], U[g], V[g], A, B, D, E)
            for g in range(GROUP):
                pair = 2 * (group * GROUP + g)
                u, v = U[g], V[g]
                for w in range(LANES):
                    plus = u[w] + np.float32(2.0) * v[w]
                    minus = u[w] - np.float32(2.0) * v[w]
                    next_[w] = max(next_[w], min(top[w], plus))
                    if plus > top[w]:
                        top[w] = plus
                        index[w] = pair
                    next_[w] = max(next_[w], min(top[w], minus))
                    if minus > top[w]:
                        top[w] = minus
                        index[w] = pair + 1
        best[t] = top
        second[t] = next_
        where[t] = index


@numba.njit(inline="always")
def _one_pass(x: Any, c: Any, s: Any, u: Any, v: Any) -> None:
    """Up to nine elements: everything stays in registers."""
    c0, c1, c2, c3, c4, c5, c6, c7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
    s0, s1, s2, s3, s4, s5, s6, s7 = s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
    for w in range(LANES):
        A = x[0, w] + c0 * x[2, w] + c1 * x[4, w] + c2 * x[6, w] + c3 * x[8, w] + c4 * x[10, w] + c5 * x[12, w] + c6 * x[14, w] + c7 * x[16, w]  # fmt: skip  # noqa: E501
        D = x[1, w] + c0 * x[3, w] + c1 * x[5, w] + c2 * x[7, w] + c3 * x[9, w] + c4 * x[11, w] + c5 * x[13, w] + c6 * x[15, w] + c7 * x[17, w]  # fmt: skip  # noqa: E501
        B = s0 * x[3, w] + s1 * x[5, w] + s2 * x[7, w] + s3 * x[9, w] + s4 * x[11, w] + s5 * x[13, w] + s6 * x[15, w] + s7 * x[17, w]  # fmt: skip  # noqa: E501
        E = s0 * x[2, w] + s1 * x[4, w] + s2 * x[6, w] + s3 * x[8, w] + s4 * x[10, w] + s5 * x[12, w] + s6 * x[14, w] + s7 * x[16, w]  # fmt: skip  # noqa: E501
        u[w] += A * A + B * B + D * D + E * E
        v[w] += A * B - D * E


@numba.njit(inline="always")
def _passes(x: Any, c: Any, s: Any, u: Any, v: Any, A: Any, B: Any, D: Any, E: Any) -> None:
    """More elements: the four sums wait in the first-level cache between passes of eight."""
    for w in range(LANES):
        A[w] = x[0, w]
        D[w] = x[1, w]
        B[w] = 0.0
        E[w] = 0.0
    for k in range(0, c.size, PHASES):
        _add(x, c[k : k + PHASES], s[k : k + PHASES], 2 + 2 * k, A, B, D, E)
    for w in range(LANES):
        u[w] += A[w] * A[w] + B[w] * B[w] + D[w] * D[w] + E[w] * E[w]
        v[w] += A[w] * B[w] - D[w] * E[w]
