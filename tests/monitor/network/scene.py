"""A few stations and the arrivals of an event at them, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Arrival
from detente.monitor.network.phases import travel_time
from detente.monitor.waves.trace import Site

START = 1_500_000_000.0


def ring(
    n: int, rng: np.random.Generator, lat: float, lon: float, low: float = 15.0, high: float = 85.0
) -> dict[str, Site]:
    """Stations all around a place, at `low` to `high` degrees."""
    from detente.monitor.event_location import destination

    found = {}
    for k in range(n):
        azimuth, distance = 360 * (k + rng.uniform()) / n, rng.uniform(low, high)
        y, x = destination(lat, lon, azimuth, distance)
        found[f"S{k:02d}"] = Site(f"S{k:02d}", float(y), float((x + 180) % 360 - 180))
    return found


def arrivals(
    sites: dict[str, Site],
    lat: float,
    lon: float,
    depth: float,
    errors: NDArray[np.float64] | None = None,
    phases: Sequence[str] = ("P",),
    sd: float = 0.3,
) -> list[Arrival]:
    """One arrival a station and phase, at START plus travel time plus its error."""
    found = []
    for k, (code, site) in enumerate(sites.items()):
        for phase in phases:
            view = travel_time(phase, lat, lon, depth, site)
            if not np.isfinite(view["time_s"]):
                continue
            late = 0.0 if errors is None else float(errors[k])
            found.append(
                Arrival(
                    id=f"{code}-{phase}",
                    station=code,
                    time=START + view["time_s"] + late,
                    time_sd=sd,
                    phase=phase,
                )
            )
    return found
