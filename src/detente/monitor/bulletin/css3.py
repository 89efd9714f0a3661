"""CSS 3.0 flat files: origin, origerr, arrival, assoc, event, magnitudes, sites; fixed widths from one table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from detente.files import write_all
from detente.monitor.bulletin.css3_columns import BLANK, Row
from detente.monitor.bulletin.css3_columns import decode as decode
from detente.monitor.bulletin.css3_columns import encode as encode
from detente.monitor.bulletin.css3_columns import schema as schema
from detente.monitor.bulletin.css3_read import read_css3 as read_css3
from detente.monitor.bulletin.numbers import whole
from detente.monitor.bulletin.quakeml import quality
from detente.monitor.bulletin.records import (
    MACHINE,
    Arrival,
    Bulletin,
    Event,
    Magnitude,
    Origin,
    Used,
)
from detente.monitor.bulletin.times import julian
from detente.monitor.geo import KM_PER_DEG

_AUTHOR = "detente"
_FM = {"up": "c.", "down": "d."}


def css3_tables(bulletin: Bulletin) -> dict[str, list[dict[str, Any]]]:
    """A bulletin as the rows of the eight tables that describe it."""
    arids = whole(a.id for a in bulletin.arrivals)
    evids = whole(e.id for e in bulletin.events)
    orids = whole(o.id for e in bulletin.events for o in e.origins)
    arrivals = {a.id: a for a in bulletin.arrivals}
    rows: dict[str, list[dict[str, Any]]] = {
        k: [] for k in ("origin", "origerr", "event", "arrival", "assoc", "netmag", "stamag", "remark")
    }
    rows["arrival"] = [_arrival_row(a, arids[a.id]) for a in bulletin.arrivals]
    magid = 0
    for event in bulletin.events:
        evid, prefor = evids[event.id], orids[event.origin.id]
        auth = _AUTHOR if event.origin.by == MACHINE else event.origin.by
        rows["event"].append({"evid": evid, "evname": event.id, "prefor": prefor, "auth": auth})
        first: dict[str, tuple[int, float]] = {}
        for magnitude in event.magnitudes:
            magid += 1
            first.setdefault(magnitude.kind.lower(), (magid, magnitude.value))
            _magnitude_rows(rows, magnitude, magid, evid, prefor, arids, arrivals)
        for origin in event.origins:
            known = first if origin is event.origin else {}
            rows["origin"].append(_origin_row(event, origin, orids[origin.id], evid, known))
            rows["origerr"].append(_origerr_row(origin, orids[origin.id]))
            rows["assoc"] += [
                _assoc_row(u, arids[u.arrival], orids[origin.id], arrivals.get(u.arrival), origin.model)
                for u in origin.used
                if u.arrival in arids
            ]
    return rows


def _origin_row(
    event: Event, origin: Origin, orid: int, evid: int, magnitudes: Mapping[str, tuple[int, float]]
) -> dict[str, Any]:
    found = quality(origin)
    row: dict[str, Any] = {
        "lat": origin.lat,
        "lon": origin.lon,
        "depth": origin.depth_km,
        "time": origin.time,
        "orid": orid,
        "evid": evid,
        "jdate": julian(origin.time),
        "nass": len(origin.used),
        "ndef": found["usedPhaseCount"],
        "etype": {"explosion-like": "ex", "earthquake-like": "qt"}.get(
            event.screening.verdict if event.screening else "", BLANK
        ),
        "dtype": "f" if origin.depth == "free" else "r",
        "algorithm": origin.method or None,
        "auth": _AUTHOR if origin.by == MACHINE else origin.by,
    }
    for kind in ("mb", "ms", "ml"):
        if kind in magnitudes:
            row[f"{kind}id"], row[kind] = magnitudes[kind]
    return row


def _origerr_row(origin: Origin, orid: int) -> dict[str, Any]:
    depth_error = None
    if origin.depth_low_km is not None and origin.depth_high_km is not None:
        depth_error = (origin.depth_high_km - origin.depth_low_km) / 2
    return {
        "orid": orid,
        "sdobs": quality(origin).get("standardError"),
        "smajax": origin.semi_major_km,
        "sminax": origin.semi_minor_km,
        "strike": origin.strike_deg,
        "sdepth": depth_error,
        "stime": origin.time_sd,
        "conf": origin.confidence,
    }


def _arrival_row(a: Arrival, arid: int) -> dict[str, Any]:
    amplitude, period = a.amplitude_nm, a.period_s
    level = math.log10(amplitude / period) if amplitude and period and amplitude > 0 and period > 0 else None
    return {
        "sta": a.station,
        "time": a.time,
        "arid": arid,
        "jdate": julian(a.time),
        "chan": a.channel.rpartition(".")[2] or None,
        "iphase": a.phase or None,
        "deltim": a.time_sd,
        "azimuth": a.backazimuth_deg,
        "delaz": a.backazimuth_sd_deg,
        "slow": None if a.slowness_s_km is None else a.slowness_s_km * KM_PER_DEG,
        "delslo": None if a.slowness_sd_s_km is None else a.slowness_sd_s_km * KM_PER_DEG,
        "amp": amplitude,
        "per": period,
        "logat": level,
        "fm": _FM.get(a.polarity),
        "snr": a.snr,
        "auth": _AUTHOR if a.by == MACHINE else a.by,
    }


def _assoc_row(u: Used, arid: int, orid: int, arrival: Arrival | None, model: str) -> dict[str, Any]:
    observed, residual = (arrival.backazimuth_deg if arrival else None), u.backazimuth_residual_deg
    slowness = u.slowness_residual_s_km
    return {
        "arid": arid,
        "orid": orid,
        "sta": u.station,
        "phase": u.phase,
        "delta": u.distance_deg,
        # station to event: what was observed less its residual is what the origin predicts
        "seaz": (observed - residual) % 360 if observed is not None and residual is not None else None,
        "esaz": u.azimuth_deg,
        "timeres": u.time_residual_s,
        "timedef": "d" if "T" in u.defining else "n",
        "azres": residual,
        "azdef": "d" if "A" in u.defining else "n",
        "slores": None if slowness is None else slowness * KM_PER_DEG,
        "slodef": "d" if "S" in u.defining else "n",
        "vmodel": model,
    }


def _magnitude_rows(
    rows: dict[str, list[dict[str, Any]]],
    magnitude: Magnitude,
    magid: int,
    evid: int,
    orid: int,
    arids: Mapping[str, int],
    arrivals: Mapping[str, Arrival],
) -> None:
    auth = _AUTHOR if magnitude.by == MACHINE else magnitude.by
    seen = [s for s in magnitude.stations if not s.limit]
    common = {"magid": magid, "orid": orid, "evid": evid, "auth": auth}
    rows["netmag"].append(
        common
        | {
            "magtype": magnitude.kind,
            "nsta": len(seen),
            "magnitude": magnitude.value,
            "uncertainty": magnitude.sd,
        }
    )
    for s in magnitude.stations:
        row = common | {
            "sta": s.station,
            "arid": arids.get(s.arrival),
            "phase": arrivals[s.arrival].phase or None if s.arrival in arrivals else None,
            "magtype": s.kind,
            "magnitude": s.value,
            "uncertainty": s.sd,
        }
        if s.limit:  # the schema has no mark for a limit: it goes into a remark
            commid = len(rows["remark"]) + 1
            text = f"stamag {magid} {s.station}: upper limit, no signal seen"
            rows["remark"].append({"commid": commid, "lineno": 1, "remark": text})
            row["commid"] = commid
        rows["stamag"].append(row)


def write_css3(
    bulletin: Bulletin,
    prefix: Path,
    more: Mapping[str, Iterable[Row]] | None = None,
    samples: bytes = b"",
) -> tuple[Path, ...]:
    """Write PREFIX.origin and its sisters, all or none; a table that is empty now is not left from before.

    `more`: rows of further tables (site, wfdisc); `samples`: what wfdisc points into, PREFIX.w.

    Raises DetenteError where a value does not fit or the folder cannot be written.
    Source: Anderson et al. 1990, Center for Seismic Studies version 3 database, SAIC C90-01.
    """
    tables: dict[str, Iterable[Row]] = {**css3_tables(bulletin), **(more or {})}
    made = {f"{prefix.name}.{name}": encode(name, rows) for name, rows in tables.items()}
    if samples:
        made[f"{prefix.name}.w"] = samples
    kept = {k: v for k, v in made.items() if v or k.endswith(".origin")}
    written = write_all(prefix.parent, kept)
    for name in schema():
        if f"{prefix.name}.{name}" not in kept:
            prefix.with_name(f"{prefix.name}.{name}").unlink(missing_ok=True)
    return written
