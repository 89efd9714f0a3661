"""Magnitudes of a located event: every station that recorded the window, seen or not, then the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Event, Magnitude, StationMagnitude
from detente.monitor.character import scales
from detente.monitor.character.ground import (
    Swing,
    displacement,
    one_instrument,
    part,
    swing,
)
from detente.monitor.character.near import GUARD_S, SEA_LEAST, Station, stations
from detente.monitor.character.network_magnitude import network, upper_limit
from detente.monitor.character.scales import Scale
from detente.monitor.character.station_terms import Term, by_station, less_term
from detente.monitor.character.surface import SD as VMAX_SD
from detente.monitor.character.surface import SOURCE as VMAX_SOURCE
from detente.monitor.character.surface import SPEEDS_KM_S, rayleigh
from detente.monitor.magnitude_yield import IDC_BELOW_USGS
from detente.monitor.waves.response import Response, Responses
from detente.monitor.waves.trace import Array, Recording, Trace

Float = NDArray[np.float64]

LEAST_SNR: Final = 2.0
"""Below it a reading is not a signal but a limit to one."""

_LG_SPEEDS: Final = (3.2, 3.6)
_LG_BAND: Final = (0.6, 2.0)
_BODY: Final = (scales.MB, scales.MB_PN)


def measure(
    event: Event,
    recording: Recording,
    responses: Responses,
    arrays: Mapping[str, Array],
    *,
    terms: Iterable[Term] = (),
    kinds: Sequence[str] | None = None,
) -> Event:
    """The event with its network magnitudes, body waves first, every station's value inside.

    Parameters: `responses` finds the instrument of a trace (none: no magnitude from it); `terms`: station
    terms to take off; `kinds`: only these (mb, mb(Pn), mb(Pn,Korea), ML, mb_Lg, Ms, Ms(VMAX)).
    Source of the network's value: Ringdal 1976, BSSA 66(3) 789.
    """
    depth, known = event.origin.depth_km, by_station(terms)
    values: dict[str, list[StationMagnitude]] = {}
    for station in stations(event, recording, arrays):
        for m in _at(station, responses, depth, event.origin.time, kinds):
            values.setdefault(m.kind, []).append(less_term(m, known, event.origin))
    found = [_network(kind, values[kind]) for kind in ORDER if kind in values]
    return msgspec.structs.replace(
        event,
        magnitudes=tuple(m for m in found if not unseen(m)),
        limits=tuple(m for m in found if unseen(m)),
    )


def unseen(magnitude: Magnitude) -> bool:
    """No station measured it: the value is an upper limit."""
    return all(s.limit for s in magnitude.stations)


ORDER: Final = ("mb", "mb(Pn)", "mb(Pn,Korea)", "ML", "mb_Lg", "Ms", "Ms(VMAX)")
_SCALES: Final = {s.kind: s for s in (scales.MB, scales.MB_PN, scales.MB_PN_KOREA, scales.ML, scales.MS)}


def body_wave(event: Event) -> Magnitude | None:
    """The magnitude that stands for mb: teleseismic where three stations measured it, else mb(Pn)."""
    by_kind = {m.kind: m for m in event.magnitudes}
    tele, pn = by_kind.get("mb"), by_kind.get("mb(Pn)")
    if tele is not None and (pn is None or sum(not s.limit for s in tele.stations) >= 3):
        return tele
    return pn or tele


def as_idc(magnitude: Magnitude) -> float:
    """The value on the IDC's scale of mb: mb as it is, mb(Pn), which was tied to the NEIS's mb, 0.22 less."""
    return magnitude.value - (IDC_BELOW_USGS[0] if magnitude.kind == "mb(Pn)" else 0.0)


def _network(kind: str, stations: Sequence[StationMagnitude]) -> Magnitude:
    found = network(stations) or (upper_limit(stations) or np.nan, 0.0)
    scale = _SCALES.get(kind)
    bias = scale.bias_sd if scale else 0.15
    method = scale.source.ref if scale else (VMAX_SOURCE.ref if kind == "Ms(VMAX)" else scales.LG_SOURCE.ref)
    quality = scale.source.quality if scale else VMAX_SOURCE.quality
    silent = sum(s.limit for s in stations)
    told = f"{method}; {len(stations) - silent} measured, {silent} limits"
    if corrected := sum(s.term is not None for s in stations):
        told += f"; {corrected} station terms taken off"
    if quality.doubtful:
        told += "; recalled: constants not read in a source"
    return Magnitude(
        kind=kind,
        value=found[0],
        sd=float(np.hypot(found[1], bias)),
        stations=tuple(sorted(stations, key=lambda s: s.station)),
        method=told,
    )


def _at(
    station: Station, responses: Responses, depth: float, origin: float, kinds: Sequence[str] | None
) -> Iterator[StationMagnitude]:
    """All magnitudes of one station; of an array, the median over its elements."""
    by_kind: dict[str, list[StationMagnitude]] = {}
    for trace in station.verticals:
        instrument = responses.find(trace)
        if instrument is None:
            continue
        for m in _vertical(station, trace, instrument, depth, origin, kinds):
            by_kind.setdefault(m.kind, []).append(m)
    local = _local(station, responses, depth, origin) if kinds is None or "ML" in kinds else None
    if local is not None:
        by_kind["ML"] = [local]
    for several in by_kind.values():
        seen = [m for m in several if not m.limit] or several
        seen.sort(key=lambda m: m.value)
        yield seen[len(seen) // 2]


def _vertical(
    station: Station,
    trace: Trace,
    instrument: Response,
    depth: float,
    origin: float,
    kinds: Sequence[str] | None,
) -> Iterator[StationMagnitude]:
    def wanted(kind: str) -> bool:
        return kinds is None or kind in kinds

    degrees = station.path.distance_deg
    body = [s for s in (*_BODY, scales.MB_PN_KOREA) if wanted(s.kind) and s.covers(degrees, depth)]
    if body:
        ground = displacement(trace, instrument, scales.MB.band_hz)
        read = swing(ground, trace, scales.MB.band_hz, station.window(), station.noise())
        if read is not None:
            yield from (_value(s, station, read, depth) for s in body)
    if wanted("mb_Lg") and (lg := _lg(station, trace, instrument, depth, origin)) is not None:
        yield lg
    if wanted("Ms(VMAX)") and degrees <= 30 and depth <= 60:
        fast, slow = SPEEDS_KM_S[1], SPEEDS_KM_S[0]
        span = (origin + station.path.distance_km / fast, origin + station.path.distance_km / slow)
        wave = rayleigh(trace, instrument, degrees, span, station.p_time - GUARD_S)
        if wave is not None:
            name = station.path.station
            yield StationMagnitude(
                station=name, kind="Ms(VMAX)", value=wave.value, sd=VMAX_SD, limit=not wave.seen
            )
    if wanted("Ms") and scales.MS.covers(degrees, depth):
        yield from _ms20(station, trace, instrument, depth, origin)


def _value(scale: Scale, station: Station, read: Swing, depth: float) -> StationMagnitude:
    seen = read.snr >= LEAST_SNR
    # a signal that was not seen may have been as large as the least that would have been
    size = read.amplitude_nm if seen else LEAST_SNR * read.noise_nm
    value = scale.value(size, read.period_s, station.path.distance_deg, depth)
    return StationMagnitude(
        station=station.path.station,
        kind=scale.kind,
        value=value,
        sd=float(np.hypot(scale.sd, 0.43 / max(read.snr, 1.0))),
        arrival=station.arrival,
        limit=not seen,
    )


def _lg(
    station: Station, trace: Trace, instrument: Response, depth: float, origin: float
) -> StationMagnitude | None:
    """mb(Lg) from the third largest extreme between 3.6 and 3.2 km/s near 1 s."""
    way = station.path
    if not 1.5 <= way.distance_deg <= 20 or depth > 35 or way.sea > SEA_LEAST:
        return None
    ground = displacement(trace, instrument, _LG_BAND)
    window = part(
        ground, trace, origin + way.distance_km / _LG_SPEEDS[1], origin + way.distance_km / _LG_SPEEDS[0]
    )
    noise = part(ground, trace, *station.noise())
    if window is None or noise is None:
        return None
    size, quiet = _third(window), _third(noise)
    seen = size >= LEAST_SNR * quiet
    size = size if seen else LEAST_SNR * quiet
    spread = scales.mb_lg(size, way.distance_deg, way.q.q0 / way.q.spread) - scales.mb_lg(
        size, way.distance_deg, way.q.q0
    )
    return StationMagnitude(
        station=way.station,
        kind="mb_Lg",
        value=scales.mb_lg(size, way.distance_deg, way.q.q0),
        sd=float(np.hypot(0.2, spread)),
        arrival=station.arrival,
        limit=not seen,
    )


def _third(x: Float) -> float:
    """The third largest extreme, without sign."""
    turns = np.flatnonzero(np.diff(np.sign(np.diff(x)))) + 1
    return float(np.sort(np.abs(x[turns]))[-3]) if len(turns) >= 3 else float(np.abs(x).max())


def _local(station: Station, responses: Responses, depth: float, origin: float) -> StationMagnitude | None:
    """ML from the larger horizontal, as a Wood-Anderson torsion seismometer would write it, in nm of ground."""
    way = station.path
    if not scales.ML.covers(way.distance_deg, depth):
        return None
    sizes = []
    for letters in (("N", "1"), ("E", "2")):
        one = [one_instrument(station.traces, c) for c in letters]
        trace = next((t for t in one if t is not None), None)
        instrument = responses.find(trace) if trace is not None else None
        if trace is None or instrument is None:
            continue
        ground = _wood_anderson(displacement(trace, instrument, scales.ML.band_hz), trace.rate_hz)
        window = part(ground, trace, station.p_time - 1, origin + max(way.distance_km / 2.5, way.s_s + 5))
        noise = part(ground, trace, *station.noise())
        if window is not None and noise is not None:
            sizes.append((float(np.abs(window).max()), float(np.abs(noise).max())))
    if not sizes:
        return None
    size, quiet = max(sizes)
    seen = size >= LEAST_SNR * quiet
    return StationMagnitude(
        station=way.station,
        kind="ML",
        value=scales.ML.value(size if seen else LEAST_SNR * quiet, 1.0, way.distance_deg, depth),
        sd=scales.ML.sd,
        arrival=station.arrival,
        limit=not seen,
    )


def _wood_anderson(ground: Float, rate_hz: float) -> Float:
    """Ground displacement through a torsion seismometer of 0.8 s and damping 0.7, magnification one."""
    n = 1 << int(np.ceil(np.log2(2 * ground.size)))
    s = 2j * np.pi * np.fft.rfftfreq(n, 1 / rate_hz)
    w0 = 2 * np.pi / 0.8
    written: Float = np.fft.irfft(np.fft.rfft(ground, n) * s**2 / (s**2 + 1.4 * w0 * s + w0**2), n)[
        : ground.size
    ]
    return written


def _ms20(
    station: Station, trace: Trace, instrument: Response, depth: float, origin: float
) -> Iterator[StationMagnitude]:
    """Ms from 18-22 s between 4.0 and 3.0 km/s."""
    way = station.path
    span = (origin + way.distance_km / 4.0, origin + way.distance_km / 3.0)
    if trace.end < span[1]:
        return
    ground = displacement(trace, instrument, scales.MS.band_hz)
    read = swing(ground, trace, scales.MS.band_hz, span, (trace.start, station.p_time - GUARD_S))
    if read is not None and 16 <= read.period_s <= 24:
        yield _value(scales.MS, station, read, depth)
