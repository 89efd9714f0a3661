"""Yield of a found event through part one's calibrated relations, under assumptions that are named."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Event, YieldRange
from detente.monitor.character.magnitudes import body_wave
from detente.monitor.decoupling import LARGEST_CREDIBLE_KT, NOT_MEASURED, amplitude_factor
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.magnitude_yield import Site, estimate_yield, sites

Float = NDArray[np.float64]

SITE_KM: Final = 100.0
CAVITY_DEPTH_M: Final = 500.0
LEAST_P: Final = 0.1
"""Below this probability of an explosion no yield is given: a collapse or an earthquake has none."""

UNKNOWN_ROCK: Final = Site(
    "anywhere", "a place without a calibration", 0.0, 0.0, "hard-rock", "stable", "granite"
)


def estimate(event: Event, *, draws: int = 20_000, seed: int = 1) -> Event:
    """The event with its yields: coupled at the site, and the same signal from a full cavity.

    The magnitude's own uncertainty (path, station, scale), the site's law, its scatter and, above 1 kt, the usual
    depth are drawn together. An event that is no explosion, or has no magnitude, gets none.
    """
    mb = body_wave(event)
    told = event.screening
    if mb is None or (told is not None and told.p_explosion is not None and told.p_explosion < LEAST_P):
        return msgspec.structs.replace(event, yields=())
    site, apart = nearest_site(event)
    agency = "idc" if mb.kind == "mb" else "usgs"  # mb(Pn) was tied to the NEIS's mb
    coupled = estimate_yield(mb.value, site, kind="mb", agency=agency, sd=mb.sd, draws=draws, seed=seed)
    where = (
        f"{site.name}, {apart:.0f} km away" if site is not UNKNOWN_ROCK else "no test site near: hard rock"
    )
    given = f"{mb.kind} {mb.value:.2f} +- {mb.sd:.2f}; {where}; seed {seed}"
    marks = "; ".join(coupled.marks)
    told_yields = [_range("coupled", coupled.draws, f"{given}; {marks}" if marks else given)]
    told_yields.append(_decoupled(coupled.draws, site, given))
    return msgspec.structs.replace(event, yields=tuple(told_yields))


def nearest_site(event: Event) -> tuple[Site, float]:
    """The test site within 100 km of the epicentre, or hard rock of a stable region; and how far (km)."""
    o = event.origin
    found = []
    for site in sites().values():
        degrees, _, _ = distance_azimuth(o.lat, o.lon, site.lat, site.lon)
        found.append((float(degrees) * KM_PER_DEG, site.id, site))
    km, _, site = min(found)
    return (site, km) if km <= SITE_KM else (UNKNOWN_ROCK, km)


def _decoupled(coupled_kt: Float, site: Site, given: str) -> YieldRange:
    """The fully decoupled shot that looks like the coupled one: Y / factor(Y) = coupled, solved on a grid."""
    y = np.logspace(-6, 5, 800)
    looks_like = np.maximum.accumulate(y / amplitude_factor(y, site.medium, CAVITY_DEPTH_M, None, 1.0))
    hidden = np.exp(np.interp(np.log(coupled_kt), np.log(looks_like), np.log(y)))
    why = f"{given}; cavity at {CAVITY_DEPTH_M:g} m in {site.medium}, at 1 Hz; {NOT_MEASURED}"
    if np.median(hidden) > LARGEST_CREDIBLE_KT:
        why += f"; judged impractical above {LARGEST_CREDIBLE_KT:g} kt (NAP 12849, p. 162)"
    return _range("fully decoupled", hidden, why)


def _range(assumption: str, draws: Float, why: str) -> YieldRange:
    low, mid, high = (float(q) for q in np.quantile(draws, (0.05, 0.5, 0.95)))
    return YieldRange(assumption=assumption, low_kt=low, median_kt=mid, high_kt=high, why=why)
