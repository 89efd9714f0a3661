"""Events weighed by all arrivals: found where few stations see them, and set right where wrong arrivals were taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.chain.evidence import (
    DIRECTION_DEG,
    REACH_DEG,
    Witnesses,
    about,
    log_evidence,
    on_sphere,
    shares,
    travel,
    witnesses,
)
from detente.monitor.chain.lone import CODA_S, explained
from detente.monitor.chain.refine import after_origin, pick_sd
from detente.monitor.event_location import destination
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.network.associate import Settings
from detente.monitor.network.locate import locate, nodes
from detente.monitor.waves.trace import Array

Float = NDArray[np.float64]

STRONG_SNR: Final = 8.0
LEAST: Final = 3  # stations that saw P: fewer do not fix a place and a time
LEADS: Final = 3  # of an event, strongest first
REACH: Final = 20.0  # degrees from the lead's station
BETTER: Final = 3.0
"""By so much more, in natural logs (20 to 1), another place must explain the arrivals to take an event from its own."""
DEEP_KM: Final = 40.0  # a place at the surface is no rival to it
EARTH_KM2: Final = 5.1e8
VAST: Final = 2e7  # km2 s of a posterior that is as wide as they come: 1000 km, 3 s
STEPS_DEG: Final = (1.0, 0.25, 0.0625)
MISS_S: Final = 14.0 / 3.5  # s a degree of step: Pn over a node's half width, as a spread
SPAN_S: Final = (400.0, 1200.0)
FAR_KM, NODE_KM = 500.0, 25.0
HALF_TRUE: Final = 0.5


class Place(msgspec.Struct, frozen=True):
    """Where and when the arrivals agree best: degrees, s UTC, natural log of the odds against noise."""

    log: float
    lat: float
    lon: float
    time: float


def weighed_events(
    events: Sequence[Event], arrivals: Sequence[Arrival], arrays: Mapping[str, Array], settings: Settings
) -> list[Event]:
    """The events, with those added that strong arrivals lead to, and those moved that another place explains better.

    Each strong arrival that no sure event explains, and the strongest of each event, is tried as its station's first
    P from every place within 20 degrees: all arrivals of all stations are weighed there (`evidence`). A new event
    needs the associator's odds, its prior rate included; it takes an event's place if the arrivals are
    20 times likelier from its own. What lies deep, or far from the stations, is left to the associator.
    """
    every = witnesses(arrivals, arrays)
    found = list(events)
    added: list[dict[str, tuple[float, float]]] = []
    for lead in _leads(found, arrivals, arrays):
        if any(_within(lead, spans) for spans in added):
            continue
        w = _near(every, lead, arrays)
        if len({a.station for a in w.arrivals}) < LEAST:
            continue
        one = _event(w, lead, arrays, settings)
        if one is None:
            continue
        mine = {u.arrival for u in one.origin.used}
        rivals = [e for e in found if mine & {u.arrival for u in e.origin.used}]
        log = float(one.origin.why["log_odds_arrivals"])
        if any(log < _own(every, e, arrays) + BETTER for e in rivals):
            continue
        if not rivals and float(one.origin.why["log_odds"]) < settings.least_score:
            continue
        if len(rivals) == 1:
            one = Event(id=rivals[0].id, origins=(one.origin, *rivals[0].origins))
        found = [e for e in found if e not in rivals] + [one]
        added.append(explained(one.origin, arrays))
    return sorted(found, key=lambda e: (e.origin.time, e.id))


def _sure(event: Event) -> bool:
    return len({u.station for u in event.origin.used}) >= LEAST


def _leads(
    events: Sequence[Event], arrivals: Sequence[Arrival], arrays: Mapping[str, Array]
) -> list[Arrival]:
    """The strongest first arrivals of events, then strong ones outside louder ones' codas that no event explains."""
    strong = sorted(
        (a for a in arrivals if (a.snr or 0.0) >= STRONG_SNR and a.station in arrays),
        key=lambda a: (-(a.snr or 0.0), a.time, a.id),
    )
    sure = [explained(e.origin, arrays) for e in events if _sure(e)]
    found: list[Arrival] = []
    for e in events:
        if _near_all(e):
            mine, spans = {u.arrival for u in e.origin.used}, explained(e.origin, arrays)
            found += [a for a in strong if a.id in mine or _within(a, spans)][:LEADS]
    louder: dict[str, list[float]] = {}
    for a in strong:
        coda = any(0 < a.time - t < CODA_S for t in louder.get(a.station, ()))
        louder.setdefault(a.station, []).append(a.time)
        if not coda and not any(_within(a, spans) for spans in sure):
            found.append(a)
    return list({a.id: a for a in found}.values())


