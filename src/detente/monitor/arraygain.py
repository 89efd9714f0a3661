"""Array gain: what beams win over one sensor, limited by noise that is alike and signals that are not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.monitor.stations import Station

Float = NDArray[np.float64]

NOISE_SPEED_KM_S = 3.0  # assumed: short-period surface waves from all sides
SIGNAL_LENGTH_KM_HZ = 40.0  # assumed: a P wave's coherence falls to 1/e at 40 km and 1 Hz, 20 km and 2 Hz
TYPICAL_SPACING_KM = 2.0  # for arrays whose element places are not known


def array_gain(station: Station, frequency_hz: Float) -> Float:
    """Gain in amplitude signal-to-noise of the steered beam over one sensor, in octaves about each frequency.

    sqrt(sum of signal coherences / sum of noise coherences over all pairs): noise J0(2 pi f d / c) between
    sensors d apart (isotropic surface waves), its mean over the octave; signal exp(-f d / L). At least 1, at
    most sqrt(N), though noise of one speed would allow more where J0 is negative.
    Source: Aki 1957, Bull. Earthq. Res. Inst. 35, 415 (J0); Capon, Greenfield and Kolker 1967 (ratio).
    """
    if station.kind != "array":
        return np.ones(frequency_hz.shape)
    if station.offsets:
        place = np.array(station.offsets)
        apart = np.hypot(*(place[:, None, :] - place[None, :, :]).transpose(2, 0, 1))
    else:
        n = station.elements
        apart = TYPICAL_SPACING_KM * (1 - np.eye(n))
    from scipy.special import j0

    f = frequency_hz[:, None, None]
    octave = np.exp2(np.linspace(-0.5, 0.5, 9))
    alike = np.mean([j0(2 * np.pi * f * o * apart / NOISE_SPEED_KM_S) for o in octave], axis=0)
    noise = np.maximum(alike.sum(axis=(1, 2)), len(apart))
    signal = np.exp(-f * apart / SIGNAL_LENGTH_KM_HZ).sum(axis=(1, 2))
    gain: Float = np.sqrt(signal / noise)
    return np.clip(gain, 1.0, np.sqrt(len(apart)))
