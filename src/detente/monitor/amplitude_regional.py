"""Regional Pn and Lg amplitude in Central Asia: spreading, then Q0 f^eta, from one reference amplitude."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.monitor.amplitude_veith_clawson import q_factor
from detente.monitor.geo import KM_PER_DEG
from detente.monitor.validity import Domain
from detente.sources import Quality

Float = NDArray[np.float64]

REFERENCE_KM: Final = 1000.0
# Eastern Kazakhstan, Dzungaria, Altai, the Tien Shan and the northern Tarim. South of it, under Tibet, high
# frequencies of Pn and all of Lg are attenuated far more (Xie, AGU 2004 S13B-1067; Fan and Lay 2002).
LAT: Final = (38.0, 56.0)
LON: Final = (65.0, 100.0)


class RegionalLaw(msgspec.Struct, frozen=True):
    """log10 A = m - reference - n log10(r/r0) - pi log10(e) [r f^(1-eta) - r0] / (Q0 v) + 0.5 log10 f.

    `reference`: m - log10 A (zero-to-peak, nm) at 1 Hz and r0 = 1000 km; n = `spreading`; `velocity` km/s.
    The last term: the part of a wave train in an octave grows with the root of its width. The source is
    flat, that is, f lies below its corner frequency.
    """

    phase: str
    reference: float
    spreading: float
    q0: float
    eta: float
    velocity: float
    domain: Domain
    source: str
    quality: Quality

    def log_amplitude(
        self,
        magnitude: ArrayLike,
        distance_deg: ArrayLike,
        frequency_hz: ArrayLike,
        *,
        extrapolate: bool = False,
    ) -> Float:
        """log10 of the zero-to-peak amplitude in nm in an octave about `frequency_hz`.

        Raises DetenteError outside the law's domain unless an extrapolation is asked for.
        """
        r = np.asarray(distance_deg, float) * KM_PER_DEG
        f = np.asarray(frequency_hz, float)
        self.domain.check(extrapolate=extrapolate, distance=r, frequency=f)
        r = np.maximum(r, 1.0)
        lost = np.pi * np.log10(np.e) * (r * f ** (1 - self.eta) - REFERENCE_KM) / (self.q0 * self.velocity)
        value: Float = (
            np.asarray(magnitude, float)
            - self.reference
            - self.spreading * np.log10(r / REFERENCE_KM)
            - lost
            + 0.5 * np.log10(f)
        )
        return value


# Pn: numbers of Sereno, Bratt and Bache 1988 for Scandinavia (recalled). That eastern Kazakhstan is not much
# different, between 200 and 1300 km, 1 and 10 Hz, m 2.3 and 4.6, was read in the abstract of Sereno 1990.
# The level is tied to mb by Veith and Clawson's Q at 1000 km.
PN: Final = RegionalLaw(
    "Pn",
    float(q_factor(REFERENCE_KM / KM_PER_DEG)),
    1.3,
    325.0,
    0.48,
    8.0,
    Domain("Pn, eastern Kazakhstan", (("distance", "km", 200.0, 1300.0), ("frequency", "Hz", 1.0, 10.0))),
    "Sereno, Bratt and Bache 1988, JGR 93(B3) 2019; Sereno 1990, BSSA 80(6B) 2089 (abstract)",
    Quality.recalled,
)

# Lg: Q0 275, the middle of 250-300 for Dzungaria and the Tien Shan, eta 0.7 of 0.5-0.9 (Xu et al.);
# Nuttli's 110 micrometres at 10 km and 1 Hz for mb(Lg) 5 (recalled), with his spreading, carried to 1000 km.
LG: Final = RegionalLaw(
    "Lg",
    5.0
    - np.log10(110e3)
    + np.log10(REFERENCE_KM / 10) / 3
    + 0.5 * np.log10(np.sin(REFERENCE_KM / 6371) / np.sin(10 / 6371))
    + np.pi * np.log10(np.e) * (REFERENCE_KM - 10) / (275.0 * 3.5),
    0.5 + 1 / 3,
    275.0,
    0.7,
    3.5,
    Domain("Lg, Dzungaria", (("distance", "km", 100.0, 1300.0), ("frequency", "Hz", 0.5, 5.0))),
    "Nuttli 1986, JGR 91(B2) 2137 (level, spreading); Lg coda Q of Xinjiang, Xu et al.",
    Quality.recalled,
)


def in_region(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.bool_]:
    """Does a place lie in the part of Central Asia whose paths the laws describe?"""
    y, x = np.asarray(lat, float), np.asarray(lon, float)
    inside: NDArray[np.bool_] = (y >= LAT[0]) & (y <= LAT[1]) & (x >= LON[0]) & (x <= LON[1])
    return inside
