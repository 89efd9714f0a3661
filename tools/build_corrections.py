"""Build the locator's ellipticity.csv and model_errors.csv: python tools/build_corrections.py AK135_FOLDER.

AK135_FOLDER holds the data centre's ak135 tables: ELCOR.dat (Kennett and Gudmundsson 1996) and, for each
phase, a travel-time table that ends in its modelling errors.
"""

from __future__ import annotations

import sys
from pathlib import Path

ELLIPTIC = ("P", "Pdiff", "Pup", "PKPdf", "PKPbc", "PKPab", "pP", "sP", "PcP", "ScP", "S", "Sdiff", "Sup")
ERRORS = ("P", "Pn", "Pg", "S", "Sn", "Lg", "PKPdf", "PKPbc", "PKPab", "PcP")
TARGET = Path(__file__).parents[1] / "src/detente/monitor/network/data"


def ellipticity(path: Path) -> list[str]:
    """Rows phase, distance, tau 0 to 2, six depths."""
    words = path.read_text().splitlines()
    rows, i = [], 0
    while i < len(words):
        head = words[i].split()
        phase, n = head[0], int(head[1])
        i += 2
        for _ in range(n):
            distance = float(words[i])
            for order in range(3):
                values = ",".join(f"{float(v):.4f}" for v in words[i + 1 + order].split())
                if phase in ELLIPTIC:
                    rows.append(f"{phase},{distance:g},{order},{values}")
            i += 4
    return rows


def errors(folder: Path, phase: str) -> list[str]:
    """Rows phase, distance, depth, seconds."""
    lines = (folder / f"{phase}.txt").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if "odelling error" in line)
    numbers: list[float] = []
    for line in lines[start + 1 :]:
        if not line.startswith("#"):
            numbers += [float(w) for w in line.split()]
    n, depths_n = int(numbers[0]), int(numbers[1])
    at = 2 + n
    distances = numbers[2:at]
    depths = [0.0] if depths_n == 1 else numbers[at : at + depths_n]
    at += 0 if depths_n == 1 else depths_n
    return [
        f"{phase},{x:g},{depth:g},{numbers[at + j * n + i]:g}"
        for j, depth in enumerate(depths)
        for i, x in enumerate(distances)
    ]


def main(folder: Path) -> None:
    """Write both tables."""
    TARGET.mkdir(exist_ok=True)
    (TARGET / "ellipticity.csv").write_text(
        "# Ellipticity coefficients tau 0, 1, 2 in seconds by phase, distance (deg) and depth (h, km) for ak135.\n"
        "# Kennett and Gudmundsson 1996, GJI 127, 40-48; the data centre's file ELCOR.dat. Quality: one_source.\n"
        "phase,distance_deg,tau,h0,h100,h200,h300,h500,h700\n"
        + "\n".join(ellipticity(folder / "ELCOR.dat"))
        + "\n"
    )
    rows = [row for phase in ERRORS for row in errors(folder, phase)]
    (TARGET / "model_errors.csv").write_text(
        "# Standard error in seconds of ak135's travel times by phase, distance (deg) and depth (km).\n"
        "# The international data centre's ak135 tables, section 'modelling error', 1996. Quality: one_source.\n"
        "phase,distance_deg,depth_km,sd_s\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
