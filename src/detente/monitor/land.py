"""The land as GeoJSON for a map in a browser: every shape cut at the date line."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np

from detente.monitor.coast import CREDIT, Float, rings


@lru_cache(maxsize=1)
def land() -> dict[str, Any]:
    """A FeatureCollection of the land's polygons, longitudes within -180 to 180 (RFC 7946 section 3.1.9)."""
    parts = [part for ring in rings() for part in cut(ring)]
    shape = {"type": "MultiPolygon", "coordinates": [[p.round(2).tolist()] for p in parts]}
    feature = {"type": "Feature", "properties": {"credit": CREDIT}, "geometry": shape}
    return {"type": "FeatureCollection", "features": [feature]}


def cut(ring: Float) -> list[Float]:
    """A closed ring (longitude, latitude) as the parts of it in each turn of the globe, moved to -180 to 180."""
    parts = []
    for turn in (-360.0, 0.0, 360.0):
        inside = _half(_half(ring, 180.0 + turn, keep=-1.0), -180.0 + turn, keep=1.0)
        if len(inside) > 3 and np.ptp(inside[:, 0]) > 0:
            parts.append(inside - [turn, 0.0])
    return parts


def _half(ring: Float, edge: float, *, keep: float) -> Float:
    """The part of a closed ring on one side of a meridian (Sutherland and Hodgman 1974, one edge)."""
    if not len(ring):
        return ring
    points: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in pairwise(ring):
        a, b = keep * (x0 - edge), keep * (x1 - edge)
        if a >= 0:
            points.append((x0, y0))
        if (a < 0 < b) or (b < 0 < a):
            points.append((edge, y0 + (y1 - y0) * a / (a - b)))
    return np.array([*points, points[0]]) if points else ring[:0]
