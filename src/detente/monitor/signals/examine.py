"""A trigger looked at closely: is it a signal, when did it begin, where does it come from, how large is it?"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.signals import bias, fk
from detente.monitor.signals.beams import one_beam
from detente.monitor.signals.filters import ORDER, band_pass
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.lines import HUM_RISE_S, line_test, without_tone
from detente.monitor.signals.onset import first_motion, onset, rising_onset, size
from detente.monitor.signals.polarization import polarization
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.signals.threshold import Law

Float = NDArray[np.float64]

GLITCH_SHARE = 0.6  # of the power gained at the trigger: more on one sensor of four or more is no wave
FEWEST_CONTRAST = 1.6  # power after the onset over that of four seconds before: less is coda or a swell
EMERGE, LATE = 0.1, 0.25  # standard error, in periods, of onsets in the wider band and in the trigger's own
NOISE_GAP_S = 2.0  # between the noise that is measured and the onset


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """A trigger with its surroundings: `data`, in which it lies `at` s after the start; `whole` (channel,): has
    samples throughout; the band, the power ratio and the level it passed; beam slowness or channel.
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


def examine(c: Candidate, settings: DetectSettings, gain: Callable[[str, float], float | None] | None = None) -> Arrival | str:  # fmt: skip  # noqa: E501
    """The arrival, or in words why there is none: glitch, line, incoherent, no onset, too few
    elements, no motion."""
    if c.slowness is not None:
        return _at_array(c, settings, gain)
    return _at_sensor(c, settings, gain)


def _filtered(x: NDArray[np.floating], rate: float, band: tuple[float, float], order: int = ORDER) -> Float:
    from scipy.signal import sosfilt

    y = np.asarray(x, np.float64)
    return np.asarray(sosfilt(band_pass(band, rate, order), y - y[..., :1], axis=-1))


def _window_s(band: tuple[float, float]) -> float:
    """Length of the f-k and polarisation windows: seven periods of the band's centre, 2.5 to 8 s."""
    return float(np.clip(7.0 / np.sqrt(band[0] * band[1]), 2.5, 8.0))


def _onset(y: Float, rate: float, at: float, settings: DetectSettings, band: tuple[float, float]) -> tuple[float, float, float]:  # fmt: skip  # noqa: E501
    """Time, its standard error, and log-likelihood gain, in a window about the trigger."""
    before, after = 2 * settings.sta_s + 2.0, 2.0 + settings.sta_s / 2
    first = max(0, round((at - before) * rate))
    found = onset(y[first : round((at + after) * rate)], rate, bandwidth_hz=band[1] - band[0])
    return first / rate + found.time, found.sd, found.gain


def _sharpened(
    raw: NDArray[np.floating], y: Float, rate: float, c: Candidate, settings: DetectSettings
) -> tuple[float, float, float]:
    """The onset in the trigger's band, then again in a wider one whose filter answers sooner, if seen there too.

    The standard error holds a part of the period besides the noise's: how signals emerge is not known, and in the
    trigger's own band filters delay.
    """
    at, sd, won = _onset(y, rate, c.at, settings, c.band_hz)
    low, high = c.band_hz
    high = min(2.5 * high, 0.42 * rate)
    wide = _filtered(raw, rate, (low, high), order=2)
    first = max(0, round((at - max(1.5, 2 * sd)) * rate))
    again = rising_onset(wide[first : round((at + 1.5) * rate)], rate, bandwidth_hz=high - low)
    part = LATE
    if again.gain > max(8.0, 0.5 * won) and again.sd < 0.4:
        at, sd, part = first / rate + again.time, again.sd, EMERGE
    return at, float(np.hypot(sd, part / np.sqrt(low * c.band_hz[1]))), won


def _contrast(y: Float, rate: float, at: float, settings: DetectSettings) -> float:
    """Power of the `sta_s` after the onset over that of the four seconds before: how sharply it stands out."""
    after = y[round(at * rate) : round((at + settings.sta_s) * rate)]
    before = y[max(0, round((at - 4.5) * rate)) : max(1, round((at - 0.5) * rate))]
    if not after.size or not before.size:
        return 0.0
    return float((after**2).mean() / max(float((before**2).mean()), 1e-30))


