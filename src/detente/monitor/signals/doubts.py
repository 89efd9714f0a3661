"""Why a trigger may be no wave: one sensor's glitch, a hum, coherence that noise has by chance; its first name."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.beams import one_beam
from detente.monitor.signals.candidate import Candidate, filtered
from detente.monitor.signals.fk import Fk
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.lines import HUM_RISE_S, without_tone
from detente.monitor.signals.settings import DetectSettings

Float = NDArray[np.float64]

GLITCH_SHARE = 0.6  # of the power gained at the trigger: more on one sensor of four or more is no wave


def by_chance(seen: Fk, wide_km: float, length_s: float, reach_s_km: float = 0.0) -> float:
    """The chance that incoherent noise reaches this F-statistic anywhere on the map, or where beams were sought.

    F with 2 B T K and 2 B T (n - K) degrees of freedom at each independent beam, K the groups of elements that
    have beams of their own; their number is the disc of slownesses over the area of a beam, 1 / (f D)^2, D the
    aperture (of the groups).
    Source: Blandford 1974, Geophysics 39, 633; Shumway 1971, Geophys. J. R. Astr. Soc. 26, 133.
    """
    from scipy.special import fdtrc

    low, high = seen.band_hz
    free = 2 * (high - low) * 0.8 * length_s  # the taper takes a fifth
    reach = max(float(seen.axis[-1]), reach_s_km)
    beams = max(1.0, np.pi * (reach * 0.5 * (low + high) * wide_km / np.sqrt(2)) ** 2)
    k = seen.groups
    return float(min(1.0, beams * fdtrc(free * k, free * (seen.channels - k), seen.f_statistic)))


def guess(slowness: float, settings: DetectSettings) -> str:
    """A first name by slowness alone (s/km): P beyond the regional range, Pn, Pg, Sn, Lg; I for sound in air."""
    if settings.infrasound:
        return "I" if 2.0 < slowness < 4.0 else ""
    for limit, name in ((0.105, "P"), (0.143, "Pn"), (0.19, "Pg"), (0.25, "Sn"), (0.34, "Lg")):
        if slowness < limit:
            return name
    return ""


def glitched(c: Candidate, alive: NDArray[np.bool_], settings: DetectSettings) -> int | None:
    """The one channel that holds most of what is new at the trigger, if there is one."""
    rate = c.data.rate_hz
    y = filtered(c.data.samples, rate, c.band_hz) ** 2
    now = slice(round((c.at - settings.sta_s - 1) * rate), round((c.at + settings.sta_s) * rate))
    then = slice(max(0, now.start - round(20 * rate)), max(1, now.start - round(rate)))
    new = np.where(alive, np.maximum(y[:, now].mean(axis=1) - y[:, then].mean(axis=1), 0.0), 0.0)
    worst = int(new.argmax())
    return worst if new[worst] > GLITCH_SHARE * new.sum() > 0 else None


def still_there(c: Candidate, alive: NDArray[np.bool_], settings: DetectSettings) -> bool:
    """Whether the beam of the other channels, or the beams of the parts, pass the level too."""
    rate = c.data.rate_hz
    assert c.slowness is not None
    groups = [g[alive[g]] for g in c.parts] or [np.flatnonzero(alive)]
    y = np.stack(
        [filtered(one_beam(only(c.data, g), *c.slowness), rate, c.band_hz) for g in groups if g.size]
    )
    return passes(y, rate, c, settings)


def only(data: Panel, channels: NDArray[np.int64]) -> Panel:
    """Some channels of a panel, their places still counted from where they were."""
    return msgspec.structs.replace(
        data, codes=tuple(data.codes[k] for k in channels), samples=data.samples[channels],
        late_s=data.late_s[channels], offsets_km=data.offsets_km[channels],
        live=None if data.live is None else data.live[channels],
    )  # fmt: skip


def passes(y: Float, rate: float, c: Candidate, settings: DetectSettings) -> bool:
    """STA/LTA of a filtered trace, or the mean of several's, about the trigger, with plain means, against the level."""
    power = np.atleast_2d(y) ** 2
    n = round(settings.sta_s * rate)
    at = round(c.at * rate)
    total = np.pad(np.cumsum(power, axis=1), ((0, 0), (1, 0)))
    ends = np.arange(max(at, n), min(at + 2 * n, power.shape[1]) + 1)
    if not ends.size:
        return False
    long = power[:, round(3 * rate) : max(at - n - round(rate), round(3 * rate) + 1)].mean(axis=1)
    short = (total[:, ends] - total[:, ends - n]) / n / np.maximum(long, 1e-30)[:, None]
    return bool(
        short.mean(axis=0).max() > 0.8 * c.level
    )  # plain means peak a fifth lower than the recursive average


def passes_without_line(
    raw: NDArray[np.floating], rate: float, at: float, c: Candidate, settings: DetectSettings, hz: float
) -> bool:
    """Whether a signal is left once the line that came at the onset has been taken out of the samples."""
    rest = filtered(without_tone(raw, rate, at, hz, c.band_hz), rate, c.band_hz)
    later = msgspec.structs.replace(c, at=at + HUM_RISE_S + settings.sta_s)
    return passes(rest, rate, later, settings)
