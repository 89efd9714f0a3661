"""The inner loops of location: a coarse search of the globe, robust least squares, the posterior on a grid."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import (
    DEG,
    KM,
    arc,
    backazimuth,
    basis,
    elliptic,
    meant,
    model_error,
    over_height,
    predict,
    ray_parameter,
    spherical,
)

TAIL = 5.0  # degrees of freedom of the residuals' Student distribution
BLUR_S = 6.0  # of the coarse search: half of 2 degrees at 6 s/degree
CAP = 16.0  # a misfit of four standard errors squared is as bad as any


# What an arrival may be beside its name: kernels' phase index, the other's, chance (negative: times the arrival's own
# chance that P was lost and its pP taken for it). Assumed; regional phases change places, the branches of PKP cross.
WEAK = -1.0
OTHERWISE = np.array(
    [
        [0, 8, WEAK], [0, 9, 0.5 * WEAK], [2, 3, 0.1], [3, 2, 0.1], [5, 7, 0.1], [7, 5, 0.1], [8, 9, 0.2],
        [9, 8, 0.2], [8, 0, 0.03], [1, 12, 0.1], [1, 13, 0.05], [12, 1, 0.1], [12, 13, 0.1], [13, 12, 0.1],
    ]
)  # fmt: skip
CLEAR_S = 1.0  # two names whose times differ by less are one


@numba.njit(inline="always")
def wrap(degrees: float) -> float:
    """An angle as -180 to 180."""
    return (degrees + 180.0) % 360.0 - 180.0


@numba.njit(inline="always")
def chance_of(j: int, lost: float) -> float:
    """Of the name in line j of OTHERWISE, for an arrival whose P was lost with the chance `lost`."""
    return float(OTHERWISE[j, 2] if OTHERWISE[j, 2] > 0.0 else -OTHERWISE[j, 2] * lost)


@numba.njit(inline="always")
def own_error(given: float, table: Any, x: float, z: float) -> float:
    """The error of a calibrated path, or else the model's."""
    return model_error(table, x, z) if math.isnan(given) else given


@numba.njit(cache=True, nogil=True)
def misfit(
    lat: float,
    lon: float,
    z: float,
    blur: float,
    o: Any,
    earth: Any,
    net: Any,
    phase: Any,
    station: Any,
    work: Any,
) -> Any:
    """Capped misfit of all observations at one place, origin time at the weighted median; (misfit, time).

    Once the blur is small, an arrival that another name explains better has that name's misfit and its chance.

    `blur`: s that half a step of the search makes.

    `o` (n, 9): time, its error, back-azimuth, error, slowness, error, path correction and its error (NaN where not
    measured; NaN for the model's own error), the chance that pP or sP was taken for P (that of pP).
    """
    times, _, errors = earth
    places, frames, _, _ = net
    b = basis(lat, lon)
    total, n = 0.0, 0
    order = np.empty((phase.size, 3))
    for k in range(phase.size):
        s = station[k]
        x, _ = arc(b, places[s])
        if not math.isnan(o[k, 2]) and x > 0.05:
            u = wrap(o[k, 2] - backazimuth(b, frames[s])) / o[k, 3]
            total += min(CAP, u * u)
        f = meant(times, phase[k], x, z)
        if f < 0:
            total += 2.0 * CAP
            continue
        if not math.isnan(o[k, 4]):
            u = (o[k, 4] - ray_parameter(times[f], x, z)) / o[k, 5]
            total += min(CAP, u * u)
        work[n, 0] = o[k, 0] - spherical(times[f], x, z) - o[k, 6]
        work[n, 1] = math.sqrt(o[k, 1] ** 2 + own_error(o[k, 7], errors[f], x, z) ** 2 + blur * blur)
        order[n, 0], order[n, 1], order[n, 2] = work[n, 0], work[n, 1], k
        n += 1
    if n == 0:
        return total + 1e9, 0.0
    t0 = median(work[:n])
    for i in range(n):
        k = int(order[i, 2])
        u = (order[i, 0] - t0) / order[i, 1]
        least = min(CAP, u * u)
        if blur < BLUR_S and least > 1.0:
            x, _ = arc(b, places[station[k]])
            first = spherical(times[phase[k]], x, z)
            for j in range(OTHERWISE.shape[0]):
                if OTHERWISE[j, 0] == phase[k]:
                    late = spherical(times[int(OTHERWISE[j, 1])], x, z) - first
                    if abs(late) >= CLEAR_S:  # false where either does not arrive
                        u = (order[i, 0] - late - t0) / order[i, 1]
                        least = min(least, u * u - 2.0 * math.log(chance_of(j, o[k, 8])))
        total += least
    return total, t0


