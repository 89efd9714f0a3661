"""Screening: each criterion as a likelihood ratio, together a probability of an explosion, or no answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Criterion, Event, Magnitude, Screened, Screening
from detente.monitor.character import separation, shape
from detente.monitor.character.magnitudes import Station, body_wave, stations, unseen
from detente.monitor.character.network_magnitude import log_likelihood
from detente.monitor.character.ratios import Ratio, ratios, usable
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.waves.trace import Array, Recording

Float = NDArray[np.float64]

PRIOR: Final = 0.5
SURE: Final = 0.9
"""At or above it the event is explosion-like, at or below its complement it is not."""

# Ms - mb of shallow earthquakes and of explosions. Explosions: 1.9 below mb at Semipalatinsk, Lop Nor and the
# Soviet peaceful shots (explosions.csv), 0.9 to 1.1 in the DPRK (Bonner and others 2008, Selby and others 2012);
# the middle, wide enough for both. Quakes: recalled. The two cross near Ms = mb - 0.7; Selby, Marshall and Bowers
# 2012 (BSSA 102(1) 136, recalled) screen at Ms = mb - 0.64.
MS_MB_EXPLOSION: Final = (-1.4, 0.5)
MS_MB_QUAKE: Final = (-0.1, 0.4)
MS_MB_CAP: Final = 2.0
BODY: Final = ("mb", "mb(Pn)")
SURFACE: Final = ("Ms", "Ms(VMAX)")
LINES: Final = {"IDC before 2012": (1.25, -2.20), "Selby, Marshall and Bowers 2012": (1.0, -0.64)}
"""Ms = slope mb + constant: an event above it is screened out as an earthquake. Both recalled."""

DEEP_KM: Final = 10.0
DEEP: Final = -3.0
P_UP_EXPLOSION: Final = 0.85  # a first motion is misread, or the channel reversed, once in seven
MOTION_CAP: Final = (-1.5, 0.6)
COMPLEX_EXPLOSION: Final = (-0.9, 0.35)  # log10 coda over P, recalled
COMPLEX_QUAKE: Final = (-0.4, 0.45)
COMPLEX_CAP: Final = 0.3
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
        _complexity(near),
    )
    return msgspec.structs.replace(event, screening=combine(criteria, prior))


def measured(event: Event, recording: Recording, arrays: Mapping[str, Array]) -> tuple[Ratio, ...]:
    """All P/S ratios of an event: by station, by band."""
    near = stations(event, recording, arrays)
    return tuple(r for s in near for r in ratios(s, event.origin.time))


def combine(criteria: Sequence[Criterion], prior: float) -> Screening:
    """The criteria's likelihood ratios times the prior odds; they are taken as independent.

    Only P/S, Ms:mb and depth can screen; the others only add to them.
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
    if verdict == "cannot be screened":
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


def p_over_s(event: Event, near: Sequence[Station]) -> Criterion:
    """Network P/S: the mean over stations at the highest band most of them measured, and the ratio of all."""
    found = [r for s in near for r in ratios(s, event.origin.time)]
    if not found:
        return Criterion(name="P/S", value=None, why=f"no P/S: {_why_not(near)}")
    names = tuple(sorted({r.station for r in found}))
    bands = sorted({r.band for r in found})
    top = max(bands, key=lambda b: (sum(r.band == b and not r.at_least for r in found) * 2 > len(names), b))
    values = [r.value for r in found if r.band == top]
    means = separation.gap(top)
    why = (
        f"mean of {len(values)} at {top[0]:g}-{top[1]:g} Hz brought to 300 km; quakes {means.quake:+.2f},"
        f" explosions {means.explosion:+.2f}; {len(found)} ratios, {sum(r.at_least for r in found)} of them bounds"
    )
    sd = float(np.hypot(separation.EVENT_SD, separation.STATION_SD / np.sqrt(len(values))))
    return Criterion(
        name="P/S",
        value=float(np.mean(values)),
        sd=sd,
        log10_ratio=separation.log10_ratio(found),
        stations=names,
        why=why,
    )


def _why_not(near: Sequence[Station]) -> str:
    if not near:
        return "no station of known place recorded P"
    reasons = [
        f"{s.path.station}: {usable(s.path) or 'P or S not above the noise, or the windows not recorded'}"
        for s in near
    ]
    return "; ".join(reasons[:6]) + (f"; and {len(reasons) - 6} more" if len(reasons) > 6 else "")


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


def ms_mb(event: Event) -> Criterion:
    """Ms less mb against both populations; what no station saw counts by its limits."""
    mb, ms = body_wave(event) or _limit(event, BODY), _kind(event, SURFACE) or _limit(event, SURFACE)
    if mb is None or ms is None or (unseen(mb) and unseen(ms)):
        missing = [name for name, m in (("mb", mb), ("Ms", ms)) if m is None or unseen(m)]
        return Criterion(name="Ms:mb", value=None, why=f"no Ms:mb: no {' and no '.join(missing)}")
    told = [f"{m.kind} {'<' if unseen(m) else ''}{m.value:.2f}" for m in (ms, mb)]
    lines = [
        f"{name}: {'above' if ms.value > a * mb.value + b else 'below'} the line (recalled)"
        for name, (a, b) in LINES.items()
        if not (unseen(mb) or unseen(ms))
    ]
    return Criterion(
        name="Ms:mb",
        value=ms.value - mb.value,
        sd=float(np.hypot(ms.sd, mb.sd)),
        log10_ratio=_ms_mb_ratio(ms, mb),
        stations=tuple(s.station for s in ms.stations if not s.limit),
        why="; ".join([", ".join(told), *lines]),
    )


