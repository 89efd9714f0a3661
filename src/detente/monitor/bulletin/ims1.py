"""IMS 1.0 short bulletins with arrivals: written in strict columns, read back strictly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from detente.errors import DetenteError
from detente.monitor.bulletin.numbers import one_line, short, station
from detente.monitor.bulletin.quakeml import quality
from detente.monitor.bulletin.records import (
    MACHINE,
    Arrival,
    Bulletin,
    Event,
    Magnitude,
    Origin,
    Polarity,
    StationMagnitude,
    Used,
)
from detente.monitor.bulletin.times import moment
from detente.monitor.geo import KM_PER_DEG

_ORIGINS = (
    "   Date       Time        Err   RMS Latitude Longitude  Smaj  Smin  Az Depth   Err Ndef Nsta Gap"
    "  mdist  Mdist Qual   Author      OrigID"
)
_MAGNITUDES = "Magnitude  Err Nsta Author      OrigID"
_PHASES = (
    "Sta     Dist  EvAz Phase        Time      TRes  Azim AzRes   Slow   SRes Def   SNR       Amp   Per"
    " Qual Magnitude    ArrID"
)
_TYPES = {"explosion-like": "sh", "earthquake-like": "se"}
_90 = 1.6448536269514722
"""Standard deviations on either side that hold 90 % of a normal distribution."""
_90_TWO = 2.1459660262893472
"""Scale of an ellipse that holds 90 % of a normal distribution in the plane: sqrt(-2 ln 0.1)."""

_Column = tuple[str, int, int, str]
# name, first column (from 1), last column, how it is written; IMS 1.0, tables of the origin and phase blocks
_ORIGIN: tuple[_Column, ...] = (
    ("date", 1, 10, "s"),
    ("clock", 12, 22, "s"),
    ("time_sd", 25, 29, ".2f"),
    ("rms", 31, 35, ".2f"),
    ("lat", 37, 44, ".4f"),
    ("lon", 46, 54, ".4f"),
    ("smaj", 56, 60, ".1f"),
    ("smin", 62, 66, ".1f"),
    ("strike", 68, 70, ".0f"),
    ("depth", 72, 76, ".1f"),
    ("depth_fixed", 77, 77, "s"),
    ("depth_error", 79, 82, ".1f"),
    ("ndef", 84, 87, "d"),
    ("nsta", 89, 92, "d"),
    ("gap", 94, 96, ".0f"),
    ("mdist", 98, 103, ".2f"),
    ("Mdist", 105, 110, ".2f"),
    ("analysis", 112, 112, "s"),
    ("method", 114, 114, "s"),
    ("etype", 116, 117, "s"),
    ("author", 119, 127, "s"),
    ("origid", 129, 136, "s"),
)
_MAGNITUDE: tuple[_Column, ...] = (
    ("kind", 1, 5, "s"),
    ("limit", 6, 6, "s"),
    ("value", 7, 10, ".1f"),
    ("sd", 12, 14, ".1f"),
    ("nsta", 16, 19, "d"),
    ("author", 21, 29, "s"),
    ("origid", 31, 38, "s"),
)
_PHASE: tuple[_Column, ...] = (
    ("sta", 1, 5, "s"),
    ("dist", 7, 12, ".2f"),
    ("evaz", 14, 18, ".1f"),
    ("phase", 20, 27, "s"),
    ("clock", 29, 40, "s"),
    ("tres", 42, 46, ".1f"),
    ("azim", 48, 52, ".1f"),
    ("azres", 54, 58, ".1f"),
    ("slow", 60, 65, ".2f"),
    ("sres", 67, 72, ".2f"),
    ("def", 74, 76, "s"),
    ("snr", 78, 82, ".1f"),
    ("amp", 84, 92, ".1f"),
    ("per", 94, 98, ".2f"),
    ("qual", 100, 102, "s"),
    ("mtype", 104, 108, "s"),
    ("mlimit", 109, 109, "s"),
    ("mag", 110, 113, ".1f"),
    ("arrid", 115, 122, "s"),
)


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
        lines += [f"EVENT {events[event.id]:<8} {one_line(words)[:65]}".rstrip(), "", _ORIGINS]
        for i, origin in enumerate(event.origins):
            lines.append(_origin_line(event, origin, origins[origin.id]))
            if i == 0:
                lines.append(" (#PRIME)")
        lines += ["", _MAGNITUDES]
        sizes = [(m, False) for m in event.magnitudes] + [(m, True) for m in event.limits]
        lines += [_magnitude_line(m, origins[event.origin.id], is_limit) for m, is_limit in sizes]
        lines += ["", _PHASES]
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
    return _line(_ORIGIN, values)


def _scaled(axis: float | None, confidence: float) -> float | None:
    """An axis at its own confidence as the 90 % that the format asks for, as of a normal distribution."""
    if axis is None or not 0 < confidence < 1:
        return None
    return axis * _90_TWO / math.sqrt(-2 * math.log1p(-confidence))


def _magnitude_line(magnitude: Magnitude, origid: str, is_limit: bool) -> str:
    seen = sum(not s.limit for s in magnitude.stations)
    return _line(
        _MAGNITUDE,
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
            yield _phase_line(arrivals[used.arrival], used, station_magnitudes, codes[used.arrival])


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
    return _line(_PHASE, values)


def _line(columns: Iterable[_Column], values: dict[str, Any]) -> str:
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


def read_ims1(data: bytes, where: str = "IMS1.0") -> Bulletin:
    """A bulletin from IMS 1.0 short text. Raises DetenteError with the line for what is not in its columns."""
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as bad:
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=where) from None
    if not any(line.upper().startswith("DATA_TYPE BULLETIN IMS1.0") for line in lines):
        raise DetenteError("no DATA_TYPE BULLETIN IMS1.0", where=where)
    reader = _Reader(where)
    for number, line in enumerate(lines, 1):
        if line.startswith("STOP"):
            break
        reader.line(number, line)
    return reader.bulletin()


class _Reader:
    """Line by line: which block we are in, and the events so far."""

    def __init__(self, where: str) -> None:
        self.where, self.block = where, ""
        self.events: list[dict[str, Any]] = []
        self.arrivals: dict[str, Arrival] = {}

    def line(self, number: int, line: str) -> None:
        words = line.split()
        header = tuple(w.lower() for w in words[:4])
        at = f"{self.where}:{number}"
        if not words:
            return
        if words[0].upper() == "EVENT" and len(words) > 1:
            self.events.append(
                {"id": words[1], "origins": [], "prime": 0, "magnitudes": [], "limits": [], "used": []}
            )
            self.block = "event"
        elif header == ("date", "time", "err", "rms"):
            self.block = "origins"
        elif header[:2] == ("magnitude", "err"):
            self.block = "magnitudes"
        elif header[:4] == ("sta", "dist", "evaz", "phase"):
            self.block = "phases"
        elif not self.events or self.block == "event":
            return
        elif words[0].startswith("("):
            if "#PRIME" in line.upper() and self.block == "origins":
                self.events[-1]["prime"] = len(self.events[-1]["origins"]) - 1
        else:
            try:
                getattr(self, f"_{self.block}")(line.ljust(136))
            except (ValueError, IndexError, DetenteError) as bad:
                raise DetenteError(f"not in the columns of IMS 1.0: {bad}", where=at) from None

    def _origins(self, line: str) -> None:
        c = _cells(_ORIGIN, line)
        when = datetime.strptime(c["date"], "%Y/%m/%d").replace(tzinfo=UTC)
        time = when.timestamp() + _clock(c["clock"])
        depth, error = _number(c["depth"]), _number(c["depth_error"])
        free = not c["depth_fixed"] and error is not None
        self.events[-1]["etype"] = c["etype"]
        self.events[-1]["origins"].append(
            Origin(
                id=c["origid"],
                time=time,
                lat=float(c["lat"]),
                lon=float(c["lon"]),
                time_sd=_number(c["time_sd"]) or 0.0,
                depth_km=depth or 0.0,
                depth="free" if free else "fixed",
                depth_low_km=(depth or 0.0) - error if free and error is not None else None,
                depth_high_km=(depth or 0.0) + error if free and error is not None else None,
                semi_major_km=_number(c["smaj"]),
                semi_minor_km=_number(c["smin"]),
                strike_deg=_number(c["strike"]),
                by=MACHINE if c["analysis"] != "m" else c["author"],
                method=c["method"],
            )
        )

    def _magnitudes(self, line: str) -> None:
        c = _cells(_MAGNITUDE, line)
        if not c["value"]:
            return  # a magnitude that was not determined
        by = MACHINE if c["author"] in ("", "DETENTE") else c["author"]
        self.events[-1]["limits" if c["limit"] == "<" else "magnitudes"].append(
            Magnitude(kind=c["kind"], value=float(c["value"]), sd=_number(c["sd"]) or 0.0, by=by)
        )

    def _phases(self, line: str) -> None:
        c = _cells(_PHASE, line)
        event = self.events[-1]
        if not event["origins"]:
            raise DetenteError("a phase before any origin")
        arrid = c["arrid"] or f"{event['id']}.{len(event['used']) + 1}"
        slow, slow_residual = _number(c["slow"]), _number(c["sres"])
        polarity: Polarity = {"c": "up", "d": "down"}.get(c["qual"][1:2], "")  # type: ignore[assignment]
        self.arrivals[arrid] = Arrival(
            id=arrid,
            station=c["sta"],
            time=_near(_clock(c["clock"]), event["origins"][event["prime"]].time),
            time_sd=0.0,
            phase=c["phase"],
            backazimuth_deg=_number(c["azim"]),
            slowness_s_km=None if slow is None else slow / KM_PER_DEG,
            amplitude_nm=_number(c["amp"]),
            period_s=_number(c["per"]),
            snr=_number(c["snr"]),
            polarity=polarity,
            by=MACHINE if c["qual"][:1] != "m" else "analyst",
        )
        event["used"].append(
            Used(
                arrival=arrid,
                station=c["sta"],
                phase=c["phase"],
                distance_deg=_number(c["dist"]) or 0.0,
                azimuth_deg=_number(c["evaz"]) or 0.0,
                time_residual_s=_number(c["tres"]),
                backazimuth_residual_deg=_number(c["azres"]),
                slowness_residual_s_km=None if slow_residual is None else slow_residual / KM_PER_DEG,
                defining="".join(letter for letter in "TAS" if letter in c["def"]),
            )
        )
        if c["mag"]:
            one = StationMagnitude(
                station=c["sta"],
                kind=c["mtype"],
                value=float(c["mag"]),
                sd=0.0,
                arrival=arrid,
                limit=c["mlimit"] == "<",
            )
            event.setdefault("stations", []).append(one)

    def bulletin(self) -> Bulletin:
        events = tuple(map(_event, self.events))
        times = [e.origin.time for e in events] or [0.0]
        arrivals = tuple(sorted(self.arrivals.values(), key=lambda a: (a.time, a.id)))
        return Bulletin(start=min(times), end=max(times), arrivals=arrivals, events=events)


def _event(read: dict[str, Any]) -> Event:
    from msgspec.structs import replace

    if not read["origins"]:
        raise DetenteError("an event without an origin", where=f"event {read['id']}")
    prime = replace(read["origins"][read["prime"]], used=tuple(read["used"]))
    others = [o for i, o in enumerate(read["origins"]) if i != read["prime"]]
    stations = read.get("stations", [])
    magnitudes = [
        replace(m, stations=tuple(s for s in stations if s.kind == m.kind)) for m in read["magnitudes"]
    ]
    return Event(
        id=read["id"],
        origins=(prime, *others),
        magnitudes=tuple(magnitudes),
        limits=tuple(read["limits"]),
    )


def _cells(columns: Iterable[_Column], line: str) -> dict[str, str]:
    return {name: line[first - 1 : last].strip() for name, first, last, _ in columns}


def _number(cell: str) -> float | None:
    value = float(cell) if cell else math.nan
    return value if math.isfinite(value) else None


def _clock(cell: str) -> float:
    hours, minutes, seconds = cell.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def _near(clock: float, origin: float) -> float:
    """The time of day closest to the origin, for phase lines bear no date."""
    day = moment(origin).replace(hour=0, minute=0, second=0, microsecond=0)
    choices = [(day + timedelta(days=d)).timestamp() + clock for d in (-1, 0, 1)]
    return min(choices, key=lambda t: abs(t - origin))
