"""Births of events among the heaviest candidates of the stack, one by one, and their second fits, compiled."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._improve_kernel import improve
from detente.monitor.network._phase_kernel import basis
from detente.monitor.network._score_kernel import score
from detente.monitor.network._weigh_kernel import MANY_MB, look, weigh

RIVALS = 5  # candidates of one time, apart in place, that are tried before the best becomes an event
DEPTHS = np.array([10.0, 30.0, 60.0, 110.0, 180.0, 300.0, 450.0, 600.0])


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
