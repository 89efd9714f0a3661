"""Screening: each criterion as a likelihood ratio, together a probability of an explosion, or no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Criterion, Event, Screened, Screening
from detente.monitor.character import separation
from detente.monitor.character.criteria import complexity, depth, motion, ms_mb, p_over_s, unsized
from detente.monitor.character.magnitudes import body_wave
from detente.monitor.character.near import Station, stations
from detente.monitor.character.ratios import Ratio, ratios
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.waves.trace import Array, Recording

Float = NDArray[np.float64]

PRIOR: Final = 0.5
SURE: Final = 0.9
"""At or above it the event is explosion-like, at or below its complement it is not."""

NEIGHBOUR_KM: Final = 20.0
NEIGHBOUR_UNITS: Final = 1.0
"""P/S grows with an explosion's size (Peacock, Bowers and Selby, EGU2020-2203): only events of like size compare."""


class Neighbour(msgspec.Struct, frozen=True):
    """An event already screened, with its ratios: the measure for others of the same place."""

    event: Event
    ratios: tuple[Ratio, ...]


def screen(
    event: Event,
    recording: Recording,
    arrays: Mapping[str, Array],
    *,
    arrivals: Sequence[Arrival] = (),
    prior: float = PRIOR,
    neighbours: Sequence[Neighbour] = (),
) -> Event:
    """The event with its screening; measure magnitudes first, they are half of it.

    Parameters: `prior`: probability of an explosion before any record; `neighbours`: events of this run already
    screened. Raises DetenteError for a prior outside 0 to 1.
    """
    if not 0 < prior < 1:
        raise DetenteError(f"a prior of {prior:g}", fix="give a probability between 0 and 1")
    near = stations(event, recording, arrays)
    criteria = (
        p_over_s(event, near),
        *_beside(event, near, neighbours),
        ms_mb(event),
        depth(event),
        motion(near, arrivals),
        complexity(near),
    )
    return msgspec.structs.replace(event, screening=combine(criteria, prior, sized=not unsized(event)))


def measured(event: Event, recording: Recording, arrays: Mapping[str, Array]) -> tuple[Ratio, ...]:
    """All P/S ratios of an event: by station, by band."""
    near = stations(event, recording, arrays)
    return tuple(r for s in near for r in ratios(s, event.origin.time))


def combine(criteria: Sequence[Criterion], prior: float, *, sized: bool = True) -> Screening:
    """The criteria's likelihood ratios times the prior odds; they are taken as independent.

    Only P/S, Ms:mb and depth can screen; the others only add to them. An event without a size (`sized`: a body-wave
    magnitude, or a limit to it) may be told not to be an explosion, never to be one: a collapse has an explosion's P/S
    and shows by its surface waves alone, and the populations are those of events large enough to have a magnitude.
    """
    kept = [c for c in criteria if c.value is not None]
    strong = [
        c for c in kept if c.name in ("P/S", "P/S beside a neighbour", "Ms:mb", "depth") and c.log10_ratio
    ]
    if not strong:
        why = "cannot be screened: " + "; ".join(c.why for c in criteria if c.value is None and c.why)
        return Screening(
            verdict="cannot be screened", p_explosion=None, prior=prior, criteria=tuple(criteria), why=why
        )
    total = float(np.log10(prior / (1 - prior)) + sum(c.log10_ratio for c in kept))
    p = float(1 / (1 + 10**-total))
    said = ", ".join(f"{c.name} {c.log10_ratio:+.2f}" for c in kept)
    why = f"log10 of explosion over earthquake: {said}; prior {prior:g}"
    signs = {np.sign(c.log10_ratio) for c in strong if abs(c.log10_ratio) >= 0.5}
    if len(signs) > 1:
        why = f"its criteria contradict each other; {why}"
    verdict = _verdict(p, kept)
    if verdict == "explosion-like" and not sized:
        verdict = "cannot be screened"
        why = f"no magnitude: what has an explosion's P/S may be a collapse, or small; {why}"
    elif verdict == "cannot be screened":
        why = f"ambiguous: neither kind reaches {SURE:g}; {why}"
    return Screening(verdict=verdict, p_explosion=p, prior=prior, criteria=tuple(criteria), why=why)


def _verdict(p: float, criteria: Sequence[Criterion]) -> Screened:
    if p >= SURE:
        return "explosion-like"
    if p > 1 - SURE:
        return "cannot be screened"
    by_name = {c.name: c.log10_ratio for c in criteria}
    shape_of_quake = by_name.get("P/S", 0.0) < 0 or by_name.get("depth", 0.0) < 0
    return "earthquake-like" if shape_of_quake else "not an explosion"


def _beside(event: Event, near: Sequence[Station], neighbours: Sequence[Neighbour]) -> tuple[Criterion, ...]:
    found = [r for s in near for r in ratios(s, event.origin.time)]
    best: Criterion | None = None
    for other in neighbours:
        told = other.event.screening
        if told is None or told.p_explosion is None or not _comparable(event, other.event):
            continue
        value = separation.beside(found, other.ratios, told.p_explosion)
        if value is None or (best is not None and abs(value) <= abs(best.log10_ratio)):
            continue
        difference = _mean_difference(found, other.ratios)
        best = Criterion(
            name="P/S beside a neighbour",
            value=difference,
            sd=float(np.sqrt(2) * separation.EVENT_SD),
            log10_ratio=value,
            stations=tuple(sorted({r.station for r in found})),
            why=f"beside {other.event.id} ({told.verdict}, p {told.p_explosion:.2f}) on the same paths",
        )
    return (best,) if best is not None else ()


def _comparable(a: Event, b: Event) -> bool:
    degrees, _, _ = distance_azimuth(a.origin.lat, a.origin.lon, b.origin.lat, b.origin.lon)
    sizes = [m.value for m in (body_wave(a), body_wave(b)) if m is not None]
    if len(sizes) < 2 or abs(sizes[0] - sizes[1]) > NEIGHBOUR_UNITS:
        return False
    reach = NEIGHBOUR_KM + sum(min(e.origin.semi_major_km or 0.0, 30.0) for e in (a, b))
    return float(degrees) * KM_PER_DEG <= reach


def _mean_difference(ours: Sequence[Ratio], theirs: Sequence[Ratio]) -> float:
    other = {(r.station, r.band): r.raw for r in theirs}
    both = [r.raw - other[r.station, r.band] for r in ours if (r.station, r.band) in other]
    return float(np.mean(both)) if both else 0.0
