"""What the rooms below computed, once: projections, event analyses and the network, kept by their inputs."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING

from detente.asof import AsOf
from detente.forces.views import Line, compare
from detente.parties import parties

if TYPE_CHECKING:
    from detente.forces.breakout import Breakout
    from detente.forces.project import Projection
    from detente.monitor.capability import Model
    from detente.monitor.event import Event
    from detente.monitor.event_report import Analysis

DRAWS, EVENT_DRAWS, SEED = 5_000, 10_000, 1
WORLD_STEP_DEG = 5.0


@lru_cache(maxsize=32)
def projection(party: str, to: int, known: date) -> Projection:
    """A party's stockpile ahead from what was in print on `known`."""
    from detente.forces.project import project

    return project(party, to, known=known, n=DRAWS, seed=SEED)


@lru_cache(maxsize=16)
def breakout(party: str, law: str, known: date) -> Breakout:
    """What a party could deploy on the systems it has."""
    from detente.forces.breakout import breakout as compute

    return compute(party, law, known=known, n=DRAWS, seed=SEED)


@lru_cache(maxsize=1024)
def levels(party: str, status: str, facts: date, known: date) -> tuple[Line, ...]:
    """One status of a party as each series last gave it."""
    (_, lines), *_ = compare([party], AsOf(facts, facts, known), status)
    return tuple(lines)


def level(party: str, status: str, series: str, facts: date, known: date) -> Line | None:
    """The line of one series with a number in it, or None."""
    given = [x for x in levels(party, status, facts, known) if x.series == series]
    return next((x for x in given if x.best is not None or x.low is not None), None)


def named(code: str, *, first: bool = False) -> str:
    """A party's English name in a sentence (with its article), or the word itself where it is no party."""
    known = parties()
    name = known[code].name if code in known else code
    article = "the " if name.startswith("United") or code not in known else ""
    text = article + name
    return text[:1].upper() + text[1:] if first else text


def monitor_is_here() -> bool:
    """Are the packages of detente[monitor] installed?"""
    return find_spec("numba") is not None and find_spec("geographiclib") is not None


@lru_cache(maxsize=4)
def event_file(name: str) -> Event:
    """One event as its file tells it."""
    from detente.monitor.event_files import read_event

    return read_event(name)


@lru_cache(maxsize=4)
def event(name: str) -> Analysis:
    """The analysis of one event."""
    from detente.monitor.event_report import analyse

    return analyse(event_file(name), draws=EVENT_DRAWS, seed=SEED)


@lru_cache(maxsize=1)
def network() -> Model:
    """The primary network of the test-ban organization, as the capability room models it."""
    from detente.monitor.capability import Model, Settings
    from detente.monitor.stations import network as stations

    return Model.build(stations(("primary",)), Settings())


@lru_cache(maxsize=4)
def least_capable(stations: int) -> float:
    """The largest magnitude that `stations` stations need anywhere on the map, mb."""
    import numpy as np

    from detente.monitor.capability import capability_map

    made = capability_map(network(), step_deg=WORLD_STEP_DEG)
    return float(np.nanmax(made.magnitude[stations - 1]))
