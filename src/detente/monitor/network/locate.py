"""Location: arrivals of one event to a posterior of place, depth and origin time, with its ellipse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Missed, Origin, Used
from detente.monitor.network.phases import (
    DEPTH_PHASES,
    KIND,
    PHASES,
    SHEAR,
    Network,
    geocentric,
    geographic,
    index_of,
    known,
    model,
    slow_waves,
)  # fmt: skip
from detente.monitor.waves.trace import Array, Site
from detente.sources import RECALLED_MARK
from detente.tables import read_table

Float = NDArray[np.float64]
Int = NDArray[np.int64]

CORRELATION_KM: Final = 500.0  # assumed: model errors of stations this far apart are alike by 1/e
SLOWNESS_ERROR_S_KM: Final = 0.012  # of one component of an array's slowness vector: see docs/location.md
DEPTHS_KM: Final = np.array(
    [0.0, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 125, 150, 175, 200, 250, 300, 350, 400, 450, 500, 550,
     600, 650, 700]
)  # fmt: skip
NEGLIGIBLE: Final = 12.0  # a depth whose evidence is this far down, and falling, ends the search
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


class Correction(msgspec.Struct, frozen=True):
    """What to add to the model's time of a phase at a station, and the error that then remains, in s."""

    shift_s: float
    sd_s: float


Corrections = Mapping[tuple[str, str], Correction]


def read_corrections(path: Path) -> dict[tuple[str, str], Correction]:
    """Path corrections from a CSV of station, phase, shift_s, sd_s (as of a master event's residuals).

    Raises DetenteError for cells that are not numbers, an error not above 0, or an unknown phase.
    """
    found = {}
    for row in read_table(path, ("station", "phase", "shift_s", "sd_s")):
        shift, sd = row.number("shift_s"), row.number("sd_s")
        if shift is None or sd is None or sd <= 0:
            raise DetenteError("a shift and an error above 0 s are needed", where=row.where)
        index_of(row["phase"])
        found[row["station"], row["phase"]] = Correction(shift, sd)
    return found


class Problem(msgspec.Struct, frozen=True, eq=False):
    """Observations as the kernels take them; times count from `zero` (s UTC)."""

    arrivals: tuple[Arrival, ...]
    zero: float
    o: Float
    phase: Int
    station: Int
    network: Network
    alike: Float
    earth: Any

    @property
    def tables(self) -> tuple[Any, Any, Any]:
        return self.earth.times, self.earth.flattening, self.earth.errors

    @property
    def net(self) -> tuple[Any, Any, Any, Any]:
        n = self.network
        return n.places, n.frames, n.elevation_km, n.is_array


def pose(
    arrivals: Sequence[Arrival],
    sites: Mapping[str, Site | Array],
    *,
    earth: str = "ak135",
    corrections: Corrections | None = None,
) -> Problem:
    """Check the arrivals and lay them out. Raises DetenteError for an unknown station or phase, or no time."""
    if not arrivals:
        raise DetenteError("no arrival to locate with")
    for a in arrivals:
        if a.station not in sites:
            raise DetenteError(f"no place for station '{a.station}'", where=f"arrival {a.id}")
        if a.phase and not known(a.phase):
            index_of(a.phase)
        if not (np.isfinite(a.time) and np.isfinite(a.time_sd) and a.time_sd > 0):
            raise DetenteError("a finite time and an error above 0 s are needed", where=f"arrival {a.id}")
    used = {a.station: sites[a.station] for a in arrivals}
    net = Network.of(used)
    where = {code: i for i, code in enumerate(net.codes)}
    station = np.array([where[a.station] for a in arrivals])
    phase = np.array([index_of(a.phase or "P") for a in arrivals])
    zero = float(min(a.time for a in arrivals))
    o = np.array([_row(a, zero, bool(net.is_array[where[a.station]]), corrections or {}) for a in arrivals])
    return Problem(tuple(arrivals), zero, o, phase, station, net, _alike(phase, station, net), model(earth))


