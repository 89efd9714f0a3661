"""How strongly P/S ratios speak for an explosion: two populations, with errors shared by event, station and band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.character.ratios import Population, Ratio, populations

Float = NDArray[np.float64]

EVENT_SD: Final = (
    0.12  # how far one event's source, and the populations on a path nobody calibrated, may lie off
)
STATION_SD: Final = 0.18
RADIATION_SD: Final = 0.21
"""What a quake's P adds at each station, for it radiates unevenly and an explosion does not: magnitudes scatter by 0.28
about their event for quakes, 0.18 for explosions, once site, area, zone and path are taken off ("The multifactor model
of magnitude residuals", DTIC ADA310736, abstract). One station in a node of S must not make an explosion."""
SHAPE_SD: Final = (
    0.12  # how far the populations' means may be off in one band, at all stations: slopes are assumed
)
SLOPE_SD: Final = 0.20
"""How far the means may turn over the bands, at all stations: the rise of an explosion's P/S with frequency is assumed,
so that it must not decide by itself; as large as the difference of the assumed rises, from 1 to 10 Hz either way."""
BAND_SD: Final = 0.10
"""Together 0.27 at one station in one band: with the gap at 2-4 Hz, 1.3 spreads, as western China's misses ask."""
CAP: Final = 2.5
"""No number of ratios is let say more than this in log10: the populations themselves may be wrong."""
ALONE: Final = 1.3
"""One station says at most this, 20 to 1: once in twenty its path is of another kind altogether (assumed; at one
station and in one band a fifth to a quarter of explosions are missed, BSSA 89(3) 648, abstract)."""


def log10_ratio(ratios: Sequence[Ratio], *, size_sd: float = 0.0) -> float:
    """log10 of explosion over earthquake likelihood of all ratios of a network, capped.

    `size_sd`: an error of all ratios more, of an event whose size is not known.

    Each ratio is its population's mean + errors, all Gaussian: of the event, of the station, of the band at all
    stations, of its own; so stations and bands are not counted as if they were independent. A ratio whose S was
    not seen counts by P(ratio > bound) given those that were measured.
    """
    if not ratios:
        return 0.0
    means = {p.band: p for p in populations()}
    quake, explosion = ({p.band: getattr(p, kind) for p in means.values()} for kind in ("quake", "explosion"))
    beyond = float(np.mean([r.value - explosion[r.band] for r in ratios]))
    # quakes scatter more, so that far above both populations the formula would turn back: higher never says less
    best = max(
        _log_likelihood(moved, explosion, 0.0, size_sd) - _log_likelihood(moved, quake, RADIATION_SD, size_sd)
        for shift in np.arange(0.0, max(beyond, 0.0) + 1e-9, 0.1)
        for moved in [[msgspec.structs.replace(r, value=r.value - shift) for r in ratios]]
    )
    most = CAP if len({r.station for r in ratios}) > 1 else ALONE
    return float(np.clip(best / np.log(10), -most, most))


def beside(ratios: Sequence[Ratio], neighbour: Sequence[Ratio], p_explosion: float) -> float | None:
    """log10 ratio from P/S beside that of a nearby event at the same stations; None with nothing in common.

    On one path the path's errors cancel: the difference is zero on average for two events of one kind, and
    the gap between the populations otherwise. `p_explosion`: how sure the neighbour's kind is.
    Source: Kitov and Rozhkov 2017, arXiv:1712.01819 (aftershocks beside the DPRK's tests).
    """
    other = {(r.station, r.band, r.components): r for r in neighbour if not r.at_least}
    pairs = [
        (r, other[r.station, r.band, r.components])
        for r in ratios
        if (r.station, r.band, r.components) in other
    ]
    if not pairs:
        return None
    gaps = {p.band: p.explosion - p.quake for p in populations()}
    likelihood = {
        (ours, theirs): np.exp(_paired(pairs, gaps, ours, theirs)) for ours in (0, 1) for theirs in (0, 1)
    }
    kinds = (1 - p_explosion, p_explosion)
    weigh = [sum(kinds[theirs] * likelihood[ours, theirs] for theirs in (0, 1)) for ours in (0, 1)]
    return float(np.clip(np.log10(max(weigh[1], 1e-30) / max(weigh[0], 1e-30)), -CAP, CAP))


def _paired(
    pairs: Sequence[tuple[Ratio, Ratio]], gaps: Mapping[tuple[float, float], float], one: int, other: int
) -> float:
    """Log likelihood of the differences of one event beside another: 1 an explosion, 0 a quake."""
    ours = [r for r, _ in pairs]
    rest = np.array([r.raw - n.raw - (one - other) * gaps[r.band] for r, n in pairs])
    own = np.array([np.hypot(_noise(r), _noise(n)) for r, n in pairs])
    # two events on one path: its error and the populations' are gone, each event's and each measurement's are doubled
    station = (STATION_SD / 2) ** 2 + (2 - one - other) * RADIATION_SD**2
    covariance = _covariance(ours, own**2 + 2 * BAND_SD**2, 2 * EVENT_SD**2, station, 0.0)
    return _gaussian(rest, covariance, np.array([r.at_least for r in ours]))


def _log_likelihood(
    ratios: Sequence[Ratio], means: Mapping[tuple[float, float], float], radiation: float, size: float
) -> float:
    rest = np.array([r.value - means[r.band] for r in ratios])
    own = np.array([_noise(r) ** 2 + r.sd_path**2 + BAND_SD**2 for r in ratios])
    covariance = _covariance(ratios, own, EVENT_SD**2 + size**2, STATION_SD**2 + radiation**2, SHAPE_SD**2)
    blind = np.array([r.sd_response for r in ratios])
    same = np.array([[a.station == b.station for b in ratios] for a in ratios])
    covariance = covariance + np.outer(blind, blind) * same
    turn = tilt([r.band for r in ratios])
    covariance = covariance + SLOPE_SD**2 * np.outer(turn, turn)
    return _gaussian(rest, covariance, np.array([r.at_least for r in ratios]))


def tilt(bands: Sequence[tuple[float, float]]) -> Float:
    """(n,) where each band lies between 1 (-1) and 10 Hz (1), by the logarithm of its middle."""
    return np.array([np.log10(low * high) - 1.0 for low, high in bands])


def _noise(r: Ratio) -> float:
    """Error of log10 P/S from the noise taken off, magnitude units."""
    return float(0.43 * np.hypot(1 / max(r.p_snr, 1) ** 2, 0 if r.at_least else 1 / max(r.s_snr, 1) ** 2))


def _covariance(ratios: Sequence[Ratio], own: Float, event: float, station: float, shape: float) -> Float:
    """Variances shared by all ratios of an event, by those of a station, by those of a band, and each one's own."""
    same_station = np.array([[a.station == b.station for b in ratios] for a in ratios])
    same_band = np.array([[a.band == b.band for b in ratios] for a in ratios])
    return np.asarray(event + station * same_station + shape * same_band + np.diag(own))


def _gaussian(rest: Float, covariance: Float, censored: NDArray[np.bool_]) -> float:
    """Log density of the measured residuals, plus log P(above the bound) of each censored one given those."""
    from scipy.special import log_ndtr

    seen = ~censored
    total = 0.0
    mean, variance = np.zeros(rest.size), np.diag(covariance).copy()
    if seen.any():
        known = covariance[np.ix_(seen, seen)]
        solved = np.linalg.solve(known, rest[seen])
        total -= 0.5 * float(rest[seen] @ solved + np.linalg.slogdet(2 * np.pi * known)[1])
        across = covariance[:, seen]
        mean = across @ solved
        variance = variance - np.einsum("ij,ji->i", across, np.linalg.solve(known, across.T))
    z = (rest[censored] - mean[censored]) / np.sqrt(np.maximum(variance[censored], 1e-9))
    return total + float(np.sum(log_ndtr(-z)))


def gap(band: tuple[float, float]) -> Population:
    """The two means of one band."""
    return next(p for p in populations() if p.band == band)
