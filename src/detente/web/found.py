"""Events found in waveforms: those of the bulletins that the server was given, and their sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from detente.brief import held as bulletins
from detente.brief.found import chance, reading, verdict_words, when
from detente.brief.held import Held
from detente.errors import DetenteError, nearest
from detente.web.answer import Answer, Code, command
from detente.web.jobs import TURN

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Arrival, Event

KINDS: Final = {"svg": "image/svg+xml", "png": "image/png"}
FIGURES: Final = ("day", "health")
_MADE: Final = ("program", "settings", "data", "seed")  # not the paths: they are this machine's own


def listed(known: Sequence[Held]) -> Answer:
    """Every event of the bulletins, the newest first."""
    rows = [_row(h, e) for h in known for e in h.bulletin.events]
    rows.sort(key=lambda r: str(r["time"]), reverse=True)
    return Answer(
        {"bulletins": [_about(h) for h in known], "events": rows},
        Code(
            command("serve", "--help") if not known else command("monitor", "show", known[0].path),
            "from pathlib import Path\n\nfrom detente.brief.held import held\n\n"
            f"for one in held([Path(p) for p in {[h.path for h in known]!r}]):\n"
            "    print(one.name, len(one.bulletin.events))" + ("" if known else "\nprint('no bulletin')"),
        ),
        {"found": rows},
        (),
        (
            "Events found in waveforms by detente monitor process, as the bulletins given to this server hold them.",
        ),
    )


def _about(one: Held) -> dict[str, Any]:
    b = one.bulletin
    return {
        "name": one.name, "start": _time(b.start), "end": _time(b.end), "stations": len(b.stations),
        "arrivals": len(b.arrivals), "events": len(b.events), "faults": len(b.faults),
    }  # fmt: skip


def _row(one: Held, event: Event) -> dict[str, Any]:
    from detente.monitor.character.magnitudes import body_wave

    o, s, mb = event.origin, event.screening, body_wave(event)
    coupled = next((y for y in event.yields if y.assumption == "coupled"), None)
    return {
        "bulletin": one.name, "id": event.id, "time": _time(o.time), "lat": round(o.lat, 3), "lon": round(o.lon, 3),
        "major_km": _digits(o.semi_major_km, 1), "minor_km": _digits(o.semi_minor_km, 1),
        "depth_km": o.depth_km, "stations": len({u.station for u in o.used}),
        "magnitude": None if mb is None else round(mb.value, 2), "kind": "" if mb is None else mb.kind,
        "verdict": s.verdict if s else "cannot be screened",
        "p_explosion": None if s is None else _digits(s.p_explosion, 4),
        "yield_kt": None if coupled is None else _figures(coupled.median_kt),
        "low_kt": None if coupled is None else _figures(coupled.low_kt),
        "high_kt": None if coupled is None else _figures(coupled.high_kt),
        "changes": len(event.changes),
    }  # fmt: skip


def one(known: Sequence[Held], name: str, event_id: str) -> Answer:
    """One found event: the reading, every pick with its residuals, station magnitudes, evidence, yield, changes."""
    from detente.monitor.sheets.style import place_words

    at = bulletins.find(known, name)
    event = _event(at, event_id)
    o, s = event.origin, event.screening
    made = at.bulletin.made_with
    arrivals = {a.id: a for a in at.bulletin.arrivals}
    return Answer(
        {
            "bulletin": name, "id": event.id,
            "title": f"{when(event):%Y-%m-%d %H:%M:%S} UTC, {place_words(o.lat, o.lon)}",
            "reading": reading(event, int(made.get("seed", "1"))), "verdict": verdict_words(event),
            "why": s.why if s else "", "chance": "" if s is None or s.p_explosion is None else chance(s.p_explosion),
            "method": o.method, "by": o.by, "depth": o.depth, "depth_km": o.depth_km, "stamp": at.stamp,
            "origins": len(event.origins), "faults": len(at.bulletin.faults),
        },
        Code(
            command("monitor", "show", at.path, event.id),
            "from pathlib import Path\n\nfrom detente.brief.found import reading\n"
            "from detente.monitor.bulletin.formats import read_any\n"
            "from detente.monitor.chain.edit import find_event\n\n"
            f"event = find_event(read_any(Path({at.path!r})), {event.id!r})\nprint(reading(event))",
        ),
        _tables(event, arrivals, made),
        (),
        (
            "Found with no hint of time or place: detected at each station, associated, located, measured, screened.",
            "Residuals: observed less predicted. Filled columns of 'used': which readings shaped the origin.",
            f"{o.method}; travel times {o.model}",
        ),
        (),
        _places(event),
    )  # fmt: skip


def _event(at: Held, event_id: str) -> Event:
    by_id = {e.id: e for e in at.bulletin.events}
    if event_id not in by_id:
        raise DetenteError(
            f"no event '{event_id}' in {at.name}", fix=nearest(event_id, by_id) if by_id else "it is empty"
        )
    return by_id[event_id]


def _tables(
    event: Event, arrivals: Mapping[str, Arrival], made: Mapping[str, str]
) -> dict[str, list[dict[str, Any]]]:
    o, s = event.origin, event.screening
    found: dict[str, list[dict[str, Any]]] = {
        "picks": [_pick(u, arrivals.get(u.arrival)) for u in sorted(o.used, key=lambda u: (u.distance_deg, u.phase))],
        "magnitudes": [
            {"kind": m.kind, "station": x.station, "value": round(x.value, 2), "sd": round(x.sd, 2),
             "limit": "below" if x.limit else "",
             "less_network": round(x.value - m.value, 2), "term": _digits(x.term, 2)}
            for m in event.magnitudes for x in m.stations
        ],
        "networks": [
            {"kind": m.kind, "value": round(m.value, 2), "sd": None if limit else round(m.sd, 2),
             "limit": "below" if limit else "",
             "stations": len({x.station for x in m.stations if not x.limit}), "method": m.method}
            for limit, several in ((False, event.magnitudes), (True, event.limits)) for m in several
        ],
        "evidence": [
            {"criterion": c.name, "value": _digits(c.value, 2), "log10_ratio": round(c.log10_ratio, 2),
             "stations": " ".join(c.stations), "why": c.why}
            for c in (s.criteria if s else ())
        ],
        "yields": [
            {"assumption": y.assumption, "median_kt": _figures(y.median_kt), "low_kt": _figures(y.low_kt),
             "high_kt": _figures(y.high_kt), "why": y.why}
            for y in event.yields
        ],
        "missed": [{"station": m.station, "phase": m.phase, "p_detect": round(m.p_detect, 3)} for m in o.missed],
        "changes": [
            {"time": _time(c.when), "who": c.who, "what": c.what, "before": c.before, "after": c.after,
             "reason": c.reason}
            for c in event.changes
        ],
        "made": [{"what": k, "value": made[k]} for k in _MADE if made.get(k)],
    }  # fmt: skip
    return {k: v for k, v in found.items() if v}


def _pick(u: Any, a: Arrival | None) -> dict[str, Any]:
    return {
        "station": u.station, "phase": u.phase, "time": "" if a is None else _time(a.time, fraction=True),
        "distance_deg": round(u.distance_deg, 2), "azimuth_deg": round(u.azimuth_deg, 1),
        "time_residual_s": _digits(u.time_residual_s, 2),
        "azimuth_residual_deg": _digits(u.backazimuth_residual_deg, 1),
        "slowness_residual_s_km": _digits(u.slowness_residual_s_km, 4), "used": u.defining,
        "snr": None if a is None else _digits(a.snr, 1), "by": "" if a is None else a.by,
    }  # fmt: skip


def _places(event: Event) -> dict[str, Any]:
    """The epicentre, its ellipse and the stations as GeoJSON."""
    from detente.monitor.event_figures import ring
    from detente.monitor.sheets.around import places_of

    o = event.origin

    def feature(geometry: dict[str, Any], **words: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": words, "geometry": geometry}

    def point(lat: float, lon: float) -> dict[str, Any]:
        return {"type": "Point", "coordinates": [round(_near(lon, o.lon), 4), round(lat, 4)]}

    made = []
    if o.semi_major_km is not None and o.semi_minor_km is not None:
        lats, lons = ring(o.lat, o.lon, o.semi_major_km, o.semi_minor_km, o.strike_deg or 0.0)
        line = [
            [round(_near(float(x), o.lon), 4), round(float(y), 4)] for y, x in zip(lats, lons, strict=True)
        ]
        name = f"{100 * o.confidence:.0f} %: {o.semi_major_km:.0f} × {o.semi_minor_km:.0f} km"
        made.append(
            feature({"type": "Polygon", "coordinates": [[*line[:-1], line[0]]]}, kind="ellipse", name=name)
        )
    phases: dict[str, list[str]] = {}
    for u in o.used:
        phases.setdefault(u.station, []).append(u.phase)
    made += [
        feature(point(p.lat, p.lon), kind="station", name=f"{p.code}: {', '.join(phases[p.code])}")
        for p in places_of(event)
    ]
    made.append(feature(point(o.lat, o.lon), kind="place", name=event.id))
    return {"type": "FeatureCollection", "features": made}


def _near(lon: float, centre: float) -> float:
    """A longitude within half a turn of the centre's: what crosses the date line stays in one piece."""
    return centre + (lon - centre + 180.0) % 360.0 - 180.0


