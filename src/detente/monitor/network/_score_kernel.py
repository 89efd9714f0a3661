"""The inner loops of association: the log-odds of an event against noise, and its refinement, compiled.

Arrays: `a` (arrival, 12), sorted by station, then time: time, its error, back-azimuth, error, slowness, error,
log10 A/T, then the log densities under noise of time (per s), azimuth (per degree), slowness (per s/km) and log
amplitude, the coda of stronger signals counted in, and the chance that the direction is the wave's own; `hint`:
0 unnamed, 1 a compressional, 2 a shear name. `st` (station, 2): see `arrival_table._stations`.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import (
    arc,
    backazimuth,
    basis,
    elliptic,
    model_error,
    over_height,
    ray_parameter,
    spherical,
    wrap,
)

T5 = math.log(0.3796066898)  # density of Student's law with 5 degrees of freedom at 0
ROOT = 2.5066282746310002  # sqrt(2 pi)
AMPLITUDE_SD = 0.35
FLOOR_MB, STEP_MB, MANY_MB = 2.2, 0.15, 36
LEVELS = 1201  # of the detection table, -6 to 6 standard deviations
# kernels' phase index, greatest chance, magnitude units below P, first and last distance, least depth: assumed
LATER = np.array(
    [
        [3, 0.5, 0.2, 1.0, 8.0, 0.0],  # Pg
        [5, 0.5, 0.3, 1.5, 18.0, 0.0],  # Sn
        [4, 0.35, 0.7, 18.0, 95.0, 0.0],  # S
        [7, 0.6, 0.0, 0.3, 16.0, 0.0],  # Lg
        [8, 0.35, 0.5, 20.0, 95.0, 5.0],  # pP
        [9, 0.25, 0.6, 20.0, 95.0, 5.0],  # sP
        [10, 0.2, 0.8, 25.0, 70.0, 0.0],  # PcP
        [11, 0.15, 0.8, 20.0, 58.0, 0.0],  # ScP
        [12, 0.5, 0.0, 144.0, 155.0, 0.0],  # PKPbc
        [13, 0.3, 0.3, 146.0, 175.0, 0.0],  # PKPab
    ]
)


@numba.njit(inline="always")
def q_at(table: Any, x: float, z: float) -> float:
    """Veith and Clawson's Q, `table` (181 degrees, 8 depths of 100 km), linear."""
    i = min(int(x), 179)
    u = x - i
    w = min(z, 699.0) * 0.01
    j = int(w)
    v = w - j
    low = (1 - u) * table[i, j] + u * table[i + 1, j]
    return float((1 - v) * low + v * ((1 - u) * table[i, j + 1] + u * table[i + 1, j + 1]))


@numba.njit(inline="always")
def level(x: float) -> int:
    """Index of a number of standard deviations in the detection tables."""
    return int(min(LEVELS - 1.0, max(0.0, (x + 6.0) * 100.0 + 0.5)))


@numba.njit(inline="always")
def likeness(row: Any, hint: int, t: float, sigma: float, direction: float, p: float, shear: bool) -> float:
    """Log-likelihood ratio, wave of an event to noise, of time, azimuth and slowness of one arrival.

    A direction that is wrong (the f-k took another peak) is so in azimuth and slowness at once, and is as noise's.
    """
    s = math.sqrt(row[1] * row[1] + sigma * sigma)
    u = (row[0] - t) / s
    total = T5 - math.log(s) - 3.0 * math.log(1.0 + 0.2 * u * u) - row[7]
    ratio = 0.0
    if not math.isnan(row[2]):
        v = wrap(row[2] - direction) / row[3]
        ratio -= 0.5 * v * v + math.log(row[3] * ROOT) + row[8]
    if not math.isnan(row[4]):
        v = (row[4] - p) / row[5]
        ratio -= 0.5 * v * v + math.log(row[5] * ROOT) + row[9]
    total += math.log(row[11] * math.exp(min(50.0, ratio)) + 1.0 - row[11])
    if hint != 0:
        total += 0.4 if (hint == 2) == shear else -2.0
    return float(total)


