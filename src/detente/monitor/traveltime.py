"""Travel times: dense tables from TauP, read by a kernel that needs no ray tracing and no obspy."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.errors import DetenteError, nearest

Float = NDArray[np.float64]

MODELS: Final = ("ak135", "iasp91")
KM_PER_DEG: Final = 6371.0 * np.pi / 180.0

# The grid: fine where branches cross (crust, Moho, the 660), coarser elsewhere; the kernel knows its steps.
DISTANCES_DEG: Final[Float] = np.concatenate(
    [np.arange(400) * 0.01, 4.0 + np.arange(560) * 0.05, 32.0 + np.arange(593) * 0.25]
)
DEPTHS_KM: Final[Float] = np.concatenate(
    [np.arange(40.0), 40.0 + 5.0 * np.arange(104), 560.0 + 2.0 * np.arange(71)]
)

# Phases that travel at one group speed, as in the IDC's tables: km/s, furthest distance in degrees,
# greatest depth in km. Lg: 3.5 km/s to 30 deg; Pg beyond TauP's crustal rays: 6.1 km/s to 20 deg.
_GROUP: Final = {"Lg": (3.5, 30.0, 35.0), "Pg_idc": (6.1, 20.0, 35.0)}
_TABLED: Final = ("P", "Pg", "Pn", "S", "Sg", "Sn", "PKP")
PHASES: Final = (*_TABLED, *_GROUP)


class TravelTimes(msgspec.Struct, frozen=True):
    """Travel times through one Earth model, `ak135` or `iasp91`.

    P and S: earliest arrival, diffracted along the core to 115 degrees. Pn and Sn: rays along or just below
    the Moho that turn above 410 km (Sn: 210 km). Pg and Sg: crustal rays as TauP has them. Lg: 3.5 km/s;
    Pg_idc: 6.1 km/s. PKP: the earliest core phase.
    Sources: Kennett, Engdahl and Buland 1995 (ak135); Kennett and Engdahl 1991 (iasp91), by obspy's TauP.
    """

    model: str = "ak135"

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise DetenteError(f"no Earth model '{self.model}'", fix=nearest(self.model, MODELS))

    def time(self, phase: str, distance_deg: ArrayLike, depth_km: ArrayLike = 0.0) -> Float:
        """Travel time in seconds (broadcast of the arguments); NaN where the phase does not arrive.

        Parameters: `phase`, one of PHASES; `distance_deg` of arc, 0 to 180; `depth_km`, 0 to 700.
        Raises DetenteError for an unknown phase.
        """
        shape = np.broadcast_shapes(np.shape(distance_deg), np.shape(depth_km))
        x = np.ascontiguousarray(np.broadcast_to(np.asarray(distance_deg, float), shape)).ravel()
        z = np.ascontiguousarray(np.broadcast_to(np.asarray(depth_km, float), shape)).ravel()
        if phase in _GROUP:
            return _group_time(x, z, *_GROUP[phase]).reshape(shape)
        out = np.empty(x.size)
        self.fill(phase, x, z, out)
        return out.reshape(shape)

    def fill(self, phase: str, distance_deg: Float, depth_km: Float, out: Float) -> None:
        """As `time` for a tabled phase, into `out`: flat float64 arrays of one length, no copies."""
        table = _table(self.model, phase)
        kernel = _kernels()
        (kernel.many if out.size > 50_000 else kernel.few)(table, distance_deg, depth_km, out)


def _group_time(x: Float, z: Float, speed_km_s: float, last_deg: float, last_km: float) -> Float:
    inside = (x >= 0) & (x <= last_deg) & (z >= 0) & (z <= last_km)
    return np.where(inside, np.hypot(x * KM_PER_DEG, z) / speed_km_s, np.nan)


def _kernels() -> Any:
    from detente.monitor import _traveltime_kernel

    return _traveltime_kernel


@lru_cache(maxsize=32)
def _table(model: str, phase: str) -> NDArray[np.float32]:
    """(depth, distance) float32: time over straight distance, s/km, which varies slowly everywhere."""
    if phase not in _TABLED:
        raise DetenteError(f"no travel times for phase '{phase}'", fix=nearest(phase, PHASES))
    time = decode(_file(), f"{model}.{phase}")
    straight = np.hypot(DISTANCES_DEG * KM_PER_DEG, DEPTHS_KM[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        slowness = time / straight
    if time[0, 0] == 0:
        slowness[0, 0] = slowness[0, 1]  # at the source itself: the slowness of the surface
    return slowness.astype(np.float32)


@lru_cache(maxsize=1)
def _file() -> dict[str, NDArray[Any]]:
    with (files("detente.monitor") / "data" / "traveltimes.npz").open("rb") as stream:
        return dict(np.load(stream))


def encode(time: Float) -> dict[str, NDArray[Any]]:
    """A table of seconds as milliseconds: differences along distance, then along depth; NaN as a mask."""
    known = np.isfinite(time)
    filled = np.where(known, np.nan_to_num(np.rint(time * 1000)), 0).astype(np.int64)
    delta = np.diff(np.diff(filled, axis=1, prepend=0), axis=0, prepend=0)
    bytes_ = delta.astype("<i4").view(np.uint8).reshape(*delta.shape, 4)
    return {"ms": np.moveaxis(bytes_, -1, 0).copy(), "known": np.packbits(known, axis=1)}


def decode(arrays: dict[str, NDArray[Any]], name: str) -> Float:
    """The inverse of `encode` for the table `name` of a file."""
    planes = np.ascontiguousarray(np.moveaxis(arrays[f"{name}.ms"], 0, -1))
    delta = planes.view("<i4")[..., 0].astype(np.int64)
    ms = np.cumsum(np.cumsum(delta, axis=0), axis=1)
    known = np.unpackbits(arrays[f"{name}.known"], axis=1, count=ms.shape[1]).astype(bool)
    return np.where(known, ms / 1000.0, np.nan)