def _row(a: Arrival, zero: float, is_array: bool, corrections: Corrections) -> tuple[float, ...]:
    slow = a.slowness_s_km
    usable = slow if slow and slow > 0 else 0.06
    direction = slowness = direction_sd = slowness_sd = np.nan
    if a.backazimuth_deg is not None and np.isfinite(a.backazimuth_deg):
        direction = a.backazimuth_deg
        model_sd = np.degrees(np.arctan(SLOWNESS_ERROR_S_KM / usable))
        direction_sd = float(np.hypot(a.backazimuth_sd_deg or (8.0 if is_array else 20.0), model_sd))
    if slow is not None and np.isfinite(slow):
        slowness = slow
        given = a.slowness_sd_s_km or (0.01 if is_array else 0.05)
        slowness_sd = float(np.hypot(given, SLOWNESS_ERROR_S_KM))
    slow_wave = slow_waves().get(a.phase)
    if (
        slow_wave is not None
    ):  # winds and currents turn it; its trace speed says how steeply it came, not from where
        slowness = slowness_sd = np.nan
        direction_sd = float(np.hypot(a.backazimuth_sd_deg or 2.0, slow_wave.direction_deg))
    fix = corrections.get((a.station, a.phase or "P"))
    shift, sd = (fix.shift_s, fix.sd_s) if fix else (0.0, np.nan)
    return a.time - zero, a.time_sd, direction, direction_sd, slowness, slowness_sd, shift, sd


def _alike(phase: Int, station: Int, net: Network) -> Float:
    """Correlation of model errors: by the distance between stations, between waves of one kind only."""
    place = net.places[station]
    apart = 6371.0 * np.arccos(np.clip(place @ place.T, -1, 1))
    kind = KIND[phase]
    same = np.where(phase[:, None] == phase[None, :], 1.0, 0.5)
    return np.where(kind[:, None] == kind[None, :], same * np.exp(-apart / CORRELATION_KM), 0.0)


@lru_cache(maxsize=4)
def nodes(step_deg: float) -> Float:
    """(n, 2) geocentric latitudes and longitudes in radians, evenly over the globe, about `step_deg` apart."""
    n = round(41253 / step_deg**2)
    i = np.arange(n) + 0.5
    return np.column_stack([np.arcsin(1 - 2 * i / n), (np.pi * (1 + 5**0.5) * i) % (2 * np.pi) - np.pi])


class Fit(msgspec.Struct, frozen=True, eq=False):
    """The best place at one depth: geocentric radians and s after zero, covariance in km and s, likelihood."""

    depth_km: float
    x: Float
    covariance: Float
    log_likelihood: float


def fit_at(problem: Problem, start: Float, depth_km: float) -> Fit:
    """Robust least squares at one depth from a start (radians, s after zero)."""
    from detente.monitor.network import _locate_kernel as kernel

    x, covariance, like = kernel.fit(
        start, depth_km, problem.o, problem.tables, problem.net, problem.phase, problem.station, SHEAR,
        problem.alike,
    )  # fmt: skip
    return Fit(depth_km, x, covariance, float(like))


def coarse(problem: Problem, depths: Float, keep: int = 4) -> list[tuple[Float, float]]:
    """The best few starts of a search of the whole globe, each polished: (lat, lon, time), depth."""
    from detente.monitor.network import _locate_kernel as kernel

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


