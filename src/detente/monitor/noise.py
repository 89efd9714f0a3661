"""Station noise: between Peterson's low and high models by the kind of site, or a user's spectra."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.stations import Station
from detente.tables import read_table

Float = NDArray[np.float64]

COAST_WITHIN_KM = 50.0
NOISE_NOTE = (
    "noise by kind of site, between Peterson's models, as measured for minutes at one array (YKA) and eight"
    " three-component stations of East Asia"
)

Spectra = Mapping[str, tuple[Float, Float]]


@lru_cache(maxsize=1)
def models() -> tuple[Float, Float, Float]:
    """Frequency in Hz and Peterson's low and high noise models, dB relative to 1 (m/s^2)^2/Hz.

    Source: Peterson 1993, USGS Open-File Report 93-322, as tabulated by obspy.
    """
    path = files("detente.monitor") / "data" / "noise_models.csv"
    rows = [
        [row.number(c) or 0.0 for c in ("freq_hz", "nlnm_db", "nhnm_db")]
        for row in read_table(path, ("freq_hz", "nlnm_db", "nhnm_db"))
    ]
    table = np.array(rows)
    return table[:, 0], table[:, 1], table[:, 2]


def kind_of_site(station: Station) -> str:
    """How noise is guessed: array, or three components within 50 km of the sea (coast) or not (inland)."""
    if station.kind == "array":
        return "array"
    return "coast" if station.coast_km <= COAST_WITHIN_KM else "inland"


@lru_cache(maxsize=1)
def fractions() -> dict[str, tuple[Float, Float]]:
    """By kind of site: frequency in Hz, and where noise lies from the low (0) to the high (1) model in dB.

    Measured by tools/measure_noise.py on a few public records, see the file; few sites stand for all.
    """
    path = files("detente.monitor") / "data" / "noise_by_site.csv"
    found: dict[str, list[tuple[float, float]]] = {}
    for row in read_table(path, ("kind", "freq_hz", "fraction", "stations", "quality")):
        pair = (row.number("freq_hz") or 0.0, row.number("fraction") or 0.0)
        found.setdefault(row["kind"], []).append(pair)
    tables = {kind: np.array(pairs) for kind, pairs in found.items()}
    return {kind: (table[:, 0], table[:, 1]) for kind, table in tables.items()}


def acceleration_db(station: Station, frequency_hz: Float, spectra: Spectra | None = None) -> Float:
    """Noise power of one sensor at `station`, dB relative to 1 (m/s^2)^2/Hz, at each `frequency_hz`.

    `spectra`: a user's (frequency, dB) by station code, used where it has the station and covers the band.
    Raises DetenteError for a frequency outside the models or the user's spectrum.
    """
    own = (spectra or {}).get(station.code)
    f, low, high = models()
    if own is not None:
        f, low = own
        high = low
    _check_band(frequency_hz, f, station.code if own is not None else "noise models")
    x = np.log(frequency_hz)
    floor, ceiling = np.interp(x, np.log(f), low), np.interp(x, np.log(f), high)
    if own is not None:
        return np.asarray(floor)
    measured, share = fractions()[kind_of_site(station)]
    level: Float = floor + np.interp(x, np.log(measured), share) * (ceiling - floor)
    return level


def _check_band(wanted: Float, known: Float, where: str) -> None:
    if wanted.min() < known.min() or wanted.max() > known.max():
        raise DetenteError(
            f"no noise at {wanted.min():g}-{wanted.max():g} Hz, only {known.min():g}-{known.max():g} Hz",
            where=where,
        )


def octave_rms_nm(level_db: Float, frequency_hz: Float) -> Float:
    """Root-mean-square displacement in nm in an octave about `frequency_hz` of noise at `level_db`."""
    width = frequency_hz * (np.sqrt(2) - 1 / np.sqrt(2))
    metres: Float = np.sqrt(10 ** (level_db / 10) * width) / (2 * np.pi * frequency_hz) ** 2
    return metres * 1e9


def read_spectra(path: Path) -> dict[str, tuple[Float, Float]]:
    """A user's noise spectra from a CSV of station, freq_hz, acc_db (dB relative to 1 (m/s^2)^2/Hz).

    Raises DetenteError for cells that are not numbers, a level that no ground has, or one frequency only.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for row in read_table(path, ("station", "freq_hz", "acc_db")):
        f, level = row.number("freq_hz"), row.number("acc_db")
        if f is None or level is None or f <= 0:
            raise DetenteError("a frequency above 0 and a level are needed", where=row.where)
        if not -220 <= level <= -50:
            raise DetenteError(
                f"{level:g} dB is no ground noise", where=row.where, fix="give dB relative to 1 (m/s^2)^2/Hz"
            )
        found.setdefault(row["station"], []).append((f, level))
    spectra = {}
    for code, pairs in found.items():
        table = np.array(sorted(pairs))
        if len(np.unique(table[:, 0])) != len(table) or len(table) < 2:
            raise DetenteError("two or more different frequencies are needed", where=f"{path.name}: {code}")
        spectra[code] = (table[:, 0], table[:, 1])
    return spectra
