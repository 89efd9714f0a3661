"""What each array is known to get wrong: its slowness vectors corrected, their scatter as uncertainty."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.tables import read_table

Float = NDArray[np.float64]

REACH = 0.02  # s/km: cells within this of a vector speak for it, by a Gaussian
UNKNOWN_SD = (
    0.012  # s/km, assumed for an array or a direction nobody has measured: as large as the table's biases
)
_COLUMNS = ("array", "sx", "sy", "bias_x", "bias_y", "sd_x", "sd_y", "arrivals", "source", "quality")


class Corrected(msgspec.Struct, frozen=True, eq=False):
    """A slowness vector with the array's bias taken off; `scatter` (2, 2) to add to its covariance."""

    sx: float
    sy: float
    scatter: Float
    known: bool


@lru_cache(maxsize=1)
def tables() -> dict[str, Float]:
    """By array: rows of predicted sx, sy, bias x, y, scatter x, y in s/km, and the number of arrivals."""
    path = files("detente.monitor") / "data" / "slowness_bias.csv"
    found: dict[str, list[list[float]]] = {}
    for row in read_table(path, _COLUMNS):
        found.setdefault(row["array"], []).append([row.number(c) or 0.0 for c in _COLUMNS[1:8]])
    return {code: np.array(rows) for code, rows in found.items()}


def correct(array: str, sx: float, sy: float) -> Corrected:
    """The vector (s/km, towards the source) that an unbiased array would have seen.

    The bias depends on the true vector: found by iteration from the observed one. Only P slownesses, below
    0.14 s/km, of arrays in the table are corrected; all others come back as they are, with UNKNOWN_SD.
    """
    table = tables().get(array)
    unknown = Corrected(sx, sy, UNKNOWN_SD**2 * np.eye(2), False)
    if table is None or np.hypot(sx, sy) > 0.14:
        return unknown
    true = np.array([sx, sy])
    scatter = np.eye(2)
    for _ in range(6):
        apart = np.hypot(*(table[:, :2] - true).T)
        weight = np.sqrt(table[:, 6]) * np.exp(-0.5 * (apart / REACH) ** 2) * (apart < 3 * REACH)
        if not weight.sum() > 0:
            return unknown
        weight = weight / weight.sum()
        true = np.array([sx, sy]) - weight @ table[:, 2:4]
        scatter = np.diag(weight @ table[:, 4:6] ** 2)
    return Corrected(float(true[0]), float(true[1]), scatter, True)
