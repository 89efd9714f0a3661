"""What FDSN web services are asked: each parameter's name, type and default from one table, read strictly."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import quoteattr

import msgspec

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.times import from_iso
from detente.tables import read_table

VERSION = "1.2.0"
SERVICES = ("event", "station", "dataselect")
_RANGES = {"latitude": (-90.0, 90.0), "longitude": (-180.0, 180.0), "degrees": (0.0, 180.0)}
_CHOICES = {
    "order": ("time", "time-asc", "magnitude", "magnitude-asc"),
    "level": ("network", "station", "channel", "response"),
    "nodata": ("204", "404"),
    "quality": ("D", "R", "Q", "M", "B"),
}
_XML = {"time": "xs:dateTime", "boolean": "xs:boolean", "count": "xs:int", "number": "xs:double"}


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a service."""

    name: str
    aliases: tuple[str, ...]
    kind: str
    default: str


@lru_cache(maxsize=1)
def parameters() -> dict[str, tuple[Parameter, ...]]:
    """The parameters of each service."""
    found: dict[str, list[Parameter]] = {s: [] for s in SERVICES}
    table = files("detente.monitor.chain") / "fdsnws_params.csv"
    for row in read_table(table, ("service", "name", "aliases", "type", "default")):
        aliases = tuple(a for a in row["aliases"].split() if a)
        found[row["service"]].append(Parameter(row["name"], aliases, row["type"], row["default"]))
    return {k: tuple(v) for k, v in found.items()}


def parse(service: str, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The parameters asked for with their values, defaults filled in. Raises DetenteError for any that is wrong."""
    known = {n: p for p in parameters()[service] for n in (p.name, *p.aliases)}
    values: dict[str, Any] = {p.name: _value(p, p.default) for p in parameters()[service]}
    seen: set[str] = set()
    for name, text in pairs:
        parameter = known.get(name.lower())
        if parameter is None:
            raise DetenteError(f"no parameter '{name[:40]}'", fix=nearest(name[:40], known))
        if parameter.name in seen:
            raise DetenteError(f"'{parameter.name}' is given twice")
        seen.add(parameter.name)
        blank = not text.strip() and parameter.name != "location"  # a blank location is one
        values[parameter.name] = _value(parameter, parameter.default if blank else text)
    start, end = values["starttime"], values["endtime"]
    if start is not None and end is not None and start > end:
        raise DetenteError("starttime is after endtime")
    if service != "dataselect" and (values["latitude"] is None) != (values["longitude"] is None):
        raise DetenteError("latitude and longitude go together")
    return values


def _value(parameter: Parameter, text: str) -> Any:
    text, kind = text.strip(), parameter.kind
    if not text:
        return None if kind != "text" else ""
    if kind == "text":
        return text
    if kind in _CHOICES:
        if text not in _CHOICES[kind]:
            raise DetenteError(f"{parameter.name}={text[:40]}", fix=nearest(text[:40], _CHOICES[kind]))
        return text
    if kind == "boolean":
        if text.lower() not in ("true", "false", "1", "0"):
            raise DetenteError(f"{parameter.name}={text[:40]} is neither true nor false")
        return text.lower() in ("true", "1")
    if kind == "time":
        return from_iso(text)
    try:
        value = int(text) if kind == "count" else float(text)
    except ValueError:
        raise DetenteError(f"{parameter.name}={text[:40]} is not a number") from None
    low, high = _RANGES.get(kind, (-1e12, 1e12) if kind == "number" else (0, 10**9))
    if not low <= value <= high:
        raise DetenteError(f"{parameter.name}={text[:40]} is not between {low:g} and {high:g}")
    return value


def matches(patterns: str, value: str) -> bool:
    """Whether a code fits a comma-separated list of patterns with * and ?; "--" and blanks mean no location."""
    for pattern in patterns.split(","):
        pattern = pattern.strip().replace("--", "")
        if fnmatchcase(value, pattern):
            return True
    return False


def wadl(service: str, base: str) -> str:
    """The service's description in WADL, from which clients learn what they may ask."""
    lines = "".join(
        f'          <param name={quoteattr(p.name)} style="query" type="{_XML.get(p.kind, "xs:string")}"'
        f"{f' default={quoteattr(p.default)}' if p.default else ''}/>\n"
        for p in parameters()[service]
    )
    media = "application/vnd.fdsn.mseed" if service == "dataselect" else "application/xml"
    more = "".join(
        f'      <resource path="{r}"><method name="GET"><response><representation mediaType="{m}"/></response>'
        "</method></resource>\n"
        for r, m in (("catalogs", "application/xml"), ("contributors", "application/xml"))
        if service == "event"
    )
    post = '        <method name="POST" id="postQuery"/>\n' if service != "event" else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<application xmlns="http://wadl.dev.java.net/2009/02" xmlns:xs="http://www.w3.org/2001/XMLSchema">\n'
        f"  <resources base={quoteattr(f'{base}/fdsnws/{service}/1/')}>\n"
        '      <resource path="version"><method name="GET"><response><representation mediaType="text/plain"/>'
        "</response></method></resource>\n"
        '      <resource path="application.wadl"><method name="GET"/></resource>\n'
        f"{more}"
        '      <resource path="query">\n        <method name="GET" id="query">\n        <request>\n'
        f"{lines}        </request>\n"
        f'        <response><representation mediaType="{media}"/></response>\n        </method>\n'
        f"{post}      </resource>\n  </resources>\n</application>\n"
    )


class TooLargeError(DetenteError):
    """More is asked for than one answer holds (HTTP 413)."""
