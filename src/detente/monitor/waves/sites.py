"""Where sensors stand: StationXML, SAC and its pole-zero files, plain tables, the IMS; as arrays of sites."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from detente.errors import DetenteError
from detente.monitor.geo import KM_PER_DEG, check_place, distance_azimuth
from detente.monitor.stations import ims
from detente.monitor.waves.inventory import is_folder, read_inventory
from detente.monitor.waves.sac import byte_order, read_sac_site
from detente.monitor.waves.sacpz import is_sacpz, read_sacpz
from detente.monitor.waves.trace import Array, Fault, Recording, Site, Trace
from detente.tables import read_table

_NAMES = {
    "code": ("station", "code", "sta", "element", "id"),
    "lat": ("lat", "latitude", "sta_lat", "stla"),
    "lon": ("lon", "longitude", "sta_lon", "stlo"),
    "elevation_m": ("elevation_m", "elevation", "elev_m", "stel"),
    "network": ("network", "net"),
    "array": ("array",),
}
_SAME_PLACE_DEG = 0.05
_KM_APART = 1.0


def load(
    source: Path | str | Any | Iterable[Path | str], *, array: str = "", at: float | None = None
) -> dict[str, Array]:
    """Arrays by code: every station one of a single site, but elements of IMS arrays together under the array.

    A station whose code another network's station bears, more than a kilometre away, stands under NET.CODE.
    Parameters: `source`: files, folders or an obspy Inventory; `array`: take all sites as elements of one array
    of this name; `at` (s UTC): where a station moved, where it stood then, else where it stood last.
    Raises DetenteError for a file that is missing or broken, or where no station was found.
    """
    sites: dict[str, tuple[Site, str]] = {}
    if hasattr(source, "networks"):
        _from_inventory(source, sites, at, "inventory")
    else:
        given = [source] if isinstance(source, Path | str) else list(source)
        for name in given:
            _from_path(Path(name), sites, at)
    if not sites:
        where = "" if hasattr(source, "networks") else ", ".join(map(str, given))
        raise DetenteError("no station found", where=where, fix="give StationXML or a table of places")
    if array:
        return {array: Array(array, tuple(s for s, _ in sites.values()))}
    return _grouped(sites)


@lru_cache(maxsize=1)
def ims_arrays() -> Mapping[str, Array]:
    """Every seismic station of the IMS: arrays with the places of their elements, the others one site each."""
    elements: dict[str, list[Site]] = {}
    for element, (site, name, member) in _elements().items():
        elements.setdefault(name if member else element, []).append(site)
    found = {}
    for station in ims():
        if station.network not in ("primary", "auxiliary", "infrasound") or not isfinite(station.lat):
            continue  # some of the treaty's stations have no place yet
        alone = Site(station.code, station.lat, station.lon, 0.0, "IM")
        found[station.code] = Array(station.code, tuple(elements.pop(station.code, [alone])))
    return found | {code: Array(code, tuple(sites)) for code, sites in elements.items()}


def by_array(
    recording: Recording, arrays: Mapping[str, Array]
) -> tuple[dict[str, list[Trace]], tuple[Fault, ...]]:
    """The traces of each array, its sites' order first, and a fault for each channel that stands nowhere."""
    order = {
        (site.network if _is_rival(array) else "", site.code): (code, i)
        for code, array in reversed(list(arrays.items()))
        for i, site in enumerate(array.sites)
    }

    def place(trace: Trace) -> tuple[str, int] | None:
        return order.get((trace.network, trace.station)) or order.get(("", trace.station))

    found: dict[str, list[tuple[int, Trace]]] = {}
    lost: dict[str, Fault] = {}
    for trace in recording.traces:
        known = place(trace)
        if known is not None:
            found.setdefault(known[0], []).append((known[1], trace))
        else:
            lost.setdefault(
                trace.id,
                Fault(
                    channel=trace.id, kind="no site", start=trace.start, end=trace.end, detail="place unknown"
                ),
            )
    sorted_by = lambda p: (p[0], p[1].location, p[1].channel, p[1].start_ns)  # noqa: E731
    ordered = {code: [t for _, t in sorted(pairs, key=sorted_by)] for code, pairs in found.items()}
    return ordered, tuple(lost.values())


def _is_rival(array: Array) -> bool:
    """Whether a station bears its network's code before its own, for another one has that alone."""
    first = array.sites[0]
    return bool(first.network) and array.code == f"{first.network}.{first.code}"


def _from_path(path: Path, sites: dict[str, tuple[Site, str]], at: float | None) -> None:
    """The places of a file, or of all in a folder that know any; one that is broken there is passed over."""
    if not is_folder(path):
        _from_file(path, sites, at)
        return
    for one in sorted(Path(here, n) for here, _, names in os.walk(path) for n in names):
        if one.is_file() and knows_places(one):
            with suppress(DetenteError):  # the reader of responses tells of it
                _from_file(one, sites, at)


