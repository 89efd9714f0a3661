"""What a place and time weigh as an event: what stations are to it, and what their arrivals add, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import KM, arc, backazimuth, basis, ray_parameter, spherical, wrap
from detente.monitor.network._score_kernel import ROOT, first_after, level, q_at

BIN_S = 5.0
MB = np.array([2.6, 3.0, 3.4, 3.8, 4.2, 4.7, 5.3, 6.0])  # magnitudes the stack tries
MANY_MB = 8
MB_SD = 0.45
LOG_WIDE = math.log(MB_SD * ROOT)
START = -2.302585 * np.maximum(0.0, MB - 3.0)  # Gutenberg and Richter, b = 1; below 3 as frequent as at 3


@numba.njit(inline="always")
def aside(row: Any, direction: float, blur: float) -> float:
    """What an arrival's back-azimuth adds to its weight; -99 if it points elsewhere."""
    if math.isnan(row[2]):
        return 0.0
    e = math.sqrt(row[3] * row[3] + blur * blur)
    v = wrap(row[2] - direction) / e
    if abs(v) > 3.0:
        return -99.0
    return float(-0.5 * v * v - math.log(e * ROOT) - row[8])


@numba.njit(inline="always")
def pull(row: Any, p: float, spread: float) -> float:
    """A stacked arrival's weight without its azimuth: its log-likelihood ratio if within the node's reach.

    `spread`: log of the length of that reach in s.
    """
    total = -spread - row[7]
    if not math.isnan(row[4]):
        v = (row[4] - p) / row[5]
        if abs(v) > 3.0:
            return -99.0
        total += -0.5 * v * v - math.log(row[5] * ROOT) - row[9]
    return float(total)


@numba.njit(inline="always")
def loud(row: Any, w: float, q: float, misses: Any, finds: Any, out: Any) -> bool:
    """Weights of an arrival at each magnitude of MB, what its amplitude says and the miss it spares added to w.

    Fills out (MANY_MB), 0 where it says less than a miss; False if it does so everywhere.
    """
    some = False
    if math.isnan(row[6]):
        for m in range(MANY_MB):
            v = w + finds[m] - misses[m]
            some = some or v > 0.0
            out[m] = v if v > 0.0 else 0.0
        return some
    w += -LOG_WIDE - row[10]
    for m in range(MANY_MB):
        u = (row[6] + q - MB[m]) / MB_SD
        v = w - 0.5 * u * u - misses[m] if abs(u) <= 2.6 else 0.0
        some = some or v > 0.0
        out[m] = v if v > 0.0 else 0.0
    return some


@numba.njit(inline="always")
def blurred(x: float, step_deg: float) -> float:
    """Degrees of back-azimuth that half a step makes at a distance."""
    return float(min(90.0, 0.4 * step_deg * 57.3 / max(step_deg, 57.3 * math.sin(x / 57.3))))


@numba.njit(cache=True, nogil=True)
def look(
    b: Any, z: float, step_deg: float, first: Any, st: Any, times: Any, places: Any, frames: Any, law: Any,
    view: Any, odds: Any,
) -> None:  # fmt: skip
    """What stations are to a node: view (station, 6): P's time (NaN: none, or off), slowness, back-azimuth, what
    half a step blurs of that, of the time, and Q; odds (station, 2, MANY_MB): log chances to miss and to see.
    """
    q_table, missed, found, sd = law
    for s in range(places.shape[0]):
        view[s, 0] = math.nan
        if first[s] == first[s + 1]:
            continue
        x, _ = arc(b, places[s])
        f = 0 if x <= 115.0 else 1
        t = spherical(times[f], x, z)
        if math.isnan(t) or x > 175.0:
            continue
        p = ray_parameter(times[f], x, z)
        q = q_at(q_table, x, z)
        view[s, 0], view[s, 1], view[s, 2] = t, p, backazimuth(b, frames[s])
        view[s, 3] = blurred(x, step_deg)
        view[s, 4], view[s, 5] = 3.0 + 0.5 * step_deg * KM * p, q
        for m in range(MANY_MB):
            k = level((MB[m] - st[s, 0] - q) / sd)
            odds[s, 0, m], odds[s, 1, m] = missed[k], found[k]


@numba.njit(cache=True, nogil=True)
def weigh(time: float, a: Any, owner: Any, first: Any, view: Any, odds: Any) -> float:
    """A node's weight at one origin time from arrivals still free, one a station: no more than the stack's."""
    total = START.copy()
    best, add = np.empty(MANY_MB), np.empty(MANY_MB)
    for s in range(view.shape[0]):
        if math.isnan(view[s, 0]):
            continue
        t, reach = time + view[s, 0], view[s, 4] + BIN_S
        spread = math.log(2.0 * view[s, 4])
        best[:] = 0.0
        k = first_after(a, first[s], first[s + 1], t - reach)
        while k < first[s + 1] and a[k, 0] < t + reach:
            if owner[k] < 0:
                w = aside(a[k], view[s, 2], view[s, 3]) + pull(a[k], view[s, 1], spread)
                if w > -5.0 and loud(a[k], w, view[s, 5], odds[s, 0], odds[s, 1], add):
                    for m in range(MANY_MB):
                        best[m] = max(best[m], add[m])
            k += 1
        for m in range(MANY_MB):
            total[m] += odds[s, 0, m] + best[m]
    return float(total.max())


@numba.njit(cache=True, parallel=True)
def reweigh(
    candidates: Any, groups: Any, step_deg: float, a: Any, owner: Any, first: Any, st: Any, times: Any,
    places: Any, frames: Any, law: Any,
) -> None:  # fmt: skip
    """Weigh candidates anew, in place; `groups`: where each run of one node and depth begins, and the end."""
    n = places.shape[0]
    for g in numba.prange(groups.size - 1):
        view, odds = np.empty((n, 6)), np.empty((n, 2, MANY_MB))
        c = candidates[groups[g]]
        look(basis(c[0], c[1]), c[2], step_deg, first, st, times, places, frames, law, view, odds)
        for i in range(groups[g], groups[g + 1]):
            candidates[i, 4] = weigh(candidates[i, 3], a, owner, first, view, odds)
