"""Instruments and inventories drawn at random: valid, small, with every operator, and with much left unsaid."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import strategies as st

from detente.inventory import Inventory, Item
from detente.sources import Quality, Source
from detente.treaty.load import loads

CITED = {"article": "I", "cite": ["S"], "quality": "text"}
UNITS = {
    "icbm": "missiles",
    "slbm": "missiles",
    "heavy_bomber": "bombers",
    "deployed_missile_warhead": "warheads",
}
KINDS = st.sampled_from([*UNITS, ["icbm", "slbm"], "ballistic_missile", "delivery_vehicle", "missile"])
SEEN = Source("invented", Quality.assumed)
few = st.integers(0, 12)


def maybe(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.just({}) | values.map(lambda v: {key: v})


def merged(*parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


ranges = st.sampled_from([{"min": 5}, {"above": 5}, {"max": 5}, {"below": 5}, {"min": 3, "below": 6}])
selects = merged(
    KINDS.map(lambda k: {"kind": k}) | st.just({"is": "alpha"}),
    maybe("deployed", st.booleans()),
    maybe("nuclear", st.booleans()),
    st.just({}) | st.just({}) | maybe("range_km", ranges | st.just(3)),
)
rates = few | st.just("warheads")


@st.composite
def rules(draw: Any, name: str) -> dict[str, Any]:
    """A counting rule of warheads: so much each, a tranche, or two ways."""
    rule = {"id": name, "text": name, "unit": "warheads"} | CITED
    if draw(st.integers(0, 3)) == 0:
        tranche = {"first": draw(st.integers(0, 8)), "inside": draw(few), "outside": draw(rates)}
        rule |= {"select": draw(selects), "tranche": tranche}
    elif draw(st.integers(0, 4)) == 0:
        second = {"select": {"kind": draw(KINDS)}, "each": draw(rates)}
        rule |= {"ways": [{"select": {"kind": "deployed_missile_warhead"}}, second]}
    else:
        rule |= {"select": draw(selects), "each": draw(rates)}
    if draw(st.integers(0, 5)) == 0:
        rule["parties"] = [draw(st.sampled_from(["US", "RU"]))]
    rule["optional"] = draw(st.booleans())
    return rule


@st.composite
def limits(draw: Any, name: str, names: list[str], plain: list[str]) -> dict[str, Any]:
    """A limit: a sum, the larger or smaller of two sums, or a ratio, with any sense and kind of bound."""
    limit = {"id": name, "title": name, "unit": "warheads"} | CITED
    kind = draw(st.sampled_from(["sum", "sum", "sum", "max", "min", "ratio"])) if len(plain) > 1 else "sum"
    if kind == "sum":
        limit["count"] = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    else:
        cut = draw(st.integers(1, len(plain) - 1))
        limit |= {"operator": kind, "groups": [plain[:cut], plain[cut:]]}
    limit["sense"] = draw(st.sampled_from(["<=", "<=", ">=", "="]))
    bound = st.integers(0, 5) if kind == "ratio" else st.integers(0, 150)
    how = draw(st.integers(0, 3))
    if how == 0:
        limit["bound"] = {"US": draw(bound), "RU": draw(bound)}
    else:
        limit["bound"] = draw(bound)
        if how == 1:
            limit["shares"] = {"US": draw(st.integers(1, 5)), "RU": draw(st.integers(1, 5))}
    return limit


class Drawn:
    """A treaty that shows itself as its text, so that a failing case can be read."""

    def __init__(self, text: str) -> None:
        self.text, self.loaded = text, loads(text.encode())

    def __repr__(self) -> str:
        return self.text


@st.composite
def instruments(draw: Any) -> Drawn:
    """A treaty in force between two parties, with up to four rules, three exceptions, two limits and two readings."""
    names = [f"r{n}" for n in range(draw(st.integers(1, 4)))]
    counting = [draw(rules(name)) for name in names]
    plain = [r["id"] for r in counting if "tranche" not in r]  # a tranche goes into a sum only
    exceptions: list[dict[str, Any]] = []
    for n in range(draw(st.integers(0, 3))):
        of = draw(
            st.lists(
                st.sampled_from([*names, *(e["id"] for e in exceptions)]), min_size=1, max_size=2, unique=True
            )
        )
        select = draw(
            merged(maybe("kind", KINDS), maybe("converted", st.booleans()), maybe("nuclear", st.booleans()))
        )
        exceptions.append(
            {"id": f"e{n}", "of": of, "text": "", "select": select, "each": draw(st.integers(0, 3)),
             "applies": draw(st.booleans())} | CITED
        )  # fmt: skip
    ids = [f"l{n}" for n in range(draw(st.integers(1, 2)))]
    excepted = [e["id"] for e in exceptions]
    readings = [
        {"id": f"y{n}", "of": [draw(st.sampled_from(ids))], "holders": [holder], "text": "",
         "rejects": draw(st.lists(st.sampled_from(excepted), unique=True)) if excepted else [],
         "claims": draw(st.lists(st.sampled_from(excepted), unique=True)) if excepted else []} | CITED
        for n, holder in enumerate(draw(st.sampled_from([[], ["US", "RU"], ["RU"]])))
    ]  # fmt: skip
    tree = {
        "id": "drawn", "title": "Drawn", "kind": "treaty", "parties": ["US", "RU"], "summary": "at random",
        "sources": {"S": {"ref": "invented"}},
        "life": [{"id": "entry", "act": "entered_into_force", "date": "2000-01-01", "by": ["US", "RU"]} | CITED],
        "definitions": [
            {"id": "alpha", "term": "alpha", "text": "", "select": draw(
                merged(KINDS.map(lambda k: {"kind": k}), maybe("deployed", st.booleans())))} | CITED],
        "counting": counting,
        "exceptions": exceptions,
        "limits": [draw(limits(i, names, plain)) for i in ids],
        "readings": readings,
    }  # fmt: skip
    return Drawn(json.dumps(tree))


@st.composite
def items(draw: Any, n: int, *, known: bool = False) -> Item:
    """One row; unless `known`, attributes may be left out and the count may be missing or an interval."""
    kind = draw(st.sampled_from(list(UNITS)))
    given: dict[str, Any] = {}
    for key in ("deployed", "nuclear", "converted"):
        if known or draw(st.integers(0, 4)):
            given[key] = draw(st.booleans())
    for key in ("range_km", "warheads"):
        if known or draw(st.integers(0, 4)):
            given[key] = float(draw(few))
    low = draw(st.integers(0, 12))
    how = 0 if known else draw(st.integers(0, 5))
    count = {
        3: {"low": float(low), "high": float(low + draw(few))},
        4: {"low": float(low)},
        5: {},
    }.get(how, {"best": float(low)})
    return Item(id=f"row{n}", party="US", kind=kind, unit=UNITS[kind], source=SEEN, attributes=given, **count)


@st.composite
def inventories(draw: Any, *, known: bool = False, at_most: int = 5) -> Inventory:
    """Up to five rows of one party."""
    rows = tuple(draw(items(n, known=known)) for n in range(draw(st.integers(0, at_most))))
    return Inventory(rows, "drawn", known or draw(st.booleans()))


def is_unknown(item: Item) -> bool:
    return not math.isfinite(item.interval[1])
