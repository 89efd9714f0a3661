"""A bank of beams over a grid of slownesses, each in every band: the detector's running statistic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.filters import BLOCK, OCTAVES, Bank, usable
from detente.monitor.signals.gather import Panel

if TYPE_CHECKING:
    from detente.monitor.signals.wide import WideBank

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

ROW_S = 0.1  # the statistic is given about ten times a second


class Strength(msgspec.Struct, frozen=True, eq=False):
    """STA/LTA power ratio of the strongest beam: `top`, `which` (row, band); row r is at `start` + r * `step_s`."""

    start: float
    step_s: float
    top: Float32
    which: NDArray[np.int32]


def fan(limit_s_km: float = 0.27, *, rings: Sequence[int] = (8, 12, 12)) -> Float:
    """(33, 2) slownesses s/km, east and north, towards the source: the vertical, then rings out to the limit."""
    out = [np.zeros((1, 2))]
    for k, count in enumerate(rings, start=1):
        angle = 2 * np.pi * (np.arange(count) + 0.5 * (k % 2)) / count
        radius = limit_s_km * (k - 0.35) / (len(rings) - 0.35)
        out.append(radius * np.column_stack([np.sin(angle), np.cos(angle)]))
    return np.concatenate(out)


def shifts(
    offsets_km: Float, slownesses: Float, rate_hz: float, late_s: Float | None = None
) -> NDArray[np.int64]:
    """(beam, channel) samples by which a channel is read later than the phase centre."""
    late = np.zeros(len(offsets_km)) if late_s is None else late_s
    return np.asarray(np.rint((-slownesses @ offsets_km.T - late) * rate_hz), np.int64)


class BeamBank:
    """Beams and their filter bank; keeps its state between pieces of samples.

    Parameters: `offsets_km` (channel, 2); `rate_hz`; `slownesses` (beam, 2) in s/km; `bands_hz`; time constants
    `sta_s` and `lta_s` in s, one or by band.
    """

    def __init__(
        self, offsets_km: Float, rate_hz: float, *, slownesses: Float | None = None,
        bands_hz: Sequence[tuple[float, float]] = OCTAVES, sta_s: float | Sequence[float] = 1.0,
        lta_s: float | Sequence[float] = 30.0, late_s: Float | None = None,
    ) -> None:  # fmt: skip
        self.slownesses = fan() if slownesses is None else slownesses
        self.rate_hz, self.bands_hz = rate_hz, usable(bands_hz, rate_hz)
        self.every = max(1, round(ROW_S * rate_hz))
        self.shift = shifts(offsets_km, self.slownesses, rate_hz, late_s)
        self.margin = int(np.abs(self.shift).max(initial=0))
        self.bank = Bank(
            len(self.slownesses),
            self.bands_hz,
            rate_hz,
            sta_s=sta_s,
            lta_s=lta_s,
            every=self.every,
            warm=True,
        )
        self._scale = np.float32(1 / len(offsets_km))

    def run(self, x: Float32) -> tuple[Float32, NDArray[np.int32]]:
        """Strongest beam (row, band) of the next samples; `x` (channel, margin + t + margin) with its surroundings."""
        from detente.monitor.signals import _beam_kernel as kernel

        n = x.shape[1] - 2 * self.margin
        tops, whichs = [], []
        out = np.empty((len(self.slownesses), BLOCK), np.float32)
        for first in range(0, n, BLOCK):
            many = min(BLOCK, n - first)
            kernel.beams(x, self.shift, self.margin + first, many, self._scale, out)
            ratio, _ = self.bank.run(out[:, :many])
            top = np.empty(ratio.shape[:2], np.float32)
            which = np.empty(ratio.shape[:2], np.int32)
            kernel.strongest(ratio, top, which)
            tops.append(top)
            whichs.append(which)
        return np.concatenate(tops), np.concatenate(whichs)


class ChannelBank:
    """The same for the channels of single sensors: the strongest of them takes the place of the strongest beam."""

    def __init__(
        self, channels: int, rate_hz: float, *, bands_hz: Sequence[tuple[float, float]] = OCTAVES,
        sta_s: float | Sequence[float] = 1.0, lta_s: float | Sequence[float] = 30.0,
    ) -> None:  # fmt: skip
        self.rate_hz, self.bands_hz, self.margin = rate_hz, usable(bands_hz, rate_hz), 0
        self.every = max(1, round(ROW_S * rate_hz))
        self.bank = Bank(
            channels, self.bands_hz, rate_hz, sta_s=sta_s, lta_s=lta_s, every=self.every, warm=True
        )

    def run(self, x: Float32) -> tuple[Float32, NDArray[np.int32]]:
        """Strongest channel (row, band) of the next samples (channel, t)."""
        from detente.monitor.signals import _beam_kernel as kernel

        tops, whichs = [], []
        for first in range(0, x.shape[1], BLOCK):
            ratio, _ = self.bank.run(x[:, first : first + BLOCK])
            top = np.empty(ratio.shape[:2], np.float32)
            which = np.empty(ratio.shape[:2], np.int32)
            kernel.strongest(ratio, top, which)
            tops.append(top)
            whichs.append(which)
        return np.concatenate(tops), np.concatenate(whichs)


def strength(data: Panel, bank: BeamBank | ChannelBank | WideBank) -> Strength:
    """The statistic of a whole panel at once; a fresh bank is expected."""
    x = np.pad(data.samples, ((0, 0), (bank.margin, bank.margin)))
    top, which = bank.run(x)
    return Strength(data.start, bank.every / bank.rate_hz, top, which)


def one_beam(data: Panel, sx: float, sy: float) -> Float32:
    """(n,) mean over channels of the samples aligned for a slowness vector; zeros beyond the ends."""
    shift = shifts(data.offsets_km, np.array([[sx, sy]]), data.rate_hz, data.late_s)[0]
    n = data.samples.shape[1]
    total = np.zeros(n, np.float32)
    for row, k in zip(data.samples, shift, strict=True):
        a, b = max(0, -k), min(n, n - k)
        if a < b:
            total[a:b] += row[a + k : b + k]
    return total / np.float32(len(data.codes))
