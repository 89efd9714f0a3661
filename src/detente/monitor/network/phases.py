"""The phases a network sees: their times, the Earth's flattening and the model's own errors, as dense tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.errors import DetenteError, nearest
from detente.monitor.geo import KM_PER_DEG
from detente.monitor.traveltime import DEPTHS_KM, DISTANCES_DEG, TravelTimes, _table
from detente.monitor.waves.trace import Array, Site
from detente.sources import Quality
from detente.tables import read_table

Float = NDArray[np.float64]

# P: first arrival to 115 degrees, whatever its ray; PKP: first core phase. Order is the kernels' index.
PHASES: Final = (
    *("P", "PKP", "Pn", "Pg", "S", "Sn", "Sg", "Lg"),
    *("pP", "sP", "PcP", "ScP", "PKPbc", "PKPab"),
    *("I", "H", "T"),
)
SLOW_WAVES: Final = ("I", "H", "T")  # in air and sea: a celerity each, no ray
SEISMIC: Final = tuple(p for p in PHASES if p not in SLOW_WAVES)
INDEX: Final = {name: i for i, name in enumerate(PHASES)}
SHEAR: Final = np.array([name in ("S", "Sn", "Sg", "Lg") for name in PHASES])  # at the station
KIND: Final = np.array(
    [2 + SLOW_WAVES.index(p) if p in SLOW_WAVES else int(s) for p, s in zip(PHASES, SHEAR, strict=True)]
)
DEPTH_PHASES: Final = ("pP", "sP")
_ALIAS: Final = {
    "p": "P",
    "Pdiff": "P",
    "Pb": "Pg",
    "P*": "Pg",
    "PKPdf": "PKP",
    "PKIKP": "PKP",
    "PKiKP": "PKP",
    "s": "S",
    "Sdiff": "S",
    "Sb": "Sg",
    "Rg": "Lg",
    "LG": "Lg",
    "PG": "Pg",
    "PN": "Pn",
    "SN": "Sn",
    "P1": "P",
    "S1": "S",
    "SG": "Sg",
    "PKPbc": "PKPbc",
    "PKP2": "PKPab",
}
_FLAT_AS: Final = {
    "P": ("Pup", "P", "Pdiff"),
    "Pn": ("Pup", "P"),
    "Pg": ("Pup", "P"),
    "S": ("Sup", "S", "Sdiff"),
    "Sn": ("Sup", "S"),
    "Sg": ("Sup", "S"),
    "Lg": ("Sup", "S"),
    "PKP": ("PKPdf",),
}
# assumed where the data centre's tables have no line: reflections see the same crust twice
_ERROR_AS: Final = {"PKP": "PKPdf", "Sg": "Lg", "pP": "PcP", "sP": "PcP", "ScP": "PcP"}


class SlowWave(msgspec.Struct, frozen=True, kw_only=True):
    """A wave in air or sea: celerity in km/s, errors of its time (a share, and s) and of its direction (degrees).

    `deepest_km`: a fit may try depths to here; `quality` of the figures.
    """

    celerity_km_s: float
    time_share: float
    time_s: float
    direction_deg: float
    deepest_km: float
    source: str
    quality: Quality


@lru_cache(maxsize=1)
def slow_waves() -> Mapping[str, SlowWave]:
    """I (infrasound), H (in the sea) and T (from the ground through the sea) by phase."""
    numbers = ("celerity_km_s", "time_share", "time_s", "direction_deg", "deepest_km")
    path = files("detente.monitor.network") / "data" / "slow_waves.csv"
    return {
        row["phase"]: SlowWave(
            **{k: row.number(k) or 0.0 for k in numbers},
            source=row["source"],
            quality=Quality(row["quality"]),
        )
        for row in read_table(path, ("phase", *numbers, "source", "quality"))
    }


class Model(msgspec.Struct, frozen=True, eq=False):
    """`times` (phase, 215, 1553) slowness tables of the kernel; `flattening` (phase, 3, 37, 6) s; `errors` s."""

    name: str
    times: NDArray[np.float32]
    flattening: Float
    errors: Float


def index_of(phase: str) -> int:
    """The kernels' index of a phase by any of its usual names. Raises DetenteError for one it does not know."""
    name = _ALIAS.get(phase, phase)
    if name not in INDEX:
        raise DetenteError(f"no travel times for phase '{phase}'", fix=nearest(phase, PHASES))
    return INDEX[name]


