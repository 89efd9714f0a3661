"""Threshold monitoring: the largest event that the noise records still allow, with no detection at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.errors import DetenteError

Float = NDArray[np.float64]


def upper_limit(
    magnitudes: ArrayLike, sd: ArrayLike, *, confidence: float = 0.90, axis: int = -1
) -> Float | float:
    """The magnitude that an unseen event exceeds with at most 1 - `confidence`.

    Parameters: `magnitudes`: of the event that would have made exactly the amplitude each station recorded at
    the expected time, whatever made it (stations along `axis`; NaN: no data); `sd`: scatter of one station's
    magnitude. The limit m solves prod over stations of [1 - Phi((m - m_i)/sd)] = 1 - confidence: were the
    event larger, some station would have shown more. With fewer than one station it is NaN.
    Raises DetenteError for a scatter or confidence that is none.
    Source: Ringdal and Kvaerna 1989, BSSA 79(6) 1927; 1992, GJI 111, 505.
    """
    from scipy.special import log_ndtr

    if not 0 < confidence < 1 or not np.all(np.asarray(sd) > 0):
        raise DetenteError(f"threshold monitoring needs 0 < confidence < 1 and sd > 0, not {confidence:g}")
    m = np.moveaxis(np.asarray(magnitudes, float), axis, -1)
    s = np.broadcast_to(np.asarray(sd, float), m.shape)
    heard = np.isfinite(m)
    wanted = np.log1p(-confidence)
    low = np.where(heard, m - 8 * s, np.inf).min(axis=-1, initial=np.inf)
    high = np.where(heard, m + 8 * s, np.inf).min(axis=-1, initial=np.inf)
    for _ in range(50):
        middle = 0.5 * (low + high)
        with np.errstate(invalid="ignore"):
            each = log_ndtr(-(middle[..., None] - np.where(heard, m, 0.0)) / s)
        fits = np.where(heard, each, 0.0).sum(axis=-1) > wanted
        low, high = np.where(fits, middle, low), np.where(fits, high, middle)
    limit = np.where(heard.any(axis=-1), 0.5 * (low + high), np.nan)
    return limit if limit.ndim else float(limit)
