"""What a place should look like from every station: each phase's time, slowness and back-azimuth, by distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Origin
from detente.monitor.network.phases import PHASES, SEISMIC, SHEAR, Network, geocentric, index_of, model
from detente.monitor.waves.trace import Array, Site


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """One phase at one station: `time` in s UTC since 1970 and its model error, degrees, s/km."""

    station: str
    phase: str
    distance_deg: float
    azimuth_deg: float
    backazimuth_deg: float
    time: float
    time_sd: float
    slowness_s_km: float


def predict(
    origin: Origin, sites: Mapping[str, Site | Array], phases: Sequence[str] = SEISMIC
) -> tuple[Predicted, ...]:
    """Every one of `phases` that arrives at each site under its own name, by distance and then time.

    Where a regional phase is asked for and is the first arrival, P (or S) would name the same wave: left out.
    Raises DetenteError for a phase without travel times, or no site.
    """
    from detente.monitor.network import _phase_kernel as kernel

    chosen, net = model("iasp91" if origin.model == "iasp91" else "ak135"), Network.of(sites)
    index = np.array([index_of(p) for p in phases])
    phase, station = (g.ravel() for g in np.meshgrid(index, np.arange(len(net.codes))))
    out, sd = np.empty((phase.size, 5)), np.empty(phase.size)
    kernel.predict(
        float(np.radians(geocentric(origin.lat))), float(np.radians(origin.lon)), origin.depth_km, phase, station,
        chosen.times, chosen.flattening, net.places, net.frames, net.elevation_km, SHEAR, out,
    )  # fmt: skip
    kernel.errors(phase, out[:, 3], origin.depth_km, chosen.errors, sd)
    found = [
        Predicted(
            station=net.codes[s],
            phase=PHASES[f],
            distance_deg=float(row[3]),
            azimuth_deg=float(np.degrees(row[4]) % 360),
            backazimuth_deg=float(row[2] % 360),
            time=origin.time + float(row[0]),
            time_sd=float(e),
            slowness_s_km=float(row[1]),
        )
        for f, s, row, e in zip(phase, station, out, sd, strict=True)
        if np.isfinite(row[:2]).all() and kernel.meant(chosen.times, f, row[3], origin.depth_km) == f
    ]
    regional = [p for p in found if p.phase in ("Pn", "Pg", "Sn", "Sg")]
    found = [p for p in found if not any(_same(p, r) for r in regional)]
    return tuple(sorted(found, key=lambda p: (p.distance_deg, p.station, p.time)))


def _same(p: Predicted, regional: Predicted) -> bool:
    return (
        p.phase == regional.phase[0] and p.station == regional.station and abs(p.time - regional.time) < 0.1
    )
