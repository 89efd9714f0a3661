"""How a wide array is heard: parts of it that see the same wave, and beams as close as its aperture asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Group = NDArray[np.int64]

SMALL_KM = 6.0  # apertures to this: the fan of 33 beams
PART_KM = 12.0  # widest part within which a signal is taken to be alike: half its coherence length at 1.7 Hz
WIDE_KM = 24.0  # apertures above this: the power of parts is summed beside the beams of all
LOSS_DB = 2.0  # at most lost by a wave between beams, at the design frequency
DESIGN_HZ = (
    2.45  # the middle of 1.5-4 Hz, the best band of teleseismic P; lower where that costs too many beams
)
MOST_BEAMS = 1500
REACH_S_KM = 0.13  # of wide arrays' beams: P to Pn


def aperture(offsets_km: Float) -> float:
    """Diagonal of the smallest rectangle about the elements, km."""
    return float(np.hypot(*np.ptp(offsets_km, axis=0)))


def parts(offsets_km: Float, widest_km: float = PART_KM) -> tuple[Group, ...]:
    """Numbers of the elements of each part: neighbours, none further from another of its part than `widest_km`.

    By complete linkage (the two parts whose union is smallest are joined first).
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    of = fcluster(linkage(offsets_km, "complete"), widest_km, "distance")
    return tuple(np.flatnonzero(of == k) for k in np.unique(of))


def lattice(offsets_km: Float, frequency_hz: float, reach_s_km: float, *, loss_db: float = LOSS_DB) -> Float:
    """(k, 2) slownesses such that a plane wave of `frequency_hz` within the reach loses at most `loss_db` in a beam.

    A beam steered by d beside the wave keeps the share exp(-(2 pi f)^2 d'C d) of its power, C the second moment of
    the elements about their mean (to second order the array's response, whatever its shape). In coordinates in
    which that is a circle, the points are a hexagonal lattice whose cells reach to the loss. In order of slowness.
    """
    moment = np.cov(offsets_km.T, bias=True)
    values, vectors = np.linalg.eigh(moment)
    narrow = 2 * np.pi * frequency_hz * np.sqrt(np.maximum(values, 1e-4 * values.max()))
    spacing = np.sqrt(3 * loss_db * np.log(10) / 10)
    reach = reach_s_km * narrow
    n = int(np.ceil(reach.max() / spacing / np.sqrt(0.75))) + 1
    i, j = np.meshgrid(np.arange(-2 * n, 2 * n + 1), np.arange(-n, n + 1))
    points = spacing * np.column_stack([(i + j / 2).ravel(), np.sqrt(0.75) * j.ravel()]) / narrow @ vectors.T
    size = np.hypot(*points.T)
    order = np.argsort(size, kind="stable")
    return np.ascontiguousarray(points[order[size[order] <= reach_s_km]])


def design(offsets_km: Float, reach_s_km: float) -> tuple[Float, float]:
    """The lattice for DESIGN_HZ, or for the highest frequency that MOST_BEAMS allow, and that frequency."""
    hz = DESIGN_HZ
    found = lattice(offsets_km, hz, reach_s_km)
    while len(found) > MOST_BEAMS:
        hz *= 0.99 * np.sqrt(MOST_BEAMS / len(found))
        found = lattice(offsets_km, hz, reach_s_km)
    return found, hz
