"""Mueller-Murphy (1971): the seismic source of a tamped underground explosion, as a pressure on a sphere.

BSSA 61(6) 1675-1692; form as in Stevens & Day (1985) JGR 90, 3009. Constants in ``data/media.csv`` are
recalled; `constants_effect` shows what an error in them does.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from detente.monitor.media import GRAVITY, Medium, checked, medium
from detente.monitor.source_denny_johnson import cavity_radius

Array = npt.NDArray[np.float64]


def elastic_radius(yield_kt: Any, depth_m: Any, rock: str | Medium) -> Any:
    """Radius beyond which the rock stays elastic, m: K Y^(1/3) h^(-1/n) (`yield_kt` kt, `depth_m` m)."""
    rock = medium(rock)
    return rock.k_elastic * np.cbrt(yield_kt) * np.power(depth_m, -1 / rock.n)


def pressure_source(peak: Any, static: Any, radius_m: Any, rock: Medium, frequency_hz: Any) -> Array:
    """|d psi/dt| (m3) of a pressure (peak - static) exp(-a t) + static on a sphere, Pa and m.

    The far-field displacement spectrum is proportional to it; at zero frequency it is the static reduced
    displacement potential ``static * radius**3 / (4 mu)``. Mueller & Murphy 1971, eqs 1-6.
    """
    w = 2 * np.pi * np.asarray(frequency_hz, float)
    w0 = rock.vp / np.asarray(radius_m, float)
    pressure = (peak - static) * 1j * w / (rock.decay_k * w0 + 1j * w) + static
    response = radius_m * rock.vp**2 / (4 * rock.mu) / (w0**2 + 1j * w0 * w - rock.beta * w**2)
    return np.asarray(np.abs(pressure * response), float)


def spectrum(yield_kt: Any, depth_m: Any, rock: str | Medium, frequency_hz: Any) -> Array:
    """|d psi/dt| of a tamped explosion, m3 (`yield_kt` kt, `depth_m` m, `frequency_hz` Hz: broadcast)."""
    rock = medium(rock)
    radius = elastic_radius(yield_kt, depth_m, rock)
    static = 4 / 3 * rock.mu * (cavity_radius(yield_kt, depth_m, rock) / radius) ** 3
    peak = 1.5 * rock.rho * GRAVITY * np.asarray(depth_m, float)
    return pressure_source(peak, static, radius, rock, frequency_hz)


def corner_frequency(yield_kt: float, depth_m: float, rock: str | Medium) -> float:
    """w0 / 2 pi = Vp / (2 pi rel), Hz."""
    checked("yield", yield_kt, 1e-6, 1e5, "kt")
    checked("depth", depth_m, 1, 1e4, "m")
    return float(medium(rock).vp / (2 * np.pi * elastic_radius(yield_kt, depth_m, rock)))


def magnitude_slope(yield_kt: float, rock: str | Medium, *, depth_m: float | None, hz: float = 1.0) -> float:
    """d log10 amplitude / d log10 yield at `hz`; `depth_m` None: the depth follows 122 Y^(1/3) m.

    At fixed depth below the corner it tends to 1, at scaled depth to 0.74: the range 0.75-1.0 of small shots.
    """
    y = yield_kt * np.array([0.99, 1.01])
    depth = 122 * np.cbrt(y) if depth_m is None else np.full(2, depth_m)
    low, high = np.log10(spectrum(y, depth, rock, hz))
    return float((high - low) / np.log10(y[1] / y[0]))


def constants_effect(
    yield_kt: float, depth_m: float, rock: str | Medium, frequency_hz: float
) -> dict[str, float]:
    """Change of log10 amplitude (magnitude units) when each recalled constant grows by its stated doubt."""
    rock = medium(rock)
    base = np.log10(spectrum(yield_kt, depth_m, rock, frequency_hz))
    doubts = {"k_elastic": 1.3, "n": 0.9, "decay_k": 1.5, "vp": 1.1, "vs": 1.1, "rho": 1.05}
    return {
        f"{name} x {factor:g}": float(
            np.log10(spectrum(yield_kt, depth_m, _changed(rock, name, factor), frequency_hz)) - base
        )
        for name, factor in doubts.items()
    }


def _changed(rock: Medium, name: str, factor: float) -> Medium:
    return msgspec.structs.replace(rock, **{name: getattr(rock, name) * factor})
