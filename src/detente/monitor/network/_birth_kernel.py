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
MB = np.array([3.0, 3.4, 3.8, 4.2, 4.8, 5.6])  # magnitudes the stack tries
MB_SD = 0.45
RIVALS = 5  # candidates of one time, apart in place, that are tried before the best becomes an event
DEPTHS = np.array([10.0, 30.0, 60.0, 110.0, 180.0, 300.0, 450.0, 600.0])


@numba.njit(inline="always")
def pull(row: Any, direction: float, p: float, blur: float, reach: float) -> float:
    """A stacked arrival's weight: its log-likelihood ratio if it came within `reach` s of the node's time."""
    total = -math.log(2.0 * reach) - row[7]
    if not math.isnan(row[2]):
        e = math.sqrt(row[3] * row[3] + blur * blur)
        v = wrap(row[2] - direction) / e
        if abs(v) > 3.0:
            return -9.0
        total += -0.5 * v * v - math.log(e * ROOT) - row[8]
    if not math.isnan(row[4]):
        v = (row[4] - p) / row[5]
        if abs(v) > 3.0:
            return -9.0
        total += -0.5 * v * v - math.log(row[5] * ROOT) - row[9]
    return float(total)


@numba.njit(inline="always")
def loudness(row: Any, m: int, q: float, misses: Any, finds: Any) -> float:
    """What an arrival's amplitude adds at magnitude MB[m], and that the station did not miss the event."""
    if math.isnan(row[6]):
        return float(finds[m] - misses[m])
    v = (row[6] + q - MB[m]) / MB_SD
    if abs(v) > 2.6:
        return -99.0
    return float(-0.5 * v * v - math.log(MB_SD * ROOT) - row[10] - misses[m])


@numba.njit(inline="always")
def node_view(b: Any, z: float, place: Any, frame: Any, times: Any, step_deg: float) -> Any:
    """Of a station from a node: P's time, slowness, back-azimuth, what half a step blurs of them, distance."""
    x, _ = arc(b, place)
    f = 0 if x <= 115.0 else 1
    t = spherical(times[f], x, z)
    if math.isnan(t) or x > 175.0:
        return math.nan, 0.0, 0.0, 0.0, 0.0, x
    p = ray_parameter(times[f], x, z)
    reach = 3.0 + 0.5 * step_deg * KM * p
    blur = min(90.0, 0.4 * step_deg * 57.3 / max(step_deg, 57.3 * math.sin(x / 57.3)))
    return t, p, backazimuth(b, frame), blur, reach, x


@numba.njit(inline="always")
def chances(q: float, seen_at: float, missed: Any, found: Any, sd: float, misses: Any, finds: Any) -> None:
    """Log chances that a station misses, and sees, each magnitude of MB."""
    for m in range(MB.size):
        k = level((MB[m] - seen_at - q) / sd)
        misses[m], finds[m] = missed[k], found[k]


