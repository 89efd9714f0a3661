"""Lags between events: correlation times of the same phase at one station, and the slowness vectors they need."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.monitor.network.phases import known, travel_time
from detente.monitor.waves.trace import Array, Site
from detente.tables import read_table

COLUMNS: Final = ("event1", "event2", "time1", "time2", "station", "phase", "cc")


class Lag(msgspec.Struct, frozen=True):
    """The same phase of two events at one station: s UTC since 1970, correlation coefficient."""

    event1: str
    event2: str
    time1: float
    time2: float
    station: str
    phase: str
    cc: float = 1.0


def read_lags(path: Path) -> tuple[Lag, ...]:
    """Lags of a CSV with the columns of COLUMNS, or of a text of the same in columns of blanks, also gzipped.

    Raises DetenteError for a missing column, or a time that is no ISO 8601 or number.
    An event's lags with itself are left out.
    """
    name = path.name.removesuffix(".gz")
    if name.endswith(".csv") and path.suffix != ".gz":
        rows = [(row.cells, row.where) for row in read_table(path, COLUMNS[:-1], optional=("cc",))]
    else:
        rows = _columns(path)
    if not rows:
        raise DetenteError("no lag", where=path.name)
    return tuple(_lag(cells, where) for cells, where in rows if cells["event1"] != cells["event2"])


def _columns(path: Path) -> list[tuple[dict[str, str], str]]:
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    except (OSError, EOFError, UnicodeDecodeError, gzip.BadGzipFile) as bad:
        raise DetenteError(f"cannot be read: {bad}", where=str(path), fix="check the path") from None
    rows = []
    for n, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 6:
            raise DetenteError(
                f"{len(words)} columns", where=f"{path.name}:{n}", fix=f"give {', '.join(COLUMNS)}"
            )
        rows.append((dict(zip(COLUMNS, words, strict=False)), f"{path.name}:{n}"))
    return rows


def _lag(cells: Mapping[str, str], where: str) -> Lag:
    try:
        cc = float(cells.get("cc") or 1.0)
    except ValueError:
        raise DetenteError(f"'{cells['cc']}' is no correlation", where=where) from None
    if not -1 <= cc <= 1:
        raise DetenteError(f"a correlation of {cc:g}", where=where, fix="give -1 to 1")
    return Lag(
        cells["event1"], cells["event2"], _time(cells["time1"], where), _time(cells["time2"], where),
        cells["station"], cells["phase"], cc,
    )  # fmt: skip


def _time(text: str, where: str) -> float:
    from datetime import UTC, datetime

    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DetenteError(f"'{text}' is no time", where=where, fix="ISO 8601, or s since 1970") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def read_slownesses(path: Path) -> dict[tuple[str, str], tuple[float, float]]:
    """Slowness vectors (s/km east, north; away from the source) of a text: station, phase, ..., east, north."""
    found = {}
    for n, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        try:
            found[words[0], words[1]] = float(words[-2]), float(words[-1])
        except (IndexError, ValueError):
            raise DetenteError("no slowness vector", where=f"{path.name}:{n}") from None
    return found


def slownesses(
    lags: Sequence[Lag], sites: Mapping[str, Site | Array], lat: float, lon: float, depth_km: float = 0.0
) -> dict[tuple[str, str], tuple[float, float]]:
    """Slowness vectors of the tables for a common place: s/km east and north, away from the source."""
    found = {}
    for key in sorted({(lag.station, lag.phase) for lag in lags}):
        station, phase = key
        if station not in sites or not known(phase):
            continue
        view = travel_time(phase, lat, lon, depth_km, sites[station])
        if np.isfinite(view["slowness_s_km"]):
            a = np.radians(view["azimuth_deg"])
            found[key] = (view["slowness_s_km"] * np.sin(a), view["slowness_s_km"] * np.cos(a))
    return found