def _snr(y: Float, rate: float, at: float, length: float, settings: DetectSettings) -> tuple[float, float]:
    """Zero-to-peak after the onset over the rms of up to 30 s before it, and that rms."""
    end = round((at - NOISE_GAP_S) * rate)
    quiet = y[max(round(3 * rate), end - round(30 * rate)) : max(end, 0)]
    rms = float(np.sqrt((quiet**2).mean())) if quiet.size > rate else float(np.abs(y).mean()) + 1e-30
    peak = float(np.abs(y[round(at * rate) : round((at + length) * rate)]).max(initial=0.0))
    return peak / max(rms, 1e-30), rms


def _at_array(c: Candidate, settings: DetectSettings, gain: Callable[[str, float], float | None] | None) -> Arrival | str:  # fmt: skip  # noqa: E501
    rate = c.data.rate_hz
    alive = c.whole & (np.ptp(c.data.samples, axis=1) > 0)
    glitch = ""
    if alive.sum() >= 4:
        bad = _glitched(c, alive, settings)
        if bad is not None:
            alive[bad] = False
            glitch = c.data.codes[bad]
            if not _still_there(c, alive, settings):
                return "glitch"
    if alive.sum() < 3:
        return "too few elements"
    data = msgspec.structs.replace(
        c.data,
        codes=tuple(code for code, a in zip(c.data.codes, alive, strict=True) if a),
        samples=c.data.samples[alive],
        late_s=c.data.late_s[alive],
        offsets_km=c.data.offsets_km[alive] - c.data.offsets_km[alive].mean(axis=0),
    )
    assert c.slowness is not None
    first = _filtered(one_beam(data, *c.slowness), rate, c.band_hz)
    at, _, _ = _onset(first, rate, c.at, settings, c.band_hz)
    length = _window_s(c.band_hz)
    try:
        seen = fk.fk(
            data,
            None,
            data.start + at - 0.15 * length,
            data.start + at + 0.85 * length,
            fk.Settings(
                band_hz=c.band_hz, limit_s_km=settings.fk_limit_s_km, grid_s_km=settings.fk_grid_s_km
            ),
            noise=(data.start + max(0.0, at - 32.0), data.start + at - NOISE_GAP_S),
        )
    except DetenteError:
        return "too few elements"
    chance = by_chance(seen, data.offsets_km, length)
    if chance > settings.coherent_p:
        return "incoherent"
    beam = one_beam(data, seen.sx, seen.sy)
    line = line_test(beam, rate, at, c.band_hz)
    if line.is_line and not _without_line(beam, rate, at, c, settings, line.frequency_hz):
        return "line"
    y = _filtered(beam, rate, c.band_hz)
    at, sd, won = _sharpened(beam, y, rate, c, settings)
    if _contrast(y, rate, at, settings) < FEWEST_CONTRAST:
        return "no onset"
    right = bias.correct(c.data.station, seen.sx, seen.sy)
    spread = seen.covariance + (0.0 if settings.infrasound else 1.0) * right.scatter
    slowness_sd, azimuth_sd = fk.polar_sd(right.sx, right.sy, spread)
    slowness = float(np.hypot(right.sx, right.sy))
    snr, _ = _snr(y, rate, at, length, settings)
    why: dict[str, float | str] = {
        "chance_coherence": chance,
        "semblance": seen.semblance, "f_statistic": seen.f_statistic, "channels": float(seen.channels),
        "fk_backazimuth_deg": seen.backazimuth_deg, "fk_slowness_s_km": seen.slowness_s_km,
        "bias_corrected": "yes" if right.known else "no", "line_share": line.share,
    }  # fmt: skip
    if glitch:
        why["glitch_left_out"] = glitch
    return _arrival(
        c, data.start + at, float(np.hypot(sd, 1 / rate)), y, at, snr, won, why, gain, beam, settings,
        channel=c.data.codes[0].rsplit(".", 1)[-1] + " beam", phase=guess(slowness, settings),
        backazimuth_deg=float(np.degrees(np.arctan2(right.sx, right.sy)) % 360), backazimuth_sd_deg=azimuth_sd,
        slowness_s_km=slowness, slowness_sd_s_km=slowness_sd, method="beam bank, f-k",
    )  # fmt: skip


