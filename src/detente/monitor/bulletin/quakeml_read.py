"""QuakeML 1.2 read: ours without loss, others' as far as a bulletin has room for it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from detente.errors import DetenteError
from detente.monitor.bulletin.quakeml_words import (
    ARRIVAL_EXTRA,
    BED,
    BULLETIN_EXTRA,
    ELLIPSE,
    EVENT_EXTRA,
    ORIGIN_EXTRA,
    OURS,
    POLARITY,
    PREFIX,
)
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
from detente.monitor.bulletin.times import from_iso
from detente.monitor.geo import KM_PER_DEG


def read_quakeml(data: bytes, where: str = "QuakeML") -> Bulletin:
    """A bulletin from a QuakeML 1.2 document, ours or another's. Raises DetenteError for anything else."""
    try:
        if b"<!DOCTYPE" in data[:2000] or b"<!ENTITY" in data:
            raise DetenteError("a document type of its own is not read", where=where)
        root = ET.fromstring(data)
        parameters = root.find(f"{{{BED}}}eventParameters")
        if parameters is None:
            raise DetenteError("no eventParameters of QuakeML 1.2", where=where)
        arrivals: dict[str, Arrival] = {}
        events = tuple(_read_event(e, arrivals) for e in _all(parameters, "event"))
        extra = _read_extra(parameters)
        for given in msgspec.convert(extra.pop("arrivals", []), tuple[Arrival, ...]):
            arrivals[given.id] = given
        times = [o.time for e in events for o in e.origins] or [0.0]
        extra.setdefault("start", min(times))
        extra.setdefault("end", max(times))
        ordered = tuple(sorted(arrivals.values(), key=lambda a: (a.time, a.id)))
        told = {k: v for k, v in extra.items() if k in BULLETIN_EXTRA}
        return msgspec.convert(told | {"arrivals": ordered, "events": events}, Bulletin, from_attributes=True)
    except (
        ET.ParseError,
        ValueError,
        TypeError,
        LookupError,
        msgspec.ValidationError,
        RecursionError,
    ) as bad:
        raise DetenteError(f"not a sound QuakeML document: {bad}", where=where) from None


def _read_event(element: Any, arrivals: dict[str, Arrival]) -> Event:
    amplitudes = {_text(a, "pickID"): a for a in _all(element, "amplitude")}
    for pick in _all(element, "pick"):
        arrival = _read_pick(pick, amplitudes.get(pick.get("publicID", "")))
        arrivals[arrival.id] = arrival
    preferred = _text(element, "preferredOriginID")
    ordered = sorted(_all(element, "origin"), key=lambda o: o.get("publicID") != preferred)
    if not ordered:
        raise DetenteError("an event without an origin", where=element.get("publicID", ""))
    origins = tuple(_read_origin(o, arrivals) for o in ordered)
    stations = {s.get("publicID"): s for s in _all(element, "stationMagnitude")}
    magnitudes = tuple(_read_magnitude(m, stations) for m in _all(element, "magnitude"))
    extra = _read_extra(element)
    known = {k: extra[k] for k in EVENT_EXTRA if k in extra}
    given = {"id": _name(element.get("publicID", "")), "origins": origins, "magnitudes": magnitudes}
    return msgspec.convert(given | known, Event, from_attributes=True)


def _read_pick(pick: Any, amplitude: Any) -> Arrival:
    wave = pick.find(f"{{{BED}}}waveformID")
    if wave is None:
        raise DetenteError("a pick of no station", where=pick.get("publicID", ""))
    codes = [wave.get(k, "") for k in ("networkCode", "stationCode", "locationCode", "channelCode")]
    author = pick.findtext(f"{{{BED}}}creationInfo/{{{BED}}}author")
    slowness, slowness_sd = _read_quantity(pick, "horizontalSlowness", 1 / KM_PER_DEG)
    backazimuth, backazimuth_sd = _read_quantity(pick, "backazimuth")
    polarity = {v: k for k, v in POLARITY.items()}.get(_text(pick, "polarity"), "")
    given: dict[str, Any] = {
        "id": _name(pick.get("publicID", "")),
        "station": codes[1],
        "channel": ".".join(codes) if codes[3] else "",
        "time": from_iso(pick.findtext(f"{{{BED}}}time/{{{BED}}}value") or ""),
        "time_sd": float(pick.findtext(f"{{{BED}}}time/{{{BED}}}uncertainty") or 0.0),
        "phase": _text(pick, "phaseHint"),
        "slowness_s_km": slowness,
        "slowness_sd_s_km": slowness_sd,
        "backazimuth_deg": backazimuth,
        "backazimuth_sd_deg": backazimuth_sd,
        "polarity": polarity,
        "by": author or (MACHINE if _text(pick, "evaluationMode") != "manual" else "analyst"),
    }
    if amplitude is not None:
        value, _ = _read_quantity(amplitude, "genericAmplitude")
        given["amplitude_nm"] = None if value is None else value * 1e9
        given["period_s"], _ = _read_quantity(amplitude, "period")
        given["snr"] = float(_text(amplitude, "snr")) if _text(amplitude, "snr") else None
        extra = _read_extra(amplitude)
        if "amplitude_nm" in extra:
            given["amplitude_nm"] = extra["amplitude_nm"]
    extra = _read_extra(pick)
    return msgspec.convert(given | {k: extra[k] for k in ARRIVAL_EXTRA if k in extra}, Arrival)


