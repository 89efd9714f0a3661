"""IMS 1.0 short bulletins with arrivals, written in strict columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from detente.monitor.bulletin.ims1_columns import (
    DATE,
    HALF_DAY,
    MAGNITUDE,
    MAGNITUDES,
    ORIGIN,
    ORIGINS,
    PHASE,
    PHASES,
    Column,
    clock,
    near,
)
from detente.monitor.bulletin.ims1_read import read_ims1 as read_ims1
from detente.monitor.bulletin.numbers import one_line, short, station
from detente.monitor.bulletin.quakeml import quality
from detente.monitor.bulletin.records import (
    MACHINE,
    Arrival,
    Bulletin,
    Event,
    Magnitude,
    Origin,
    StationMagnitude,
    Used,
)
from detente.monitor.bulletin.times import moment
from detente.monitor.geo import KM_PER_DEG

_TYPES = {"explosion-like": "sh", "earthquake-like": "se"}
_90 = 1.6448536269514722
"""Standard deviations on either side that hold 90 % of a normal distribution."""
_90_TWO = 2.1459660262893472
"""Scale of an ellipse that holds 90 % of a normal distribution in the plane: sqrt(-2 ln 0.1)."""


def write_ims1(
    bulletin: Bulletin,
    *,
    title: str = "detente bulletin",
    region: Callable[[float, float], str] | None = None,
) -> bytes:
    """A bulletin in the IMS 1.0 short format, with its message's envelope.

    Ids longer than eight characters become numbers; stations longer than five are refused, for the format cannot
    name them. Limits of magnitude that no station measured stand there with "<". `region(lat, lon)` gives the words
    behind the event's number. Raises DetenteError.
    Source: IDC, Formats and protocols for messages, IDC3.4.1 rev. 6 (2004), tables 35 to 39; IASPEI ISF (2005).
    """
    events = short(e.id for e in bulletin.events)
    origins = short(o.id for e in bulletin.events for o in e.origins)
    arrivals = {a.id: a for a in bulletin.arrivals}
    codes = short(a.id for a in bulletin.arrivals)
    lines = [
        "BEGIN IMS1.0",
        "MSG_TYPE DATA",
        "MSG_ID detente",
        "DATA_TYPE BULLETIN IMS1.0:SHORT",
        one_line(title)[:132],
    ]
    for event in bulletin.events:
        words = region(event.origin.lat, event.origin.lon) if region else ""
        lines += [f"EVENT {events[event.id]:<8} {one_line(words)[:65]}".rstrip(), "", ORIGINS]
        for i, origin in enumerate(event.origins):
            lines.append(_origin_line(event, origin, origins[origin.id]))
            if i == 0:
                lines.append(" (#PRIME)")
        lines += ["", MAGNITUDES]
        sizes = [(m, False) for m in event.magnitudes] + [(m, True) for m in event.limits]
        lines += [_magnitude_line(m, origins[event.origin.id], is_limit) for m, is_limit in sizes]
        lines += ["", PHASES]
        lines += _phase_lines(event, arrivals, codes)
        lines += ["", ""]
    lines.append("STOP")
    return ("\n".join(lines) + "\n").encode("ascii", "replace")


def _origin_line(event: Event, origin: Origin, origid: str) -> str:
    found = quality(origin)
    verdict = event.screening.verdict if event.screening else ""
    values: dict[str, Any] = {
        "date": moment(origin.time, 2).strftime("%Y/%m/%d").rjust(10, "0"),
        "clock": moment(origin.time, 2).strftime("%H:%M:%S.%f")[:11],
        "time_sd": origin.time_sd,
        "rms": found.get("standardError"),
        "lat": origin.lat,
        "lon": (origin.lon + 180) % 360 - 180,
        "smaj": _scaled(origin.semi_major_km, origin.confidence),
        "smin": _scaled(origin.semi_minor_km, origin.confidence),
        "strike": None if origin.strike_deg is None else origin.strike_deg % 180,
        "depth": origin.depth_km,
        "depth_fixed": "f" if origin.depth == "fixed" else "",
        "ndef": found["usedPhaseCount"],
        "nsta": found["usedStationCount"],
        "gap": found.get("azimuthalGap"),
        "mdist": found.get("minimumDistance"),
        "Mdist": found.get("maximumDistance"),
        "analysis": "a" if origin.by == MACHINE else "m",
        "method": "i",
        "etype": _TYPES.get(verdict, "uk"),
        "author": "DETENTE" if origin.by == MACHINE else origin.by,
        "origid": origid,
    }
    if origin.depth == "free" and origin.depth_low_km is not None and origin.depth_high_km is not None:
        values["depth_error"] = (origin.depth_high_km - origin.depth_low_km) / 2
    return _line(ORIGIN, values)


def _scaled(axis: float | None, confidence: float) -> float | None:
    """An axis at its own confidence as the 90 % that the format asks for, as of a normal distribution."""
    if axis is None or not 0 < confidence < 1:
        return None
    return axis * _90_TWO / math.sqrt(-2 * math.log1p(-confidence))


def _magnitude_line(magnitude: Magnitude, origid: str, is_limit: bool) -> str:
    seen = sum(not s.limit for s in magnitude.stations)
    return _line(
        MAGNITUDE,
        {
            "kind": _kind(magnitude.kind),
            "limit": "<" if is_limit or (magnitude.stations and not seen) else "",
            "value": magnitude.value,
            "sd": magnitude.sd,
            "nsta": seen,
            "author": "DETENTE" if magnitude.by == MACHINE else magnitude.by,
            "origid": origid,
        },
    )


def _kind(kind: str) -> str:
    """A magnitude's name in five characters: mb(Pn) is mbPn."""
    return kind if len(kind) <= 5 else "".join(c for c in kind if c.isalnum())[:5]