@numba.njit(cache=True, nogil=True)
def median(pairs: Any) -> float:
    """Weighted median of pairs (value, standard error), insertion-sorted in place."""
    n = pairs.shape[0]
    weight = 0.0
    for i in range(n):
        v, e = pairs[i, 0], pairs[i, 1]
        weight += 1.0 / e
        j = i
        while j > 0 and pairs[j - 1, 0] > v:
            pairs[j, 0], pairs[j, 1] = pairs[j - 1, 0], pairs[j - 1, 1]
            j -= 1
        pairs[j, 0], pairs[j, 1] = v, e
    total = 0.0
    for i in range(n):
        total += 1.0 / pairs[i, 1]
        if total >= 0.5 * weight:
            return float(pairs[i, 0])
    return float(pairs[n - 1, 0])


@numba.njit(cache=True, nogil=True)
def search(nodes: Any, depths: Any, o: Any, earth: Any, net: Any, phase: Any, station: Any, out: Any) -> None:
    """Misfit (node, depth) over places (node, 2) in radians, geocentric; times found later."""
    work = np.empty((phase.size, 2))
    for i in range(nodes.shape[0]):
        for j in range(depths.size):
            out[i, j], _ = misfit(
                nodes[i, 0], nodes[i, 1], depths[j], BLUR_S, o, earth, net, phase, station, work
            )


@numba.njit(cache=True, nogil=True)
def polish(
    start: Any, step_deg: float, z: float, o: Any, earth: Any, net: Any, phase: Any, station: Any
) -> Any:
    """Pattern search from a node: the best place within a shrinking star; (lat, lon, time, misfit)."""
    work = np.empty((phase.size, 2))
    lat, lon = start[0], start[1]
    step = step_deg / DEG
    best, t0 = misfit(lat, lon, z, 3.0 * step * DEG, o, earth, net, phase, station, work)
    while step > 0.01 / DEG:
        moved = False
        for k in range(8):
            a = k * math.pi / 4.0
            y = lat + step * math.cos(a)
            if abs(y) > 1.57:
                continue
            x = lon + step * math.sin(a) / max(0.05, math.cos(lat))
            m, t = misfit(y, x, z, 3.0 * step * DEG, o, earth, net, phase, station, work)
            if m < best - 1e-9:
                best, t0, lat, lon, moved = m, t, y, x, True
                break
        if not moved:
            step *= 0.5
            best, t0 = misfit(lat, lon, z, 3.0 * step * DEG, o, earth, net, phase, station, work)
    return lat, lon, t0, best


@numba.njit(cache=True, nogil=True)
def residuals(
    lat: float, lon: float, z: float, t0: float, o: Any, earth: Any, net: Any, phase: Any, station: Any,
    shear: Any, out: Any, r: Any,
) -> None:  # fmt: skip
    """Fill r (n, 3): observed less predicted time, back-azimuth, slowness; NaN where there is none."""
    times, flattening, _ = earth
    places, frames, elevation, _ = net
    predict(lat, lon, z, phase, station, times, flattening, places, frames, elevation, shear, out)
    for k in range(phase.size):
        r[k, 0] = o[k, 0] - t0 - out[k, 0] - o[k, 6]
        r[k, 1] = wrap(o[k, 2] - out[k, 2])
        r[k, 2] = o[k, 4] - out[k, 1]


@numba.njit(cache=True, nogil=True)
def names(
    lat: float, lon: float, z: float, t0: float, o: Any, earth: Any, net: Any, given: Any, station: Any, phase: Any,
    wide: Any,
) -> float:  # fmt: skip
    """The likeliest name of each arrival at a place and time, into phase (n,); log chance of the names changed.

    wide (n, 9): the observations, each time's error widened by how far apart the names that remain possible lie, so
    that a doubtful one weighs little. A calibrated path keeps its name.
    """
    times, flattening, errors = earth
    places, _, elevation, _ = net
    b = basis(lat, lon)
    log_chance = 0.0
    delay, mass, prior = np.empty(4), np.empty(4), np.empty(4)
    for k in range(given.size):
        wide[k] = o[k]
        phase[k] = given[k]
        f = given[k]
        x, azimuth = arc(b, places[station[k]])
        first = spherical(times[f], x, z)
        if math.isnan(first) or not math.isnan(o[k, 7]):
            continue
        first += elliptic(flattening[f], x, z, lat, azimuth)
        r = o[k, 0] - t0 - first - over_height(elevation[station[k]], ray_parameter(times[f], x, z), False)
        delay[0], left, n = 0.0, 1.0, 1
        mass[0] = student(r / math.hypot(o[k, 1], model_error(errors[f], x, z)))
        best, chosen = 0, f
        for j in range(OTHERWISE.shape[0]):
            if OTHERWISE[j, 0] != f:
                continue
            g = int(OTHERWISE[j, 1])
            other = spherical(times[g], x, z)
            if math.isnan(other):
                continue
            other += elliptic(flattening[g], x, z, lat, azimuth) - first
            if abs(other) < CLEAR_S:
                continue
            delay[n] = other
            prior[n] = chance_of(j, o[k, 8])
            mass[n] = prior[n] * student((r - other) / math.hypot(o[k, 1], model_error(errors[g], x, z)))
            left -= prior[n]
            if best == 0 or mass[n] > mass[best]:
                best, chosen = n, g
            n += 1
        if n == 1:
            continue
        prior[0] = left
        mass[0] *= left
        if mass[0] >= mass[best]:
            best, chosen = 0, f
        total, spread = 0.0, 0.0
        for j in range(n):
            total += mass[j]
        for j in range(n):
            spread += mass[j] / total * (delay[j] - delay[best]) ** 2
        phase[k] = chosen
        wide[k, 1] = math.sqrt(o[k, 1] ** 2 + spread)
        log_chance += math.log(total / mass[best] * prior[best])
    return log_chance


