"""fdsnws-dataselect: records of an SDS archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from detente.errors import DetenteError
from detente.monitor.chain.fdsnws_params import TooLargeError, matches
from detente.monitor.waves.miniseed import write_miniseed
from detente.monitor.waves.sds import Archive
from detente.monitor.waves.trace import Trace

MOST_SECONDS = 40 * 86_400.0
MOST_SAMPLES = 100_000_000


def records(archive: Archive, requests: Sequence[Mapping[str, Any]]) -> tuple[bytes, str]:
    """miniSEED of what is asked for; empty where there is none. Raises TooLargeError."""
    traces: list[Trace] = []
    for asked in requests:
        start, end = asked["starttime"], asked["endtime"]
        if start is None or end is None:
            raise DetenteError("dataselect needs starttime and endtime")
        if end - start > MOST_SECONDS:
            raise TooLargeError(
                f"{(end - start) / 86_400:.0f} days", fix=f"ask for {MOST_SECONDS / 86_400:.0f} at most"
            )
        if asked["format"] != "miniseed":
            raise DetenteError(f"format={asked['format'][:20]}", fix="miniseed")
        names = [c for c in archive.channels(start, end) if _asked_for(c, asked)]
        for name in names:
            found = archive.read(start, end, [name]).traces
            if asked["longestonly"]:
                found = tuple(sorted(found, key=lambda t: t.samples.size / t.rate_hz)[-1:])
            traces += [t for t in found if t.samples.size / t.rate_hz >= asked["minimumlength"]]
            if sum(t.samples.size for t in traces) > MOST_SAMPLES:
                raise TooLargeError(f"more than {MOST_SAMPLES} samples", fix="ask for less at once")
    return (write_miniseed(traces) if traces else b""), "application/vnd.fdsn.mseed"


def _asked_for(channel: str, asked: Mapping[str, Any]) -> bool:
    parts = zip(channel.split("."), ("network", "station", "location", "channel"), strict=True)
    return all(matches(asked[name], code) for code, name in parts)