@numba.njit(cache=True, parallel=True)
def stack(
    nodes: Any, depths: Any, step_deg: float, length_s: float, least: float, a: Any, owner: Any, first: Any,
    st: Any, times: Any, places: Any, frames: Any, law: Any, out: Any,
) -> None:  # fmt: skip
    """The best origin times of every node: out (node, depth, peak, 2) weight and time; weight 0 where fewer.

    A line for each magnitude: it begins at the log chance that nobody sees the event, and every arrival that
    fits adds its own log-likelihood ratio against noise and against a miss.
    """
    bins = int(length_s / BIN_S) + 1
    q_table, missed, found, sd = law
    for i in numba.prange(nodes.shape[0]):
        line = np.empty((bins, MB.size), np.float32)
        top = np.empty(bins, np.float32)
        misses, finds = np.empty(MB.size), np.empty(MB.size)
        b = basis(nodes[i, 0], nodes[i, 1])
        for d in range(depths.size):
            line[:] = 0.0
            start = -2.302585 * np.maximum(0.0, MB - 3.0)
            for s in range(places.shape[0]):
                if first[s] == first[s + 1]:
                    continue
                t, p, direction, blur, reach, x = node_view(
                    b, depths[d], places[s], frames[s], times, step_deg
                )
                if math.isnan(t):
                    continue
                q = q_at(q_table, x, depths[d])
                chances(q, st[s, 0], missed, found, sd, misses, finds)
                start += misses
                for k in range(first[s], first[s + 1]):
                    if owner[k] >= 0:
                        continue
                    w = pull(a[k], direction, p, blur, reach)
                    if w <= -5.0:
                        continue
                    low = max(0, int((a[k, 0] - t - reach) / BIN_S + EARLY_BINS))
                    high = min(bins - 1, int((a[k, 0] - t + reach) / BIN_S + EARLY_BINS))
                    for m in range(MB.size):
                        v = w + loudness(a[k], m, q, misses, finds)
                        if v > 0.0:
                            for j in range(low, high + 1):
                                line[j, m] += v
            for j in range(bins):
                best = np.float32(-1e9)
                for m in range(MB.size):
                    best = max(best, line[j, m] + np.float32(start[m]))
                top[j] = best
            peaks(top, least, out[i, d])


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
def weigh(
    c: Any, step_deg: float, a: Any, owner: Any, first: Any, st: Any, times: Any, places: Any, frames: Any,
    law: Any,
) -> float:  # fmt: skip
    """A candidate's weight from arrivals still free, one a station: never more than the stack's."""
    q_table, missed, found, sd = law
    b = basis(c[0], c[1])
    total = -2.302585 * np.maximum(0.0, MB - 3.0)
    misses, finds, best = np.empty(MB.size), np.empty(MB.size), np.empty(MB.size)
    for s in range(places.shape[0]):
        if first[s] == first[s + 1]:
            continue
        t, p, direction, blur, reach, x = node_view(b, c[2], places[s], frames[s], times, step_deg)
        if math.isnan(t):
            continue
        q = q_at(q_table, x, c[2])
        chances(q, st[s, 0], missed, found, sd, misses, finds)
        best[:] = 0.0
        k = first_after(a, first[s], first[s + 1], c[3] + t - reach - BIN_S)
        while k < first[s + 1] and a[k, 0] < c[3] + t + reach + BIN_S:
            if owner[k] < 0:
                w = pull(a[k], direction, p, blur, reach)
                if w > -5.0:
                    for m in range(MB.size):
                        best[m] = max(best[m], w + loudness(a[k], m, q, misses, finds))
            k += 1
        total += misses + best
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


@numba.njit(cache=True, nogil=True)
def births(
    candidates: Any, step_deg: float, least: float, base: float, depth_prior: Any, threshold: float,
    serial: int, a: Any, hint: Any, owner: Any, first: Any, st: Any, earth: Any, net: Any, law: Any,
    found: Any,
) -> Any:  # fmt: skip
    """Take candidates (lat, lon, depth, time, weight), the heaviest first, and keep those that are events.

    A kept event takes its arrivals; a candidate that has lost arrivals is weighed anew and waits its turn.
    Fills found (event, 7): x, score, mb, number of P; returns the number of events and of attempts.
    """
    n = net[0].shape[0]
    work = (np.empty((n, 11), np.int64), np.empty((n, 11)), np.empty((n, 4)))
    kept = np.empty((n, 11), np.int64)
    heap = [(-candidates[i, 4], i) for i in range(candidates.shape[0])]
    heapq.heapify(heap)
    many, tries = 0, 0
    x, best_x = np.empty(4), np.empty(4)
    while len(heap) > 0 and many < found.shape[0]:
        tried = [0 for _ in range(0)]
        put_back = [(0.0, 0) for _ in range(0)]
        best, best_mb, best_count = -1e9, 0.0, 0
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
            now = weigh(c, step_deg, a, owner, first, st, earth[0], net[0], net[1], law)
            if now < least:
                continue
            if now < -weight - 0.5:
                heapq.heappush(heap, (-now, i))
                continue
            tried.append(i)
            tries += 1
            x[:] = c[:4]
            total, mb, count = attempt(
                x, 2.8 * step_deg, base, depth_prior, serial + many, a, hint, owner, first, st, earth, net,
                law, work,
            )  # fmt: skip
            if count >= 2 and total > best:
                best, best_mb, best_count = total, mb, count
                best_x[:] = x
                kept[:] = work[0]
        for pair in put_back:
            heapq.heappush(heap, pair)
        if best < threshold:
            continue
        for i in tried:
            heapq.heappush(heap, (-candidates[i, 4], i))
        for s in range(n):
            for j in range(11):
                if kept[s, j] >= 0:
                    owner[kept[s, j]] = serial + many
        found[many, :4] = best_x
        found[many, 4], found[many, 5], found[many, 6] = best, best_mb, best_count
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