@numba.njit(inline="always")
def first_after(a: Any, low: int, high: int, t: float) -> int:
    """Index of the first arrival at or after t among those of a station."""
    while low < high:
        middle = (low + high) // 2
        if a[middle, 0] < t:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def silent(a: Any, low: int, high: int, t: float, longest: float) -> bool:
    """Has the station said nothing for so long around t that it must have been off?"""
    k = first_after(a, low, high, t)
    before = a[k - 1, 0] if k > low else -1e9
    after = a[k, 0] if k < high else 1e9
    return bool(min(after, t + longest) - max(before, t - longest) > longest)


@numba.njit(cache=True, nogil=True)
def score(
    x: Any,
    tolerance: float,
    whole: bool,
    me: int,
    a: Any,
    hint: Any,
    owner: Any,
    first: Any,
    st: Any,
    earth: Any,
    net: Any,
    law: Any,
    pick: Any,
    gain: Any,
    seen: Any,
) -> Any:
    """Log-odds of an event at x = (lat, lon, depth, time) and its magnitude: (score, mb, number of P).

    Fills pick (station, 1 + LATER): the arrival each phase takes, -1 for none; gain: its log-odds; seen
    (station, 4): distance, predicted P time, magnitude at which P is seen half the time, chance to see P.
    Arrivals of other events than `me` are not taken. `tolerance` s widens every window; not `whole`: P only.
    """
    times, flattening, errors, _ = earth
    places, frames, elevation = net
    q_table, missed, found, sd = law
    lat, lon, z, t0 = x[0], x[1], x[2], x[3]
    b = basis(lat, lon)
    n = places.shape[0]
    for s in range(n):
        distance, azimuth = arc(b, places[s])
        f = 0 if distance <= 115.0 else 1
        seen[s, 0] = distance
        seen[s, 2] = st[s, 0] + q_at(q_table, distance, z)
        for k in range(pick.shape[1]):
            pick[s, k] = -1
            gain[s, k] = 0.0
        if math.isnan(spherical(times[f], distance, z)):
            seen[s, 1] = math.nan
            seen[s, 2] = 99.0
            continue
        p = ray_parameter(times[f], distance, z)
        t = t0 + spherical(times[f], distance, z) + elliptic(flattening[f], distance, z, lat, azimuth)
        t += over_height(elevation[s], p, False)
        seen[s, 1] = t
        low, high = first[s], first[s + 1]
        if low == high:
            seen[s, 2] = 99.0  # nothing all day: off
            continue
        sigma = math.hypot(model_error(errors[f], distance, z), tolerance)
        gate = 4.0 * sigma + 3.0
        k = first_after(a, low, high, t - gate)
        best, chosen = -1e9, -1
        while k < high and a[k, 0] < t + gate:
            if owner[k] < 0 or owner[k] == me:
                value = likeness(a[k], hint[k], t, sigma, backazimuth(b, frames[s]), p, False)
                if value > best:
                    best, chosen = value, k
            k += 1
        pick[s, 0], gain[s, 0] = chosen, best
        if chosen < 0 and silent(a, low, high, t, st[s, 1]):
            seen[s, 2] = 99.0
    total, mb, count = magnitude(a, pick, gain, seen, q_table, z, missed, found, sd)
    if whole:
        total += later(
            lat, z, t0, b, tolerance, mb, me, a, hint, owner, first, earth, net, law, pick, gain, seen
        )
    return total, mb, count


