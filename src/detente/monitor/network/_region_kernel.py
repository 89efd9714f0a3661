"""The posterior of place, depth and time where every arrival may be another phase or false, by sampling, compiled.

A station's arrivals are named as they were given, or as they are where its P was lost (`names`, two tables); each
arrival then is the sum of what it may be and of a false pick. Sampled by annealing (Del Moral, Doucet and Jasra 2006,
JRSS B 68, 411) with moves by differences of the sample's own members (ter Braak 2006, Stat. Comput. 16, 239).
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
    beyond,
    meant,
    own_error,
    ray_parameter,
    spherical,
    wrap,
)

T5 = 0.3796066898  # density of Student's law with 5 degrees of freedom at 0
# Student's law with 5 degrees of freedom says as much of a place as a normal law of the same standard error if it is so
# much narrower: the root of its Fisher information, (5 + 1) / (5 + 3)
NARROW = math.sqrt(0.75)
GATE_S = 15.0  # assumed: a false pick that was taken for an event's lies about so far from where it should
NOTHING = 1e-6  # of a false pick's density: less than any direction can make good
MOVES, LAST_MOVES = 2, 6
LEAST_STEP = 1e-3
DEEPEST_KM = 690.0


@numba.njit(inline="always")
def student5(u: float) -> float:
    a = 1.0 + 0.2 * u * u
    return float(T5 / (a * a * a))


@numba.njit(inline="always")
def pointed(row: Any, true: float, azimuth: float, p: float) -> float:
    """Likelihood ratio of a measured direction: the wave's own, or a peak of the noise (flat to 0.4 s/km)."""
    ratio, some = 1.0, False
    if not math.isnan(row[2]):
        v = wrap(row[2] - azimuth) / row[3]
        ratio *= math.exp(-0.5 * v * v) / (2.5066282746 * row[3]) * 360.0
        some = True
    if not math.isnan(row[4]) and not math.isnan(p):
        v = (row[4] - p) / row[5]
        ratio *= math.exp(-0.5 * v * v) / (2.5066282746 * row[5]) * 0.4
        some = True
    return float(true * ratio + 1.0 - true) if some else 1.0


@numba.njit(inline="always")
def own(k: int, way: int, x: float, azimuth: float, z: float, t0: float, mixture: Any) -> Any:
    """Density of arrival k if it is the event's, summed over its names; the likeliest of these; s from the first."""
    o, extra, false, _, true, _, _, table, names, chance, times, errors, _, _ = mixture
    row = table[k]
    total, best, name, late = 0.0, -1.0, names[row, way, 0], 1e9
    directed = not (math.isnan(o[k, 2]) and math.isnan(o[k, 4]))
    for j in range(3):
        g = names[row, way, j]
        if g < 0:
            break
        f = g
        t = spherical(times[g], x, z)
        if math.isnan(t) and way == 0 and j == 0:
            g = meant(times, g, x, z)
            t = spherical(times[g], x, z) if g >= 0 else math.nan
        if math.isnan(t):
            continue
        r = o[k, 0] - t0 - t - extra[k, g]
        m = own_error(o[k, 7], errors[g], x, z)
        e = NARROW * math.sqrt(o[k, 1] * o[k, 1] + m * m)
        late = min(late, abs(r))
        value = chance[row, way, j] * student5(r / e) / e
        if directed:
            if value < NOTHING * false[k]:  # no direction makes up for that
                continue
            p = math.nan if math.isnan(o[k, 4]) else ray_parameter(times[g], x, z)
            value *= pointed(o[k], true[k], azimuth, p)
        total += value
        if value > best:
            best, name = value, f
    return total, name, late


@numba.njit(inline="always")
def astray(late: float, false: float) -> float:
    """Density of a false pick so late, of greatest density `false`."""
    return float(false * (student5(late / GATE_S) / T5 + 1e-4) + 1e-30)


@numba.njit(cache=True, nogil=True)
def log_likelihood(lat: float, lon: float, z: float, t0: float, mixture: Any) -> float:
    """Log-likelihood of all arrivals, station by station (arrival rows first[s] to first[s + 1]).

    `mixture`: o (n, 9), see `_misfit_kernel.misfit`; extra (n, phase): s beside the sphere's time; false (n,): density
    per s of a false pick; lost (station,): chance that P was lost; true (n,): that the direction is the wave's; say
    (station,): exponent; first; table (n,): row of names (row, 2, 3) and of their chances (row, 2, 3), what an arrival
    may be with its P seen, and lost; the Earth's times and errors; the stations' places and frames.
    """
    _, _, false, lost, _, say, first, _, _, _, _, _, places, frames = mixture
    b = basis(lat, lon)
    total = 0.0
    for s in range(places.shape[0]):
        if first[s] == first[s + 1]:
            continue
        x, _ = arc(b, places[s])
        azimuth = backazimuth(b, frames[s])
        seen, missed = 1.0 - lost[s], lost[s]
        for k in range(first[s], first[s + 1]):
            value, _, late = own(k, 0, x, azimuth, z, t0, mixture)
            noise = astray(late, false[k])
            seen *= value + noise
            if missed > 0.0:
                value, _, _ = own(k, 1, x, azimuth, z, t0, mixture)
                missed *= value + noise
        total += say[s] * math.log(seen + missed)
    return total


