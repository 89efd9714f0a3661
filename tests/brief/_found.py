"""Bulletins of made events: an explosion where a threshold bound, and a small one that an analyst changed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from detente.monitor.bulletin.records import (
    Bulletin,
    Change,
    Criterion,
    Event,
    Magnitude,
    Origin,
    Screening,
    StationMagnitude,
    Used,
)
from detente.monitor.bulletin.tables import write_json
from detente.monitor.character.yields import estimate


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shot(**changes: object) -> Event:
    """An event at Semipalatinsk while the threshold was observed."""
    used = tuple(
        Used(arrival=f"{c}-P", station=c, phase="P", distance_deg=d, azimuth_deg=a, time_residual_s=0.2)
        for c, d, a in (("AAA", 12.0, 30.0), ("BBB", 33.0, 150.0), ("CCC", 51.0, 270.0))
    )
    origin = Origin(
        id="o", time=seconds("1988-09-14T03:59:57"), lat=49.87, lon=78.82, time_sd=0.4, semi_major_km=14.0,
        semi_minor_km=9.0, strike_deg=20.0, used=used,
    )  # fmt: skip
    stations = tuple(
        StationMagnitude(station=u.station, kind="mb", value=5.7 + i / 10, sd=0.3) for i, u in enumerate(used)
    )
    whole = Event(
        id="19880914T035957",
        origins=(origin,),
        magnitudes=(Magnitude(kind="mb", value=5.8, sd=0.1, stations=stations),),
        screening=Screening(
            verdict="explosion-like", p_explosion=0.9986, prior=0.5,
            criteria=(
                Criterion(name="P/S", value=0.4, log10_ratio=2.5, stations=("AAA",), why="made"),
                Criterion(name="Ms:mb", value=-1.4, log10_ratio=0.4, stations=("BBB",), why="made"),
            ),
        ),
    )  # fmt: skip
    return msgspec.structs.replace(estimate(whole), **changes)


def made(*events: Event, **told: str) -> Bulletin:
    times = [e.origin.time for e in events]
    made_with = {"program": "detente 0.1.0", "settings": "ab" * 32, "data": "cd" * 32, "seed": "1", **told}
    return Bulletin(
        start=min(times), end=max(times) + 600, events=events, stations=("AAA",), made_with=made_with
    )


def write_day(folder: Path) -> Path:
    """A folder `day` with a bulletin of both events in it; the folder above."""
    quake = shot(
        id="quake", yields=(), magnitudes=(),
        screening=Screening(verdict="cannot be screened", p_explosion=None, prior=0.5),
        changes=(Change(when=seconds("2026-01-02T03:04:05"), who="A. Nalyst", what="depth", before="0", after="10",
                        reason="depth phases"),),
    )  # fmt: skip
    (folder / "day").mkdir()
    (folder / "day" / "bulletin.json").write_bytes(write_json(made(shot(), quake)))
    return folder
