"""CSS 3.0 flat files read back: a bulletin from its tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from detente.errors import DetenteError
from detente.monitor.bulletin.css3_columns import Row, decode
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
from detente.monitor.geo import KM_PER_DEG

_AUTHOR = "detente"


def read_css3(prefix: Path) -> Bulletin:
    """The bulletin of a set of flat files. Raises DetenteError for files that are missing or do not fit."""
    rows: dict[str, tuple[dict[str, Any], ...]] = {}
    known = [prefix.with_name(f"{prefix.name}.{name}") for name in ("origin", "arrival")]
    for name in ("origin", "origerr", "event", "arrival", "assoc", "netmag", "stamag"):
        path = prefix.with_name(f"{prefix.name}.{name}")
        try:
            rows[name] = decode(name, path.read_bytes(), path.name) if path.exists() else ()
        except OSError:
            raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    if not any(path.exists() for path in known):
        raise DetenteError("neither an origin nor an arrival table", where=str(prefix))
    arrivals = tuple(_arrival(r) for r in rows["arrival"])
    events = _events(rows)
    times = [o.time for e in events for o in e.origins] or [a.time for a in arrivals] or [0.0]
    return Bulletin(start=min(times), end=max(times), arrivals=arrivals, events=events)


def _arrival(r: Row) -> Arrival:
    slow, slow_sd = r["slow"], r["delslo"]
    return Arrival(
        id=str(r["arid"]),
        station=r["sta"] or "",
        channel=r["chan"] or "",
        time=r["time"] or 0.0,
        time_sd=r["deltim"] or 0.0,
        phase=r["iphase"] or "",
        backazimuth_deg=r["azimuth"],
        backazimuth_sd_deg=r["delaz"],
        slowness_s_km=None if slow is None else slow / KM_PER_DEG,
        slowness_sd_s_km=None if slow_sd is None else slow_sd / KM_PER_DEG,
        amplitude_nm=r["amp"],
        period_s=r["per"],
        snr=r["snr"],
        polarity={"c": "up", "d": "down"}.get((r["fm"] or "")[:1], ""),  # type: ignore[arg-type]
        by=MACHINE if r["auth"] in (None, _AUTHOR) else r["auth"],
    )


def _events(rows: Mapping[str, tuple[dict[str, Any], ...]]) -> tuple[Event, ...]:
    errors = {r["orid"]: r for r in rows["origerr"]}
    preferred = {r["evid"]: r["prefor"] for r in rows["event"]}
    names = {r["evid"]: r["evname"] for r in rows["event"]}
    grouped: dict[int, list[Row]] = {}
    for r in rows["origin"]:
        grouped.setdefault(r["evid"] if r["evid"] is not None else -1 - (r["orid"] or 0), []).append(r)
    events = []
    for evid, found in grouped.items():
        found.sort(key=lambda r: r["orid"] != preferred.get(evid))
        origins = tuple(_origin(r, errors.get(r["orid"]), rows["assoc"]) for r in found)
        magnitudes = tuple(
            _magnitude(r, rows["stamag"]) for r in rows["netmag"] if r["orid"] == found[0]["orid"]
        )
        events.append(Event(id=names.get(evid) or str(evid), origins=origins, magnitudes=magnitudes))
    return tuple(events)


def _origin(r: Row, error: Row | None, assoc: Iterable[Row]) -> Origin:
    e: Row = error or {}
    depth, half = r["depth"] or 0.0, e.get("sdepth")
    free = r["dtype"] == "f" and half is not None
    return Origin(
        id=str(r["orid"]),
        time=r["time"] or 0.0,
        lat=r["lat"],
        lon=r["lon"],
        time_sd=e.get("stime") or 0.0,
        depth_km=depth,
        depth="free" if r["dtype"] == "f" else "fixed",
        depth_low_km=depth - half if free and half is not None else None,
        depth_high_km=depth + half if free and half is not None else None,
        semi_major_km=e.get("smajax"),
        semi_minor_km=e.get("sminax"),
        strike_deg=e.get("strike"),
        confidence=e.get("conf") or 0.9,
        method=r["algorithm"] or "",
        by=MACHINE if r["auth"] in (None, _AUTHOR) else r["auth"],
        used=tuple(_used(u) for u in assoc if u["orid"] == r["orid"]),
    )


def _used(r: Row) -> Used:
    slowness = r["slores"]
    defining = "".join(
        letter
        for letter, key in (("T", "timedef"), ("A", "azdef"), ("S", "slodef"))
        if (r[key] or "").lower() == "d"
    )
    return Used(
        arrival=str(r["arid"]),
        station=r["sta"] or "",
        phase=r["phase"] or "",
        distance_deg=r["delta"] if r["delta"] is not None else math.nan,
        azimuth_deg=r["esaz"] if r["esaz"] is not None else math.nan,
        time_residual_s=r["timeres"],
        backazimuth_residual_deg=r["azres"],
        slowness_residual_s_km=None if slowness is None else slowness / KM_PER_DEG,
        defining=defining,
    )


def _magnitude(r: Row, stations: Iterable[Row]) -> Magnitude:
    parts = tuple(
        StationMagnitude(
            station=s["sta"] or "",
            kind=s["magtype"] or "",
            value=s["magnitude"] or 0.0,
            sd=s["uncertainty"] or 0.0,
            arrival="" if s["arid"] is None else str(s["arid"]),
            limit=s["commid"] is not None,
        )
        for s in stations
        if s["magid"] == r["magid"]
    )
    return Magnitude(
        kind=r["magtype"] or "",
        value=r["magnitude"] or 0.0,
        sd=r["uncertainty"] or 0.0,
        stations=parts,
        by=MACHINE if r["auth"] in (None, _AUTHOR) else r["auth"],
    )
