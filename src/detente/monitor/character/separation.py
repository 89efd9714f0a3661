"""How strongly P/S ratios speak for an explosion: two populations, with errors shared by event, station and band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detente.monitor.character.ratios import Population, Ratio, populations

Float = NDArray[np.float64]

EVENT_SD: Final = (
    0.15  # how far one event's source, and the populations on a path nobody calibrated, may lie off
)
STATION_SD: Final = 0.20
BAND_SD: Final = 0.12
"""Together 0.28 at one station in one band: with the gap at 2-4 Hz, 1.3 spreads, as western China's misses ask."""
CAP: Final = 2.5
"""No number of ratios is let say more than this in log10: the populations themselves may be wrong."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def log10_ratio(ratios: Sequence[Ratio]) -> float:
    """log10 of explosion over earthquake likelihood of all ratios of a network, capped.

    Each ratio is its population's mean + an event's error + a station's + a band's, all Gaussian; the first two
    are integrated by quadrature, so that stations and bands are not counted as if they were independent.
    A ratio whose S was not seen counts by P(ratio > bound).
    """
    if not ratios:
        return 0.0
    means = {p.band: p for p in populations()}
    explosion = _log_likelihood(ratios, {b: p.explosion for b, p in means.items()})
    quake = _log_likelihood(ratios, {b: p.quake for b, p in means.items()})
    return float(np.clip((explosion - quake) / np.log(10), -CAP, CAP))


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
        (ours, theirs): np.exp(_paired(pairs, gaps, ours - theirs)) for ours in (0, 1) for theirs in (0, 1)
    }
    kinds = (1 - p_explosion, p_explosion)
    weigh = [sum(kinds[theirs] * likelihood[ours, theirs] for theirs in (0, 1)) for ours in (0, 1)]
    return float(np.clip(np.log10(max(weigh[1], 1e-30) / max(weigh[0], 1e-30)), -CAP, CAP))


def _paired(
    pairs: Sequence[tuple[Ratio, Ratio]], gaps: Mapping[tuple[float, float], float], kind: int
) -> float:
    """Log likelihood of the differences: kind +1 explosion beside a quake, 0 alike, -1 the other way round."""
    differences = [
        (r.station, r.raw - n.raw - kind * gaps[r.band], float(np.hypot(_noise(r), _noise(n))), r.at_least)
        for r, n in pairs
    ]
    sds = (np.sqrt(2) * EVENT_SD, STATION_SD / 2)  # one path: half the station's scatter is the source's
    return _integrate(differences, *sds, np.sqrt(2) * BAND_SD)


def _log_likelihood(ratios: Sequence[Ratio], means: Mapping[tuple[float, float], float]) -> float:
    rest = [
        (r.station, r.value - means[r.band], float(np.hypot(_noise(r), r.sd_path)), r.at_least)
        for r in ratios
    ]
    return _integrate(rest, EVENT_SD, STATION_SD, BAND_SD)


def _noise(r: Ratio) -> float:
    """Error of log10 P/S from the noise taken off, magnitude units."""
    return float(0.43 * np.hypot(1 / max(r.p_snr, 1) ** 2, 0 if r.at_least else 1 / max(r.s_snr, 1) ** 2))


def _integrate(
    rest: Sequence[tuple[str, float, float, bool]], event_sd: float, station_sd: float, band_sd: float
) -> float:
    """Log of the likelihood of residuals (station, residual, own sd, censored) over shared errors."""
    from scipy.special import log_ndtr

    shared = event_sd * _NODES  # (event,)
    total = np.zeros(len(_NODES))
    for station in sorted({r[0] for r in rest}):
        own = [r for r in rest if r[0] == station]
        # what the correction of the distance may be wrong by is one error for the station's bands
        offset = shared[:, None] + station_sd * _NODES[None, :]  # (event, station)
        log_density = np.zeros_like(offset)
        for _, residual, sd, censored in own:
            spread = np.hypot(band_sd, sd)
            z = (residual - offset) / spread
            log_density += log_ndtr(-z) if censored else -(z**2) / 2 - np.log(spread)
        peak = log_density.max(axis=1, keepdims=True)
        total += np.log(np.sum(np.exp(log_density - peak) * _WEIGHTS, axis=1)) + peak[:, 0]
    top = total.max()
    return float(np.log(np.sum(np.exp(total - top) * _WEIGHTS)) + top)


def gap(band: tuple[float, float]) -> Population:
    """The two means of one band."""
    return next(p for p in populations() if p.band == band)
