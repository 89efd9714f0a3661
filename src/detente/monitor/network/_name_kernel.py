"""What an arrival may be beside its name: the likeliest names at a place, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._phase_kernel import (
    arc,
    basis,
    elliptic,
    model_error,
    over_height,
    ray_parameter,
    spherical,
)

TAIL = 5.0  # degrees of freedom of the residuals' Student distribution
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
def chance_of(j: int, lost: float) -> float:
    """Of the name in line j of OTHERWISE, for an arrival whose P was lost with the chance `lost`."""
    return float(OTHERWISE[j, 2] if OTHERWISE[j, 2] > 0.0 else -OTHERWISE[j, 2] * lost)


@numba.njit(inline="always")
def student(u: float) -> float:
    """Student's density at u, without its constant."""
    return float((1.0 + u * u / TAIL) ** (-0.5 * (TAIL + 1.0)))


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
