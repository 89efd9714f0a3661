"""fdsnws-station: an inventory of the stations known, and the part of it that is asked for."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from detente.errors import DetenteError
from detente.monitor.chain.fdsnws_params import matches
from detente.monitor.geo import distance_azimuth
from detente.monitor.waves.trace import Array


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
