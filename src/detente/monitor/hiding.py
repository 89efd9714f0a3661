"""What could hide: the largest yield whose signal stays below a detection threshold, against cavity size."""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError
from detente.monitor.decoupling import amplitude_factor
from detente.monitor.magnitude_yield import SMALL_SLOPES, Law, magnitude_of_yield
from detente.monitor.media import Medium, checked

Array = npt.NDArray[np.float64]

_YIELDS_KT = np.logspace(-5, 3, 801)


class Hidden(msgspec.Struct, frozen=True, eq=False):
    """Largest hidden yield (kt) per cavity radius (m): `mid` at small slope 0.875, `low` and `high` over the
    range of slopes and wall strengths. `tamped_kt`: (low, mid, high) without a cavity."""

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
    low_slope, high_slope = SMALL_SLOPES
    cases = {
        "low": (low_slope, 0.5),
        "mid": ((low_slope + high_slope) / 2, 0.75),
        "high": (high_slope, 1.0),
    }
    found = {
        k: _largest(threshold_mb, rock, depth_m, radii, law, s, w, frequency_hz)
        for k, (s, w) in cases.items()
    }
    tamped = tuple(
        float(_largest(threshold_mb, rock, depth_m, np.zeros(1), law, s, w, frequency_hz)[0])
        for s, w in cases.values()
    )
    name = rock if isinstance(rock, str) else rock.name
    return Hidden(
        radii, found["low"], found["mid"], found["high"], (tamped[0], tamped[1], tamped[2]),
        threshold_mb, name, depth_m, frequency_hz,
    )  # fmt: skip


def _largest(
    threshold: float,
    rock: str | Medium,
    depth: float,
    radii: Array,
    law: str | Law,
    slope: float,
    wall: float,
    hz: float,
) -> Array:
    y, r = _YIELDS_KT[None, :], np.maximum(radii, 1e-3)[:, None]
    factor = amplitude_factor(y, rock, depth, r, hz, wall)
    mb = magnitude_of_yield(y, law, small_slope=slope, factor=factor)
    # a louder yield in the same cavity is louder still: the first crossing is the answer
    rising = np.maximum.accumulate(mb, axis=1)
    return np.array([np.exp(np.interp(threshold, row, np.log(_YIELDS_KT))) for row in rising])
