"""Arrivals from a table or a bulletin: what anybody found, for association and location on their own."""

from __future__ import annotations

from pathlib import Path

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.formats import read_any
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
    """Arrivals of a CSV: station and time (ISO 8601 or s since 1970), and any of OPTIONAL; or of any bulletin.

    PATH#EVENT: of one event of a bulletin (IMS 1.0, CSS 3.0, QuakeML, ours), by the phases it gave them.
    Raises DetenteError for a missing column, a cell that is no number or time, or two arrivals of one id.
    """
    file, mark, event = str(path).rpartition("#")
    if mark and not path.exists():
        return of_bulletin(Path(file), event)
    if not _is_table(path):
        return of_bulletin(path)
    found: dict[str, Arrival] = {}
    for n, row in enumerate(read_table(path, ("station", "time"), optional=OPTIONAL)):
        arrival = _arrival(row, f"a{n + 1}")
        if arrival.id in found:
            raise DetenteError(f"a second arrival '{arrival.id}'", where=row.where)
        found[arrival.id] = arrival
    if not found:
        raise DetenteError("no arrival", where=path.name)
    return tuple(found.values())


def _is_table(path: Path) -> bool:
    """Whether the first line that is no comment heads a table; a file that is not there is missed as one."""
    if not path.exists():
        return not path.with_name(path.name + ".origin").exists()
    try:
        lines = path.read_bytes()[:20_000].decode("utf-8-sig", "replace").splitlines()
    except OSError:
        return True
    head = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    return "station" in head.split(",")


def of_bulletin(path: Path, event: str = "") -> tuple[Arrival, ...]:
    """The arrivals of a bulletin in any format, or of one event. Raises DetenteError where there are none."""
    from msgspec.structs import replace

    held = read_any(path)
    events = {e.id: e for e in held.events}
    if event and event not in events:
        raise DetenteError(f"no event '{event}'", where=path.name, fix=nearest(event, events))
    chosen = [events[event]] if event else list(events.values())
    phases = {u.arrival: u.phase for e in chosen for u in e.origin.used}
    found = tuple(
        replace(a, phase=phases.get(a.id, a.phase)) for a in held.arrivals if not event or a.id in phases
    )
    if not found:
        raise DetenteError("no arrival", where=path.name)
    return tuple(a if a.time_sd > 0 else replace(a, time_sd=TIME_SD_S) for a in found)


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
