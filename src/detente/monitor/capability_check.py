"""The capability model held against published thresholds and statements, with the size of every miss."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.capability import FAR, CapabilityMap, Model, capability_map, magnitude_at
from detente.monitor.coast import on_land
from detente.monitor.magnitude_yield import site
from detente.monitor.threshold import upper_limit
from detente.sources import Quality, Source
from detente.tables import read_table

Float = NDArray[np.float64]
_COLUMNS = ("id", "what", "k", "kind", "place", "low_mb", "high_mb", "source", "quality", "note")


AREAS = ("north-land", "south-land", "north", "south", "globe")


class Area(msgspec.Struct, frozen=True):
    """Mean and 5, 50, 95 % of the magnitude by area, for detection by at least `k`; `seen`: share of area."""

    name: str
    k: int
    mean: float
    low: float
    median: float
    high: float
    seen: float


class Check(msgspec.Struct, frozen=True):
    """One published range against the model: `miss` is how far outside it lies (negative: too optimistic)."""

    id: str
    what: str
    published: tuple[float, float]
    model: float
    miss: float
    source: Source


def areas(found: CapabilityMap) -> tuple[Area, ...]:
    """Means over northern land, southern land and the whole map, as far as it covers them."""
    return tuple(
        _area(found, name, k)
        for name in ("north-land", "south-land", "globe")
        for k in (1, 2, 3)
        if _mask(found, name).any()
    )


@lru_cache(maxsize=8)
def _land(lat: tuple[float, ...], lon: tuple[float, ...]) -> NDArray[np.bool_]:
    y, x = np.meshgrid(lat, lon, indexing="ij")
    return on_land(y.ravel(), x.ravel()).reshape(y.shape)


def _mask(found: CapabilityMap, name: str) -> NDArray[np.bool_]:
    everywhere = np.ones((found.lat.size, found.lon.size), bool)
    if name == "globe":
        return everywhere
    side = found.lat[:, None] > 0 if name.startswith("north") else found.lat[:, None] < 0
    if not name.endswith("-land"):
        return everywhere & side
    land: NDArray[np.bool_] = everywhere & side & _land(tuple(found.lat), tuple(found.lon))
    return land


def _area(found: CapabilityMap, name: str, k: int) -> Area:
    mask, label = _mask(found, name), "whole map" if name == "globe" else name
    weight = np.broadcast_to(np.cos(np.radians(found.lat))[:, None], mask.shape)[mask]
    m = found.magnitude[k - 1][mask]
    seen = np.isfinite(m)
    if not seen.any():
        nan = float("nan")
        return Area(label, k, nan, nan, nan, nan, 0.0)
    order = np.argsort(m[seen])
    share = np.cumsum(weight[seen][order]) / weight[seen].sum()
    low, median, high = (float(m[seen][order][np.searchsorted(share, q)]) for q in (0.05, 0.5, 0.95))
    mean = float(np.average(m[seen], weights=weight[seen]))
    return Area(label, k, mean, low, median, high, float(weight[seen].sum() / weight.sum()))


def check(model: Model, world: CapabilityMap | None = None) -> tuple[Check, ...]:
    """Every published threshold of ``data/published_thresholds.csv`` against `model`.

    `world`: a global map of the same model, computed at two degrees if left out.
    Raises DetenteError for a table row of an unknown kind.
    """
    covered = world or capability_map(model, step_deg=2.0)
    path = files("detente.monitor") / "data" / "published_thresholds.csv"
    checks = []
    for row in read_table(path, _COLUMNS):
        low, high, k = (float(row.number(c) or 0) for c in ("low_mb", "high_mb", "k"))
        if row["kind"] == "monitoring":
            ours = monitoring_limit(model, row["place"])
        elif row["kind"] == "detection" and row["place"] in AREAS:
            ours = _area(covered, row["place"], int(k)).mean
        elif row["kind"] == "detection":
            place = site(row["place"])
            ours = magnitude_at(model.thresholds(place.lat, place.lon), int(k), model.settings) or float(
                "nan"
            )
        else:
            raise DetenteError(f"no kind '{row['kind']}'", where=row.where, fix="detection or monitoring")
        miss = ours - high if ours > high else min(ours - low, 0.0)
        source = Source(row["source"], Quality(row["quality"]), note=row["note"])
        checks.append(Check(row["id"], row["what"], (low, high), ours, miss, source))
    return tuple(checks)


def monitoring_limit(model: Model, place: str) -> float:
    """Upper limit of threshold monitoring at a named site with ordinary noise on every station, mb."""
    where = site(place)
    t = model.thresholds(where.lat, where.lon)
    noise = np.where(t < FAR, t - np.log10(model.settings.snr), np.nan)
    return float(upper_limit(noise, model.settings.sd))
