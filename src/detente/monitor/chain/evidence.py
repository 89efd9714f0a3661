"""How strongly all arrivals of all stations speak for an event at a place and a time, whichever of them are its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Arrival
from detente.monitor.chain.refine import MODEL_S, pick_sd
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.traveltime import TravelTimes
from detente.monitor.waves.trace import Array

Float = NDArray[np.float64]

SEEN: Final = {"P": 0.8, "S": 0.3, "Lg": 0.4}
"""How often a station within reach has an arrival of a phase; assumed, and low, for the event's size is not known."""
OWN_S: Final = {"P": MODEL_S, "S": 3.0, "Lg": 5.0}
"""What the tables, and a loose onset, may be wrong by, s."""
TAIL: Final = 4.0  # degrees of freedom of the residuals
LEAST_SNR: Final = (
    3.5  # that every arrival has; of larger signals there are fewer, as 1 over the size (b = 1)
)
STRONG_SNR: Final = 8.0  # noise alone does not reach it
NOISE_SNR: Final = 1.2  # by so much more noise falls to 1/e; assumed
PRIOR_S: Final = 300.0
"""Scale of the Gamma priors: of all arrivals' rate with shape 2, as the associator has it, of signals' with shape 1, 12
an hour: a record of minutes does not say that a station is quiet."""
CODA_S: Final = 40.0
CODA_EACH: Final = 0.5
TRUE_DIRECTION: Final = 0.8  # share of single sensors' directions that are the wave's own; assumed
DIRECTION_DEG: Final = 15.0  # a path's own error of direction
LG_KM_S: Final = 3.5
REACH_DEG: Final = 25.0


class Witnesses(msgspec.Struct, frozen=True, eq=False):
    """Arrivals of stations as numbers: (arrival,) times, spreads, rates of noise as large, directions; and whose."""

    arrivals: tuple[Arrival, ...]
    stations: tuple[str, ...]
    lats: Float
    lons: Float
    whose: NDArray[np.int64]
    time: Float
    sd: Float
    rate: Float
    azimuth: Float
    azimuth_sd: Float


def witnesses(arrivals: Sequence[Arrival], arrays: Mapping[str, Array]) -> Witnesses:
    """The arrivals of known stations, with the rate of noise as strong as each, coda of stronger ones included."""
    stations = tuple(sorted(arrays))
    index = {c: i for i, c in enumerate(stations)}
    known = sorted((a for a in arrivals if a.station in index), key=lambda a: (a.time, a.id))
    times = [a.time for a in known]
    span = max(times, default=0.0) - min(times, default=0.0)
    whose = np.array([index[a.station] for a in known], dtype=np.int64)
    rate = np.zeros(len(known))
    for i in range(len(stations)):
        own = np.flatnonzero(whose == i)
        rate[own] = _rates(np.array(times)[own], np.array([known[k].snr or 1.0 for k in own]), span)
    return Witnesses(
        arrivals=tuple(known),
        stations=stations,
        lats=np.array([arrays[c].lat for c in stations]),
        lons=np.array([arrays[c].lon for c in stations]),
        whose=whose,
        time=np.array(times),
        sd=np.array([pick_sd(a) for a in known]),
        rate=rate,
        azimuth=np.array([np.nan if a.backazimuth_deg is None else a.backazimuth_deg for a in known]),
        azimuth_sd=np.array([a.backazimuth_sd_deg or 20.0 for a in known]),
    )


def _rates(time: Float, snr: Float, span: float) -> Float:
    """How often a second a station hears by chance what an event might look like: an arrival of the size of each.

    Noise falls off exponentially with size; other events' signals do as this event's, so their rate counts whole
    whatever the size; a louder one's train brings more. Each rate has its Gamma prior; the arrival itself is not
    counted, for if it is the event's it is no noise: the ratio of the two Gamma-Poisson marginals is (shape + k - 1) /
    (scale + span).
    """
    after = time[:, None] - time
    louder = (after > 0) & (snr > snr[:, None])
    train = np.sum(
        louder * CODA_EACH * np.log10(np.maximum(snr, 1.0)) / CODA_S * np.exp(-np.maximum(after, 0) / CODA_S),
        axis=1,
    )
    strong = (snr >= STRONG_SNR) & ~(louder & (after <= CODA_S)).any(1)
    weak = snr < STRONG_SNR
    signals = (1.0 + strong.sum() - strong) / (PRIOR_S + span) * STRONG_SNR / LEAST_SNR
    noise = (2.0 + weak.sum() - weak) / (PRIOR_S + span)
    size = np.maximum(snr, LEAST_SNR)
    like_noise = np.exp(-(size - LEAST_SNR) / NOISE_SNR) / NOISE_SNR / (LEAST_SNR / size**2)
    return np.asarray(signals + noise * like_noise + train)


@lru_cache(maxsize=1)
def _tables() -> tuple[Float, dict[str, Float]]:
    """Seconds to the first P, the first S and Lg of a surface source, by degrees."""
    degrees = np.arange(0.0, 100.0, 0.02)
    model = TravelTimes()
    found = {"Lg": degrees * KM_PER_DEG / LG_KM_S}
    for name, phases in (("P", ("P", "Pn", "Pg")), ("S", ("S", "Sn", "Sg"))):
        times = np.full(degrees.size, np.nan)
        for phase in phases:
            times = np.fmin(times, model.time(phase, degrees, 0.0))
        found[name] = np.where(np.isnan(times), 1e6, times)
    return degrees, found


