"""Magnitude scales as data: formula, distance, band, window, scatter, bias, and where each was published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from detente.monitor.amplitude_veith_clawson import q_factor
from detente.monitor.geo import KM_PER_DEG
from detente.sources import Quality, Source


class Scale(msgspec.Struct, frozen=True):
    """One magnitude scale.

    `value(amplitude_nm, period_s, distance_deg, depth_km)`; `near_deg` to `far_deg`: where it holds; `sd`:
    scatter of one station about the network; `bias_sd`: how far the whole scale may be off on paths that
    nobody has calibrated; `note`: known biases, stated with every result.
    """

    kind: str
    value: Callable[[float, float, float, float], float]
    near_deg: float
    far_deg: float
    band_hz: tuple[float, float]
    sd: float
    bias_sd: float
    source: Source
    note: str = ""
    deepest_km: float = 700.0

    def covers(self, distance_deg: float, depth_km: float) -> bool:
        """Does the scale hold at this distance (degrees) and depth (km)?"""
        return self.near_deg <= distance_deg <= self.far_deg and depth_km <= self.deepest_km


def _mb(a: float, t: float, d: float, h: float) -> float:
    return float(np.log10(a / t) + q_factor(d, h))


def _mb_pn(a: float, t: float, d: float, h: float) -> float:
    return float(np.log10(a) + 2.4 * np.log10(d * KM_PER_DEG) - 3.95)


def _mb_pn_korea(a: float, t: float, d: float, h: float) -> float:
    return float(0.380 + np.log10(2 * a / 1000) + 2.012 * np.log10(d * KM_PER_DEG))


def _ml(a: float, t: float, d: float, h: float) -> float:
    r = float(np.hypot(d * KM_PER_DEG, h))
    return float(np.log10(a) + 1.11 * np.log10(r) + 0.00189 * r - 2.09)


def _ms(a: float, t: float, d: float, h: float) -> float:
    return float(np.log10(a / t) + 1.66 * np.log10(d) + 0.3)


MB: Final = Scale(
    "mb", _mb, 20.0, 100.0, (0.8, 4.5), 0.35, 0.05,
    Source("Veith and Clawson 1972, BSSA 62(2) 435; band and window as SeisComP describes the IDC's mb"
           " (docs, mb_IDC: 0.8-4.5 Hz, half the largest swing within 5.5 s)", Quality.secondary),
    "IDC-like: 0.22 +- 0.05 below USGS mb on the six DPRK tests; bulletins that ignore silent stations run high"
    " for small events (Ringdal 1976), this one counts them",
)  # fmt: skip

MB_PN: Final = Scale(
    "mb(Pn)", _mb_pn, 1.6, 17.0, (0.8, 4.5), 0.40, 0.20,
    Source("Denny, Taylor and Vergino 1987, BSSA 77(3) 987 (abstract: mb = log A + 2.4 log D - 3.95 + c, A zero"
           " to peak in nm, D in km)", Quality.one_source),
    "made for the western United States and tied to the NEIS's mb, which lies 0.22 above the IDC's; elsewhere the"
    " whole scale may be off by 0.2",
)  # fmt: skip

MB_PN_KOREA: Final = Scale(
    "mb(Pn,Korea)", _mb_pn_korea, 1.6, 12.0, (0.8, 4.5), 0.40, 0.30,
    Source("Hong and Lee 2012, Pure Appl. Geophys. 169(11) 1963 (abstract: 0.380 + log A + 2.012 log d, A peak to"
           " peak in micrometres, d in km)", Quality.one_source),
    "for comparison: band and window of the original were not read",
)  # fmt: skip

ML: Final = Scale(
    "ML", _ml, 0.1, 9.0, (0.8, 8.0), 0.35, 0.20,
    Source("IASPEI 2013 standard ML: log10 A(nm) + 1.11 log10 R + 0.00189 R - 2.09, after Hutton and Boore 1987,"
           " BSSA 77(6) 2074", Quality.recalled),
    "California's attenuation; elsewhere it misses by the difference of Q",
    deepest_km=40.0,
)  # fmt: skip

MS: Final = Scale(
    "Ms", _ms, 20.0, 160.0, (0.04, 0.0625), 0.25, 0.05,
    Source("Vanek and others 1962; IASPEI Ms_20: log10(A/T) + 1.66 log10 D + 0.3, A nm, 18-22 s", Quality.recalled),
    deepest_km=60.0,
)  # fmt: skip


def mb_lg(amplitude_nm: float, distance_deg: float, q0: float, frequency_hz: float = 1.0) -> float:
    """mb(Lg) from the sustained (third largest) swing near 1 s; `q0` of the path at 1 Hz.

    log10 A + 0.833 log10 r + 0.4343 gamma (r - 10) - 0.87, gamma = pi f / (Q U), U = 3.5 km/s.
    Source: Nuttli 1973, 1986; the constants of IASPEI 2013 (recalled).
    """
    r = distance_deg * KM_PER_DEG
    gamma = np.pi * frequency_hz / (q0 * LG_KM_S)
    return float(np.log10(amplitude_nm) + 0.833 * np.log10(r) + 0.4343 * gamma * (r - 10) - 0.87)


LG_KM_S: Final = 3.5
LG_SOURCE: Final = Source("Nuttli 1986, JGR 91(B2) 2137; constants of IASPEI 2013", Quality.recalled)
