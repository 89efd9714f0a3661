"""What is wrong with single channels: dead, clipped, not a number, in the future, told under two names."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from detente.monitor.waves.trace import NS, Fault, FaultKind, Recording, Trace

Bool = NDArray[np.bool_]

DEAD_S = 10.0
"""A channel that repeats one value for so long (and 20 samples at least) has no sensor behind it."""
_DEAD_SAMPLES = 20
_CLIP_RUN = 3
_CLIP_CORNER = 10.0
_LATE_S = 60.0
_MAX_NAMED = 20
# SEED manual 2.4, appendix A: band code -> sampling rates it may name, Hz
_BANDS = {
    **dict.fromkeys("FG", (1000.0, 5000.0)),
    **dict.fromkeys("DC", (250.0, 1000.0)),
    **dict.fromkeys("EH", (80.0, 250.0)),
    **dict.fromkeys("SB", (10.0, 80.0)),
    "M": (1.0, 10.0),
    "L": (0.9, 1.1),
}


def check(recording: Recording, *, now: float | None = None) -> Recording:
    """The traces that can be worked with, and every fault found in them.

    Samples that are not numbers, constant stretches and what lies more than a minute after `now` (s UTC; the
    clock if left out) are cut away; clipped samples, copies under two names and rates that contradict the
    channel's name are told and kept.
    """
    faults = list(recording.faults)
    latest = (time.time() if now is None else now) + _LATE_S
    kept: list[Trace] = []
    for trace in recording.traces:
        for piece in _not_future(trace, latest, faults):
            for number in _numbers(piece, faults):
                kept += _alive(number, faults)
    for trace in kept:
        faults += clipping(trace)
    faults += sampling(kept)
    faults += copies(kept)
    return Recording(tuple(kept), tuple(faults))


def _not_future(trace: Trace, latest: float, faults: list[Fault]) -> Iterator[Trace]:
    if trace.end <= latest:
        yield trace
        return
    start = max(trace.start, latest)
    faults.append(_fault(trace, "in the future", start, trace.end, "samples later than now: left out"))
    now = trace.cut(trace.start, latest)
    if now.samples.size:
        yield now


def _numbers(trace: Trace, faults: list[Fault]) -> Iterator[Trace]:
    good = np.isfinite(trace.samples)
    if good.all():
        yield trace
        return
    count = int(good.size - good.sum())
    faults.append(_fault(trace, "not a number", trace.start, trace.end, f"{count} samples: left out"))
    yield from _pieces(trace, good)


def _alive(trace: Trace, faults: list[Fault]) -> list[Trace]:
    """`trace` without its constant stretches."""
    least = max(_DEAD_SAMPLES, round(DEAD_S * trace.rate_hz))
    good = np.ones(trace.samples.size, bool)
    starts, lengths = runs(trace.samples)
    for first, size in zip(starts[lengths >= least], lengths[lengths >= least], strict=True):
        good[first : first + size] = False
        a = trace.start + first / trace.rate_hz
        value = f"{size / trace.rate_hz:.0f} s at {trace.samples[first]:g}: left out"
        faults.append(_fault(trace, "dead", a, a + size / trace.rate_hz, value))
    return [trace] if good.all() else list(_pieces(trace, good))


def _pieces(trace: Trace, good: Bool) -> Iterator[Trace]:
    starts, lengths = runs(good)
    for first, size in zip(starts, lengths, strict=True):
        if good[first]:
            start_ns = trace.start_ns + round(int(first) * NS / trace.rate_hz)
            yield structs.replace(trace, start_ns=start_ns, samples=trace.samples[first : first + size])


def runs(values: NDArray[np.generic]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where each run of equal neighbours starts, and its length."""
    if not values.size:
        empty = np.zeros(0, np.intp)
        return empty, empty
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = np.concatenate(([0], edges))
    return starts, np.diff(np.concatenate((starts, [values.size])))


def clipping(trace: Trace) -> list[Fault]:
    """Stretches where the channel sits at its extreme with sharp corners: the digitiser's end, not the ground.

    A smooth crest that repeats its top value enters it by about one step of the digitiser; a cut one enters
    by many. Told: three equal samples or more at the channel's extreme, entered and left by ten steps or more.
    """
    x = trace.samples
    steps = np.abs(np.diff(x))
    moving = steps[steps > 0]
    if moving.size < 100:
        return []
    quantum = float(moving.min())
    starts, lengths = runs(x)
    top, bottom = float(x.max()), float(x.min())
    flat = (lengths >= _CLIP_RUN) & ((x[starts] == top) | (x[starts] == bottom))
    flat &= (starts > 0) & (starts + lengths < x.size)
    where, size = starts[flat], lengths[flat]
    corner = np.minimum(steps[where - 1], steps[where + size - 1]) >= _CLIP_CORNER * quantum
    where, size = where[corner], size[corner]
    if not where.size:
        return []
    first, last = int(where[0]), int(where[-1] + size[-1])
    detail = f"{int(size.sum())} samples in {where.size} stretches at {bottom:g} or {top:g}"
    a, b = trace.start + first / trace.rate_hz, trace.start + last / trace.rate_hz
    return [_fault(trace, "clipped", a, b, detail)]


def sampling(traces: Iterable[Trace]) -> list[Fault]:
    """Channels whose rate contradicts their band code (SEED manual, appendix A), once each."""
    found: dict[str, Fault] = {}
    for trace in traces:
        low, high = _BANDS.get(trace.channel[:1], (0.0, np.inf)) if len(trace.channel) == 3 else (0.0, np.inf)
        if not low <= trace.rate_hz < high and trace.id not in found:
            detail = f"{trace.rate_hz:g} Hz under a name for {low:g} to {high:g} Hz"
            found[trace.id] = _fault(trace, "sampling rate", trace.start, trace.end, detail)
    return list(found.values())


def copies(traces: Sequence[Trace]) -> list[Fault]:
    """Channels that hold the same samples at the same time under different names."""
    faults = []
    key = lambda t: (t.start_ns, t.rate_hz, t.samples.size)  # noqa: E731
    for _, group in groupby(sorted(traces, key=key), key=key):
        seen: dict[bytes, Trace] = {}
        for trace in group:
            if trace.samples.size < _DEAD_SAMPLES:
                continue
            first = seen.setdefault(trace.samples.tobytes(), trace)
            if first.id != trace.id:
                detail = f"sample for sample the same as {first.id}"
                faults.append(_fault(trace, "duplicate", trace.start, trace.end, detail))
    return faults


def summary(faults: Sequence[Fault]) -> dict[str, int]:
    """How many faults of each kind."""
    return {k: sum(f.kind == k for f in faults) for k in sorted({f.kind for f in faults})}


def _fault(trace: Trace, kind: FaultKind, start: float, end: float, detail: str) -> Fault:
    return Fault(channel=trace.id, kind=kind, start=start, end=end, detail=detail)
