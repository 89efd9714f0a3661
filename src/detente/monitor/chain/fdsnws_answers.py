"""The answers of the FDSN web services: events from the store, stations from an inventory, records from SDS."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import structs

from detente.errors import DetenteError
from detente.monitor.bulletin.quakeml import write_quakeml
from detente.monitor.bulletin.records import Bulletin, Event
from detente.monitor.bulletin.store import Store
from detente.monitor.bulletin.times import iso
from detente.monitor.chain.fdsnws_params import matches
from detente.monitor.geo import distance_azimuth
from detente.monitor.waves.miniseed import write_miniseed
from detente.monitor.waves.sds import Archive
from detente.monitor.waves.trace import Array, Trace

CATALOG = CONTRIBUTOR = "detente"
MOST_EVENTS = 20_000
MOST_SECONDS = 40 * 86_400.0
MOST_SAMPLES = 100_000_000
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


class TooLargeError(DetenteError):
    """More is asked for than one answer holds (HTTP 413)."""


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


def inventory(arrays: Mapping[str, Array], files: Sequence[Path] = ()) -> Any:
    """An obspy Inventory: the given station files, and the other sites by their places."""
    from obspy.core.inventory import Inventory, Network, Site, Station

    from detente.monitor.waves.inventory import read_inventory

    whole = Inventory(networks=[], source="detente")
    told = set()
    for path in files:
        if path.suffix.lower() in (".xml", ".dataless"):
            part = read_inventory(path)
            told |= {s.code for n in part for s in n}
            whole.networks += part.networks
    nets: dict[str, Any] = {}
    for array in arrays.values():
        for site in array.sites:
            if site.code in told:
                continue
            code = site.network or "XX"
            net = nets.setdefault(code, Network(code=code, stations=[]))
            net.stations.append(
                Station(
                    site.code,
                    site.lat,
                    round((site.lon + 180) % 360 - 180, 9),
                    site.elevation_m,
                    site=Site(name=array.code),
                )
            )
    whole.networks += list(nets.values())
    return whole


def stations(whole: Any, requests: Sequence[Mapping[str, Any]]) -> tuple[bytes, str]:
    """StationXML or text of the stations asked for, with its media type; empty where there are none."""
    from obspy.core.inventory import Inventory

    level, kind = requests[0]["level"], requests[0]["format"]
    if kind not in ("xml", "text") or (kind == "text" and level == "response"):
        raise DetenteError(
            f"format={kind[:20]} at level {level}", fix="xml, or text above the level of responses"
        )
    found = Inventory(networks=[], source="detente")
    for asked in requests:
        found.networks += list(_networks(whole, asked))
    if not found.networks:
        return b"", ""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "text":
            text = io.StringIO()
            found.write(text, format="STATIONTXT", level=level)
            return (text.getvalue().rstrip("\n") + "\n").encode(), "text/plain"
        found.write(out, format="STATIONXML", validate=False)
    return out.getvalue(), "application/xml"


def _networks(whole: Any, asked: Mapping[str, Any]) -> Iterator[Any]:
    from copy import copy

    deep = asked["level"] in ("channel", "response")
    for network in whole:
        if not matches(asked["network"], network.code) or _withheld(network, asked):
            continue
        kept = []
        for station in network:
            if not _fits(station, asked) or not matches(asked["station"], station.code):
                continue
            if _withheld(station, asked):
                continue
            channels = [
                c
                for c in station
                if matches(asked["channel"], c.code)
                and matches(asked["location"], c.location_code)
                and _in_time(c, asked)
                and not _withheld(c, asked)
            ]
            if (asked["channel"] != "*" or asked["location"] != "*") and not channels:
                continue
            one = copy(station)
            one.channels = []
            for channel in channels if deep else ():
                thin = copy(channel)
                if asked["level"] == "channel" and thin.response is not None:
                    thin.response = copy(thin.response)
                    thin.response.response_stages = []
                one.channels.append(thin)
            kept.append(one)
        if kept:
            net = copy(network)
            net.stations = kept if asked["level"] != "network" else []
            yield net


def _withheld(told: Any, asked: Mapping[str, Any]) -> bool:
    return not asked["includerestricted"] and told.restricted_status in ("closed", "partial")


def _fits(station: Any, asked: Mapping[str, Any]) -> bool:
    lat, lon = station.latitude, station.longitude
    low, high = asked["minlongitude"], asked["maxlongitude"]
    across = low <= lon <= high if low <= high else lon >= low or lon <= high
    if not (asked["minlatitude"] <= lat <= asked["maxlatitude"] and across and _in_time(station, asked)):
        return False
    if asked["latitude"] is None:
        return True
    degrees, _, _ = distance_azimuth(asked["latitude"], asked["longitude"], lat, lon)
    return bool(asked["minradius"] <= degrees <= asked["maxradius"])


def _in_time(epoch: Any, asked: Mapping[str, Any]) -> bool:
    start = -1e12 if epoch.start_date is None else float(epoch.start_date.timestamp)
    end = 1e12 if epoch.end_date is None else float(epoch.end_date.timestamp)
    holds = {
        "starttime": end >= (asked["starttime"] or end),
        "endtime": start <= (asked["endtime"] or start),
        "startbefore": start < (asked["startbefore"] or 1e15),
        "startafter": start > (asked["startafter"] or -1e15),
        "endbefore": end < (asked["endbefore"] or 1e15),
        "endafter": end > (asked["endafter"] or -1e15),
    }
    return all(holds.values())


def records(archive: Archive, requests: Sequence[Mapping[str, Any]]) -> tuple[bytes, str]:
    """miniSEED of what is asked for; empty where there is none. Raises TooLargeError."""
    traces: list[Trace] = []
    for asked in requests:
        start, end = asked["starttime"], asked["endtime"]
        if start is None or end is None:
            raise DetenteError("dataselect needs starttime and endtime")
        if end - start > MOST_SECONDS:
            raise TooLargeError(
                f"{(end - start) / 86_400:.0f} days", fix=f"ask for {MOST_SECONDS / 86_400:.0f} at most"
            )
        if asked["format"] != "miniseed":
            raise DetenteError(f"format={asked['format'][:20]}", fix="miniseed")
        names = [c for c in archive.channels(start, end) if _asked_for(c, asked)]
        for name in names:
            found = archive.read(start, end, [name]).traces
            if asked["longestonly"]:
                found = tuple(sorted(found, key=lambda t: t.samples.size / t.rate_hz)[-1:])
            traces += [t for t in found if t.samples.size / t.rate_hz >= asked["minimumlength"]]
            if sum(t.samples.size for t in traces) > MOST_SAMPLES:
                raise TooLargeError(f"more than {MOST_SAMPLES} samples", fix="ask for less at once")
    return (write_miniseed(traces) if traces else b""), "application/vnd.fdsn.mseed"


def _asked_for(channel: str, asked: Mapping[str, Any]) -> bool:
    parts = zip(channel.split("."), ("network", "station", "location", "channel"), strict=True)
    return all(matches(asked[name], code) for code, name in parts)
