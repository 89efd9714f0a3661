"""Least squares of an event's place for the arrivals it takes, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import (
    DEG,
    arc,
    backazimuth,
    basis,
    elliptic,
    meant,
    model_error,
    over_height,
    ray_parameter,
    spherical,
    wrap,
)
from detente.monitor.network._score_kernel import LATER


@numba.njit(cache=True, nogil=True)
def improve(
    x: Any, tolerance: float, free_depth: bool, a: Any, earth: Any, net: Any, pick: Any, steps: int
) -> float:
    """Robust least squares of x for the arrivals in `pick`, in place; half the log of the posterior's volume.

    Student weights; slowness' pull on distance is left to the full location.
    """
    times, flattening, errors, shear = earth
    places, frames, elevation = net
    m = 4 if free_depth else 3
    normal, slope, row = np.zeros((4, 4)), np.zeros(4), np.zeros(4)
    for _ in range(steps):
        normal[:] = 0.0
        slope[:] = 0.0
        b = basis(x[0], x[1])
        for s in range(pick.shape[0]):
            for j in range(pick.shape[1]):
                k = pick[s, j]
                if k < 0:
                    continue
                distance, azimuth = arc(b, places[s])
                f = (0 if distance <= 115.0 else 1) if j == 0 else int(LATER[j - 1, 0])
                f = meant(times, f, distance, x[2])
                if f < 0:
                    continue
                p = ray_parameter(times[f], distance, x[2])
                t = spherical(times[f], distance, x[2]) + over_height(elevation[s], p, shear[f])
                t += elliptic(flattening[f], distance, x[2], x[0], azimuth)
                sigma = math.sqrt(a[k, 1] ** 2 + model_error(errors[f], distance, x[2]) ** 2 + tolerance**2)
                u = (a[k, 0] - x[3] - t) / sigma
                g = math.sqrt(6.0 / (5.0 + u * u)) / sigma
                row[0], row[1], row[3] = -p * math.sin(azimuth) * g, -p * math.cos(azimuth) * g, g
                row[2] = 0.0
                if free_depth:
                    deeper = min(699.0, x[2] + 4.0)
                    d = (
                        spherical(times[f], distance, deeper) - spherical(times[f], distance, deeper - 4.0)
                    ) / 4.0
                    row[2] = 0.0 if math.isnan(d) else d * g
                add(normal, slope, row, u * sigma * g)
                if not math.isnan(a[k, 2]) and distance > 0.2:
                    v = wrap(a[k, 2] - backazimuth(b, frames[s]))
                    w = v / a[k, 3]
                    g = math.sqrt(6.0 / (5.0 + w * w)) / a[k, 3]
                    turn = -DEG / (6371.0 * max(0.02, math.sin(distance / DEG)))
                    row[0], row[1] = turn * math.cos(azimuth) * g, -turn * math.sin(azimuth) * g
                    row[2] = row[3] = 0.0
                    add(normal, slope, row, v * g)
        # priors that bind only what the data leave open: 1000 km, 1000 s, a depth within 100 km
        normal[0, 0] += 1e-6
        normal[1, 1] += 1e-6
        normal[3, 3] += 1e-6
        normal[2, 2] += 1e-4 if free_depth else 1.0
        if not free_depth:
            slope[2] = 0.0
        move = np.linalg.solve(normal, slope)
        size = math.hypot(move[0], move[1])
        if size > 400.0:
            move *= 400.0 / size
        x[0] = min(1.57, max(-1.57, x[0] + move[1] / 6371.0))
        x[1] += move[0] / 6371.0 / max(1e-3, math.cos(x[0]))
        if free_depth:
            x[2] = min(690.0, max(0.0, x[2] + min(80.0, max(-80.0, move[2]))))
        x[3] += move[3]
        if size < 0.3 and abs(move[3]) < 0.05:
            break
    x[1] = (x[1] + math.pi) % (2.0 * math.pi) - math.pi
    return 0.5 * (m * math.log(2.0 * math.pi) - math.log(max(1e-30, np.linalg.det(normal))))


@numba.njit(inline="always")
def add(normal: Any, slope: Any, row: Any, r: float) -> None:
    """One row into the normal equations."""
    for i in range(4):
        slope[i] += row[i] * r
        for j in range(4):
            normal[i, j] += row[i] * row[j]
