"""The stack of association: how much every node and origin time weighs, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import KM, arc, backazimuth, basis, ray_parameter, spherical, wrap
from detente.monitor.network._score_kernel import ROOT, first_after, level, q_at

BIN_S = 5.0
APART_BINS = 4  # two peaks of one node lie at least so far apart
EARLY_BINS = 400  # origin times before the first arrival
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
def packed(a: Any) -> Any:
    """The arrivals as the stack's loop takes them (n, 6): time, slowness, one over its error, what these add to the
    weight, amplitude over MB_SD, what that adds; nothing measured adds nothing.
    """
    out = np.zeros((a.shape[0], 6), np.float32)
    for k in range(a.shape[0]):
        out[k, 0] = a[k, 0]
        out[k, 5] = math.nan
        if not math.isnan(a[k, 4]):
            out[k, 1], out[k, 2] = a[k, 4], 1.0 / a[k, 5]
            out[k, 3] = -math.log(a[k, 5] * ROOT) - a[k, 9]
        if not math.isnan(a[k, 6]):
            out[k, 4], out[k, 5] = a[k, 6] / MB_SD, -LOG_WIDE - a[k, 10]
    return out


@numba.njit(cache=True, parallel=True)
def stack(
    nodes: Any, depths: Any, step_deg: float, length_s: float, least: float, a: Any, owner: Any, first: Any,
    st: Any, times: Any, places: Any, frames: Any, law: Any, out: Any,
) -> None:  # fmt: skip
    """The best origin times of every node: out (node, depth, peak, 2) weight and time; weight 0 where fewer.

    A line for each magnitude: it begins at the log chance that nobody sees the event, and every arrival that
    fits adds its own log-likelihood ratio against noise and against a miss. The peaks are then weighed with one
    arrival a station.
    """
    bins = int(length_s / BIN_S) + 1
    n = places.shape[0]
    quick = packed(a)
    for i in numba.prange(nodes.shape[0]):
        line = np.empty((bins + 1) * MANY_MB, np.float32)
        top = np.empty(bins, np.float32)
        view, odds = np.empty((n, 6)), np.empty((n, 2, MANY_MB))
        turn = np.empty(a.shape[0], np.float32)
        b = basis(nodes[i, 0], nodes[i, 1])
        for d in range(depths.size):
            look(b, depths[d], step_deg, first, st, times, places, frames, law, view, odds)
            if d == 0:
                turns(a, owner, first, b, step_deg, places, frames, turn)
            line[:] = 0.0
            start = pour(quick, turn, first, view, odds, line)
            crest(line, start, top)
            peaks(top, least, out[i, d])
            for j in range(out.shape[2]):
                if out[i, d, j, 0] > 0.0:
                    now = weigh(out[i, d, j, 1], a, owner, first, view, odds)
                    out[i, d, j, 0] = now if now >= least else 0.0


@numba.njit(cache=True, nogil=True)
def turns(
    a: Any, owner: Any, first: Any, b: Any, step_deg: float, places: Any, frames: Any, out: Any
) -> None:
    """What each arrival's azimuth and its rate of noise add at a node; -99 for one taken or from elsewhere."""
    for s in range(places.shape[0]):
        x, _ = arc(b, places[s])
        direction, blur = backazimuth(b, frames[s]), blurred(x, step_deg)
        for k in range(first[s], first[s + 1]):
            v = aside(a[k], direction, blur)
            out[k] = v - a[k, 7] if owner[k] < 0 and v > -90.0 else -99.0


