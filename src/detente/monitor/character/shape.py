"""First motion and complexity: what the shape of P says."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Polarity
from detente.monitor.character.ground import part, rms
from detente.monitor.waves.trace import Trace

Float = NDArray[np.float64]

LEAST_SNR: Final = 12.0
"""Largest of the first second over the largest of the noise: below it a first motion is not read."""
SURE: Final = 4.0  # the first half cycle has to stand this many times above the largest noise
_BAND: Final = (0.5, 8.0)
_NOISE_S: Final = 20.0


def first_motion(trace: Trace, p_time: float) -> Polarity:
    """Up, down, or empty where it cannot be read: the first half cycle that leaves the noise near P (s UTC).

    Causal filter, so that nothing moves before the onset. An explosion pushes up everywhere, a quake in half
    of the directions, a collapse pulls down everywhere.
    """
    from scipy.signal import butter, sosfilt

    high = min(_BAND[1], 0.42 * trace.rate_hz)
    x = trace.samples.astype(float)
    y: Float = sosfilt(butter(2, (_BAND[0], high), "band", fs=trace.rate_hz, output="sos"), x - x.mean())
    quiet = part(y, trace, p_time - _NOISE_S - 2, p_time - 2)
    head = part(y, trace, p_time - 1.5, p_time + 1.5)
    if quiet is None or head is None:
        return ""
    noise = float(np.abs(quiet).max())
    if noise <= 0 or np.abs(head).max() < LEAST_SNR * noise:
        return ""
    beyond = np.flatnonzero(np.abs(head) > SURE * noise)
    first = int(beyond[0])
    # nothing else may leave the noise in the half cycle before
    before = head[max(0, first - round(0.5 * trace.rate_hz)) : first]
    sign = np.sign(head[first])
    if before.size and np.max(-sign * before) > 1.5 * noise:
        return ""
    return "up" if sign > 0 else "down"


def complexity(trace: Trace, p_time: float) -> float | None:
    """log10 of the coda's power, 5 to 30 s after P, over that of the first 5 s, 0.8-4.5 Hz, noise taken off.

    None where the window is not recorded or P does not stand out. For distances beyond 30 degrees: explosions
    are simple there. Source: Douglas 1981 and Carpenter 1964 on complexity (recalled).
    """
    from scipy.signal import butter, sosfiltfilt

    sections = butter(3, (0.8, min(4.5, 0.42 * trace.rate_hz)), "band", fs=trace.rate_hz, output="sos")
    x = trace.samples.astype(float)
    y = sosfiltfilt(sections, x - x.mean())
    spans = ((p_time - 0.5, p_time + 5), (p_time + 5, p_time + 30), (p_time - 30, p_time - 3))
    head, coda, noise = (part(y, trace, *s) for s in spans)
    if head is None or coda is None or noise is None or rms(head) < 4 * rms(noise):
        return None
    tail = max(rms(coda) ** 2 - rms(noise) ** 2, (0.1 * rms(noise)) ** 2)
    return float(np.log10(tail / (rms(head) ** 2 - rms(noise) ** 2)))
