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
from detente.monitor.signals.candidate import NOISE_GAP_S, contrast, filtered, onset, sharpened, snr_of
from detente.monitor.signals.candidate import Candidate as Candidate
from detente.monitor.signals.doubts import by_chance, glitched, guess, only, passes_without_line, still_there
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.lines import line_test
from detente.monitor.signals.onset import first_motion, size
from detente.monitor.signals.polarization import polarization
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.signals.subarrays import REACH_S_KM, SMALL_KM, aperture
from detente.monitor.signals.threshold import BLOCK_S

Float = NDArray[np.float64]

FEWEST_CONTRAST = 1.6  # power after the onset over that of four seconds before: less is coda or a swell
BEAM_STEP = (
    0.08  # of 1 / (highest frequency x rms width of the array): half a decibel to the next point of the map
)
MOST_STEPS = (
    20  # of such a map to each side of the beam that triggered: a dozen times the half-width of a beam
)


def examine(c: Candidate, settings: DetectSettings, gain: Callable[[str, float], float | None] | None = None) -> Arrival | str:  # fmt: skip  # noqa: E501
    """The arrival, or in words why there is none: glitch, line, incoherent, no onset, too few
    elements, no motion."""
    if c.slowness is not None:
        return _at_array(c, settings, gain)
    return _at_sensor(c, settings, gain)


def _window_s(band: tuple[float, float]) -> float:
    """Length of the f-k and polarisation windows: seven periods of the band's centre, 2.5 to 8 s."""
    return float(np.clip(7.0 / np.sqrt(band[0] * band[1]), 2.5, 8.0))


def _at_array(c: Candidate, settings: DetectSettings, gain: Callable[[str, float], float | None] | None) -> Arrival | str:  # fmt: skip  # noqa: E501
    rate = c.data.rate_hz
    alive = c.whole & (np.ptp(c.data.samples, axis=1) > 0)
    glitch = ""
    if alive.sum() >= 4:
        bad = glitched(c, alive, settings)
        if bad is not None:
            alive[bad] = False
            glitch = c.data.codes[bad]
            if not still_there(c, alive, settings):
                return "glitch"
    if alive.sum() < 3:
        return "too few elements"
    data = only(c.data, np.flatnonzero(alive))
    middle = data.offsets_km.mean(axis=0)
    data = msgspec.structs.replace(data, offsets_km=data.offsets_km - middle)
    assert c.slowness is not None
    parts = _numbered(c.parts, alive)
    steered = (float(c.slowness[0]), float(c.slowness[1]))
    first = filtered(one_beam(_best_part(data, parts, steered, c.at, c, settings), *steered), rate, c.band_hz)
    at, _, _ = onset(first, rate, c.at, settings, c.band_hz)
    length = _window_s(c.band_hz)
    try:
        seen, chance, groups = _fk(data, parts, c, at, length, settings)
    except DetenteError:
        return "too few elements"
    if chance > min(settings.coherent_p, settings.false_per_day / c.often * length / BLOCK_S):
        return "incoherent"
    own = _best_part(data, groups, (seen.sx, seen.sy), at, c, settings)
    beam = one_beam(own, seen.sx, seen.sy)
    line = line_test(beam, rate, at, c.band_hz)
    if line.is_line and not passes_without_line(beam, rate, at, c, settings, line.frequency_hz):
        return "line"
    y = filtered(beam, rate, c.band_hz)
    at, sd, won = sharpened(beam, y, rate, c, settings)
    all_ = y if not groups else _part_beams(data, groups, (seen.sx, seen.sy), c)
    if contrast(all_, rate, at, settings) < FEWEST_CONTRAST:
        return "no onset"
    sd = float(np.hypot(sd, np.sqrt(_variance(seen.covariance, own.offsets_km.mean(axis=0)))))
    right = bias.correct(c.data.station, seen.sx, seen.sy)
    spread = seen.covariance + (0.0 if settings.infrasound else 1.0) * right.scatter
    slowness_sd, azimuth_sd = fk.polar_sd(right.sx, right.sy, spread)
    slowness = float(np.hypot(right.sx, right.sy))
    snr, _ = snr_of(y, rate, at, length, settings)
    why: dict[str, float | str] = {
        "chance_coherence": chance,
        "semblance": seen.semblance, "f_statistic": seen.f_statistic, "channels": float(seen.channels),
        "fk_backazimuth_deg": seen.backazimuth_deg, "fk_slowness_s_km": seen.slowness_s_km,
        "bias_corrected": "yes" if right.known else "no", "line_share": line.share,
    }  # fmt: skip
    if groups:
        why["parts"] = float(seen.groups)
    if glitch:
        why["glitch_left_out"] = glitch
    return _arrival(
        c, data.start + at, float(np.hypot(sd, 1 / rate)), y, at, snr, won, why, gain, beam, settings,
        channel=c.data.codes[0].rsplit(".", 1)[-1] + " beam", phase=guess(slowness, settings),
        backazimuth_deg=float(np.degrees(np.arctan2(right.sx, right.sy)) % 360), backazimuth_sd_deg=azimuth_sd,
        slowness_s_km=slowness, slowness_sd_s_km=slowness_sd,
        method="beam bank of parts, f-k" if groups else "beam bank, f-k",
    )  # fmt: skip


