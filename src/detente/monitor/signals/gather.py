"""The traces of one station laid side by side on one clock: what array methods work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.waves.trace import NS, Array, Trace

PRESSURE = ("F", "H")  # BDF, EDF: infrasound; hydrophones


class Panel(msgspec.Struct, frozen=True, eq=False):
    """Channels of one station on a common clock.

    `samples` (channel, n) float32, 0 where nothing was recorded; `live` (channel, n) where it was, None if
    everywhere; `start_ns` of the first column; `late_s` (channel,): a channel's samples were taken this much
    after the column's time (under half a sample); `offsets_km` (channel, 2): east and north of the phase centre.
    """

    station: str
    codes: tuple[str, ...]
    start_ns: int
    rate_hz: float
    samples: NDArray[np.float32]
    late_s: NDArray[np.float64]
    offsets_km: NDArray[np.float64]
    live: NDArray[np.bool_] | None = None

    @property
    def start(self) -> float:
        """Time of the first column, s UTC since 1970."""
        return self.start_ns / NS

    def between(self, start: float, end: float) -> Panel:
        """The columns with start <= time < end, s UTC."""
        first = max(0, int(np.ceil(round((start - self.start) * self.rate_hz, 6))))
        last = max(first, int(np.ceil(round((end - self.start) * self.rate_hz, 6))))
        return msgspec.structs.replace(
            self,
            start_ns=self.start_ns + round(first * NS / self.rate_hz),
            samples=self.samples[:, first:last],
            live=None if self.live is None else self.live[:, first:last],
        )


def is_vertical(trace: Trace) -> bool:
    """Whether the channel's name says vertical ground motion or air pressure."""
    code = trace.channel
    pressure = len(code) == 3 and code[1] == "D" and code.endswith(PRESSURE)
    return (
        "Z" in code or code.endswith("3") or pressure
    )  # SHZ and BH3, but also the SZL and ZH of old archives


def panel(
    traces: Iterable[Trace], array: Array, *, verticals: bool = True, rate_hz: float | None = None
) -> Panel:
    """The traces of `array`'s sites side by side, one row a channel; `rate_hz`: only channels of this rate.

    Where a site has several verticals the channel with the most samples is taken. Raises DetenteError where no
    trace belongs to a site or rates differ.
    """
    sites = {s.code: i for i, s in enumerate(array.sites)}
    wanted = [
        t
        for t in traces
        if t.station in sites and t.samples.size and (not verticals or is_vertical(t))
        and (rate_hz is None or abs(t.rate_hz - rate_hz) < 1e-3 * rate_hz)
    ]  # fmt: skip
    if not wanted:
        raise DetenteError(f"no {'vertical ' if verticals else ''}trace of {array.code}")
    rows = _rows(wanted, verticals)
    rates = {round(t.rate_hz, 6) for group in rows.values() for t in group}
    if len(rates) > 1:
        raise DetenteError(
            f"{array.code} has channels of {len(rates)} sampling rates",
            where=", ".join(f"{r:g} Hz" for r in sorted(rates)),
            fix="resample, or name one rate",
        )
    rate = rates.pop()
    start_ns = min(t.start_ns for group in rows.values() for t in group)
    end_ns = max(t.end_ns for group in rows.values() for t in group)
    n = round((end_ns - start_ns) * rate / NS)
    samples = np.zeros((len(rows), n), np.float32)
    live = np.zeros((len(rows), n), bool)
    late = np.zeros(len(rows))
    for i, group in enumerate(rows.values()):
        level = np.mean([t.samples.mean(dtype=np.float64) for t in group])
        for t in group:
            exact = (t.start_ns - start_ns) * rate / NS
            first = round(exact)
            late[i] = (exact - first) / rate
            piece = t.samples[: n - first]
            samples[i, first : first + piece.size] = piece - np.float32(level)
            live[i, first : first + piece.size] = True
    offsets = array.offsets_km()[[sites[group[0].station] for group in rows.values()]]
    return Panel(
        array.code, tuple(rows), start_ns, rate, samples, late, offsets - offsets.mean(axis=0),
        None if live.all() else live,
    )  # fmt: skip


def _rows(traces: Sequence[Trace], verticals: bool) -> dict[str, list[Trace]]:
    """Traces by channel id, in order of time; of verticals, the fullest channel of each site."""
    by_id: dict[str, list[Trace]] = {}
    for t in sorted(traces, key=lambda t: (t.id, t.start_ns)):
        by_id.setdefault(t.id, []).append(t)
    if not verticals:
        return by_id
    best: dict[str, str] = {}
    for name, group in by_id.items():
        station = group[0].station
        size = sum(t.samples.size for t in group)
        if station not in best or size > sum(t.samples.size for t in by_id[best[station]]):
            best[station] = name
    return {name: by_id[name] for name in sorted(best.values())}