def locate(
    arrivals: Sequence[Arrival],
    sites: Mapping[str, Site | Array],
    *,
    settings: Settings | None = None,
    start: Origin | None = None,
    corrections: Corrections | None = None,
    missed: Sequence[Missed] = (),
    origin_id: str = "",
) -> Origin:
    """Where and when: arrivals with phase names (empty: first P) to an origin with its ellipse.

    Residuals have Student tails; model errors grow with distance as in the data centre's tables and are alike
    between stations that are near each other; times carry ellipticity and height; depth is found where the data
    resolve it. Raises DetenteError for unknown stations or phases, or fewer than three measurements.
    """
    chosen = settings or Settings()
    problem = pose(arrivals, sites, earth=chosen.earth, corrections=corrections)
    measured = len(arrivals) + int(np.isfinite(problem.o[:, (2, 4)]).sum())
    if measured < 3:
        raise DetenteError(
            f"{measured} measurements do not fix a place and a time", fix="three or more: times, azimuths"
        )
    fits = _fits(problem, chosen, start)
    weights = _depth_weights(fits)
    depth, low, high, kind = _depth(fits, chosen, times_resolve=_times(problem) >= 4)
    best = min(fits, key=lambda f: abs(f.depth_km - depth))
    best = fit_at(problem, best.x, depth)
    place, spread, time_sd = _spread(
        problem, best, fits, weights, free=kind == "fixed" and chosen.depth_km is None
    )
    return _origin(problem, best, place, spread, time_sd, (low, high, kind), chosen, missed, origin_id)


def _times(problem: Problem) -> int:
    """How many different phases at different stations were timed."""
    return len(set(zip(problem.station.tolist(), problem.phase.tolist(), strict=True)))


def _fits(problem: Problem, chosen: Settings, start: Origin | None) -> list[Fit]:
    """The best fit at every depth asked about."""
    asked = DEPTHS_KM if chosen.depth_km is None else np.array([chosen.depth_km])
    if chosen.depth_km is None and _times(problem) < 4:
        asked = DEPTHS_KM[DEPTHS_KM <= 60]  # nothing resolves it: the ordinary depths' scatter
    if start is not None:
        at = np.radians(geocentric(start.lat)), np.radians(start.lon), start.time - problem.zero
        starts = [(np.array([float(v) for v in at]), start.depth_km)]
    else:
        depths = _SEARCHED if asked.size > 1 else asked
        starts = coarse(problem, depths[depths <= asked[-1]])
    runs = [_track(problem, at, depth, asked) for at, depth in starts]
    best = max(runs, key=lambda run: max(_evidence(f) for f in run))
    return _finer(problem, best) if asked.size > 1 else best


def _finer(problem: Problem, fits: list[Fit]) -> list[Fit]:
    """More depths beside the best one, halving, while the evidence changes much from one to the next."""
    fits = list(fits)
    for _ in range(4):
        at = max(range(len(fits)), key=lambda i: _evidence(fits[i]))
        top = _evidence(fits[at])
        new = []
        for other in (at - 1, at + 1):
            if not 0 <= other < len(fits):
                continue
            apart = abs(fits[other].depth_km - fits[at].depth_km)
            if apart > 2.0 and top - _evidence(fits[other]) > 0.7:
                depth = 0.5 * (fits[other].depth_km + fits[at].depth_km)
                new.append(fit_at(problem, fits[at].x, depth))
        if not new:
            break
        fits = sorted([*fits, *new], key=lambda f: f.depth_km)
    return fits


def _track(problem: Problem, at: Float, depth: float, asked: Float) -> list[Fit]:
    """Fit from the depth nearest to the start outwards, each from its neighbour's place, while it matters."""
    first = int(np.argmin(np.abs(asked - depth)))
    found: dict[int, Fit] = {first: fit_at(problem, at, float(asked[first]))}
    best = _evidence(found[first])
    for way in (1, -1):
        i = first + way
        while 0 <= i < asked.size:
            found[i] = fit_at(problem, found[i - way].x, float(asked[i]))
            evidence = _evidence(found[i])
            best = max(best, evidence)
            if evidence < best - NEGLIGIBLE and evidence < _evidence(found[i - way]):
                break
            i += way
    return [found[i] for i in sorted(found)]


def _evidence(fit: Fit) -> float:
    """Log posterior density of the depth: likelihood, the volume of place and time, prior."""
    _, logdet = np.linalg.slogdet(fit.covariance)
    return fit.log_likelihood + 0.5 * float(logdet) + float(log_depth_prior(fit.depth_km))


