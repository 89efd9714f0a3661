"""The nouns of a bulletin: arrivals, origins, magnitudes, screening, events; frozen, each says who made it."""

from __future__ import annotations

from typing import Literal

import msgspec

MACHINE = "machine"

Polarity = Literal["", "up", "down"]
Screened = Literal["explosion-like", "earthquake-like", "not an explosion", "cannot be screened"]


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One signal at one station or array.

    `time` and `time_sd` in seconds, UTC since 1970; `backazimuth` in degrees clockwise from north, towards the
    source; `slowness` in s/km, apparent and horizontal; `amplitude_nm`: ground displacement, zero to peak,
    response removed, of the `period_s` it was read at; `snr`: amplitude ratio; `phase`: empty until named.
    None where it was not or could not be measured. `why`: the numbers behind the decision, by name.
    """

    id: str
    station: str
    time: float
    time_sd: float
    channel: str = ""
    phase: str = ""
    backazimuth_deg: float | None = None
    backazimuth_sd_deg: float | None = None
    slowness_s_km: float | None = None
    slowness_sd_s_km: float | None = None
    amplitude_nm: float | None = None
    period_s: float | None = None
    snr: float | None = None
    polarity: Polarity = ""
    band_hz: tuple[float, float] | None = None
    method: str = ""
    by: str = MACHINE
    why: dict[str, float | str] = {}


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """An arrival as an origin uses it: azimuth from the event; residuals are observed less predicted."""

    arrival: str
    station: str
    phase: str
    distance_deg: float
    azimuth_deg: float
    time_residual_s: float | None = None
    backazimuth_residual_deg: float | None = None
    slowness_residual_s_km: float | None = None
    defining: str = "T"
    """Which measurements shaped the origin: any of T (time), A (azimuth), S (slowness); empty for none."""


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A station that could have seen the event and did not: evidence too."""

    station: str
    phase: str
    p_detect: float


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """When and where: time in seconds UTC since 1970, degrees (WGS84), depth in km, with their uncertainty.

    The ellipse holds `confidence` of the posterior of the epicentre; `strike_deg` of its major axis, from north.
    `depth`: fixed (at `depth_km`, by assumption), free (estimated), with the interval [low, high] at `confidence`.
    """

    id: str
    time: float
    lat: float
    lon: float
    time_sd: float
    depth_km: float = 0.0
    depth: Literal["fixed", "free"] = "fixed"
    depth_low_km: float | None = None
    depth_high_km: float | None = None
    semi_major_km: float | None = None
    semi_minor_km: float | None = None
    strike_deg: float | None = None
    confidence: float = 0.9
    model: str = "ak135"
    used: tuple[Used, ...] = ()
    missed: tuple[Missed, ...] = ()
    method: str = ""
    by: str = MACHINE
    why: dict[str, float | str] = {}


class StationMagnitude(msgspec.Struct, frozen=True, kw_only=True):
    """A magnitude at one station; `limit`: the station saw nothing, the value is an upper limit.

    `term`: the station term that was taken off `value` (and off the limit); None where none is known.
    """

    station: str
    kind: str
    value: float
    sd: float
    arrival: str = ""
    limit: bool = False
    term: float | None = None


class Magnitude(msgspec.Struct, frozen=True, kw_only=True):
    """A network magnitude (mb, ML, mb_Lg, Ms) with its standard error and what it rests on."""

    kind: str
    value: float
    sd: float
    stations: tuple[StationMagnitude, ...] = ()
    method: str = ""
    by: str = MACHINE


class Criterion(msgspec.Struct, frozen=True, kw_only=True):
    """One test of screening: the value observed, and log10 of explosion over earthquake likelihood."""

    name: str
    value: float | None
    sd: float | None = None
    log10_ratio: float = 0.0
    stations: tuple[str, ...] = ()
    why: str = ""


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """What the criteria together allow; `p_explosion` None where the event cannot be screened."""

    verdict: Screened
    p_explosion: float | None
    prior: float
    criteria: tuple[Criterion, ...] = ()
    why: str = ""


class YieldRange(msgspec.Struct, frozen=True, kw_only=True):
    """Yield in kilotonnes under a named assumption: 5 %, 50 % and 95 % quantiles."""

    assumption: str
    low_kt: float
    median_kt: float
    high_kt: float
    why: str = ""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """An analyst's change: when (s UTC since 1970), who, to what, from what to what, and why."""

    when: float
    who: str
    what: str
    before: str
    after: str
    reason: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event: its origins, the preferred one first, and what is known of it."""

    id: str
    origins: tuple[Origin, ...]
    magnitudes: tuple[Magnitude, ...] = ()
    limits: tuple[Magnitude, ...] = ()
    """Magnitudes that no station measured: `value` is what the event stays below at 90 %."""
    screening: Screening | None = None
    yields: tuple[YieldRange, ...] = ()
    score: float | None = None
    changes: tuple[Change, ...] = ()

    @property
    def origin(self) -> Origin:
        """The preferred origin."""
        return self.origins[0]


class Bulletin(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found between two times: events, and every arrival, used or not."""

    start: float
    end: float
    arrivals: tuple[Arrival, ...] = ()
    events: tuple[Event, ...] = ()
    stations: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    made_with: dict[str, str] = {}
