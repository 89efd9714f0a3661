"""Read waveform files of any kind into one recording: told by their content, never by their names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.monitor.waves import health
from detente.monitor.waves.foreign import read_foreign
from detente.monitor.waves.merge import assemble
from detente.monitor.waves.miniseed import is_miniseed, read_miniseed
from detente.monitor.waves.sac import byte_order, read_sac
from detente.monitor.waves.trace import Fault, Recording, Trace

_HEAD = 640
_NO_WAVES_IN = (".csv", ".dat", ".hdf5", ".json", ".md", ".pdf", ".png", ".txt", ".xml", ".yaml")
_NOT_WAVES = (b"<?xml", b"<FDSNStationXML", b"<q:quakeml", b"* **", b"\xef\xbb\xbf<?xml")


def read(
    paths: Path | str | Iterable[Path | str],
    *,
    start: float | None = None,
    end: float | None = None,
    now: float | None = None,
    raw: bool = False,
) -> Recording:
    """The traces of files and folders (walked whole, text passed over), joined and checked, and every fault on the way.

    Parameters: `start`, `end`: only what lies between (s UTC); `now`: samples after it are in the future;
    `raw`: joined but not checked. Station files among the waveforms are passed over.
    Raises DetenteError where a path does not exist.
    """
    listed = [paths] if isinstance(paths, Path | str) else list(paths)
    traces: list[Trace] = []
    faults: list[Fault] = []
    foreign: list[Path] = []
    for path in _files(listed):
        found = _read_one(path, foreign)
        traces += found.traces
        faults += found.faults
    if foreign:
        for found in read_foreign(foreign).values():
            traces += found.traces
            faults += found.faults
    return finish(traces, faults, start=start, end=end, now=now, raw=raw)


def finish(
    traces: Iterable[Trace],
    faults: Iterable[Fault] = (),
    *,
    start: float | None = None,
    end: float | None = None,
    now: float | None = None,
    raw: bool = False,
) -> Recording:
    """Pieces from any source, cut to a window, joined and checked."""
    if start is not None or end is not None:
        low, high = -1e12 if start is None else start, 1e12 if end is None else end
        traces = [t.cut(low, high) for t in traces if t.start < high and t.end > low]
    joined = assemble(traces)
    recording = msgspec.structs.replace(joined, faults=(*faults, *joined.faults))
    return recording if raw else health.check(recording, now=now)


def _files(listed: Iterable[Path | str]) -> list[Path]:
    files: list[Path] = []
    for name in listed:
        path = Path(name)
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if _promising(p))
        elif path.is_file():
            files.append(path)
        else:
            raise DetenteError("no such file or folder", where=str(path), fix="check the path")
    return files


def _promising(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in _NO_WAVES_IN


def _read_one(path: Path, foreign: list[Path]) -> Recording:
    try:
        data = path.read_bytes()
    except OSError as bad:
        return _not_read(path, f"cannot be read ({bad.strerror})")
    head = data[:_HEAD]
    if not head:
        return _not_read(path, "empty")
    if head.lstrip().startswith(_NOT_WAVES):
        return Recording()
    if is_miniseed(head):
        return read_miniseed(data, path.name)
    try:
        if byte_order(head):
            return read_sac(data, path.name)
    except DetenteError as bad:
        return _not_read(path, bad.what)
    if path.suffix.lower() in (".mseed", ".miniseed", ".ms", ".mseed3"):
        return read_miniseed(data, path.name)  # a broken start; records may follow
    foreign.append(path)
    return Recording()


def _not_read(path: Path, detail: str) -> Recording:
    return Recording((), (Fault(channel=path.name, kind="corrupt", start=0.0, end=0.0, detail=detail),))
