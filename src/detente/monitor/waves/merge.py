"""Many pieces of a channel into gapless traces without repetition; gaps, overlaps and clock jumps told."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from detente.monitor.waves.trace import NS, Fault, FaultKind, Recording, Trace

_DAY_NS = 86_400 * NS
_SHORT_NS = 2 * NS
_OFF_GRID = 0.1  # samples
_ALIKE = 1e-6
_RATE = 1e-5


def assemble(traces: Iterable[Trace]) -> Recording:
    """Traces in order of channel and time, joined where they touch; the first to come keeps repeated samples.

    A step of more than half a sample is a gap or an overlap. It is a clock jump where the seconds told twice
    hold different samples, or where less than two seconds are missing that are not a whole number of samples.
    """
    faults: list[Fault] = []
    joined: list[Trace] = []
    for _, group in groupby(sorted(traces, key=_order), key=lambda t: (t.id, t.unit)):
        joined += _join([t for t in group if t.samples.size], faults)
    return Recording(tuple(joined), tuple(faults))


def _order(trace: Trace) -> tuple[str, str, int, int]:
    return trace.id, trace.unit, trace.start_ns, -trace.samples.size


def _join(pieces: list[Trace], faults: list[Fault]) -> list[Trace]:
    done: list[Trace] = []
    run: list[Trace] = []
    size, end_ns = 0, 0  # of the run; kept here, for a day may come in a hundred thousand pieces
    for piece in pieces:
        if run and not _same_rate(run[0], piece):
            if piece.start_ns - end_ns <= _DAY_NS:
                detail = f"{run[0].rate_hz:.8g} Hz before, {piece.rate_hz:.8g} Hz after"
                faults.append(_fault(piece, "sampling rate", piece.start_ns, piece.start_ns, detail))
            piece = _after(piece, end_ns) if piece.start_ns < end_ns else piece
        elif run and (piece.start_ns - end_ns) * piece.rate_hz < -NS / 2:
            piece = _past_overlap(run, size, piece, faults)
        if not piece.samples.size:
            continue
        if run and not _touch(run[0], end_ns, piece):
            _tell_gap(piece, end_ns, faults)
            done.append(_concatenate(run))
            run, size = [], 0
        run.append(piece)
        size += piece.samples.size
        end_ns = run[0].start_ns + round(size * NS / piece.rate_hz)
    return [*done, _concatenate(run)] if run else done


def _touch(first: Trace, end_ns: int, piece: Trace) -> bool:
    """Whether `piece` goes on within half a sample of where the run that began with `first` ends."""
    return _same_rate(first, piece) and abs(piece.start_ns - end_ns) * piece.rate_hz <= NS / 2


def _same_rate(a: Trace, b: Trace) -> bool:
    return abs(a.rate_hz - b.rate_hz) <= _RATE * a.rate_hz


def _tell_gap(piece: Trace, end_ns: int, faults: list[Fault]) -> None:
    step = piece.start_ns - end_ns
    samples = step * piece.rate_hz / NS
    if samples <= 0.5 or step > _DAY_NS:
        return
    jump = step <= _SHORT_NS and abs(samples - round(samples)) > _OFF_GRID
    detail = f"{step / NS:.3f} s missing" + (", not a whole number of samples" if jump else "")
    faults.append(_fault(piece, "clock jump" if jump else "gap", end_ns, piece.start_ns, detail))


def _past_overlap(run: list[Trace], size: int, piece: Trace, faults: list[Fault]) -> Trace:
    """What of `piece` comes after a run of `size` samples; the seconds they share are compared."""
    rate, start_ns = run[0].rate_hz, run[0].start_ns
    end_ns = start_ns + round(size * NS / rate)
    until = min(end_ns, piece.end_ns)
    first = max(0, round((piece.start_ns - start_ns) * piece.rate_hz / NS))
    count = max(0, round((until - piece.start_ns) * piece.rate_hz / NS))
    old, new = _held(run, size, first, count), piece.samples[:count]
    shared = min(old.size, new.size)
    alike = bool(np.allclose(old[:shared], new[:shared], rtol=_ALIKE, atol=0, equal_nan=True))
    seconds = (until - piece.start_ns) / NS
    if alike:
        detail = f"{seconds:.3f} s told twice, alike"
    else:
        detail = f"{seconds:.3f} s told twice and not alike: a clock set back, or two sources under one name"
    faults.append(_fault(piece, "overlap" if alike else "clock jump", piece.start_ns, until, detail))
    return _after(piece, end_ns)


def _held(run: list[Trace], size: int, first: int, count: int) -> NDArray[np.float32]:
    """Samples `first` to `first + count` of a run of `size`: only the pieces they lie in are put together."""
    last, at = [], size
    for trace in reversed(run):
        if at <= first:
            break
        at -= trace.samples.size
        last.append(trace.samples)
    if not last:
        return np.zeros(0, np.float32)
    return np.concatenate(last[::-1])[first - at : first - at + count]


def _after(piece: Trace, time_ns: int) -> Trace:
    skip = max(0, int(np.ceil(round((time_ns - piece.start_ns) * piece.rate_hz / NS, 6) - 0.5)))
    skip = min(skip, piece.samples.size)
    start = piece.start_ns + round(skip * NS / piece.rate_hz)
    return structs.replace(piece, start_ns=start, samples=piece.samples[skip:])


def _concatenate(run: list[Trace]) -> Trace:
    if len(run) == 1:
        return run[0]
    return structs.replace(run[0], samples=np.concatenate([t.samples for t in run]))


def _fault(trace: Trace, kind: FaultKind, start_ns: int, end_ns: int, detail: str) -> Fault:
    return Fault(channel=trace.id, kind=kind, start=start_ns / NS, end=end_ns / NS, detail=detail)