def _read_origin(element: Any, arrivals: dict[str, Arrival]) -> Origin:
    depth, _ = _read_quantity(element, "depth", 0.001)
    given: dict[str, Any] = {
        "id": _name(element.get("publicID", "")),
        "time": from_iso(element.findtext(f"{{{BED}}}time/{{{BED}}}value") or ""),
        "time_sd": float(element.findtext(f"{{{BED}}}time/{{{BED}}}uncertainty") or 0.0),
        "lat": _read_quantity(element, "latitude")[0],
        "lon": _read_quantity(element, "longitude")[0],
        "depth_km": 0.0 if depth is None else depth,
        "depth": "free" if _text(element, "depthType") == "from location" else "fixed",
        "by": element.findtext(f"{{{BED}}}creationInfo/{{{BED}}}author") or MACHINE,
    }
    ellipse = element.find(f"{{{BED}}}originUncertainty")
    if ellipse is not None:
        for name, tag in ELLIPSE.items():
            if _text(ellipse, tag):
                given[name] = float(_text(ellipse, tag)) * (1.0 if name == "strike_deg" else 0.001)
        if _text(ellipse, "confidenceLevel"):
            given["confidence"] = float(_text(ellipse, "confidenceLevel")) / 100
    given["used"] = tuple(_read_used(a, arrivals) for a in _all(element, "arrival"))
    extra = _read_extra(element)
    given |= {k: extra[k] for k in ORIGIN_EXTRA if k in extra}
    return msgspec.convert(given, Origin, from_attributes=True)


def _read_used(element: Any, arrivals: dict[str, Arrival]) -> Used:
    extra = _read_extra(element)
    pick = extra.get("arrival") or _name(_text(element, "pickID"))
    weights = {"T": "timeWeight", "A": "backazimuthWeight", "S": "horizontalSlownessWeight"}
    slowness = _text(element, "horizontalSlownessResidual")
    given = {
        "arrival": pick,
        "station": extra.get("station", arrivals[pick].station if pick in arrivals else ""),
        "phase": _text(element, "phase"),
        "distance_deg": float(_text(element, "distance") or "nan"),
        "azimuth_deg": float(_text(element, "azimuth") or "nan"),
        "time_residual_s": _float(_text(element, "timeResidual")),
        "backazimuth_residual_deg": _float(_text(element, "backazimuthResidual")),
        "slowness_residual_s_km": float(slowness) / KM_PER_DEG if slowness else None,
        "defining": "".join(k for k, tag in weights.items() if float(_text(element, tag) or 0) > 0),
    }
    return msgspec.convert(given, Used)


def _read_magnitude(element: Any, stations: dict[str | None, Any]) -> Magnitude:
    value, sd = _read_quantity(element, "mag")
    parts = []
    for given in _all(element, "stationMagnitudeContribution"):
        station = stations.get(_text(given, "stationMagnitudeID"))
        if station is None:
            continue
        one, one_sd = _read_quantity(station, "mag")
        extra = _read_extra(station)
        wave = station.find(f"{{{BED}}}waveformID")
        parts.append(
            StationMagnitude(
                station=str(extra.get("station", "" if wave is None else wave.get("stationCode", ""))),
                kind=str(extra.get("kind", _text(station, "type"))),
                value=0.0 if one is None else one,
                sd=one_sd or 0.0,
                limit=bool(extra.get("limit", False)),
                arrival=str(extra.get("arrival", "")),
                term=extra.get("term"),
            )
        )
    extra = _read_extra(element)
    author = element.findtext(f"{{{BED}}}creationInfo/{{{BED}}}author") or MACHINE
    return Magnitude(
        kind=str(extra.get("kind", _text(element, "type"))),
        value=0.0 if value is None else value,
        sd=sd or 0.0,
        stations=tuple(parts),
        method=str(extra.get("method", "")),
        by=str(extra.get("by", author)),
    )


def _all(parent: Any, tag: str) -> Iterable[Any]:
    found: list[Any] = parent.findall(f"{{{BED}}}{tag}")
    return found


def _text(parent: Any, tag: str) -> str:
    return (parent.findtext(f"{{{BED}}}{tag}") or "").strip()


def _float(text: str) -> float | None:
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None


def _read_quantity(parent: Any, tag: str, scale: float = 1.0) -> tuple[float | None, float | None]:
    element = parent.find(f"{{{BED}}}{tag}")
    if element is None:
        return None, None
    value, sd = _float(_text(element, "value")), _float(_text(element, "uncertainty"))
    return (None if value is None else value * scale), (None if sd is None else sd * scale)


def _read_extra(element: Any) -> dict[str, Any]:
    text = element.findtext(f"{{{OURS}}}record")
    found: dict[str, Any] = json.loads(text) if text else {}
    if not isinstance(found, dict):
        raise ValueError("a record that is no object")
    return found


def _name(public: str) -> str:
    """The id within a public id: ours unescaped, another's as it is."""
    if not public.startswith(PREFIX):
        return public
    inner = public.removeprefix(PREFIX).partition("/")[2]
    return re.sub(r"~([0-9a-f]+)~", lambda m: chr(int(m.group(1), 16)), inner)
