"""From the traces of one station to its arrivals: which of them make an array, which a sensor of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Arrival
from detente.monitor.signals.detector import Detector as Detector
from detente.monitor.signals.detector import Gain
from detente.monitor.signals.filters import BLOCK
from detente.monitor.signals.gather import Panel, is_vertical, panel
from detente.monitor.signals.settings import DEFAULT as DEFAULT
from detente.monitor.signals.settings import INFRASOUND as INFRASOUND
from detente.monitor.signals.settings import DetectSettings as DetectSettings
from detente.monitor.waves.trace import Array, Trace

WIDE_KM = 100.0  # aperture above which the elements are stations: NOA's is 90 km


def detect(
    traces: Iterable[Trace], array: Array, settings: DetectSettings = DEFAULT, *, gain: Gain | None = None
) -> tuple[Arrival, ...]:
    """The arrivals at one station or array, in order of time.

    Arrays of three or more verticals: a beam bank triggers, f-k gives back-azimuth and slowness. Three components:
    each triggers, polarisation gives them. Single verticals: times only. Infrasound channels use INFRASOUND unless
    settings are given. Raises DetenteError where no trace belongs to the array.
    """
    own = {s.code for s in array.sites}
    mine = [t for t in traces if t.station in own and t.samples.size and np.isfinite(t.samples).all()]
    if settings is DEFAULT and mine and all(_is_pressure(t) for t in mine):
        settings = INFRASOUND
    mine = [_slower(t, settings) for t in mine]
    out: list[Arrival] = []
    for data in _panels(mine, array):
        detector = Detector(data, settings, gain)
        piece = max(BLOCK, round(1800 * data.rate_hz))
        for first in range(0, data.samples.shape[1], piece):
            part = slice(first, first + piece)
            out += detector.feed(data.samples[:, part], None if data.live is None else data.live[:, part])
        out += detector.finish()
    return number(out)


def number(arrivals: Iterable[Arrival]) -> tuple[Arrival, ...]:
    """In order of time, each with an id of station and time that no other has."""
    seen: dict[str, int] = {}
    out = []
    for a in sorted(arrivals, key=lambda a: (a.time, a.station, a.channel)):
        stamp = (
            datetime.fromtimestamp(a.time, UTC).strftime("%Y%m%dT%H%M%S") + f".{int(a.time % 1 * 100):02d}"
        )
        name = f"{a.station}-{stamp}"
        seen[name] = seen.get(name, 0) + 1
        out.append(msgspec.structs.replace(a, id=name if seen[name] == 1 else f"{name}-{seen[name]}"))
    return tuple(out)


def _is_pressure(trace: Trace) -> bool:
    return trace.unit == "Pa" or (len(trace.channel) == 3 and trace.channel[1] == "D")


def _panels(traces: Sequence[Trace], array: Array) -> list[Panel]:
    """What detectors run on: the array's verticals, or for each lone sensor its components (or its vertical)."""
    stations = {t.station for t in traces if is_vertical(t)}
    if len(stations) >= 3:
        places = array.offsets_km()
        if float(np.hypot(*np.ptp(places, axis=0))) <= WIDE_KM:
            rates = [round(t.rate_hz, 3) for t in traces if is_vertical(t)]
            rate = max(set(rates), key=rates.count)
            return [panel(traces, array, rate_hz=rate)]
    found = []
    for station in sorted({t.station for t in traces}):
        groups: dict[tuple[str, str], list[Trace]] = {}
        for t in (t for t in traces if t.station == station):
            groups.setdefault((t.location, t.channel[:-1]), []).append(t)
        best = max(
            groups.values(), key=lambda g: (_components(g), _top_rate(g), sum(t.samples.size for t in g))
        )
        one = Array(array.code if len(array.sites) == 1 else station,
                    tuple(s for s in array.sites if s.code == station))  # fmt: skip
        rate = _top_rate(best)
        data = panel(best, one, verticals=False, rate_hz=rate)
        order = sorted(range(len(data.codes)), key=lambda i: "Z3N1E2".find(data.codes[i][-1]) // 2)
        found.append(
            msgspec.structs.replace(
                data,
                codes=tuple(data.codes[i] for i in order),
                samples=data.samples[order],
                late_s=data.late_s[order],
                offsets_km=data.offsets_km[order],
                live=None if data.live is None else data.live[order],
            )
        )
    return found


def _components(group: Sequence[Trace]) -> int:
    return len({t.channel[-1:] for t in group})


def _top_rate(group: Sequence[Trace]) -> float:
    return max(t.rate_hz for t in group)


def _slower(trace: Trace, settings: DetectSettings) -> Trace:
    """Fewer samples where the rate is far above what the highest band needs (zero-phase decimation)."""
    from scipy.signal import decimate

    factor = int(trace.rate_hz // (3.2 * max(b[1] for b in settings.bands_hz)))
    if factor < 2 or trace.samples.size < 200:
        return trace
    level = trace.samples.mean(dtype=np.float64)
    kept = decimate(trace.samples.astype(np.float64) - level, factor, ftype="fir", zero_phase=True)
    return msgspec.structs.replace(trace, samples=kept.astype(np.float32), rate_hz=trace.rate_hz / factor)
