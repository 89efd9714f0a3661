"""What happens on a made-up day: ordinary seismicity, swarms, aftershocks, one great earthquake, small shots."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError, nearest
from detente.tables import read_table

Float = NDArray[np.float64]

# Corners of plate boundaries, lat, lon, and the deepest earthquakes in km: for simulation, drawn by hand.
_BELTS: Final = (
    ((52, -172, 60), (54, 160, 300), (44, 148, 400), (36, 141, 450), (26, 143, 500), (14, 145, 300)),
    ((36, 140, 60), (32, 131, 150), (24, 122, 100), (12, 125, 150), (2, 127, 200), (-7, 128, 400)),
    ((-7, 128, 350), (-9, 113, 500), (-4, 101, 200), (8, 94, 100), (22, 94, 120), (30, 80, 30)),
    ((30, 80, 30), (36, 70, 220), (34, 58, 25), (38, 44, 25), (38, 22, 60), (37, 15, 100)),
    ((-5, 147, 200), (-6, 155, 150), (-13, 167, 250), (-20, 169, 200), (-16, -173, 300), (-22, -178, 600)),
    ((-22, -178, 600), (-30, -178, 350), (-40, 176, 150)),
    ((61, -150, 60), (58, -155, 120), (52, -170, 120)),
    ((40, -124, 20), (34, -117, 15), (24, -109, 15), (17, -100, 60), (13, -90, 120), (8, -83, 50)),
    ((2, -79, 80), (-8, -78, 120), (-17, -71, 160), (-25, -68, 250), (-33, -71, 100), (-43, -75, 40)),
    (
        (-56, -27, 120),
        (-60, -30, 50),
        (-55, -2, 10),
        (-35, -16, 10),
        (0, -25, 10),
        (35, -35, 10),
        (64, -20, 10),
    ),
    ((12, 50, 10), (-10, 66, 10), (-35, 55, 10), (-45, 85, 10), (-50, 135, 10), (-62, 160, 10)),
    ((44, 83, 20), (41, 76, 25), (36, 90, 15), (28, 103, 20), (48, 100, 15)),
)
SCENES: Final = ("ordinary", "swarm", "aftershocks", "great", "regional")


class Source(msgspec.Struct, frozen=True):
    """One event of the day: s after its beginning, degrees, km, mb."""

    time: float
    lat: float
    lon: float
    depth_km: float
    mb: float


def scene(
    kind: str,
    count: int,
    rng: np.random.Generator,
    *,
    least_mb: float = 3.4,
    catalogue: Path | None = None,
    length_s: float = 86400.0,
) -> tuple[Source, ...]:
    """`count` events of a day of one kind: ordinary, swarm, aftershocks, great or regional.

    `catalogue`: a CSV with latitude, longitude and depth columns to draw places from, instead of the belts.
    Magnitudes by Gutenberg and Richter with b = 1 from `least_mb`. Raises DetenteError for an unknown kind.
    """
    if kind not in SCENES:
        raise DetenteError(f"no kind of day '{kind}'", fix=nearest(kind, SCENES))
    special = {"ordinary": 0, "swarm": count // 3, "aftershocks": count // 3, "great": count // 4}.get(
        kind, 0
    )
    places = _places(count, rng, catalogue)
    mb = np.minimum(6.5, least_mb + rng.exponential(np.log10(np.e), count))
    times = np.sort(rng.uniform(0, length_s, count))
    if kind == "regional":  # small shots and quakes at the surface of the continents' interiors
        mb = rng.uniform(2.6, 3.4, count)
        places[:, 2] = 0.0
    if special:
        first = rng.uniform(0.1, 0.4) * length_s
        rows = rng.choice(count, special, replace=False)
        centre = places[rows[0]].copy()
        spread = 0.15 if kind == "swarm" else 0.5
        places[rows, :2] = centre[:2] + rng.normal(0, spread, (special, 2))
        places[rows, 2] = np.clip(centre[2] + rng.normal(0, 8, special), 0, 650)
        if kind == "swarm":
            times[rows] = first + rng.uniform(0, 0.3 * length_s, special)
        else:  # Omori: as many in every factor of time
            times[rows] = first + 60.0 * (0.5 * length_s / 60.0) ** rng.uniform(0, 1, special)
            times[rows[0]], mb[rows[0]] = first, (6.8 if kind == "great" else 6.0)
    order = np.argsort(times)
    return tuple(
        Source(float(times[i]), float(places[i, 0]), float(places[i, 1]), float(places[i, 2]), float(mb[i]))
        for i in order
        if times[i] < length_s
    )


def _places(count: int, rng: np.random.Generator, catalogue: Path | None) -> Float:
    """(count, 3) latitude, longitude, depth."""
    if catalogue is not None:
        known = _catalogue(catalogue)
        return known[rng.integers(0, len(known), count)]
    legs = [(np.array(a, float), np.array(b, float)) for belt in _BELTS for a, b in pairwise(belt)]
    out = np.empty((count, 3))
    for k, leg in enumerate(rng.integers(0, len(legs), count)):
        a, b = legs[leg][0].copy(), legs[leg][1]
        a[1] += 360 * np.round((b[1] - a[1]) / 360)
        lat, lon, deepest = a + rng.uniform() * (b - a)
        deep = rng.uniform() < 0.25
        depth = rng.uniform(0, deepest) if deep else min(60.0, rng.exponential(15.0))
        out[k] = np.clip(lat + rng.normal(0, 1), -89, 89), (lon + rng.normal(0, 1) + 180) % 360 - 180, depth
    stray = rng.uniform(size=count) < 0.08
    out[stray, 0] = np.degrees(np.arcsin(rng.uniform(-1, 1, stray.sum())))
    out[stray, 1] = rng.uniform(-180, 180, stray.sum())
    out[stray, 2] = rng.exponential(10.0, stray.sum())
    return out


def _catalogue(path: Path) -> Float:
    columns = ("latitude", "longitude", "depth")
    rows = [
        [row.number(c) or 0.0 for c in columns]
        for row in read_table(
            path, columns, optional=("", "event_type", "bulletin", "origin_time", "magnitude")
        )
    ]
    if not rows:
        raise DetenteError("no event", where=path.name)
    return np.array(rows)
