"""CSS 3.0 flat files: origin, origerr, arrival, assoc, event, magnitudes, sites; fixed widths from one table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from detente.errors import DetenteError, nearest
from detente.files import write_all
from detente.monitor.bulletin.numbers import one_line, station, whole
from detente.monitor.bulletin.quakeml import quality
from detente.monitor.bulletin.records import (
    MACHINE,
    Arrival,
    Bulletin,
    Event,
    Magnitude,
    Origin,
    StationMagnitude,
    Used,
)
from detente.monitor.bulletin.times import julian
from detente.monitor.geo import KM_PER_DEG
from detente.tables import read_table

Row = Mapping[str, Any]
_FORMAT = re.compile(r"(\d+)(?:\.(\d+))?([dfs])")
_AUTHOR = "detente"
_FM = {"up": "c.", "down": "d."}
# every read leaves by this one door, so that a gap in a file is told in one way
_BLANK = "-"
_NEEDED = ("time", "lat", "lon", "depth")
"""Without these a row says nothing; other numbers that do not fit are unknown rather than the end of a bulletin."""


class Field(msgspec.Struct, frozen=True):
    """One column of a flat file: `decimals` None but for numbers with a point; `null` stands for unknown."""

    name: str
    width: int
    decimals: int | None
    kind: str
    null: str


@lru_cache(maxsize=1)
def schema() -> dict[str, tuple[Field, ...]]:
    """The tables written and read, by name, with their columns in order."""
    found: dict[str, list[Field]] = {}
    table = files("detente.monitor.bulletin") / "css3.csv"
    for row in read_table(table, ("table", "field", "format", "null")):
        match = _FORMAT.fullmatch(row["format"])
        if match is None:
            raise DetenteError(f"'{row['format']}' is no format", where=row.where)
        decimals = None if match[2] is None else int(match[2])
        found.setdefault(row["table"], []).append(
            Field(row["field"], int(match[1]), decimals, match[3], row["null"])
        )
    return {k: tuple(v) for k, v in found.items()}


def encode(table: str, rows: Iterable[Row]) -> bytes:
    """Rows as the lines of a flat file; what a row does not name is null. Raises DetenteError for an unknown field."""
    fields = schema()[table]
    known = {f.name for f in fields}
    lines = []
    for row in rows:
        for name in row:
            if name not in known:
                raise DetenteError(f"no field '{name}' in {table}", fix=nearest(name, known))
        lines.append(" ".join(_write(f, row.get(f.name)) for f in fields) + "\n")
    return "".join(lines).encode("ascii", "replace")


def decode(table: str, data: bytes, where: str = "") -> tuple[dict[str, Any], ...]:
    """The rows of a flat file, None for null. Raises DetenteError with the line for what is not in its columns."""
    fields = schema()[table]
    width = sum(f.width + 1 for f in fields) - 1
    found = []
    for number, line in enumerate(data.decode("latin-1").split("\n"), 1):
        if not line.strip():
            continue
        at = f"{where or table}:{number}"
        if len(line.rstrip("\r")) < width - fields[-1].width:
            raise DetenteError(f"a line of {len(line)} characters where {table} has {width}", where=at)
        found.append(_read_row(fields, line.rstrip("\r").ljust(width), at))
    return tuple(found)


def _write(field: Field, value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        value = field.null if field.kind == "s" else float(field.null)
    if field.kind == "s":
        text = station(str(value), field.width) if field.name == "sta" else one_line(str(value))
        return (text.strip() or _BLANK)[: field.width].ljust(field.width)
    # a number too wide gives up decimals before it gives up its size
    for decimals in range(field.decimals or 0, -1, -1):
        cell = f"{value:{field.width}.{decimals}f}"
        if len(cell) <= field.width:
            return cell
    if field.name in _NEEDED or field.name.endswith("id"):
        raise DetenteError(f"{value} does not fit {field.width} columns", where=field.name)
    return _write(field, None)


def _read_row(fields: Sequence[Field], line: str, where: str) -> dict[str, Any]:
    row: dict[str, Any] = {}
    at = 0
    for field in fields:
        cell = line[at : at + field.width]
        at += field.width + 1
        if line[at - 1 : at].strip():
            raise DetenteError(f"no blank behind '{field.name}'", where=where)
        text = cell.strip()
        if field.kind == "s":
            row[field.name] = None if text == field.null else text
            continue
        try:
            value = int(text) if field.kind == "d" else float(text)
        except ValueError:
            raise DetenteError(f"'{text}' is no {field.name}", where=where) from None
        null = float(field.null)
        row[field.name] = None if abs(value - null) < 0.002 and null != 0 else value
    return row


def css3_tables(bulletin: Bulletin) -> dict[str, list[dict[str, Any]]]:
    """A bulletin as the rows of the eight tables that describe it."""
    arids = whole(a.id for a in bulletin.arrivals)
    evids = whole(e.id for e in bulletin.events)
    orids = whole(o.id for e in bulletin.events for o in e.origins)
    arrivals = {a.id: a for a in bulletin.arrivals}
    rows: dict[str, list[dict[str, Any]]] = {
        k: [] for k in ("origin", "origerr", "event", "arrival", "assoc", "netmag", "stamag", "remark")
    }
    rows["arrival"] = [_arrival_row(a, arids[a.id]) for a in bulletin.arrivals]
    magid = 0
    for event in bulletin.events:
        evid, prefor = evids[event.id], orids[event.origin.id]
        auth = _AUTHOR if event.origin.by == MACHINE else event.origin.by
        rows["event"].append({"evid": evid, "evname": event.id, "prefor": prefor, "auth": auth})
        first: dict[str, tuple[int, float]] = {}
        for magnitude in event.magnitudes:
            magid += 1
            first.setdefault(magnitude.kind.lower(), (magid, magnitude.value))
            _magnitude_rows(rows, magnitude, magid, evid, prefor, arids, arrivals)
        for origin in event.origins:
            known = first if origin is event.origin else {}
            rows["origin"].append(_origin_row(event, origin, orids[origin.id], evid, known))
            rows["origerr"].append(_origerr_row(origin, orids[origin.id]))
            rows["assoc"] += [
                _assoc_row(u, arids[u.arrival], orids[origin.id], arrivals.get(u.arrival), origin.model)
                for u in origin.used
                if u.arrival in arids
            ]
    return rows


def _origin_row(
    event: Event, origin: Origin, orid: int, evid: int, magnitudes: Mapping[str, tuple[int, float]]
) -> dict[str, Any]:
    found = quality(origin)
    row: dict[str, Any] = {
        "lat": origin.lat,
        "lon": origin.lon,
        "depth": origin.depth_km,
        "time": origin.time,
        "orid": orid,
        "evid": evid,
        "jdate": julian(origin.time),
        "nass": len(origin.used),
        "ndef": found["usedPhaseCount"],
        "etype": {"explosion-like": "ex", "earthquake-like": "qt"}.get(
            event.screening.verdict if event.screening else "", _BLANK
        ),
        "dtype": "f" if origin.depth == "free" else "r",
        "algorithm": origin.method or None,
        "auth": _AUTHOR if origin.by == MACHINE else origin.by,
    }
    for kind in ("mb", "ms", "ml"):
        if kind in magnitudes:
            row[f"{kind}id"], row[kind] = magnitudes[kind]
    return row


def _origerr_row(origin: Origin, orid: int) -> dict[str, Any]:
    depth_error = None
    if origin.depth_low_km is not None and origin.depth_high_km is not None:
        depth_error = (origin.depth_high_km - origin.depth_low_km) / 2
    return {
        "orid": orid,
        "sdobs": quality(origin).get("standardError"),
        "smajax": origin.semi_major_km,
        "sminax": origin.semi_minor_km,
        "strike": origin.strike_deg,
        "sdepth": depth_error,
        "stime": origin.time_sd,
        "conf": origin.confidence,
    }


def _arrival_row(a: Arrival, arid: int) -> dict[str, Any]:
    amplitude, period = a.amplitude_nm, a.period_s
    level = math.log10(amplitude / period) if amplitude and period and amplitude > 0 and period > 0 else None
    return {
        "sta": a.station,
        "time": a.time,
        "arid": arid,
        "jdate": julian(a.time),
        "chan": a.channel.rpartition(".")[2] or None,
        "iphase": a.phase or None,
        "deltim": a.time_sd,
        "azimuth": a.backazimuth_deg,
        "delaz": a.backazimuth_sd_deg,
        "slow": None if a.slowness_s_km is None else a.slowness_s_km * KM_PER_DEG,
        "delslo": None if a.slowness_sd_s_km is None else a.slowness_sd_s_km * KM_PER_DEG,
        "amp": amplitude,
        "per": period,
        "logat": level,
        "fm": _FM.get(a.polarity),
        "snr": a.snr,
        "auth": _AUTHOR if a.by == MACHINE else a.by,
    }


def _assoc_row(u: Used, arid: int, orid: int, arrival: Arrival | None, model: str) -> dict[str, Any]:
    observed, residual = (arrival.backazimuth_deg if arrival else None), u.backazimuth_residual_deg
    slowness = u.slowness_residual_s_km
    return {
        "arid": arid,
        "orid": orid,
        "sta": u.station,
        "phase": u.phase,
        "delta": u.distance_deg,
        # station to event: what was observed less its residual is what the origin predicts
        "seaz": (observed - residual) % 360 if observed is not None and residual is not None else None,
        "esaz": u.azimuth_deg,
        "timeres": u.time_residual_s,
        "timedef": "d" if "T" in u.defining else "n",
        "azres": residual,
        "azdef": "d" if "A" in u.defining else "n",
        "slores": None if slowness is None else slowness * KM_PER_DEG,
        "slodef": "d" if "S" in u.defining else "n",
        "vmodel": model,
    }


def _magnitude_rows(
    rows: dict[str, list[dict[str, Any]]],
    magnitude: Magnitude,
    magid: int,
    evid: int,
    orid: int,
    arids: Mapping[str, int],
    arrivals: Mapping[str, Arrival],
) -> None:
    auth = _AUTHOR if magnitude.by == MACHINE else magnitude.by
    seen = [s for s in magnitude.stations if not s.limit]
    common = {"magid": magid, "orid": orid, "evid": evid, "auth": auth}
    rows["netmag"].append(
        common
        | {
            "magtype": magnitude.kind,
            "nsta": len(seen),
            "magnitude": magnitude.value,
            "uncertainty": magnitude.sd,
        }
    )
    for s in magnitude.stations:
        row = common | {
            "sta": s.station,
            "arid": arids.get(s.arrival),
            "phase": arrivals[s.arrival].phase or None if s.arrival in arrivals else None,
            "magtype": s.kind,
            "magnitude": s.value,
            "uncertainty": s.sd,
        }
        if s.limit:  # the schema has no mark for a limit: it goes into a remark
            commid = len(rows["remark"]) + 1
            text = f"stamag {magid} {s.station}: upper limit, no signal seen"
            rows["remark"].append({"commid": commid, "lineno": 1, "remark": text})
            row["commid"] = commid
        rows["stamag"].append(row)


def write_css3(
    bulletin: Bulletin,
    prefix: Path,
    more: Mapping[str, Iterable[Row]] | None = None,
    samples: bytes = b"",
) -> tuple[Path, ...]:
    """Write PREFIX.origin and its sisters, all or none; a table that is empty now is not left from before.

    `more`: rows of further tables (site, wfdisc); `samples`: what wfdisc points into, PREFIX.w.

    Raises DetenteError where a value does not fit or the folder cannot be written.
    Source: Anderson et al. 1990, Center for Seismic Studies version 3 database, SAIC C90-01.
    """
    tables: dict[str, Iterable[Row]] = {**css3_tables(bulletin), **(more or {})}
    made = {f"{prefix.name}.{name}": encode(name, rows) for name, rows in tables.items()}
    if samples:
        made[f"{prefix.name}.w"] = samples
    kept = {k: v for k, v in made.items() if v or k.endswith(".origin")}
    written = write_all(prefix.parent, kept)
    for name in schema():
        if f"{prefix.name}.{name}" not in kept:
            prefix.with_name(f"{prefix.name}.{name}").unlink(missing_ok=True)
    return written


def read_css3(prefix: Path) -> Bulletin:
    """The bulletin of a set of flat files. Raises DetenteError for files that are missing or do not fit."""
    rows: dict[str, tuple[dict[str, Any], ...]] = {}
    known = [prefix.with_name(f"{prefix.name}.{name}") for name in ("origin", "arrival")]
    for name in ("origin", "origerr", "event", "arrival", "assoc", "netmag", "stamag"):
        path = prefix.with_name(f"{prefix.name}.{name}")
        try:
            rows[name] = decode(name, path.read_bytes(), path.name) if path.exists() else ()
        except OSError:
            raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    if not any(path.exists() for path in known):
        raise DetenteError("neither an origin nor an arrival table", where=str(prefix))
    arrivals = tuple(_arrival(r) for r in rows["arrival"])
    events = _events(rows)
    times = [o.time for e in events for o in e.origins] or [a.time for a in arrivals] or [0.0]
    return Bulletin(start=min(times), end=max(times), arrivals=arrivals, events=events)


def _arrival(r: Row) -> Arrival:
    slow, slow_sd = r["slow"], r["delslo"]
    return Arrival(
        id=str(r["arid"]),
        station=r["sta"] or "",
        channel=r["chan"] or "",
        time=r["time"] or 0.0,
        time_sd=r["deltim"] or 0.0,
        phase=r["iphase"] or "",
        backazimuth_deg=r["azimuth"],
        backazimuth_sd_deg=r["delaz"],
        slowness_s_km=None if slow is None else slow / KM_PER_DEG,
        slowness_sd_s_km=None if slow_sd is None else slow_sd / KM_PER_DEG,
        amplitude_nm=r["amp"],
        period_s=r["per"],
        snr=r["snr"],
        polarity={"c": "up", "d": "down"}.get((r["fm"] or "")[:1], ""),  # type: ignore[arg-type]
        by=MACHINE if r["auth"] in (None, _AUTHOR) else r["auth"],
    )


def _events(rows: Mapping[str, tuple[dict[str, Any], ...]]) -> tuple[Event, ...]:
    errors = {r["orid"]: r for r in rows["origerr"]}
    preferred = {r["evid"]: r["prefor"] for r in rows["event"]}
    names = {r["evid"]: r["evname"] for r in rows["event"]}
    grouped: dict[int, list[Row]] = {}
    for r in rows["origin"]:
        grouped.setdefault(r["evid"] if r["evid"] is not None else -1 - (r["orid"] or 0), []).append(r)
    events = []
    for evid, found in grouped.items():
        found.sort(key=lambda r: r["orid"] != preferred.get(evid))
        origins = tuple(_origin(r, errors.get(r["orid"]), rows["assoc"]) for r in found)
        magnitudes = tuple(
            _magnitude(r, rows["stamag"]) for r in rows["netmag"] if r["orid"] == found[0]["orid"]
        )
        events.append(Event(id=names.get(evid) or str(evid), origins=origins, magnitudes=magnitudes))
    return tuple(events)


def _origin(r: Row, error: Row | None, assoc: Iterable[Row]) -> Origin:
    e: Row = error or {}
    depth, half = r["depth"] or 0.0, e.get("sdepth")
    free = r["dtype"] == "f" and half is not None
    return Origin(
        id=str(r["orid"]),
        time=r["time"] or 0.0,
        lat=r["lat"],
        lon=r["lon"],
        time_sd=e.get("stime") or 0.0,
        depth_km=depth,
        depth="free" if r["dtype"] == "f" else "fixed",
        depth_low_km=depth - half if free and half is not None else None,
        depth_high_km=depth + half if free and half is not None else None,
        semi_major_km=e.get("smajax"),
        semi_minor_km=e.get("sminax"),
        strike_deg=e.get("strike"),
        confidence=e.get("conf") or 0.9,
        method=r["algorithm"] or "",
        by=MACHINE if r["auth"] in (None, _AUTHOR) else r["auth"],
        used=tuple(_used(u) for u in assoc if u["orid"] == r["orid"]),
    )


def _used(r: Row) -> Used:
    slowness = r["slores"]
    defining = "".join(
        letter
        for letter, key in (("T", "timedef"), ("A", "azdef"), ("S", "slodef"))
        if (r[key] or "").lower() == "d"
    )
    return Used(
        arrival=str(r["arid"]),
        station=r["sta"] or "",
        phase=r["phase"] or "",
        distance_deg=r["delta"] if r["delta"] is not None else math.nan,
        azimuth_deg=r["esaz"] if r["esaz"] is not None else math.nan,
        time_residual_s=r["timeres"],
        backazimuth_residual_deg=r["azres"],
        slowness_residual_s_km=None if slowness is None else slowness / KM_PER_DEG,
        defining=defining,
    )


def _magnitude(r: Row, stations: Iterable[Row]) -> Magnitude:
    parts = tuple(
        StationMagnitude(
            station=s["sta"] or "",
            kind=s["magtype"] or "",
            value=s["magnitude"] or 0.0,
            sd=s["uncertainty"] or 0.0,
            arrival="" if s["arid"] is None else str(s["arid"]),
            limit=s["commid"] is not None,
        )
        for s in stations
        if s["magid"] == r["magid"]
    )
    return Magnitude(
        kind=r["magtype"] or "",
        value=r["magnitude"] or 0.0,
        sd=r["uncertainty"] or 0.0,
        stations=parts,
        by=MACHINE if r["auth"] in (None, _AUTHOR) else r["auth"],
    )
