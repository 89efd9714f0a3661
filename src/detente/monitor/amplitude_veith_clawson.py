"""Teleseismic P amplitude: Q(distance, depth) of Veith and Clawson 1972, and its fall with frequency."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.monitor.validity import Domain
from detente.tables import read_table

Float = NDArray[np.float64]

DEPTHS_KM: Final = (0, 15, 40, 100, 200, 300, 400, 500, 600, 700, 800)
DOMAIN: Final = Domain(
    "Veith-Clawson 1972",
    (("distance", "deg", 2.0, 100.0), ("depth", "km", 0.0, 700.0), ("frequency", "Hz", 1.0, 4.0)),
)
SOURCE: Final = "Veith and Clawson 1972, BSSA 62(2) 435, doi:10.1785/BSSA0620020435"


@lru_cache(maxsize=1)
def _table() -> Float:
    """(distance 0..100 deg, depth) Q values."""
    columns = ("distance_deg", *(f"h{d}" for d in DEPTHS_KM))
    path = files("detente.monitor") / "data" / "veith_clawson_1972.csv"
    return np.array([[row.number(c) or 0.0 for c in columns[1:]] for row in read_table(path, columns)])


def q_factor(distance_deg: ArrayLike, depth_km: ArrayLike = 0.0, *, extrapolate: bool = False) -> Float:
    """Q such that mb = log10(A/T) + Q: A zero-to-peak in nm, T in s; bilinear in the published table.

    Raises DetenteError outside 2-100 degrees and 0-700 km; with `extrapolate`, the value at the edge instead.
    """
    DOMAIN.check(extrapolate=extrapolate, distance=distance_deg, depth=depth_km)
    table = _table()
    x = np.clip(np.asarray(distance_deg, float), 2.0, 100.0)
    z = np.clip(np.asarray(depth_km, float), 0.0, 700.0)
    i = np.minimum(x.astype(int), 99)
    j = np.clip(np.searchsorted(DEPTHS_KM, z, "right") - 1, 0, len(DEPTHS_KM) - 2)
    depths = np.array(DEPTHS_KM, float)
    u, v = x - i, (z - depths[j]) / (depths[j + 1] - depths[j])
    q: Float = (1 - v) * ((1 - u) * table[i, j] + u * table[i + 1, j]) + v * (
        (1 - u) * table[i, j + 1] + u * table[i + 1, j + 1]
    )
    return q


def log_amplitude(
    mb: ArrayLike,
    distance_deg: ArrayLike,
    frequency_hz: ArrayLike = 1.0,
    depth_km: ArrayLike = 0.0,
    *,
    extrapolate: bool = False,
) -> Float:
    """log10 of P's zero-to-peak amplitude in nm in an octave about `frequency_hz`: mb - Q + fall(frequency).

    For a source below its corner frequency, mb measured at 1 s. Raises DetenteError outside the domain.
    """
    DOMAIN.check(extrapolate=extrapolate, frequency=frequency_hz)
    q = q_factor(distance_deg, depth_km, extrapolate=extrapolate)
    value: Float = np.asarray(mb, float) - q + fall(frequency_hz)
    return value


def fall(frequency_hz: ArrayLike) -> Float:
    """log10 A(f)/A(1 Hz) of teleseismic P, as measured by tools/measure_p_spectrum.py on stable Asian paths."""
    f, ratio = _fall()
    return np.asarray(np.interp(np.log(np.asarray(frequency_hz, float)), np.log(f), ratio))


@lru_cache(maxsize=1)
def _fall() -> tuple[Float, Float]:
    path = files("detente.monitor") / "data" / "p_by_frequency.csv"
    columns = ("freq_hz", "log_ratio", "quartile_low", "quartile_high")
    table = np.array([[row.number(c) or 0.0 for c in columns] for row in read_table(path, columns)])
    return table[:, 0], table[:, 1]
