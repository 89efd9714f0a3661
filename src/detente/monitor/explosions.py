"""The table of underground explosions with magnitude and yield, and which of them may calibrate a law."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import msgspec

from detente.errors import DetenteError
from detente.sources import Quality, Source
from detente.tables import Row, read_table

_COLUMNS = (
    *("site", "name", "time", "lat", "lon", "depth_m", "mb", "agency", "yield_kt", "yield_low_kt"),
    *("yield_high_kt", "yield_kind", "kind", "medium", "rock", "province", "source", "quality", "note"),
)
INDEPENDENT = ("announced", "measured")  # yields that no magnitude went into


class Explosion(msgspec.Struct, frozen=True):
    """One shot: place in degrees, depth m, `mb` of `agency`, yields kt; None where nobody says."""

    site: str
    name: str
    time: str
    lat: float
    lon: float
    depth_m: float | None
    mb: float | None
    agency: str
    yield_kt: float | None
    yield_low_kt: float | None
    yield_high_kt: float | None
    yield_kind: str
    kind: str
    rock: str
    province: str
    source: Source
    note: str

    @property
    def calibrates(self) -> bool:
        """Coupled, nuclear, with a magnitude and a yield that is independent of it."""
        known = self.mb is not None and self.yield_kt is not None and self.yield_kt > 0
        return known and self.kind == "nuclear" and self.yield_kind in INDEPENDENT


@lru_cache(maxsize=1)
def explosions() -> tuple[Explosion, ...]:
    """Every row of ``data/explosions.csv``."""
    table = files("detente.monitor") / "data" / "explosions.csv"
    return tuple(_explosion(row) for row in read_table(table, _COLUMNS))


def _explosion(row: Row) -> Explosion:
    lat, lon = row.number("lat"), row.number("lon")
    if lat is None or lon is None:
        raise DetenteError("a shot without a place", where=row.where)
    return Explosion(
        row["site"],
        row["name"],
        row["time"],
        lat,
        lon,
        row.number("depth_m"),
        row.number("mb"),
        row["agency"],
        row.number("yield_kt"),
        row.number("yield_low_kt"),
        row.number("yield_high_kt"),
        row["yield_kind"],
        row["kind"],
        row["rock"],
        row["province"],
        Source(row["source"], Quality(row["quality"])),
        row["note"],
    )
