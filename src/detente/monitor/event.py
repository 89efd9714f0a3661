"""One event as a file: what was observed, which hypotheses, whose statements; all numbers with a source.

Form: YAML, see ``events/lop-nor-2020.yaml``; anybody can write one for another event.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from detente.asof import parse_moment
from detente.errors import DetenteError

Array = npt.NDArray[np.float64]
Kind = Literal["earthquake", "chemical", "nuclear-coupled", "nuclear-decoupled"]
LATER = "later"  # an arrival after the first of its kind, that no table names


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that refuses keys it does not know."""


class Histogram(_Strict, frozen=True, kw_only=True):
    """A distribution as equal bins from `start` to `end` (seconds of day zero, or degrees), with weights."""

    start: str | float
    end: str | float
    weights: list[float]

    def __post_init__(self) -> None:
        w = np.array(self.weights, float)
        if not len(w) or not np.all(np.isfinite(w)) or np.any(w < 0) or w.sum() <= 0:
            raise DetenteError("weights must be zero or more, and one above zero")

    def edges(self, zero: datetime | None) -> Array:
        """Bin edges, in seconds after `zero` for times, else as they stand."""
        low, high = (_number(v, zero) for v in (self.start, self.end))
        if not low < high:
            raise DetenteError(f"a distribution from {self.start} to {self.end}", fix="start lies before end")
        return np.linspace(low, high, len(self.weights) + 1)

    def draw(self, u: Array, zero: datetime | None = None) -> Array:
        """Inverse of the cumulative distribution at `u` (0 to 1), linear within a bin."""
        total = np.concatenate([[0.0], np.cumsum(self.weights)])
        return np.asarray(np.interp(u * total[-1], total, self.edges(zero)), float)

    def moments(self, zero: datetime | None = None) -> tuple[float, float]:
        """Mean and standard deviation."""
        edges = self.edges(zero)
        w = np.array(self.weights) / np.sum(self.weights)
        middle, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
        mean = float(w @ middle)
        return mean, float(np.sqrt(w @ (middle - mean) ** 2 + width**2 / 12))


def _number(value: str | float, zero: datetime | None) -> float:
    if zero is None:
        try:
            return float(value)
        except ValueError:
            raise DetenteError(f"'{value}' is not a number of degrees") from None
    return (parse_moment(str(value)) - zero).total_seconds()


class Station(_Strict, frozen=True, kw_only=True):
    """The array that saw it; degrees."""

    code: str
    name: str
    lat: float
    lon: float
    source: str


class Signal(_Strict, frozen=True, kw_only=True):
    """First P and first S arrivals (UTC) and back-azimuth (degrees) of one signal, as distributions.

    `published`: the day from which it could be used, if known.
    """

    id: str
    p: Histogram
    s: Histogram
    back_azimuth: Histogram
    source: str
    published: str = ""


class PathErrors(_Strict, frozen=True, kw_only=True):
    """Errors of the travel-time model (s) and the array (degrees), shared by all signals of one path.

    `scatter_s`: the part of a time error that two nearby events do not share.
    """

    p_mean_s: float = 0.0
    p_sd_s: float
    s_mean_s: float = 0.0
    s_sd_s: float
    correlation: float = 0.5
    scatter_s: float
    back_azimuth_mean_deg: float = 0.0
    back_azimuth_sd_deg: float
    basis: str


class Magnitude(_Strict, frozen=True, kw_only=True):
    """A published magnitude: a range, its type, who says so. `used`: it enters the inference."""

    by: str
    type: Literal["mb", "ML", "unknown"]
    low: float
    high: float
    used: bool = False
    source: str
    published: str = ""


class Pattern(_Strict, frozen=True, kw_only=True):
    """Which stations of a network saw the event and which did not: `seen` by code, all others not.

    `network`: primary, auxiliary; `without`: codes or countries that do not count; `model_sd`: doubt of the
    model's magnitude scale, units.
    """

    seen: list[str]
    network: list[str]
    without: list[str] = []
    model_sd: float = 0.3
    basis: str


