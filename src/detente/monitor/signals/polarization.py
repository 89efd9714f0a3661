"""Where a wave comes from by the motion of one three-component sensor."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError

Float = NDArray[np.float64]

SURFACE_VS_KM_S = 3.0  # shear speed under the sensor; sediments less, shields up to 3.6
SURFACE_VS_SD = 0.25  # of itself


class Polarization(msgspec.Struct, frozen=True):
    """`backazimuth_deg` as if the wave were P (towards the source), `incidence_deg` of the motion from the vertical.

    `rectilinearity` 0 to 1 (Jurkevics 1988); `vertical`: share of the power on the vertical; standard errors from
    the scatter of the eigenvectors.
    """

    backazimuth_deg: float
    backazimuth_sd_deg: float
    incidence_deg: float
    incidence_sd_deg: float
    rectilinearity: float
    planarity: float
    vertical: float

    @property
    def slowness_s_km(self) -> float:
        """Of a P wave with this apparent incidence i at the surface: sin(i / 2) / Vs.

        Source: Aki and Richards 2002, problem 5.6 (free surface: the motion's angle is twice that of S)."""
        return float(np.sin(np.radians(self.incidence_deg) / 2) / SURFACE_VS_KM_S)

    @property
    def slowness_sd_s_km(self) -> float:
        """Standard error of that slowness, with the unknown shear speed at the surface."""
        half = np.radians(self.incidence_deg) / 2
        angle = np.cos(half) / 2 * np.radians(self.incidence_sd_deg) / SURFACE_VS_KM_S
        return float(np.hypot(angle, SURFACE_VS_SD * self.slowness_s_km))

    @property
    def looks_like(self) -> str:
        """P for straight motion nearer to the vertical than 60 degrees, S for mainly horizontal motion, else empty."""
        if self.rectilinearity > 0.6 and self.incidence_deg < 60 and self.vertical > 0.3:
            return "P"
        return "S" if self.vertical < 0.25 else ""


def polarization(zne: NDArray[np.floating], rate_hz: float, bandwidth_hz: float) -> Polarization:
    """From the covariance of (3, n) samples: vertical up, north, east, of one window about the onset.

    The greatest eigenvector is the line of motion; a P wave moves up and away from its source, so the sign of the
    vertical gives the side: no ambiguity of 180 degrees. Errors: asymptotic scatter of eigenvectors, with
    2 B T independent samples.
    Source: Jurkevics 1988, BSSA 78, 1725; Anderson 1963, Ann. Math. Stat. 34, 122, eq. 3.4.
    Raises DetenteError for a window without motion.
    """
    x = np.asarray(zne, np.float64)
    x = x - x.mean(axis=1, keepdims=True)
    n = x.shape[1]
    covariance = x @ x.T / max(n, 1)
    if n < 6 or not np.trace(covariance) > 0:
        raise DetenteError(
            "no motion in the window", fix="a polarisation needs six samples of three components"
        )
    values, vectors = np.linalg.eigh(covariance)
    l3, l2, l1 = np.maximum(values, 1e-12 * values[-1])
    v = vectors[:, 2] * (1.0 if vectors[0, 2] >= 0 else -1.0)
    horizontal = float(np.hypot(v[1], v[2]))
    baz = float(np.degrees(np.arctan2(-v[2], -v[1])) % 360)
    free = max(2.0, 2 * bandwidth_hz * n / rate_hz)
    spread = (
        sum(
            l1 * lk / ((l1 - lk) ** 2 + 1e-12 * l1**2) * np.outer(vectors[:, k], vectors[:, k])
            for k, lk in ((0, l3), (1, l2))
        )
        / free
    )
    across = np.array([0.0, -v[2], v[1]]) / max(horizontal, 1e-9)
    along = np.array([-horizontal, v[0] * v[1] / max(horizontal, 1e-9), v[0] * v[2] / max(horizontal, 1e-9)])
    sd_baz = np.degrees(np.sqrt(across @ spread @ across) / max(horizontal, 1e-9))
    sd_inc = np.degrees(np.sqrt(along @ spread @ along))
    return Polarization(
        baz,
        float(min(sd_baz, 104.0)),
        float(np.degrees(np.arctan2(horizontal, v[0]))),
        float(min(sd_inc, 52.0)),
        float(1 - (l2 + l3) / (2 * l1)),
        float(1 - 2 * l3 / (l1 + l2)),
        float(covariance[0, 0] / np.trace(covariance)),
    )
