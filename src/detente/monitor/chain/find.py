"""From arrivals to located events: the same steps for a recording and for the live watch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.chain.after import later_events
from detente.monitor.chain.lone import lone_events
from detente.monitor.chain.refine import refine
from detente.monitor.chain.weigh import weighed_events
from detente.monitor.character.ratios import FAR_KM
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network.associate import Settings, associate
from detente.monitor.waves.trace import Array

S_TRAIN_KM_S: Final = 3.0
_AFTER_S: Final = 20.0


def find_events(
    arrivals: Sequence[Arrival],
    arrays: Mapping[str, Array],
    settings: Settings,
    *,
    lone_snr: float,
    listened: Mapping[str, float] | None = None,
    known: Sequence[Event] = (),
) -> list[Event]:
    """Associate, relocate by the first arrivals that agree, add what agrees in time, later events, lone stations'.

    `arrays`: the stations heard; `listened`: for how long, see `associate`; `known`: events found before, whose
    arrivals are not among these: later ones at their places belong to them, and they explain signals.
    """
    found = list(associate(arrivals, arrays, settings=settings, listened=listened))
    by_id = {a.id: a for a in arrivals}
    found = [refine(e, by_id, arrays, settings.locate) for e in found]
    found = weighed_events(apart(found), arrivals, arrays, settings)
    before = {e.id for e in known}
    every = later_events([*known, *found], arrivals, arrays)
    every += lone_events(arrivals, every, arrays, least_snr=lone_snr)
    return sorted((e for e in every if e.id not in before), key=lambda e: (e.origin.time, e.id))


def apart(events: Sequence[Event]) -> list[Event]:
    """Without those that live on another's arrivals: relocation may lead two events to the same first arrivals.

    An arrival defines one event, that of more; one with half of its own or fewer left is no event beside it.
    """
    kept: list[Event] = []
    taken: set[str] = set()
    for event in sorted(events, key=lambda e: (-len(_defining(e)), e.origin.time, e.id)):
        mine = _defining(event)
        if not mine or 2 * len(mine - taken) > len(mine):
            kept.append(event)
            taken |= mine
    return sorted(kept, key=lambda e: (e.origin.time, e.id))


def _defining(event: Event) -> set[str]:
    return {u.arrival for u in event.origin.used if u.defining}


def all_in(event: Event, arrays: Mapping[str, Array]) -> float:
    """When the S train has passed every station near enough for P/S, s UTC: before, the event cannot be screened."""
    o, sites = event.origin, list(arrays.values())
    degrees, _, _ = distance_azimuth(o.lat, o.lon, [a.lat for a in sites], [a.lon for a in sites])
    km = np.ravel(degrees) * KM_PER_DEG
    far = float(np.max(km, initial=0.0, where=km <= FAR_KM))
    return event.origin.time + far / S_TRAIN_KM_S + _AFTER_S