@numba.njit(cache=True, nogil=True)
def doubts(lat: float, lon: float, z: float, t0: float, mixture: Any, name: Any, doubt: Any) -> None:
    """Each arrival's likeliest name at a place and time (n,), and its chance (n,) to be false; as log_likelihood."""
    _, _, false, lost, _, _, first, table, _, _, _, _, places, frames = mixture
    b = basis(lat, lon)
    for s in range(places.shape[0]):
        x, _ = arc(b, places[s])
        azimuth = backazimuth(b, frames[s])
        whole = np.array([1.0 - lost[s], lost[s]])
        for k in range(first[s], first[s + 1]):
            for way in range(2):
                value, _, late = own(k, way, x, azimuth, z, t0, mixture)
                if way == 0:
                    noise = astray(late, false[k])
                whole[way] *= value + noise
        way = 0 if whole[0] >= whole[1] else 1
        for k in range(first[s], first[s + 1]):
            _, _, late = own(k, 0, x, azimuth, z, t0, mixture)
            value, f, _ = own(k, way, x, azimuth, z, t0, mixture)
            noise = astray(late, false[k])
            name[k], doubt[k] = f, noise / (noise + value)
            if value <= 1e-12:
                name[k] = table[k]


@numba.njit(cache=True, nogil=True)
def sample(
    seed: int, start: Any, centre: Any, inverse: Any, share: Any, log_depth: Any, fixed: bool, mixture: Any, x: Any
) -> float:  # fmt: skip
    """Fill x (member, 4): km east and north of `start` (lat, lon, depth, time), depth, s; returns the log evidence.

    Members begin as drawn already in x from a mixture of normal laws: centre (law, 4) in the members' units, inverse
    covariance (law, 4, 4), share: log of a law's weight less half the log of its covariance's determinant.
    log_depth (701,): log prior a km. `fixed`: the depth stays.
    """
    np.random.seed(seed)
    n = x.shape[0]
    like, base = np.empty(n), np.empty(n)
    here = basis(start[0], start[1])
    width = 3 if fixed else 4
    for i in range(n):
        base[i], like[i] = both(x[i], centre, inverse, share, log_depth, here, mixture)
    heat, evidence = 0.0, 0.0
    w, y, u = np.empty(n), np.empty((n, 4)), np.empty(4)
    for _ in range(60):
        low, high = heat, 1.0
        for trial in range(30):  # the step that leaves half of the members effective
            new = high if trial == 0 else 0.5 * (low + high)
            top = np.max((new - heat) * (like - base))
            w[:] = np.exp((new - heat) * (like - base) - top)
            effective = w.sum() ** 2 / (w * w).sum()
            if effective < 0.5 * n:
                high = new
            else:
                low = new
                if trial == 0:
                    break
            if high - low < LEAST_STEP * max(low - heat, 1e-9):
                break
        new = max(low, heat + 1e-9)
        top = np.max((new - heat) * (like - base))
        w[:] = np.exp((new - heat) * (like - base) - top)
        evidence += top + math.log(w.mean())
        heat = new
        w /= w.sum()
        c, k = w[0], 0
        shift = np.random.random() / n
        old_like, old_base = like.copy(), base.copy()
        for i in range(n):  # systematic resampling
            while shift + i / n > c and k < n - 1:
                k += 1
                c += w[k]
            y[i] = x[k]
            like[i], base[i] = old_like[k], old_base[k]
        x[:] = y
        for _move in range(LAST_MOVES if heat >= 1.0 else MOVES):
            for i in range(n):
                a, b = (i + 1 + np.random.randint(n - 1)) % n, (i + 1 + np.random.randint(n - 1)) % n
                g = 1.0 if np.random.random() < 0.1 else 2.38 / math.sqrt(2.0 * width) * math.exp(
                    0.5 * np.random.normal()
                )  # fmt: skip
                for j in range(4):
                    u[j] = x[i, j] + g * (x[a, j] - x[b, j])
                u[0] += 0.5 * np.random.normal()
                u[1] += 0.5 * np.random.normal()
                u[3] += 0.05 * np.random.normal()
                if fixed:
                    u[2] = x[i, 2]
                else:
                    u[2] = abs(u[2] + 0.5 * np.random.normal())
                    if u[2] > DEEPEST_KM:
                        continue
                nb, nl = both(u, centre, inverse, share, log_depth, here, mixture)
                gain = (1.0 - heat) * (nb - base[i]) + heat * (nl - like[i])
                if gain >= 0.0 or np.random.random() < math.exp(gain):
                    x[i] = u
                    base[i], like[i] = nb, nl
        if heat >= 1.0:
            break
    return evidence


@numba.njit(cache=True, nogil=True)
def both(
    u: Any, centre: Any, inverse: Any, share: Any, log_depth: Any, here: Any, mixture: Any
) -> Any:  # fmt: skip
    """The log of the law that members begin with, and the log posterior without its constant."""
    lat, lon = beyond(here, u[0], u[1])
    total = 0.0
    for c in range(centre.shape[0]):
        far = 0.0
        for i in range(4):
            for j in range(4):
                far += (u[i] - centre[c, i]) * inverse[c, i, j] * (u[j] - centre[c, j])
        total += math.exp(share[c] - 0.5 * far)
    base = math.log(total + 1e-300)
    like = log_depth[int(u[2])] + log_likelihood(lat, lon, u[2], u[3], mixture)
    return base, like
