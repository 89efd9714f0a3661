"""Monitoring: travel times against TauP, the capability map against a bare evaluation, the site report."""

from __future__ import annotations

import math
import time
from typing import Any

import numba
import numpy as np

from bench._report import best, line

LOOKUPS = 4_000_000


def main() -> None:
    """Print each measurement beside its target."""
    _travel_times()
    _map()
    _site()


def _travel_times() -> None:
    from obspy.taup import TauPyModel

    from detente.monitor.traveltime import TravelTimes

    rng = np.random.default_rng(1)
    degrees, depth = rng.uniform(0, 95, LOOKUPS), rng.uniform(0, 600, LOOKUPS)
    ours, taup = TravelTimes(), TauPyModel("ak135")
    out = np.empty(LOOKUPS)
    ours.fill("P", degrees, depth, out)
    ours.time("P", degrees[:10], depth[:10])
    fast = LOOKUPS / best(lambda: ours.fill("P", degrees, depth, out))
    few = degrees[:40]
    names = ["p", "P", "Pn", "Pdiff"]
    slow = len(few) / best(
        lambda: [taup.get_travel_times(z, x, names) for z, x in zip(depth[:40], few, strict=True)], repeat=2
    )
    apart = [
        abs(taup.get_travel_times(z, x, names)[0].time - t)
        for z, x, t in zip(depth[:200], degrees[:200], out[:200], strict=True)
    ]
    line("travel times, random distance and depth", fast / 1e6, "million/s", ">= 30", kept=fast >= 30e6)
    line("  against obspy's TauP, one call each", fast / slow, "times", ">= 1000", kept=fast >= 1000 * slow)
    line("  largest difference from those calls", max(apart), "s", "<= 0.05", kept=max(apart) <= 0.05)


def _map() -> None:
    from detente.monitor.capability import Model, capability_map
    from detente.monitor.stations import network
    from detente.monitor.tonnage import COUPLED, DECOUPLED, tonnes

    model = Model.build(network(("primary", "auxiliary"), planned=True))

    def whole() -> tuple[Any, Any, Any]:
        found = capability_map(model)
        return found, tonnes(found.magnitude, COUPLED), tonnes(found.magnitude, DECOUPLED)

    def bare() -> tuple[Any, Any, Any]:
        plain = _plain_map(model)
        tables = [_yield_table(c) for c in (COUPLED, DECOUPLED)]
        return plain, *[[np.interp(plain, m, y) for m, y in table] for table in tables]

    start = time.perf_counter()
    found, coupled, _ = whole()
    first = time.perf_counter() - start
    plain, plain_coupled, _ = bare()
    worst = float(np.abs(found.magnitude - plain).max())
    worst_t = float(np.abs(np.log10(coupled[0]) - np.minimum(*plain_coupled)).max())
    ours, yardstick = best(whole, repeat=3), best(bare, repeat=3)
    n = len(model.stations)
    line(
        f"global map, 1 degree, {n} stations, k = 1..3, mb and 2 couplings",
        ours,
        "s",
        "<= 20",
        kept=ours <= 20,
    )
    line("  the first one in a process (loads compiled code)", first, "s")
    line(
        "  against the same formulas bare, without pruning",
        ours / yardstick,
        "times",
        "<= 2",
        kept=ours <= 2 * yardstick,
    )
    line("  largest difference from it", worst, "mb", "<= 0.001", kept=worst <= 0.001)
    line("  and in coupled yield", worst_t, "log10 t", "<= 0.002", kept=worst_t <= 0.002)


def _yield_table(coupling: Any) -> list[tuple[Any, Any]]:
    from detente.monitor.magnitude_yield import SMALL_SLOPES, law
    from detente.monitor.tonnage import YIELDS_KT

    seen = [coupling.seen(law("semipalatinsk"), slope) for slope in SMALL_SLOPES]
    return [(m, np.log10(1000 * YIELDS_KT)) for m in seen]


def _plain_map(model: Any) -> Any:
    from detente.monitor.amplitude_regional import in_region
    from detente.monitor.geo import unit_vectors

    lat, lon = np.arange(-89.5, 90), np.arange(-179.5, 180)
    y, x = np.meshgrid(lat, lon, indexing="ij")
    out = np.empty((3, y.size))
    _bare(unit_vectors(y.ravel(), x.ravel()), in_region(y, x).ravel(), model.places, model.in_region,
          model.table, model.settings.sd, model.settings.probability, out)  # fmt: skip
    return out.reshape(3, *y.shape)


@numba.njit(cache=True, parallel=True)
def _bare(
    points: Any, near: Any, places: Any, home: Any, table: Any, sd: float, wanted: float, out: Any
) -> None:
    """Arc, table, every station's probability, three states of the count, bisection: nothing left out."""
    n = places.shape[0]
    for i in numba.prange(points.shape[0]):
        t = np.empty(n)
        for s in range(n):
            dot = points[i, 0] * places[s, 0] + points[i, 1] * places[s, 1] + points[i, 2] * places[s, 2]
            arc = math.acos(min(1.0, max(-1.0, dot))) * 180.0 / math.pi / 0.25
            j = int(arc)
            law = 1 if near[i] and home[s] else 0
            t[s] = (
                99.0 if j >= 400 else table[law, s, j] + (arc - j) * (table[law, s, j + 1] - table[law, s, j])
            )
        for k in range(3):
            low, high = -2.0, 10.0
            while high - low > 0.0005:
                middle = 0.5 * (low + high)
                p0, p1, p2 = 1.0, 0.0, 0.0
                for s in range(n):
                    p = 0.5 * math.erfc((t[s] - middle) / (sd * math.sqrt(2.0)))
                    p2 = p2 * (1.0 - p) + p1 * p
                    p1 = p1 * (1.0 - p) + p0 * p
                    p0 = p0 * (1.0 - p)
                missed = p0 if k == 0 else (p0 + p1 if k == 1 else p0 + p1 + p2)
                if missed <= 1.0 - wanted:
                    high = middle
                else:
                    low = middle
            out[k, i] = 0.5 * (low + high)


def _site() -> None:
    from detente.monitor.capability import Model
    from detente.monitor.site import find_place, site_report
    from detente.monitor.stations import network
    from detente.monitor.tonnage import COUPLED, DECOUPLED

    def report() -> Any:
        model = Model.build(network())
        return site_report(model, find_place("lop-nor"), (COUPLED, DECOUPLED), magnitude=2.75)

    report()
    took = best(report)
    line("site report, network made anew", took, "s", "<= 0.5", kept=took <= 0.5)
