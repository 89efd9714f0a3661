"""Stations as characterisation sees them: path, traces that may be read, and when P came, picked or predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Event, Used
from detente.monitor.character.ground import one_instrument
from detente.monitor.character.paths import Path, path
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array, Fault, Recording, Trace

LEAD_S: Final = 0.5
WINDOW_S: Final = 5.5
NOISE_S: Final = 60.0
GUARD_S: Final = 3.0  # noise ends this long before P
UNCERTAIN_S: Final = 2.0  # a P nobody picked is looked for this much to either side
SEA_LEAST: Final = 0.35
"""A path with a larger share under the sea says nothing about Lg: oceanic crust does not carry it."""
TRAIN_KM_S: Final = 2.5  # the S train has passed


class Station(msgspec.Struct, frozen=True, eq=False):
    """A station as characterisation sees it: its path, its traces, and when P came, picked or predicted."""

    path: Path
    traces: tuple[Trace, ...]
    p_time: float
    arrival: str
    used: Used | None

    @property
    def verticals(self) -> tuple[Trace, ...]:
        """One vertical of each site."""
        chosen = [one_instrument([t for t in self.traces if t.station == c]) for c in self._sites()]
        return tuple(t for t in chosen if t is not None)

    def _sites(self) -> list[str]:
        return sorted({t.station for t in self.traces})

    def window(self) -> tuple[float, float]:
        """Where P's amplitude is read, s UTC: wider for a P that nobody picked."""
        loose = 0.0 if self.arrival else UNCERTAIN_S
        return self.p_time - LEAD_S - loose, self.p_time - LEAD_S + WINDOW_S + loose

    def noise(self) -> tuple[float, float]:
        """The noise before P, s UTC: as long as there is, 60 s at most."""
        end = self.p_time - GUARD_S
        return max(end - NOISE_S, max(t.start for t in self.traces)), end


def stations(event: Event, recording: Recording, arrays: Mapping[str, Array]) -> tuple[Station, ...]:
    """Every station of known place with traces about the event's predicted P, nearest first.

    A channel that clipped between P and the end of the S train is left out: nobody knows how much larger its amplitudes
    were, and S is cut before P is.
    """
    origin = event.origin
    times = TravelTimes("iasp91" if origin.model == "iasp91" else "ak135")
    held, _ = by_array(recording, arrays)
    found = []
    for code, traces in held.items():
        way = path(origin, arrays[code], times=times)
        used = _first_p(origin.used, code)
        late = (used.time_residual_s or 0.0) if used and used.defining else 0.0
        p_time = origin.time + way.p_s + late
        last = origin.time + way.distance_km / TRAIN_KM_S
        near = tuple(
            t
            for t in traces
            if t.start < p_time - 5 and t.end > p_time + 5 and not _clipped(t, recording.faults, p_time, last)
        )
        if near and np.isfinite(p_time):
            found.append(Station(way, near, p_time, used.arrival if used else "", used))
    return tuple(sorted(found, key=lambda s: (s.path.distance_deg, s.path.station)))


def _clipped(trace: Trace, faults: Sequence[Fault], first: float, last: float) -> bool:
    return any(
        f.kind == "clipped" and f.channel == trace.id and f.start <= last and f.end >= first for f in faults
    )


def _first_p(used: Sequence[Used], code: str) -> Used | None:
    firsts = [u for u in used if u.station == code and u.phase in ("P", "Pn", "Pg", "Pb")]
    return min(firsts, key=lambda u: ("P", "Pn", "Pb", "Pg").index(u.phase), default=None)