def log_evidence(w: Witnesses, lats: Float, lons: Float, times: Float, slack_s: float = 0.0) -> Float:
    """(place,) natural log of the odds of the arrivals with an event at each place and time, against noise alone.

    For each station and phase: log(1 - p + p sum of density / rate), the sum over arrivals that may be the phase,
    whichever it is: what is not seen counts, what is seen by chance does not. Parameters: `lats`, `lons` degrees,
    `times` s UTC; `slack_s`: by how much the times may be off more, of a coarse grid.
    """
    total = np.zeros(len(lats))
    for i in range(len(w.stations)):
        inside, odds = _odds(w, i, lats, lons, times, slack_s)
        for phase, seen in SEEN.items():
            total += np.where(inside, np.log(1 - seen + seen * odds[phase].sum(0)), 0.0)
    return total


def shares(w: Witnesses, lat: float, lon: float, time: float) -> dict[tuple[int, str], float]:
    """The probability that an arrival (its index) is a phase of the event at a place (degrees) and time (s UTC)."""
    found = {}
    at = np.array([lat]), np.array([lon]), np.array([time])
    for i in range(len(w.stations)):
        inside, odds = _odds(w, i, *at, 0.0)
        for phase, seen in SEEN.items():
            if inside[0]:
                whole = 1 - seen + seen * float(odds[phase].sum())
                for k, one in zip(np.flatnonzero(w.whose == i), odds[phase][:, 0], strict=True):
                    found[int(k), phase] = seen * float(one) / whole
    return found


def about(w: Witnesses, first: float, last: float, stations: NDArray[np.bool_]) -> Witnesses:
    """Only the arrivals from `first` to `last` (s UTC) at some of the stations."""
    held = np.flatnonzero(stations)
    renumbered = np.cumsum(stations) - 1
    keep = (w.time >= first) & (w.time <= last) & stations[w.whose] if w.time.size else np.zeros(0, bool)
    return Witnesses(
        arrivals=tuple(a for a, k in zip(w.arrivals, keep, strict=True) if k),
        stations=tuple(w.stations[i] for i in held),
        lats=w.lats[held], lons=w.lons[held], whose=renumbered[w.whose[keep]],
        time=w.time[keep], sd=w.sd[keep], rate=w.rate[keep], azimuth=w.azimuth[keep], azimuth_sd=w.azimuth_sd[keep],
    )  # fmt: skip


def travel(phase: str, degrees: Float) -> Float:
    """Seconds to the first P, the first S or Lg of a surface source; beyond their reach a million."""
    table, held = _tables()
    return np.asarray(np.interp(degrees, table, held[phase]))


def on_sphere(lats: Float, lons: Float, lat: float, lon: float) -> tuple[Float, Float]:
    """Degrees from places to a station, and back-azimuths there, on a sphere: 0.3 % off, enough for a coarse grid."""
    f1, f2, across = np.radians(lats), np.radians(lat), np.radians(lons - lon)
    east = np.cos(f1) * np.sin(across)
    north = np.cos(f2) * np.sin(f1) - np.sin(f2) * np.cos(f1) * np.cos(across)
    along = np.sin(f2) * np.sin(f1) + np.cos(f2) * np.cos(f1) * np.cos(across)
    return np.degrees(np.arctan2(np.hypot(east, north), along)), np.degrees(np.arctan2(east, north))


def _odds(
    w: Witnesses, i: int, lats: Float, lons: Float, times: Float, slack_s: float
) -> tuple[NDArray[np.bool_], dict[str, Float]]:
    """Within reach of the station?, and by phase (arrival of the station, place) density over rate."""
    if slack_s:
        degrees, back = on_sphere(lats, lons, w.lats[i], w.lons[i])
    else:
        degrees, _, back = (np.asarray(v) for v in distance_azimuth(lats, lons, w.lats[i], w.lons[i]))
    mine = np.flatnonzero(w.whose == i)
    found = {}
    for phase, own in OWN_S.items():
        zero = times + travel(phase, degrees)
        sd = np.sqrt(w.sd[mine] ** 2 + own**2 + slack_s**2)[:, None]
        density = _student((w.time[mine][:, None] - zero) / sd) / sd / w.rate[mine][:, None]
        if phase == "P":
            density = density * _direction(w.azimuth[mine][:, None] - back, w.azimuth_sd[mine][:, None])
        found[phase] = density
    return degrees <= REACH_DEG, found


def _student(u: Float) -> Float:
    """Density of Student's law with TAIL = 4 degrees of freedom."""
    return np.asarray(0.375 / (1 + u**2 / TAIL) ** 2.5)


def _direction(off_deg: Float, sd_deg: Float) -> Float:
    """A direction's density over that of any direction; one where there is none."""
    off = (off_deg + 180) % 360 - 180
    sd = np.hypot(sd_deg, DIRECTION_DEG)
    own = np.exp(-0.5 * (off / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
    return np.where(np.isnan(off), 1.0, TRUE_DIRECTION * own * 360 + 1 - TRUE_DIRECTION)
