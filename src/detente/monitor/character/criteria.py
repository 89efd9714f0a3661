"""The criteria of screening, each a logarithm of explosion over earthquake likelihood, or no answer and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detente.monitor.bulletin.records import Arrival, Criterion, Event, Magnitude
from detente.monitor.character import separation, shape
from detente.monitor.character.magnitudes import body_wave, unseen
from detente.monitor.character.near import Station
from detente.monitor.character.network_magnitude import log_likelihood
from detente.monitor.character.ratios import ratios, usable

Float = NDArray[np.float64]

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

SIZE_SD: Final = 0.15
"""What P/S may lie off for an event of unknown size: it grows with an explosion's size (Peacock, Bowers and Selby,
EGU2020-2203); how much is assumed."""
DEEP_KM: Final = 10.0
DEEP: Final = -3.0
P_UP_EXPLOSION: Final = 0.85  # a first motion is misread, or the channel reversed, once in seven
MOTION_CAP: Final = (-1.5, 0.6)
COMPLEX_EXPLOSION: Final = (-0.9, 0.35)  # log10 coda over P, recalled
COMPLEX_QUAKE: Final = (-0.4, 0.45)
COMPLEX_CAP: Final = 0.3


def p_over_s(event: Event, near: Sequence[Station]) -> Criterion:
    """Network P/S: the mean over stations at the highest band most of them measured, and the ratio of all."""
    known = {m.station for whole in (*event.magnitudes, *event.limits) for m in whole.stations}
    found = [r for s in near for r in ratios(s, event.origin.time, known=s.path.station in known)]
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
    if blind := [n for n in names if n not in known]:
        why += f"; response not known: {' '.join(blind)}"
    sd = float(np.hypot(separation.EVENT_SD, separation.STATION_SD / np.sqrt(len(values))))
    return Criterion(
        name="P/S",
        value=float(np.mean(values)),
        sd=sd,
        log10_ratio=separation.log10_ratio(found, size_sd=SIZE_SD if unsized(event) else 0.0),
        stations=names,
        why=why,
    )


def unsized(event: Event) -> bool:
    """Has the event no body-wave magnitude, and no limit to one?"""
    return (body_wave(event) or _limit(event, BODY)) is None


def _why_not(near: Sequence[Station]) -> str:
    if not near:
        return "no station of known place recorded P"
    reasons = [
        f"{s.path.station}: {usable(s.path) or 'P or S not above the noise, or the windows not recorded'}"
        for s in near
    ]
    return "; ".join(reasons[:6]) + (f"; and {len(reasons) - 6} more" if len(reasons) > 6 else "")


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


def complexity(near: Sequence[Station]) -> Criterion:
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
