"""Phase identification at one station: probabilities from slowness, polarisation and what came before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Arrival

# Name: share among detections, apparent slowness low and high in s/km, share of horizontal energy, follows P.
# Slowness: ak135's range of each (PKP to 0.04, P 15 to 100 degrees, Pn 0.123, Pg 0.172, Sn 0.22, Lg 0.286);
# shares and polarisation: assumed, wide.
CLASSES: Final = {
    "PKP": (0.05, 0.0, 0.042, 0.15, False),
    "P": (0.30, 0.040, 0.115, 0.25, False),
    "Pn": (0.10, 0.110, 0.135, 0.35, False),
    "Pg": (0.05, 0.135, 0.180, 0.40, False),
    "S": (0.05, 0.075, 0.200, 0.75, True),
    "Sn": (0.05, 0.195, 0.250, 0.70, True),
    "Lg": (0.10, 0.240, 0.320, 0.65, True),
    "noise": (0.30, 0.0, 0.400, 0.50, False),
}
BEFORE_S: Final = (3.0, 1200.0)  # how long before a shear wave its compressional wave may have come


class Reading(msgspec.Struct, frozen=True):
    """Probabilities by class, summing to one, and whose earlier arrival made a shear wave likely ('' for none)."""

    probability: Mapping[str, float]
    after: str = ""

    @property
    def best(self) -> str:
        """The likeliest class."""
        return self.ranked[0]

    @property
    def ranked(self) -> tuple[str, ...]:
        """The classes, the likeliest first."""
        return tuple(sorted(self.probability, key=lambda k: -self.probability[k]))


def read_station(arrivals: Sequence[Arrival], *, earlier_s: float = BEFORE_S[1]) -> tuple[Reading, ...]:
    """Every arrival read with those of its own station up to `earlier_s` before it, in the order given."""
    own: dict[str, list[Arrival]] = {}
    for a in sorted(arrivals, key=lambda a: a.time):
        own.setdefault(a.station, []).append(a)
    return tuple(
        identify(a, [b for b in own[a.station] if 0.0 < a.time - b.time <= earlier_s]) for a in arrivals
    )


def identify(arrival: Arrival, before: Sequence[Arrival] = ()) -> Reading:
    """What an arrival may be, from what its own station measured.

    Parameters: `before`: earlier arrivals at the same station. Slowness: each class flat over its range, blurred by the
    measured error. `why["vertical_share"]` (of three components, 0 to 1), if told: its rest normal about the
    class's, sd 0.2. An earlier faster arrival from the same direction makes a shear wave likelier, its lack less so.
    """
    from scipy.special import ndtr

    p, sd = arrival.slowness_s_km, max(arrival.slowness_sd_s_km or 0.02, 0.008)
    leader = _leader(arrival, before)
    vertical = arrival.why.get("vertical_share")
    log = {}
    for name, (share, low, high, across, follows) in CLASSES.items():
        value = np.log(share)
        if p is not None:
            inside = ndtr((high - p) / sd) - ndtr((low - p) / sd)
            value += np.log(max(float(inside) / (high - low), 1e-6))
        if isinstance(vertical, float):
            value -= 0.5 * ((1.0 - vertical - across) / 0.2) ** 2
        if follows:
            value += np.log(3.0) if leader else np.log(0.25)
        log[name] = float(value)
    top = max(log.values())
    weight = {k: float(np.exp(v - top)) for k, v in log.items()}
    total = sum(weight.values())
    return Reading({k: w / total for k, w in weight.items()}, leader)


def _leader(arrival: Arrival, before: Sequence[Arrival]) -> str:
    """The id of the last earlier, faster arrival at the station from about the same direction."""
    for other in sorted(before, key=lambda a: -a.time):
        since = arrival.time - other.time
        if other.station != arrival.station or not BEFORE_S[0] <= since <= BEFORE_S[1]:
            continue
        if (
            arrival.slowness_s_km
            and other.slowness_s_km
            and other.slowness_s_km > 0.8 * arrival.slowness_s_km
        ):
            continue
        if arrival.backazimuth_deg is not None and other.backazimuth_deg is not None:
            turn = abs((arrival.backazimuth_deg - other.backazimuth_deg + 180) % 360 - 180)
            if turn > 2.5 * np.hypot(arrival.backazimuth_sd_deg or 10.0, other.backazimuth_sd_deg or 10.0):
                continue
        return other.id
    return ""
