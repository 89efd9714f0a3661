"""Bulletins as plain tables and maps: JSON whole, CSV and Parquet by kind of row, GeoJSON for any map."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from detente.errors import DetenteError
from detente.files import write_all
from detente.monitor.bulletin.plain import decode, encode
from detente.monitor.bulletin.records import Bulletin, Event, Origin
from detente.monitor.bulletin.times import iso
from detente.monitor.geo import KM_PER_DEG

_ELLIPSE_POINTS = 72


def write_json(bulletin: Bulletin) -> bytes:
    """The whole bulletin as JSON, exact."""
    return msgspec.json.format(encode(bulletin), indent=1) + b"\n"


def read_json(data: bytes, where: str = "bulletin") -> Bulletin:
    """A bulletin from its JSON. Raises DetenteError."""
    try:
        return decode(data, Bulletin)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as bad:
        raise DetenteError(
            f"not a bulletin: {bad}",
            where=where,
            fix="give a bulletin.json; `monitor export` makes one of others",
        ) from None


def rows(bulletin: Bulletin) -> dict[str, list[dict[str, Any]]]:
    """One flat table each for events, arrivals, associations, magnitudes, yields and faults."""
    found: dict[str, list[dict[str, Any]]] = {
        k: [] for k in ("events", "arrivals", "associations", "missed", "magnitudes", "yields")
    }
    for event in bulletin.events:
        found["events"].append(event_row(event))
        o = event.origin
        found["associations"] += [{"event": event.id, "origin": o.id, **_flat(u)} for u in o.used]
        found["missed"] += [{"event": event.id, "origin": o.id, **_flat(m)} for m in o.missed]
        for m in (*event.magnitudes, *event.limits):
            whole = {"event": event.id, "station": "", "kind": m.kind, "value": m.value, "sd": m.sd}
            limit = m in event.limits
            found["magnitudes"].append(whole | {"limit": limit, "arrival": "", "term": None, "by": m.by})
            found["magnitudes"] += [{"event": event.id, **_flat(s), "by": m.by} for s in m.stations]
        found["yields"] += [{"event": event.id, **_flat(y)} for y in event.yields]
    for arrival in bulletin.arrivals:
        row = _flat(arrival)
        row["time_utc"] = iso(arrival.time)
        row["why"] = msgspec.json.encode(arrival.why, order="sorted").decode()
        low, high = arrival.band_hz or (None, None)
        del row["band_hz"]
        found["arrivals"].append(row | {"band_low_hz": low, "band_high_hz": high})
    return found


def event_row(event: Event) -> dict[str, Any]:
    """An event and its preferred origin on one line."""
    o, s = event.origin, event.screening
    largest = event.magnitudes[0] if event.magnitudes else None
    return {
        "id": event.id,
        "time_utc": iso(o.time),
        "time": o.time,
        "time_sd": o.time_sd,
        "lat": o.lat,
        "lon": o.lon,
        "depth_km": o.depth_km,
        "depth": o.depth,
        "depth_low_km": o.depth_low_km,
        "depth_high_km": o.depth_high_km,
        "semi_major_km": o.semi_major_km,
        "semi_minor_km": o.semi_minor_km,
        "strike_deg": o.strike_deg,
        "confidence": o.confidence,
        "phases": len(o.used),
        "stations": len({u.station for u in o.used}),
        "magnitude": largest.value if largest else None,
        "magnitude_sd": largest.sd if largest else None,
        "magnitude_kind": largest.kind if largest else "",
        "screening": s.verdict if s else "",
        "p_explosion": s.p_explosion if s else None,
        "score": event.score,
        "by": o.by,
        "changes": len(event.changes),
    }


def write_csv(bulletin: Bulletin) -> dict[str, bytes]:
    """A CSV file for each table that has rows, by file name."""
    return {f"{name}.csv": _csv(table) for name, table in rows(bulletin).items() if table}


def write_parquet(bulletin: Bulletin) -> dict[str, bytes]:
    """A Parquet file for each table that has rows, by file name."""
    import polars as pl

    found = {}
    for name, table in rows(bulletin).items():
        if table:
            out = io.BytesIO()
            pl.DataFrame(table, infer_schema_length=None).write_parquet(out)
            found[f"{name}.parquet"] = out.getvalue()
    return found


def write_geojson(bulletin: Bulletin) -> bytes:
    """Epicentres as points and their ellipses as polygons (RFC 7946)."""
    features = []
    for event in bulletin.events:
        o, properties = event.origin, event_row(event)
        point = {"type": "Point", "coordinates": [_east(o.lon), round(o.lat, 5), -1000 * o.depth_km]}
        features.append(
            {
                "type": "Feature",
                "id": event.id,
                "geometry": point,
                "properties": properties | {"shape": "epicentre"},
            }
        )
        ring = ellipse(o)
        if ring:
            shape = {"type": "Polygon", "coordinates": [ring]}
            features.append(
                {
                    "type": "Feature",
                    "id": f"{event.id}/ellipse",
                    "geometry": shape,
                    "properties": {"id": event.id, "shape": "ellipse", "confidence": o.confidence},
                }
            )
    whole = {"type": "FeatureCollection", "features": features}
    return msgspec.json.format(encode(whole), indent=1) + b"\n"


def ellipse(origin: Origin) -> list[list[float]]:
    """The error ellipse as a closed ring of [lon, lat], counter-clockwise; empty where there is none."""
    if origin.semi_major_km is None or origin.semi_minor_km is None:
        return []
    if not (math.isfinite(origin.semi_major_km) and math.isfinite(origin.semi_minor_km)):
        return []
    ring = []
    strike = math.radians(origin.strike_deg or 0.0)
    for i in range(_ELLIPSE_POINTS):
        angle = -2 * math.pi * i / _ELLIPSE_POINTS  # azimuths run clockwise, rings the other way
        along, across = origin.semi_major_km * math.cos(angle), origin.semi_minor_km * math.sin(angle)
        azimuth = math.degrees(strike + math.atan2(across, along))
        lat, lon = _destination(origin.lat, origin.lon, math.hypot(along, across), azimuth)
        near = origin.lon + (lon - origin.lon + 180) % 360 - 180  # unbroken across the antimeridian
        ring.append([round(near, 5), round(lat, 5)])
    return [*ring, ring[0]]


def _destination(lat: float, lon: float, km: float, azimuth: float) -> tuple[float, float]:
    """The place `km` away on the sphere: near enough for the outline of an ellipse."""
    f, a, arc = math.radians(lat), math.radians(azimuth), math.radians(km / KM_PER_DEG)
    sine = math.sin(f) * math.cos(arc) + math.cos(f) * math.sin(arc) * math.cos(a)
    north = math.asin(max(-1.0, min(1.0, sine)))
    east = math.atan2(math.sin(a) * math.sin(arc) * math.cos(f), math.cos(arc) - math.sin(f) * sine)
    return math.degrees(north), lon + math.degrees(east)


def write_tables(bulletin: Bulletin, folder: Path, kind: str) -> tuple[Path, ...]:
    """Write csv or parquet tables into a folder, all or none; a table that is empty now is not left from before."""
    made = {"csv": write_csv, "parquet": write_parquet}[kind](bulletin)
    written = write_all(folder, made)
    for name in rows(Bulletin(start=0.0, end=0.0)):
        if f"{name}.{kind}" not in made:
            (folder / f"{name}.{kind}").unlink(missing_ok=True)
    return written


def _east(lon: float) -> float:
    return round((lon + 180) % 360 - 180, 5)


def _flat(record: Any) -> dict[str, Any]:
    return {k: getattr(record, k) for k in record.__struct_fields__}


def _csv(table: list[Mapping[str, Any]] | list[dict[str, Any]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode()
