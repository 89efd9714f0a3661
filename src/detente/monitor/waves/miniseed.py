"""miniSEED 2 and 3 through libmseed: whole where it is whole, record by record where it is broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.waves.trace import NS, Fault, FaultKind, Recording, Trace

_HEADER = re.compile(rb"[0-9 \x00]{6}[DRQM][ \x00][A-Z0-9 ]{5}|MS\x03[\x00-\xff]{5}")
_QUALITIES = np.frombuffer(b"DRQM", np.uint8)
_B1000 = (b"\x03\xe8", b"\xe8\x03")
_ALIGN = 64  # miniSEED 2 records begin on multiples of their length, which is at least this
_LEAST_HZ, _MOST_HZ = 1e-6, 1e6
_EXACT = 1 << 24
"""The largest count up to which float32 holds every whole number."""
_MOST_PER_BYTE = 8  # the densest encoding (Steim 2) packs seven samples into four bytes


def is_miniseed(head: bytes) -> bool:
    """Whether a file's first bytes look like a miniSEED record."""
    return _HEADER.match(head) is not None


def read_miniseed(data: bytes, where: str) -> Recording:
    """All channels of a miniSEED file or stream; what cannot be decoded is a fault, the rest goes on.

    Source: FDSN, miniSEED 3 (2023) and SEED 2.4 appendix; decoded by libmseed 3.
    """
    faults: list[Fault] = []
    found, sound = _decode(data, faults)
    if not sound or _torn(data) or _swallows(data):
        data, faults = _salvage(data, where)
        told = len(faults)
        found, _ = _decode(data, faults) if data else ([], True)
        if data and not found and len(faults) == told:
            data, more = _one_by_one(data, where)
            faults += more
            found, _ = _decode(data, faults)
    traces: list[Trace] = []
    for trace, source, last_ns in found:
        drift = last_ns - (trace.end_ns - round(NS / trace.rate_hz))
        if abs(drift) * trace.rate_hz > NS / 2:
            traces += _split_at_creep(trace, _record_starts(data, source, trace.start_ns, last_ns), faults)
        else:
            traces.append(trace)
    return Recording(tuple(traces), tuple(faults))


def _torn(data: bytes) -> bool:
    """Whether the bytes end within a record, which libmseed passes over in silence."""
    try:
        first = record_length(data[:2048])
        if data[:2] != b"MS" and first and len(data) % first == 0:
            return False
        at = 0
        while at < len(data):
            at += record_length(data[at : at + 2048]) or len(data) + 1
        return at > len(data)
    except DetenteError:
        return True


def _swallows(data: bytes) -> bool:
    """Whether a record says that it is longer than it is, so that libmseed would take those after it for its end."""
    try:
        length = record_length(data[:2048])
        if length is None or data[:2] == b"MS":
            return False
        if len(data) % length == 0 and len(data) > 3 * length:
            rows = np.frombuffer(data, np.uint8).reshape(-1, length)
            # most files: every record with its blockette 1000 at byte 48, and the same length in it
            alike = (rows[:, [48, 49, 54]] == rows[0, [48, 49, 54]]).all() and data[48:50] in _B1000
            if alike and np.isin(rows[:, 6], _QUALITIES).all():
                return False
        at = 0
        while at < len(data):
            length = record_length(data[at : at + 2048]) or len(data)
            if _next_header(data, at) < at + length:
                return True
            at += length
    except DetenteError:
        return True
    return False


def _decode(data: bytes, faults: list[Fault]) -> tuple[list[tuple[Trace, str, int]], bool]:
    """Each segment with its source's name and its last sample's time; and whether libmseed was content."""
    from pymseed import MS3TraceList, PymseedError, clear_error_messages, get_error_messages

    clear_error_messages()
    found: list[tuple[Trace, str, int]] = []
    odd: list[Fault] = []
    try:
        with MS3TraceList.from_buffer(data, unpack_data=True, validate_crc=True) as series:
            for s in series:
                for part in s:
                    if part.numsamples > 0 and part.sampletype in ("i", "f", "d"):
                        trace = _trace(s.sourceid, part.starttime, part.samprate, part.np_datasamples, odd)
                        if trace is not None:
                            found.append((trace, s.sourceid, part.endtime))
    except (PymseedError, ValueError, MemoryError):
        return [], False
    faults += odd
    return found, not get_error_messages()


