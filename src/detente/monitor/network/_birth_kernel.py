"""The inner loops of association's search: a stack over the globe and the day, then births one by one, compiled."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._locate_kernel import wrap
from detente.monitor.network._phase_kernel import KM, arc, backazimuth, basis, ray_parameter, spherical
from detente.monitor.network._score_kernel import ROOT, first_after, improve, level, q_at, score

BIN_S = 5.0
APART_BINS = 4  # two peaks of one node lie at least so far apart
EARLY_BINS = 400  # origin times before the first arrival
MB = np.array([2.6, 3.0, 3.4, 3.8, 4.2, 4.7, 5.3, 6.0])  # magnitudes the stack tries
MANY_MB = 8
MB_SD = 0.45
LOG_WIDE = math.log(MB_SD * ROOT)
START = -2.302585 * np.maximum(0.0, MB - 3.0)  # Gutenberg and Richter, b = 1; below 3 as frequent as at 3
RIVALS = 5  # candidates of one time, apart in place, that are tried before the best becomes an event
DEPTHS = np.array([10.0, 30.0, 60.0, 110.0, 180.0, 300.0, 450.0, 600.0])


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


@numba.njit(cache=True, nogil=True)
def attempt(
    x: Any, first_tolerance: float, base: float, depth_prior: Any, me: int, a: Any, hint: Any, owner: Any,
    first: Any, st: Any, earth: Any, net: Any, law: Any, work: Any,
) -> Any:  # fmt: skip
    """Refine x in place with windows that close, depth free where there are data: (log-odds, mb, P count).

    `base`: log of the prior rate of events a km^2 and s; `depth_prior` (701,): log density a km.
    """
    pick, gain, seen = work
    tolerance = first_tolerance
    for stage in range(4):
        total, mb, count = score(
            x, tolerance, False, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen
        )
        if count < 2 or (stage == 2 and total + base < -12.0):
            return -1e9, mb, count
        if stage < 3:
            improve(x, tolerance, stage == 2 and count > 5, a, earth, net, pick, 5)
        tolerance = 4.0 if stage == 0 else (1.5 if stage == 1 else 0.0)
    best, best_x = -1e9, x.copy()
    y = x.copy()
    for trial in range(DEPTHS.size + 1):
        y[:] = x
        if trial == DEPTHS.size:  # from the best of the depths tried, let it go
            if count < 5:
                break
            y[:] = best_x
        elif trial == 0 or count >= 5:
            y[2] = DEPTHS[trial]
        else:
            continue
        total, volume = settle(
            y, trial == DEPTHS.size, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen
        )
        prior = depth_prior[int(y[2])] + (0.0 if trial == DEPTHS.size else 3.0)  # 20 km, if not resolved
        total += base + volume + prior - 0.4
        if total > best:
            best = total
            best_x[:] = y
    x[:] = best_x
    total, mb, count = score(x, 0.0, True, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen)
    return best, mb, count


@numba.njit(cache=True, nogil=True)
def settle(
    y: Any, free: bool, me: int, a: Any, hint: Any, owner: Any, first: Any, st: Any, earth: Any, net: Any,
    law: Any, pick: Any, gain: Any, seen: Any,
) -> Any:  # fmt: skip
    """Name all phases and fit to them, twice; log-odds without prior, and log volume of the posterior."""
    score(y, 0.0, False, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen)
    improve(y, 0.0, False, a, earth, net, pick, 6)
    score(y, 0.0, True, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen)
    volume = improve(y, 0.0, free, a, earth, net, pick, 6)
    total, _, _ = score(y, 0.0, True, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen)
    return total, volume


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


@numba.njit(cache=True, nogil=True)
def births(
    candidates: Any, step_deg: float, least: float, base: float, depth_prior: Any, threshold: float,
    serial: int, a: Any, hint: Any, owner: Any, first: Any, st: Any, earth: Any, net: Any, law: Any,
    found: Any,
) -> Any:  # fmt: skip
    """Take candidates (lat, lon, depth, time, weight), the heaviest first, and keep those that are events.

    A kept event takes its arrivals; a candidate that may have lost arrivals since is weighed anew and waits its
    turn. Fills found (event, 7): x, score, mb, number of P; returns the number of events and of attempts.
    """
    n = net[0].shape[0]
    where, worth = np.empty((RIVALS, 4)), np.empty((RIVALS, 3))
    picks, gain, seen = np.empty((RIVALS, n, 11), np.int64), np.empty((n, 11)), np.empty((n, 4))
    view, odds = np.empty((n, 6)), np.empty((n, 2, MANY_MB))
    since = np.zeros(candidates.shape[0], np.int64)  # births when a candidate was last weighed
    heap = [(-candidates[i, 4], i) for i in range(candidates.shape[0])]
    heapq.heapify(heap)
    many, tries = 0, 0
    while len(heap) > 0 and many < found.shape[0]:
        tried = [0 for _ in range(0)]
        put_back = [(0.0, 0) for _ in range(0)]
        looked = 0
        while len(heap) > 0 and len(tried) < RIVALS and looked < 40:
            weight, i = heapq.heappop(heap)
            c = candidates[i]
            if len(tried) > 0:
                looked += 1
                lead = candidates[tried[0]]
                if abs(c[3] - lead[3]) > 300.0 or beside(c, tried, candidates, step_deg):
                    put_back.append((weight, i))
                    continue
            if since[i] < many:
                since[i] = many
                look(basis(c[0], c[1]), c[2], step_deg, first, st, earth[0], net[0], net[1], law, view, odds)
                now = weigh(c[3], a, owner, first, view, odds)
                if now < least:
                    continue
                if now < -weight - 0.5:
                    heapq.heappush(heap, (-now, i))
                    continue
            tried.append(i)
        for pair in put_back:
            heapq.heappush(heap, pair)
        if len(tried) == 0:
            continue
        tries += len(tried)
        best = -1
        for j in range(len(tried)):
            where[j] = candidates[tried[j], :4]
            worth[j, 0], worth[j, 1], worth[j, 2] = attempt(
                where[j], 2.8 * step_deg, base, depth_prior, serial + many, a, hint, owner, first, st, earth, net,
                law, (picks[j], gain, seen),
            )  # fmt: skip
            if worth[j, 2] >= 2 and worth[j, 0] >= threshold and (best < 0 or worth[j, 0] > worth[best, 0]):
                best = j
        if best < 0:
            continue
        for i in tried:
            heapq.heappush(heap, (-candidates[i, 4], i))
        for s in range(n):
            for j in range(11):
                if picks[best, s, j] >= 0:
                    owner[picks[best, s, j]] = serial + many
        found[many, :4] = where[best]
        found[many, 4:7] = worth[best]
        many += 1
    return many, tries


@numba.njit(cache=True, nogil=True)
def beside(c: Any, tried: Any, candidates: Any, step_deg: float) -> bool:
    """Is a candidate next to one already tried, in place and time?"""
    for i in tried:
        o = candidates[i]
        apart = math.hypot(c[0] - o[0], wrap_radians(c[1] - o[1]) * math.cos(c[0])) * 57.3
        if apart < 1.6 * step_deg and abs(c[3] - o[3]) < 30.0 and abs(c[2] - o[2]) < 200.0:
            return True
    return False


@numba.njit(inline="always")
def wrap_radians(x: float) -> float:
    return (x + math.pi) % (2.0 * math.pi) - math.pi


@numba.njit(cache=True, nogil=True)
def revisit(
    x: Any, base: float, depth_prior: Any, me: int, a: Any, hint: Any, owner: Any, first: Any, st: Any,
    earth: Any, net: Any, law: Any, pick: Any, gain: Any, seen: Any,
) -> Any:  # fmt: skip
    """Fit x anew, in place, to its own arrivals and the free ones: (log-odds, mb, P count)."""
    best, best_x = -1e9, x.copy()
    y = x.copy()
    for trial in range(2):
        y[:] = x
        total, volume = settle(
            y, trial == 1, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen
        )
        prior = depth_prior[int(y[2])] + (0.0 if trial == 1 else 3.0)
        total += base + volume + prior - 0.4
        if total > best:
            best = total
            best_x[:] = y
    x[:] = best_x
    _, mb, count = score(x, 0.0, True, me, a, hint, owner, first, st, earth, net, law, pick, gain, seen)
    return best, mb, count
