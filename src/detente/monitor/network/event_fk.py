"""F-k at an arrival of a located event, beside what its origin predicts there."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import Bulletin, Event
from detente.monitor.network.phases import PHASES, index_of
from detente.monitor.network.predict import Predicted, predict
from detente.monitor.signals.bias import correct
from detente.monitor.signals.fk import Fk, Settings, fk, polar_sd
from detente.monitor.signals.phase_filters import filter_of, filters
from detente.monitor.waves.trace import Array, Recording


class ArrivalFk(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """The map as seen, what is predicted, and `fk`: back-azimuth, its error, slowness, its error, bias taken off."""

    seen: Fk
    predicted: Predicted
    fk: tuple[float, float, float, float]
    bias_known: bool


def fk_at(
    bulletin: Bulletin,
    event: Event,
    arrival: str,
    recording: Recording,
    arrays: Mapping[str, Array],
    lead_s: float = 0.5,
    seconds: float = 4.0,
    band_hz: tuple[float, float] | None = None,
) -> ArrivalFk:
    """F-k of the window that begins `lead_s` before an arrival of the event; `band_hz`: else the phase's filter.

    Errors hold the window's own and the scatter of the array's bias (0.012 s/km where nobody has measured it).
    Raises DetenteError for an unknown arrival, a station that is no array, or a window without samples.
    """
    known = {a.id: a for a in bulletin.arrivals}
    phases = {u.arrival: u.phase for u in event.origin.used}
    if arrival not in known or arrival not in phases:
        raise DetenteError(f"arrival '{arrival}' is not of {event.id}", fix=nearest(arrival, phases))
    a, phase = known[arrival], PHASES[index_of(phases[arrival])]
    place = arrays.get(a.station)
    if place is None or len(place.sites) < 3:
        raise DetenteError(f"{a.station} is no array of three sites", where=arrival)
    begin = a.time - lead_s
    near = [t.cut(begin - 30, begin + seconds + 30) for t in recording.traces]
    near = [t for t in near if t.samples.size]
    if band_hz is None:
        rate = max((t.rate_hz for t in near), default=40.0)
        listed = filter_of(phase, filters()).within(rate)
        band_hz = (listed.low_hz, listed.high_hz)
    slow = 0.45 if phase in ("S", "Sn", "Sg", "Lg") else 0.3
    settings = Settings(band_hz=band_hz, limit_s_km=slow)
    seen = fk(near, place, begin, begin + seconds, settings)
    right = correct(place.code, seen.sx, seen.sy)
    slowness = float(np.hypot(right.sx, right.sy))
    sd_s, sd_a = polar_sd(right.sx, right.sy, seen.covariance + right.scatter)
    direction = float(np.degrees(np.arctan2(right.sx, right.sy)) % 360)
    wanted = predict(event.origin, {a.station: place}, (phase,))
    if not wanted:
        raise DetenteError(f"no {phase} comes to {a.station} from there", where=arrival)
    return ArrivalFk(
        seen=seen, predicted=wanted[0], fk=(direction, sd_a, slowness, sd_s), bias_known=right.known
    )
