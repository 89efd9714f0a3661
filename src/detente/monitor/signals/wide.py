"""The beam bank of a wide array: beams of all elements made of beams of its parts, and sums of the parts' power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.beams import ROW_S, shifts
from detente.monitor.signals.filters import OCTAVES, Bank, usable
from detente.monitor.signals.subarrays import DESIGN_HZ, design, lattice, parts

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Strongest = tuple[Float32, NDArray[np.int32]]

TOGETHER = 512  # samples that go through all steps at once
BEAMS = 64  # of a filter bank
BEYOND = 1.7  # a band whose middle is so many times the beams' design frequency is left to the parts


class WideBank:
    """Beams of a wide array and their filter banks; keeps its state between pieces of samples.

    Two statistics, each in its bands, stand side by side as if they were bands (`bands_hz`, the first `together` of
    them beams of all elements): STA/LTA of the strongest beam of all elements, for waves alike over the array, and the
    mean over the array's parts of STA/LTA of their own beams, at the slowness where that is greatest, for waves that
    are alike within parts only; n elements in K parts win sqrt(n) in amplitude by the first, sqrt(n) / K^(1/4) by the
    second. A beam of all is a sum of the parts' nearest beams, moved by what their slownesses differ.
    Source: Ringdal, Husebye and Dahle 1975 (incoherent beams); Kværna 1989, NORSAR Sci. Rep. 2-88/89.
    """

    def __init__(
        self, offsets_km: Float, rate_hz: float, *, reach_s_km: float,
        bands_hz: Sequence[tuple[float, float]] = OCTAVES, sta_s: float = 1.0, lta_s: float = 30.0,
        late_s: Float | None = None,
    ) -> None:  # fmt: skip
        places = offsets_km - offsets_km.mean(axis=0)
        self.rate_hz, self.every = rate_hz, max(1, round(ROW_S * rate_hz))
        self.parts = parts(places)
        fine, hz = design(places, reach_s_km)
        widest = max(
            self.parts, key=lambda g: float(np.trace(np.cov(places[g].T, bias=True))) if len(g) > 2 else 0.0
        )
        coarse = lattice(places[widest], DESIGN_HZ, reach_s_km)
        own = usable(bands_hz, rate_hz)
        common = tuple(b for b in own if np.sqrt(b[0] * b[1]) <= BEYOND * hz)
        self.bands_hz, self.together = common + own, len(common)
        self.slownesses, self._fine = np.concatenate([fine, coarse]), len(fine)
        self._nearest = np.array([int(np.hypot(*(coarse - s).T).argmin()) for s in fine])
        late = np.zeros(len(places)) if late_s is None else late_s
        self._of_part = [shifts(places[g], coarse, rate_hz, late[g]) for g in self.parts]
        middles = np.array([places[g].mean(axis=0) for g in self.parts])
        rest = fine - coarse[self._nearest]
        self._of_fine = shifts(middles, rest, rate_hz)
        self._own_margin = int(np.abs(self._of_fine).max(initial=0))
        self.margin = self._own_margin + max(int(np.abs(k).max()) for k in self._of_part)
        self._weight = np.array([len(g) / len(places) for g in self.parts], np.float32)

        def bank(lanes: int, some: tuple[tuple[float, float], ...]) -> Bank:
            return Bank(lanes, some, rate_hz, sta_s=sta_s, lta_s=lta_s, every=self.every, warm=True)

        self._slices = [slice(k, min(k + BEAMS, len(fine))) for k in range(0, len(fine), BEAMS)]
        self._banks = [bank(s.stop - s.start, common) for s in self._slices]
        many = max(1, BEAMS // len(self.parts))
        self._some = [slice(k, min(k + many, len(coarse))) for k in range(0, len(coarse), many)]
        self._part_banks = [bank((s.stop - s.start) * len(self.parts), own) for s in self._some]

    def run(self, x: Float32) -> tuple[Float32, NDArray[np.int32]]:
        """Strongest beam (row, statistic and band) of the next samples; `x` (channel, margin + t + margin)."""
        n = x.shape[1] - 2 * self.margin
        found = [self._piece(x, first, min(TOGETHER, n - first)) for first in range(0, n, TOGETHER)]
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def _piece(self, x: Float32, first: int, n: int) -> tuple[Float32, NDArray[np.int32]]:
        from detente.monitor.signals import _beam_kernel as kernel

        m = self._own_margin
        own = np.empty((len(self.parts), len(self.slownesses) - self._fine, n + 2 * m), np.float32)
        for p, (group, shift) in enumerate(zip(self.parts, self._of_part, strict=True)):
            one = np.float32(1 / len(group))
            kernel.beams(x[group], shift, self.margin + first - m, n + 2 * m, one, own[p])
        top: Strongest | None = None
        for some, bank in zip(self._slices, self._banks, strict=True):
            out = np.empty((some.stop - some.start, n), np.float32)
            kernel.joined(own, self._nearest[some], self._of_fine[some], self._weight, m, n, out)
            ratio, _ = bank.run(out)
            top = _greater(top, ratio, some.start)
        stack: Strongest | None = None
        for some, bank in zip(self._some, self._part_banks, strict=True):
            rows = np.ascontiguousarray(own[:, some, m : m + n]).reshape(-1, n)
            ratio, _ = bank.run(rows)
            mean = ratio.reshape(*ratio.shape[:2], len(self.parts), -1).mean(axis=2)
            stack = _greater(stack, mean, self._fine + some.start)
        assert top is not None and stack is not None
        return np.concatenate([top[0], stack[0]], axis=1), np.concatenate([top[1], stack[1]], axis=1)


def _greater(before: Strongest | None, ratio: Float32, first: int) -> Strongest:
    """The strongest (row, band) of `ratio` (row, band, beam) and its number from `first` on, or what was stronger."""
    from detente.monitor.signals import _beam_kernel as kernel

    new, at = np.empty(ratio.shape[:2], np.float32), np.empty(ratio.shape[:2], np.int32)
    kernel.strongest(np.ascontiguousarray(ratio), new, at)
    at += first
    if before is None:
        return new, at
    return np.maximum(before[0], new), np.where(new > before[0], at, before[1])
