"""What was observed of one event, as location takes it: errors, path corrections, how model errors are alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.network.phases import KIND, Network, index_of, known, model, slow_waves
from detente.monitor.waves.trace import Array, Site
from detente.tables import read_table

Float = NDArray[np.float64]
Int = NDArray[np.int64]

CORRELATION_KM: Final = 500.0  # assumed: model errors of stations this far apart are alike by 1/e
# Assumed: chance that P sank in the noise and what is called P is its pP (sP: half), for the weakest signals, and the
# signal-to-noise ratio of half that; pP is about as large as P and its amplitude scatters by a factor of two.
LOST_P, WEAK_SNR = 0.25, 5.0
SLOWNESS_ERROR_S_KM: Final = 0.012  # of one component of an array's slowness vector: see docs/location.md
TRUE_DIRECTION: Final = (
    0.94  # assumed: share of directions that are the wave's own where the signal is strong
)
HALF_TRUE_SNR: Final = 4.0  # assumed: of a beam at whose signal-to-noise ratio half of them are


class Correction(msgspec.Struct, frozen=True):
    """What to add to the model's time of a phase at a station, and the error that then remains, in s."""

    shift_s: float
    sd_s: float


Corrections = Mapping[tuple[str, str], Correction]


def read_corrections(path: Path) -> dict[tuple[str, str], Correction]:
    """Path corrections from a CSV of station, phase, shift_s, sd_s (as of a master event's residuals).

    Raises DetenteError for cells that are not numbers, an error not above 0, or an unknown phase.
    """
    found = {}
    for row in read_table(path, ("station", "phase", "shift_s", "sd_s")):
        shift, sd = row.number("shift_s"), row.number("sd_s")
        if shift is None or sd is None or sd <= 0:
            raise DetenteError("a shift and an error above 0 s are needed", where=row.where)
        index_of(row["phase"])
        found[row["station"], row["phase"]] = Correction(shift, sd)
    return found


class Problem(msgspec.Struct, frozen=True, eq=False):
    """Observations as the kernels take them; times count from `zero` (s UTC)."""

    arrivals: tuple[Arrival, ...]
    zero: float
    o: Float
    phase: Int
    station: Int
    network: Network
    alike: Float
    earth: Any

    @property
    def tables(self) -> tuple[Any, Any, Any]:
        return self.earth.times, self.earth.flattening, self.earth.errors

    @property
    def net(self) -> tuple[Any, Any, Any, Any]:
        n = self.network
        return n.places, n.frames, n.elevation_km, n.is_array


def pose(
    arrivals: Sequence[Arrival],
    sites: Mapping[str, Site | Array],
    *,
    earth: str = "ak135",
    corrections: Corrections | None = None,
) -> Problem:
    """Check the arrivals and lay them out. Raises DetenteError for an unknown station or phase, or no time."""
    if not arrivals:
        raise DetenteError("no arrival to locate with")
    for a in arrivals:
        if a.station not in sites:
            raise DetenteError(f"no place for station '{a.station}'", where=f"arrival {a.id}")
        if a.phase and not known(a.phase):
            index_of(a.phase)
        if not (np.isfinite(a.time) and np.isfinite(a.time_sd) and a.time_sd > 0):
            raise DetenteError("a finite time and an error above 0 s are needed", where=f"arrival {a.id}")
    used = {a.station: sites[a.station] for a in arrivals}
    net = Network.of(used)
    where = {code: i for i, code in enumerate(net.codes)}
    station = np.array([where[a.station] for a in arrivals])
    phase = np.array([index_of(a.phase or "P") for a in arrivals])
    zero = float(min(a.time for a in arrivals))
    o = np.array([_row(a, zero, bool(net.is_array[where[a.station]]), corrections or {}) for a in arrivals])
    return Problem(tuple(arrivals), zero, o, phase, station, net, _alike(phase, station, net), model(earth))


def _row(a: Arrival, zero: float, is_array: bool, corrections: Corrections) -> tuple[float, ...]:
    slow = a.slowness_s_km
    usable = slow if slow and slow > 0 else 0.06
    direction = slowness = direction_sd = slowness_sd = np.nan
    if a.backazimuth_deg is not None and np.isfinite(a.backazimuth_deg):
        direction = a.backazimuth_deg
        model_sd = np.degrees(np.arctan(SLOWNESS_ERROR_S_KM / usable))
        direction_sd = float(np.hypot(a.backazimuth_sd_deg or (8.0 if is_array else 20.0), model_sd))
    if slow is not None and np.isfinite(slow):
        slowness = slow
        given = a.slowness_sd_s_km or (0.01 if is_array else 0.05)
        slowness_sd = float(np.hypot(given, SLOWNESS_ERROR_S_KM))
    slow_wave = slow_waves().get(a.phase)
    if (
        slow_wave is not None
    ):  # winds and currents turn it; its trace speed says how steeply it came, not from where
        slowness = slowness_sd = np.nan
        direction_sd = float(np.hypot(a.backazimuth_sd_deg or 2.0, slow_wave.direction_deg))
    fix = corrections.get((a.station, a.phase or "P"))
    shift, sd = (fix.shift_s, fix.sd_s) if fix else (0.0, np.nan)
    lost = LOST_P / (1.0 + (a.snr / WEAK_SNR) ** 2) if a.snr and a.snr > 0 else 0.2 * LOST_P
    return a.time - zero, a.time_sd, direction, direction_sd, slowness, slowness_sd, shift, sd, lost


def _alike(phase: Int, station: Int, net: Network) -> Float:
    """Correlation of model errors: by the distance between stations, between waves of one kind only."""
    place = net.places[station]
    apart = 6371.0 * np.arccos(np.clip(place @ place.T, -1, 1))
    kind = KIND[phase]
    same = np.where(phase[:, None] == phase[None, :], 1.0, 0.5)
    return np.where(kind[:, None] == kind[None, :], same * np.exp(-apart / CORRELATION_KM), 0.0)


def timed(problem: Problem) -> int:
    """How many different phases at different stations were timed."""
    return len(set(zip(problem.station.tolist(), problem.phase.tolist(), strict=True)))


def true_direction(a: Arrival, is_array: bool) -> float:
    """The chance that azimuth and slowness are the wave's own: an f-k has a threshold below which noise wins it."""
    if not is_array or not a.snr or a.snr <= 0:
        return TRUE_DIRECTION
    return float(TRUE_DIRECTION / (1.0 + (HALF_TRUE_SNR / a.snr) ** 4))
