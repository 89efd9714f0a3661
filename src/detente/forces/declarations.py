"""Declarations: what parties declared under treaties, as inventories that the law can count."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from importlib.resources import files

from detente.asof import AsOf, Duration, shift
from detente.inventory import Inventory, Item, Value
from detente.sources import Quality, Source
from detente.tables import Row, read_table
from detente.vocabulary import kinds

DATA = files("detente.forces").joinpath("data")
STANDS_FOR = Duration(months=7)  # the longest gap between two exchange dates (2011-02-05 to 2011-09-01)

_TOTALS = (  # column of the aggregates, limit, unit
    ("deployed_delivery_systems", "II.1.a", "delivery systems"),
    ("deployed_warheads", "II.1.b", "warheads"),
    ("total_launchers", "II.1.c", "launchers and bombers"),
)
_CATEGORIES: dict[str, tuple[str, str, dict[str, Value]]] = {  # category: kind, unit, attributes
    "deployed_icbm": ("icbm", "missiles", {"deployed": True}),
    "non_deployed_icbm": ("icbm", "missiles", {"deployed": False}),
    "deployed_slbm": ("slbm", "missiles", {"deployed": True}),
    "non_deployed_slbm": ("slbm", "missiles", {"deployed": False}),
    "deployed_icbm_launchers": ("icbm_launcher", "launchers", {"deployed": True}),
    "non_deployed_icbm_launchers": ("icbm_launcher", "launchers", {"deployed": False}),
    "deployed_slbm_launchers": ("slbm_launcher", "launchers", {"deployed": True}),
    "non_deployed_slbm_launchers": ("slbm_launcher", "launchers", {"deployed": False}),
    "deployed_heavy_bombers": ("heavy_bomber", "bombers", {"deployed": True, "nuclear": True}),
    "non_deployed_heavy_bombers": ("heavy_bomber", "bombers", {"deployed": False, "nuclear": True}),
    "heavy_bombers_non_nuclear": ("heavy_bomber", "bombers", {"nuclear": False, "converted": True}),
    "deployed_missile_warheads": ("deployed_missile_warhead", "warheads", {}),
    "converted_slbm_launchers": ("slbm_launcher", "launchers", {"converted": True}),
    "converted_icbm_launchers": ("icbm_launcher", "launchers", {"converted": True}),
    "converted_heavy_bombers": ("heavy_bomber", "bombers", {"nuclear": False, "converted": True}),
}
START_1_DAY = date(1990, 9, 1)
_START_1_SIDE = {
    "US": "US",
    "RU": "SU",
}  # Russia speaks for the Soviet side; the other successors declared nothing
_DISPUTED = {c for c in _CATEGORIES if c.startswith("converted_")}


def declared(instrument: str, party: str, as_of: AsOf, *, by_system: bool = False) -> Inventory | None:
    """What `party` had declared under `instrument` for the day of `as_of.facts`, as known by `as_of.known`.

    A declaration stands until the next exchange date, at most seven months; after that the day is unknown and
    the answer is None. `by_system`: the rows by system where they were published for that date.
    """
    if instrument == "start-1":
        return _start_1(party, as_of)
    if instrument != "new-start":
        return None
    latest = max(
        (r for r in _aggregates() if r["party"] == party and date.fromisoformat(r["as_of"]) <= as_of.facts),
        key=lambda r: r["as_of"],
        default=None,
    )
    if latest is None or as_of.facts >= shift(date.fromisoformat(latest["as_of"]), STANDS_FOR):
        return None
    if published(latest) > as_of.known:
        return None
    day = latest["as_of"]
    systems = [r for r in _systems() if r["party"] == party and r["as_of"] == day]
    name = f"declaration of {party} as of {day}"
    if by_system and any(r["category"] == "deployed_icbm" for r in systems):
        return Inventory(tuple(_system_item(r) for r in systems if r["category"] in _CATEGORIES), name)
    extra = tuple(_system_item(r) for r in systems if r["category"] in _DISPUTED)
    return Inventory((*_total_items(latest), *extra), name)


def _start_1(party: str, as_of: AsOf) -> Inventory | None:
    """The memorandum of understanding of START I, by type; Belarus, Kazakhstan and Ukraine add nothing to it."""
    if not START_1_DAY <= as_of.facts < shift(START_1_DAY, STANDS_FOR) or as_of.known < START_1_DAY:
        return None
    columns = (
        "as_of", "party", "kind", "type", "deployed_delivery_vehicles", "accountable_warheads",
        "quality", "source", "note",
        "warheads_attributed", "heavy", "mobile", "alcm", "warheads_equipped",
    )  # fmt: skip
    rows = read_table(DATA.joinpath("start_1_mou_1990.csv"), columns)
    side = _START_1_SIDE.get(party, "")
    return Inventory(
        tuple(_start_1_item(r, party) for r in rows if r["party"] == side),
        f"memorandum of understanding of {START_1_DAY}",
        complete=True,
    )


def _start_1_item(row: Row, party: str) -> Item:
    attributes: dict[str, Value] = {"deployed": True, "nuclear": True}
    attributes |= {k: row[k] == "true" for k in ("heavy", "mobile", "alcm") if row[k]}
    for name in ("warheads_attributed", "warheads_equipped"):
        if (value := row.number(name)) is not None:
            attributes[name] = value
    return Item(
        id=f"start-1-{row['as_of']}-{row['party']}-{row['type'].lower().replace(' ', '-')}",
        party=party,
        kind=row["kind"],
        unit=kinds()[row["kind"]].unit,
        best=row.number("deployed_delivery_vehicles") or 0.0,
        type=row["type"],
        as_of=row["as_of"],
        source=Source(row["source"], Quality(row["quality"]), "", row["note"]),
        attributes=attributes,
    )


def published(row: Row) -> date:
    """When a declaration's figures were out: the day given, else the day its exchange was due.

    The exchange is due 30 days after the period whose last day is the one before the as-of date.
    """
    if row["published"]:
        return date.fromisoformat(row["published"])
    return date.fromisoformat(row["as_of"]) + timedelta(days=29)


def declaration_dates(instrument: str) -> tuple[date, ...]:
    """The as-of dates of the embedded declarations under an instrument."""
    if instrument == "start-1":
        return (START_1_DAY,)
    if instrument != "new-start":
        return ()
    return tuple(sorted({date.fromisoformat(r["as_of"]) for r in _aggregates()}))


@cache
def _aggregates() -> tuple[Row, ...]:
    columns = ("as_of", "party", *(c for c, _, _ in _TOTALS), "published", "quality", "source", "note")
    return tuple(read_table(DATA.joinpath("new_start_aggregates.csv"), columns))


@cache
def _systems() -> tuple[Row, ...]:
    columns = ("as_of", "party", "system", "category", "number", "quality", "source", "note")
    return tuple(read_table(DATA.joinpath("new_start_us_breakdown.csv"), columns))


def _total_items(row: Row) -> Iterable[Item]:
    rivals = {
        (r["as_of"], r["party"], r["column"]): r
        for r in read_table(
            DATA.joinpath("new_start_conflicts.csv"),
            ("as_of", "party", "column", "value", "quality", "source", "note"),
        )
    }
    source = Source(row["source"], Quality(row["quality"]), row["published"], row["note"])
    for column, limit, unit in _TOTALS:
        number = row.number(column)
        rival = rivals.get((row["as_of"], row["party"], column))
        yield Item(
            id=f"new-start-{row['as_of']}-{row['party']}-{limit}",
            party=row["party"],
            kind="declared_total",
            unit=unit,
            best=math.nan if number is None else number,
            type=f"declared {column.replace('_', ' ')}",
            as_of=row["as_of"],
            source=source,
            attributes={"provision": f"new-start/{limit}"},
            rivals=(_rival(rival),) if rival else (),
        )


def _rival(row: Row) -> tuple[float, Source]:
    return row.number("value") or 0.0, Source(row["source"], Quality(row["quality"]), "", row["note"])


def _system_item(row: Row) -> Item:
    kind, unit, attributes = _CATEGORIES[row["category"]]
    number = row.number("number")
    slug = row["system"].lower().replace(" ", "-")
    return Item(
        id=f"new-start-{row['as_of']}-{row['party']}-{slug}-{row['category'].replace('_', '-')}",
        party=row["party"],
        kind=kind,
        unit=unit,
        best=math.nan if number is None else number,
        type=row["system"],
        as_of=row["as_of"],
        source=Source(row["source"] or row["note"], Quality(row["quality"]), "", row["note"]),
        attributes=attributes,
    )
