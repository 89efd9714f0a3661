"""Detection capability: which magnitude the network would have seen, at a place or over a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.errors import DetenteError
from detente.monitor import amplitude_regional as regional
from detente.monitor import amplitude_veith_clawson as teleseismic
from detente.monitor.arraygain import array_gain
from detente.monitor.geo import KM_PER_DEG, check_place, unit_vectors
from detente.monitor.noise import NOISE_NOTE, Spectra, acceleration_db, octave_rms_nm
from detente.monitor.stations import Station

Float = NDArray[np.float64]

STEP_DEG = 0.25
ARCS_DEG: Float = np.linspace(0.0, 100.0, 401)
TELESEISMIC_HZ: Float = np.array([1.0, 1.5, 2.0, 3.0, 4.0])
REGIONAL_HZ: Float = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0])
FAR = 99.0  # no station, no distance: as the kernel has it


class Settings(msgspec.Struct, frozen=True):
    """What counts as a detection.

    `snr`: zero-to-peak signal over root-mean-square noise in the best octave of the beam; `signal_sd`,
    `noise_sd`: scatter of log10 amplitude from station to station and of noise in time; `probability` wanted;
    `available`: the chance that a station sends at all, each on its own (1: none fails; no figure was found).
    Source: formulas and ranges of NetSim and NetMOD (Sereno 1990; Merchant 2015), middle of each range.
    """

    snr: float = 3.5
    signal_sd: float = 0.30
    noise_sd: float = 0.15
    probability: float = 0.90
    available: float = 1.0

    def __post_init__(self) -> None:
        if not (
            self.snr > 0
            and self.signal_sd > 0
            and self.noise_sd >= 0
            and 0 < self.probability < 1
            and 0 < self.available <= 1
        ):
            raise DetenteError(
                "detection settings need snr > 0, scatter > 0, a probability between 0 and 1 and an"
                " availability above 0 and at most 1",
                where=f"snr {self.snr:g}, sd {self.signal_sd:g}/{self.noise_sd:g}, p {self.probability:g},"
                f" availability {self.available:g}",
            )

    @property
    def sd(self) -> float:
        return float(np.hypot(self.signal_sd, self.noise_sd))


class Model(msgspec.Struct, frozen=True, eq=False):
    """A network made ready: each station's 50 % magnitude by law (0 teleseismic, 1 Central Asia) and arc."""

    stations: tuple[Station, ...]
    settings: Settings
    places: Float
    in_region: NDArray[np.bool_]
    table: Float
    marks: tuple[str, ...]

    @classmethod
    def build(
        cls, stations: Sequence[Station], settings: Settings | None = None, spectra: Spectra | None = None
    ) -> Model:
        """From the stations that listen, detection settings and, if known, their noise spectra.

        Raises DetenteError for no station, or spectra of a station that is not in the network.
        """
        if not stations:
            raise DetenteError("no station listens", fix="name fewer outages")
        unknown = sorted(set(spectra or {}) - {s.code for s in stations})
        if unknown:
            raise DetenteError(f"noise for '{unknown[0]}', which is not in the network")
        chosen = settings or Settings()
        lat, lon = np.array([s.lat for s in stations]), np.array([s.lon for s in stations])
        table = np.array(
            [
                [_threshold_curve(s, chosen.snr, spectra, central_asia=law) for s in stations]
                for law in (False, True)
            ]
        )
        marks = [
            "Pn spreading and Q recalled (Sereno et al. 1988); used only inside Central Asia, to 1300 km",
            "P elsewhere: Veith and Clawson's world average, its fall with frequency measured on stable paths",
        ]
        if any(s.code not in (spectra or {}) for s in stations):
            marks.insert(0, NOISE_NOTE)
        rounded = [s.code for s in stations if s.coordinate_sd_km > 1]
        if rounded:
            marks.append(f"coordinates rounded or by proxy: {', '.join(rounded)}")
        return cls(
            tuple(stations), chosen, unit_vectors(lat, lon), regional.in_region(lat, lon), table, tuple(marks)
        )

    def thresholds(self, lat: float, lon: float) -> Float:
        """Each station's 50 % magnitude for a source at the place; 99 where it cannot see it."""
        check_place(lat, lon)
        from detente.monitor import _capability_kernel as kernel

        out = np.empty(len(self.stations))
        kernel.thresholds(
            unit_vectors(lat, lon),
            bool(regional.in_region(lat, lon)),
            self.places,
            self.in_region,
            self.table,
            STEP_DEG,
            out,
        )
        return out

    def magnitude(self, lat: float, lon: float, k: int) -> float | None:
        """The magnitude that at least k (1 to 3) stations detect as wanted; None if none can."""
        return magnitude_at(self.thresholds(lat, lon), k, self.settings)

    def probabilities(self, lat: float, lon: float, magnitude: ArrayLike) -> Float:
        """Each station's probability to detect `magnitude` at the place: (..., station)."""
        from scipy.special import ndtr

        m = np.asarray(magnitude, float)[..., None]
        chance: Float = self.settings.available * ndtr((m - self.thresholds(lat, lon)) / self.settings.sd)
        return chance


