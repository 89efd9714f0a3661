"""The site report: what the network would see of an event at one place, and which stations carry it."""

from __future__ import annotations

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.monitor.capability import FAR, Model, magnitude_at
from detente.monitor.detection import at_least, counts
from detente.monitor.geo import KM_PER_DEG, check_place, distance_azimuth
from detente.monitor.magnitude_yield import law as law_of
from detente.monitor.magnitude_yield import site as named_site
from detente.monitor.threshold import upper_limit
from detente.monitor.tonnage import Coupling, tonnage_marks, tonnes
from detente.monitor.traveltime import TravelTimes

LAW_BY_PROVINCE = {"stable": "semipalatinsk", "tectonic": "nevada"}


class Place(msgspec.Struct, frozen=True):
    """Where the report looks, the magnitude-yield law used there and why, and the rock of a test."""

    name: str
    lat: float
    lon: float
    law: str
    why: str
    rock: str = "granite"


class Listener(msgspec.Struct, frozen=True):
    """One station: distance, azimuth from the site, P time, its 50 % and wanted magnitude, its chance."""

    code: str
    country: str
    kind: str
    distance_deg: float
    distance_km: float
    azimuth_deg: float
    p_time_s: float | None
    magnitude_50: float
    magnitude_wanted: float
    probability: float | None


class Tonnes(msgspec.Struct, frozen=True):
    """A magnitude as yield: low and high over the slope below 1 kt, in tonnes."""

    coupling: str
    low_t: float
    high_t: float


class Level(msgspec.Struct, frozen=True):
    """Detection by at least k stations: magnitude at the wanted probability, the same in tonnes."""

    k: int
    magnitude: float | None
    tonnes: tuple[Tonnes, ...]
    probability: float | None  # of the magnitude asked about


class SiteReport(msgspec.Struct, frozen=True):
    """Everything `detente site` shows."""

    place: Place
    wanted: float
    stations: int
    levels: tuple[Level, ...]
    monitoring_limit: float  # threshold monitoring: expected upper limit at ordinary noise
    asked_magnitude: float | None
    expected_detections: float | None
    listeners: tuple[Listener, ...]
    out: tuple[str, ...]
    marks: tuple[str, ...]


def find_place(where: str, *, law: str = "") -> Place:
    """A named test site, or ``lat,lon`` in degrees. Raises DetenteError for neither, or an unknown law."""
    parts = where.split(",")
    if len(parts) == 2:
        try:
            lat, lon = float(parts[0]), float(parts[1])
        except ValueError:
            raise DetenteError(f"'{where}' is not a place", fix="write lat,lon in degrees") from None
        check_place(lat, lon, where=where)
        chosen = law or "semipalatinsk"
        why = "asked for" if law else "assumed: stable hard rock; --law chooses another"
        return Place(f"{lat:g},{lon:g}", lat, lon, law_of(chosen).name, why)
    site = named_site(where)
    chosen = law or LAW_BY_PROVINCE[site.province]
    why = "asked for" if law else f"{site.province} upper mantle"
    return Place(site.name, site.lat, site.lon, law_of(chosen).name, why, site.medium)


def site_report(
    model: Model,
    place: Place,
    couplings: tuple[Coupling, ...],
    *,
    magnitude: float | None = None,
    out: tuple[str, ...] = (),
    earth: str = "ak135",
) -> SiteReport:
    """The capability of a network at one place.

    Parameters: `couplings` to express magnitudes in tonnes; `magnitude` (mb) whose chances to give; `out`:
    stations and countries left out of `model`, for the record.
    """
    if magnitude is not None and not -2 <= magnitude <= 8:
        raise DetenteError(f"magnitude {magnitude:g}", fix="give mb between -2 and 8")
    t = model.thresholds(place.lat, place.lon)
    p = None if magnitude is None else model.probabilities(place.lat, place.lon, magnitude)
    levels = []
    for k in (1, 2, 3):
        m = magnitude_at(t, k, model.settings)
        pairs = () if m is None else tuple(_tonnes(m, c, place.law) for c in couplings)
        levels.append(Level(k, m, pairs, None if p is None else at_least(k, p)))
    largest = max((x.high_t for level in levels for x in level.tonnes), default=0.0)
    noise = np.where(t < FAR, t - np.log10(model.settings.snr), np.nan)
    return SiteReport(
        place,
        model.settings.probability,
        len(model.stations),
        tuple(levels),
        float(upper_limit(noise, model.settings.sd)),
        magnitude,
        None if p is None else float(counts(p) @ np.arange(len(p) + 1)),
        _listeners(model, place, t, p, earth),
        out,
        (*model.marks, *tonnage_marks(place.law, largest)),
    )


def _tonnes(magnitude: float, coupling: Coupling, law: str) -> Tonnes:
    low, high = tonnes(magnitude, coupling, law)
    return Tonnes(coupling.name, float(low), float(high))


def _listeners(
    model: Model, place: Place, t: np.ndarray, p: np.ndarray | None, earth: str
) -> tuple[Listener, ...]:
    """Every station that can see the place, best first."""
    from scipy.special import ndtri

    lat, lon = [s.lat for s in model.stations], [s.lon for s in model.stations]
    degrees, azimuth, _ = distance_azimuth(place.lat, place.lon, lat, lon)
    arrival = TravelTimes(earth).time("P", degrees, 0.0)
    reach = float(ndtri(model.settings.probability)) * model.settings.sd
    return tuple(
        Listener(
            model.stations[i].code,
            model.stations[i].country,
            model.stations[i].kind,
            float(degrees[i]),
            float(degrees[i] * KM_PER_DEG),
            float(azimuth[i]),
            float(arrival[i]) if np.isfinite(arrival[i]) else None,
            float(t[i]),
            float(t[i] + reach),
            None if p is None else float(p[i]),
        )
        for i in np.argsort(t, kind="stable")
        if t[i] < FAR
    )
