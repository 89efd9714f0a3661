"""A fitted place as an origin of the bulletin: its ellipse, its names and residuals, what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Missed, Origin, Used
from detente.monitor.network.depth import Fit, Kind
from detente.monitor.network.mixture import Mixture
from detente.monitor.network.observed import Problem
from detente.monitor.network.phases import DEPTH_PHASES, PHASES, SHEAR, geographic, slow_waves
from detente.monitor.network.region import Region, ellipse, second
from detente.sources import RECALLED_MARK

if TYPE_CHECKING:
    from detente.monitor.network.locate import Settings

Float = NDArray[np.float64]


def origin_of(
    mixture: Mixture,
    best: Fit,
    told: Fit,
    members: Float,
    depth: tuple[float, float | None, float | None, Kind],
    chosen: Settings,
    missed: Sequence[Missed],
    origin_id: str,
) -> Origin:
    """The origin at the place `told`, or the median of a sample of the posterior (about `best`) if that lies elsewhere,
    with the ellipse that holds the sample's share."""
    from detente.monitor.network import _locate_kernel as kernel
    from detente.monitor.network._phase_kernel import aside, basis, beyond

    here = basis(best.x[0], best.x[1])
    several = len(mixture.problem.network.codes) >= 3  # an arc of fewer has its median beside itself
    region = ellipse(members, chosen.confidence, aside(here, told.x[0], told.x[1]), doubted=several)
    km, low, high, kind = depth
    x = told.x.copy()
    x[:2] = beyond(here, region.east_km, region.north_km)
    problem, n = mixture.problem, len(mixture.order)
    out, r, weight = np.empty((n, 5)), np.empty((n, 3)), np.empty((n, 3))
    for _ in range(3):  # the time that the names at this place and depth give, and the names at that time
        problem, doubt = mixture.named(x, km)
        kernel.residuals(
            x[0],
            x[1],
            km,
            x[2],
            problem.o,
            problem.tables,
            problem.net,
            problem.phase,
            problem.station,
            SHEAR,
            out,
            r,
        )
        kernel.whitener(r, out, km, problem.o, problem.earth.errors, problem.phase, problem.alike, weight)
        weight *= 1.0 - doubt[:, None]
        say = weight[:, 0] / (problem.o[:, 1] ** 2 + 1.0)
        x[2] += float((say * np.nan_to_num(r[:, 0])).sum() / max(say.sum(), 1e-9))
    quarter = np.quantile(members[:, 3], (0.16, 0.84))
    return Origin(
        id=origin_id or f"origin-{problem.zero + x[2]:.1f}",
        time=problem.zero + float(x[2]),
        lat=float(geographic(np.degrees(x[0]))),
        lon=float((np.degrees(x[1]) + 180) % 360 - 180),
        time_sd=float(0.5 * (quarter[1] - quarter[0])),
        depth_km=km,
        depth=kind,
        depth_low_km=low,
        depth_high_km=high,
        semi_major_km=region.major_km,
        semi_minor_km=region.minor_km,
        strike_deg=region.strike_deg,
        confidence=chosen.confidence,
        model=chosen.earth,
        used=tuple(_used(problem, i, out[i], r[i], weight[i]) for i in np.argsort(out[:, 3])),
        missed=tuple(missed),
        method="posterior of times, azimuths and slownesses, summed over names and false picks",
        why={**_why(problem, out, r, weight), **_elsewhere(here, members, region)},
    )


def _elsewhere(here: tuple[float, ...], members: Float, region: Region) -> dict[str, str]:
    """Where else the event may have been, if the posterior has a second place: the ellipse holds both."""
    from detente.monitor.network._phase_kernel import beyond

    found = second(members, (region.east_km, region.north_km))
    if found is None:
        return {}
    lat, lon = beyond(here, *found[:2])
    return {"perhaps at": f"{geographic(np.degrees(lat)):.2f} {np.degrees(lon):.2f}, {found[2]:.0%}"}


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
