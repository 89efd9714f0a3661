"""A fitted place as an origin of the bulletin: its ellipse, its names and residuals, what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Missed, Origin, Used
from detente.monitor.network.depth import Fit
from detente.monitor.network.observed import Problem
from detente.monitor.network.phases import DEPTH_PHASES, PHASES, SHEAR, geographic, slow_waves
from detente.sources import RECALLED_MARK

if TYPE_CHECKING:
    from detente.monitor.network.locate import Settings

Float = NDArray[np.float64]


def renamed(problem: Problem, best: Fit) -> Problem:
    """The problem with the names that the best place gives its arrivals, and the errors that doubt about them adds."""
    from detente.monitor.network import _name_kernel as kernel

    phase, wide = problem.phase.copy(), problem.o.copy()
    kernel.names(
        best.x[0], best.x[1], best.depth_km, best.x[2], problem.o, problem.tables, problem.net, problem.phase,
        problem.station, phase, wide,
    )  # fmt: skip
    arrivals = tuple(
        a if new == old else msgspec.structs.replace(a, phase=PHASES[new])
        for a, new, old in zip(problem.arrivals, phase.tolist(), problem.phase.tolist(), strict=True)
    )
    return msgspec.structs.replace(problem, arrivals=arrivals, phase=phase, o=wide)


def origin_of(
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
