"""Coast lines and land, offline: Natural Earth's 1:110m land polygons (public domain)."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.monitor.geo import KM_PER_DEG, unit_vectors

Float = NDArray[np.float64]
_FEW = 256  # places up to which all edges at once are quicker than one by one
CREDIT = "coast: Natural Earth 1:110m (public domain)"


@lru_cache(maxsize=1)
def rings() -> tuple[Float, ...]:
    """The outlines of the land: (point, 2) longitude and latitude in degrees, the first point again last.

    A ring that crosses the date line runs on past 180.
    """
    with (files("detente.monitor") / "data" / "coast.npz").open("rb") as stream:
        arrays = np.load(stream)
        points = arrays["points"] / 100.0
        return tuple(np.split(points, arrays["starts"][1:]))


def on_land(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.bool_]:
    """Is each place on land? Even-odd rule in longitude and latitude; islands below 1:110m are sea."""
    y = np.atleast_1d(np.asarray(lat, float))
    x = (np.atleast_1d(np.asarray(lon, float)) + 180.0) % 360.0 - 180.0
    y, x = np.broadcast_arrays(y, x)
    inside = np.zeros(y.shape, bool)
    for ring in rings():
        (left, low), (right, high) = ring.min(axis=0), ring.max(axis=0)
        for turn in (-360.0, 0.0, 360.0):
            near = (y >= low) & (y <= high) & (x + turn >= left) & (x + turn <= right)
            if near.any():
                inside[near] ^= _crossings(x[near] + turn, y[near], ring)
    return inside


def _crossings(x: Float, y: Float, ring: Float) -> NDArray[np.bool_]:
    """Does a ray to the east cross the ring an odd number of times?"""
    if y.size <= _FEW:
        (a0, b0), (a1, b1) = ring[:-1].T, ring[1:].T
        slanted = b0 != b1
        a0, b0, a1, b1 = a0[slanted], b0[slanted], a1[slanted], b1[slanted]
        spans = (b0 > y[:, None]) != (b1 > y[:, None])
        crossed = spans & (x[:, None] < (a1 - a0) * (y[:, None] - b0) / (b1 - b0) + a0)
        return np.asarray(crossed.sum(axis=1) % 2 == 1)
    odd = np.zeros(y.shape, bool)
    for (a0, b0), (a1, b1) in pairwise(ring):
        if b0 != b1:
            odd ^= ((b0 > y) != (b1 > y)) & (x < (a1 - a0) * (y - b0) / (b1 - b0) + a0)
    return odd


def coast_km(lat: ArrayLike, lon: ArrayLike) -> Float:
    """Distance in km from each place on land to the nearest coast point; 0 for places off the 1:110m land."""
    places = np.atleast_2d(unit_vectors(np.atleast_1d(lat), np.atleast_1d(lon)))
    shore = _shore()
    nearest = np.array([np.max(shore @ p) for p in places])
    km = np.degrees(np.arccos(np.clip(nearest, -1, 1))) * KM_PER_DEG
    return np.where(on_land(lat, lon), km, 0.0)


@lru_cache(maxsize=1)
def _shore() -> Any:
    """Unit vectors along the coast, at most 0.2 degrees apart."""
    lines = []
    for ring in rings():
        for (x0, y0), (x1, y1) in pairwise(ring):
            n = max(1, int(np.hypot(x1 - x0, y1 - y0) / 0.2))
            t = np.arange(n) / n
            lines.append(np.c_[y0 + t * (y1 - y0), x0 + t * (x1 - x0)])
    points = np.concatenate(lines)
    edge = (points[:, 0] < -84.5) | (np.abs(np.abs(points[:, 1]) - 180.0) < 0.05)
    points = points[~edge]  # the map's edges are no coast
    return unit_vectors(points[:, 0], points[:, 1])
