"""Event beams: every station listened to where and when an origin says that a phase should come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Origin
from detente.monitor.network.predict import Predicted, predict
from detente.monitor.signals.beams import one_beam
from detente.monitor.signals.bias import correct
from detente.monitor.signals.detect import WIDE_KM
from detente.monitor.signals.filters import band_pass
from detente.monitor.signals.gather import Panel, panel
from detente.monitor.signals.phase_filters import PhaseFilter
from detente.monitor.waves.trace import Array, Recording, Trace

BEFORE_S, AFTER_S = 40.0, 60.0
SIGNAL_S, NOISE_S, GAP_S = 5.0, 30.0, 3.0
SETTLE_S = 20.0


class EventBeam(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One station's beam for one phase of an origin, or its best vertical where it is no array.

    `trace`: filtered, about the predicted time; `snr`: the greatest amplitude from 3 s before to 5 s after it over
    the rms of up to 30 s before; `single_snr`: the same of each sensor alone, their median.
    """

    predicted: Predicted
    trace: Trace
    band_hz: tuple[float, float]
    sensors: int
    snr: float | None
    single_snr: float | None


def event_beams(
    recording: Recording,
    arrays: Mapping[str, Array],
    origin: Origin,
    filters: Mapping[str, PhaseFilter],
    phases: Sequence[str],
) -> tuple[EventBeam, ...]:
    """A beam for each station that has records and each of `phases` that arrives there, by distance.

    Each beam is steered to where the array, with its known bias, will see the phase.
    Raises DetenteError for a phase without travel times or filter.
    """
    from detente.monitor.waves.sites import by_array

    grouped, _ = by_array(recording, arrays)
    if not grouped:
        raise DetenteError("no trace stands at a known place", fix="give --stations")
    found = []
    for wanted in predict(origin, {code: arrays[code] for code in grouped}, phases):
        made = _beam(grouped[wanted.station], arrays[wanted.station], wanted, filters[wanted.phase])
        if made is not None:
            found.append(made)
    return tuple(found)


def _beam(traces: Sequence[Trace], array: Array, wanted: Predicted, listed: PhaseFilter) -> EventBeam | None:
    """The beam, or None where the station has no vertical about the predicted time."""
    start, end = wanted.time - BEFORE_S - SETTLE_S, wanted.time + AFTER_S
    near = [t.cut(start, end) for t in traces if t.start < end and t.end > start]
    try:
        data = _usable(panel([t for t in near if t.samples.size], array), array)
    except DetenteError:
        return None
    if not data.start < wanted.time < data.start + data.samples.shape[1] / data.rate_hz:
        return None
    band = listed.within(data.rate_hz)
    data = msgspec.structs.replace(data, samples=_filtered(data, band))
    sx, sy = steer(wanted, array.code)
    y = one_beam(data, sx, sy) if len(data.codes) > 1 else data.samples[0]
    at = wanted.time - data.start
    alone = [s for s in (_snr(row, data.rate_hz, at) for row in data.samples) if s is not None]
    network, _, _, channel = data.codes[0].split(".")
    whole = Trace(
        network, wanted.station, "", channel, data.start_ns, data.rate_hz, np.asarray(y, np.float32)
    )
    return EventBeam(
        predicted=wanted,
        trace=whole.cut(wanted.time - BEFORE_S, end),
        band_hz=(band.low_hz, band.high_hz),
        sensors=len(data.codes),
        snr=_snr(y, data.rate_hz, at),
        single_snr=float(np.median(alone)) if alone else None,
    )


def steer(wanted: Predicted, code: str) -> tuple[float, float]:
    """The slowness (east, north) s/km that the array will show for a phase: the predicted one and its known bias.

    `correct` takes the bias off what was observed; here as much is put on what is expected.
    """
    angle = np.radians(wanted.backazimuth_deg)
    sx, sy = wanted.slowness_s_km * np.sin(angle), wanted.slowness_s_km * np.cos(angle)
    right = correct(code, float(sx), float(sy))
    return (float(2 * sx - right.sx), float(2 * sy - right.sy)) if right.known else (float(sx), float(sy))


def _usable(data: Panel, array: Array) -> Panel:
    """All verticals of a small array; of a wide one, or where elements have gaps, those that are whole."""
    whole = np.ones(len(data.codes), bool) if data.live is None else data.live.mean(axis=1) > 0.98
    keep = np.flatnonzero(whole) if whole.any() else np.arange(1)
    if float(np.hypot(*np.ptp(data.offsets_km, axis=0))) > WIDE_KM:
        keep = keep[:1]
    return msgspec.structs.replace(
        data,
        codes=tuple(data.codes[i] for i in keep),
        samples=data.samples[keep],
        late_s=data.late_s[keep],
        offsets_km=data.offsets_km[keep],
        live=None if data.live is None else data.live[keep],
    )


def _filtered(data: Panel, band: PhaseFilter) -> NDArray[np.float32]:
    from scipy.signal import sosfilt

    sos = band_pass((band.low_hz, band.high_hz), data.rate_hz, band.poles)
    x = data.samples.astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    return np.asarray(sosfilt(sos, x, axis=1), np.float32)


def _snr(y: NDArray[np.floating], rate: float, at: float) -> float | None:
    end = round((at - GAP_S) * rate)
    noise = y[max(round(3 * rate), end - round(NOISE_S * rate)) : max(end, 0)].astype(np.float64)
    signal = y[max(end, 0) : round((at + SIGNAL_S) * rate)].astype(np.float64)
    if noise.size < 5 * rate or signal.size < rate or not noise.any():
        return None
    return float(np.abs(signal).max() / np.sqrt((noise**2).mean()))
