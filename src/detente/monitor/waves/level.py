"""Wrong units and gains, found by the quietest moments of a record and by what a channel's code says of its sensor."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from detente.errors import DetenteError
from detente.monitor.noise import models, octave_rms_nm
from detente.monitor.waves.response import Response, Responses
from detente.monitor.waves.trace import Fault, Trace

_OCTAVES_HZ = (0.25, 0.5, 1.0, 2.0, 4.0)
_WINDOW_S = 20.0
_QUIET = 0.1
_BELOW, _ABOVE = 0.1, 300.0
"""A tenth of the low model: no site, but a wrong gain. 300 times the high model: no noise that sites are built on."""

_PIECE_S = 1200.0
_BETWEEN = 1.5  # the power of frequency between a seismometer's 1 and an accelerometer's 2


def faults(traces: Iterable[Trace], responses: Responses) -> tuple[Fault, ...]:
    """A fault for each channel whose record or whose code does not go with its response: the first that is seen.

    Its quietest moments are not of this Earth: below a tenth of Peterson's low noise model in every octave, above 300
    times his high one in most that the record covers. Or its code names a seismometer (H, L) and it answers to
    acceleration, or an accelerometer (N) and it does not: the power of frequency by which the response to displacement
    grows over the octave to a fifth of the sampling rate, 1 for velocity, 2 for acceleration.
    Sources: Peterson 1993, USGS Open-File Report 93-322; SEED manual 2.4, appendix A.
    """
    found: dict[str, Fault] = {}
    for trace in traces:
        response = responses.find(trace)
        if response is None or response.unit != "m" or trace.id in found:
            continue
        detail = _sensor(trace, response) or _noise(trace, response)
        if detail:
            found[trace.id] = Fault(
                channel=trace.id, kind="units", start=trace.start, end=trace.end, detail=detail
            )
    return tuple(found.values())


def _sensor(trace: Trace, response: Response) -> str:
    code = trace.channel[1:2].upper() if len(trace.channel) == 3 else ""
    low, high = (response.gain(trace.rate_hz / n) for n in (10, 5))
    if not (code and low > 0 and high > 0):
        return ""
    power = math.log2(high / low)
    if code == "N" and power < _BETWEEN:
        return "its code is an accelerometer's, its response is not: a wrong unit"
    if code in "HL" and power > _BETWEEN:
        return "its code is a seismometer's, its response an accelerometer's: a wrong unit"
    return ""


def _noise(trace: Trace, response: Response) -> str:
    """What is wrong with all pieces that are not dead: one may be loud."""
    live = (piece for piece in _pieces(trace) if np.ptp(piece.samples) > 0)
    ratios = [off for piece in live if (off := _off(piece, response)) is not None]
    if ratios and all(below < _BELOW for below, _ in ratios):
        return f"its quiet is {max(b for b, _ in ratios):.2g} times the low noise model: a wrong unit or gain"
    if ratios and all(above > _ABOVE for _, above in ratios):
        return (
            f"its quiet is {min(a for _, a in ratios):.2g} times the high noise model: a wrong unit or gain"
        )
    return ""


def _pieces(trace: Trace) -> tuple[Trace, ...]:
    """The trace, or of a long one its beginning, its middle and its end; none without samples."""
    if not trace.samples.size:
        return ()
    if trace.end - trace.start <= 3 * _PIECE_S:
        return (trace,)
    last = trace.end - _PIECE_S
    return tuple(trace.cut(a, a + _PIECE_S) for a in (trace.start, 0.5 * (trace.start + last), last))


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