@numba.njit(inline="always")
def student(u: float) -> float:
    """Student's density at u, without its constant."""
    return float((1.0 + u * u / TAIL) ** (-0.5 * (TAIL + 1.0)))


@numba.njit(cache=True, nogil=True)
def whitener(r: Any, out: Any, z: float, o: Any, errors: Any, phase: Any, alike: Any, weight: Any) -> Any:
    """The lower Cholesky factor of the times' covariance, and robust weights (n, 3) filled in.

    Covariance: model errors alike between near stations (`alike`, n x n), pick errors alone; each row is
    stretched by its Student weight (TAIL + 1) / (TAIL + u^2), so that an outlier loses its say.
    """
    n = r.shape[0]
    c = np.empty((n, n))
    m = np.empty(n)
    for k in range(n):
        m[k] = own_error(o[k, 7], errors[phase[k]], out[k, 3], z)
        for j in range(3):
            if j == 0:
                e = math.hypot(o[k, 1], m[k])
            else:
                e = o[k, 1 + 2 * j]
            u = r[k, j] / e
            if math.isnan(u):
                weight[k, j] = 0.0
            else:
                weight[k, j] = min(1.0, (TAIL + 1.0) / (TAIL + u * u))
    for i in range(n):
        for j in range(n):
            c[i, j] = alike[i, j] * m[i] * m[j]
        c[i, i] += o[i, 1] * o[i, 1]
    root = np.sqrt(np.maximum(weight[:, 0], 1e-8))
    for i in range(n):
        for j in range(n):
            c[i, j] /= root[i] * root[j]
    return np.linalg.cholesky(c)


@numba.njit(cache=True, nogil=True)
def solve_lower(lower: Any, b: Any) -> None:
    """Forward substitution in place, b (n, m)."""
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            v = b[i, j]
            for k in range(i):
                v -= lower[i, k] * b[k, j]
            b[i, j] = v / lower[i, i]


