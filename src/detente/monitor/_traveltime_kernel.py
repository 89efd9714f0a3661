"""The inner loop of the travel times: two table look-ups and a square root, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba

KM_PER_DEG = 6371.0 * math.pi / 180.0


@numba.njit(inline="always")
def _one(table: Any, x: float, z: float) -> float:
    """Bilinear slowness times straight distance; NaN outside the grid (NaN arguments fail every test)."""
    if not (0.0 <= x <= 180.0 and 0.0 <= z <= 700.0):
        return math.nan
    if x < 4.0:
        a = x * 100.0
        i = int(a)
        u = a - i
    elif x < 32.0:
        a = (x - 4.0) * 20.0
        i = int(a)
        u = a - i
        i += 400
    else:
        a = (x - 32.0) * 4.0
        i = min(int(a), 591)
        u = a - i
        i += 960
    if z < 40.0:
        j = int(z)
        v = z - j
    elif z < 560.0:
        a = (z - 40.0) * 0.2
        j = int(a)
        v = a - j
        j += 40
    else:
        a = (z - 560.0) * 0.5
        j = min(int(a), 69)
        v = a - j
        j += 144
    top = table[j, i] + u * (table[j, i + 1] - table[j, i])
    if v > 0.0:  # on a node the row below is not asked, so a phase may end there
        top += v * (table[j + 1, i] + u * (table[j + 1, i + 1] - table[j + 1, i]) - top)
    km = x * KM_PER_DEG
    return float(top * math.sqrt(km * km + z * z))


@numba.njit(cache=True, nogil=True)
def few(table: Any, x: Any, z: Any, out: Any) -> None:
    """Serial loop: no start-up cost."""
    for k in range(out.size):
        out[k] = _one(table, x[k], z[k])


@numba.njit(cache=True, parallel=True)
def many(table: Any, x: Any, z: Any, out: Any) -> None:
    """The same on every core."""
    for k in numba.prange(out.size):
        out[k] = _one(table, x[k], z[k])
