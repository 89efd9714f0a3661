"""Stations: the International Monitoring System as places, and any user's StationXML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from math import isnan, nan
from pathlib import Path

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.geo import KM_PER_DEG, check_place
from detente.sources import Quality
from detente.tables import read_table

OPEN = "to be determined"  # a place the treaty counts and does not name
NETWORKS = ("primary", "auxiliary", "infrasound", "hydroacoustic", "radionuclide")
_COLUMNS = (
    *("code", "treaty_code", "network", "name", "country", "lat", "lon", "elevation_m", "kind", "elements"),
    *("coordinate_sd_km", "coast_km", "in_2019_file", "source", "quality", "note"),
)


class Station(msgspec.Struct, frozen=True):
    """A place that listens.

    `lat`, `lon` in degrees (WGS84), known to `coordinate_sd_km`; `kind`: array, 3C, or another technology;
    `coast_km` to the sea, 0 on islands; `offsets`: km east and north of each array element;
    `sending`: was in the data centre's station file of 2019. A station whose place the treaty leaves open
    has NaN for `lat` and `lon` and listens nowhere.
    """

    code: str
    network: str
    lat: float
    lon: float
    name: str = ""
    country: str = ""
    treaty_code: str = ""
    kind: str = "3C"
    elements: int = 1
    offsets: tuple[tuple[float, float], ...] = ()
    coordinate_sd_km: float = 0.1
    coast_km: float = 0.0
    sending: bool = True
    source: str = ""
    quality: Quality = Quality.one_source

    @property
    def placed(self) -> bool:
        return not isnan(self.lat)


@lru_cache(maxsize=1)
def ims() -> tuple[Station, ...]:
    """Every station of the IMS, of all technologies, with the four whose place the treaty leaves open."""
    folder = files("detente.monitor") / "data"
    offsets: dict[str, list[tuple[float, float]]] = {}
    for row in read_table(folder / "ims_array_elements.csv", ("array", "element", "east_km", "north_km")):
        place = (row.number("east_km") or 0.0, row.number("north_km") or 0.0)
        offsets.setdefault(row["array"], []).append(place)
    found = []
    for row in read_table(folder / "ims_stations.csv", _COLUMNS):
        lat, lon = row.number("lat"), row.number("lon")
        if row["name"] == OPEN and lat is None and lon is None:
            lat = lon = nan
        elif lat is None or lon is None:
            raise DetenteError("a station without coordinates", where=row.where)
        else:
            check_place(lat, lon, where=row.where)
        sites = tuple(offsets.get(row["code"], ())) if row["kind"] == "array" else ()
        found.append(
            Station(
                row["code"],
                row["network"],
                lat,
                lon,
                name=row["name"],
                country=row["country"],
                treaty_code=row["treaty_code"],
                kind=row["kind"],
                elements=len(sites) or int(row.number("elements") or (9 if row["kind"] == "array" else 1)),
                offsets=sites,
                coordinate_sd_km=row.number("coordinate_sd_km") or 0.0,
                coast_km=row.number("coast_km") or 0.0,
                sending=row["in_2019_file"] == "yes",
                source=row["source"],
                quality=Quality(row["quality"]),
            )
        )
    return tuple(found)


def network(
    kinds: Sequence[str] = ("primary",), *, planned: bool = False, without: Iterable[str] = ()
) -> tuple[Station, ...]:
    """The seismic stations that listen.

    Parameters: `kinds`, of primary and auxiliary; `planned` adds the stations of the treaty that were not in
    the 2019 station file; `without`, codes (MKAR, PS23) or countries (China) that do not send.
    Raises DetenteError for an unknown network, code or country.
    """
    for kind in kinds:
        if kind not in ("primary", "auxiliary"):
            raise DetenteError(f"no seismic network '{kind}'", fix=nearest(kind, ("primary", "auxiliary")))
    chosen = [s for s in ims() if s.network in kinds and s.placed and (planned or s.sending)]
    return silence(chosen, without)


def treaty_places() -> dict[str, tuple[float, float] | None]:
    """Latitude and longitude in Annex 1 to the CTBT Protocol by treaty code; None where it leaves them open."""
    path = files("detente.monitor") / "data" / "ims_treaty_annex.csv"
    found: dict[str, tuple[float, float] | None] = {}
    for row in read_table(path, ("treaty_code", "lat", "lon", "type")):
        lat, lon = row.number("lat"), row.number("lon")
        found[row["treaty_code"]] = None if lat is None or lon is None else (lat, lon)
    return found


def silence(stations: Iterable[Station], without: Iterable[str]) -> tuple[Station, ...]:
    """`stations` less those whose code, treaty code or country is in `without`.

    Raises DetenteError for a name that no seismic station of the IMS or of `stations` bears.
    """
    kept = list(stations)
    seismic = [*kept, *(s for s in ims() if s.network in ("primary", "auxiliary") and s.placed)]
    for word in without:
        if not any(_is(s, word) for s in seismic):
            names = {n for s in seismic for n in (s.code, s.treaty_code, s.country)}
            raise DetenteError(f"no station or country '{word}'", fix=nearest(word, names))
        kept = [s for s in kept if not _is(s, word)]
    return tuple(kept)


def _is(station: Station, word: str) -> bool:
    names = (station.code, station.treaty_code, station.country)
    return word.casefold() in {n.casefold() for n in names if n}


def from_stationxml(path: Path, *, array: str = "") -> tuple[Station, ...]:
    """The stations of an FDSN StationXML file; with `array`, all of them as the elements of one array.

    Raises DetenteError for a file that is missing, is not StationXML or has no station.
    """
    import warnings

    from obspy import read_inventory

    from detente.monitor.coast import coast_km

    if not path.is_file():
        raise DetenteError("cannot be read", where=str(path), fix="check the path")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inventory = read_inventory(str(path), format="STATIONXML")
    except Exception as bad:  # lxml and obspy raise many kinds for a broken file
        text = str(bad).splitlines()[0] if str(bad) else "broken"
        raise DetenteError(f"not StationXML: {text}", where=path.name) from None
    places: dict[str, tuple[float, float, str]] = {}
    for group in inventory:
        for site in group:
            check_place(site.latitude, site.longitude, where=f"{path.name}: {site.code}")
            places[site.code] = (float(site.latitude), float(site.longitude), str(site.site.name or ""))
    if not places:
        raise DetenteError("no station", where=path.name)
    source = f"user's StationXML {path.name}"
    if not array:
        return tuple(
            Station(code, "user", lat, lon, name=name, coast_km=float(coast_km(lat, lon)[0]), source=source)
            for code, (lat, lon, name) in places.items()
        )
    lat0 = sum(p[0] for p in places.values()) / len(places)
    lon0 = sum(p[1] for p in places.values()) / len(places)
    offsets = tuple(_offset(lat0, lon0, lat, lon) for lat, lon, _ in places.values())
    shore = float(coast_km(lat0, lon0)[0])
    return (
        Station(
            array,
            "user",
            lat0,
            lon0,
            kind="array",
            elements=len(places),
            offsets=offsets,
            coast_km=shore,
            source=source,
        ),
    )


def _offset(lat0: float, lon0: float, lat: float, lon: float) -> tuple[float, float]:
    from math import cos, radians

    return (lon - lon0) * KM_PER_DEG * cos(radians(lat0)), (lat - lat0) * KM_PER_DEG
