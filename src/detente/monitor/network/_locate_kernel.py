"""The inner loops of location: robust least squares, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._name_kernel import CAP, TAIL, names
from detente.monitor.network._phase_kernel import DEG, KM, own_error, predict, wrap


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
