"""Where a channel stops and goes on, its samples are led to the next level: a step would ring in every filter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

FADE_S = 2.0  # time constant: what is left of a step lies below 0.1 Hz
LONG = 20  # time constants after which nothing is left


class Bridge:
    """Makes channels continuous over the edges of their gaps, piece by piece; the answer does not depend on the pieces.

    From an edge on the difference to the sample before it is added, and fades by 1 / e in FADE_S.
    """

    def __init__(self, channels: int, rate_hz: float) -> None:
        self._n, self._fade = channels, FADE_S * rate_hz
        self._at = np.full(channels, -1, np.int64)  # sample number of the last edge
        self._jump = np.zeros(channels)
        self._last = np.zeros(channels)
        self._live: NDArray[np.bool_] | None = None
        self._seen = 0

    def over(self, x: Float32, live: NDArray[np.bool_]) -> Float32:
        """The next samples (channel, t), and where they are live."""
        if not x.shape[1]:
            return x
        before = live[:, 0] if self._live is None else self._live
        edges = np.concatenate([(live[:, 0] != before)[:, None], live[:, 1:] != live[:, :-1]], axis=1)
        out = x
        for c in range(self._n):
            at = np.flatnonzero(edges[c])
            fading = self._at[c] >= 0 and self._seen - self._at[c] < LONG * self._fade
            if at.size or fading:
                out = x.copy() if out is x else out
                out[c] = self._one(c, x[c], at)
        self._last, self._live = out[:, -1].astype(np.float64), live[:, -1].copy()
        self._seen += x.shape[1]
        return out

    def _one(self, c: int, x: Float32, edges: NDArray[np.int64]) -> Float32:
        y, n = x.copy(), x.size
        starts, ends = [0, *edges.tolist()], [*edges.tolist(), n]
        for first, end in zip(starts, ends, strict=True):
            if first in edges:
                before = self._last[c] if first == 0 else float(y[first - 1])
                self._at[c], self._jump[c] = self._seen + first, before - float(x[first])
            if self._at[c] >= 0 and end > first:
                since = self._seen + np.arange(first, end) - self._at[c]
                left = np.where(since < LONG * self._fade, self._jump[c] * np.exp(-since / self._fade), 0.0)
                y[first:end] = x[first:end] + left.astype(np.float32)
        return y