def _phase_lines(event: Event, arrivals: dict[str, Arrival], codes: dict[str, str]) -> Iterator[str]:
    station_magnitudes = {s.arrival: s for m in event.magnitudes for s in m.stations if s.arrival}
    for used in sorted(event.origin.used, key=lambda u: (u.distance_deg, u.station, u.phase)):
        if used.arrival in arrivals:
            a = arrivals[used.arrival]
            yield _phase_line(a, used, station_magnitudes, codes[used.arrival])
            day = moment(a.time, 3)
            if abs(near(clock(f"{day:%H:%M:%S}"), event.origin.time) - a.time) > HALF_DAY:
                yield f" ({DATE} {day:%Y/%m/%d})"


def _phase_line(a: Arrival, used: Used, magnitudes: dict[str, StationMagnitude], code: str) -> str:
    polarity = {"up": "c", "down": "d"}.get(a.polarity, "_")
    m = magnitudes.get(a.id)
    slow, slow_residual = a.slowness_s_km, used.slowness_residual_s_km
    values: dict[str, Any] = {
        "sta": a.station,
        "dist": used.distance_deg,
        "evaz": used.azimuth_deg % 360,
        "phase": used.phase,
        "clock": moment(a.time, 3).strftime("%H:%M:%S.%f")[:12],
        "tres": used.time_residual_s,
        "azim": None if a.backazimuth_deg is None else a.backazimuth_deg % 360,
        "azres": used.backazimuth_residual_deg,
        "slow": None if slow is None else slow * KM_PER_DEG,
        "sres": None if slow_residual is None else slow_residual * KM_PER_DEG,
        "def": "".join(letter if letter in used.defining else "_" for letter in "TAS"),
        "snr": a.snr,
        "amp": a.amplitude_nm,
        "per": a.period_s,
        "qual": ("a" if a.by == MACHINE else "m") + polarity + "_",
        "arrid": code,
    }
    if m is not None:
        values |= {"mtype": _kind(m.kind), "mlimit": "<" if m.limit else "", "mag": m.value}
    return _line(PHASE, values)


def _line(columns: Iterable[Column], values: dict[str, Any]) -> str:
    text = [" "] * 136
    for name, first, last, kind in columns:
        value = values.get(name)
        if value is None or (kind != "s" and not math.isfinite(value)):
            continue
        width = last - first + 1
        cell = _cell(name, value, width, kind)
        text[first - 1 : last] = cell
    return "".join(text).rstrip()


def _cell(name: str, value: Any, width: int, kind: str) -> str:
    if kind == "s":
        text = station(value, width) if name == "sta" else str(value)
        return one_line(text)[:width].ljust(width)
    decimals = 0 if kind == "d" else int(kind[1])
    while decimals >= 0:  # a number too wide gives up decimals before it gives up its size
        cell = format(float(value), f"{width}.{decimals}f")
        if len(cell) <= width:
            return cell
        decimals -= 1
    return " " * width  # not given, rather than wrong
