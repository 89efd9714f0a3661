"""Band-pass, STA/LTA and trigger in one pass over channels and bands; classic STA/LTA beside the recursive one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.filters import Table, band_pass

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Int = NDArray[np.int64]

MOST = 20  # samples a trigger and the pause after it take at least, on average
LANES = 128  # lanes worth having: channels x bands x stretches of time
MEMORY = 17.0  # time constants after which an average has forgotten all but 4e-8 of what it began with
AGREE = 1e-5  # relative, of the averages of two stretches where they meet


class Triggers(msgspec.Struct, frozen=True, eq=False):
    """Stretches above threshold, in order of time: `channel`, `band`, first and last sample, greatest power ratio."""

    channel: NDArray[np.int64]
    band: NDArray[np.int64]
    on: NDArray[np.int64]
    off: NDArray[np.int64]
    peak: Float

    def __len__(self) -> int:
        return len(self.on)


def triggers(
    x: Float32, rate_hz: float, bands_hz: Sequence[tuple[float, float]], *, sta_s: float = 1.0,
    lta_s: float = 30.0, on: float = 3.5, off: float = 1.5, threads: int = 1,
) -> Triggers:  # fmt: skip
    """Triggers of every channel of `x` (channel, t) in every band, in order of time.

    `on`, `off`: ratios of power, as obspy has them; the first long average is silent. Where channels and bands are
    few and the record long, stretches of time run side by side; where two meet, the later one's averages must be
    those of the earlier, or it is run again from there. The answer does not depend on `threads`.
    Raises DetenteError for thresholds that are not 0 < off <= on.
    """
    from concurrent.futures import ThreadPoolExecutor

    if not 0 < off <= on:
        raise DetenteError(f"thresholds on {on:g} and off {off:g}", fix="give 0 < off <= on")
    chain = _Chain(np.ascontiguousarray(x, np.float32), rate_hz, tuple(bands_hz), sta_s, lta_s, on, off)
    channels, n = x.shape
    warm = chain.memory()
    pieces = min(-(-LANES // (channels * len(bands_hz))), max(1, n // (8 * warm)))
    pieces = 1 << pieces.bit_length() - 1
    warm = n if pieces == 1 else warm + (n - warm) % pieces
    long = (n - warm) // pieces

    def part(some: Int) -> list[_Stretch]:
        return chain.fresh(some // pieces, some % pieces * long, warm, long)

    rows = np.array_split(np.arange(channels * pieces), min(threads, channels * pieces))
    if threads == 1:
        parts = [part(rows[0])]
    else:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(part, rows))
    stretches = [s for part in parts for s in part]
    tables = [chain.joined(stretches[c * pieces : (c + 1) * pieces]) for c in range(channels)]
    table = np.concatenate(tables)
    table = table[np.lexsort((table[:, 1], table[:, 0], table[:, 2]))]
    channel, band, begin, end = table[:, :4].T.astype(np.int64)
    return Triggers(channel, band, begin, end, table[:, 4].copy())


class _Stretch(msgspec.Struct, eq=False):
    """A channel's bands from one sample to before another: the columns of the kernel's table at its end, since when
    triggers are on (-1 where none is) and their greatest ratios, the triggers that ended (band, on, off, peak), and
    the table and `begun` at its first sample.
    """

    channel: int
    end: int
    w: Float32
    begun: Int
    peak: Float32
    found: Float
    met: tuple[Float32, Int]


class _Chain(msgspec.Struct, frozen=True, eq=False):
    """One set of filters, averages and thresholds on the channels of `x`."""

    x: Float32
    rate_hz: float
    bands_hz: tuple[tuple[float, float], ...]
    sta_s: float
    lta_s: float
    on: float
    off: float

    def memory(self) -> int:
        """Samples after which nothing is left of what came before: filters, then the long average."""
        slowest = max(
            float(band_pass(b, self.rate_hz)[:, 5].max()) for b in self.bands_hz
        )  # pole radius squared
        return int(2 * np.log(1e-9) / np.log(slowest) + MEMORY * self.lta_s * self.rate_hz)

    def fresh(self, channels: Int, firsts: Int, warm: int, length: int) -> list[_Stretch]:
        """Stretches from `firsts` on, of which `warm` samples only bring filters and averages to their state, except
        at the beginning of the record.
        """
        lanes = _Lanes(self, channels, firsts, length + warm)
        lanes.go(0, warm)
        later = firsts[lanes.row] > 0
        lanes.peak[later] = 0.0  # the greatest ratio counts from here
        dropped = lanes.count
        met = lanes.table.w.copy(), lanes.begun.copy()
        lanes.go(warm, length)
        return [
            lanes.stretch(k, int(c), int(f), warm + length, met, dropped if f else 0)
            for k, (c, f) in enumerate(zip(channels, firsts, strict=True))
        ]

    def onward(self, before: _Stretch, length: int) -> _Stretch:
        """The next samples after a stretch."""
        lanes = _Lanes(self, np.array([before.channel]), np.array([0]), length)
        bands = len(self.bands_hz)
        lanes.table.w[:, :bands] = before.w
        lanes.begun[:bands], lanes.peak[:bands] = before.begun, before.peak
        lanes.go(before.end, length)
        return lanes.stretch(0, before.channel, 0, before.end + length, before.met, 0)

    def joined(self, stretches: Sequence[_Stretch]) -> Float:
        """Rows of channel, band, on, off, peak of one channel's stretches."""
        n = self.x.shape[1]
        before, tables = stretches[0], [stretches[0].found]
        for s in stretches[1:]:
            s = _meet(before, s) or self.onward(before, s.end - before.end)
            before = s
            tables.append(s.found)
        last = np.flatnonzero(before.begun >= 0)  # still on when the data end
        tables.append(
            np.column_stack([last, before.begun[last], np.full(last.size, n - 1), before.peak[last]])
        )
        table = np.concatenate(tables)
        return np.column_stack([np.full(len(table), before.channel), table])


