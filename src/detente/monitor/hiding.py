"""What could hide: the largest yield whose signal stays below a detection threshold, against cavity size."""

from __future__ import annotations

from itertools import product

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError
from detente.monitor.decoupling import FACTOR_DOUBT, WALL_FRACTIONS, amplitude_factor
from detente.monitor.magnitude_yield import SMALL_SLOPES, Law, magnitude_of_yield
from detente.monitor.media import Medium, checked

Array = npt.NDArray[np.float64]

_YIELDS_KT = np.logspace(-5, 3, 801)


class Hidden(msgspec.Struct, frozen=True, eq=False):
    """Largest hidden yield (kt) per cavity radius (m): `mid` at small slope 0.875, `low` and `high` over the
    slopes, wall strengths and the factor's own doubt. `tamped_kt`: (low, mid, high) without a cavity."""

    radius_m: Array
    low: Array
    mid: Array
    high: Array
    tamped_kt: tuple[float, float, float]
    threshold_mb: float
    medium: str
    depth_m: float
    frequency_hz: float


def largest_hidden(
    threshold_mb: float,
    rock: str | Medium,
    depth_m: float,
    radius_m: Array,
    *,
    law: str | Law = "semipalatinsk",
    frequency_hz: float = 2.0,
) -> Hidden:
    """Largest yield below `threshold_mb` in cavities of `radius_m` (m) at `depth_m` (m).

    The decoupling factor is taken at `frequency_hz`. Radius zero is a tamped shot. Raises DetenteError for
    thresholds, depths or radii out of range.
    """
    checked("threshold", threshold_mb, -1, 6, "mb")
    checked("depth", depth_m, 50, 3000, "m")
    radii = np.asarray(radius_m, float)
    if np.any(~(radii >= 0)) or np.any(radii > min(200, depth_m / 2)):
        raise DetenteError("a cavity radius out of range", fix=f"give 0 to {min(200, depth_m / 2):g} m")
    with_tamped = np.append(radii, 0.0)
    ask = (threshold_mb, rock, depth_m, with_tamped, law, frequency_hz)
    corners = [_largest(*ask, *corner) for corner in product(SMALL_SLOPES, WALL_FRACTIONS, (-1, 1))]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    mid = _largest(*ask, float(np.mean(SMALL_SLOPES)), float(np.mean(WALL_FRACTIONS)), 0)
    return Hidden(
        radii,
        low[:-1],
        mid[:-1],
        high[:-1],
        (float(low[-1]), float(mid[-1]), float(high[-1])),
        threshold_mb,
        rock if isinstance(rock, str) else rock.name,
        depth_m,
        frequency_hz,
    )


def _largest(
    threshold: float,
    rock: str | Medium,
    depth: float,
    radii: Array,
    law: str | Law,
    hz: float,
    slope: float,
    wall: float,
    doubt: float,
) -> Array:
    """One corner of the assumptions; `doubt` -1 to 1: the factor off by FACTOR_DOUBT at a factor of 100."""
    y, r = _YIELDS_KT[None, :], np.maximum(radii, 1e-3)[:, None]
    factor = amplitude_factor(y, rock, depth, r, hz, wall) ** (1 + doubt * FACTOR_DOUBT / 2)
    mb = magnitude_of_yield(y, law, small_slope=slope, factor=factor)
    # a louder yield in the same cavity is louder still: the first crossing is the answer
    rising = np.maximum.accumulate(mb, axis=1)
    return np.array([np.exp(np.interp(threshold, row, np.log(_YIELDS_KT))) for row in rising])


def thresholds_at(place: str) -> dict[str, float]:
    """Magnitudes (mb) that one and that three stations of the primary network detect with 90 % at a place.

    `place`: a named test site or ``lat,lon``. Raises DetenteError for neither, or where no three stations can.
    """
    from detente.monitor.capability import Model
    from detente.monitor.site import find_place
    from detente.monitor.stations import network

    where, model = find_place(place), Model.build(network())
    found = {}
    for k, name in ((1, "one station"), (3, "three stations")):
        magnitude = model.magnitude(where.lat, where.lon, k)
        if magnitude is None:
            raise DetenteError(f"no {name} can see {place}", fix="give --threshold")
        found[name] = round(magnitude, 2)
    return found