@numba.njit(cache=True, nogil=True)
def fit(
    start: Any, z: float, seen: Any, earth: Any, net: Any, given: Any, station: Any, shear: Any, alike: Any
) -> Any:
    """Robust least squares for latitude, longitude (radians, geocentric) and time at a fixed depth.

    Returns the place and time (3,), their covariance in km east, km north, s (3, 3), and the log-likelihood
    at the best fit without its constant.
    """
    n = given.size
    lat, lon, t0 = start[0], start[1], start[2]
    phase, o = given.copy(), seen.copy()
    named = 0.0
    here, there = np.empty((n, 5)), np.empty((n, 5))
    r, weight = np.empty((n, 3)), np.empty((n, 3))
    step = 5.0  # km
    normal, slope = np.empty((3, 3)), np.empty(3)
    chi, logdet = 0.0, 0.0
    for iteration in range(20):
        if iteration < 8:  # later the names stand, so that the fit comes to rest
            named = names(lat, lon, z, t0, seen, earth, net, given, station, phase, o)
        residuals(lat, lon, z, t0, o, earth, net, phase, station, shear, here, r)
        lower = whitener(r, here, z, o, earth[2], phase, alike, weight)
        rows = np.zeros((n, 4))
        side = np.zeros((2 * n, 3))
        rest = np.zeros(2 * n)
        for axis in range(2):
            y, x = lat, lon
            if axis == 0:
                x += step / KM / DEG / max(1e-3, math.cos(lat))
            else:
                y += step / KM / DEG
            predict(y, x, z, phase, station, earth[0], earth[1], net[0], net[1], net[2], shear, there)
            for k in range(n):
                d = (there[k, 0] - here[k, 0]) / step
                rows[k, axis] = 0.0 if math.isnan(d) else d
                if weight[k, 1] > 0.0:
                    g = math.sqrt(weight[k, 1]) / o[k, 3]
                    side[k, axis] = wrap(there[k, 2] - here[k, 2]) / step * g
                    rest[k] = r[k, 1] * g
                if weight[k, 2] > 0.0:
                    g = math.sqrt(weight[k, 2]) / o[k, 5]
                    d = (there[k, 1] - here[k, 1]) / step
                    side[n + k, axis] = 0.0 if math.isnan(d) else d * g
                    rest[n + k] = r[k, 2] * g
        for k in range(n):
            known = weight[k, 0] > 0.0
            rows[k, 2] = 1.0 if known else 0.0
            rows[k, 3] = r[k, 0] if known else 0.0
            if not known:
                rows[k, 0] = 0.0
                rows[k, 1] = 0.0
        solve_lower(lower, rows)
        for a in range(3):
            for c in range(3):
                normal[a, c] = np.sum(rows[:, a] * rows[:, c]) + np.sum(side[:, a] * side[:, c])
            slope[a] = np.sum(rows[:, a] * rows[:, 3]) + np.sum(side[:, a] * rest)
        chi = np.sum(rows[:, 3] ** 2) + np.sum(rest**2)
        logdet = 0.0
        for k in range(n):
            if weight[k, 0] == 0.0:  # nothing of that name arrives from here: as bad as any misfit
                chi += 2.0 * CAP
            logdet += 2.0 * math.log(lower[k, k]) + math.log(max(weight[k, 0], 1e-8))
        for k in range(3):  # a hair of damping: one station alone leaves a direction free
            normal[k, k] += 1e-8 if k < 2 else 1e-10
        move = np.linalg.solve(normal, slope)
        size = math.hypot(move[0], move[1])
        if size > 300.0:
            move *= 300.0 / size
        lat += move[1] / KM / DEG
        if abs(lat) > 1.5706:
            lat = math.copysign(1.5706, lat)
        lon += move[0] / KM / DEG / max(1e-3, math.cos(lat))
        t0 += move[2]
        if size < 0.1 and abs(move[2]) < 0.02 and iteration > 1:
            break
        if iteration > 7:  # weights may flip between two fits: go half way
            lat -= 0.5 * move[1] / KM / DEG
            lon -= 0.5 * move[0] / KM / DEG / max(1e-3, math.cos(lat))
            t0 -= 0.5 * move[2]
    covariance = np.linalg.inv(normal)
    return np.array([lat, lon, t0]), covariance, -0.5 * chi - 0.5 * logdet + named


@numba.njit(cache=True, nogil=True)
def posterior(
    best: Any, axes: Any, z: float, o: Any, earth: Any, net: Any, phase: Any, station: Any, shear: Any,
    alike: Any, offsets: Any, out: Any,
) -> None:  # fmt: skip
    """-chi^2/2 of places around the best one, origin time integrated out, weights held: out (m, m).

    `axes` (2, 2): km east, north of one standard error along each axis; `offsets` (m,) in standard errors.
    """
    n = phase.size
    here, r, weight = np.empty((n, 5)), np.empty((n, 3)), np.empty((n, 3))
    residuals(best[0], best[1], z, best[2], o, earth, net, phase, station, shear, here, r)
    lower = whitener(r, here, z, o, earth[2], phase, alike, weight)
    rows = np.empty((n, 2))
    for i in range(offsets.size):
        for j in range(offsets.size):
            east = axes[0, 0] * offsets[i] + axes[1, 0] * offsets[j]
            north = axes[0, 1] * offsets[i] + axes[1, 1] * offsets[j]
            lat = best[0] + north / KM / DEG
            lon = best[1] + east / KM / DEG / max(1e-3, math.cos(best[0]))
            if abs(lat) > 1.5706:
                out[i, j] = -1e9
                continue
            residuals(lat, lon, z, best[2], o, earth, net, phase, station, shear, here, r)
            chi = 0.0
            for k in range(n):
                known = weight[k, 0] > 0.0 and not math.isnan(r[k, 0])
                rows[k, 0] = 1.0 if known else 0.0
                rows[k, 1] = r[k, 0] if known else 0.0
                if weight[k, 0] > 0.0 and not known:
                    chi += CAP
                if weight[k, 1] > 0.0:
                    chi += weight[k, 1] * (r[k, 1] / o[k, 3]) ** 2
                if weight[k, 2] > 0.0 and not math.isnan(r[k, 2]):
                    chi += weight[k, 2] * (r[k, 2] / o[k, 5]) ** 2
            solve_lower(lower, rows)
            one, cross, square = 0.0, 0.0, 0.0
            for k in range(n):
                one += rows[k, 0] * rows[k, 0]
                cross += rows[k, 0] * rows[k, 1]
                square += rows[k, 1] * rows[k, 1]
            out[i, j] = -0.5 * (chi + square - (cross * cross / one if one > 0.0 else 0.0))