def by_chance(seen: fk.Fk, offsets_km: Float, length_s: float) -> float:
    """The chance that incoherent noise reaches this F-statistic anywhere on the map.

    F with 2 B T and 2 B T (n - 1) degrees of freedom at each independent beam; their number is the map's disc over
    the area of a beam, 1 / (f D)^2.
    Source: Blandford 1974, Geophysics 39, 633; Shumway 1971, Geophys. J. R. Astr. Soc. 26, 133.
    """
    from scipy.special import fdtrc

    low, high = seen.band_hz
    free = 2 * (high - low) * 0.8 * length_s  # the taper takes a fifth
    wide = float(np.hypot(*np.ptp(offsets_km, axis=0))) / np.sqrt(2)
    beams = max(1.0, np.pi * (float(seen.axis[-1]) * 0.5 * (low + high) * wide) ** 2)
    return float(min(1.0, beams * fdtrc(free, free * (seen.channels - 1), seen.f_statistic)))


def guess(slowness: float, settings: DetectSettings) -> str:
    """A first name by slowness alone (s/km): P beyond the regional range, Pn, Pg, Sn, Lg; I for sound in air."""
    if settings.infrasound:
        return "I" if 2.0 < slowness < 4.0 else ""
    for limit, name in ((0.105, "P"), (0.143, "Pn"), (0.19, "Pg"), (0.25, "Sn"), (0.34, "Lg")):
        if slowness < limit:
            return name
    return ""


def _glitched(c: Candidate, alive: NDArray[np.bool_], settings: DetectSettings) -> int | None:
    """The one channel that holds most of what is new at the trigger, if there is one."""
    rate = c.data.rate_hz
    y = _filtered(c.data.samples, rate, c.band_hz) ** 2
    now = slice(round((c.at - settings.sta_s - 1) * rate), round((c.at + settings.sta_s) * rate))
    then = slice(max(0, now.start - round(20 * rate)), max(1, now.start - round(rate)))
    new = np.where(alive, np.maximum(y[:, now].mean(axis=1) - y[:, then].mean(axis=1), 0.0), 0.0)
    worst = int(new.argmax())
    return worst if new[worst] > GLITCH_SHARE * new.sum() > 0 else None


def _still_there(c: Candidate, alive: NDArray[np.bool_], settings: DetectSettings) -> bool:
    """Whether the beam of the other channels passes the level too."""
    rate = c.data.rate_hz
    data = msgspec.structs.replace(
        c.data, samples=c.data.samples[alive], late_s=c.data.late_s[alive],
        offsets_km=c.data.offsets_km[alive], codes=tuple(np.array(c.data.codes)[alive]),
    )  # fmt: skip
    assert c.slowness is not None
    return _passes(_filtered(one_beam(data, *c.slowness), rate, c.band_hz), rate, c, settings)


def _passes(y: Float, rate: float, c: Candidate, settings: DetectSettings) -> bool:
    """STA/LTA of a filtered trace about the trigger, with plain means, against the level."""
    power = y**2
    n = round(settings.sta_s * rate)
    at = round(c.at * rate)
    total = np.concatenate([[0.0], np.cumsum(power)])
    ends = np.arange(max(at, n), min(at + 2 * n, power.size) + 1)
    short = (total[ends] - total[ends - n]).max() / n if ends.size else 0.0
    long = power[round(3 * rate) : max(at - n - round(rate), round(3 * rate) + 1)].mean()
    return bool(short > 0.8 * c.level * long)  # plain means peak a fifth lower than the recursive average


def _without_line(
    raw: NDArray[np.floating], rate: float, at: float, c: Candidate, settings: DetectSettings, hz: float
) -> bool:
    """Whether a signal is left once the line that came at the onset has been taken out of the samples."""
    rest = _filtered(without_tone(raw, rate, at, hz, c.band_hz), rate, c.band_hz)
    later = msgspec.structs.replace(c, at=at + HUM_RISE_S + settings.sta_s)
    return _passes(rest, rate, later, settings)