def magnitude_at(thresholds: Float, k: int, settings: Settings) -> float | None:
    """The magnitude that at least k (1 to 3) stations with these 50 % magnitudes detect; None if none can."""
    from detente.monitor import _capability_kernel as kernel

    if k not in (1, 2, 3):
        raise DetenteError(f"detection by {k} stations is not computed", fix="choose k of 1, 2 or 3")
    found = kernel.solve(k, settings.probability, np.sort(thresholds), settings.sd, settings.available)
    return None if found >= FAR else float(found)


def _threshold_curve(station: Station, snr: float, spectra: Spectra | None, *, central_asia: bool) -> Float:
    """The 50 % magnitude of one station at every arc of ARCS_DEG, in its best octave."""
    floor = noise_floor(station, TELESEISMIC_HZ, spectra)
    signal = teleseismic.log_amplitude(0.0, ARCS_DEG[:, None], TELESEISMIC_HZ, extrapolate=True)
    curve: Float = np.min(np.log10(snr * floor) - signal, axis=1)
    if central_asia:
        km = np.maximum(ARCS_DEG * KM_PER_DEG, 200.0)  # nearer than the law begins: as loud as there
        near = km <= 1300.0
        floor = noise_floor(station, REGIONAL_HZ, spectra)
        signal = regional.PN.log_amplitude(0.0, km[near, None] / KM_PER_DEG, REGIONAL_HZ)
        curve[near] = np.min(np.log10(snr * floor) - signal, axis=1)
    return curve


def noise_floor(station: Station, frequency_hz: Float, spectra: Spectra | None = None) -> Float:
    """Root-mean-square noise in nm on the station's beam, in octaves about each frequency."""
    one = octave_rms_nm(acceleration_db(station, frequency_hz, spectra), frequency_hz)
    beam: Float = one / array_gain(station, frequency_hz)
    return beam


class CapabilityMap(msgspec.Struct, frozen=True, eq=False):
    """`magnitude` (k, lat, lon): at least k = 1, 2, 3 stations detect it as wanted; NaN where none can."""

    lat: Float
    lon: Float
    magnitude: Float
    settings: Settings
    stations: tuple[str, ...]
    marks: tuple[str, ...]


def capability_map(
    model: Model,
    *,
    region: tuple[float, float, float, float] = (-90.0, 90.0, -180.0, 180.0),
    step_deg: float = 1.0,
    client: Any = None,
) -> CapabilityMap:
    """The network's magnitudes over a grid of cell centres.

    Parameters: `region`: south, north, west, east in degrees; `step_deg` of the cells; `client`: a dask
    distributed client, whose workers then share the rows with the same result.
    Raises DetenteError for a region without area or a step that gives no or over 4 million cells.
    """
    south, north, west, east = region
    check_place((south, north), (west, east))
    if not (south < north and west < east and step_deg > 0):
        raise DetenteError(
            f"region {region} with step {step_deg:g} has no cell", fix="give S N W E, S < N, W < E"
        )
    lat = np.arange(south + step_deg / 2, north, step_deg)
    lon = np.arange(west + step_deg / 2, east, step_deg)
    if lat.size * lon.size > 4_000_000 or not lat.size * lon.size:
        raise DetenteError(f"{lat.size * lon.size} cells at {step_deg:g} degrees", fix="change the step")
    if client is None:
        found = _rows(model, lat, lon)
    else:
        shared = client.scatter(model, broadcast=True)
        parts = np.array_split(lat, min(lat.size, 4 * max(1, len(client.nthreads()))))
        found = np.concatenate(client.gather(client.map(_rows, [shared] * len(parts), parts, lon=lon)))
    return CapabilityMap(
        lat,
        lon,
        np.moveaxis(found, -1, 0),
        model.settings,
        tuple(s.code for s in model.stations),
        model.marks,
    )


def _rows(model: Model, lat: Float, lon: Float) -> Float:
    """(lat, lon, k) magnitudes."""
    from detente.monitor import _capability_kernel as kernel

    y, x = np.meshgrid(lat, lon, indexing="ij")
    points = unit_vectors(y.ravel(), x.ravel())
    out = np.empty((points.shape[0], 3))
    kernel.solve_map(
        points,
        regional.in_region(y, x).ravel(),
        model.places,
        model.in_region,
        model.table,
        STEP_DEG,
        model.settings.sd,
        model.settings.probability,
        model.settings.available,
        out,
    )
    out[out >= FAR] = np.nan
    return out.reshape(*y.shape, 3)
