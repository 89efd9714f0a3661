"""One event as a file: what was observed, which hypotheses, whose statements; all numbers with a source.

Form: YAML, see ``events/lop-nor-2020.yaml``; any user can write one for another event.
"""

from __future__ import annotations

from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from detente.asof import parse_moment
from detente.errors import DetenteError, nearest
from detente.monitor.geo import check_place
from detente.monitor.traveltime import PHASES
from detente.monitor.typed_yaml import load

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
        return np.interp(u * total[-1], total, self.edges(zero))

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
    """First P and first S arrivals (UTC) and back-azimuth (degrees) of one signal, as distributions."""

    id: str
    p: Histogram
    s: Histogram
    back_azimuth: Histogram
    source: str


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
    """A published magnitude: a range, its type (mb, ML, unknown), who says so. `used`: enters the inference."""

    by: str
    type: Literal["mb", "ML", "unknown"]
    low: float
    high: float
    used: bool = False
    source: str


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

    `test`: sources or readings (`says`: the ids it asserts), yield (`range_t` under source `says`), capability
    (`range_t`: the event lies below `low` tonnes coupled), place (`says`: area ids), magnitude (`range_m`),
    open (`says`: it asserts that the data do not decide between the sources), none (cannot be asked here).
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
    """The whole file. Times are UTC; `zero` is the start of the day that all seconds count from."""

    event: str
    title: str
    day: str
    site: str
    station: Station
    signals: list[Signal]
    path: PathErrors
    origin_window_s: float
    later_window_s: Range
    magnitudes: list[Magnitude]
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
    def magnitude(self) -> Magnitude:
        """The one magnitude that enters the inference."""
        return next(m for m in self.magnitudes if m.used)

    def __post_init__(self) -> None:
        _check(self)


def _check(e: Event) -> None:
    """Raises DetenteError where the parts of an event do not fit together."""
    check_place(e.station.lat, e.station.lon, where="station")
    for a in e.areas:
        check_place(a.lat, a.lon, where=f"area {a.id}")
    signals, sources = {s.id for s in e.signals}, {h.id for h in e.hypotheses}
    readings, areas = {r.id for r in e.readings}, {a.id for a in e.areas}
    for group in (e.signals, e.hypotheses, e.readings, e.areas, e.could_observe, e.statements):
        names = [x.id for x in group]  # type: ignore[attr-defined]
        if len(set(names)) < len(names):
            raise DetenteError(f"an id appears twice in {', '.join(names)}")
    if sum(m.used for m in e.magnitudes) != 1:
        raise DetenteError("one magnitude, and only one, must have 'used: true'", where="magnitudes")
    for s in e.signals:
        s.p.edges(e.zero), s.s.edges(e.zero), s.back_azimuth.edges(None)
        if s.s.moments(e.zero)[0] <= s.p.moments(e.zero)[0]:
            raise DetenteError("S comes before P", where=f"signal {s.id}")
    for r in e.readings:
        if set(r.arrivals) != signals:
            raise DetenteError(f"says nothing of {sorted(signals ^ set(r.arrivals))}", where=f"reading {r.id}")
        for arrival in r.arrivals.values():
            for phase in (arrival.p, arrival.s):
                if phase != LATER and phase not in PHASES:
                    raise DetenteError(
                        f"unknown phase '{phase}'", where=f"reading {r.id}", fix=nearest(phase, (*PHASES, LATER))
                    )
    for h in e.hypotheses:
        _check_hypothesis(h)
    if not any(h.prior > 0 for h in e.hypotheses) or not any(r.prior > 0 for r in e.readings):
        raise DetenteError("no prior above zero", where="hypotheses and readings")
    known = {"sources": sources, "readings": readings, "yield": sources, "place": areas}
    for x in e.statements:
        for name in x.says:
            if x.test in known and name not in known[x.test]:
                raise DetenteError(f"unknown id '{name}'", where=f"statement {x.id}", fix=nearest(name, known[x.test]))
    for o in e.could_observe:
        table, ids = o.mean or o.probability, known[o.about]
        if set(table) != ids:
            raise DetenteError(f"needs a number for each of {sorted(ids)}", where=f"could_observe {o.id}")


def _check_hypothesis(h: Hypothesis) -> None:
    where = f"hypothesis {h.id}"
    if not 0 <= h.in_areas <= 1 or h.prior < 0:
        raise DetenteError("in_areas lies in 0 to 1 and prior at 0 or above", where=where)
    if h.kind == "earthquake" and h.magnitude is None:
        raise DetenteError("an earthquake needs 'magnitude'", where=where)
    if h.kind != "earthquake" and h.yield_t is None:
        raise DetenteError("an explosion needs 'yield_t'", where=where)
    if h.kind == "chemical" and h.deficit is None:
        raise DetenteError("a chemical blast needs 'deficit'", where=where)
    if h.kind == "nuclear-decoupled" and (h.depth_m is None or h.cavity_fullness is None):
        raise DetenteError("a cavity shot needs 'depth_m' and 'cavity_fullness'", where=where)
    for name in ("yield_t", "magnitude", "deficit", "depth_m", "cavity_fullness"):
        r = getattr(h, name)
        if r and (not r.low <= r.high or (name in ("yield_t", "depth_m", "cavity_fullness") and r.low <= 0)):
            raise DetenteError(f"{name} from {r.low:g} to {r.high:g}", where=where, fix="low <= high, above zero")


def event_names() -> list[str]:
    """The events that come with the package."""
    folder = files("detente.monitor") / "events"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def read_event(name: str | Path) -> Event:
    """An event of the package by name, or any file by path.

    Raises DetenteError with file and line for a wrong file, or the known names.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return load(path, Event)
    if str(name) not in event_names():
        raise DetenteError(f"no event '{name}'", fix=f"{nearest(str(name), event_names())} or give a .yaml file")
    return load(Path(str(files("detente.monitor") / "events" / f"{name}.yaml")), Event)