def _within(a: Arrival, spans: Mapping[str, tuple[float, float]]) -> bool:
    return spans[a.station][0] <= a.time <= spans[a.station][1]


def _near_all(event: Event) -> bool:
    """Is it shallow, and are its stations within the reach of regional phases?"""
    o = event.origin
    deep = o.depth == "free" and (o.depth_low_km or 0.0) > DEEP_KM
    return not deep and bool(o.used) and max(u.distance_deg for u in o.used) <= REACH_DEG


def _near(w: Witnesses, lead: Arrival, arrays: Mapping[str, Array]) -> Witnesses:
    here = arrays[lead.station]
    degrees = on_sphere(w.lats, w.lons, here.lat, here.lon)[0]
    return about(w, lead.time - SPAN_S[0], lead.time + SPAN_S[1], np.atleast_1d(degrees <= REACH + REACH_DEG))


def _own(w: Witnesses, event: Event, arrays: Mapping[str, Array]) -> float:
    """How well an event's own place explains the arrivals; one that may not be moved explains everything."""
    if not _near_all(event):
        return np.inf
    o = event.origin
    mine = {u.arrival for u in o.used}
    lead = next((a for a in w.arrivals if a.id in mine), None)
    if lead is None:
        return np.inf
    near = _near(w, lead, arrays)
    times = o.time + np.arange(-6.0, 6.1, 1.0)
    return float(log_evidence(near, np.full(times.size, o.lat), np.full(times.size, o.lon), times).max())


@lru_cache(maxsize=1)
def _nodes() -> Float:
    return nodes(STEPS_DEG[0])


def _best(w: Witnesses, lead: Arrival, arrays: Mapping[str, Array]) -> Place:
    """The place within 20 degrees from which the lead is P and all arrivals are likeliest: a grid that closes in."""
    here = arrays[lead.station]
    lats, lons = np.degrees(_nodes()).T
    near = on_sphere(lats, lons, here.lat, here.lon)[0] <= REACH
    lats, lons = lats[near], lons[near]
    for step, finer in zip(STEPS_DEG, (*STEPS_DEG[1:], 0.0), strict=True):
        degrees = np.asarray(distance_azimuth(lats, lons, here.lat, here.lon)[0])
        late = np.zeros(1) if finer else np.arange(-3.0, 3.1, 1.0)  # the lead's own pick may err
        times = (lead.time - travel("P", degrees))[:, None] + late
        flat = np.repeat(lats, late.size), np.repeat(lons, late.size), times.ravel()
        log = log_evidence(w, *flat, slack_s=MISS_S * step if finer else 0.0)
        order = np.argsort(-log, kind="stable")[:6]
        if finer:
            turn = np.arange(-step / 2, step / 2 + 1e-9, finer)
            y, x = (v.ravel() for v in np.meshgrid(turn, turn))
            wide = [x / max(np.cos(np.radians(lats[k])), 0.2) for k in order]
            lats, lons = (
                np.concatenate([np.clip(lats[k] + y, -90, 90) for k in order]),
                (np.concatenate([lons[k] + east for k, east in zip(order, wide, strict=True)]) + 180) % 360
                - 180,
            )
    k = int(order[0])
    return Place(float(log[k]), float(flat[0][k]), float(flat[1][k]), float(flat[2][k]))


def _event(w: Witnesses, lead: Arrival, arrays: Mapping[str, Array], settings: Settings) -> Event | None:
    """The event that the lead leads to, located by the first arrivals that are likelier its own than not."""
    place = _best(w, lead, arrays)
    rate = settings.events_a_day / 86400 / EARTH_KM2
    if place.log + np.log(rate * VAST) < -BETTER:
        return None  # neither new nor better, however vast
    origin: Origin | None = None
    for _ in range(2):
        owned = shares(w, place.lat, place.lon, place.time)
        firsts = [w.arrivals[k] for (k, phase), p in owned.items() if phase == "P" and p > HALF_TRUE]
        if len({a.station for a in firsts}) < LEAST:
            return None
        first = [msgspec.structs.replace(defining(a, arrays[a.station]), phase="") for a in firsts]
        start = Origin(id="weighed", time=place.time, lat=place.lat, lon=place.lon, time_sd=1.0)
        try:
            origin = locate(
                first, arrays, settings=settings.locate, start=start, origin_id=f"weighed-{lead.id}"
            )
        except DetenteError:
            return None
        place = _at(w, origin)
    assert origin is not None
    origin = _spread(w, origin, place)
    volume = 2 * np.pi * (origin.semi_major_km or 1.0) * (origin.semi_minor_km or 1.0)
    volume /= -2 * np.log(1 - origin.confidence)
    odds = place.log + float(np.log(rate * volume * np.sqrt(2 * np.pi) * origin.time_sd))
    behind = [
        Used(arrival=w.arrivals[k].id, station=w.arrivals[k].station, phase="Sn" if phase == "S" else phase,
             distance_deg=0.0, azimuth_deg=0.0)
        for (k, phase), p in shares(w, origin.lat, origin.lon, place.time).items()
        if phase != "P" and p > HALF_TRUE and w.arrivals[k].id not in {u.arrival for u in origin.used}
    ]  # fmt: skip
    by_id = {a.id: a for a in w.arrivals}
    others = tuple(after_origin(u, by_id[u.arrival], origin, arrays) for u in behind)
    why = {**origin.why, "log_odds": odds, "log_odds_arrivals": place.log}
    told = f"{origin.method}; weighed by all arrivals, e^{odds:.1f} to one against noise"
    origin = msgspec.structs.replace(origin, used=(*origin.used, *others), why=why, method=told)
    return Event(id=f"weighed-{lead.station}-{lead.time:.0f}", origins=(origin,))


