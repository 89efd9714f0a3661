"""The filter list: which band each phase is looked at in, from a table that an analyst may replace."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec

from detente.errors import DetenteError, nearest
from detente.sources import Quality
from detente.tables import read_table

COLUMNS = ("phase", "low_hz", "high_hz", "poles", "source", "quality")


class PhaseFilter(msgspec.Struct, frozen=True, kw_only=True):
    """A causal Butterworth band-pass of `poles` from `low_hz` to `high_hz`, and why it."""

    phase: str
    low_hz: float
    high_hz: float
    poles: int
    source: str
    quality: Quality

    def within(self, rate_hz: float) -> PhaseFilter:
        """The filter, its upper edge lowered to 0.45 of the sampling rate. Raises DetenteError where none is left."""
        high = min(self.high_hz, 0.45 * rate_hz)
        if high <= self.low_hz:
            raise DetenteError(
                f"no {self.phase} of {self.low_hz:g} Hz and more at {rate_hz:g} samples a second"
            )
        return msgspec.structs.replace(self, high_hz=high)


def filters(path: Path | None = None) -> dict[str, PhaseFilter]:
    """Filters by phase: the program's list, or the lines of `path` over it. Raises DetenteError for bad cells."""
    found = _read(files("detente.monitor.signals") / "phase_filters.csv")
    return {**found, **_read(path)} if path is not None else found


def filter_of(phase: str, listed: Mapping[str, PhaseFilter]) -> PhaseFilter:
    """The filter of a phase. Raises DetenteError where the list has none."""
    if phase not in listed:
        raise DetenteError(f"no filter for phase '{phase}'", fix=nearest(phase, listed))
    return listed[phase]


def _read(path: Path | object) -> dict[str, PhaseFilter]:
    found = {}
    for row in read_table(path, COLUMNS):  # type: ignore[arg-type]
        low, high, poles = (row.number(k) for k in ("low_hz", "high_hz", "poles"))
        if not (low and high and poles and 0 < low < high and poles == int(poles) and 1 <= poles <= 8):
            raise DetenteError("a filter needs 0 < low < high in Hz and 1 to 8 poles", where=row.where)
        if row["quality"] not in Quality.__members__:
            raise DetenteError(f"no quality '{row['quality']}'", where=row.where, fix=", ".join(Quality))
        found[row["phase"]] = PhaseFilter(
            phase=row["phase"], low_hz=low, high_hz=high, poles=int(poles), source=row["source"],
            quality=Quality(row["quality"]),
        )  # fmt: skip
    return found
