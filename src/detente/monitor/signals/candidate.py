"""A trigger with its surroundings, and what is read from its trace: onset, contrast, signal-to-noise ratio."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.filters import ORDER, band_pass
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.onset import onset as change_point
from detente.monitor.signals.onset import rising_onset
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.signals.threshold import BLOCK_S, DAY_S, Law

Float = NDArray[np.float64]

EMERGE, LATE = 0.1, 0.25  # standard error, in periods, of onsets in the wider band and in the trigger's own
QUIET_S = 5.0  # before an onset that is looked at closely: less does not tell what noise is
NOISE_GAP_S = 2.0  # between the noise that is measured and the onset


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """A trigger with its surroundings: `data`, in which it lies `at` s after the start; `whole` (channel,): has
    samples throughout; the band, the power ratio and the level it passed; beam slowness or channel; `parts`: numbers
    of the channels of a wide array's parts whose power was summed, none where one beam of all triggered; `often`: how
    many times a day the station has passed such a ratio of late.
    """

    data: Panel
    whole: NDArray[np.bool_]
    at: float
    band_hz: tuple[float, float]
    ratio: float
    level: float
    law: Law
    slowness: Float | None
    channel: int
    parts: tuple[NDArray[np.int64], ...] = ()
    often: float = DAY_S / BLOCK_S


def filtered(x: NDArray[np.floating], rate: float, band: tuple[float, float], order: int = ORDER) -> Float:
    from scipy.signal import sosfilt

    y = np.asarray(x, np.float64)
    return np.asarray(sosfilt(band_pass(band, rate, order), y - y[..., :1], axis=-1))


def onset(y: Float, rate: float, at: float, settings: DetectSettings, band: tuple[float, float]) -> tuple[float, float, float]:  # fmt: skip  # noqa: E501
    """Time, its standard error, and log-likelihood gain, in a window about the trigger."""
    before, after = 2 * settings.sta_s + 2.0, 2.0 + settings.sta_s / 2
    first = max(0, round((at - before) * rate))
    found = change_point(y[first : round((at + after) * rate)], rate, bandwidth_hz=band[1] - band[0])
    return first / rate + found.time, found.sd, found.gain


def sharpened(
    raw: NDArray[np.floating], y: Float, rate: float, c: Candidate, settings: DetectSettings
) -> tuple[float, float, float]:
    """The onset in the trigger's band, then again in a wider one whose filter answers sooner, if seen there too.

    The standard error holds a part of the period besides the noise's: how signals emerge is not known, and in the
    trigger's own band filters delay.
    """
    at, sd, won = onset(y, rate, c.at, settings, c.band_hz)
    low, high = c.band_hz
    high = min(2.5 * high, 0.42 * rate)
    wide = filtered(raw, rate, (low, high), order=2)
    first = max(0, round((at - max(QUIET_S, 2 * sd)) * rate))
    again = rising_onset(wide[first : round((at + 1.5) * rate)], rate, bandwidth_hz=high - low)
    part = LATE
    if again.gain > max(8.0, 0.5 * won) and again.sd < 0.4:
        at, sd, part = first / rate + again.time, again.sd, EMERGE
    return at, float(np.hypot(sd, part / np.sqrt(low * c.band_hz[1]))), won


def contrast(y: Float, rate: float, at: float, settings: DetectSettings) -> float:
    """Power of the `sta_s` after the onset over that of the four seconds before: how sharply it stands out.

    `y`: a filtered trace, or several (trace, n) whose ratios are averaged.
    """
    after = y[..., round(at * rate) : round((at + settings.sta_s) * rate)]
    before = y[..., max(0, round((at - 4.5) * rate)) : max(1, round((at - 0.5) * rate))]
    if not after.size or not before.size:
        return 0.0
    return float(((after**2).mean(axis=-1) / np.maximum((before**2).mean(axis=-1), 1e-30)).mean())


def snr_of(y: Float, rate: float, at: float, length: float, settings: DetectSettings) -> tuple[float, float]:
    """Zero-to-peak after the onset over the rms of up to 30 s before it, and that rms."""
    end = round((at - NOISE_GAP_S) * rate)
    quiet = y[max(round(3 * rate), end - round(30 * rate)) : max(end, 0)]
    rms = float(np.sqrt((quiet**2).mean())) if quiet.size > rate else float(np.abs(y).mean()) + 1e-30
    peak = float(np.abs(y[round(at * rate) : round((at + length) * rate)]).max(initial=0.0))
    return peak / max(rms, 1e-30), rms
