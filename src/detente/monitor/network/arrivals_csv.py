"""Arrivals from a table: what any detector wrote, for association and location on their own."""

from __future__ import annotations

from pathlib import Path

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.bulletin.times import from_iso
from detente.tables import Row, read_table

NUMBERS = (
    *("time_sd", "backazimuth_deg", "backazimuth_sd_deg", "slowness_s_km", "slowness_sd_s_km"),
    *("amplitude_nm", "period_s", "snr"),
)
OPTIONAL = (
    *("id", "phase", "channel", *NUMBERS, "polarity", "band_low_hz", "band_high_hz", "method", "by", "why"),
    "time_utc",
)
TIME_SD_S = 0.5  # where the table gives none


def read_arrivals(path: Path) -> tuple[Arrival, ...]:
    """Arrivals of a CSV: station and time (ISO 8601 or s since 1970), and any of OPTIONAL.

    Raises DetenteError for a missing column, a cell that is no number or time, or two arrivals of one id.
    """
    found: dict[str, Arrival] = {}
    for n, row in enumerate(read_table(path, ("station", "time"), optional=OPTIONAL)):
        arrival = _arrival(row, f"a{n + 1}")
        if arrival.id in found:
            raise DetenteError(f"a second arrival '{arrival.id}'", where=row.where)
        found[arrival.id] = arrival
    if not found:
        raise DetenteError("no arrival", where=path.name)
    return tuple(found.values())


def _arrival(row: Row, name: str) -> Arrival:
    text = row["time"].strip()
    try:
        time = float(text)
    except ValueError:
        time = from_iso(text)
    values = {c: row.number(c) for c in NUMBERS if c in row.cells}
    sd = values.pop("time_sd", None)
    if sd is not None and sd <= 0:
        raise DetenteError(f"an error of {sd:g} s", where=row.where, fix="give one above 0")
    return Arrival(
        id=row.cells.get("id") or name,
        station=row["station"],
        time=time,
        time_sd=sd or TIME_SD_S,
        phase=row.cells.get("phase", ""),
        **values,  # type: ignore[arg-type]
    )
