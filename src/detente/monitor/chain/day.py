"""A made-up day at the real stations: arrivals of known events among noise, to judge associators by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Arrival
from detente.monitor.chain.day_scene import Source, scene
from detente.monitor.chain.day_world import DaySettings, World
from detente.monitor.stations import Station, network
from detente.monitor.waves.trace import Array, Site


class Truth(msgspec.Struct, frozen=True):
    """An event as planted: its source, and its arrivals' phases by id."""

    source: Source
    arrivals: Mapping[str, str]

    @property
    def first_p(self) -> int:
        """At how many stations its first P, or first core phase, was picked."""
        return sum(phase in ("P", "PKP") for phase in self.arrivals.values())


class Day(msgspec.Struct, frozen=True, eq=False):
    """Arrivals in order of time, the stations, and what is true."""

    arrivals: tuple[Arrival, ...]
    sites: Mapping[str, Site | Array]
    truth: tuple[Truth, ...]
    start: float
    seed: int


PEER = DaySettings(earth="ak135", path_error=0.0, pick_sd_s=1.0)
"""The day of the peer comparison: the associator's own tables, 1 s of noise on every time."""


def seismic_sites(stations: Sequence[Station] | None = None) -> dict[str, Site | Array]:
    """Every primary and auxiliary station as a site, arrays with their elements' places."""
    found: dict[str, Site | Array] = {}
    for s in stations or network(("primary", "auxiliary"), planned=True):
        if s.kind != "array":
            found[s.code] = Site(s.code, s.lat, s.lon)
            continue
        offsets = s.offsets or tuple((2 * np.sin(a), 2 * np.cos(a)) for a in np.arange(s.elements) * 0.7)
        sites = tuple(
            Site(
                f"{s.code}{i:02d}",
                s.lat + n / 111.2,
                s.lon + e / 111.2 / max(0.05, np.cos(np.radians(s.lat))),
            )
            for i, (e, n) in enumerate(offsets)
        )
        found[s.code] = Array(s.code, sites)
    return found


def simulate(
    settings: DaySettings | None = None,
    *,
    seed: int = 1,
    sites: Mapping[str, Site | Array] | None = None,
    sources: Sequence[Source] | None = None,
) -> Day:
    """One day of arrivals. Times in s UTC, amplitudes in nm; the same seed gives the same day."""
    chosen = settings or DaySettings()
    rng = np.random.default_rng(seed)
    places = dict(sites or seismic_sites())
    world = World(chosen, places, rng)
    planted = sources if sources is not None else scene(
        chosen.kind, chosen.events, rng, least_mb=chosen.least_mb, catalogue=chosen.catalogue,
        length_s=chosen.length_s,
    )  # fmt: skip
    truth, arrivals = [], []
    for n, source in enumerate(planted):
        own = world.event(source, f"e{n:03d}")
        arrivals += [a for a, _ in own]
        truth.append(Truth(source, {a.id: phase for a, phase in own if phase}))
    arrivals += world.noise()
    arrivals.sort(key=lambda a: (a.time, a.id))
    return Day(tuple(arrivals), places, tuple(truth), chosen.start, seed)
