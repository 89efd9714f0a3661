"""Detection over a whole network, a station at a time: no more than one station's record is held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.bulletin.plain import decode, encode
from detente.monitor.bulletin.records import Arrival
from detente.monitor.chain.listen import heard, listen
from detente.monitor.chain.sources import Source, placed
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.waves import level
from detente.monitor.waves.response import Responses
from detente.monitor.waves.trace import Array, Fault, Trace

Tell = Callable[[str, int, int], None]
"""Progress: the step, how many are done, of how many."""

_FEWEST = 20  # samples that two channels must share to be called copies, as in `health`


class Outline(msgspec.Struct, frozen=True):
    """A trace without its samples: their number and SHA-256."""

    id: str
    start_ns: int
    rate_hz: float
    size: int
    sha256: str


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What listening to one station gave: the array as it was heard, its arrivals, faults and traces in outline."""

    array: Array
    arrivals: tuple[Arrival, ...]
    faults: tuple[Fault, ...] = ()
    traces: tuple[Outline, ...] = ()


def hear(
    source: Source,
    arrays: Mapping[str, Array],
    responses: Responses,
    settings: DetectSettings,
    *,
    tell: Tell | None = None,
    parts: Path | None = None,
) -> tuple[dict[str, Heard], tuple[Fault, ...]]:
    """Every station of the source that has any record, in turn; and the faults of all, channels of no place among them.

    `parts`: a folder that keeps what each station gave; a station that lies there is not listened to again.
    A station that cannot be listened to is a fault, the others go on.
    """
    groups, lost = placed(source.channels, arrays)
    found: dict[str, Heard] = {}
    for i, (code, channels) in enumerate(groups.items()):
        if tell:
            tell("detect", i, len(groups))
        kept = None if parts is None else parts / f"{code}.json"
        one = None if kept is None else _kept(kept)
        if one is None:
            one = _station(source, channels, arrays[code], responses, settings)
            if kept is not None:
                write_whole(kept, encode(one))
                one = _kept(kept) or one  # so that a run that was cut off computes with the very same
        found[code] = one
    faults = (*lost, *(f for one in found.values() for f in one.faults))
    return {code: one for code, one in found.items() if one.traces}, faults


def _kept(path: Path) -> Heard | None:
    try:
        return decode(path.read_bytes(), Heard)
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError):
        return None  # listened to, or listened to again


def _station(
    source: Source, channels: Sequence[str], array: Array, responses: Responses, settings: DetectSettings
) -> Heard:
    record = source.read(channels)
    traces, faults = record.traces, list(record.faults)
    if not traces:
        return Heard(array=array, arrivals=(), faults=tuple(faults))
    array = heard(traces, array)
    faults += level.faults(traces, responses)
    arrivals: list[Arrival] = []
    try:
        arrivals = listen(traces, array, settings, channel_gain(traces, responses))
    except DetenteError as bad:
        first, last = min(t.start for t in traces), max(t.end for t in traces)
        faults.append(Fault(channel=array.code, kind="sampling rate", start=first, end=last, detail=str(bad)))
    return Heard(
        array=array, arrivals=tuple(arrivals), faults=tuple(faults), traces=tuple(map(outline, traces))
    )


def channel_gain(traces: Sequence[Trace], responses: Responses) -> Callable[[str, float], float | None]:
    """Counts per nanometre of a channel at a frequency, for the detector's amplitudes."""
    by_id = {t.id: responses.find(t) for t in traces}

    def gain(channel: str, frequency_hz: float) -> float | None:
        found = by_id.get(channel)
        return None if found is None else found.gain(frequency_hz)

    return gain


def outline(trace: Trace) -> Outline:
    """A trace as it is told without its samples."""
    sha = hashlib.sha256(trace.samples.tobytes()).hexdigest()
    return Outline(trace.id, trace.start_ns, trace.rate_hz, trace.samples.size, sha)


def digest(outlines: Iterable[Outline]) -> str:
    """SHA-256 of traces in order of name and time."""
    lines = sorted(f"{o.id} {o.start_ns} {o.rate_hz!r} {o.size} {o.sha256}\n" for o in outlines)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def copies(outlines: Iterable[Outline]) -> tuple[Fault, ...]:
    """A fault for each channel that holds the same samples at the same time as another, at whatever station."""

    def key(o: Outline) -> tuple[int, float, int, str]:
        return o.start_ns, o.rate_hz, o.size, o.sha256

    faults = []
    for _, group in groupby(sorted(outlines, key=lambda o: (key(o), o.id)), key=key):
        first, *others = group
        for o in others:
            if o.size >= _FEWEST and o.id != first.id:
                start = o.start_ns / 1e9
                detail = f"sample for sample the same as {first.id}"
                faults.append(Fault(channel=o.id, kind="duplicate", start=start, end=start + o.size / o.rate_hz,
                                    detail=detail))  # fmt: skip
    return tuple(faults)
