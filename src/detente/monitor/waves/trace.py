"""Traces, sites and faults: what every reader gives and every detector takes."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.geo import KM_PER_DEG, distance_azimuth

NS = 1_000_000_000

# fmt: off
FaultKind = Literal[
    "gap", "overlap", "clock jump", "dead", "clipped", "not a number", "in the future", "units", "no response",
    "duplicate", "polarity", "swapped", "corrupt", "no site", "sampling rate", "precision", "masked",
]
# fmt: on


class Trace(msgspec.Struct, frozen=True, eq=False):
    """Gapless samples of one channel: `start_ns` in ns UTC since 1970, `samples` (n,) float32 contiguous.

    `unit`: counts, m, m/s, m/s**2 or Pa. A gap ends a trace and the next one begins after it.
    """

    network: str
    station: str
    location: str
    channel: str
    start_ns: int
    rate_hz: float
    samples: NDArray[np.float32]
    unit: str = "counts"

    @property
    def id(self) -> str:
        """NET.STA.LOC.CHA."""
        return f"{self.network}.{self.station}.{self.location}.{self.channel}"

    @property
    def start(self) -> float:
        """Time of the first sample, s UTC since 1970."""
        return self.start_ns / NS

    @property
    def end_ns(self) -> int:
        """The time at which the next sample would come, ns."""
        return self.start_ns + round(self.samples.size * NS / self.rate_hz)

    @property
    def end(self) -> float:
        """The time at which the next sample would come, s UTC since 1970."""
        return self.end_ns / NS

    def cut(self, start: float, end: float) -> Trace:
        """The samples with start <= time < end (s UTC); possibly none."""
        first = max(0, int(np.ceil(round((start - self.start) * self.rate_hz, 6))))
        last = min(self.samples.size, max(first, int(np.ceil(round((end - self.start) * self.rate_hz, 6)))))
        first = min(first, last)
        start_ns = self.start_ns + round(first * NS / self.rate_hz)
        return msgspec.structs.replace(self, start_ns=start_ns, samples=self.samples[first:last])


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a channel, when (s UTC since 1970), and in words; the rest of the data goes on."""

    channel: str
    kind: FaultKind
    start: float
    end: float
    detail: str = ""


class Recording(msgspec.Struct, frozen=True, eq=False):
    """What a source gave: traces in order of channel and time, and the faults found on the way."""

    traces: tuple[Trace, ...] = ()
    faults: tuple[Fault, ...] = ()


class Site(msgspec.Struct, frozen=True):
    """One sensor's place: degrees (WGS84), elevation in metres."""

    code: str
    lat: float
    lon: float
    elevation_m: float = 0.0
    network: str = ""


class Array(msgspec.Struct, frozen=True):
    """A station as detectors see it: one site, or the elements of an array, phase-centred at their mean."""

    code: str
    sites: tuple[Site, ...]

    @property
    def lat(self) -> float:
        """Latitude of the phase centre, degrees."""
        return float(np.mean([s.lat for s in self.sites]))

    @property
    def lon(self) -> float:
        """Longitude of the phase centre, degrees; the sites may lie on both sides of the antimeridian."""
        angle = np.radians([s.lon for s in self.sites])
        return float(np.degrees(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())))

    def offsets_km(self) -> NDArray[np.float64]:
        """(site, 2): kilometres east and north of the phase centre, along the geodesic."""
        lat, lon = self.lat, self.lon
        degrees, azimuth, _ = distance_azimuth(
            lat, lon, [s.lat for s in self.sites], [s.lon for s in self.sites]
        )
        angle = np.radians(azimuth)
        return np.column_stack([np.sin(angle), np.cos(angle)]) * (degrees * KM_PER_DEG)[:, None]
