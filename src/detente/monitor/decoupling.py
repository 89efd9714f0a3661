"""Decoupling: how much weaker an explosion in a cavity looks, by rock, depth, cavity and frequency.

The factor is the ratio of two source spectra at one frequency, tamped over cavity, at equal yield and depth.
Two conventions carry the name "a factor 70" and are never mixed here:

- ``amplitude``: the signal is 70 times smaller, log10(70) = 1.85 magnitude units at every size;
- ``yield``: it looks like a tamped shot of 1/70 of the yield, slope * 1.85 units (1.39 at slope 0.75).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError
from detente.monitor import source_denny_johnson as denny_johnson
from detente.monitor.media import GRAVITY, JOULES_PER_KT, Medium, checked, medium
from detente.monitor.source_denny_johnson import cavity_radius, static_potential
from detente.monitor.source_mueller_murphy import elastic_radius, pressure_source, spectrum

Array = npt.NDArray[np.float64]

GAMMA_MINUS_1 = 0.2  # of the hot gas that fills the cavity; gives 26 m for 1 kt in salt at 1 km
WALL_FRACTIONS = (0.5, 1.0)  # Azgir 1976 asks for the low end, Sterling 1966 for the high one
FACTOR_DOUBT = 0.2  # log10: the model over that range gives 35-69 for Sterling's 72, 15-30 for Azgir's 12-20
WALL_FRACTION = 0.5  # cavity pressure over overburden at which the wall stays elastic (uncertain: 0.5-1)
LARGEST_CREDIBLE_KT = 10.0  # NAP 12849 (2012) p. 162: judged impractical above


MEASURED_IN = "salt"  # Sterling 1966, Azgir 1976
NOT_MEASURED = "extrapolated: decoupling of nuclear shots has been measured in salt only"


class Convention(StrEnum):
    """What a stated decoupling factor multiplies."""

    amplitude = "amplitude"
    yield_equivalent = "yield"


class Decoupling(msgspec.Struct, frozen=True):
    """One cavity shot: `factor` in amplitude at `frequency_hz`, its low-frequency limit, and how full it is.

    `overdrive` is the cavity pressure over the pressure the wall bears (above 1: partial decoupling).
    `model_high`: the low-frequency factor with Denny-Johnson's moment. Radii in m.
    """

    factor: float
    low_frequency: float
    model_high: float
    frequency_hz: float
    cavity_radius_m: float
    full_radius_m: float
    overdrive: float
    marks: tuple[str, ...]


def full_decoupling_radius(
    yield_kt: Any, depth_m: Any, rock: str | Medium, wall_fraction: Any = WALL_FRACTION
) -> Any:
    """Smallest cavity radius (m) whose wall stays elastic for `yield_kt` (kt) at `depth_m` (m).

    Volume (gamma - 1) Y / (wall_fraction rho g h); Latter's criterion, constants of this project.
    """
    rock = medium(rock)
    bearable = wall_fraction * rock.rho * GRAVITY * np.asarray(depth_m, float)
    volume = GAMMA_MINUS_1 * np.asarray(yield_kt, float) * JOULES_PER_KT / bearable
    return np.cbrt(3 * volume / (4 * np.pi))


def largest_hidden_yield(
    cavity_radius_m: Any, depth_m: float, rock: str | Medium, wall_fraction: float = WALL_FRACTION
) -> Any:
    """Yield (kt) that a cavity of this radius (m) decouples fully at `depth_m` (m)."""
    one = full_decoupling_radius(1.0, depth_m, rock, wall_fraction)
    return (np.asarray(cavity_radius_m, float) / one) ** 3


def amplitude_factor(
    yield_kt: Any,
    rock: str | Medium,
    depth_m: Any,
    cavity_radius_m: Any = None,
    frequency_hz: Any = 1.0,
    wall_fraction: Any = WALL_FRACTION,
) -> Array:
    """Amplitude ratio tamped / cavity at `frequency_hz`; arguments broadcast (kt, m, m, Hz).

    A cavity at least as large as `full_decoupling_radius` (the default) is an elastic sphere under a step.
    A smaller one lies between that and the tamped shot: log factor linear in log radius.
    """
    rock = medium(rock)
    tamped_radius = cavity_radius(yield_kt, depth_m, rock)
    full = full_decoupling_radius(yield_kt, depth_m, rock, wall_fraction)
    radius = full if cavity_radius_m is None else np.maximum(cavity_radius_m, tamped_radius)
    fullness = np.clip(np.log(radius / tamped_radius) / np.log(full / tamped_radius), 0, 1)
    elastic = np.maximum(radius, full)
    pressure = GAMMA_MINUS_1 * np.asarray(yield_kt, float) * JOULES_PER_KT / (4 / 3 * np.pi * elastic**3)
    cavity = pressure_source(pressure, pressure, elastic, rock, frequency_hz)
    return np.asarray((spectrum(yield_kt, depth_m, rock, frequency_hz) / cavity) ** fullness, float)


def decoupling(
    yield_kt: float,
    rock: str | Medium,
    depth_m: float,
    cavity_radius_m: float | None = None,
    frequency_hz: float = 1.0,
    wall_fraction: float = WALL_FRACTION,
) -> Decoupling:
    """The decoupling of one shot (kt, m, m, Hz), with marks for what it rests on and where it extrapolates.

    Raises DetenteError for values no cavity shot can have.
    """
    rock = medium(rock)
    checked("yield", yield_kt, 1e-5, 1000, "kt")
    checked("depth", depth_m, 20, 5000, "m")
    checked("frequency", frequency_hz, 1e-3, 100, "Hz")
    checked("wall fraction", wall_fraction, 0.1, 2, "of overburden")
    full = float(full_decoupling_radius(yield_kt, depth_m, rock, wall_fraction))
    radius = full if cavity_radius_m is None else checked("cavity radius", cavity_radius_m, 0.1, 500, "m")
    if radius >= depth_m:
        raise DetenteError(f"a cavity of radius {radius:g} m at {depth_m:g} m depth", fix="go deeper")
    low = float(amplitude_factor(yield_kt, rock, depth_m, radius, 1e-3, wall_fraction))
    tamped = float(cavity_radius(yield_kt, depth_m, rock)) ** 3 / 3
    gain = float(static_potential(yield_kt, depth_m, rock)) / tamped
    fullness = np.log(low) / np.log(
        float(amplitude_factor(yield_kt, rock, depth_m, full, 1e-3, wall_fraction))
    )
    marks = ["recalled: source-model constants not read in a source"]
    if rock.name != MEASURED_IN:
        marks.append(NOT_MEASURED)
    if yield_kt > LARGEST_CREDIBLE_KT:
        marks.append("extrapolated: full decoupling above 10 kt is judged impractical (NAP 12849 p. 162)")
    if frequency_hz > float(rock.vp / (2 * np.pi * elastic_radius(yield_kt, depth_m, rock))):
        marks.append("above the tamped corner frequency: the factor falls about as f^-2")
    return Decoupling(
        factor=float(amplitude_factor(yield_kt, rock, depth_m, radius, frequency_hz, wall_fraction)),
        low_frequency=low,
        model_high=low * gain**fullness,
        frequency_hz=frequency_hz,
        cavity_radius_m=radius,
        full_radius_m=full,
        overdrive=(full / radius) ** 3,
        marks=tuple(marks),
    )


def magnitude_loss(factor: Any, convention: Convention | str, slope: Any) -> Any:
    """Magnitude units that a stated decoupling `factor` takes off, under a named convention.

    `slope`: of the magnitude-yield law where the shot lies (used by the yield convention only).
    Raises DetenteError for an unnamed convention or a factor below 1.
    """
    try:
        named = Convention(convention)
    except ValueError:
        raise DetenteError(f"no decoupling convention '{convention}'", fix="say amplitude or yield") from None
    if np.any(np.asarray(factor) < 1):
        raise DetenteError(f"a decoupling factor of {np.min(factor):g}", fix="it is 1 (tamped) or more")
    return np.log10(factor) * (slope if named is Convention.yield_equivalent else 1.0)


def constants_effect(
    yield_kt: float,
    rock: str | Medium,
    depth_m: float,
    cavity_radius_m: float | None = None,
    frequency_hz: float = 1.0,
) -> dict[str, float]:
    """Change of log10 factor (magnitude units) when each doubtful constant takes its other credible value."""
    rock = medium(rock)
    here = (depth_m, cavity_radius_m, frequency_hz)
    base = float(np.log10(amplitude_factor(yield_kt, rock, *here)))
    doubts = {"k_elastic": 1.3, "n": 0.9, "decay_k": 1.5, "vp": 1.1, "vs": 1.1, "rho": 1.05}
    found = {}
    for name, times in doubts.items():
        other = msgspec.structs.replace(rock, **{name: getattr(rock, name) * times})
        found[f"{name} x {times:g}"] = float(np.log10(amplitude_factor(yield_kt, other, *here))) - base
    weak = np.log10(amplitude_factor(yield_kt, rock, *here, wall_fraction=1.0))
    found["wall fraction 1 for 0.5"] = float(weak) - base
    return found | source_effect(yield_kt, rock, depth_m, frequency_hz)


CORNERS = (0.5, 1.0, 2.0)  # times Mueller-Murphy's: Denny-Johnson's own is not known here


def source_effect(
    yield_kt: float, rock: str | Medium, depth_m: float, frequency_hz: float
) -> dict[str, float]:
    """Change of log10 amplitude (magnitude units) with Denny-Johnson's source for Mueller-Murphy's (kt, m, Hz).

    Their moment is recalled; their corner frequency is taken as CORNERS times Mueller-Murphy's, which is a
    choice: the spread of the rows is what not knowing it costs at `frequency_hz`.
    """
    rock = medium(rock)
    corner = rock.vp / (2 * np.pi * elastic_radius(yield_kt, depth_m, rock))
    base = spectrum(yield_kt, depth_m, rock, frequency_hz)
    found = {}
    for times in CORNERS:
        other = denny_johnson.spectrum(yield_kt, depth_m, rock, frequency_hz, times * corner)
        found[f"Denny-Johnson source, corner x {times:g}"] = float(np.log10(other / base))
    return found
