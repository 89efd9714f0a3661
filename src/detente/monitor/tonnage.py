"""A detection threshold in tonnes: coupled, in a cavity of given rock, depth and size, or by a factor."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.decoupling import (
    LARGEST_CREDIBLE_KT,
    Convention,
    amplitude_factor,
    magnitude_loss,
)
from detente.monitor.magnitude_yield import SMALL_SLOPES, Law, law, magnitude_of_yield
from detente.monitor.media import checked, medium

Float = NDArray[np.float64]

YIELDS_KT: Float = np.logspace(-6, 4, 401)
DETECTION_HZ = 2.0  # where the networks reach their thresholds: the best octave lies at 1.5 to 3 Hz


class Coupling(msgspec.Struct, frozen=True):
    """How a shot is coupled to the ground.

    Either by model: `rock`, `depth_m` and `cavity_radius_m` (None: tamped; 0: as large as full decoupling of
    each yield needs; else the radius at hand). Or by a stated `factor` under a named `convention`.
    """

    name: str
    rock: str = "granite"
    depth_m: float = 500.0
    cavity_radius_m: float | None = None
    factor: float | None = None
    convention: Convention = Convention.amplitude

    def __post_init__(self) -> None:
        medium(self.rock)
        checked("depth", self.depth_m, 20, 5000, "m")
        if self.factor is not None:
            magnitude_loss(self.factor, self.convention, 1.0)
        if self.cavity_radius_m is not None and not 0 <= self.cavity_radius_m < self.depth_m:
            raise DetenteError(
                f"a cavity of radius {self.cavity_radius_m:g} m at {self.depth_m:g} m depth", fix="go deeper"
            )

    @property
    def hides(self) -> bool:
        """Does it make the shot look smaller?"""
        return self.cavity_radius_m is not None or (self.factor or 1.0) > 1

    def seen(self, use: Law, small_slope: float) -> Float:
        """mb of each of YIELDS_KT under this coupling."""
        if self.factor is not None and self.convention is Convention.yield_equivalent:
            return np.asarray(magnitude_of_yield(YIELDS_KT / self.factor, use, small_slope=small_slope))
        coupled = magnitude_of_yield(YIELDS_KT, use, small_slope=small_slope)
        return np.maximum.accumulate(coupled - self._loss(YIELDS_KT))

    def _loss(self, yield_kt: Float) -> Float:
        if self.factor is not None:
            return np.full(np.shape(yield_kt), np.log10(self.factor))
        if self.cavity_radius_m is None:
            return np.zeros(np.shape(yield_kt))
        radius = self.cavity_radius_m or None
        lost: Float = np.log10(
            amplitude_factor(yield_kt, self.rock, self.depth_m, radius, frequency_hz=DETECTION_HZ)
        )
        return lost


COUPLED = Coupling("coupled")
DECOUPLED = Coupling("decoupled", cavity_radius_m=0.0)
SEVENTY_BY_YIELD = Coupling("factor 70 by yield", factor=70.0, convention=Convention.yield_equivalent)
SEVENTY_BY_AMPLITUDE = Coupling("factor 70 by amplitude", factor=70.0)
CREDIBLE_T = 1000.0 * LARGEST_CREDIBLE_KT


def tonnes(magnitude: Any, coupling: Coupling, use: str | Law = "semipalatinsk") -> tuple[Float, Float]:
    """Yields in tonnes that give `magnitude` under a coupling: low and high over the slope below 1 kt.

    The slope of magnitude on log yield below 1 kt is not known better than 0.75 to 1 (SMALL_SLOPES). NaN
    for magnitudes that no yield from 1 kg to 10 Mt gives. Raises DetenteError for an unknown law.
    """
    chosen = law(use)
    m = np.asarray(magnitude, float)
    found = []
    for slope in SMALL_SLOPES:
        seen = coupling.seen(chosen, slope)
        log_yield = np.interp(m, seen, np.log10(YIELDS_KT), left=np.nan, right=np.nan)
        found.append(1000.0 * 10**log_yield)
    return np.minimum(*found), np.maximum(*found)


def tonnage_marks(use: str | Law, largest_t: float) -> tuple[str, ...]:
    """What must be said of figures in tonnes by a law, up to `largest_t`."""
    chosen = law(use)
    source = f"{chosen.source.quality}: {chosen.source.ref}"
    marks = [
        f"tonnes by law {chosen.name}, mb = {chosen.a:g} + {chosen.b:g} log10 Y, made for {chosen.low_kt:g}"
        f" to {chosen.high_kt:g} kt ({source}); slope 0.75 to 1 below 1 kt: an extrapolation",
        "decoupling by amplitude at 2 Hz; source-model constants recalled, not read in a source",
    ]
    if largest_t > CREDIBLE_T:
        marks.append("extrapolated: full decoupling above 10 kt is judged impractical (NAP 12849 p. 162)")
    return tuple(marks)
