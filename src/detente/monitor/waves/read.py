"""Read waveform files of any kind into one recording: told by their content, never by their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.monitor.waves import health
from detente.monitor.waves.foreign import read_foreign
from detente.monitor.waves.inventory import is_folder
from detente.monitor.waves.merge import assemble
from detente.monitor.waves.miniseed import is_miniseed, read_miniseed, record_length
from detente.monitor.waves.sac import byte_order, read_sac
from detente.monitor.waves.trace import Fault, Recording, Trace

_HEAD = 640
_NO_WAVES_IN = (".csv", ".dat", ".hdf5", ".json", ".md", ".pdf", ".png", ".txt", ".xml", ".yaml")
_MINISEED = (".mseed", ".miniseed", ".ms", ".mseed3")
_MOST_BYTES = 1 << 30
"""A larger file is an archive: its samples would fill the memory of a laptop at once."""
_MOST_TOLD = 20
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
    foreign: dict[Path, Recording] = {}
    for path in _files(listed, faults):
        found = _read_one(path, foreign)
        traces += found.traces
        faults += found.faults
    for path, found in (read_foreign(list(foreign)) if foreign else {}).items():
        if foreign[path].faults and not found.traces:
            found = foreign[path]  # looked like miniSEED: what is wrong with it says more than "not read"
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
    checked = recording if raw else health.check(recording, now=now)
    return msgspec.structs.replace(checked, faults=fold(checked.faults))


def nothing_in(paths: Sequence[Path | str], faults: Sequence[Fault]) -> str:
    """Why there is no waveform at all in some paths, in words."""
    named = f"{paths[0]}" + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")
    why = f" ({faults[0].channel}: {faults[0].kind}: {faults[0].detail})" if faults else ""
    return f"{named}: no waveform that can be worked with{why}"


def fold(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Faults in their order, but more than twenty of one kind on one channel as one line that counts them."""
    grouped: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        grouped.setdefault((fault.channel, fault.kind), []).append(fault)
    told: list[Fault] = []
    for group in grouped.values():
        told += group if len(group) <= _MOST_TOLD else [_counted(group)]
    return tuple(told)


def _counted(group: Sequence[Fault]) -> Fault:
    seconds = sum(f.end - f.start for f in group)
    total = f", {seconds:.3f} s in all" if seconds > 0 else ""
    return msgspec.structs.replace(
        group[0],
        start=min(f.start for f in group),
        end=max(f.end for f in group),
        detail=f"{len(group)} times{total}; the first: {group[0].detail}",
    )


def _files(listed: Iterable[Path | str], faults: list[Fault]) -> list[Path]:
    files: list[Path] = []
    for name in listed:
        path = Path(name)
        if is_folder(path):
            files += _walked(path, faults)
        elif path.is_file():
            files.append(path)
        else:
            raise DetenteError("neither a file nor a folder", where=str(path), fix="check the path")
    return files


def _walked(folder: Path, faults: list[Fault]) -> list[Path]:
    """The files of a folder that may hold waveforms, in order; a folder that cannot be opened is a fault."""
    found: list[Path] = []

    def closed(bad: OSError) -> None:
        faults.extend(_not_read(Path(bad.filename or folder), f"cannot be read ({bad.strerror})").faults)

    for here, _, names in os.walk(folder, onerror=closed):
        found += (p for p in (Path(here, n) for n in names) if _promising(p))
    parts = _companions(found)
    return sorted(p for p in found if p not in parts)


def _promising(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in _NO_WAVES_IN


def _companions(files: Sequence[Path]) -> set[Path]:
    """Files of bare samples, which another file describes: those of a CSS wfdisc, and SeismicHandler's .QBN."""
    there, parts = set(files), set()
    for path in files:
        if path.suffix.lower() == ".qbn" and {path.with_suffix(s) for s in (".QHD", ".qhd")} & there:
            parts.add(path)
        elif path.suffix.lower() == ".wfdisc":
            try:
                lines = path.read_text("latin-1").splitlines()
            except OSError:
                continue  # told when it is read
            # the columns of dir and dfile, CSS 3.0
            parts |= {path.parent / line[148:212].strip() / line[213:245].strip() for line in lines}
    return parts


def _read_one(path: Path, foreign: dict[Path, Recording]) -> Recording:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= _MOST_BYTES else b""
    except OSError as bad:
        return _not_read(path, f"cannot be read ({bad.strerror})")
    if size > _MOST_BYTES:
        return _not_read(path, f"{size / 2**30:.1f} GiB: not read at once; cut it, or make it an SDS archive")
    head = data[:_HEAD]
    if not head:
        return _not_read(path, "empty")
    if head.lstrip().startswith(_NOT_WAVES):
        return Recording()
    if is_miniseed(head):
        found = read_miniseed(data, path.name)
        if not found.faults or _tells_its_length(data):
            return found
        foreign[path] = found  # of before blockette 1000: libmseed misses records
        return Recording()
    try:
        if byte_order(head):
            return read_sac(data, path.name)
    except DetenteError as bad:
        return _not_read(path, bad.what)
    foreign[path] = Recording()
    if path.suffix.lower() in _MINISEED:
        found = read_miniseed(data, path.name)  # a broken start; records may follow
        if found.traces:
            del foreign[path]
            return found
        foreign[path] = found
    return Recording()


def _tells_its_length(data: bytes) -> bool:
    try:
        return record_length(data[:2048]) is not None
    except DetenteError:
        return False


def _not_read(path: Path, detail: str) -> Recording:
    return Recording((), (Fault(channel=path.name, kind="corrupt", start=0.0, end=0.0, detail=detail),))
