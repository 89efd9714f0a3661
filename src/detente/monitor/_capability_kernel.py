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
def fewer_than(
    k: int, magnitude: float, sorted_thresholds: Any, n: int, sd: float, available: float
) -> float:
    """P(fewer than k of the first n stations detect), k at most 3: the recurrence cut at k states."""
    p0, p1, p2 = 1.0, 0.0, 0.0
    for s in range(n):
        p = available * phi((magnitude - sorted_thresholds[s]) / sd)
        q = 1.0 - p
        p2 = p2 * q + p1 * p
        p1 = p1 * q + p0 * p
        p0 = p0 * q
    if k == 1:
        return p0
    return p0 + p1 if k == 2 else p0 + p1 + p2


@numba.njit(cache=True, nogil=True)
def excess(
    k: int, magnitude: float, wanted: float, sorted_thresholds: Any, sd: float, available: float
) -> float:
    """P(at least k detect) less `wanted`; stations 8 sd above the magnitude add less than 1e-15 and are cut."""
    n = k
    while n < sorted_thresholds.size and sorted_thresholds[n] < magnitude + 8.0 * sd:
        n += 1
    return float(1.0 - wanted - fewer_than(k, magnitude, sorted_thresholds, n, sd, available))


@numba.njit(cache=True, nogil=True)
def solve(k: int, wanted: float, sorted_thresholds: Any, sd: float, available: float) -> float:
    """The magnitude that at least k stations detect with probability `wanted`; FAR if none can.

    False position with the Illinois rule, until the probability is within 1e-6 or the bracket 1e-6 wide.
    """
    if k > sorted_thresholds.size or sorted_thresholds[k - 1] >= FAR:
        return FAR
    low, high = sorted_thresholds[0] - 4.0 * sd, sorted_thresholds[k - 1] + 2.0 * sd
    f_low, f_high = (
        excess(k, low, wanted, sorted_thresholds, sd, available),
        excess(k, high, wanted, sorted_thresholds, sd, available),
    )
    while f_low > 0.0:
        low -= 2.0 * sd
        f_low = excess(k, low, wanted, sorted_thresholds, sd, available)
    while f_high < 0.0:
        high += 2.0 * sd
        if high > 0.5 * FAR:  # too few send often enough
            return FAR
        f_high = excess(k, high, wanted, sorted_thresholds, sd, available)
    kept = 0
    while high - low > 1e-6:
        middle = (low * f_high - high * f_low) / (f_high - f_low)
        f = excess(k, middle, wanted, sorted_thresholds, sd, available)
        if abs(f) < 1e-6:
            return float(middle)
        if f > 0.0:
            high, f_high = middle, f
            f_low = 0.5 * f_low if kept == 1 else f_low
            kept = 1
        else:
            low, f_low = middle, f
            f_high = 0.5 * f_high if kept == -1 else f_high
            kept = -1
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
    available: float,
    out: Any,
) -> None:
    """(point, k) magnitudes for k = 1, 2, 3."""
    for i in numba.prange(points.shape[0]):
        own = table[0, :, 0].copy()
        thresholds(points[i], regional[i], places, in_region, table, step, own)
        own.sort()
        for k in range(out.shape[1]):
            out[i, k] = solve(k + 1, wanted, own, sd, available)
