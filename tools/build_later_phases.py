"""Build src/detente/monitor/network/data/later_phases.npz from obspy's TauP: python tools/build_later_phases.py.

Depth phases, core reflections and the two retrograde-and-back branches of PKP, ak135, on a coarse grid
(1 degree, 20 depths, linear between): the associator and the locator name them; nobody locates by them alone.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from obspy.taup import TauPyModel
from obspy.taup.seismic_phase import SeismicPhase

DEPTHS_KM = np.array(
    [0, 10, 20, 35, 50, 75, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600, 650, 700.0]
)
DISTANCES_DEG = np.arange(0.0, 181.0)
# phase: TauP's name, first and last degree worth a name
PARTS = {
    "pP": ("pP", 18.0, 100.0),
    "sP": ("sP", 18.0, 100.0),
    "PcP": ("PcP", 15.0, 80.0),
    "ScP": ("ScP", 15.0, 60.0),
    "PKPbc": ("PKP", 143.0, 158.0),
    "PKPab": ("PKP", 143.0, 178.0),
}


def branch(found: Any, phase: str) -> tuple[np.ndarray, np.ndarray]:
    """Distance (deg) and time (s) along the branch asked for."""
    x, t = np.degrees(found.dist), found.time
    if not phase.startswith("PKP"):
        return x, t
    turn = int(np.argmin(x))  # the caustic: ab has the steeper slowness on one side, bc on the other
    ab = slice(0, turn + 1) if found.ray_param[0] > found.ray_param[-1] else slice(turn, None)
    bc = slice(turn, None) if ab.start == 0 else slice(0, turn + 1)
    chosen = ab if phase == "PKPab" else bc
    return x[chosen], t[chosen]


def main(target: Path) -> None:
    """Write (depth, distance) float32 seconds a phase, NaN where it does not arrive."""
    earth = TauPyModel("ak135").model
    tables: dict[str, Any] = {"depth_km": DEPTHS_KM, "distance_deg": DISTANCES_DEG}
    out = {phase: np.full((DEPTHS_KM.size, DISTANCES_DEG.size), np.nan, np.float32) for phase in PARTS}
    for j, depth in enumerate(DEPTHS_KM):
        tau = earth.depth_correct(float(depth))
        for phase, (part, first, last) in PARTS.items():
            if depth == 0 and phase in ("pP", "sP"):
                continue
            found = SeismicPhase(part, tau)
            if len(found.dist) < 2:
                continue
            x, t = branch(found, phase)
            order = np.argsort(x)
            inside = (max(first, x.min()) <= DISTANCES_DEG) & (min(last, x.max()) >= DISTANCES_DEG)
            if phase in ("pP", "sP", "PKPbc", "PKPab"):  # several rays may share a distance: the earliest
                out[phase][j, inside] = [_earliest(x, t, d) for d in DISTANCES_DEG[inside]]
            else:
                out[phase][j, inside] = np.interp(DISTANCES_DEG[inside], x[order], t[order])
    for phase in ("pP", "sP"):  # a source at the surface: the surface reflection is P itself
        out[phase][0] = 2 * out[phase][1] - out[phase][2]
    np.savez_compressed(target, **tables, **out)
    print(target, target.stat().st_size, "bytes", file=sys.stderr)


def _earliest(x: np.ndarray, t: np.ndarray, d: float) -> float:
    times = []
    for k in range(len(x) - 1):
        a, b = sorted((x[k], x[k + 1]))
        if a <= d <= b and b > a:
            times.append(t[k] + (d - x[k]) / (x[k + 1] - x[k]) * (t[k + 1] - t[k]))
    return min(times) if times else np.nan


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "src/detente/monitor/network/data/later_phases.npz")
