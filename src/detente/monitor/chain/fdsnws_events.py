"""fdsnws-event: what the store holds, as QuakeML or text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from detente.errors import DetenteError
from detente.monitor.bulletin.quakeml import write_quakeml
from detente.monitor.bulletin.records import Bulletin, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.times import iso
from detente.monitor.chain.fdsnws_params import TooLargeError
from detente.monitor.geo import distance_azimuth

CATALOG = CONTRIBUTOR = "detente"
MOST_EVENTS = 20_000
_EVENT_HEAD = (
    "#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|"
    "MagAuthor|EventLocationName|EventType"
)
_ORDERS = {
    "time": "time DESC, id",
    "time-asc": "time, id",
    "magnitude": "magnitude DESC, id",
    "magnitude-asc": "magnitude, id",
}
_TYPES = {"explosion-like": "explosion", "earthquake-like": "earthquake"}


def events(path: Path, asked: Mapping[str, Any]) -> tuple[bytes, str]:
    """QuakeML or text of the events asked for, with its media type; empty where there are none."""
    if asked["format"] not in ("xml", "text"):
        raise DetenteError(f"format={asked['format'][:20]}", fix="xml or text")
    with Store(path, create=False) as store:
        chosen = _choose(store, asked)
        if not chosen:
            return b"", ""
        if asked["format"] == "text":
            lines = [_EVENT_HEAD, *map(_event_line, chosen)]
            return ("\n".join(lines) + "\n").encode(), "text/plain"
        return write_quakeml(_with_arrivals(store, chosen, asked)), "application/xml"


def _choose(store: Store, asked: Mapping[str, Any]) -> list[Event]:
    where, values = _conditions(asked)
    found = list(store.events(where, values, _ORDERS[asked["orderby"]]))
    if asked["latitude"] is not None and found:
        lats, lons = [e.origin.lat for e in found], [e.origin.lon for e in found]
        degrees, _, _ = distance_azimuth(asked["latitude"], asked["longitude"], lats, lons)
        near = (asked["minradius"] <= degrees) & (degrees <= asked["maxradius"])
        found = [e for e, n in zip(found, near, strict=True) if n]
    if asked["magnitudetype"]:
        found = [e for e in found if _of_size(e, asked)]
    if asked["eventtype"]:
        kinds = {k.strip() for k in asked["eventtype"].lower().split(",")}
        found = [e for e in found if _type(e) in kinds]
    if asked["catalog"] not in ("", CATALOG) or asked["contributor"] not in ("", CONTRIBUTOR):
        return []
    first = (1 if asked["offset"] is None else asked["offset"]) - 1
    if first < 0:
        raise DetenteError("offset counts from 1")
    found = found[first : None if asked["limit"] is None else first + asked["limit"]]
    if len(found) > MOST_EVENTS:
        raise TooLargeError(
            f"{len(found)} events", fix=f"ask for {MOST_EVENTS} at most, with limit and offset"
        )
    return found


def _conditions(asked: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts: list[str] = ["1"]
    values: list[Any] = []
    columns = (
        ("starttime", "time >= ?"),
        ("endtime", "time <= ?"),
        ("minlatitude", "lat >= ?"),
        ("maxlatitude", "lat <= ?"),
        ("mindepth", "depth_km >= ?"),
        ("maxdepth", "depth_km <= ?"),
        ("minmagnitude", "magnitude >= ?"),
        ("maxmagnitude", "magnitude <= ?"),
        ("updatedafter", "updated > ?"),
    )
    for name, condition in columns:
        if asked[name] is not None and not (asked["magnitudetype"] and name.endswith("magnitude")):
            parts.append(condition)
            values.append(asked[name])
    low, high = asked["minlongitude"], asked["maxlongitude"]
    lon = "(lon - 360.0 * (lon > 180.0))"
    if (low, high) != (-180.0, 180.0):
        # a box over the antimeridian has its western side at the larger number
        parts.append(f"({lon} >= ? {'AND' if low <= high else 'OR'} {lon} <= ?)")
        values += [low, high]
    if asked["eventid"]:
        names = [n.strip().rpartition("/")[2] for n in asked["eventid"].split(",")]
        parts.append(f"id IN ({','.join('?' * len(names))})")
        values += names
    return " AND ".join(parts), values


def _of_size(event: Event, asked: Mapping[str, Any]) -> bool:
    """Whether a magnitude of the type asked for lies within the limits."""
    kind = asked["magnitudetype"].lower()
    of_kind = event.magnitudes[:1] if kind == "preferred" else event.magnitudes
    low = -1e12 if asked["minmagnitude"] is None else asked["minmagnitude"]
    high = 1e12 if asked["maxmagnitude"] is None else asked["maxmagnitude"]
    return any(
        low <= m.value <= high and (kind in ("all", "preferred") or m.kind.lower() == kind) for m in of_kind
    )


def _type(event: Event) -> str:
    return _TYPES.get(event.screening.verdict if event.screening else "", "")


def _event_line(event: Event) -> str:
    o = event.origin
    m = event.magnitudes[0] if event.magnitudes else None
    author = o.by.replace("|", " ")
    cells = (event.id, iso(o.time)[:-1], f"{o.lat:.4f}", f"{o.lon:.4f}", f"{o.depth_km:.1f}", author)
    size = (m.kind, f"{m.value:.2f}", m.by.replace("|", " ")) if m else ("", "", "")
    return "|".join((*cells, CATALOG, CONTRIBUTOR, event.id, *size, "", _type(event)))


def _with_arrivals(store: Store, chosen: Sequence[Event], asked: Mapping[str, Any]) -> Bulletin:
    slim = []
    for event in chosen:
        origins = event.origins if asked["includeallorigins"] else event.origins[:1]
        if not asked["includearrivals"]:
            origins = tuple(structs.replace(o, used=()) for o in origins)
        magnitudes = event.magnitudes if asked["includeallmagnitudes"] else event.magnitudes[:1]
        if not asked["includearrivals"]:
            magnitudes = tuple(structs.replace(m, stations=()) for m in magnitudes)
        slim.append(structs.replace(event, origins=origins, magnitudes=magnitudes))
    wanted = {u.arrival for e in slim for o in e.origins for u in o.used}
    arrivals = tuple(a for name in sorted(wanted) for a in store.arrivals_named(name))
    times = [e.origin.time for e in slim]
    return Bulletin(start=min(times), end=max(times), arrivals=arrivals, events=tuple(slim))