def known(phase: str) -> bool:
    """Is there a table for this phase, or an alias of it?"""
    return _ALIAS.get(phase, phase) in INDEX


@lru_cache(maxsize=2)
def model(name: str = "ak135") -> Model:
    """All tables of one Earth model, `ak135` or `iasp91` (later phases, flattening and errors: ak135's)."""
    TravelTimes(name)  # checks the name
    times = np.full((len(PHASES), DEPTHS_KM.size, DISTANCES_DEG.size), np.nan, np.float32)
    straight = np.hypot(DISTANCES_DEG * KM_PER_DEG, DEPTHS_KM[:, None])
    for phase in ("P", "PKP", "Pn", "Pg", "S", "Sn", "Sg"):
        times[INDEX[phase]] = _table(name, phase)
    slow = 1 / 3.5
    times[INDEX["Lg"]] = np.where((DISTANCES_DEG <= 30) & (DEPTHS_KM[:, None] <= 35), slow, np.nan)
    crustal = np.where((DISTANCES_DEG <= 12) & (DEPTHS_KM[:, None] <= 35), 1 / 6.1, np.nan)
    pg = times[INDEX["Pg"]]
    times[INDEX["Pg"]] = np.where(np.isfinite(pg), pg, crustal)
    with np.errstate(divide="ignore", invalid="ignore"):
        for phase, seconds in _later().items():
            times[INDEX[phase]] = seconds / straight
        for phase, wave in slow_waves().items():
            share = np.where(straight > 0, DISTANCES_DEG * KM_PER_DEG / straight, 1.0)
            reaches = DEPTHS_KM[:, None] <= wave.deepest_km
            times[INDEX[phase]] = np.where(reaches, share / wave.celerity_km_s, np.nan)
    return Model(name, times, _flattening(), _errors())


def _later() -> dict[str, Float]:
    """Times of the later phases on the kernel's grid, linear between their own nodes."""
    from scipy.interpolate import RegularGridInterpolator

    with (files("detente.monitor.network") / "data" / "later_phases.npz").open("rb") as stream:
        stored = dict(np.load(stream))
    depth, distance = stored.pop("depth_km"), stored.pop("distance_deg")
    z, x = np.meshgrid(DEPTHS_KM, DISTANCES_DEG, indexing="ij")
    return {
        phase: RegularGridInterpolator((depth, distance), table.astype(float))((z, x))
        for phase, table in stored.items()
    }


def _flattening() -> Float:
    """(phase, 3, 37, 6) seconds at 0, 5 ... 180 degrees; held at the ends of each table."""
    depths = ("h0", "h100", "h200", "h300", "h500", "h700")
    found: dict[str, dict[float, Float]] = {}
    path = files("detente.monitor.network") / "data" / "ellipticity.csv"
    for row in read_table(path, ("phase", "distance_deg", "tau", *depths)):
        place = found.setdefault(row["phase"], {})
        tau = place.setdefault(row.number("distance_deg") or 0.0, np.zeros((3, 6)))
        tau[int(row["tau"])] = [row.number(d) or 0.0 for d in depths]
    out = np.zeros((len(PHASES), 3, 37, 6))
    for phase in SEISMIC:
        nodes: dict[float, Float] = {}
        for part in _FLAT_AS.get(phase, (phase,)):
            nodes |= found[part]
        x = np.array(sorted(nodes))
        values = np.array([nodes[d] for d in x])
        for m in range(3):
            for j in range(6):
                out[INDEX[phase], m, :, j] = np.interp(np.arange(37) * 5.0, x, values[:, m, j])
    return out


