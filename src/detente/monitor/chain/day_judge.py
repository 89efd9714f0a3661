"""How events listed answer to a made-up day: recall, precision, errors, how often an ellipse holds the truth."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from detente.monitor.bulletin.records import Event, Origin
from detente.monitor.chain.day import Day
from detente.monitor.geo import KM_PER_DEG, distance_azimuth


class Judgement(msgspec.Struct, frozen=True):
    """How a list of events answers to the truth: counts, shares, and errors of the events that are real."""

    planted: int
    with_four_p: int
    found_of_four_p: int
    events: int
    real: int
    median_error_km: float
    error_90_km: float
    in_ellipse: float

    @property
    def recall(self) -> float:
        """Share of events with four or more first P that were found."""
        return self.found_of_four_p / max(1, self.with_four_p)

    @property
    def precision(self) -> float:
        """Share of the events listed that are real."""
        return self.real / max(1, self.events)


def judge(day: Day, events: Sequence[Event], *, degrees: float = 5.0, seconds: float = 50.0) -> Judgement:
    """One to one, an event is real if within 5 degrees and 50 s of a planted one and half its arrivals are its.

    The distances are those by which NET-VISA was judged (Arora, Russell and Sudderth 2013, BSSA 103, 709).
    """
    owner = {a: n for n, t in enumerate(day.truth) for a in t.arrivals}
    taken: dict[int, tuple[float, Event]] = {}
    for event in sorted(events, key=lambda e: -(e.score or 0.0)):
        votes: dict[int, int] = {}
        for u in event.origin.used:
            n = owner.get(u.arrival, -1)
            votes[n] = votes.get(n, 0) + 1
        n = max(votes, key=lambda k: (votes[k], -k)) if votes else -1
        if n < 0 or n in taken or votes[n] * 2 < len(event.origin.used):
            continue
        source, o = day.truth[n].source, event.origin
        apart = float(distance_azimuth(source.lat, source.lon, o.lat, o.lon)[0])
        if apart <= degrees and abs(o.time - day.start - source.time) <= seconds:
            taken[n] = (apart * KM_PER_DEG, event)
    four = {n for n, t in enumerate(day.truth) if t.first_p >= 4}
    errors = np.array([e for e, _ in taken.values()]) if taken else np.array([np.nan])
    inside = [
        inside_ellipse(e.origin, day.truth[n].source.lat, day.truth[n].source.lon)
        for n, (_, e) in taken.items()
    ]
    return Judgement(
        len(day.truth), len(four), len(four & set(taken)), len(events), len(taken), float(np.median(errors)),
        float(np.quantile(errors, 0.9)), float(np.mean(inside)) if inside else float("nan"),
    )  # fmt: skip


def inside_ellipse(origin: Origin, lat: float, lon: float) -> bool:
    """Does the place lie within the origin's ellipse?"""
    distance, azimuth, _ = distance_azimuth(origin.lat, origin.lon, lat, lon)
    angle = np.radians(float(azimuth) - (origin.strike_deg or 0.0))
    km = float(distance) * KM_PER_DEG
    along, across = km * np.cos(angle), km * np.sin(angle)
    major, minor = origin.semi_major_km or 1e-9, origin.semi_minor_km or 1e-9
    return bool((along / major) ** 2 + (across / minor) ** 2 <= 1.0)
