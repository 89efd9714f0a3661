"""Reversed and swapped components, found by holding neighbouring sensors against each other.

Two sensors see the same ground where they stand closer than a quarter of a wavelength of what passes. In a band in
which most neighbours agree, one that is the mirror image of all its neighbours is wired the wrong way round, and one
whose north is its neighbours' east has its cables swapped. Where no band is coherent nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array, Fault, FaultKind, Recording, Site, Trace

Float = NDArray[np.float64]

_BANDS = ((0.1, 0.4), (0.4, 1.0), (1.0, 2.5))
_SLOWNESS_S_KM = 0.1
_AGREE = 0.6
"""At 60 s and 0.3 Hz of band, chance correlations have a standard deviation of 0.17: this is 3.6 of them."""
_LEAST_S, _MOST_S = 60.0, 600.0
_COMPONENTS = "ZNE"


class Sensor(msgspec.Struct, frozen=True, eq=False):
    """One sensor's components over the time that all share, and where it stands."""

    name: str
    site: Site
    parts: dict[str, Trace]


def orientation(recording: Recording, arrays: Mapping[str, Array]) -> tuple[Fault, ...]:
    """A fault for each component that is reversed or swapped against its neighbours, where the data can tell."""
    found, _ = by_array(recording, arrays)
    faults: list[Fault] = []
    for code, traces in found.items():
        sensors = _sensors(traces, arrays[code])
        if len(sensors) >= 2:
            faults += _swapped(sensors)
            told = {f.channel for f in faults}
            for part in _COMPONENTS:
                group = [s for s in sensors if part in s.parts and s.parts[part].id not in told]
                if len(group) >= 2:
                    faults += _reversed(group, part)
    return tuple(faults)


def _sensors(traces: Sequence[Trace], array: Array) -> list[Sensor]:
    """The sensors whose records share the most time, cut to it."""
    sites = {s.code: s for s in array.sites}
    longest: dict[tuple[str, str, str], Trace] = {}
    for t in traces:
        key = (t.station, f"{t.location}{t.channel[:2]}", t.channel[-1:])
        if t.channel[-1:] in _COMPONENTS and (
            key not in longest or t.samples.size > longest[key].samples.size
        ):
            longest[key] = t
    if not longest:
        return []
    start = float(np.median([t.start for t in longest.values()])) + 1.0
    end = float(np.median([t.end for t in longest.values()])) - 1.0
    if end - start > _MOST_S:
        start, end = _loudest(next(iter(longest.values())), start, end)
    grouped: dict[tuple[str, str], dict[str, Trace]] = {}
    for (station, band, part), trace in longest.items():
        if trace.start <= start and trace.end >= end and end - start >= _LEAST_S:
            grouped.setdefault((station, band), {})[part] = trace.cut(start, end)
    return [Sensor(f"{s} {band}", sites[s], parts) for (s, band), parts in grouped.items()]


def _loudest(trace: Trace, start: float, end: float) -> tuple[float, float]:
    """The `_MOST_S` with the most energy: an event shows more of the sensors than noise does."""
    x = trace.cut(start, end).samples.astype(float)
    energy = np.concatenate(([0.0], np.cumsum((x - x.mean()) ** 2)))
    n = round(_MOST_S * trace.rate_hz)
    if energy.size <= n:
        return start, end
    first = int(np.argmax(energy[n:] - energy[:-n])) / trace.rate_hz
    return start + first, start + first + _MOST_S


def _reversed(group: Sequence[Sensor], part: str) -> list[Fault]:
    best: tuple[float, Float, NDArray[np.bool_], tuple[float, float]] | None = None
    for band in _BANDS:
        near = _near(group, band)
        if not near.any():
            continue
        matrix = _correlations([s.parts[part] for s in group], band, near)
        level = float(np.median(np.abs(matrix[near])))
        if level >= _AGREE and (best is None or level > best[0]):
            best = (level, matrix, near, band)
    if best is None:
        return []
    _, matrix, near, band = best
    side = [float(np.median(matrix[i, near[i]])) if near[i].any() else 0.0 for i in range(len(group))]
    against = [i for i, value in enumerate(side) if value <= -_AGREE]
    words = f"mirror image of its neighbours between {band[0]:g} and {band[1]:g} Hz"
    if len(group) == 2 and against:
        words = f"{group[0].name} and {group[1].name} are mirror images: one of them is reversed"
    elif 2 * len(against) >= len(group):
        return []
    return [_fault(group[i].parts[part], "polarity", words) for i in against]