def _at_sensor(c: Candidate, settings: DetectSettings, gain: Callable[[str, float], float | None] | None) -> Arrival | str:  # fmt: skip  # noqa: E501
    rate = c.data.rate_hz
    y = _filtered(c.data.samples, rate, c.band_hz)
    own = y[c.channel]
    if not np.ptp(c.data.samples[c.channel]) > 0:
        return "no motion"
    line = line_test(c.data.samples[c.channel], rate, c.at - settings.sta_s, c.band_hz)
    if line.is_line and not _without_line(
        c.data.samples[c.channel], rate, c.at - settings.sta_s, c, settings, line.frequency_hz
    ):
        return "line"
    at, sd, won = _sharpened(c.data.samples[c.channel], own, rate, c, settings)
    if _contrast(own, rate, at, settings) < FEWEST_CONTRAST:
        return "no onset"
    length = _window_s(c.band_hz)
    snr, _ = _snr(own, rate, at, length, settings)
    why: dict[str, float | str] = {"line_share": line.share}
    extra: dict[str, float] = {}
    phase, method = "", "STA/LTA"
    if len(y) == 3 and c.whole.all():
        first = max(0, round((at - 0.1) * rate))
        try:
            p = polarization(
                y[:, first : first + round(min(length, 3.0) * rate)], rate, c.band_hz[1] - c.band_hz[0]
            )
        except DetenteError:
            return "no motion"
        phase, method = p.looks_like, "STA/LTA, polarisation"
        why |= {
            "rectilinearity": p.rectilinearity, "incidence_deg": p.incidence_deg, "vertical_share": p.vertical,
            "polarisation_backazimuth_deg": p.backazimuth_deg,
        }  # fmt: skip
        if phase == "P" and snr > 3:
            extra = {
                "backazimuth_deg": p.backazimuth_deg,
                "backazimuth_sd_deg": float(np.hypot(p.backazimuth_sd_deg, SENSOR_SD_DEG)),
                "slowness_s_km": p.slowness_s_km, "slowness_sd_s_km": float(np.hypot(p.slowness_sd_s_km, 0.02)),
            }  # fmt: skip
    raw = c.data.samples[c.channel]
    return _arrival(
        c, c.data.start + at, float(np.hypot(sd, 1 / rate)), own, at, snr, won, why, gain, raw, settings,
        channel=c.data.codes[c.channel].rsplit(".", 1)[-1], phase=phase, method=method, **extra,
    )  # fmt: skip


SENSOR_SD_DEG = (
    10.0  # assumed: lateral structure and misoriented sensors bend single-station azimuths by this
)


def _arrival(
    c: Candidate, time: float, sd: float, y: Float, at: float, snr: float, won: float,
    why: dict[str, float | str], gain: Callable[[str, float], float | None] | None,
    raw: NDArray[np.floating], settings: DetectSettings, *, channel: str, phase: str, method: str, **measured: float,
) -> Arrival:  # fmt: skip
    rate = c.data.rate_hz
    how = size(y, rate, at)
    index = c.channel if c.slowness is None else 0
    code = c.data.codes[index]
    counts_per_nm = gain(code, 1 / how.period_s) if gain is not None and how.period_s > 0 else None
    seen = _filtered(raw, rate, (c.band_hz[0], min(2.5 * c.band_hz[1], 0.42 * rate)), order=2)
    motion = first_motion(seen if channel[-1:] not in "NE12" else seen[:0], rate, at, sd)
    notes: dict[str, float | str] = {
        "ratio": c.ratio, "level": c.level, "false_per_day": c.law.per_day(c.ratio),
        "contrast": _contrast(y, rate, at, settings),
        "amplitude_counts": how.amplitude, "onset_gain": won, "polarity_confidence": motion.confidence,
    }  # fmt: skip
    plain = Arrival(
        id="",
        station=c.data.station,
        time=time,
        time_sd=sd,
        channel=channel,
        phase=phase,
        snr=snr,
        period_s=how.period_s or None,
        amplitude_nm=how.amplitude / counts_per_nm if counts_per_nm else None,
        polarity=motion.polarity,
        band_hz=c.band_hz,
        method=method,
        why={k: round(v, 6) if isinstance(v, float) else v for k, v in (notes | why).items()},
    )
    return msgspec.structs.replace(plain, **measured)
