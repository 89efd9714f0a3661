"""A bank of causal band-passes with running STA/LTA over many channels, fed in pieces of any length."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError

Float32 = NDArray[np.float32]

ORDER = 4
OCTAVES: tuple[tuple[float, float], ...] = (
    (0.5, 1.5), (0.75, 2.0), (1.0, 3.0), (1.5, 4.0), (2.0, 5.0), (3.0, 7.0), (4.0, 10.0), (6.0, 14.0),
)  # fmt: skip
"""The eight overlapping bands of the bank, Hz: an octave and a half each, from teleseismic P to local phases."""
BLOCK = 2048  # samples that pass through all steps while in cache
SETTLE_S = 4.0  # until the filters have forgotten the beginning; the averages begin then
STEP = 20  # samples between renewals of the long average's weight while it grows


@lru_cache(maxsize=256)
def band_pass(band_hz: tuple[float, float], rate_hz: float, order: int = ORDER) -> NDArray[np.float64]:
    """(order, 6) second-order sections of the Butterworth band-pass (twice `order` poles).

    Raises DetenteError for a band that the sampling rate does not hold.
    """
    from scipy.signal import butter

    low, high = band_hz
    if not 0 < low < high < rate_hz / 2:
        raise DetenteError(f"no band-pass {low:g}-{high:g} Hz at {rate_hz:g} samples a second")
    return np.asarray(butter(order, band_hz, "bandpass", fs=rate_hz, output="sos"))


def usable(bands_hz: Sequence[tuple[float, float]], rate_hz: float) -> tuple[tuple[float, float], ...]:
    """The bands that lie below nine tenths of the Nyquist frequency."""
    return tuple(b for b in bands_hz if b[1] <= 0.45 * rate_hz)


def aligned(rows: int, columns: int) -> Float32:
    """(rows, columns) zeros that begin on a 64-byte line: vector stores that cross lines cost double."""
    raw = np.zeros(rows * columns + 16, np.float32)
    skip = (-raw.ctypes.data % 64) // 4
    return raw[skip : skip + rows * columns].reshape(rows, columns)


class Bank:
    """Band-passes and STA/LTA of `channels` channels in every band; keeps its state between pieces.

    Parameters: `bands_hz`; `rate_hz`; `sta_s`, `lta_s`: time constants of the recursive averages in s, one
    for all or one for each band; `every`: the ratio is given at every so many samples.
    """

    def __init__(
        self, channels: int, bands_hz: Sequence[tuple[float, float]], rate_hz: float, *,
        sta_s: float | Sequence[float] = 1.0, lta_s: float | Sequence[float] = 30.0, every: int = 1,
        warm: bool = False,
    ) -> None:  # fmt: skip
        self.channels, self.bands_hz, self.rate_hz, self.every = channels, tuple(bands_hz), rate_hz, every
        stas = np.broadcast_to(np.asarray(sta_s, float), len(self.bands_hz))
        ltas = np.broadcast_to(np.asarray(lta_s, float), len(self.bands_hz))
        if not ((stas > 0) & (ltas > stas)).all():
            raise DetenteError("the long average must be longer than the short one")
        self._table = Table(channels, self.bands_hz, rate_hz, stas, ltas)
        self._phase = 0
        self._warm, self._seen = warm, 0
        self._full = round((SETTLE_S + float(ltas.max())) * rate_hz)

    @property
    def lanes(self) -> int:
        """Bands times channels."""
        return self.channels * len(self.bands_hz)

    def run(self, x: Float32, *, keep: bool = False) -> tuple[Float32, Float32]:
        """STA/LTA power ratios (row, band, channel) of the next samples (channel, t), and if `keep` those filtered.

        A row comes at every `every`-th sample since the beginning; filtered is (t, band, channel) or empty.
        """
        if not self._warm or self._seen >= self._full:
            return self._run(x, keep=keep)
        ratios, kept, first = [], [], 0
        while first < x.shape[1] and self._seen < self._full:
            many = min(STEP - self._seen % STEP, x.shape[1] - first)
            if self._seen == 0:
                self._table.begin(x[:, 0])
            self._table.grow((self._seen // STEP + 0.5) * STEP - SETTLE_S * self.rate_hz)
            ratio, filtered = self._run(x[:, first : first + many], keep=keep)
            ratios.append(ratio)
            kept.append(filtered)
            first += many
            self._seen += many
        if self._seen >= self._full:
            self._table.grow(np.inf)
        ratio, filtered = self._run(x[:, first:], keep=keep)
        return np.concatenate([*ratios, ratio]), np.concatenate([*kept, filtered])

    def _run(self, x: Float32, *, keep: bool) -> tuple[Float32, Float32]:
        from detente.monitor.signals import _lane_kernel as kernel

        n, table = x.shape[1], self._table
        rows = max(0, -(-(n - self._phase) // self.every))
        ratio, filtered = aligned(rows, table.wide), aligned(n if keep else 0, table.wide)
        flat, starts = np.ascontiguousarray(x, np.float32).reshape(-1), n * np.arange(self.channels)
        self._phase = kernel.ratios(
            flat, starts, n, table.w.reshape(-1), table.wide, table.rows, self.every, self._phase,
            ratio.reshape(-1), filtered.reshape(-1),
        )  # fmt: skip
        shape = (-1, len(self.bands_hz), self.channels)
        return ratio[:, : self.lanes].reshape(shape), filtered[:, : self.lanes].reshape(shape)


class Table:
    """Filters and averages of all lanes as the kernel has them: `w` (row, lane), see `_lane_kernel`."""

    def __init__(
        self, channels: int, bands: Sequence[tuple[float, float]], rate_hz: float,
        stas: NDArray[np.float64], ltas: NDArray[np.float64],
    ) -> None:  # fmt: skip
        from detente.monitor.signals import _lane_kernel as kernel

        self.lanes, self._channels = channels * len(bands), channels
        self.wide = -(-self.lanes // kernel.WIDTH) * kernel.WIDTH
        last = int((np.arange(0, self.wide, kernel.WIDTH) % channels).max())  # where a vector begins in a row
        row = -(-(last + kernel.WIDTH) // kernel.WIDTH) * kernel.WIDTH
        self.rows = np.arange(row) % channels * (kernel.BLOCK + kernel.WIDTH)
        self.w = w = aligned(kernel.ROWS, self.wide)
        w[kernel.LTA] = kernel.TINY
        w[kernel.K_STA], w[kernel.K_LTA] = 1.0, 1.0
        for b, band in enumerate(bands):
            part = slice(b * channels, (b + 1) * channels)
            sections = band_pass(band, rate_hz)
            w[kernel.COEFFICIENTS : kernel.GAIN, part] = -sections[:, 4:].reshape(-1, 1)
            w[kernel.GAIN, part] = sections[:, 0].prod()
            w[kernel.K_STA, part] = 1 / max(1, round(stas[b] * rate_hz))
            w[kernel.K_LTA, part] = 1 / max(1, round(ltas[b] * rate_hz))
        self._k_lta = w[kernel.K_LTA, : self.lanes].copy()

    def begin(self, first: Float32) -> None:
        """Set the filters to the state that a constant of the channels' first samples would have left."""
        self.w[:2, : self.lanes] = -np.resize(first, self.lanes)  # the first section stops a constant

    def grow(self, samples: float) -> None:
        """Let the long average be the mean of what came since the filters settled, `samples` so far."""
        from detente.monitor.signals import _lane_kernel as kernel

        self.w[kernel.K_LTA, : self.lanes] = np.maximum(self._k_lta, 1 / max(1.0, samples))
