"""Masks: stretches of channels that an analyst has judged unfit; cut away before anything listens to them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.files import write_whole
from detente.monitor.bulletin.times import from_iso, iso
from detente.monitor.waves.trace import Fault, Recording, Trace
from detente.tables import Row, read_table

COLUMNS = ("channel", "start", "end", "reason", "who")


class Mask(msgspec.Struct, frozen=True, kw_only=True):
    """From `start` to `end` (s UTC) the channels that match `channel` are not to be used.

    `channel`: NET.STA.LOC.CHA with * and ? as in file names.
    """

    channel: str
    start: float
    end: float
    reason: str
    who: str


def read_masks(paths: Sequence[Path]) -> tuple[Mask, ...]:
    """The masks of CSV tables of COLUMNS, times in ISO 8601.

    Raises DetenteError for a missing column, a cell that is no time, an end before its start, or no reason.
    """
    return tuple(_checked(_of(row), row.where) for path in paths for row in read_table(path, COLUMNS))


def _of(row: Row) -> Mask:
    cells = {k: v.strip() for k, v in row.cells.items()}
    try:
        start, end = from_iso(cells["start"]), from_iso(cells["end"])
    except DetenteError as bad:
        raise DetenteError(bad.what, where=row.where) from None
    return Mask(channel=cells["channel"], start=start, end=end, reason=cells["reason"], who=cells["who"])


def _checked(mask: Mask, where: str) -> Mask:
    if not mask.end > mask.start:
        raise DetenteError("a mask that ends before it begins", where=where)
    if mask.channel.count(".") != 3:
        raise DetenteError(
            f"'{mask.channel}' is no channel", where=where, fix="write NET.STA.LOC.CHA, * for any"
        )
    if not (mask.reason and mask.who):
        raise DetenteError("a mask without a reason or a name", where=where, fix="say who masks it and why")
    return mask


def add_mask(path: Path, mask: Mask) -> tuple[Mask, ...]:
    """Write the table with one mask more, and give all of it; a table that is not there is begun."""
    held = read_masks([path]) if path.exists() else ()
    every = (*held, _checked(mask, "the mask"))
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    lines.writerows((m.channel, iso(m.start), iso(m.end), m.reason, m.who) for m in every)
    write_whole(path, out.getvalue().encode())
    return every


def cut_away(recording: Recording, masks: Iterable[Mask]) -> Recording:
    """The recording without its masked samples; each stretch that took samples is told as a fault."""
    masks = tuple(masks)
    if not masks:
        return recording
    kept: list[Trace] = []
    faults = list(recording.faults)
    for trace in recording.traces:
        own = sorted((m for m in masks if fnmatchcase(trace.id, m.channel)), key=lambda m: m.start)
        rest = [trace]
        for m in own:
            before = sum(t.samples.size for t in rest)
            rest = [piece for t in rest for piece in _without(t, m) if piece.samples.size]
            lost = before - sum(t.samples.size for t in rest)
            if lost:
                said = f"{lost} samples: {m.reason} ({m.who})"
                faults.append(Fault(channel=trace.id, kind="masked", start=m.start, end=m.end, detail=said))
        kept += rest
    return Recording(tuple(kept), tuple(faults))


def covered(fault: Fault, masks: Iterable[Mask]) -> bool:
    """Whether a fault lies within a masked stretch of its channel, to a sample or two."""
    return any(
        m.start - 1.0 <= fault.start and fault.end <= m.end + 1.0 and fnmatchcase(fault.channel, m.channel)
        for m in masks
    )


def _without(trace: Trace, mask: Mask) -> tuple[Trace, ...]:
    if mask.end <= trace.start or mask.start >= trace.end:
        return (trace,)
    return trace.cut(trace.start, mask.start), trace.cut(mask.end, trace.end + 1.0)
