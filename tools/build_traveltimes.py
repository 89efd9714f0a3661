"""Build src/detente/monitor/data/traveltimes.npz from obspy's TauP: python tools/build_traveltimes.py.

For every model, phase and source depth the rays of TauP (distance, time, ray parameter) are joined by cubic
Hermite pieces, whose slope is the ray parameter itself, and the earliest time is read on the grid of
`detente.monitor.traveltime`. Times are kept in milliseconds as differences of differences.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from obspy.taup import TauPyModel
from obspy.taup.seismic_phase import SeismicPhase

from detente.monitor.traveltime import DEPTHS_KM, DISTANCES_DEG, MODELS, encode

EARTH_KM = 6371.0
PARTS = {
    "P": ("p", "P", "Pn", "Pdiff"),
    "Pg": ("p", "Pg"),
    "Pn": ("Pn", "P", "p"),
    "S": ("s", "S", "Sn", "Sdiff"),
    "Sg": ("s", "Sg"),
    "Sn": ("Sn", "S", "s"),
    "PKP": ("PKiKP", "PKIKP", "PKP"),
}
FIRST_DEG = {"PKP": 110.0}
LAST_DEG = {"P": 115.0, "S": 115.0}
LID_BOTTOM_KM = {"Pn": 410.0, "Sn": 210.0}
MOHO_KM = 35.0
SLOWEST = {"P": 111.19 / 5.8, "S": 111.19 / 3.36}  # s/deg in the upper crust


def rays(part: str, phase: str, tau: Any, velocity: Any) -> list[tuple[float, ...]]:
    """Pieces (x0, x1, t0, t1, p0, p1) of one TauP phase, in radians, seconds and seconds a radian."""
    found = SeismicPhase(part, tau)
    x, t, p = found.dist, found.time, found.ray_param
    if len(x) < 2:
        return []
    low, high = 0.0, np.inf
    if phase in LID_BOTTOM_KM:  # Pn and Sn: rays that turn, or run, below the Moho and no deeper
        wave = "p" if phase == "Pn" else "s"
        low = (EARTH_KM - LID_BOTTOM_KM[phase]) / velocity.evaluate_above(LID_BOTTOM_KM[phase], wave)[0]
        if tau.source_depth < MOHO_KM:
            high = (EARTH_KM - MOHO_KM) / velocity.evaluate_below(MOHO_KM, wave)[0]
            if part in ("p", "s"):
                return []
    elif phase in ("Pg", "Sg") and tau.source_depth >= MOHO_KM:
        return []
    slack = 1e-6
    return [
        (x[i], x[i + 1], t[i], t[i + 1], p[i], p[i + 1])
        for i in range(len(x) - 1)
        if min(p[i], p[i + 1]) >= low - slack and max(p[i], p[i + 1]) <= high + slack
    ]


def earliest(pieces: list[tuple[float, ...]], phase: str) -> np.ndarray:
    """The earliest time (s) at every grid distance, NaN where none arrives or the first branch has ended."""
    grid = np.radians(DISTANCES_DEG)
    best = np.full(grid.size, np.inf)
    for x0, x1, t0, t1, p0, p1 in pieces:
        if x1 < x0:
            x0, x1, t0, t1, p0, p1 = x1, x0, t1, t0, p1, p0
        i, j = np.searchsorted(grid, x0 - 1e-9), np.searchsorted(grid, x1 + 1e-9, "right")
        if i == j:
            continue
        h = x1 - x0
        if h < 1e-12:
            best[i:j] = np.minimum(best[i:j], min(t0, t1))
            continue
        s = (grid[i:j] - x0) / h
        time = (
            (1 + 2 * s) * (1 - s) ** 2 * t0
            + s * (1 - s) ** 2 * h * p0
            + s * s * (3 - 2 * s) * t1
            + s * s * (s - 1) * h * p1
        )
        best[i:j] = np.minimum(best[i:j], time)
    best[FIRST_DEG.get(phase, 0.0) > DISTANCES_DEG] = np.inf
    best[LAST_DEG.get(phase, 180.0) + 1e-9 < DISTANCES_DEG] = np.inf
    best[~np.isfinite(best)] = np.nan
    rate = np.diff(best) / np.diff(DISTANCES_DEG)
    jumps = np.flatnonzero(rate > 1.5 * SLOWEST[phase[0]])
    if jumps.size:  # a later branch follows: another arrival, and a straight line between them would be wrong
        best[jumps[0] + 1 :] = np.nan
    return best


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))  # the same bytes at every build
    entry.compress_type = zipfile.ZIP_LZMA
    return entry


def main(target: Path) -> None:
    """Write every table into one compressed file."""
    tables = {}
    for model in MODELS:
        earth = TauPyModel(model).model
        velocity = earth.s_mod.v_mod
        stacks: dict[str, list[np.ndarray]] = {phase: [] for phase in PARTS}
        for depth in DEPTHS_KM:
            tau = earth.depth_correct(float(depth))
            for phase, parts in PARTS.items():
                pieces = [r for part in parts for r in rays(part, phase, tau, velocity)]
                stacks[phase].append(earliest(pieces, phase))
        for phase, rows in stacks.items():
            for name, part in encode(np.array(rows)).items():
                tables[f"{model}.{phase}.{name}"] = part
            print(model, phase, file=sys.stderr)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as archive:  # an .npz, smaller than numpy's own
        for name, table in tables.items():
            with archive.open(_entry(name), "w") as member:
                np.lib.format.write_array(member, table)
    print(target, target.stat().st_size, "bytes", file=sys.stderr)


if __name__ == "__main__":
    main(Path(__file__).parents[1] / "src/detente/monitor/data/traveltimes.npz")