def defining(a: Arrival, station: Array) -> Arrival:
    """A first P as it defines the origin: a weak pick trusted less; of a single sensor the direction alone, loosely."""
    a = msgspec.structs.replace(a, time_sd=pick_sd(a))
    if len(station.sites) >= 3:
        return a
    sd = None if a.backazimuth_sd_deg is None else float(np.hypot(a.backazimuth_sd_deg, DIRECTION_DEG))
    return msgspec.structs.replace(a, backazimuth_sd_deg=sd, slowness_s_km=None, slowness_sd_s_km=None)


def _at(w: Witnesses, origin: Origin) -> Place:
    """The evidence at an origin, at the time about its own that fits best."""
    times = origin.time + np.arange(-4.0, 4.1, 0.5)
    log = log_evidence(w, np.full(times.size, origin.lat), np.full(times.size, origin.lon), times)
    return Place(float(log.max()), origin.lat, origin.lon, float(times[int(log.argmax())]))


def _spread(w: Witnesses, origin: Origin, place: Place) -> Origin:
    """The origin with an ellipse that counts in other places, where other arrivals may be the event's, by their weight.

    The locator's ellipse takes the arrivals for granted. The evidence is summed over the places to 500 km, at the
    times that each first arrival gives them; the share that lies beyond twice the ellipse adds its second moment.
    """
    ring = np.arange(NODE_KM, FAR_KM + 1, NODE_KM)
    polar = [(km, a) for km in ring for a in np.arange(0, 360, 360 / max(6, round(2 * np.pi * km / NODE_KM)))]
    km, azimuth = np.array([(0.0, 0.0), *polar]).T
    lats, lons = (np.ravel(v) for v in destination(origin.lat, origin.lon, azimuth, km / KM_PER_DEG))
    index = {a.id: k for k, a in enumerate(w.arrivals)}
    firsts = [index[u.arrival] for u in origin.used if u.defining and u.arrival in index]
    several = []
    for k in firsts:
        i = int(w.whose[k])
        degrees = on_sphere(lats, lons, w.lats[i], w.lons[i])[0]
        several.append(
            log_evidence(w, lats, lons, w.time[k] - travel("P", degrees), MISS_S * NODE_KM / KM_PER_DEG)
        )
    if not several:
        return origin
    weight = np.exp(np.max(several, axis=0) - np.max(several))
    weight /= weight.sum()
    east, north = km * np.sin(np.radians(azimuth)), km * np.cos(np.radians(azimuth))
    scale = -2 * np.log(1 - origin.confidence)
    major, minor = origin.semi_major_km or NODE_KM, origin.semi_minor_km or NODE_KM
    a = np.radians(origin.strike_deg or 0.0)
    axes = np.array([[np.sin(a), np.cos(a)], [np.cos(a), -np.sin(a)]])
    along = axes @ np.array([east, north])
    beyond = (along[0] / major) ** 2 + (along[1] / minor) ** 2 > 4
    extra = (weight * beyond * np.array([east, north])) @ np.array([east, north]).T
    covariance = axes.T @ np.diag([major**2, minor**2]) @ axes / scale + extra
    values, vectors = np.linalg.eigh(covariance * scale)
    strike = float(np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180)
    return msgspec.structs.replace(
        origin,
        semi_major_km=float(np.sqrt(values[1])),
        semi_minor_km=float(np.sqrt(values[0])),
        strike_deg=strike,
    )
