"""Detection at one station as the chain needs it: deaf spells after loud signals heard again, edges left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.signals.detect import WIDE_KM, detect
from detente.monitor.signals.gather import is_vertical
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.waves.trace import Array, Site, Trace

Gain = Callable[[str, float], float | None]

LOUD_SNR: Final = 100.0
AFRESH_S: Final = 200.0
"""So long after a loud signal the averages begin anew: their memory of it would hide what follows for far longer."""
EDGE_S: Final = 2.0
SAME_S: Final = 3.0


def listen(traces: Sequence[Trace], array: Array, settings: DetectSettings, gain: Gain) -> list[Arrival]:
    """The arrivals of a station, and those that its recursive average hid behind a signal 100 times the noise.

    The long average forgets by 1/e in its time constant; behind a signal of ratio R it stands above a later one of
    ratio r for lta ln(R^2/r): ten minutes for R = 5000 and a minute. The record from 200 s after the loudest
    signal is searched again by itself. Every arrival bears the array's code.
    """
    array = heard(traces, array)
    found = list(detect(traces, array, settings, gain=gain))
    for _ in range(3):
        loud = [a for a in found if (a.snr or 0.0) >= LOUD_SNR and _hides(a, settings) > AFRESH_S]
        later = _later(traces, max((a.time for a in loud), default=None), settings)
        try:
            anew = detect(later, array, settings, gain=gain) if later else ()
        except DetenteError:
            break
        new = [a for a in anew if all(abs(a.time - b.time) > SAME_S for b in found)]
        if not new:
            break
        found += [
            msgspec.structs.replace(a, why={**a.why, "heard": "again, behind a loud signal"}) for a in new
        ]
        if not any((a.snr or 0.0) >= LOUD_SNR for a in new):
            break
    edges = np.array([e for t in traces for e in (t.start, t.end)])
    return [a for a in found if not edges.size or np.abs(edges - a.time).min() > EDGE_S]


def apart(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays as the detector takes them: of one wider than WIDE_KM each element is a station of its own."""
    found: dict[str, Array] = {}
    for code, array in arrays.items():
        wide = len(array.sites) > 1 and float(np.hypot(*np.ptp(array.offsets_km(), axis=0))) > WIDE_KM
        if wide:
            for site in array.sites:
                found.setdefault(site.code, Array(site.code, (site,)))
        else:
            found[code] = array
    return found


def heard(traces: Sequence[Trace], array: Array) -> Array:
    """The array, or where fewer than three elements have a vertical the fullest of them: it stands where that does.

    One element, and not two: neighbours that see the same signal are no two witnesses of an event.
    """
    live = [t for t in traces if t.samples.size and t.station in {s.code for s in array.sites}]
    if len(array.sites) == 1 or not live or len({t.station for t in live if is_vertical(t)}) >= 3:
        return array

    def full(site: Site) -> tuple[int, int]:
        own = [t for t in live if t.station == site.code]
        return len({t.channel[-1:] for t in own}), sum(t.samples.size for t in own)

    return Array(array.code, (max(array.sites, key=full),))


def _hides(a: Arrival, settings: DetectSettings) -> float:
    """Seconds for which the long average hides a signal of ten times the noise power."""
    return float(settings.lta_s * np.log(max(a.snr or 1.0, 1.0) ** 2 / 10))


def _later(traces: Sequence[Trace], loud: float | None, settings: DetectSettings) -> list[Trace]:
    """The pieces of traces from 200 s after the loud signal that are long enough to listen to."""
    if loud is None:
        return []
    start = loud + AFRESH_S
    return [t.cut(start, t.end) for t in traces if t.end > start + 2 * settings.lta_s]