def log_depth_prior(depth_km: Any) -> Any:
    """Log density per km: two events of three in the crust (exponential, 20 km), one spread over 0-700 km."""
    z = np.asarray(depth_km, float)
    return np.log(2 / 3 * np.exp(-z / 20.0) / 20.0 + 1 / 3 * np.exp(-z / 200.0) / 200.0)


def _depth_weights(fits: Sequence[Fit]) -> Float:
    """Posterior probability of each fit's depth."""
    if len(fits) == 1:
        return np.ones(1)
    log = np.array([_evidence(f) for f in fits])
    weight = np.exp(log - log.max()) * np.gradient(np.array([f.depth_km for f in fits]))
    share: Float = weight / weight.sum()
    return share


def _depth(
    fits: Sequence[Fit], chosen: Settings, *, times_resolve: bool
) -> tuple[float, float | None, float | None, str]:
    """Depth, its interval, and whether it was found (free) or not (fixed)."""
    if chosen.depth_km is not None:
        return chosen.depth_km, None, None, "fixed"
    z = np.array([f.depth_km for f in fits])
    fine = np.linspace(z[0], z[-1], 1401)
    log = np.array([_evidence(f) for f in fits])
    density = np.exp(np.interp(fine, z, log) - log.max())
    cumulative = np.cumsum(density) / density.sum()
    tail = (1 - chosen.confidence) / 2
    low, mid, high = (float(np.interp(q, cumulative, fine)) for q in (tail, 0.5, 1 - tail))
    if z[0] == 0 and density[0] > 0.5:  # the surface is as likely as any: the interval begins there
        low, high = 0.0, float(np.interp(chosen.confidence, cumulative, fine))
    if times_resolve and (high - low <= chosen.resolved_km or low > 35.0):
        return mid, low, high, "free"
    return chosen.default_depth_km, low, high, "fixed"


_OFFSETS: Final = np.linspace(-4.0, 4.0, 33)


def _spread(
    problem: Problem, best: Fit, fits: Sequence[Fit], weights: Float, *, free: bool
) -> tuple[Float, Float, float]:
    """The posterior's centre (km east, north of the best fit) and covariance, and the time's error.

    The grid holds what least squares cannot: arcs and one-sided tails. With `free` the other depths' places
    count, too: a depth fixed for want of data is not known.
    """
    from detente.monitor.network import _locate_kernel as kernel

    values, vectors = np.linalg.eigh(best.covariance[:2, :2])
    axes = vectors.T * np.sqrt(np.clip(values, 0.01, 4e6))[:, None]
    out = np.empty((_OFFSETS.size, _OFFSETS.size))
    kernel.posterior(
        best.x, axes, best.depth_km, problem.o, problem.tables, problem.net, problem.phase, problem.station,
        SHEAR, problem.alike, _OFFSETS, out,
    )  # fmt: skip
    mass = np.exp(out - out.max())
    mass /= mass.sum()
    at = _OFFSETS[:, None, None] * axes[0] + _OFFSETS[None, :, None] * axes[1]
    mean = np.einsum("ij,ijk->k", mass, at)
    away = at - mean
    covariance = np.einsum("ij,ijk,ijl->kl", mass, away, away)
    time_var = best.covariance[2, 2]
    if free and len(fits) > 1:
        shift = np.array([_km(f.x, best.x) for f in fits])
        covariance = covariance + np.einsum("i,ij,ik->jk", weights, shift, shift)
        time_var += float(np.sum(weights * (np.array([f.x[2] for f in fits]) - best.x[2]) ** 2))
    return mean, covariance, float(np.sqrt(time_var))


def _km(a: Float, b: Float) -> tuple[float, float]:
    """Kilometres east and north of b."""
    east = (a[1] - b[1] + np.pi) % (2 * np.pi) - np.pi
    return float(east * 6371.0 * np.cos(b[0])), float((a[0] - b[0]) * 6371.0)


