"""Systems carried on by rule from the editions in print on a day: a bottom-up model that any past day can run.

The rule was written down once and fitted to nothing: what a leg gained over five years goes on, stops or
doubles; silos seen and not loaded fill to none, half or all in ten years; a treaty limit in force is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from detente.asof import AsOf, Span
from detente.forces.bottomup import Driver
from detente.forces.catalogue import as_known, counts
from detente.forces.counts import Count
from detente.forces.declarations import declaration_dates, declared
from detente.forces.line import stockpile_line
from detente.sources import Quality, worst

SERIES = ("FAS_NOTEBOOK", "FAS_SIPRI")  # editions that print warheads by leg or type
MOST = 0.5  # of the stockpile: an edition that assigns less is not complete by leg
WINDOW = 5  # years over which a pace is taken; a shorter record counts as this long
AHEAD = 10  # years to the far end of the rule
WIDTH = 0.15  # of today's number, the least that ten years may add or take with 90 %: assumed
EACH = (1.0, 1.0, 3.0)  # warheads in a new silo: one, or three (Korda and Kristensen, 26 July 2021)
DELIVERY_SYSTEMS, LIMIT_FROM = 700.0, 2018  # New START Art. II.1(a), reached 5 February 2018


def rule_drivers(party: str, known: date) -> tuple[Driver, ...]:
    """Drivers of `party` by rule from what was in print on `known`; none where neither two editions by leg
    nor two treaty declarations were.
    """
    legs = _legs(party, known)
    if max((len(editions) for editions in legs.values()), default=0) < 2:  # one edition tells no pace
        return _from_declarations(party, known)
    silos = _silos(known) if party == "CN" else ()
    return (*(_leg(party, name, points) for name, points in legs.items()), *silos)


def _legs(party: str, known: date) -> dict[str, list[tuple[date, float, Quality]]]:
    """By leg the (day, warheads assigned, quality) of each edition in print: its types added, or its own total."""
    editions: dict[date, dict[str, list[Count]]] = {}
    for c in as_known(known):
        if c.party == party and c.series in SERIES and c.status == "assigned" and c.mid == c.mid:
            day = Span.parse(c.as_of).earliest
            editions.setdefault(day, {}).setdefault(c.category, []).append(c)
    line = stockpile_line(party, known)
    stock = dict(zip(line.years.tolist(), line.warheads.tolist(), strict=True))
    found: dict[str, list[tuple[date, float, Quality]]] = {}
    for day, legs in sorted(editions.items()):
        used = {leg: [c for c in rows if not c.type] or rows for leg, rows in legs.items()}
        assigned = {leg: sum(c.mid for c in rows) for leg, rows in used.items()}
        if sum(assigned.values()) < MOST * stock.get(day.year, line.last):
            continue  # the edition did not print most of its types
        for leg, rows in used.items():
            found.setdefault(leg, []).append((day, assigned[leg], worst([c.quality for c in rows])))
    return found


def _leg(party: str, name: str, editions: list[tuple[date, float, Quality]]) -> Driver:
    last, today, _ = editions[-1]
    recent = [e for e in editions if (last - e[0]).days <= WINDOW * 366]
    gain = today - recent[0][1]
    points = _carried(last.year, today, gain)
    quality = worst([q for _, _, q in recent])
    return _driver(
        party, name, f"{name} leg", "warheads", points, last, quality, "editions in print, by rule"
    )


def _carried(year: int, today: float, gain: float) -> tuple[tuple[int, float, float, float], ...]:
    """Today's number and that of AHEAD years on: a gain over WINDOW years stops, goes on, or doubles."""
    on, wide = gain * AHEAD / WINDOW, WIDTH * today
    low, high = today + min(0.0, 2 * on) - wide, today + max(0.0, 2 * on) + wide
    far = (max(low, 0.0), max(today + on, 0.0), max(high, 0.0))
    return ((year, today, today, today), (year + AHEAD, *far))


def _silos(known: date) -> tuple[Driver, ...]:
    """Silos seen by `known` and not yet loaded, filling to none, half or all of them in AHEAD years."""
    rows = [c for c in counts("silo_fields") if Span.parse(c.published).reached(known)]
    seen = sum(c.mid for c in rows if c.status == "total")
    if not seen:
        return ()
    said = [x for c in rows if c.status == "loaded" for x in (c.low, c.best, c.high) if x == x]
    loaded = min(sum(said) / len(said) if said else 0.0, seen)
    day = max(Span.parse(c.published).latest for c in rows)
    points = (
        (day.year, loaded, loaded, loaded),
        (day.year + AHEAD, loaded, (loaded + seen) / 2, seen),
    )
    quality = worst([c.quality for c in rows])
    each = ((day.year, *EACH),)
    return (
        _driver("CN", "land", "silos seen", "deployed", points, day, quality, "silo fields, by rule"),
        _driver("CN", "land", "silos seen", "assigned", each, day, Quality.assumed, "FAS, July 2021"),
    )


def _from_declarations(party: str, known: date) -> tuple[Driver, ...]:
    """Deployed delivery systems as declared under New START, carried on within its limit.

    Each stands for as many warheads of the stockpile as it does on the day. None for other parties.
    """
    said = [(day, n) for day in declaration_dates("new-start") if (n := _declared(party, day, known))]
    if len(said) < 2:
        return ()
    last, today = said[-1]
    recent = [n for day, n in said if (last - day).days <= WINDOW * 366]
    line = stockpile_line(party, known)
    each = line.last / today
    points = _within(_carried(last.year, today, today - recent[0]))
    about = (party, "", "declared delivery systems")
    source = "New START declarations, by rule"
    return (
        _driver(*about, "deployed", points, last, Quality.derived, source),
        _driver(*about, "assigned", ((last.year, each, each, each),), last, Quality.derived, source),
    )


def _within(
    points: tuple[tuple[int, float, float, float], ...],
) -> tuple[tuple[int, float, float, float], ...]:
    """The treaty's limit kept from LIMIT_FROM on: a point in that year where the path starts above it."""
    (first, today, *_), (year, low, best, high) = points
    low, best, high = (min(x, DELIVERY_SYSTEMS) for x in (low, best, high))
    far = (year, low, best, high)
    if today <= DELIVERY_SYSTEMS or first >= LIMIT_FROM:
        return (points[0], far)
    return (points[0], (LIMIT_FROM, low, best, high), far)


def _declared(party: str, day: date, known: date) -> float | None:
    rows = declared("new-start", party, AsOf(day, day, known))
    if rows is None:
        return None
    return next((i.best for i in rows.items if i.id.endswith("II.1.a") and i.best == i.best), None)


def _driver(
    party: str,
    category: str,
    name: str,
    quantity: str,
    points: Iterable[tuple[int, float, float, float]],
    day: date,
    quality: Quality,
    source: str,
) -> Driver:
    return Driver(
        party=party,
        category=category,
        kind="",
        type=name,
        quantity=quantity,
        unit="warheads" if quantity == "warheads" else "items",
        points=tuple(points),
        published=day.isoformat(),
        quality=quality,
        source=source,
        note="",
    )
