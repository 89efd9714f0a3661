"""A made bulletin that uses every field: two events, one over midnight, an unused arrival, an upper limit."""

from __future__ import annotations

from detente.monitor.bulletin.records import (
    Arrival,
    Bulletin,
    Change,
    Criterion,
    Event,
    Magnitude,
    Missed,
    Origin,
    Screening,
    StationMagnitude,
    Used,
    YieldRange,
)

T = 1504409401.6  # 2017-09-03T03:30:01.6


def made() -> Bulletin:
    """The bulletin."""
    arrivals = tuple(_arrival(i, station, seconds) for i, (station, seconds) in enumerate(_STATIONS))
    lone = Arrival(
        id="noise at MKAR/17",
        station="MKAR",
        time=T + 4000.25,
        time_sd=1.5,
        why={"snr": 3.1, "note": "a < b"},
    )
    late = Arrival(id="late", station="YKA", time=T + 73800.125, time_sd=0.2, phase="P", by="Rosa")
    origin = Origin(
        id="o1",
        time=T,
        lat=41.3325,
        lon=129.0297,
        time_sd=0.31,
        depth_km=0.0,
        semi_major_km=9.41,
        semi_minor_km=6.02,
        strike_deg=87.0,
        used=tuple(_used(a, i) for i, a in enumerate(arrivals)),
        missed=(Missed(station="CMAR", phase="P", p_detect=0.83),),
        method="grid",
        why={"cells": 10313.0},
    )
    second = Origin(
        id="an-origin-with-a-long/name",
        time=T + 73_000.0,
        lat=-17.25,
        lon=-178.6,
        time_sd=1.2,
        depth_km=551.0,
        depth="free",
        depth_low_km=530.0,
        depth_high_km=575.0,
        semi_major_km=40.0,
        semi_minor_km=20.0,
        strike_deg=12.0,
        by="Rosa",
        used=(
            Used(
                arrival="late",
                station="YKA",
                phase="P",
                distance_deg=93.41,
                azimuth_deg=20.3,
                time_residual_s=-0.4,
            ),
        ),
    )
    stations = tuple(
        StationMagnitude(station=a.station, kind="mb", value=6.1 + 0.1 * i, sd=0.25, arrival=a.id)
        for i, a in enumerate(arrivals[:3])
    )
    limit = StationMagnitude(station="CMAR", kind="mb", value=6.9, sd=0.3, limit=True)
    screening = Screening(
        verdict="explosion-like",
        p_explosion=0.987,
        prior=0.01,
        criteria=(
            Criterion(name="P/S 6-8 Hz", value=0.71, sd=0.1, log10_ratio=3.2, stations=("MDJ", "INCN")),
        ),
        why="P/S",
    )
    first = Event(
        id="20170903-0330",
        origins=(origin,),
        magnitudes=(
            Magnitude(kind="mb", value=6.14, sd=0.12, stations=(*stations, limit), method="IDC"),
            Magnitude(kind="Ms", value=4.9, sd=0.2),
        ),
        screening=screening,
        yields=(YieldRange(assumption="granite", low_kt=90.0, median_kt=160.0, high_kt=290.0),),
        score=41.5,
        changes=(
            Change(when=T + 9e4, who="Rosa", what="arrival/a1", before="1", after="2", reason="late pick"),
        ),
    )
    other = Event(
        id="2", origins=(second,), magnitudes=(Magnitude(kind="ML", value=-0.3, sd=0.4, by="Rosa"),)
    )
    return Bulletin(
        start=T - 600.0,
        end=T + 80_000.0,
        arrivals=tuple(sorted((*arrivals, lone, late), key=lambda a: (a.time, a.id))),
        events=(first, other),
        stations=("CMAR", "MDJ", "YKA"),
        faults=("IC.BJT.00.BHZ: clipped",),
        made_with={"detente": "0"},
    )


_STATIONS = (("MDJ", 53.5123), ("INCN", 67.9), ("YKA", 590.001), ("MKAR", 433.3))


def _arrival(i: int, station: str, seconds: float) -> Arrival:
    return Arrival(
        id=f"a{i}" if i else "an arrival with a long name, (1)",
        station=station,
        channel=f"IM.{station}.00.BHZ" if i else "",
        time=T + seconds,
        time_sd=0.05 + 0.1 * i,
        phase="Pn" if i < 2 else "P",
        backazimuth_deg=None if i == 1 else 187.4 + i,
        backazimuth_sd_deg=None if i == 1 else 3.5,
        slowness_s_km=0.0725 if i > 1 else None,
        slowness_sd_s_km=0.004 if i > 1 else None,
        amplitude_nm=1234.5 / (i + 1),
        period_s=0.55,
        snr=None if i == 3 else 88.8,
        polarity=("up", "down", "", "up")[i],  # type: ignore[arg-type]
        band_hz=(0.8, 4.5),
        method="beam bank",
        by="machine" if i else "Rosa",
        why={"threshold": 4.2, "beam": "12"},
    )


def _used(a: Arrival, i: int) -> Used:
    return Used(
        arrival=a.id,
        station=a.station,
        phase=a.phase,
        distance_deg=3.34 + 10.0 * i,
        azimuth_deg=6.6 + 80.0 * i,
        time_residual_s=0.34 - 0.3 * i,
        backazimuth_residual_deg=None if i == 1 else -2.5,
        slowness_residual_s_km=0.002 if i > 1 else None,
        defining=("T", "TA", "TAS", "")[i],
    )