def knows_places(path: Path) -> bool:
    """Whether a file looks as if it told where a station stands; a folder may."""
    if path.is_dir():
        return True
    try:
        with path.open("rb") as file:
            head = file.read(2000)
    except OSError:
        return False
    if path.suffix.lower() in (".xml", ".dataless"):
        return b"StationXML" in head
    return bool(byte_order(head[:640])) or is_sacpz(head[:640])


def _from_file(path: Path, sites: dict[str, tuple[Site, str]], at: float | None) -> None:
    try:
        data = path.read_bytes()
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    if path.suffix.lower() in (".csv", ".tsv", ".txt"):
        for site, array in _table(data, path.name):
            _keep(sites, site, array, path.name)
    elif byte_order(data[:640]):
        site_or_none = read_sac_site(data, path.name)
        if site_or_none is not None and site_or_none.code not in sites:
            _keep(sites, site_or_none, "", path.name)
    elif is_sacpz(data[:640]):
        for block in read_sacpz(data, path.name):
            if block.site is not None and block.site.code not in sites:
                _keep(sites, block.site, "", path.name)
    else:
        _from_inventory(read_inventory(path), sites, at, path.name)


def _from_inventory(inventory: Any, sites: dict[str, tuple[Site, str]], at: float | None, where: str) -> None:
    epochs = [
        (float(s.start_date.timestamp) if s.start_date else -1e12, n.code, s) for n in inventory for s in n
    ]
    chosen: dict[tuple[str, str], Site] = {}
    for start, network, s in sorted(epochs, key=lambda e: e[0]):
        if at is None or start <= at or (network, s.code) not in chosen:
            chosen[network, s.code] = Site(
                s.code, float(s.latitude), float(s.longitude), float(s.elevation or 0.0), network
            )
    for site in chosen.values():
        _keep(sites, site, "", where)


def _keep(sites: dict[str, tuple[Site, str]], site: Site, array: str, where: str) -> None:
    check_place(site.lat, site.lon, where=f"{where}: {site.code}")
    there = sites.get(site.code, (site, ""))[0]
    rival = there.network and site.network and there.network != site.network and _km(there, site) > _KM_APART
    sites[f"{site.network}.{site.code}" if rival else site.code] = (site, array)


def _km(a: Site, b: Site) -> float:
    degrees, _, _ = distance_azimuth(a.lat, a.lon, b.lat, b.lon)
    return float(degrees) * KM_PER_DEG


def _table(data: bytes, where: str) -> Iterable[tuple[Site, str]]:
    """Sites of a table with a header: a station's code, its latitude and longitude, and more if there is."""
    try:
        lines = [line for line in data.decode("utf-8-sig").splitlines() if not line.startswith("#")]
    except UnicodeDecodeError as bad:
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=where) from None
    delimiter = "\t" if lines and "\t" in lines[0] else ","
    reader = csv.DictReader(io.StringIO("\n".join(lines)), delimiter=delimiter)
    header = {(h or "").strip().casefold(): h for h in reader.fieldnames or ()}
    column = {k: next((header[n] for n in names if n in header), None) for k, names in _NAMES.items()}
    for need in ("code", "lat", "lon"):
        if column[need] is None:
            fix = f"name it one of {', '.join(_NAMES[need])}"
            raise DetenteError(f"no column for {need}", where=where, fix=fix)
    for number, row in enumerate(reader, 2):
        cell = {k: (row.get(c) or "").strip() if c else "" for k, c in column.items()}
        try:
            lat, lon, high = float(cell["lat"]), float(cell["lon"]), float(cell["elevation_m"] or "0")
        except ValueError:  # a blank one, too: nothing lies at 0, 0 by default
            raise DetenteError("a coordinate that is not a number", where=f"{where}:{number}") from None
        parts = cell["code"].split(".")
        network, code = (parts[0], parts[1]) if len(parts) == 4 else (cell["network"], cell["code"])
        yield Site(code, lat, lon, high, network), cell["array"]


@lru_cache(maxsize=1)
def _elements() -> Mapping[str, tuple[Site, str, bool]]:
    """Each element of the IMS arrays: its site, its array, and whether it counts for the phase centre."""
    table = files("detente.monitor.waves") / "ims_elements.csv"
    found = {}
    for row in read_table(table, ("array", "element", "lat", "lon", "elevation_m", "in_array")):
        lat, lon, high = (row.number(k) or 0.0 for k in ("lat", "lon", "elevation_m"))
        check_place(lat, lon, where=row.where)
        found[row["element"]] = (
            Site(row["element"], lat, lon, high, "IM"),
            row["array"],
            row["in_array"] == "yes",
        )
    return found


def _grouped(sites: Mapping[str, tuple[Site, str]]) -> dict[str, Array]:
    groups: dict[str, list[Site]] = {}
    for code, (site, array) in sites.items():
        groups.setdefault(array or _ims_array_of(site) or code, []).append(site)
    return {code: Array(code, tuple(group)) for code, group in groups.items()}


def _ims_array_of(site: Site) -> str:
    known = _elements().get(site.code)
    if known is None or not known[2]:
        return ""
    degrees, _, _ = distance_azimuth(site.lat, site.lon, known[0].lat, known[0].lon)
    return known[1] if float(degrees) < _SAME_PLACE_DEG else ""