class Area(_Strict, frozen=True, kw_only=True):
    """A known test area: a disc; degrees, km."""

    id: str
    name: str
    lat: float
    lon: float
    radius_km: float
    source: str


class Region(_Strict, frozen=True, kw_only=True):
    """Where an ordinary source could lie as well as anywhere else; degrees."""

    south: float
    north: float
    west: float
    east: float
    basis: str


class Range(_Strict, frozen=True, kw_only=True):
    """A range with `low` below `high`."""

    low: float
    high: float


class Hypothesis(_Strict, frozen=True, kw_only=True):
    """What made the signal. `prior`: relative weight (0: shown, not weighed).

    `in_areas`: probability that such a source lies in one of the test areas, else anywhere in the region.
    Size: `yield_t` (tonnes, uniform in log) or, for an earthquake, `magnitude` with slope `b`; a chemical
    blast falls below the best-coupled charge by `deficit` magnitude units. Cavity shots: `depth_m`,
    `cavity_fullness` (radius over the full-decoupling radius), `rock`.
    """

    id: str
    kind: Kind
    prior: float
    basis: str
    in_areas: float
    yield_t: Range | None = None
    magnitude: Range | None = None
    b: float = 1.0
    deficit: Range | None = None
    depth_m: Range | None = None
    cavity_fullness: Range | None = None
    rock: str = "granite"


class Arrival(_Strict, frozen=True, kw_only=True):
    """What a reading takes the P and S of one signal to be: phase names, or `later`; of source number."""

    source: int
    p: str = "P"
    s: str = "S"


class Reading(_Strict, frozen=True, kw_only=True):
    """One way to read the arrivals: which source and phase each is. `same_place`: the sources coincide."""

    id: str
    text: str
    prior: float
    basis: str
    same_place: bool = False
    arrivals: dict[str, Arrival]


class Outcome(_Strict, frozen=True, kw_only=True):
    """A possible further observation. `about`: sources or readings; `mean`, `sd` of what it would show under
    each (a number), or `probability` of a yes."""

    id: str
    text: str
    about: Literal["sources", "readings"]
    mean: dict[str, float] = {}
    sd: float = 1.0
    probability: dict[str, float] = {}
    basis: str


class Statement(_Strict, frozen=True, kw_only=True):
    """What somebody said, and which question of this event it answers.

    `test`: sources or readings (`says`: the ids it asserts), yield (`range_t` under source `says`),
    capability (`range_t`: the event lies below `low` tonnes coupled), place (`says`: area ids), magnitude
    (`range_m`), open (it asserts that the data do not decide), none (cannot be asked here; `why`).
    """

    id: str
    by: str
    date: str
    text: str
    test: Literal["sources", "readings", "yield", "capability", "place", "magnitude", "open", "none"]
    says: list[str] = []
    range_t: Range | None = None
    range_m: Range | None = None
    why: str = ""
    source: str


class Event(_Strict, frozen=True, kw_only=True):
    """The whole file. Times are UTC; `zero` is the start of the day that all seconds count from.

    `site`: one that `detente yield` knows, or any name with the calibration's `rock` and `province`.
    """

    event: str
    title: str
    day: str
    site: str
    rock: str = ""
    province: str = ""
    station: Station
    signals: list[Signal]
    path: PathErrors
    origin_window_s: float
    later_window_s: Range
    magnitudes: list[Magnitude]
    pattern: Pattern | None = None
    areas: list[Area]
    region: Region
    hypotheses: list[Hypothesis]
    readings: list[Reading]
    could_observe: list[Outcome] = []
    statements: list[Statement] = []
    notes: list[str] = []

    @property
    def zero(self) -> datetime:
        return parse_moment(self.day)

    @property
    def known_from(self) -> str:
        """The day (ISO) from which all its evidence was public; empty if no day is given."""
        return max([s.published for s in self.signals] + [self.magnitude.published])

    @property
    def magnitude(self) -> Magnitude:
        """The one magnitude that enters the inference."""
        return next(m for m in self.magnitudes if m.used)

    def __post_init__(self) -> None:
        from detente.monitor.event_check import check_event

        check_event(self)
