"""Location: arrivals of one event to a posterior of place, depth and origin time, with its ellipse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Missed, Origin
from detente.monitor.network.depth import (
    DEPTHS_KM,
    Fit,
    depth_of,
    evidence,
    finer,
    fit_at,
    track,
)
from detente.monitor.network.mixture import Mixture
from detente.monitor.network.observed import Corrections, Problem, pose, timed
from detente.monitor.network.phases import geocentric
from detente.monitor.network.region import cloud
from detente.monitor.network.told import origin_of
from detente.monitor.waves.trace import Array, Site

Float = NDArray[np.float64]

FEW_STATIONS: Final = 16  # with more than these no few wrong names hold a wrong place up
_SEARCHED: Final = np.array([0.0, 120.0, 400.0, 600.0])


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to locate. `depth_km` None: found if the data resolve it, else fixed at `default_depth_km`.

    `confidence` of the ellipse and the depth interval; `earth`: ak135 or iasp91; `resolved_km`: the widest
    interval of depth that still counts as found.
    """

    depth_km: float | None = None
    default_depth_km: float = 0.0
    confidence: float = 0.9
    earth: str = "ak135"
    resolved_km: float = 40.0

    def __post_init__(self) -> None:
        if not 0 < self.confidence < 1:
            raise DetenteError(f"confidence {self.confidence:g} is not between 0 and 1")
        for depth in (self.depth_km, self.default_depth_km):
            if depth is not None and not 0 <= depth <= 700:
                raise DetenteError(f"depth {depth:g} km", fix="give 0 to 700")


def locate(
    arrivals: Sequence[Arrival],
    sites: Mapping[str, Site | Array],
    *,
    settings: Settings | None = None,
    start: Origin | None = None,
    corrections: Corrections | None = None,
    missed: Sequence[Missed] = (),
    false: Mapping[str, float] | None = None,
    origin_id: str = "",
) -> Origin:
    """Where and when: arrivals with phase names (empty: first P) to an origin with its ellipse.

    Residuals have Student tails; model errors grow with distance as in the data centre's tables and are alike
    between stations that are near each other; times carry ellipticity and height; each arrival may be another phase,
    or false (`false`: see `Mixture.of`); depth is found where the data resolve it.
    Raises DetenteError for unknown stations or phases, or fewer than three measurements.
    """
    chosen = settings or Settings()
    problem = pose(arrivals, sites, earth=chosen.earth, corrections=corrections)
    measured = len(arrivals) + int(np.isfinite(problem.o[:, (2, 4)]).sum())
    if measured < 3:
        raise DetenteError(
            f"{measured} measurements do not fix a place and a time", fix="three or more: times, azimuths"
        )
    fits = _fits(problem, chosen, start)
    best = max(fits, key=evidence)
    mixture = Mixture.of(problem, best, false)
    members = cloud(mixture, best, fits, depth_known=chosen.depth_km is not None)
    depth = depth_of(members[:, 2], chosen, times_resolve=timed(problem) >= 4)
    told = fit_at(problem, best.x, depth[0])
    return origin_of(mixture, best, told, members, depth, chosen, missed, origin_id)


def _fits(problem: Problem, chosen: Settings, start: Origin | None) -> list[Fit]:
    """The best fit at every depth asked about."""
    asked = DEPTHS_KM if chosen.depth_km is None else np.array([chosen.depth_km])
    if chosen.depth_km is None and timed(problem) < 4:
        asked = DEPTHS_KM[DEPTHS_KM <= 60]  # nothing resolves it: the ordinary depths' scatter
    if start is not None:
        at = np.radians(geocentric(start.lat)), np.radians(start.lon), start.time - problem.zero
        starts = [(np.array([float(v) for v in at]), start.depth_km)]
        if len(problem.network.codes) <= FEW_STATIONS:  # names and place may hold each other in a wrong place
            starts += _beside(problem, starts[0][0], asked)
    else:
        depths = _SEARCHED if asked.size > 1 else asked
        starts = coarse(problem, depths[depths <= asked[-1]])
    runs = [track(problem, at, depth, asked) for at, depth in starts]
    best = max(runs, key=lambda run: max(evidence(f) for f in run))
    return finer(problem, best) if asked.size > 1 else best


def _beside(problem: Problem, at: Float, asked: Float) -> list[tuple[Float, float]]:
    """Starts near a given one, polished at depths where surface reflections come at different delays."""
    from detente.monitor.network import _misfit_kernel as kernel

    args = (problem.o, problem.tables, problem.net, problem.phase, problem.station)
    found = []
    for depth in (10.0, 35.0, 80.0):
        if asked[0] <= depth <= asked[-1]:
            lat, lon, t0, _ = kernel.polish(at[:2], 1.5, depth, *args)
            found.append((np.array([lat, lon, t0]), depth))
    return found


def coarse(problem: Problem, depths: Float, keep: int = 4) -> list[tuple[Float, float]]:
    """The best few starts of a search of the whole globe, each polished: (lat, lon, time), depth."""
    from detente.monitor.network import _misfit_kernel as kernel

    grid = nodes(2.0)
    out = np.empty((len(grid), depths.size))
    args = (problem.o, problem.tables, problem.net, problem.phase, problem.station)
    kernel.search(grid, depths, *args, out)
    starts: list[tuple[float, Float, float]] = []
    chosen: list[Float] = []
    order = np.argsort(out, axis=None)
    for flat in order[:400]:
        i, j = divmod(int(flat), depths.size)
        unit = grid[i]
        apart = [float(np.hypot(unit[0] - c[0], (unit[1] - c[1]) * np.cos(unit[0]))) for c in chosen]
        if len(chosen) >= keep or any(a < np.radians(4.0) for a in apart):
            continue
        chosen.append(unit)
        lat, lon, t0, m = kernel.polish(unit, 1.5, depths[j], *args)
        starts.append((m, np.array([lat, lon, t0]), float(depths[j])))
    starts.sort(key=lambda s: s[0])
    return [(s[1], s[2]) for s in starts]


@lru_cache(maxsize=4)
def nodes(step_deg: float) -> Float:
    """(n, 2) geocentric latitudes and longitudes in radians, evenly over the globe, about `step_deg` apart."""
    n = round(41253 / step_deg**2)
    i = np.arange(n) + 0.5
    return np.column_stack([np.arcsin(1 - 2 * i / n), (np.pi * (1 + 5**0.5) * i) % (2 * np.pi) - np.pi])
