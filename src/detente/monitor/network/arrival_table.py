"""Arrivals and stations of a day as association's kernels take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.network.noise import noise_densities
from detente.monitor.network.observed import SLOWNESS_ERROR_S_KM, true_direction
from detente.monitor.network.phases import Network
from detente.monitor.waves.trace import Array, Site

if TYPE_CHECKING:
    from detente.monitor.network.associate import Settings

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class Table(msgspec.Struct, frozen=True, eq=False):
    """Arrivals and stations as the kernels take them: see `_score_kernel`."""

    arrivals: tuple[Arrival, ...]
    zero: float
    length_s: float
    a: Float
    hint: Int
    first: Int
    st: Float
    network: Network

    @classmethod
    def of(
        cls,
        arrivals: Sequence[Arrival],
        sites: Mapping[str, Site | Array],
        settings: Settings,
        listened: Mapping[str, float] | None = None,
    ) -> Table:
        """Sort by station and time. Raises DetenteError for an arrival at an unknown station."""
        unknown = sorted({a.station for a in arrivals} - set(sites))
        if unknown:
            raise DetenteError(f"no place for station '{unknown[0]}'", where="arrivals")
        net = Network.of(sites)
        where = {code: i for i, code in enumerate(net.codes)}
        ordered = sorted(arrivals, key=lambda a: (where[a.station], a.time, a.id))
        zero = min(a.time for a in arrivals)
        length = max(a.time for a in arrivals) - zero
        station = np.array([where[a.station] for a in ordered])
        first = np.searchsorted(station, np.arange(len(net.codes) + 1))
        rows = np.array([_features(a, zero, bool(net.is_array[where[a.station]])) for a in ordered])
        heard = _heard(net.codes, length, listened)
        noise = noise_densities(rows, first, heard, trains=listened is not None)
        true = [true_direction(a, bool(net.is_array[where[a.station]])) for a in ordered]
        a = np.column_stack([rows, noise, true])
        hint = np.array([_hint(a.phase) for a in ordered])
        return cls(
            tuple(ordered),
            zero,
            length,
            a,
            hint,
            first,
            _stations(rows, ordered, first, net, heard, settings),
            net,
        )


def _features(a: Arrival, zero: float, is_array: bool) -> tuple[float, ...]:
    """Time, error, azimuth, error, slowness, error, log10 A/T; an array's model errors counted in."""
    direction = direction_sd = slow = slow_sd = log_a = np.nan
    p = a.slowness_s_km if a.slowness_s_km is not None else 0.06
    if a.backazimuth_deg is not None:
        direction = a.backazimuth_deg
        wide = np.degrees(np.arctan2(SLOWNESS_ERROR_S_KM, max(p, 0.005)))
        given = a.backazimuth_sd_deg if a.backazimuth_sd_deg is not None else (8.0 if is_array else 25.0)
        direction_sd = min(120.0, float(np.hypot(given, wide)))
    if a.slowness_s_km is not None:
        slow = p
        given = a.slowness_sd_s_km if a.slowness_sd_s_km is not None else (0.01 if is_array else 0.06)
        slow_sd = float(np.hypot(given, SLOWNESS_ERROR_S_KM))
    if a.amplitude_nm and a.period_s and a.amplitude_nm > 0 and a.period_s > 0:
        log_a = float(np.log10(a.amplitude_nm / a.period_s))
    return a.time - zero, a.time_sd, direction, direction_sd, slow, slow_sd, log_a


def _hint(phase: str) -> int:
    if not phase or phase in ("N", "Tx", "tx"):
        return 0
    return 2 if phase[0] in "SLRsl" and not phase.startswith("sP") else 1


def _heard(codes: Sequence[str], length: float, listened: Mapping[str, float] | None) -> Float:
    """Seconds heard of each station: as told, or the span of all arrivals, an hour at least."""
    if listened is None:
        return np.full(len(codes), max(length, 3600.0))
    return np.array([listened.get(code, 0.0) for code in codes])


def _stations(
    rows: Float, ordered: Sequence[Arrival], first: Int, net: Network, heard: Float, settings: Settings
) -> Float:
    """(station, 2): log10 A/T seen half the time, and the silence in s after which a station was surely off.

    The level: the station's own noise (amplitude over signal-to-noise ratio) times the ratio that its weakest
    arrivals reach; where arrivals give no amplitudes, the capability model's noise at its kind of site.
    """
    out = np.empty((len(net.codes), 2))
    typical = []
    for s in range(len(net.codes)):
        part = ordered[first[s] : first[s + 1]]
        loud = np.array([
            (rows[first[s] + i, 6], np.log10(a.snr)) for i, a in enumerate(part)
            if a.snr and a.snr > 0 and np.isfinite(rows[first[s] + i, 6])
        ])  # fmt: skip
        out[s, 0] = np.nan
        if len(loud) >= 8:
            noise = float(np.median(loud[:, 0] - loud[:, 1]))
            out[s, 0] = noise + float(np.quantile(loud[:, 1], 0.05))
            typical.append((bool(net.is_array[s]), out[s, 0]))
        out[s, 1] = 9.0 * heard[s] / (len(part) + 1.0)
    for s in map(int, np.flatnonzero(np.isnan(out[:, 0]))):
        alike = [v for is_array, v in typical if is_array == net.is_array[s]]
        out[s, 0] = np.median(alike) if alike else _modelled(bool(net.is_array[s]), settings.snr)
    return out


@lru_cache(maxsize=8)
def _modelled(is_array: bool, snr: float) -> float:
    """log10 of A/T at 1 Hz that a typical station sees half the time, from the capability's noise."""
    from detente.monitor.capability import noise_floor
    from detente.monitor.stations import network

    kinds = [s for s in network(("primary", "auxiliary")) if (s.kind == "array") == is_array]
    floor = np.array([float(noise_floor(s, np.array([1.0]))[0]) for s in kinds])
    return float(np.median(np.log10(snr * floor)))