@numba.njit(cache=True, nogil=True)
def magnitude(
    a: Any, pick: Any, gain: Any, seen: Any, q_table: Any, z: float, missed: Any, found: Any, sd: float
) -> Any:
    """The best magnitude for what was seen and what was not; drops P picks that it makes worse than a miss."""
    n = seen.shape[0]
    line = np.zeros(MANY_MB)
    own = np.full(n, math.nan)
    for s in range(n):
        if pick[s, 0] >= 0 and not math.isnan(a[pick[s, 0], 6]):
            own[s] = a[pick[s, 0], 6] + q_at(q_table, seen[s, 0], z)
    for k in range(MANY_MB):
        mb = FLOOR_MB + k * STEP_MB
        total = -2.302585 * max(0.0, mb - 3.0)  # Gutenberg and Richter, b = 1; below 3 as frequent as at 3
        for s in range(n):
            total += station(mb, s, own, pick, gain, seen, a, missed, found, sd)
        line[k] = total
    best = int(np.argmax(line))
    mb = FLOOR_MB + best * STEP_MB
    if 0 < best < MANY_MB - 1:
        bend = line[best - 1] - 2.0 * line[best] + line[best + 1]
        if bend < 0.0:
            mb += STEP_MB * 0.5 * (line[best - 1] - line[best + 1]) / bend
    count = 0
    total = -2.302585 * max(0.0, mb - 3.0)
    for s in range(n):
        miss = missed[level((mb - seen[s, 2]) / sd)]
        value = station(mb, s, own, pick, gain, seen, a, missed, found, sd)
        seen[s, 3] = 1.0 - math.exp(miss)
        if pick[s, 0] >= 0 and value > miss:
            count += 1
            gain[s, 0] = value - miss
        else:
            pick[s, 0], gain[s, 0] = -1, 0.0
        total += value
    return total, mb, count


@numba.njit(inline="always")
def station(
    mb: float, s: int, own: Any, pick: Any, gain: Any, seen: Any, a: Any, missed: Any, found: Any, sd: float
) -> float:
    """A station's part of the log-odds at a magnitude: its P pick, or that it has none, whichever is more."""
    k = level((mb - seen[s, 2]) / sd)
    miss = missed[k]
    if pick[s, 0] < 0:
        return float(miss)
    if math.isnan(own[s]):
        hit = gain[s, 0] + found[k]
    else:  # the amplitude's density already holds the chance to be above the noise
        v = (own[s] - mb) / AMPLITUDE_SD
        hit = (
            gain[s, 0] + math.log(0.95 * math.exp(-0.5 * v * v) / (AMPLITUDE_SD * ROOT) + 0.01)
            - a[pick[s, 0], 10]
        )  # fmt: skip
    return float(max(miss, hit))


@numba.njit(cache=True, nogil=True)
def later(
    lat: float, z: float, t0: float, b: Any, tolerance: float, mb: float, me: int, a: Any, hint: Any,
    owner: Any, first: Any, earth: Any, net: Any, law: Any, pick: Any, gain: Any, seen: Any,
) -> float:  # fmt: skip
    """The other phases' part of the log-odds; each takes the best arrival that none before it took."""
    times, flattening, errors, shear = earth
    places, frames, elevation = net
    _, missed, _, sd = law
    total = 0.0
    for s in range(places.shape[0]):
        if math.isnan(seen[s, 1]) or seen[s, 2] > 50.0:
            continue
        distance = seen[s, 0]
        for j in range(LATER.shape[0]):
            if distance < LATER[j, 3] or distance > LATER[j, 4] or z < LATER[j, 5]:
                continue
            f = int(LATER[j, 0])
            travel = spherical(times[f], distance, z)
            if math.isnan(travel) or t0 + travel - seen[s, 1] < 2.0:
                continue
            chance = LATER[j, 1] * (1.0 - math.exp(missed[level((mb - seen[s, 2] - LATER[j, 2]) / sd)]))
            miss = math.log(1.0 - chance)
            total += miss
            p = ray_parameter(times[f], distance, z)
            _, azimuth = arc(b, places[s])
            t = t0 + travel + elliptic(flattening[f], distance, z, lat, azimuth)
            t += over_height(elevation[s], p, shear[f])
            sigma = math.hypot(model_error(errors[f], distance, z), tolerance)
            gate = 4.0 * sigma + 3.0
            k = first_after(a, first[s], first[s + 1], t - gate)
            best, chosen = -1e9, -1
            while k < first[s + 1] and a[k, 0] < t + gate:
                free = owner[k] < 0 or owner[k] == me
                for i in range(1 + j):
                    free = free and pick[s, i] != k
                if free:
                    value = likeness(a[k], hint[k], t, sigma, backazimuth(b, frames[s]), p, shear[f])
                    if value > best:
                        best, chosen = value, k
                k += 1
            value = best + math.log(max(chance, 1e-6)) - miss
            if chosen >= 0 and value > 0.0:
                pick[s, 1 + j], gain[s, 1 + j] = chosen, value
                total += value
    return total
