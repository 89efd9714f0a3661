"""Derive each IMS array's slowness bias from binned observed and predicted slowness vectors.

Run: python tools/derive_slowness_bias.py SHARED/seismic/tables/ims_slowness_bins. It writes
src/detente/monitor/data/slowness_bias.csv. Input rows: predicted (ak135) east and north slowness, observed east
and north, number of arrivals; vectors point to the source. Cells of 0.02 s/km of the predicted vector, P phases
only (below 0.14 s/km), without vectors more than 0.05 s/km off (another wave); median of observed less predicted,
weighted by the root of the arrivals, as one aftershock sequence may fill a bin; scatter 1.4826 times the median
absolute deviation, at least 0.004 s/km. Cells of fewer than ten arrivals in three bins are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

CELL, LIMIT, FEWEST, FEWEST_BINS = 0.02, 0.14, 10, 3
WRONG_PHASE = 0.05  # s/km: no array bends P so far; a vector this wrong belongs to another wave
FLOOR = 0.004  # s/km: the bins are means, so their scatter understates that of single arrivals
ALIAS = {"KURBB": "KURK"}
HEADER = """# Bias of f-k slowness vectors at IMS arrays: observed less ak135, towards the source, s/km, by cell of the
# predicted vector (centre sx, sy). sd: scatter of single arrivals about it. arrivals: how many it rests on.
# Derived by tools/derive_slowness_bias.py from binned automatic P arrivals (S. J. Gibbons, public tables).
"""


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def cells(table: np.ndarray) -> list[list[float]]:
    small = table[np.hypot(table[:, 0], table[:, 1]) < LIMIT]
    place = np.round(small[:, :2] / CELL).astype(int)
    found = []
    for i, j in np.unique(place, axis=0):
        rows = small[(place == (i, j)).all(axis=1)]
        rows = rows[np.hypot(*(rows[:, 2:4] - rows[:, :2]).T) < WRONG_PHASE]
        n = rows[:, 4]
        if len(rows) < FEWEST_BINS or n.sum() < FEWEST:
            continue
        apart = rows[:, 2:4] - rows[:, :2]
        middle = [weighted_median(apart[:, k], np.sqrt(n)) for k in (0, 1)]
        sd = [1.4826 * weighted_median(np.abs(apart[:, k] - middle[k]), np.sqrt(n)) for k in (0, 1)]
        found.append([i * CELL, j * CELL, *middle, *(max(s, FLOOR) for s in sd), n.sum()])
    return found


def main() -> None:
    lines = []
    for path in sorted(Path(sys.argv[1]).glob("*_binned_sxsy.txt")):
        code = path.name.split("_")[0]
        for sx, sy, dx, dy, a, b, n in cells(np.loadtxt(path)):
            numbers = f"{sx:.2f},{sy:.2f},{dx:.4f},{dy:.4f},{a:.4f},{b:.4f},{n:.0f}"
            lines.append(f"{ALIAS.get(code, code)},{numbers},Gibbons slowness bins,derived\n")
    out = Path("src/detente/monitor/data/slowness_bias.csv")
    columns = "array,sx,sy,bias_x,bias_y,sd_x,sd_y,arrivals,source,quality\n"
    out.write_text(HEADER + columns + "".join(lines))


if __name__ == "__main__":
    main()