def _kind(event: Event, kinds: Sequence[str]) -> Magnitude | None:
    return next((m for k in kinds for m in event.magnitudes if m.kind == k), None)


def _limit(event: Event, kinds: Sequence[str]) -> Magnitude | None:
    return min((m for m in event.limits if m.kind in kinds), key=lambda m: m.value, default=None)


def _ms_mb_ratio(ms: Magnitude, mb: Magnitude) -> float:
    """Both magnitudes' likelihoods, limits included, under each population's Ms - mb; flat prior in mb."""
    grid = np.arange(0.0, 8.0, 0.05)
    weight_ms, weight_mb = (_spread(grid, m) for m in (ms, mb))
    difference = grid[:, None] - grid[None, :]
    joint = weight_ms[:, None] * weight_mb[None, :]

    def likelihood(population: tuple[float, float]) -> float:
        density = np.exp(-0.5 * ((difference - population[0]) / population[1]) ** 2) / population[1]
        return float(np.sum(joint * density))

    ratio = np.log10(max(likelihood(MS_MB_EXPLOSION), 1e-30) / max(likelihood(MS_MB_QUAKE), 1e-30))
    return float(np.clip(ratio, -MS_MB_CAP, MS_MB_CAP))


def _spread(grid: Float, magnitude: Magnitude) -> Float:
    """A network magnitude's likelihood on a grid: a Gaussian if it was measured, its stations' limits if not."""
    if not unseen(magnitude):
        return np.asarray(np.exp(-0.5 * ((grid - magnitude.value) / magnitude.sd) ** 2))
    log = log_likelihood(grid, magnitude.stations)
    return np.asarray(np.exp(log - log.max()))


def depth(event: Event) -> Criterion:
    """Deeper than 10 km with the origin's confidence: no explosion (the IDC's depth criterion, recalled)."""
    origin = event.origin
    if origin.depth != "free" or origin.depth_low_km is None:
        return Criterion(name="depth", value=None, why="depth not determined")
    deep = origin.depth_low_km > DEEP_KM
    return Criterion(
        name="depth",
        value=origin.depth_km,
        log10_ratio=DEEP if deep else 0.0,
        why=f"{origin.depth_low_km:.0f} to {origin.depth_high_km or 0:.0f} km at {100 * origin.confidence:.0f} %:"
        + (" deeper than any hole" if deep else " does not exclude the surface"),
    )


def motion(near: Sequence[Station], arrivals: Sequence[Arrival] = ()) -> Criterion:
    """First motions of P: of an explosion all are up; capped, for one reversed channel can be many stations' wiring."""
    picked = {a.id: a.polarity for a in arrivals if a.polarity}
    read: dict[str, str] = {}
    for s in near:
        told = picked.get(s.arrival, "") or next(
            (m for t in s.verticals if s.arrival and (m := shape.first_motion(t, s.p_time))), ""
        )
        if told:
            read[s.path.station] = told
    if not read:
        return Criterion(name="first motion", value=None, why="no first motion stands clear of the noise")
    up = sum(v == "up" for v in read.values())
    down = len(read) - up
    ratio = (up * np.log10(P_UP_EXPLOSION / 0.5)) + down * np.log10((1 - P_UP_EXPLOSION) / 0.5)
    return Criterion(
        name="first motion",
        value=up / len(read),
        log10_ratio=float(np.clip(ratio, *MOTION_CAP)),
        stations=tuple(sorted(read)),
        why=f"{up} up, {down} down"
        + (f" ({', '.join(sorted(k for k, v in read.items() if v == 'down'))})" if down else ""),
    )


def _complexity(near: Sequence[Station]) -> Criterion:
    far = [s for s in near if 30 <= s.path.distance_deg <= 90 and s.arrival]
    values = [c for s in far for t in s.verticals[:1] if (c := shape.complexity(t, s.p_time)) is not None]
    if not values:
        return Criterion(name="complexity", value=None, why="no clear P between 30 and 90 degrees")
    x = float(np.mean(values))

    def log_density(population: tuple[float, float]) -> float:
        return float(-0.5 * ((x - population[0]) / population[1]) ** 2 - np.log(population[1]))

    ratio = (log_density(COMPLEX_EXPLOSION) - log_density(COMPLEX_QUAKE)) / np.log(10)
    return Criterion(
        name="complexity",
        value=x,
        sd=float(np.std(values) / np.sqrt(len(values))) if len(values) > 1 else None,
        log10_ratio=float(np.clip(ratio, -COMPLEX_CAP, COMPLEX_CAP)),
        stations=tuple(s.path.station for s in far),
        why="log10 of coda over P; populations recalled, so it is let say little",
    )
