"""The inner loop of capability maps: station thresholds at a point, then the network's magnitude."""

from __future__ import annotations

import math
from typing import Any

import numba

FAR = 99.0  # a station that cannot see the point


@numba.njit(inline="always")
def phi(x: float) -> float:
    """The normal distribution function."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@numba.njit(cache=True, nogil=True)
def thresholds(
    point: Any, regional: bool, places: Any, in_region: Any, table: Any, step: float, out: Any
) -> None:
    """Each station's 50 % magnitude for a source at `point`, linear in the (law, station, arc) `table`."""
    last = table.shape[2] - 1
    for s in range(places.shape[0]):
        dot = point[0] * places[s, 0] + point[1] * places[s, 1] + point[2] * places[s, 2]
        arc = math.acos(min(1.0, max(-1.0, dot))) * 57.29577951308232 / step
        i = int(arc)
        if i >= last:
            out[s] = FAR
            continue
        law = 1 if regional and in_region[s] else 0
        u = arc - i
        out[s] = (1.0 - u) * table[law, s, i] + u * table[law, s, i + 1]


@numba.njit(cache=True, nogil=True)
def fewer_than(k: int, magnitude: float, sorted_thresholds: Any, n: int, sd: float) -> float:
    """P(fewer than k of the first n stations detect), k at most 3: the recurrence cut at k states."""
    p0, p1, p2 = 1.0, 0.0, 0.0
    for s in range(n):
        p = phi((magnitude - sorted_thresholds[s]) / sd)
        q = 1.0 - p
        p2 = p2 * q + p1 * p
        p1 = p1 * q + p0 * p
        p0 = p0 * q
    if k == 1:
        return p0
    return p0 + p1 if k == 2 else p0 + p1 + p2


@numba.njit(cache=True, nogil=True)
def solve(k: int, wanted: float, sorted_thresholds: Any, sd: float) -> float:
    """The magnitude that at least k stations detect with probability `wanted`, to 0.0005; FAR if none."""
    if k > sorted_thresholds.size or sorted_thresholds[k - 1] >= FAR:
        return FAR
    low, high = sorted_thresholds[0] - 8.0 * sd, sorted_thresholds[k - 1] + 4.0 * sd
    while high - low > 0.0005:
        middle = 0.5 * (low + high)
        n = k
        while n < sorted_thresholds.size and sorted_thresholds[n] < middle + 8.0 * sd:
            n += 1  # beyond 8 sd a station adds less than 1e-15
        if fewer_than(k, middle, sorted_thresholds, n, sd) <= 1.0 - wanted:
            high = middle
        else:
            low = middle
    return float(0.5 * (low + high))


@numba.njit(cache=True, parallel=True)
def solve_map(
    points: Any,
    regional: Any,
    places: Any,
    in_region: Any,
    table: Any,
    step: float,
    sd: float,
    wanted: float,
    out: Any,
) -> None:
    """(point, k) magnitudes for k = 1, 2, 3."""
    for i in numba.prange(points.shape[0]):
        own = table[0, :, 0].copy()
        thresholds(points[i], regional[i], places, in_region, table, step, own)
        own.sort()
        for k in range(out.shape[1]):
            out[i, k] = solve(k + 1, wanted, own, sd)
