"""P over S in several bands at each station: noise taken off, limits where S is not seen, distance corrected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.character.ground import part
from detente.monitor.character.near import SEA_LEAST, Station
from detente.monitor.character.paths import Path
from detente.monitor.waves.trace import Trace
from detente.tables import read_table

Float = NDArray[np.float64]
Band = tuple[float, float]

REFERENCE_KM: Final = 300.0
NEAR_KM, FAR_KM = 120.0, 1300.0
P_KM_S: Final = 6.2
S_KM_S: Final = 3.5
SPREADING: Final = 0.5  # P falls with distance by this power more than the S train: r^-1 against r^-0.5
LEAST_P_SNR: Final = 2.0
LEAST_S_SNR: Final = 1.5
_NOISE_S: Final = 50.0
_GUARD_S: Final = 3.0
_ORDER: Final = 4


class Population(msgspec.Struct, frozen=True):
    """Means of log10 P/S at the reference distance in one band (Hz)."""

    band: Band
    quake: float
    explosion: float


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """log10 P/S of one station in one band.

    `value` at the reference distance, `raw` as measured; `sd_path`: what the distance correction may be wrong by
    (one error for all bands of a station); `sd_response`: what an instrument that nobody knows may have done to it (one
    for all bands, too); `at_least`: S was not seen, so that the ratio is this or more.
    `p_snr`, `s_snr`: rms over that of the noise; `components`: 1 or 3.
    """

    station: str
    band: Band
    value: float
    raw: float
    sd_path: float
    at_least: bool
    p_snr: float
    s_snr: float
    components: int
    distance_km: float
    sd_response: float = 0.0


@lru_cache(maxsize=1)
def populations() -> tuple[Population, ...]:
    """The rows of ``data/ps_populations.csv``."""
    columns = ("low_hz", "high_hz", "quake", "explosion", "source", "quality")
    rows = read_table(files("detente.monitor") / "data" / "ps_populations.csv", columns)
    return tuple(
        Population((float(r["low_hz"]), float(r["high_hz"])), float(r["quake"]), float(r["explosion"]))
        for r in rows
    )


def correction(way: Path, band: Band) -> tuple[float, float]:
    """What to add to log10 P/S to bring it to 300 km, and its uncertainty.

    Attenuation: S loses pi f r / (Q v_S), P pi f r / (Q v_P), Q = q0 f^eta of Lg for both (Pg and Lg of a crust
    have much the same Q); spreading: P falls by half a power of distance more. Source: the form of MDAC,
    Taylor, Velasco, Hartse, Phillips, Walter and Rodgers 2002, Pure Appl. Geophys. 159, 623 (recalled).
    """
    f = float(np.sqrt(band[0] * band[1]))
    slope = np.pi * np.log10(np.e) * f / (way.q.q0 * f**way.q.eta) * (1 / S_KM_S - 1 / P_KM_S)
    lost = float(slope * (way.distance_km - REFERENCE_KM))
    spread = SPREADING * float(np.log10(way.distance_km / REFERENCE_KM))
    return spread - lost, float(np.hypot(lost * (way.q.spread - 1), spread / 2))


def usable(way: Path) -> str:
    """Why a station's P/S says nothing; empty where it may."""
    if not NEAR_KM <= way.distance_km <= FAR_KM:
        return f"{way.distance_km:.0f} km is not between {NEAR_KM:g} and {FAR_KM:g} km"
    if way.sea > SEA_LEAST:
        return f"{100 * way.sea:.0f} % of the path lies under the sea, which Lg does not cross"
    return ""


