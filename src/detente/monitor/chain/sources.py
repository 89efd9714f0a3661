"""Where the chain's records come from: held in memory, or read from an archive; a station or an event at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from msgspec import structs

from detente.monitor.bulletin.records import Event
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.waves.masks import Mask, cut_away
from detente.monitor.waves.response import Responses
from detente.monitor.waves.sds import Archive
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import NS, Array, Fault, Recording, Trace

LEAD_S: Final = 600.0
TAIL_S: Final = 1800.0
SLOWEST_KM_S: Final = 3.0
"""Of an event each station's record is looked at from 600 s before the origin until its last wave has passed: Rayleigh
waves of 2.2 km/s to 30 degrees by 1520 s, those of 20 s at 3 km/s beyond."""
VERTICALS_BEYOND_DEG: Final = 20.0
"""Horizontals serve ML (9 degrees) and P/S (1300 km) only."""
PAD_S: Final = 600.0
"""Read beyond a window, so that what is judged by its length (a dead channel) is judged alike on both of its sides."""

_NONE: Final = np.zeros(0, np.float32)


class Source(Protocol):
    """Records by channel NET.STA.LOC.CHA and time, joined and checked.

    `compared`: whether channels have been held against each other for copies.
    """

    compared: bool

    @property
    def channels(self) -> tuple[Trace, ...]:
        """Every channel as a trace without samples."""
        ...

    def read(self, channels: Iterable[str], start: float = -inf, end: float = inf) -> Recording:
        """These channels from `start` to `end` (s UTC), with the faults found on the way that are not yet told."""
        ...


class Held:
    """A recording in memory; its faults are its own, and told."""

    compared = True

    def __init__(self, recording: Recording) -> None:
        self._traces: dict[str, list[Trace]] = {}
        for t in recording.traces:
            self._traces.setdefault(t.id, []).append(t)

    @property
    def channels(self) -> tuple[Trace, ...]:
        """Every channel, in the recording's order."""
        return tuple(structs.replace(several[0], samples=_NONE) for several in self._traces.values())

    def read(self, channels: Iterable[str], start: float = -inf, end: float = inf) -> Recording:
        """These channels from `start` to `end`, s UTC."""
        return Recording(_cut((t for c in channels for t in self._traces.get(c, ())), start, end))


class Shelf:
    """The chosen channels of an SDS archive between two times (s UTC), less what is masked; only what is asked is read.

    `responses`: a channel that they do not cover is told.
    """

    compared = False

    def __init__(
        self,
        root: Path,
        start: float,
        end: float,
        select: Sequence[str] = ("*",),
        *,
        masks: Sequence[Mask] = (),
        responses: Responses | None = None,
    ) -> None:
        self._archive, self._span, self._masks = Archive(root), (start, end), tuple(masks)
        self._responses = responses or Responses({})
        self._names, self._first_ns = self._archive.channels(start, end, select), round(start * NS)

    @property
    def channels(self) -> tuple[Trace, ...]:
        """Every channel that has a file in the years of the span."""
        several = (name.split(".") for name in self._names)
        return tuple(Trace(n, s, place, c, self._first_ns, 1.0, _NONE) for n, s, place, c in several)

    def read(self, channels: Iterable[str], start: float = -inf, end: float = inf) -> Recording:
        """These channels from `start` to `end`, s UTC; those of the span where left out. Waves may lie beyond it."""
        first = self._span[0] if start == -inf else start
        last = self._span[1] if end == inf else end
        found = self._archive.read_channels(channels, first - PAD_S, last + PAD_S)
        found = cut_away(found, self._masks)
        cut = Recording(_cut(found.traces, first, last))
        told = [f for f in found.faults if (f.start <= last and f.end >= first) or not f.end]
        told = [f for f in told if f.kind != "duplicate"]  # of one station's channels only
        return structs.replace(cut, faults=(*told, *self._responses.missing(cut)))


class Windows:
    """The records about an event: what it is measured on, whether they are held or read for it."""

    def __init__(self, source: Source, arrays: Mapping[str, Array]) -> None:
        self._source, self._arrays = source, arrays
        self._channels, _ = placed(source.channels, arrays)

    def about(self, event: Event) -> Recording:
        """From ten minutes before the event until its last wave has passed, at each station."""
        traces: list[Trace] = []
        for code, channels in self._channels.items():
            start, end, far = _span(event, self._arrays[code])
            wanted = [c for c in channels if not far or c[-1:].upper() == "Z"]
            traces += self._source.read(wanted, start, end).traces
        return Recording(tuple(traces))


def _span(event: Event, array: Array) -> tuple[float, float, bool]:
    o = event.origin
    degrees = float(distance_azimuth(o.lat, o.lon, array.lat, array.lon)[0])
    tail = max(TAIL_S, degrees * KM_PER_DEG / SLOWEST_KM_S + 60.0)
    return o.time - LEAD_S, o.time + tail, degrees > VERTICALS_BEYOND_DEG


def placed(
    channels: Iterable[Trace], arrays: Mapping[str, Array]
) -> tuple[dict[str, list[str]], tuple[Fault, ...]]:
    """The names of each array's channels, its sites' order first, and a fault for each channel that stands nowhere."""
    found, lost = by_array(Recording(tuple(channels)), arrays)
    return {code: [t.id for t in traces] for code, traces in found.items()}, lost


def _cut(traces: Iterable[Trace], start: float, end: float) -> tuple[Trace, ...]:
    """What lies from start to end, s UTC; traces that lie within are as they were."""
    found = []
    for t in traces:
        one = t if start <= t.start and t.end <= end else t.cut(start, end)
        if one.samples.size:
            found.append(one)
    return tuple(found)
