"""SDS archives: YEAR/NET/STA/CHA.D/NET.STA.LOC.CHA.D.YEAR.DAY, read window by window, written file by file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.waves.miniseed import read_miniseed, write_miniseed
from detente.monitor.waves.read import finish
from detente.monitor.waves.slices import bytes_between
from detente.monitor.waves.trace import NS, Fault, Recording, Trace

DAY = 86_400.0
_RECORD_S = 2.0
"""Half a sample and a rounding of clocks: records that only just do not reach a window are read with it."""
_EDGE_S = 600.0
"""A day's file may begin with a record of the day before and end in the next one's."""


class Window(msgspec.Struct, frozen=True):
    """What an archive holds from `start` to `end` (s UTC); the recording reaches `margin` s beyond either side."""

    start: float
    end: float
    recording: Recording


class Archive(msgspec.Struct, frozen=True):
    """An SDS archive under `root`. Source: SeisComP, SDS 1.0."""

    root: Path

    def channels(self, start: float, end: float, select: Sequence[str] = ("*",)) -> tuple[str, ...]:
        """The channels NET.STA.LOC.CHA that have a file between two times; `select`: patterns with * and ?.

        Raises DetenteError where the folder is missing.
        """
        if not self.root.is_dir():
            raise DetenteError("no such archive", where=str(self.root), fix="check the path")
        found = set()
        for year in sorted({d.year for d in _days(start, end)}):
            for path in (self.root / str(year)).glob("*/*/*.D/*"):
                parts = path.name.split(".")
                if len(parts) == 7 and parts[4] == "D":
                    found.add(".".join(parts[:4]))
        return tuple(sorted(c for c in found if any(fnmatchcase(c, _four(p)) for p in select)))

    def read(
        self, start: float, end: float, select: Sequence[str] = ("*",), *, now: float | None = None
    ) -> Recording:
        """The chosen channels from `start` to `end` (s UTC), checked; a broken file is a fault."""
        return self.read_channels(self.channels(start, end, select), start, end, now=now)

    def read_channels(
        self, channels: Iterable[str], start: float, end: float, *, now: float | None = None
    ) -> Recording:
        """These channels NET.STA.LOC.CHA from `start` to `end` (s UTC), checked; of a file only the records needed."""
        traces: list[Trace] = []
        faults: list[Fault] = []
        for channel in channels:
            for path in self._files(channel, start, end):
                try:
                    data = bytes_between(path, start - _RECORD_S, end + _RECORD_S)
                except FileNotFoundError:
                    continue
                except OSError as bad:
                    detail = f"cannot be read ({bad.strerror})"
                    faults.append(
                        Fault(
                            channel=channel,
                            kind="corrupt",
                            start=start,
                            end=end,
                            detail=f"{path.name} {detail}",
                        )
                    )
                    continue
                found = read_miniseed(data, path.name)
                if any(f.kind == "corrupt" for f in found.faults):
                    found = read_miniseed(path.read_bytes(), path.name)  # byte numbers are the whole file's
                faults += found.faults
                # cut here, so that no more than one day of one channel is held beyond what is asked for
                cut = [t.cut(start, end) for t in found.traces if t.end > start and t.start < end]
                traces += [
                    msgspec.structs.replace(t, samples=t.samples.copy()) for t in cut if t.samples.size
                ]
        return finish(traces, faults, now=now)

    def stream(
        self,
        start: float,
        end: float,
        select: Sequence[str] = ("*",),
        *,
        step: float = DAY,
        margin: float = 0.0,
        now: float | None = None,
    ) -> Iterator[Window]:
        """Window after window of `step` s, holding no more than one in memory; a channel without data has a gap."""
        if not step > 0 or margin < 0:
            raise DetenteError(f"a step of {step:g} s with a margin of {margin:g} s", where=str(self.root))
        channels = self.channels(start, end, select)
        at = start
        while at < end:
            until = min(at + step, end)
            found = self.read_channels(channels, at - margin, until + margin, now=now)
            there = {t.id for t in found.traces}
            silent = tuple(
                Fault(channel=c, kind="gap", start=at, end=until, detail="nothing in the archive")
                for c in channels
                if c not in there
            )
            yield Window(at, until, Recording(found.traces, (*found.faults, *silent)))
            at = until

    def _files(self, channel: str, start: float, end: float) -> list[Path]:
        network, station, _, name = channel.split(".")
        folder = f"{network}/{station}/{name}.D"
        return [
            self.root / str(day.year) / folder / f"{channel}.D.{day.year}.{day.timetuple().tm_yday:03d}"
            for day in _days(start - _EDGE_S, end + _EDGE_S)
        ]

    def write(self, traces: Iterable[Trace]) -> tuple[Path, ...]:
        """Add traces to the archive; a day that is there already is read, joined and written whole."""
        days: dict[Path, list[Trace]] = {}
        for trace in traces:
            for day in _days(trace.start, trace.end):
                a = day.timestamp()
                piece = trace.cut(a, a + DAY)
                if piece.samples.size:
                    (path,) = self._files(trace.id, a + _EDGE_S, a + DAY - _EDGE_S - 1)
                    days.setdefault(path, []).append(piece)
        for path, pieces in days.items():
            old = read_miniseed(path.read_bytes(), path.name).traces if path.exists() else ()
            joined = finish((*old, *pieces), raw=True)
            write_whole(path, write_miniseed(joined.traces))
        return tuple(days)


def _four(pattern: str) -> str:
    """NET.STA.LOC.CHA of a pattern that may leave out its end."""
    parts = pattern.split(".")
    return ".".join((*parts, *["*"] * (4 - len(parts))))


def _days(start: float, end: float) -> list[datetime]:
    try:
        first = datetime.fromtimestamp(start, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        count = int((end - first.timestamp() - 1 / NS) // DAY) + 1
        return [first + timedelta(days=i) for i in range(max(1, count))]
    except (ValueError, OverflowError, OSError):
        raise DetenteError(f"no such time: {start:g} to {end:g} s") from None
