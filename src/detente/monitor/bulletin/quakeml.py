"""QuakeML 1.2 written so that its schema and other readers accept it.

What QuakeML has no element for (bands, reasons, missed stations, screening, yields, arrivals in no event) rides in
elements of our own namespace, where the schema allows any; the standard's elements always come first.
"""

from __future__ import annotations

import math
import re
from typing import Any, TypeGuard
from xml.etree import ElementTree as ET

from detente.monitor.bulletin.plain import encode
from detente.monitor.bulletin.quakeml_read import read_quakeml as read_quakeml
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
    Used,
)
from detente.monitor.bulletin.times import iso
from detente.monitor.geo import KM_PER_DEG

_ROOT = "http://quakeml.org/xmlns/quakeml/1.2"
_UNSAFE = re.compile(r"[^\w\-.*()+?'=,;#/&]|~", re.ASCII)
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold (XML 1.0, production 2)."""
_LONGEST_TYPE = 32
_TYPES = {"explosion-like": "explosion", "earthquake-like": "earthquake"}


def write_quakeml(bulletin: Bulletin) -> bytes:
    """A bulletin as a QuakeML 1.2 document.

    Source: Euchner & Schorlemmer (eds), QuakeML - Basic Event Description, version 1.2 (2013).
    """
    for prefix, uri in (("q", _ROOT), ("", BED), ("detente", OURS)):
        ET.register_namespace(prefix, uri)
    root = ET.Element(f"{{{_ROOT}}}quakeml")
    parameters = _add(root, "eventParameters", publicID=_id("bulletin", iso(bulletin.start)))
    arrivals = {a.id: a for a in bulletin.arrivals}
    told: set[str] = set()
    for event in bulletin.events:
        told |= _event(parameters, event, arrivals)
    alone = [a for a in bulletin.arrivals if a.id not in told]
    extra = {name: getattr(bulletin, name) for name in BULLETIN_EXTRA}
    _extra(parameters, extra | {"arrivals": alone})
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"


def _event(parent: Any, event: Event, arrivals: dict[str, Arrival]) -> set[str]:
    element = _add(parent, "event", publicID=_id("event", event.id))
    _add(element, "preferredOriginID", _id("origin", event.origin.id))
    if event.magnitudes:
        _add(element, "preferredMagnitudeID", _id("magnitude", f"{event.id}/0"))
    if event.screening is not None and event.screening.verdict in _TYPES:
        _add(element, "type", _TYPES[event.screening.verdict])
        _add(element, "typeCertainty", "suspected")
    if event.screening is not None:
        comment = _add(element, "comment")
        _add(comment, "text", _said(event))
    used = {u.arrival for o in event.origins for u in o.used}
    used |= {s.arrival for m in event.magnitudes for s in m.stations if s.arrival}
    for arrival in sorted((arrivals[i] for i in used if i in arrivals), key=lambda a: (a.time, a.id)):
        _pick(element, event, arrival)
    for origin in event.origins:
        _origin(element, origin)
    for i, magnitude in enumerate(event.magnitudes):
        _magnitude(element, event, i, magnitude, arrivals)
    _extra(element, {name: getattr(event, name) for name in EVENT_EXTRA})
    return used


def _said(event: Event) -> str:
    s = event.screening
    if s is None:
        return ""
    chance = "" if s.p_explosion is None else f", probability of explosion {s.p_explosion:.3f}"
    return f"screening: {s.verdict}{chance}"


def _pick(parent: Any, event: Event, arrival: Arrival) -> None:
    pick = _add(parent, "pick", publicID=_id("arrival", arrival.id))
    _time(pick, "time", arrival.time, arrival.time_sd)
    _waveform(pick, arrival.station, arrival.channel)
    if arrival.method:
        _add(pick, "methodID", _id("method", arrival.method))
    if arrival.slowness_s_km is not None:
        _quantity(pick, "horizontalSlowness", arrival.slowness_s_km, arrival.slowness_sd_s_km, KM_PER_DEG)
    if arrival.backazimuth_deg is not None:
        _quantity(pick, "backazimuth", arrival.backazimuth_deg, arrival.backazimuth_sd_deg)
    if arrival.phase:
        _add(pick, "phaseHint", arrival.phase)
    if arrival.polarity:
        _add(pick, "polarity", POLARITY[arrival.polarity])
    _add(pick, "evaluationMode", "automatic" if arrival.by == MACHINE else "manual")
    _author(pick, arrival.by)
    _extra(pick, {name: getattr(arrival, name) for name in ARRIVAL_EXTRA})
    if arrival.amplitude_nm is None and arrival.snr is None and arrival.period_s is None:
        return
    amplitude = _add(parent, "amplitude", publicID=_id("amplitude", f"{event.id}/{arrival.id}"))
    # the schema wants a value even where only the ratio to the noise is known
    value = 0.0 if arrival.amplitude_nm is None else arrival.amplitude_nm * 1e-9
    _quantity(amplitude, "genericAmplitude", value)
    _add(amplitude, "unit", "m")
    if _finite(arrival.period_s):
        _quantity(amplitude, "period", arrival.period_s)
    if _finite(arrival.snr):
        _add(amplitude, "snr", _number(arrival.snr))
    _add(amplitude, "pickID", _id("arrival", arrival.id))
    _waveform(amplitude, arrival.station, arrival.channel)
    _extra(amplitude, {"arrival": arrival.id, "amplitude_nm": arrival.amplitude_nm})


def _origin(parent: Any, origin: Origin) -> None:
    element = _add(parent, "origin", publicID=_id("origin", origin.id))
    _time(element, "time", origin.time, origin.time_sd)
    _quantity(element, "latitude", origin.lat)
    _quantity(element, "longitude", origin.lon)
    depth = _quantity(element, "depth", origin.depth_km, None, 1000.0)
    if origin.depth_low_km is not None and origin.depth_high_km is not None:
        _add(depth, "lowerUncertainty", _number((origin.depth_km - origin.depth_low_km) * 1000))
        _add(depth, "upperUncertainty", _number((origin.depth_high_km - origin.depth_km) * 1000))
        _add(depth, "confidenceLevel", _number(100 * origin.confidence))
    _add(element, "depthType", "operator assigned" if origin.depth == "fixed" else "from location")
    _add(element, "earthModelID", _id("model", origin.model))
    if origin.method:
        _add(element, "methodID", _id("method", origin.method))
    _add(element, "evaluationMode", "automatic" if origin.by == MACHINE else "manual")
    _author(element, origin.by)
    _uncertainty(element, origin)
    _quality(element, origin)
    for used in origin.used:
        _arrival(element, origin, used)
    _extra(element, {name: getattr(origin, name) for name in ORIGIN_EXTRA})


def _uncertainty(parent: Any, origin: Origin) -> None:
    element = _add(parent, "originUncertainty")
    for name, tag in ELLIPSE.items():
        value = getattr(origin, name)
        if _finite(value):
            _add(element, tag, _number(value * (1.0 if name == "strike_deg" else 1000.0)))
    if _finite(origin.semi_major_km):
        _add(element, "preferredDescription", "uncertainty ellipse")
    _add(element, "confidenceLevel", _number(100 * origin.confidence))


def _quality(parent: Any, origin: Origin) -> None:
    element = _add(parent, "quality")
    for tag, value in quality(origin).items():
        _add(element, tag, str(value) if isinstance(value, int) else _number(value))


def quality(origin: Origin) -> dict[str, Any]:
    """What the used arrivals say of an origin: counts, gap, distances (degrees), rms of time residuals (s)."""
    timed = [u for u in origin.used if u.defining]
    found: dict[str, Any] = {
        "associatedPhaseCount": len(origin.used),
        "usedPhaseCount": len(timed),
        "usedStationCount": len({u.station for u in timed}),
    }
    residuals = [u.time_residual_s for u in timed if _finite(u.time_residual_s) and "T" in u.defining]
    placed = [u for u in timed if _finite(u.azimuth_deg) and _finite(u.distance_deg)]
    if residuals:
        found["standardError"] = (sum(r * r for r in residuals) / len(residuals)) ** 0.5
    if placed:
        around = sorted({u.azimuth_deg % 360 for u in placed})
        found["azimuthalGap"] = max(
            (b - a for a, b in zip(around, [*around[1:], around[0] + 360], strict=True)), default=360.0
        )
        found["minimumDistance"] = min(u.distance_deg for u in placed)
        found["maximumDistance"] = max(u.distance_deg for u in placed)
    return found


def _arrival(parent: Any, origin: Origin, used: Used) -> None:
    element = _add(parent, "arrival", publicID=_id("used", f"{origin.id}/{used.arrival}"))
    _add(element, "pickID", _id("arrival", used.arrival))
    _add(element, "phase", used.phase)
    if _finite(used.azimuth_deg):
        _add(element, "azimuth", _number(used.azimuth_deg))
    if _finite(used.distance_deg):
        _add(element, "distance", _number(used.distance_deg))
    if _finite(used.time_residual_s):
        _add(element, "timeResidual", _number(used.time_residual_s))
    if _finite(used.slowness_residual_s_km):
        _add(element, "horizontalSlownessResidual", _number(used.slowness_residual_s_km * KM_PER_DEG))
    if _finite(used.backazimuth_residual_deg):
        _add(element, "backazimuthResidual", _number(used.backazimuth_residual_deg))
    for tag, letter in (("timeWeight", "T"), ("horizontalSlownessWeight", "S"), ("backazimuthWeight", "A")):
        _add(element, tag, "1" if letter in used.defining else "0")
    _extra(element, {"station": used.station, "arrival": used.arrival})


def _magnitude(
    parent: Any, event: Event, index: int, magnitude: Magnitude, arrivals: dict[str, Arrival]
) -> None:
    origin = _id("origin", event.origin.id)
    for i, station in enumerate(magnitude.stations):
        element = _add(
            parent, "stationMagnitude", publicID=_id("stationmagnitude", f"{event.id}/{index}/{i}")
        )
        _add(element, "originID", origin)
        _quantity(element, "mag", station.value, station.sd)
        _add(element, "type", station.kind[:_LONGEST_TYPE])
        told = arrivals.get(station.arrival)
        if told is not None and (told.amplitude_nm, told.snr, told.period_s) != (None, None, None):
            _add(element, "amplitudeID", _id("amplitude", f"{event.id}/{station.arrival}"))
        _waveform(element, station.station, "")
        if station.limit:
            _add(_add(element, "comment"), "text", "upper limit: no signal seen")
        _extra(element, {f: getattr(station, f) for f in ("limit", "arrival", "kind", "station", "term")})
    element = _add(parent, "magnitude", publicID=_id("magnitude", f"{event.id}/{index}"))
    _quantity(element, "mag", magnitude.value, magnitude.sd)
    _add(element, "type", magnitude.kind[:_LONGEST_TYPE])
    _add(element, "originID", origin)
    _add(element, "stationCount", str(sum(not s.limit for s in magnitude.stations)))
    if magnitude.method:
        _add(element, "methodID", _id("method", magnitude.method))
    for i in range(len(magnitude.stations)):
        given = _add(element, "stationMagnitudeContribution")
        _add(given, "stationMagnitudeID", _id("stationmagnitude", f"{event.id}/{index}/{i}"))
    _author(element, magnitude.by)
    _extra(element, {"method": magnitude.method, "by": magnitude.by, "kind": magnitude.kind})


def _add(parent: Any, tag: str, text: str | None = None, **attributes: str) -> Any:
    element = ET.SubElement(parent, f"{{{BED}}}{tag}", attributes)
    element.text = None if text is None else _legal(text)
    return element


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\ufffd", text)


def _finite(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _quantity(parent: Any, tag: str, value: float, sd: float | None = None, scale: float = 1.0) -> Any:
    element = _add(parent, tag)
    _add(element, "value", _number(value * scale))
    if _finite(sd):
        _add(element, "uncertainty", _number(sd * scale))
    return element


def _time(parent: Any, tag: str, value: float, sd: float) -> None:
    element = _add(parent, tag)
    _add(element, "value", iso(value))
    if _finite(sd):
        _add(element, "uncertainty", _number(sd))


def _waveform(parent: Any, station: str, channel: str) -> None:
    parts = channel.split(".")
    network, code, location, name = parts if len(parts) == 4 else ("", station, "", channel)
    attributes = {"networkCode": network, "stationCode": code or station}
    if name:
        attributes |= {"locationCode": location, "channelCode": name}
    short = {k: _legal(v)[:8] for k, v in attributes.items()}
    ET.SubElement(parent, f"{{{BED}}}waveformID", short)


def _author(parent: Any, by: str) -> None:
    _add(_add(parent, "creationInfo"), "author", by[:128])


def _extra(parent: Any, values: dict[str, Any]) -> None:
    element = ET.SubElement(parent, f"{{{OURS}}}record")
    # a character that XML may not hold is written as JSON escapes it
    element.text = _ILLEGAL.sub(lambda m: f"\\u{ord(m.group()):04x}", encode(values).decode())


def _number(value: float) -> str:
    return {"nan": "NaN", "inf": "INF", "-inf": "-INF"}.get(text := repr(float(value)), text)


def _id(kind: str, name: str) -> str:
    return f"{PREFIX}{kind}/" + _UNSAFE.sub(lambda m: f"~{ord(m.group()):x}~", name)
