"""Relative location: correlation times of events that are near each other to their places, to tens of metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.event_location import local_km
from detente.monitor.network.lags import Lag, read_lags, read_slownesses, slownesses

__all__ = ["Lag", "Relative", "Relocation", "read_lags", "read_slownesses", "relocate", "slownesses"]

Float = NDArray[np.float64]

TAIL: Final = 3.0  # degrees of freedom of the residuals: cycle skips are many
LEAST_LAGS: Final = 10  # of a pair of events and a phase, to tell the size of their errors by themselves
SLOWNESS_SD: Final = 0.011
"""s/km a component: how far a slowness vector at the source may lie from the Earth model's. What arrays measure by
reciprocity: observed less ak135's at 14 IMS arrays in bins of slowness have this spread (median over the arrays)."""
ALIKE_S_KM: Final = 0.02
"""Vectors so far apart err alike by 1/e: over the same bins the correlation is 0.73, 0.56, 0.42, 0.34, 0.29 and 0.22 at
0.003, 0.009, 0.015, 0.021, 0.035 and 0.05 s/km."""


class Relative(msgspec.Struct, frozen=True, kw_only=True):
    """One event's place: km east and north of the events' mean, degrees, s from the reference's clock.

    The ellipse holds `confidence` of the bootstrap over stations and over errors of the slowness vectors.
    """

    event: str
    east_km: float
    north_km: float
    lat: float
    lon: float
    time: float
    semi_major_km: float
    semi_minor_km: float
    strike_deg: float
    lags: int
    confidence: float = 0.9


class Relocation(msgspec.Struct, frozen=True, kw_only=True):
    """Events relative to each other, how well the lags fit, and with which seed the errors were drawn."""

    events: tuple[Relative, ...]
    lags: int
    stations: int
    outliers: int
    scale_s: float
    seed: int


class _System(msgspec.Struct, frozen=True, eq=False):
    """Equations: each lag is the difference of two clocks less slowness times the step between two places.

    `width` unknowns an event: km east, km north, and a clock for each phase. `group`: station and phase; `kind`: the
    two events and the phase, which share the size of their errors; `sign`: (lag, event), 1 where it ends, -1 where it
    begins; `keys`: station and phase of each group.
    """

    events: tuple[str, ...]
    width: int
    matrix: Float
    rhs: Float
    group: NDArray[np.int64]
    keys: tuple[tuple[str, str], ...]
    sign: Float
    kind: NDArray[np.int64]
    weight: Float