def _errors() -> Float:
    """(phase, depth 0 and 200 km, 0.25 degrees) standard errors in s."""
    found: dict[str, dict[float, list[tuple[float, float]]]] = {}
    path = files("detente.monitor.network") / "data" / "model_errors.csv"
    for row in read_table(path, ("phase", "distance_deg", "depth_km", "sd_s")):
        by_depth = found.setdefault(row["phase"], {})
        pair = (row.number("distance_deg") or 0.0, row.number("sd_s") or 0.0)
        by_depth.setdefault(row.number("depth_km") or 0.0, []).append(pair)
    out = np.zeros((len(PHASES), 2, 721))
    for phase, wave in slow_waves().items():
        seconds = np.arange(721) * 0.25 * KM_PER_DEG / wave.celerity_km_s
        out[INDEX[phase]] = np.hypot(wave.time_share * seconds, wave.time_s)
    for phase in SEISMIC:
        tables = found[_ERROR_AS.get(phase, phase)]
        for j, depth in enumerate((0.0, 200.0)):
            x, y = np.array(tables.get(depth, tables[0.0])).T
            out[INDEX[phase], j] = np.interp(np.arange(721) * 0.25, x, y)
    return out


class Network(msgspec.Struct, frozen=True, eq=False):
    """Stations as the kernels see them: geocentric unit vectors, local frames, heights in km."""

    codes: tuple[str, ...]
    places: Float
    frames: Float
    elevation_km: Float
    is_array: NDArray[np.bool_]

    @classmethod
    def of(cls, sites: Mapping[str, Site | Array] | Sequence[Site | Array]) -> Network:
        """From sites or arrays by code. Raises DetenteError where there is none."""
        from detente.monitor.network._phase_kernel import frame_of

        found = list(sites.values()) if isinstance(sites, Mapping) else list(sites)
        codes = list(sites) if isinstance(sites, Mapping) else [s.code for s in found]
        if not found:
            raise DetenteError("no station", fix="give station places")
        lat = np.array([s.lat for s in found])
        lon = np.array([s.lon for s in found])
        height = np.array([_height(s) for s in found]) / 1000.0
        places, frames = frame_of(np.radians(geocentric(lat)), np.radians(lon))
        arrays = np.array([isinstance(s, Array) and len(s.sites) > 2 for s in found])
        return cls(tuple(codes), places, frames, height, arrays)


def _height(site: Site | Array) -> float:
    if isinstance(site, Array):
        return float(np.mean([s.elevation_m for s in site.sites]))
    return site.elevation_m


_SQUASH = (1 - 1 / 298.257223563) ** 2


def geocentric(lat: ArrayLike) -> Float:
    """Geocentric latitude of a geographic one, degrees."""
    return np.asarray(np.degrees(np.arctan(_SQUASH * np.tan(np.radians(np.asarray(lat, float))))))


def geographic(lat: ArrayLike) -> Float:
    """Geographic (WGS84) latitude of a geocentric one, degrees."""
    return np.asarray(np.degrees(np.arctan(np.tan(np.radians(np.asarray(lat, float))) / _SQUASH)))


def travel_time(
    phase: str,
    lat: float,
    lon: float,
    depth_km: float,
    site: Site | Array,
    *,
    earth: str = "ak135",
) -> dict[str, float]:
    """One phase from a place (degrees, km) to a site: seconds with ellipticity and height, s/km, degrees."""
    from detente.monitor.network import _phase_kernel as kernel

    chosen, net = model(earth), Network.of([site])
    out = np.empty((1, 5))
    pairs = np.array([index_of(phase)]), np.array([0])
    kernel.predict(
        float(np.radians(geocentric(lat))), float(np.radians(lon)), depth_km, *pairs, chosen.times,
        chosen.flattening, net.places, net.frames, net.elevation_km, SHEAR, out,
    )  # fmt: skip
    names = ("time_s", "slowness_s_km", "backazimuth_deg", "distance_deg", "azimuth_deg")
    values: dict[str, Any] = dict(zip(names, out[0].tolist(), strict=True))
    values["azimuth_deg"] = float(np.degrees(values["azimuth_deg"]) % 360)
    return values