Groups = tuple[NDArray[np.int64], ...]


def _fk(
    data: Panel, parts: Groups, c: Candidate, at: float, length: float, settings: DetectSettings
) -> tuple[fk.Fk, float, Groups]:
    """The f-k analysis at a trigger, the chance that noise looks so, and the parts it summed (none: one beam of all).

    At arrays wider than SMALL_KM the windows follow the trigger's beam and the map's points lie as close as the
    aperture asks. Where parts triggered both ways are tried, and the one that noise explains less is taken.
    """
    wide = aperture(data.offsets_km)
    start = data.start + at - 0.15 * length
    noise = (data.start + max(0.0, at - 32.0), data.start + at - NOISE_GAP_S)
    best: tuple[fk.Fk, float, Groups] | None = None
    for groups in ((), parts) if parts else ((),):
        own = [data.offsets_km[g] - data.offsets_km[g].mean(axis=0) for g in groups] or [data.offsets_km]
        width = float(np.sqrt(np.linalg.eigvalsh(np.cov(np.concatenate(own).T, bias=True)).max()))
        grid, limit, steer, reach = settings.fk_grid_s_km, settings.fk_limit_s_km, (0.0, 0.0), 0.0
        if wide > SMALL_KM and not settings.infrasound and c.slowness is not None:
            grid = min(grid, BEAM_STEP / (c.band_hz[1] * width))
            limit, reach = min(limit, MOST_STEPS * grid), REACH_S_KM
            steer = (float(c.slowness[0]), float(c.slowness[1]))
        chosen = fk.Settings(band_hz=c.band_hz, limit_s_km=limit, grid_s_km=grid)
        seen = fk.fk(
            data, None, start, start + length, chosen, noise=noise, steer=steer, groups=groups or None
        )
        chance = by_chance(seen, max(aperture(o) for o in own), length, reach)
        if best is None or chance < best[1]:
            best = seen, chance, groups
    assert best is not None
    return best


def _numbered(parts: Groups, alive: NDArray[np.bool_]) -> Groups:
    """The parts in numbers of the channels that are alive."""
    number = np.cumsum(alive) - 1
    found = (number[g[alive[g]]] for g in parts)
    return tuple(g for g in found if g.size)


def _part_beams(data: Panel, groups: Groups, steer: tuple[float, float], c: Candidate) -> Float:
    """(part, n) filtered beams of the parts, each as at the array's middle."""
    beams = [one_beam(only(data, g), *steer) for g in groups]
    return filtered(np.stack(beams), data.rate_hz, c.band_hz)


def _best_part(
    data: Panel, groups: Groups, steer: tuple[float, float], at: float, c: Candidate, settings: DetectSettings
) -> Panel:
    """The part whose own beam stands out most, or all elements where one beam was made of all."""
    if not groups:
        return data
    rows = _part_beams(data, groups, steer, c)
    best = int(np.argmax([contrast(row, data.rate_hz, at, settings) for row in rows]))
    return only(data, groups[best])


def _variance(covariance: Float, place_km: Float) -> float:
    """Of the time that a wave of a slowness so known takes from a place to the middle, s^2."""
    return float(place_km @ covariance @ place_km)


def _at_sensor(c: Candidate, settings: DetectSettings, gain: Callable[[str, float], float | None] | None) -> Arrival | str:  # fmt: skip  # noqa: E501
    rate = c.data.rate_hz
    y = filtered(c.data.samples, rate, c.band_hz)
    own = y[c.channel]
    if not np.ptp(c.data.samples[c.channel]) > 0:
        return "no motion"
    line = line_test(c.data.samples[c.channel], rate, c.at - settings.sta_s, c.band_hz)
    if line.is_line and not passes_without_line(
        c.data.samples[c.channel], rate, c.at - settings.sta_s, c, settings, line.frequency_hz
    ):
        return "line"
    at, sd, won = sharpened(c.data.samples[c.channel], own, rate, c, settings)
    if contrast(own, rate, at, settings) < FEWEST_CONTRAST:
        return "no onset"
    length = _window_s(c.band_hz)
    snr, _ = snr_of(own, rate, at, length, settings)
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
    seen = filtered(raw, rate, (c.band_hz[0], min(2.5 * c.band_hz[1], 0.42 * rate)), order=2)
    motion = first_motion(seen if channel[-1:] not in "NE12" else seen[:0], rate, at, sd)
    notes: dict[str, float | str] = {
        "ratio": c.ratio, "level": c.level, "false_per_day": c.law.per_day(c.ratio),
        "contrast": contrast(y, rate, at, settings),
        "passes_per_day": c.often, "amplitude_counts": how.amplitude,
        "onset_gain": won, "polarity_confidence": motion.confidence,
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