def _trace(source: str, start: int, rate: float, samples: NDArray[Any], faults: list[Fault]) -> Trace | None:
    """A segment as a trace; None, and a fault, where its rate makes no seismogram."""
    from pymseed import PymseedError, sourceid2nslc

    try:
        network, station, location, channel = sourceid2nslc(source)
    except (PymseedError, ValueError):
        network, station, location, channel = "", source.rpartition(":")[2], "", ""
    channel = channel.replace("_", "")  # band, source and position codes of other lengths than one
    name = f"{network}.{station}.{location}.{channel}"
    if not _LEAST_HZ <= rate < _MOST_HZ:
        detail = f"{samples.size} samples at {rate:g} Hz: left out"
        faults.append(_fault(name, "sampling rate", start, detail))
        return None
    low, high = (int(samples.min()), int(samples.max())) if samples.dtype.kind == "i" else (0, 0)
    if max(-low, high) > _EXACT:
        step = 1 << (max(-low, high).bit_length() - 24)
        detail = f"counts from {low} to {high}: only every {step}th can be told apart in float32"
        faults.append(_fault(name, "precision", start, detail))
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is told as no number
        values = samples.astype(np.float32)
    return Trace(network, station, location, channel, int(start), _round_rate(rate), values)


def _fault(channel: str, kind: FaultKind, start_ns: int, detail: str) -> Fault:
    return Fault(channel=channel, kind=kind, start=start_ns / NS, end=start_ns / NS, detail=detail)


def _round_rate(rate: float) -> float:
    """A rate kept as a float32 or as a period, back to the decimal that was meant."""
    near = round(rate, 4)
    return near if near > 0 and abs(near - rate) < 3e-7 * rate else rate


