"""Detection by at least k of n stations: the exact Poisson-binomial law."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.errors import DetenteError

Float = NDArray[np.float64]


def counts(probability: ArrayLike) -> Float:
    """P(exactly j of n detect), j = 0..n, from each station's own probability; exact, one station at a time.

    Raises DetenteError for a probability outside 0..1.
    Source: the convolution recurrence, e.g. Hong 2013, Comput. Stat. Data Anal. 59, 41, section 2.2.
    """
    p = np.atleast_1d(np.asarray(probability, float))
    if not ((p >= 0) & (p <= 1)).all():
        raise DetenteError(f"{p[~((p >= 0) & (p <= 1))][0]:g} is no probability")
    law = np.zeros(len(p) + 1)
    law[0] = 1.0
    for n, chance in enumerate(p):
        law[1 : n + 2] = law[1 : n + 2] * (1 - chance) + law[: n + 1] * chance
        law[0] *= 1 - chance
    return law


def at_least(k: int, probability: ArrayLike) -> float:
    """P(at least k stations detect)."""
    return float(np.clip(counts(probability)[k:].sum(), 0.0, 1.0))
