"""Band-pass, STA/LTA and trigger in one pass over channels and bands; classic STA/LTA beside the recursive one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.filters import Bank, aligned

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]


BLOCK = 128  # samples that pass through all steps in the second-level cache
MOST = 20  # samples a trigger and the pause after it take at least, on average


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

    `on`, `off`: ratios of power, as obspy has them; the first long average is silent. The answer does not
    depend on `threads`. Raises DetenteError for thresholds that are not 0 < off <= on.
    """
    from concurrent.futures import ThreadPoolExecutor

    from detente.monitor.signals import _lane_kernel as kernel

    if not 0 < off <= on:
        raise DetenteError(f"thresholds on {on:g} and off {off:g}", fix="give 0 < off <= on")
    per = max(1, min(-(-x.shape[0] // threads), kernel.CAP // len(bands_hz)))

    def part(first: int) -> Float:
        some = np.ascontiguousarray(x[first : first + per], np.float32)
        found = _some(some, rate_hz, bands_hz, sta_s, lta_s, on, off)
        found[:, 0] += first
        return found

    with ThreadPoolExecutor(threads) as pool:
        table = np.concatenate(list(pool.map(part, range(0, x.shape[0], per))))
    table = table[np.lexsort((table[:, 1], table[:, 0], table[:, 2]))]
    channel, band, begin, end = table[:, :4].T.astype(np.int64)
    return Triggers(channel, band, begin, end, table[:, 4].copy())


def _some(
    x: Float32, rate_hz: float, bands_hz: Sequence[tuple[float, float]], sta_s: float, lta_s: float,
    on: float, off: float,
) -> Float:  # fmt: skip
    """Rows of channel, band, on, off, peak."""
    from detente.monitor.signals import _lane_kernel as kernel

    channels, n = x.shape
    tables = [np.empty((0, 5))]
    band = 0
    for g in Bank(channels, bands_hz, rate_hz, sta_s=sta_s, lta_s=lta_s).groups:
        lanes = g.width
        high = np.full(lanes, np.nextafter(np.float32(on), np.float32(np.inf)), np.float32)
        high[g.lanes :] = np.inf
        low = np.full(lanes, off, np.float32)
        level, sign = np.full(lanes, np.inf, np.float32), np.ones(lanes, np.float32)
        begun, peak = np.zeros(lanes, np.int64), np.zeros(lanes, np.float32)
        narrow, flat = g.room(BLOCK)
        found = np.empty((g.lanes * (n // (2 * MOST) + 16), 4))
        count = kernel.chain(
            x, len(g.bands), lanes, g.scratch, round(lta_s * rate_hz), narrow, flat, aligned(BLOCK, lanes),
            level, high, sign, low, begun, peak, found,
        )  # fmt: skip
        if count > len(found):
            raise DetenteError(f"{count} triggers", fix="raise the threshold")
        rows = [found[:count]]
        last = np.flatnonzero(sign < 0)  # still on when the data end
        rows.append(np.column_stack([last, begun[last], np.full(last.size, n - 1), peak[last]]))
        whole = np.concatenate(rows)
        which, lane = np.divmod(whole[:, 0], channels)
        tables.append(np.column_stack([lane, band + which, whole[:, 1:]]))
        band += len(g.bands)
    return np.concatenate(tables)


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