def figure(
    known: Sequence[Held], name: str, which: str, event_id: str = "", lang: str = "en"
) -> tuple[bytes, str]:
    """A figure's bytes and their media type: `which` is sheet (of an event), day or health, with .svg or .png."""
    stem, _, kind = which.rpartition(".")
    if kind not in KINDS or stem not in (("sheet",) if event_id else FIGURES):
        choices = [f"{s}.{k}" for s in (("sheet",) if event_id else FIGURES) for k in KINDS]
        raise DetenteError(f"no figure '{which}'", fix=nearest(which, choices))
    at = bulletins.find(known, name)
    if event_id:
        _event(at, event_id)
    with TURN:
        return _rendered(at, stem, event_id, lang)[kind], KINDS[kind]


@lru_cache(maxsize=24)
def _rendered(at: Held, stem: str, event_id: str, lang: str) -> dict[str, bytes]:
    from detente.brief.lettering import lettered
    from detente.brief.tongue import tongue
    from detente.drawing import rendered

    if stem == "sheet":
        drawn = bulletins.sheet(at, _event(at, event_id))
    else:
        drawn = bulletins.day_sheet(at) if stem == "day" else bulletins.health_sheet(at)
    return rendered(lettered(drawn, tongue(lang)))


def _time(time: float, *, fraction: bool = False) -> str:
    from datetime import UTC, datetime

    text = datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds" if fraction else "seconds")
    return text[: -len("+00:00")].replace("T", " ")


def _digits(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _figures(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.2g}")