def records(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Each sound record as (offset, length, warning); bytes between them are not miniSEED."""
    from pymseed import MS3Record, PymseedError, clear_error_messages, get_error_messages

    at, view = 0, memoryview(data)
    while at < len(data):
        if not _HEADER.match(data, at):
            at = _next_header(data, at)
            continue
        clear_error_messages()
        try:
            record = MS3Record.parse(view[at:], unpack_data=False)
            length = record.reclen
            if record.samplecnt > _MOST_PER_BYTE * length:
                raise ValueError("more samples than the record can hold")
            if data[at : at + 2] != b"MS" and _next_header(data, at) < at + length:
                raise ValueError("a record that runs over the next one")
            if record.samplecnt:
                record.unpack_data()
            yield at, length, "; ".join(str(m) for m in get_error_messages())
            at += length
        except (PymseedError, ValueError, MemoryError, UnicodeDecodeError):
            at = _next_header(data, at)


def _next_header(data: bytes, at: int) -> int:
    for match in _HEADER.finditer(data, at + 1):
        if match.group().startswith(b"MS") or match.start() % _ALIGN == 0:
            return match.start()
    return len(data)


def _salvage(data: bytes, where: str) -> tuple[bytes, list[Fault]]:
    """The sound records of a broken file, and what was left out."""
    kept, faults, end = [], [], 0
    for at, length, warning in records(data):
        if at > end:
            faults.append(_corrupt(where, f"bytes {end} to {at} are not miniSEED"))
        end = at + length
        if warning:
            faults.append(_corrupt(where, f"record at byte {at}: {warning}"))
        else:
            kept.append(data[at:end])
    if end < len(data):
        faults.append(_corrupt(where, f"bytes {end} to {len(data)} are not miniSEED"))
    return b"".join(kept), faults


def _one_by_one(data: bytes, where: str) -> tuple[bytes, list[Fault]]:
    """The records that libmseed can place in time: one that it cannot stops it at all of them."""
    kept: list[bytes] = []
    faults: list[Fault] = []
    for at, length, _ in records(data):
        odd: list[Fault] = []
        found, _ = _decode(data[at : at + length], odd)
        if found:
            kept.append(data[at : at + length])
        else:
            detail = f"record at byte {at}: its end is at no time that can be told"
            faults += odd or [_corrupt(where, detail)]
    return b"".join(kept), faults


def _corrupt(where: str, detail: str) -> Fault:
    return Fault(channel=where, kind="corrupt", start=0.0, end=0.0, detail=detail)


def _record_starts(data: bytes, source: str, start_ns: int, last_ns: int) -> list[tuple[int, int]]:
    from pymseed import MS3Record

    starts = [
        (r.starttime, r.samplecnt)
        for r in MS3Record.from_buffer(data)
        if r.sourceid == source and start_ns <= r.starttime <= last_ns
    ]
    return sorted(starts)


def _split_at_creep(trace: Trace, starts: list[tuple[int, int]], faults: list[Fault]) -> Iterator[Trace]:
    """`trace`, cut where its records' clock has crept more than half a sample from its sample count."""
    origin, cut, count = trace.start_ns, 0, 0
    for start_ns, size in starts:
        off = start_ns - origin - round((count - cut) * NS / trace.rate_hz)
        if abs(off) * trace.rate_hz > NS / 2 and count > cut:
            detail = f"the records' times creep by {off / NS:+.4f} s against their samples"
            faults.append(
                Fault(
                    channel=trace.id, kind="clock jump", start=origin / NS, end=start_ns / NS, detail=detail
                )
            )
            yield structs.replace(trace, start_ns=origin, samples=trace.samples[cut:count])
            origin, cut = start_ns, count
        count += size
    yield structs.replace(trace, start_ns=origin, samples=trace.samples[cut:])


def record_length(head: bytes) -> int | None:
    """The length of the record that begins with `head`, from its own header; None while too little is there.

    Raises DetenteError where no record begins or it does not tell its length.
    """
    if len(head) < 48:
        return None
    if not _HEADER.match(head):
        raise DetenteError("no miniSEED record begins here")
    if head[:3] == b"MS\x03":
        return int(
            40 + head[33] + int.from_bytes(head[34:36], "little") + int.from_bytes(head[36:40], "little")
        )
    order: Literal["big", "little"] = (
        "big" if 1900 <= int.from_bytes(head[20:22], "big") <= 2100 else "little"
    )
    at = int.from_bytes(head[46:48], order)
    for _ in range(head[39] or 1):
        if at < 48 or at > 1024:
            break
        if at + 8 > len(head):
            return None
        if int.from_bytes(head[at : at + 2], order) == 1000:
            if not 6 <= head[at + 6] <= 20:
                break
            return 1 << head[at + 6]
        at = int.from_bytes(head[at + 2 : at + 4], order)
    raise DetenteError("a miniSEED record that does not tell its length")


def write_miniseed(traces: Iterable[Trace], *, version: int = 2, length: int = 512) -> bytes:
    """Traces as miniSEED records of at most `length` bytes: whole numbers in Steim 2, others in float32.

    Raises DetenteError for a name that a record cannot bear.
    """
    from pymseed import DataEncoding, MS3TraceList, PymseedError, nslc2sourceid

    out: list[bytes] = []
    for trace in traces:
        x = trace.samples
        small = bool(np.isfinite(x).all()) and float(np.abs(x).max(initial=0)) < 2**27
        whole = small and bool((x == np.round(x)).all())
        made = MS3TraceList()
        try:
            made.add_data(
                sourceid=nslc2sourceid(trace.network, trace.station, trace.location, trace.channel),
                data_samples=x.astype(np.int32) if whole else x,
                sample_type="i" if whole else "f",
                sample_rate=trace.rate_hz,
                starttime=trace.start_ns,
                publication_version=4 if version == 2 else 1,  # 4 is "M", modified, in miniSEED 2
            )
            encoding = DataEncoding.STEIM2 if whole else DataEncoding.FLOAT32
            made_records = made.generate(format_version=version, encoding=encoding, max_record_length=length)
            out += [bytes(r) for r in made_records]
        except (PymseedError, ValueError) as bad:
            raise DetenteError(f"cannot be miniSEED: {bad}", where=trace.id) from None
    return b"".join(out)