def relocate(
    lags: Sequence[Lag],
    slowness: Mapping[tuple[str, str], tuple[float, float]],
    lat: float,
    lon: float,
    *,
    confidence: float = 0.9,
    draws: int = 300,
    seed: int = 1,
    slowness_sd: float = SLOWNESS_SD,
) -> Relocation:
    """Places and times of events from the lags between them; their mean is held at (lat, lon), degrees.

    t2 - t1 = T2 - T1 - s . (x2 - x1), s the slowness vector away from the source: straight wavefronts, so good
    while events lie within a few km. Each phase keeps its own clock (depth and pulse length shift Pn against P);
    times are relative to the first event's. Each pair of
    events and phase has errors of its own size, found from its residuals. Student weights (3 degrees of freedom) make
    cycle skips harmless; errors by bootstrap over station and phase, each draw with slowness vectors that err by
    `slowness_sd` (s/km a component) alike in like directions: stations side by side share their error, and an
    event's error grows with its distance from the others.
    Raises DetenteError for too few lags, or events no lag connects.
    Source: the double difference of Waldhauser and Ellsworth 2000, BSSA 90, 1353, for one slowness a station.
    """
    clocks = _clocks(lags)
    system = _balanced(_build(lags, slowness, clocks))
    n = len(system.events)
    x, scale, weight = _solve(system, system.weight)
    rng = np.random.default_rng(seed)
    groups = int(system.group.max()) + 1
    alike, steps = _alike(system, slowness), _steps(system, x)
    cloud = np.empty((draws, n, system.width))
    for k in range(draws):
        times = np.bincount(rng.integers(0, groups, groups), minlength=groups)
        wrong = slowness_sd * (alike @ rng.normal(size=(groups, 2)))[system.group]
        moved = msgspec.structs.replace(system, rhs=system.rhs - np.sum(wrong * steps, axis=1))
        cloud[k], _, _ = _solve(moved, system.weight * times[system.group], start=x)
    scale_2 = -2 * np.log(1 - confidence)
    found = []
    for i, event in enumerate(system.events):
        values, vectors = np.linalg.eigh(np.cov(cloud[:, i, :2].T) * scale_2)
        minor, major = np.sqrt(np.clip(values, 0, None))
        found.append(
            Relative(
                event=event,
                east_km=float(x[i, 0]),
                north_km=float(x[i, 1]),
                lat=lat + float(x[i, 1]) / _per_degree(lat)[1],
                lon=lon + float(x[i, 0]) / _per_degree(lat)[0],
                time=float(clocks[event] + x[i, 2:].mean()),
                semi_major_km=float(major),
                semi_minor_km=float(minor),
                strike_deg=float(np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180),
                lags=sum(event in (lag.event1, lag.event2) for lag in lags),
                confidence=confidence,
            )
        )
    return Relocation(
        events=tuple(found), lags=len(system.rhs), stations=groups, outliers=int((weight < 0.25).sum()),
        scale_s=scale, seed=seed,
    )  # fmt: skip


def _clocks(lags: Sequence[Lag]) -> dict[str, float]:
    """A rough clock for each event, so that numbers stay small: chained medians of the lags between them."""
    found = {lags[0].event1: lags[0].time1}
    while True:
        steps: dict[str, list[float]] = {}
        for lag in lags:
            if lag.event1 in found and lag.event2 not in found:
                steps.setdefault(lag.event2, []).append(found[lag.event1] + lag.time2 - lag.time1)
            elif lag.event2 in found and lag.event1 not in found:
                steps.setdefault(lag.event1, []).append(found[lag.event2] + lag.time1 - lag.time2)
        if not steps:
            break
        found |= {event: float(np.median(times)) for event, times in steps.items()}
    apart = sorted({e for lag in lags for e in (lag.event1, lag.event2)} - set(found))
    if apart:
        raise DetenteError(f"no lag connects '{apart[0]}' with '{lags[0].event1}'")
    return found


def _per_degree(lat: float) -> tuple[float, float]:
    """Kilometres in a degree of longitude and of latitude at a place."""
    east, _ = local_km(lat, 0.5, lat, 0.0)
    _, north = local_km(lat + 0.5, 0.0, lat, 0.0)
    return 2 * float(east), 2 * float(north)


def _build(
    lags: Sequence[Lag], slowness: Mapping[tuple[str, str], tuple[float, float]], clocks: Mapping[str, float]
) -> _System:
    usable = [lag for lag in lags if (lag.station, lag.phase) in slowness and lag.cc > 0]
    events = sorted({e for lag in usable for e in (lag.event1, lag.event2)})
    if len(usable) < 3 * len(events) or len(events) < 2:
        raise DetenteError(
            f"{len(usable)} lags with a known slowness for {len(events)} events", fix="three or more an event"
        )
    index = {e: i for i, e in enumerate(events)}
    phases = {p: i for i, p in enumerate(sorted({lag.phase for lag in usable}))}
    keys = {k: i for i, k in enumerate(sorted({(lag.station, lag.phase) for lag in usable}))}
    width = 2 + len(phases)
    matrix, rhs = np.zeros((len(usable), width * len(events))), np.empty(len(usable))
    signs = np.zeros((len(usable), len(events)))
    for r, lag in enumerate(usable):
        east, north = slowness[lag.station, lag.phase]
        for event, sign in ((lag.event1, -1.0), (lag.event2, 1.0)):
            at = width * index[event]
            matrix[r, at : at + 2] = -sign * east, -sign * north
            matrix[r, at + 2 + phases[lag.phase]] = sign
            signs[r, index[event]] = sign
        rhs[r] = (lag.time2 - clocks[lag.event2]) - (lag.time1 - clocks[lag.event1])
    group = np.array([keys[lag.station, lag.phase] for lag in usable])
    kinds = [(min(lag.event1, lag.event2), max(lag.event1, lag.event2), lag.phase) for lag in usable]
    number = {k: i for i, k in enumerate(sorted(set(kinds)))}
    kind = np.array([number[k] for k in kinds])
    weight = np.array([lag.cc**2 for lag in usable])
    return _System(tuple(events), width, matrix, rhs, group, tuple(keys), signs, kind, weight)


