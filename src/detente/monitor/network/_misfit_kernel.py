"""Where location starts: a capped misfit over the globe and its polish, compiled."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

from detente.monitor.network._name_kernel import CAP, CLEAR_S, OTHERWISE, chance_of
from detente.monitor.network._phase_kernel import (
    DEG,
    arc,
    backazimuth,
    basis,
    meant,
    own_error,
    ray_parameter,
    spherical,
    wrap,
)

BLUR_S = 6.0  # of the coarse search: half of 2 degrees at 6 s/degree


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
