"""Station terms from many events: what each station reads too high or too low, shrunk by how well it is known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.bulletin.records import Event, Origin, StationMagnitude
from detente.monitor.character import scales
from detente.monitor.character.network_magnitude import FREEDOM
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.tables import Row, read_table

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
Index = NDArray[np.int64]

# Components of a station's magnitude residual: site 0.10, area of the station 0.14, path 0.19, the rest 0.18 for
# explosions and 0.28 for quakes. Source: "The multifactor model of magnitude residuals", DTIC ADA310736 (abstract).
GROUND_SD: Final = float(np.hypot(0.10, 0.14))
PATH_SD: Final = 0.19
TERM_SD: Final = float(np.hypot(GROUND_SD, PATH_SD))
REST_SD: Final = 0.23
PRIOR_STATIONS: Final = 4.0
"""The spreads above weigh as much as so many stations, and so many readings, beside what the events say."""
NEAR_KM: Final = 500.0
"""Terms hold at least this far from the middle of the events that made them: beyond their reach the path is another."""
CARRIED: Final = GROUND_SD**2 / TERM_SD**2
_ROUNDS: Final = 300
_NOISY: Final = {s.kind: s.sd for s in (scales.MB, scales.MB_PN, scales.MB_PN_KOREA, scales.MS)}
"""Scales whose readings tell the noise's part in their error: beyond the scale's own scatter."""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """What a station reads above the network in one kind of magnitude: `term` +- `sd`, magnitude units.

    `scatter`: of its readings about the events once the term is taken off; `readings`: how many made it, `limits`:
    how many silences; `lat`, `lon`, `reach_km`: the middle of the events that made it (degrees), and how far they lay.
    """

    station: str
    kind: str
    term: float
    sd: float
    scatter: float
    readings: int
    limits: int
    lat: float
    lon: float
    reach_km: float


Terms = Mapping[tuple[str, str], Term]
COLUMNS: Final = Term.__struct_fields__


def by_station(terms: Iterable[Term]) -> dict[tuple[str, str], Term]:
    """Terms by station and kind of magnitude."""
    return {(t.station, t.kind): t for t in terms}


def less_term(m: StationMagnitude, terms: Terms, origin: Origin) -> StationMagnitude:
    """A station's magnitude with its term taken off, and the error that is left.

    Away from the events that made the term its path's part is not known: of the term the share that is the ground's
    is kept, and the new path's error stands beside it.
    """
    found = terms.get((m.station, m.kind))
    if found is None:
        return m
    noise = max(m.sd**2 - _NOISY[m.kind] ** 2, 0.0) if m.kind in _NOISY else 0.0
    term, doubt = found.term, found.sd
    if _far(found, origin):
        term, doubt = CARRIED * term, float(np.hypot(CARRIED * doubt, np.sqrt(1 - CARRIED**2) * TERM_SD))
    sd = float(np.sqrt(noise + found.scatter**2 + doubt**2))
    return msgspec.structs.replace(m, value=m.value - term, sd=sd, term=term)


def _far(term: Term, origin: Origin) -> bool:
    degrees = float(distance_azimuth(term.lat, term.lon, origin.lat, origin.lon)[0])
    return degrees * KM_PER_DEG > max(term.reach_km, NEAR_KM)


class _Readings(msgspec.Struct, frozen=True, eq=False):
    """All readings of one kind: station and event by number, value, the noise's variance, limits."""

    stations: tuple[str, ...]
    station: Index
    event: Index
    value: Float
    noise: Float
    limit: Bool
    places: Float


def estimate(events: Sequence[Event]) -> tuple[Term, ...]:
    """Station terms of every kind of magnitude that two events and two stations share.

    Reading = event + station + rest: events free, station terms Gaussian, the rest of Student's law with 4 degrees
    of freedom as in the network's magnitude, a silence as P(reading < limit); spreads by expectation-maximisation
    with the published ones as a weak prior. Terms are told against the mean of the stations, so that the level of
    the network stays; their errors are those of the posterior.
    Source: the model of Ringdal 1976, BSSA 66(3) 789, with random effects (Laird and Ware 1982, Biometrics 38, 963).
    """
    kinds = sorted({m.kind for e in events for m in e.magnitudes})
    return tuple(t for kind in kinds if (held := _gather(events, kind)) for t in _terms(kind, held))