def _origin(
    problem: Problem,
    best: Fit,
    place: Float,
    covariance: Float,
    time_sd: float,
    depth: tuple[float | None, float | None, str],
    chosen: Settings,
    missed: Sequence[Missed],
    origin_id: str,
) -> Origin:
    from detente.monitor.network import _locate_kernel as kernel

    n = len(problem.arrivals)
    out, r, weight = np.empty((n, 5)), np.empty((n, 3)), np.empty((n, 3))
    kernel.residuals(
        best.x[0], best.x[1], best.depth_km, best.x[2], problem.o, problem.tables, problem.net, problem.phase,
        problem.station, SHEAR, out, r,
    )  # fmt: skip
    kernel.whitener(
        r, out, best.depth_km, problem.o, problem.earth.errors, problem.phase, problem.alike, weight
    )
    values, vectors = np.linalg.eigh(covariance)
    scale = float(np.sqrt(-2 * np.log(1 - chosen.confidence)))
    minor, major = scale * np.sqrt(np.clip(values, 0.0, None))
    strike = float(np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180)
    low, high, kind = depth
    lat, lon = best.x[0] + place[1] / 6371.0, best.x[1] + place[0] / 6371.0 / np.cos(best.x[0])
    return Origin(
        id=origin_id or f"origin-{problem.zero + best.x[2]:.1f}",
        time=problem.zero + float(best.x[2]),
        lat=float(geographic(np.degrees(lat))),
        lon=float((np.degrees(lon) + 180) % 360 - 180),
        time_sd=time_sd,
        depth_km=best.depth_km,
        depth="free" if kind == "free" else "fixed",
        depth_low_km=low,
        depth_high_km=high,
        semi_major_km=float(major),
        semi_minor_km=float(minor),
        strike_deg=strike,
        confidence=chosen.confidence,
        model=chosen.earth,
        used=tuple(_used(problem, i, out[i], r[i], weight[i]) for i in np.argsort(out[:, 3])),
        missed=tuple(missed),
        method="posterior of times, azimuths and slownesses; Student tails; correlated model errors",
        why=_why(problem, out, r, weight),
    )


def _used(problem: Problem, i: int, out: Float, r: Float, weight: Float) -> Used:
    a = problem.arrivals[i]
    # a weight of a quarter is a residual of over four standard errors: seen, but it shaped nothing
    marks = "".join(m for m, w in zip("TAS", weight, strict=True) if w > 0.25)
    values = [float(v) if np.isfinite(v) else None for v in r]
    return Used(
        arrival=a.id,
        station=a.station,
        phase=a.phase or "P",
        distance_deg=float(out[3]),
        azimuth_deg=float(np.degrees(out[4]) % 360),
        time_residual_s=values[0],
        backazimuth_residual_deg=values[1],
        slowness_residual_s_km=values[2],
        defining=marks,
    )


def _why(problem: Problem, out: Float, r: Float, weight: Float) -> dict[str, float | str]:
    timed = weight[:, 0] > 0.25
    azimuths = np.sort(np.degrees(out[timed, 4]) % 360)
    gap = float(np.max(np.diff(np.append(azimuths, azimuths[0] + 360)))) if azimuths.size else 360.0
    rms = float(np.sqrt(np.mean(r[timed, 0] ** 2))) if timed.any() else float("nan")
    depth_phases = [PHASES[f] for f in problem.phase if PHASES[f] in DEPTH_PHASES]
    return {
        "gap_deg": gap,
        "rms_s": rms,
        "times": float(timed.sum()),
        "nearest_deg": float(out[:, 3].min()),
        "depth_phases": float(len(depth_phases)),
        **{f"celerity of {p}": said for p, said in _celerities(problem).items()},
    }


def _celerities(problem: Problem) -> dict[str, str]:
    """What the times of waves in air and sea rest on, with the mark of a figure that nobody has read."""
    used = {PHASES[f] for f in problem.phase}
    return {
        p: f"{w.celerity_km_s:g} km/s" + (f", {RECALLED_MARK}" if w.quality.doubtful else "")
        for p, w in slow_waves().items()
        if p in used
    }