class _Lanes:
    """The kernel's tables for rows (channel and first sample) x bands, and what triggers they gave."""

    def __init__(self, chain: _Chain, channels: Int, firsts: Int, length: int) -> None:
        bands = len(chain.bands_hz)
        every = np.full(bands, 1.0)
        self.chain, self.starts = chain, channels * chain.x.shape[1] + firsts
        self.table = Table(
            len(channels), chain.bands_hz, chain.rate_hz, chain.sta_s * every, chain.lta_s * every
        )
        self.row = np.arange(self.table.wide) % len(channels)
        self.begun = np.full(self.table.wide, -1, np.int64)
        self.peak = np.zeros(self.table.wide, np.float32)
        self.found = np.empty((self.table.lanes * (length // (2 * MOST) + 16), 4))
        self.count = 0

    def go(self, first: int, many: int) -> None:
        """Run the samples from `first` after the rows' own first."""
        from detente.monitor.signals import _lane_kernel as kernel

        c = self.chain
        self.count = kernel.chain(
            c.x.reshape(-1), self.starts, many, first, self.table.w.reshape(-1), self.table.rows,
            round(c.lta_s * c.rate_hz), self.begun, self.peak, np.float32(c.on), np.float32(c.off), self.found,
            self.count,
        )  # fmt: skip
        if self.count > len(self.found):
            raise DetenteError(f"{self.count} triggers", fix="raise the threshold")

    def stretch(
        self, k: int, channel: int, first: int, end: int, met: tuple[Float32, Int], dropped: int
    ) -> _Stretch:
        """Row `k` alone, its samples numbered from the beginning of the record."""
        own = slice(k, self.table.lanes, len(self.starts))

        def since(begun: Int) -> Int:
            return np.where(begun < 0, -1, begun + first)

        found = self.found[dropped : self.count]
        found = found[found[:, 0] % len(self.starts) == k]
        found[:, 0] //= len(self.starts)
        found[:, 1:3] += first
        w, begun = met[0][:, own], since(met[1][own])
        return _Stretch(
            channel, first + end, self.table.w[:, own].copy(), since(self.begun[own]), self.peak[own].copy(),
            found, (w, begun),
        )  # fmt: skip


def _meet(before: _Stretch, after: _Stretch) -> _Stretch | None:
    """The later stretch with the trigger that goes on across the meeting, or None where the two do not agree."""
    from detente.monitor.signals import _lane_kernel as kernel

    w, begun = after.met
    here, there = w[kernel.STA : kernel.LTA + 1], before.w[kernel.STA : kernel.LTA + 1]
    if not (np.abs(here - there) <= AGREE * there).all() or ((begun < 0) != (before.begun < 0)).any():
        return None
    for band in np.flatnonzero(before.begun >= 0):
        ended = np.flatnonzero(after.found[:, 0] == band)[:1]
        if ended.size:
            after.found[ended, 1] = before.begun[band]
            after.found[ended, 3] = np.maximum(after.found[ended, 3], before.peak[band])
        else:
            after.begun[band], after.peak[band] = before.begun[band], max(after.peak[band], before.peak[band])
    return after


def classic_sta_lta(x: NDArray[np.floating], sta: int, lta: int) -> Float:
    """Power ratio of the means over the last `sta` and `lta` samples; 0 before `lta` samples have come.

    Source: Withers et al. 1998, BSSA 88, 95; as obspy.signal.trigger.classic_sta_lta has it.
    """
    total = np.concatenate([[0.0], np.cumsum(np.asarray(x, np.float64) ** 2)])
    ratio = np.zeros(len(x))
    if len(x) < lta:
        return ratio
    end = np.arange(lta, len(x) + 1)
    long = (total[end] - total[end - lta]) / lta
    short = (total[end] - total[end - sta]) / sta
    np.divide(short, long, out=ratio[lta - 1 :], where=long > 0)
    return ratio