def _gather(events: Sequence[Event], kind: str) -> _Readings | None:
    """The readings of one kind, raw: a term that was taken off before is put back."""
    used = [(e, m.stations) for e in events for m in e.magnitudes if m.kind == kind]
    used = [(e, s) for e, s in used if sum(not x.limit for x in s) >= 2]
    known = sorted({x.station for _, s in used for x in s if not x.limit})
    if len(used) < 2 or len(known) < 2:
        return None
    number = {code: i for i, code in enumerate(known)}
    rows = [(number[x.station], j, x) for j, (_, s) in enumerate(used) for x in s if x.station in number]
    base = _NOISY.get(kind)
    noise = [max(x.sd**2 - base**2, 0.0) if base and x.term is None else 0.0 for *_, x in rows]
    return _Readings(
        tuple(known),
        np.array([i for i, *_ in rows]),
        np.array([j for _, j, _ in rows]),
        np.array([x.value + (x.term or 0.0) for *_, x in rows]),
        np.array(noise),
        np.array([x.limit for *_, x in rows]),
        np.array([(e.origin.lat, e.origin.lon) for e, _ in used]),
    )


def _terms(kind: str, held: _Readings) -> Iterable[Term]:
    term, covariance, rest = solve(
        held.station, held.event, held.value, held.noise, held.limit, len(held.stations)
    )
    for i, code in enumerate(held.stations):
        own = held.station == i
        lat, lon, reach = _middle(held.places[np.unique(held.event[own])])
        yield Term(
            station=code, kind=kind, term=float(term[i]), sd=float(np.sqrt(covariance[i, i])), scatter=rest,
            readings=int(np.sum(own & ~held.limit)), limits=int(np.sum(own & held.limit)), lat=lat, lon=lon,
            reach_km=reach,
        )  # fmt: skip


def _middle(places: Float) -> tuple[float, float, float]:
    """The middle of places (n, 2) in degrees, and how far the farthest lies from it, km."""
    a, b = np.radians(places).T
    x, y, z = np.mean([np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)], axis=1)
    lat, lon = float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))
    degrees = np.asarray(distance_azimuth(lat, lon, places[:, 0], places[:, 1])[0])
    return lat, lon, float(degrees.max()) * KM_PER_DEG


def solve(
    station: Index, event: Index, value: Float, noise: Float, limit: Bool, stations: int
) -> tuple[Float, Float, float]:
    """Terms (stations,), their covariance, and the scatter that is left, all about the stations' mean.

    Parameters: (n,) numbers of station and event, value, variance of the noise, and whether it is an upper limit.
    """
    m = np.zeros(int(event.max()) + 1)
    seen = ~limit
    m[:] = np.bincount(event[seen], value[seen], m.size) / np.bincount(event[seen], minlength=m.size)
    s = np.zeros(stations)
    spread, rest = TERM_SD, REST_SD
    doubt = np.zeros(value.size)
    for _ in range(_ROUNDS):
        fit, variance = m[event] + s[station], rest**2 + noise
        weight, pull, squares = _expected(value, fit, variance, doubt, limit)
        m_new, s_new, covariance, doubt = _solved(station, event, weight, pull, fit, spread, stations, m.size)
        spread_new = _spread(float(np.sum(s_new**2 + np.diag(covariance))), stations, TERM_SD)
        rest_new = rest * _spread(float(np.sum(squares / variance)), value.size, 1.0, REST_SD / rest)
        moved = max(np.max(np.abs(s_new - s)), abs(spread_new - spread), abs(rest_new - rest))
        m, s, spread, rest = m_new, s_new, spread_new, rest_new
        if moved < 1e-5:
            break
    level = np.eye(stations) - 1 / stations
    return level @ s, level @ covariance @ level, float(rest)


