"""The stack of association: how much every node and origin time weighs, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import arc, backazimuth, basis
from detente.monitor.network._score_kernel import ROOT
from detente.monitor.network._weigh_kernel import (
    BIN_S,
    LOG_WIDE,
    MANY_MB,
    MB,
    MB_SD,
    START,
    aside,
    blurred,
    look,
    weigh,
)

APART_BINS = 4  # two peaks of one node lie at least so far apart
EARLY_BINS = 400  # origin times before the first arrival


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
