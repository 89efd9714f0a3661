"""Later events at the place of one already found: what a small event behind a large one can be told by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.chain.refine import MODEL_S
from detente.monitor.character.paths import Path, path
from detente.monitor.waves.trace import Array

LEAST_SNR: Final = 8.0
SUPPORT_SNR: Final = 5.0
CHANCE: Final = 0.02
"""Most that the agreement may owe to chance, over all candidates tried: one false event behind fifty loud ones."""
WELL_PLACED_KM: Final = 80.0
FAR_KM: Final = 1000.0
APART_S: Final = 180.0
SPAN_S: Final = 600.0
WINDOW_S: Final = {"P": 3.0, "S": 4.0, "Lg": 5.0}
NEAR_KM: Final = 20.0
"""How far from the first event's place the later one is allowed for: added to its ellipse."""


def later_events(
    events: Sequence[Event], arrivals: Sequence[Arrival], arrays: Mapping[str, Array]
) -> list[Event]:
    """The events, with those added that follow a well placed one at its place, and those dropped that they explain.

    Each strong later first arrival is tried as P of a second event there; P, S and Lg of all stations within
    1000 km that then agree are counted against the number that their rates make by chance (Poisson). Accepted at
    0.02 over all tries. The place is borrowed, and said to be. An event of the associator that takes two of the same
    arrivals, or one and is known worse than to 500 km, is dropped for it.
    """
    found = list(events)
    for first in events:
        if (first.origin.semi_major_km or 1e9) > WELL_PLACED_KM:
            continue
        one = _after(first, arrivals, arrays)
        if one is not None:
            mine = {u.arrival for u in one.origin.used}
            found = [e for e in found if e.id == first.id or not _rival(e, mine)]
            found.append(one)
    return sorted(found, key=lambda e: (e.origin.time, e.id))


def _rival(event: Event, mine: set[str]) -> bool:
    """Does an event of the associator live on the same arrivals: two of them, or one and no place to speak of?"""
    shared = len(mine & {u.arrival for u in event.origin.used})
    return shared >= 2 or (shared == 1 and (event.origin.semi_major_km or 0.0) > 500)


def _after(first: Event, arrivals: Sequence[Arrival], arrays: Mapping[str, Array]) -> Event | None:
    ways = {c: path(first.origin, a) for c, a in arrays.items()}
    near = {c: w for c, w in ways.items() if w.distance_km <= FAR_KM and np.isfinite(w.p_s)}
    placed = {u.arrival for u in first.origin.used}
    free = [a for a in arrivals if a.station in near and a.id not in placed]
    after = {a.id: a.time - first.origin.time - near[a.station].p_s for a in free}
    late = [a for a in free if APART_S < after[a.id] <= APART_S + SPAN_S]
    tries = [a for a in late if (a.snr or 0.0) >= LEAST_SNR]
    best: tuple[float, float, list[Used]] | None = None
    for a in tries:
        zero = a.time - near[a.station].p_s
        used, expected = support(zero, [b for b in late if (b.snr or 0.0) >= SUPPORT_SNR], near)
        chance = len(tries) * at_least(len(used) - 1, expected)  # the one tried agrees by construction
        if len({u.station for u in used}) >= 2 and chance < CHANCE and (best is None or chance < best[0]):
            best = (chance, zero, used)
    return None if best is None else _event(first, *best)


def support(zero: float, arrivals: Sequence[Arrival], near: Mapping[str, Path]) -> tuple[list[Used], float]:
    """The arrivals that agree with an event at `zero` (s UTC), one a phase and station, and how many chance makes."""
    used: list[Used] = []
    expected = 0.0
    for code, way in near.items():
        own = [a for a in arrivals if a.station == code]
        times = {"P": way.p_s, "S": way.s_s, "Lg": way.distance_km / 3.5}
        mine: dict[str, Used] = {}
        for phase, travel in times.items():
            close = [a for a in own if a.id not in mine and abs(a.time - zero - travel) <= WINDOW_S[phase]]
            if close:
                a = min(close, key=lambda a: abs(a.time - zero - travel))
                mine[a.id] = _used(a, phase, way, a.time - zero - travel)
        used += mine.values()
        # a station's rate without what agrees, and half an arrival for one that was silent
        rate = (len(own) - len(mine) + 0.5) / SPAN_S
        expected += sum(2 * WINDOW_S[p] * rate for p, t in times.items() if np.isfinite(t))
    return used, expected


def _used(a: Arrival, phase: str, way: Path, residual: float) -> Used:
    name = {"P": "Pn" if way.distance_deg > 1.5 else "P", "S": "Sn" if way.distance_deg > 1.5 else "S"}
    return Used(
        arrival=a.id, station=a.station, phase=name.get(phase, phase), distance_deg=way.distance_deg,
        azimuth_deg=way.azimuth_deg, time_residual_s=residual, defining="T" if phase == "P" else "",
    )  # fmt: skip


def at_least(n: int, expected: float) -> float:
    """P(n or more | Poisson with this mean)."""
    from scipy.special import gammainc

    return float(gammainc(n, expected)) if n > 0 else 1.0


def _event(first: Event, chance: float, zero: float, used: list[Used]) -> Event:
    o = first.origin
    firsts = [u for u in used if u.defining]
    shift = float(np.median([u.time_residual_s or 0.0 for u in firsts])) if firsts else 0.0
    used = [msgspec.structs.replace(u, time_residual_s=(u.time_residual_s or 0.0) - shift) for u in used]
    origin = Origin(
        id=f"{o.id}-later",
        time=zero + shift,
        lat=o.lat,
        lon=o.lon,
        time_sd=float(np.hypot(o.time_sd, MODEL_S)),
        depth_km=0.0,
        semi_major_km=(o.semi_major_km or 0.0) + NEAR_KM,
        semi_minor_km=(o.semi_minor_km or 0.0) + NEAR_KM,
        strike_deg=o.strike_deg,
        confidence=o.confidence,
        model=o.model,
        used=tuple(used),
        method=f"at the place of {first.id}: {len(used)} arrivals agree, by chance {chance:.1g}; the place is borrowed",
        why={"chance": chance, "arrivals": float(len(used))},
    )
    return Event(id=f"{first.id}-later", origins=(origin,))
