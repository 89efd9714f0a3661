"""Wrong units and gains, found by the quietest moments of a record: no ground is quieter than the Earth's quietest."""

from __future__ import annotations

import math

import numpy as np

from detente.errors import DetenteError
from detente.monitor.noise import models, octave_rms_nm
from detente.monitor.waves.response import Response, Responses
from detente.monitor.waves.trace import Fault, Recording, Trace

_OCTAVES_HZ = (0.25, 0.5, 1.0, 2.0, 4.0)
_WINDOW_S = 20.0
_QUIET = 0.1
_BELOW, _ABOVE = 0.1, 300.0
"""A tenth of the low model: no site, but a wrong gain. 300 times the high model: no noise that sites are built on."""


def units(recording: Recording, responses: Responses) -> tuple[Fault, ...]:
    """A fault for each channel whose quietest tenth is not of this Earth once its response is removed.

    Told: below a tenth of Peterson's low noise model in every octave, above 300 times his high one in most that the
    record covers. Source: Peterson 1993, USGS Open-File Report 93-322.
    """
    faults: dict[str, Fault] = {}
    for trace in recording.traces:
        response = responses.find(trace)
        if response is None or response.unit != "m" or trace.id in faults:
            continue
        off = _off(trace, response)
        if off is None or (off[0] >= _BELOW and off[1] <= _ABOVE):
            continue
        low = off[0] < _BELOW
        ratio, model = (off[0], "low") if low else (off[1], "high")
        detail = f"its quiet is {ratio:.2g} times the {model} noise model: a wrong unit or gain"
        faults[trace.id] = Fault(
            channel=trace.id, kind="units", start=trace.start, end=trace.end, detail=detail
        )
    return tuple(faults.values())


def _off(trace: Trace, response: Response) -> tuple[float, float] | None:
    """The largest ratio to the low model and the median one to the high one, over the octaves covered."""
    frequency, low_db, high_db = models()
    below: list[float] = []
    above: list[float] = []
    for centre in _OCTAVES_HZ:
        band = (centre / math.sqrt(2), centre * math.sqrt(2))
        if band[1] > 0.4 * trace.rate_hz or trace.samples.size < 3 * _WINDOW_S * trace.rate_hz:
            continue
        try:
            moved = response.to_displacement_nm(trace, band)
        except DetenteError:
            continue
        n = round(_WINDOW_S * trace.rate_hz)
        # the ends are tapered, so the windows there are too quiet
        inner = moved.samples[n:-n] if moved.samples.size > 4 * n else moved.samples
        windows = inner[: inner.size // n * n].reshape(-1, n).astype(float)
        quiet = float(np.quantile(np.sqrt((windows**2).mean(axis=1)), _QUIET))
        at = np.array([centre])
        low = float(octave_rms_nm(np.interp(at, frequency, low_db), at)[0])
        high = float(octave_rms_nm(np.interp(at, frequency, high_db), at)[0])
        below.append(quiet / low)
        above.append(quiet / high)
    return (max(below), float(np.median(above))) if below else None