def _steps(system: _System, x: Float) -> Float:
    """(lag, 2) km east and north from each lag's first event to its second."""
    return np.asarray(system.sign @ x[:, :2])


def _alike(system: _System, slowness: Mapping[tuple[str, str], tuple[float, float]]) -> Float:
    """(group, group) that turns independent errors into errors alike in like directions, each of variance one."""
    vectors = np.array([slowness[k] for k in system.keys])
    apart = np.hypot(*(vectors[:, None] - vectors[None]).transpose(2, 0, 1))
    values, axes = np.linalg.eigh(np.exp(-apart / ALIKE_S_KM))
    return np.asarray(axes * np.sqrt(np.clip(values, 0, None)))


def _balanced(system: _System) -> _System:
    """Weights by how well each pair of events and phase fits: a small event's lags err more than the others'."""
    base, weight = system.weight, system.weight
    for _ in range(8):
        x, whole, _ = _solve(system, weight)
        residual = np.abs(system.rhs - system.matrix @ x.ravel())
        own = np.full(int(system.kind.max()) + 1, whole)
        for k in range(own.size):
            mine = residual[system.kind == k]
            if mine.size >= LEAST_LAGS:
                own[k] = max(float(np.median(mine)) / 0.7649, 0.25 * whole)
        weight = base * (whole / own[system.kind]) ** 2
    return msgspec.structs.replace(system, weight=weight)


def _solve(system: _System, weight: Float, start: Float | None = None) -> tuple[Float, float, Float]:
    """(event, width) unknowns with mean 0; the scale of residuals in s; the Student weights."""
    n, width = len(system.events), system.width
    hold = np.zeros((width, width * n))
    for k in range(width):
        hold[k, k::width] = 1e3  # the mean of each coordinate, and of each phase's clock, is held at 0
    robust: NDArray[Any] = np.ones(len(weight))
    if start is not None:
        robust, _ = _student(system.rhs - system.matrix @ start.ravel(), weight)
    x: NDArray[Any] = np.zeros(width * n)
    scale = 0.0
    for _ in range(60):
        w = weight * robust
        normal = system.matrix.T @ (w[:, None] * system.matrix) + hold.T @ hold
        normal += 1e-9 * np.eye(width * n)  # a phase that an event lacks has a clock of 0
        new = np.linalg.solve(normal, system.matrix.T @ (w * system.rhs))
        robust, scale = _student(system.rhs - system.matrix @ new, weight)
        done = float(np.max(np.abs(new - x)))
        x = new
        if done < 1e-6:
            break
    return x.reshape(n, width), scale, robust


def _student(residual: Float, weight: Float) -> tuple[Float, float]:
    """Weights of Student's law with TAIL degrees of freedom, scaled by the median absolute residual."""
    size = np.abs(residual[weight > 0])
    scale = float(np.median(size)) / 0.7649 + 1e-6  # of Student's law with 3 degrees: its median |t|
    return (TAIL + 1) / (TAIL + (residual / scale) ** 2), scale
