"""Capon's minimum-variance map: narrower peaks than Bartlett's where several waves cross the array at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from detente.monitor.signals.fk import Settings

Float = NDArray[np.float64]

LOADING = 0.03  # of the mean eigenvalue, added to the diagonal: the covariance rests on few snapshots
BLOCKS = 8  # half-overlapping stretches of the window that are averaged


def capon_map(
    samples: NDArray[np.floating], rate_hz: float, settings: Settings, offsets_km: Float, late_s: Float
) -> Float:
    """(y, x) sum over frequency of n / (e' R^-1 e), relative to the channels' power; at most 1.

    R is averaged over half-overlapping stretches of the window, and loaded on the diagonal.
    Source: Capon 1969, Proc. IEEE 57, 1408, eq. 23; loading: Cox, Zeskind and Owen 1987, IEEE ASSP 35, 1365.
    """
    from detente.monitor.signals.fk_spectra import spectra

    n = samples.shape[1]
    length = max(8, 2 * n // (BLOCKS + 1))
    frames = np.lib.stride_tricks.sliding_window_view(samples, length, axis=1)[:, :: max(1, length // 2)]
    X, frequency = spectra(frames, rate_hz, settings.band_hz)  # (channel, block, f)
    X = X * np.exp(-2j * np.pi * frequency * late_s[:, None, None])
    axis = settings.axis()
    total, norm = np.zeros((axis.size, axis.size)), 0.0
    for f, hz in enumerate(frequency):
        R = X[:, :, f] @ X[:, :, f].conj().T / X.shape[1]
        level = float(np.trace(R).real) / len(R)
        if level <= 0:
            continue
        weight = 1.0 / level if settings.whiten else 1.0
        inverse = np.linalg.inv(R + LOADING * level * np.eye(len(R)))
        values, vectors = np.linalg.eigh(inverse)
        turn = np.exp(-2j * np.pi * hz * axis[:, None, None] * offsets_km)
        form = np.zeros_like(total)  # e' R^-1 e, one eigenvector of R^-1 after the other
        for value, vector in zip(values, vectors.T, strict=True):
            form += value * np.abs((turn[:, :, 1] * vector) @ turn[:, :, 0].T) ** 2
        total += weight * len(R) / form
        norm += weight * len(R) * (1 + LOADING) * level
    return np.asarray(total / max(norm, 1e-300))