@numba.njit(cache=True, nogil=True)
def pour(quick: Any, turn: Any, first: Any, view: Any, odds: Any, line: Any) -> Any:
    """Into line (bin x magnitude) the differences that each arrival makes where its window opens and closes.

    Returns the log chance (magnitude) that nobody sees the event.
    """
    start = START.copy()
    wide = np.uint64(MANY_MB)
    last = line.size // MANY_MB - 1
    add, sure, own, loudness = (
        np.empty(MANY_MB, np.float32), np.empty(MANY_MB, np.float32), np.empty(MANY_MB, np.float32),
        np.empty(MANY_MB, np.float32),
    )  # fmt: skip
    zero, half, limit = np.float32(0.0), np.float32(0.5), np.float32(2.6)
    for s in range(view.shape[0]):
        if math.isnan(view[s, 0]):
            continue
        start += odds[s, 0]
        for m in range(MANY_MB):
            sure[m] = odds[s, 1, m] - odds[s, 0, m]
            own[m] = -odds[s, 0, m]
            loudness[m] = (view[s, 5] - MB[m]) / MB_SD
        t, reach = view[s, 0], view[s, 4]
        p, spread = np.float32(view[s, 1]), np.float32(math.log(2.0 * reach))
        early, late = EARLY_BINS - (t + reach) / BIN_S, EARLY_BINS - (t - reach) / BIN_S + 1.0
        for k in range(first[s], first[s + 1]):
            if turn[k] < np.float32(-90.0):
                continue
            v = (quick[k, 1] - p) * quick[k, 2]
            if abs(v) > np.float32(3.0):
                continue
            w = turn[k] + quick[k, 3] - spread - half * v * v
            if w <= np.float32(-5.0):
                continue
            some = zero
            if math.isnan(quick[k, 5]):
                for m in range(MANY_MB):
                    g = w + sure[m]
                    add[m] = g if g > zero else zero
                    some += add[m]
            else:
                w += quick[k, 5]
                for m in range(MANY_MB):
                    u = quick[k, 4] + loudness[m]
                    g = w + own[m] - half * u * u
                    add[m] = g if g > zero and abs(u) <= limit else zero
                    some += add[m]
            if some == zero:
                continue
            bins = quick[k, 0] / BIN_S
            low = np.uint64(min(last, max(0, int(bins + early)))) * wide
            high = np.uint64(min(last, max(0, int(bins + late)))) * wide
            for m in range(MANY_MB):
                line[low + np.uint64(m)] += add[m]
            for m in range(MANY_MB):
                line[high + np.uint64(m)] -= add[m]
    return start


@numba.njit(cache=True, nogil=True)
def crest(line: Any, start: Any, top: Any) -> None:
    """Sum the differences up and keep the best magnitude of each bin; eight sums at once, written out."""
    r0, r1, r2, r3 = np.float32(start[0]), np.float32(start[1]), np.float32(start[2]), np.float32(start[3])
    r4, r5, r6, r7 = np.float32(start[4]), np.float32(start[5]), np.float32(start[6]), np.float32(start[7])
    for j in range(top.size):
        k = np.uint64(j) * np.uint64(8)
        r0 += line[k]
        r1 += line[k + np.uint64(1)]
        r2 += line[k + np.uint64(2)]
        r3 += line[k + np.uint64(3)]
        r4 += line[k + np.uint64(4)]
        r5 += line[k + np.uint64(5)]
        r6 += line[k + np.uint64(6)]
        r7 += line[k + np.uint64(7)]
        top[j] = max(max(max(r0, r1), max(r2, r3)), max(max(r4, r5), max(r6, r7)))


@numba.njit(cache=True, nogil=True)
def peaks(line: Any, least: float, out: Any) -> None:
    """The highest local maxima above `least`, best first: out (peak, 2) weight and time in s."""
    out[:] = 0.0
    room = out.shape[0]
    j = 0
    n = line.size
    while j < n:
        v = line[j]
        if v > least and v > out[room - 1, 0]:
            top = True
            for k in range(max(0, j - APART_BINS), min(n, j + APART_BINS + 1)):
                if line[k] > v:
                    top = False
                    break
            if top:
                end = j
                while end + 1 < n and line[end + 1] == v:
                    end += 1
                r = room - 1
                while r > 0 and out[r - 1, 0] < v:
                    out[r, 0], out[r, 1] = out[r - 1, 0], out[r - 1, 1]
                    r -= 1
                out[r, 0], out[r, 1] = v, (0.5 * (j + end) + 0.5 - EARLY_BINS) * BIN_S
                j = end + APART_BINS
        j += 1


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