def ratios(station: Station, origin_time: float, *, known: bool = True) -> tuple[Ratio, ...]:
    """P/S of one station in every band it can measure; three components where one sensor has them.

    `known`: its response is. Where not, the record may be displacement or acceleration for all one knows, and its
    components may have three gains: how far P/S moves by a derivative, an integral, the vertical alone is its doubt.

    Windows: from 0.5 s before the first P to 5.6 km/s (or 3 s before S), and from 2 s before the first S to
    3.0 km/s. The power of the noise before P is taken off both.
    Source of the windows: the largest amplitude before Sn over that after it separates best at regional
    distances (BSSA 71(1) 263, abstract).
    """
    way = station.path
    if usable(way):
        return ()
    shift = station.p_time - origin_time - way.p_s
    s_first = origin_time + way.s_s + shift
    p_span = (station.p_time - 0.5, max(origin_time + way.distance_km / 5.6 + shift, station.p_time + 5))
    p_span = (p_span[0], min(p_span[1], s_first - 3))
    s_span = (s_first - 2, origin_time + way.distance_km / 3.0 + shift)
    if p_span[1] - p_span[0] < 3 or s_span[1] - s_span[0] < 3:
        return ()
    sensors = _sensor(station.traces)
    found = []
    for population in populations():
        one = _ratio(station, sensors, population.band, p_span, s_span)
        if one is not None and not known:
            others = [_ratio(station, o, population.band, p_span, s_span) for o in _otherwise(sensors)]
            off = [o.raw - one.raw for o in others if o is not None]
            one = msgspec.structs.replace(
                one, sd_response=float(np.sqrt(np.mean(np.square(off)))) if off else 0.0
            )
        if one is not None:
            found.append(one)
    return tuple(found)


def _otherwise(sensors: Sequence[Trace]) -> list[tuple[Trace, ...]]:
    """The same record as other instruments would have it: a derivative, an integral, the vertical alone."""
    steep, flat = [], []
    for t in sensors:
        x = t.samples.astype(float)
        steep.append(msgspec.structs.replace(t, samples=np.gradient(x).astype(np.float32)))
        sums = np.cumsum(x - x.mean())
        flat.append(msgspec.structs.replace(t, samples=(sums - sums.mean()).astype(np.float32)))
    upright = tuple(t for t in sensors if t.channel[-1:] == "Z")
    return [tuple(steep), tuple(flat), *([upright] if 0 < len(upright) < len(sensors) else [])]


def _sensor(traces: Sequence[Trace]) -> tuple[Trace, ...]:
    """All components of one sensor: three if any has three, the highest rate among those."""
    groups: dict[tuple[str, str, str, float], list[Trace]] = {}
    for t in traces:
        groups.setdefault((t.station, t.location, t.channel[:-1], t.rate_hz), []).append(t)
    full = [g for g in groups.values() if any(t.channel[-1:] == "Z" for t in g)]
    best = max(full, key=lambda g: (len({t.channel for t in g}) >= 3, g[0].rate_hz), default=[])
    distinct = {t.channel: t for t in best}
    if len(distinct) >= 3:
        return tuple(distinct.values())[:3]
    return tuple(t for t in distinct.values() if t.channel[-1:] == "Z")


def _ratio(
    station: Station, sensors: Sequence[Trace], band: Band, p_span: Band, s_span: Band
) -> Ratio | None:
    power = np.zeros(3)
    for trace in sensors:
        if band[1] > 0.42 * trace.rate_hz:
            return None
        x = _filtered(trace, band)
        quiet = (max(station.p_time - _GUARD_S - _NOISE_S, trace.start + 2), station.p_time - _GUARD_S)
        parts = [part(x, trace, *span) for span in (p_span, s_span, quiet)]
        if quiet[1] - quiet[0] < 10 or any(p is None for p in parts):
            return None
        power += [float(np.mean(p**2)) for p in parts if p is not None]
    if not sensors or power[2] <= 0:
        return None
    p, s, n = power
    p_snr, s_snr = float(np.sqrt(p / n)), float(np.sqrt(s / n))
    if p_snr < LEAST_P_SNR:
        return None
    hidden = s_snr < LEAST_S_SNR
    # an S that is not seen may be as large as the noise lets it be
    s_power = n * (LEAST_S_SNR**2 - 1) if hidden else s - n
    raw = 0.5 * float(np.log10((p - n) / s_power))
    add, sd = correction(station.path, band)
    return Ratio(
        station=station.path.station,
        band=band,
        value=raw + add,
        raw=raw,
        sd_path=sd,
        at_least=hidden,
        p_snr=p_snr,
        s_snr=s_snr,
        components=len(sensors),
        distance_km=station.path.distance_km,
    )


def _filtered(trace: Trace, band: Band) -> Float:
    from scipy.signal import butter, sosfiltfilt

    sections = butter(_ORDER, band, "band", fs=trace.rate_hz, output="sos")
    x = trace.samples.astype(float)
    filtered: Float = sosfiltfilt(sections, x - x.mean())
    return filtered