def _swapped(sensors: Sequence[Sensor]) -> list[Fault]:
    whole = [s for s in sensors if all(p in s.parts for p in _COMPONENTS)]
    if len(whole) < 2:
        return []
    crossed: dict[int, list[tuple[int, ...]]] = {i: [] for i in range(len(whole))}
    for band in _BANDS:
        near = _near(whole, band)
        for i, j in zip(*np.nonzero(np.triu(near)), strict=True):
            order = _order(whole[i], whole[j], band)
            if order is not None:
                crossed[i].append(order)
                crossed[j].append(order)
    faults = []
    for i, orders in crossed.items():
        odd = [o for o in orders if o != (0, 1, 2)]
        if orders and 2 * len(odd) > len(orders):
            if len(whole) > 2 and not _alone(crossed, i):
                continue
            pair = " ".join(_COMPONENTS[k] for k in range(3) if odd[0][k] != k)
            words = f"{pair} stand in each other's place against neighbours"
            if len(whole) == 2:
                words = f"{pair} of {whole[0].name} and {whole[1].name} are swapped in one of them"
            faults += [_fault(whole[i].parts[p], "swapped", words) for p in _COMPONENTS if p in pair]
    return faults


def _alone(crossed: Mapping[int, Sequence[tuple[int, ...]]], i: int) -> bool:
    """Whether most of the other sensors agree among themselves."""
    fine = sum(1 for k, orders in crossed.items() if k != i and orders and _mostly_in_order(orders))
    return 2 * fine >= len(crossed) - 1


def _mostly_in_order(orders: Sequence[tuple[int, ...]]) -> bool:
    return 2 * sum(o == (0, 1, 2) for o in orders) >= len(orders)


def _order(a: Sensor, b: Sensor, band: tuple[float, float]) -> tuple[int, ...] | None:
    """Which component of `b` each of `a`'s is, None where the records do not tell."""
    traces = [s.parts[p] for s in (a, b) for p in _COMPONENTS]
    every = np.ones((6, 6), bool)
    matrix = np.abs(_correlations(traces, band, every))[:3, 3:]
    scores = {o: float(min(matrix[k, o[k]] for k in range(3))) for o in permutations(range(3))}
    best = max(scores, key=lambda o: scores[o])
    if scores[best] < _AGREE or max(v for o, v in scores.items() if o != best) > scores[best] - 0.2:
        return None
    return best


def _near(group: Sequence[Sensor], band: tuple[float, float]) -> NDArray[np.bool_]:
    """(sensor, sensor): pairs that a P wave crosses within a quarter of the band's shortest period."""
    lats, lons = np.array([s.site.lat for s in group]), np.array([s.site.lon for s in group])
    degrees, _, _ = distance_azimuth(lats[:, None], lons[:, None], lats[None], lons[None])
    near = degrees * KM_PER_DEG * _SLOWNESS_S_KM <= 1 / (4 * band[1])
    near &= ~np.eye(len(group), dtype=bool)
    return np.asarray(near)


def _correlations(traces: Sequence[Trace], band: tuple[float, float], near: NDArray[np.bool_]) -> Float:
    """(trace, trace): the correlation of largest size within a quarter period, signed; 0 where not asked or not fit."""
    n = min(t.samples.size for t in traces)
    matrix = np.zeros((len(traces), len(traces)))
    rate = traces[0].rate_hz
    if n < 32 or any(abs(t.rate_hz - rate) > 1e-3 * rate for t in traces) or band[1] > 0.4 * rate:
        return matrix
    sos = butter(3, band, "bandpass", fs=rate, output="sos")
    filtered = [_unit(sosfiltfilt(sos, t.samples[:n].astype(float))) for t in traces]
    lags = max(1, round(rate / (4 * band[1])))
    for i, j in zip(*np.nonzero(near), strict=True):
        if i < j:
            matrix[i, j] = matrix[j, i] = _best(filtered[i], filtered[j], lags)
    return matrix


def _unit(x: Any) -> Float:
    y: Float = np.asarray(x, float) - float(np.mean(x))
    size = float(np.sqrt(y @ y))
    return y / size if size > 0 else y


def _best(a: Float, b: Float, lags: int) -> float:
    n = a.size
    values = [
        float(a[max(0, k) : n + min(0, k)] @ b[max(0, -k) : n - max(0, k)]) for k in range(-lags, lags + 1)
    ]
    return max(values, key=abs)


def _fault(trace: Trace, kind: FaultKind, detail: str) -> Fault:
    return Fault(channel=trace.id, kind=kind, start=trace.start, end=trace.end, detail=detail)
