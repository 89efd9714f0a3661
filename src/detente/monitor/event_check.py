"""Checks that the parts of an event file fit together, each with the place where they do not."""

from __future__ import annotations

from detente.asof import parse_day
from detente.errors import DetenteError, nearest
from detente.monitor.event import LATER, Event, Hypothesis
from detente.monitor.geo import check_place
from detente.monitor.magnitude_yield import site
from detente.monitor.traveltime import PHASES


def check_event(e: Event) -> None:
    """Raises DetenteError where the parts of an event do not fit together."""
    check_place(e.station.lat, e.station.lon, where="station")
    for a in e.areas:
        check_place(a.lat, a.lon, where=f"area {a.id}")
    signals, sources = {s.id for s in e.signals}, {h.id for h in e.hypotheses}
    readings, areas = {r.id for r in e.readings}, {a.id for a in e.areas}
    for group in (e.signals, e.hypotheses, e.readings, e.areas, e.could_observe, e.statements):
        names = [x.id for x in group]
        if len(set(names)) < len(names):
            raise DetenteError(f"an id appears twice in {', '.join(names)}")
    if sum(m.used for m in e.magnitudes) != 1:
        raise DetenteError("one magnitude, and only one, must have 'used: true'", where="magnitudes")
    for day in (e.day, *(s.published for s in e.signals), *(m.published for m in e.magnitudes)):
        if day:
            parse_day(day)
    for s in e.signals:
        s.p.edges(e.zero), s.s.edges(e.zero), s.back_azimuth.edges(None)
        if s.s.moments(e.zero)[0] <= s.p.moments(e.zero)[0]:
            raise DetenteError("S comes before P", where=f"signal {s.id}")
    for r in e.readings:
        if set(r.arrivals) != signals:
            raise DetenteError(
                f"says nothing of {sorted(signals ^ set(r.arrivals))}", where=f"reading {r.id}"
            )
        for arrival in r.arrivals.values():
            for phase in (arrival.p, arrival.s):
                if phase != LATER and phase not in PHASES:
                    raise DetenteError(
                        f"unknown phase '{phase}'",
                        where=f"reading {r.id}",
                        fix=nearest(phase, (*PHASES, LATER)),
                    )
        for source in {a.source for a in r.arrivals.values()}:
            mine = [x for x in e.signals if r.arrivals[x.id].source == source]
            first = min(mine, key=lambda x: x.p.moments(e.zero)[0])
            if r.arrivals[first.id].p == LATER:
                raise DetenteError(
                    f"the first signal of source {source} has no named P",
                    where=f"reading {r.id}",
                    fix="'later' is for arrivals after a named one",
                )
    for h in e.hypotheses:
        _check_hypothesis(h)
    if not e.areas and any(h.in_areas > 0 for h in e.hypotheses):
        raise DetenteError("in_areas above zero without any area", where="hypotheses")
    if not (e.rock and e.province):
        site(e.site)
    elif e.province not in ("stable", "tectonic"):
        raise DetenteError(f"no province '{e.province}'", fix="write stable or tectonic")
    if not any(h.prior > 0 for h in e.hypotheses) or not any(r.prior > 0 for r in e.readings):
        raise DetenteError("no prior above zero", where="hypotheses and readings")
    known = {"sources": sources, "readings": readings, "yield": sources, "place": areas}
    for x in e.statements:
        for name in x.says:
            if x.test in known and name not in known[x.test]:
                raise DetenteError(
                    f"unknown id '{name}'", where=f"statement {x.id}", fix=nearest(name, known[x.test])
                )
    for o in e.could_observe:
        table, ids = o.mean or o.probability, known[o.about]
        if set(table) != ids:
            raise DetenteError(f"needs a number for each of {sorted(ids)}", where=f"could_observe {o.id}")


def _check_hypothesis(h: Hypothesis) -> None:
    where = f"hypothesis {h.id}"
    if not 0 <= h.in_areas <= 1 or h.prior < 0:
        raise DetenteError("in_areas lies in 0 to 1 and prior at 0 or above", where=where)
    if h.kind == "earthquake" and h.magnitude is None:
        raise DetenteError("an earthquake needs 'magnitude'", where=where)
    if h.kind != "earthquake" and h.yield_t is None:
        raise DetenteError("an explosion needs 'yield_t'", where=where)
    if h.kind == "chemical" and h.deficit is None:
        raise DetenteError("a chemical blast needs 'deficit'", where=where)
    if h.kind == "nuclear-decoupled" and (h.depth_m is None or h.cavity_fullness is None):
        raise DetenteError("a cavity shot needs 'depth_m' and 'cavity_fullness'", where=where)
    for name in ("yield_t", "magnitude", "deficit", "depth_m", "cavity_fullness"):
        r = getattr(h, name)
        if r and (not r.low <= r.high or (name in ("yield_t", "depth_m", "cavity_fullness") and r.low <= 0)):
            raise DetenteError(
                f"{name} from {r.low:g} to {r.high:g}", where=where, fix="low <= high, above zero"
            )
