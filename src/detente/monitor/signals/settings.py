"""What a detector listens for: bands, averages, slownesses, and how many false alarms a day are allowed."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.filters import OCTAVES
from detente.monitor.signals.threshold import Noise

Float = NDArray[np.float64]


class DetectSettings(msgspec.Struct, frozen=True):
    """What sets the thresholds and what is looked at.

    `false_per_day`: false alarms a day and station that set the thresholds, through `noise`, the law of the
    statistic on noise (None: model noise at the station's geometry, simulated). `sta_s`, `lta_s`: time constants
    of the averages. `adapt`: raise the levels where the station's last hours were noisier than that law (None:
    at single sensors only; an array tells noise by its coherence). `caution`: where levels adapt, the factor on them
    until the station has been heard; 1.6 for continuous records, 1 where a short window holds a small signal.
    `most_per_day`: at single sensors no arrival is taken whose ratio the sensor itself has passed more often than so
    many times a day in its last two hours (see `threshold.Passes`; infinite: it is only told, as `passes_per_day`).
    `coherent_p`: the chance that incoherent noise looks so coherent on an array; more than this is no arrival, nor
    more than would let `false_per_day` through, given how often the array passed such a ratio of late: noise that
    swells passes any level, and is no more coherent for it. `reach_s_km`: slownesses of the beams; `fk_limit_s_km`,
    `fk_grid_s_km` of the f-k map.
    """

    bands_hz: tuple[tuple[float, float], ...] = OCTAVES
    sta_s: float = 2.0
    lta_s: float = 60.0
    false_per_day: float = 20.0
    noise: Noise | None = None
    adapt: bool | None = None
    caution: float = 1.0
    most_per_day: float = np.inf
    coherent_p: float = 0.01
    reach_s_km: float = 0.27
    fk_limit_s_km: float = 0.36
    fk_grid_s_km: float = 0.01
    infrasound: bool = False

    def __post_init__(self) -> None:
        if not (
            0 < self.sta_s < self.lta_s and self.false_per_day > 0 and self.bands_hz and self.caution >= 1
        ):
            raise DetenteError(
                "a detector needs 0 < sta < lta, a band, false alarms a day above 0 and a caution of 1 or more",
                where=f"sta {self.sta_s:g} s, lta {self.lta_s:g} s, {self.false_per_day:g} a day",
            )


DEFAULT = DetectSettings()

INFRASOUND = DetectSettings(
    bands_hz=((0.1, 0.4), (0.3, 1.0), (0.6, 2.0), (1.0, 4.0), (2.0, 8.0)),
    sta_s=5.0,
    lta_s=120.0,
    reach_s_km=3.0,
    fk_limit_s_km=4.0,
    fk_grid_s_km=0.1,
    infrasound=True,
)
"""Sound in air crosses an array at 2.4 to 3.3 s/km: one ring of beams, lower bands, longer averages."""