def _spread(squares: float, n: int, one: float, prior: float | None = None) -> float:
    """Root mean square of n values whose squares sum so, with a prior that weighs as PRIOR_STATIONS of them."""
    guess = one if prior is None else prior
    return float(np.sqrt((squares + PRIOR_STATIONS * guess**2) / (n + PRIOR_STATIONS)))


def _expected(
    value: Float, fit: Float, variance: Float, doubt: Float, limit: Bool
) -> tuple[Float, Float, Float]:
    """Of each reading: its weight, weight times residual, and the expected square of its rest.

    A measured one has Student's weight; a limit the slope and curvature of log P(reading < limit).
    """
    from scipy.special import log_ndtr

    rest = value - fit
    weight = (FREEDOM + 1) / (FREEDOM + (rest**2 + doubt) / variance)
    squares = weight * (rest**2 + doubt)
    z = rest[limit] / np.sqrt(variance[limit])
    mills = np.exp(-0.5 * z**2 - log_ndtr(z)) / np.sqrt(2 * np.pi)
    pull = weight * rest / variance
    weight = weight / variance
    weight[limit] = np.maximum(mills * (mills + z), 1e-9) / variance[limit]
    pull[limit] = -mills / np.sqrt(variance[limit])
    squares[limit] = variance[limit] * np.maximum(1 - z * mills, 0.0) + doubt[limit]
    return weight, pull, squares


def _solved(
    station: Index,
    event: Index,
    weight: Float,
    pull: Float,
    fit: Float,
    spread: float,
    stations: int,
    events: int,
) -> tuple[Float, Float, Float, Float]:
    """Events and terms of one weighted step, the terms' covariance, and the variance of each reading's fit."""
    target = weight * fit + pull
    table = np.zeros((events, stations))
    np.add.at(table, (event, station), weight)
    of_event = np.bincount(event, weight, events) + 1e-9
    of_station = np.bincount(station, weight, stations)
    share = table / of_event[:, None]
    normal = np.diag(of_station + 1 / spread**2) - table.T @ share
    covariance = np.asarray(np.linalg.inv(normal), np.float64)
    right = np.bincount(event, target, events)
    s = np.asarray(covariance @ (np.bincount(station, target, stations) - share.T @ right))
    m = np.asarray(right / of_event - share @ s)
    across = share @ covariance  # minus the covariance of an event with every term
    of_m = 1 / of_event + np.einsum("ij,ij->i", across, share)
    doubt = of_m[event] + np.diag(covariance)[station] - 2 * across[event, station]
    return m, s, covariance, np.maximum(doubt, 0.0)


def write_terms(path: Path, terms: Sequence[Term]) -> None:
    """Write a table of station terms."""
    out = io.StringIO()
    out.write("# Station terms: magnitude read above the network's, taken off by --station-terms.\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for t in terms:
        values = (getattr(t, c) for c in COLUMNS)
        rows.writerow([f"{v:.4f}" if isinstance(v, float) else v for v in values])
    write_whole(path, out.getvalue().encode())


def read_terms(path: Path) -> tuple[Term, ...]:
    """A table of station terms. Raises DetenteError for a missing column, a wrong number, or a station twice."""
    found: dict[tuple[str, str], Term] = {}
    for row in read_table(path, COLUMNS):
        term = Term(
            station=row["station"], kind=row["kind"], readings=int(_number(row, "readings")),
            limits=int(_number(row, "limits")), **{c: _number(row, c) for c in _FLOATS},
        )  # fmt: skip
        if term.sd < 0 or term.scatter <= 0:
            raise DetenteError("an error below zero or no scatter", where=row.where)
        if (term.station, term.kind) in found:
            raise DetenteError(f"{term.station} has two terms of {term.kind}", where=row.where)
        found[term.station, term.kind] = term
    return tuple(found.values())


_FLOATS: Final = ("term", "sd", "scatter", "lat", "lon", "reach_km")


def _number(row: Row, column: str) -> float:
    value = row.number(column)
    if value is None:
        raise DetenteError(f"no {column}", where=row.where)
    return value
