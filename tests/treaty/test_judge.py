"""Judging: parties counted as one, declared totals, rows of the wrong type, and who may be asked about."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from detente.asof import AsOf
from detente.draws import Draws
from detente.errors import DetenteError
from detente.inventory import Inventory, Item
from detente.sources import Quality, Source
from detente.treaty.judge import judge
from detente.treaty.load import loads
from detente.treaty.resolve import Law, resolve
from detente.verdict import Outcome, Verdict

CITED = {"article": "I", "cite": ["S"], "quality": "text"}
RULE = {
    "id": "r",
    "text": "each counts one",
    "unit": "missiles",
    "select": {"kind": "icbm", "deployed": True},
} | CITED


def law(limit: dict[str, Any], rule: dict[str, Any] | None = None, **more: Any) -> Law:
    """The law of a day of a treaty with one rule and one limit."""
    base = {"id": "A", "title": "t", "unit": "missiles", "count": ["r"], "bound": 10}
    tree = {
        "id": "x", "title": "X", "kind": "treaty", "parties": ["US", "RU"], "summary": "s",
        "sources": {"S": {"ref": "a"}},
        "life": [{"id": "e", "act": "entered_into_force", "date": "2000-01-01", "by": ["US", "RU"]} | CITED],
        "counting": [rule or RULE], "limits": [base | limit | CITED],
    }  # fmt: skip
    return resolve(loads(json.dumps(tree | more).encode()), AsOf.on("2010-01-01"))


def row(name: str = "a", party: str = "US", best: float = 4.0, **more: Any) -> Item:
    given: dict[str, Any] = {"kind": "icbm", "unit": "missiles", "attributes": {"deployed": True}}
    return Item(id=name, party=party, best=best, source=Source("invented", Quality.assumed), **(given | more))


def only(verdicts: tuple[Verdict, ...]) -> Verdict:
    assert len(verdicts) == 1
    return verdicts[0]


@pytest.mark.parametrize("total", [False, True])
def test_a_silent_party_among_those_counted_as_one_is_not_zero(total: bool) -> None:
    stated = {"kind": "declared_total", "attributes": {"provision": "x/A"}} if total else {}
    us, ru = row(**stated), row("b", "RU", **stated)
    together = law({"together": True})
    both = only(judge(together, {"US": Inventory((us,)), "RU": Inventory((ru,))}))
    assert (both.outcome, both.party) == (Outcome.met, "US+RU")
    assert both.count is not None
    assert both.count.high == 8
    silent = only(judge(together, {"US": Inventory((us,))}))
    assert silent.outcome is Outcome.indeterminate
    assert len(silent.missing) == 1
    assert silent.missing[0].startswith("RU: ")
    over = only(judge(law({"together": True, "bound": 3}), {"US": Inventory((us,))}))
    assert over.outcome is Outcome.exceeded, "what is known may already decide"


def test_a_rule_for_one_party_asks_nothing_of_the_other() -> None:
    together = law({"together": True}, RULE | {"parties": ["US"]})
    assert only(judge(together, {"US": Inventory((row(),))})).outcome is Outcome.met


def test_draws_and_a_declaration_are_counted_as_one() -> None:
    drawn = Draws(Inventory((row(),)), np.array([[3.0], [4.0], [9.0], [2.0]]), seed=7)
    stated = Inventory((row("b", "RU", 5.0),))
    verdict = only(judge(law({"together": True}), {"US": drawn, "RU": stated}))
    assert verdict.p_met == 0.75
    assert verdict.seed == 7
    vague = Inventory((row("b", "RU", math.nan, low=1.0, high=2.0),))
    assert only(judge(law({"together": True}), {"US": drawn, "RU": vague})).outcome is Outcome.indeterminate
    other = Draws(Inventory((row("b", "RU"),)), np.array([[3.0]]), seed=7)
    with pytest.raises(DetenteError, match="4 and 1 draws"):
        judge(law({"together": True}), {"US": drawn, "RU": other})


def test_two_totals_of_one_party_are_refused() -> None:
    total = {"kind": "declared_total", "attributes": {"provision": "x/A"}}
    with pytest.raises(DetenteError, match="'a' and 'b' both state the total of 'A'"):
        judge(law({}), {"US": Inventory((row("a", **total), row("b", **total)))})


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"deployed": "yes"}, "'deployed' is a bool, not 'yes'"),
        ({"deployed": 1.0}, "'deployed' is a bool, not '1.0'"),
        ({"range_km": "far"}, "'range_km' is a number, not 'far'"),
        ({"warheads": True}, "'warheads' is a number, not 'True'"),
        ({"basing": 3.0}, "'basing' is a text, not '3.0'"),
    ],
)
def test_a_row_with_a_value_of_the_wrong_type_is_refused_not_left_out(attributes: Any, message: str) -> None:
    with pytest.raises(DetenteError) as bad:
        judge(law({}), {"US": Inventory((row(attributes=attributes),))})
    assert str(bad.value) == f"a: {message}"


@pytest.mark.parametrize(
    ("code", "message"), [("USA", "'USA' is written 'US' here"), ("XX", "unknown party 'XX'")]
)
def test_only_party_codes_are_asked_about(code: str, message: str) -> None:
    with pytest.raises(DetenteError, match=message):
        judge(law({}), {code: Inventory((row(),))})


@pytest.mark.parametrize(
    ("kind", "unit", "message"),
    [
        ("icbn", "missiles", "unknown item class 'icbn'; did you mean 'icbm'"),
        ("icbm", "launchers", "unit mismatch: a row of icbm counts missiles"),
    ],
)
def test_a_row_of_another_kind_or_unit_is_refused(kind: str, unit: str, message: str) -> None:
    with pytest.raises(DetenteError, match=message):
        judge(law({}), {"US": Inventory((row(kind=kind, unit=unit),))})


@pytest.mark.parametrize(
    ("attributes", "complete", "expected"),
    [
        ({"deployed": True}, False, (4.0, 4.0, Outcome.met)),
        ({"deployed": False}, True, (0.0, 0.0, Outcome.met)),
        ({"deployed": False}, False, (0.0, math.inf, Outcome.indeterminate)),
        ({}, False, (0.0, 4.0, Outcome.met)),  # deployed or not, four are under ten
    ],
)
def test_what_is_not_said_is_bounded_by_what_is(attributes: Any, complete: bool, expected: Any) -> None:
    verdict = judge(law({}), {"US": Inventory((row(attributes=attributes),), complete=complete)})[0]
    assert verdict.count is not None
    assert (verdict.count.low, verdict.count.high, verdict.outcome) == expected


@pytest.mark.parametrize(
    ("sense", "bound", "best", "outcome"),
    [
        ("<=", 4, 4.0, Outcome.met), ("<=", 3, 4.0, Outcome.exceeded), ("<=", 0, 0.0, Outcome.met),
        (">=", 4, 4.0, Outcome.met), (">=", 5, 4.0, Outcome.exceeded), ("=", 4, 4.0, Outcome.met),
        ("=", 5, 4.0, Outcome.exceeded), ("=", 3, 4.0, Outcome.exceeded),
    ],
)  # fmt: skip
def test_the_bound_belongs_to_what_is_permitted(
    sense: str, bound: int, best: float, outcome: Outcome
) -> None:
    verdict = judge(law({"sense": sense, "bound": bound}), {"US": Inventory((row(best=best),))})[0]
    assert verdict.outcome is outcome


@pytest.mark.parametrize(
    ("top", "bottom", "ratio"), [(6, 3, 2.0), (0, 3, 0.0), (0, 0, 0.0), (6, 0, math.inf)]
)
def test_a_ratio_of_a_known_declaration(top: int, bottom: int, ratio: float) -> None:
    rules = [RULE, RULE | {"id": "s", "select": {"kind": "slbm"}}]
    day = law({"operator": "ratio", "groups": [["r"], ["s"]], "count": [], "bound": 2}, counting=rules)
    rows = Inventory((row(best=float(top)), row("b", kind="slbm", best=float(bottom))))
    verdict = judge(day, {"US": rows})[0]
    assert verdict.count is not None
    assert (verdict.count.low, verdict.count.high) == (ratio, ratio)
    assert verdict.outcome is (Outcome.met if ratio <= 2 else Outcome.exceeded)
    alone = judge(day, {"US": Inventory(rows.items[:1])})[0]  # nobody says what it is divided by
    assert alone.outcome is Outcome.indeterminate


def test_a_tranche_goes_into_a_sum_only() -> None:
    rule = RULE | {"tranche": {"first": 1, "inside": 1, "outside": 2}}
    with pytest.raises(DetenteError, match="has a tranche, which goes into a sum only; use 'count'"):
        law({"operator": "max", "groups": [["r"]], "count": []}, rule)
