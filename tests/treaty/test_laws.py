"""Laws that counting, verdicts and patches keep, whatever the treaty and the forces."""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.inventory import Inventory, Item
from detente.treaty.compile import compile_form
from detente.treaty.evaluate import count_interval, evaluate
from detente.treaty.judge import judge
from detente.treaty.load import Loaded
from detente.treaty.patch import apply, compare, invert
from detente.treaty.resolve import Law, resolve
from detente.treaty.schema import Limit
from detente.treaty.schema_patch import Operation, Patch
from detente.verdict import Outcome
from tests.treaty.strategies import Drawn, instruments, inventories, items

DAY = AsOf.on("2010-01-01")
FAST = settings(max_examples=120, deadline=None)


def counted(law: Law, limit: Limit, rows: Inventory) -> tuple[float, float, Outcome] | None:
    """(low, high, outcome), or None where the engine refuses one quantity given in two forms."""
    try:
        form = compile_form(law, "US", rows, None, (limit,))
    except DetenteError as bad:
        assert "two forms" in str(bad)
        return None
    low, high = count_interval(form, rows)
    return float(low[0]), float(high[0]), evaluate(form, rows)[0].outcome


def pairs(drawn: Drawn, before: Inventory, after: Inventory) -> Any:
    """Each limit with its count before and after a change, where both can be counted."""
    law = resolve(drawn.loaded, DAY)
    for limit in drawn.loaded.instrument.limits:
        first, second = counted(law, limit, before), counted(law, limit, after)
        if first is not None and second is not None:
            yield limit, first, second


def with_row(rows: Inventory, n: int, **change: Any) -> Inventory:
    changed = msgspec.structs.replace(rows.items[n], **change)
    return Inventory((*rows.items[:n], changed, *rows.items[n + 1 :]), rows.name, rows.complete)


def more_of(row: Item, n: float) -> dict[str, float]:
    return {"low": row.low + n, "best": row.best + n, "high": row.high + n}


@FAST
@given(instruments(), inventories(), st.data())
def test_adding_items_never_lowers_a_count(drawn: Drawn, rows: Inventory, data: Any) -> None:
    assume(rows.items)
    n = data.draw(st.integers(0, len(rows.items) - 1))
    more = with_row(rows, n, **more_of(rows.items[n], data.draw(st.integers(1, 9))))
    for limit, before, after in pairs(drawn, rows, more):
        if limit.operator != "ratio":  # a ratio may fall: what is divided by may grow
            assert after[0] >= before[0] - 1e-9
            assert after[1] >= before[1] - 1e-9


@FAST
@given(instruments(), inventories(known=True), items(9, known=True))
def test_adding_a_row_never_lowers_a_count(drawn: Drawn, rows: Inventory, row: Item) -> None:
    more = Inventory((*rows.items, row), rows.name, rows.complete)
    for limit, before, after in pairs(drawn, rows, more):
        if limit.operator != "ratio":
            assert after[0] >= before[0] - 1e-9


@FAST
@given(instruments(), inventories(), st.randoms())
def test_names_and_order_change_nothing(drawn: Drawn, rows: Inventory, shuffle: random.Random) -> None:
    renamed = [
        msgspec.structs.replace(i, id=f"{shuffle.random()}", type="Type X", site="Site Y", as_of="2010-01-01")
        for i in rows.items
    ]
    shuffle.shuffle(renamed)
    other = Inventory(tuple(renamed), "another name", rows.complete)
    law = resolve(drawn.loaded, DAY)
    for limit in drawn.loaded.instrument.limits:
        assert counted(law, limit, rows) == pytest.approx(counted(law, limit, other))


@FAST
@given(instruments(), inventories(), st.data())
def test_splitting_a_row_into_parts_changes_nothing(drawn: Drawn, rows: Inventory, data: Any) -> None:
    """n items in one row are n items in two; so are an interval and its halves, and an unknown number."""
    assume(rows.items)
    n = data.draw(st.integers(0, len(rows.items) - 1))
    row = rows.items[n]
    assume(row.interval[0] > 0 or not row.known)
    part = data.draw(st.integers(0, int(row.interval[0])))
    first = {"low": min(row.low, part), "best": min(row.best, part), "high": min(row.high, part)}
    rest = {key: getattr(row, key) - value for key, value in first.items()}
    one = msgspec.structs.replace(
        row, **{k: math.nan if math.isnan(getattr(row, k)) else v for k, v in first.items()}
    )
    two = msgspec.structs.replace(row, id="the rest", **rest)
    split = Inventory((*rows.items[:n], one, *rows.items[n + 1 :], two), rows.name, rows.complete)
    for _, before, after in pairs(drawn, rows, split):
        assert after == pytest.approx(before)


def wider(row: Item, data: Any) -> Item:
    """The same row, less well known: a wider interval, no number at all, or an attribute left out."""
    low, high = row.interval
    how = data.draw(st.integers(0, 2))
    if how == 0:
        less, more = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 5))
        low, high = max(0.0, low - less), high + more
        return msgspec.structs.replace(
            row, low=low, high=high if math.isfinite(high) else math.nan, best=math.nan
        )
    if how == 1:
        return msgspec.structs.replace(row, low=math.nan, best=math.nan, high=math.nan)
    given_words = sorted(row.attributes.keys() - {"converted"})  # silence on conversion is a statement
    if not given_words:
        return row
    gone = data.draw(st.sampled_from(given_words))
    return msgspec.structs.replace(row, attributes={k: v for k, v in row.attributes.items() if k != gone})


@FAST
@given(instruments(), inventories(), st.data())
def test_knowing_less_never_decides_more(drawn: Drawn, rows: Inventory, data: Any) -> None:
    """Widening turns indeterminate into nothing else, met never into exceeded, and the interval only grows."""
    assume(rows.items)
    n = data.draw(st.integers(0, len(rows.items) - 1))
    vague = wider(rows.items[n], data)
    less = Inventory((*rows.items[:n], vague, *rows.items[n + 1 :]), rows.name, rows.complete)
    for _, before, after in pairs(drawn, rows, less):
        assert after[0] <= before[0] + 1e-9
        assert after[1] >= before[1] - 1e-9
        assert after[2] in (before[2], Outcome.indeterminate)


@FAST
@given(instruments(), inventories(known=True))
def test_a_source_that_does_not_claim_to_be_whole_decides_less(drawn: Drawn, rows: Inventory) -> None:
    partial = Inventory(rows.items, rows.name, complete=False)
    for _, before, after in pairs(drawn, rows, partial):
        assert after[0] <= before[0] + 1e-9
        assert after[1] >= before[1] - 1e-9
        assert after[2] in (before[2], Outcome.indeterminate)


@FAST
@given(instruments())
def test_missing_is_never_zero(drawn: Drawn) -> None:
    """Who has declared nothing has neither kept nor broken a limit, unless any number at all would keep it."""
    law = resolve(drawn.loaded, DAY)
    rules = {r.id: r for r in drawn.loaded.instrument.counting}
    for limit in drawn.loaded.instrument.limits:
        form = compile_form(law, "US", Inventory(()), None, (limit,))
        (verdict,) = evaluate(form, Inventory(()))
        asked = [
            rules[name]
            for name in (*limit.count, *(n for g in limit.groups for n in g))
            if not rules[name].parties or "US" in rules[name].parties
        ]
        if any(not rule.optional for rule in asked):
            assert verdict.outcome is Outcome.indeterminate or (limit.sense == ">=" and form.bound[0] == 0)
            assert verdict.count is None or verdict.count.high == math.inf
            assert verdict.missing or verdict.outcome is Outcome.met


@FAST
@given(instruments(), inventories(known=True), st.data())
def test_a_row_whose_number_is_taken_away_is_unknown_not_zero(
    drawn: Drawn, rows: Inventory, data: Any
) -> None:
    assume(rows.items)
    n = data.draw(st.integers(0, len(rows.items) - 1))
    silent = with_row(rows, n, best=math.nan, low=math.nan, high=math.nan)
    zero = with_row(rows, n, best=0.0, low=math.nan, high=math.nan)
    for limit, nothing, unknown in pairs(drawn, zero, silent):
        assert unknown[0] <= nothing[0] + 1e-9
        if limit.operator == "sum":
            assert unknown[0] == pytest.approx(nothing[0])
            law = resolve(drawn.loaded, DAY)
            coefficient = compile_form(law, "US", zero, None, (limit,)).high[0, n]
            assert unknown[1] == math.inf or coefficient == 0


@settings(max_examples=60, deadline=None)
@given(instruments(), inventories(), inventories())
def test_parties_do_not_touch_each_other(drawn: Drawn, ours: Inventory, theirs: Inventory) -> None:
    """What one party declares changes no verdict on another."""
    law = resolve(drawn.loaded, DAY)
    try:
        alone = judge(law, {"US": ours})
        both = judge(law, {"US": ours, "RU": theirs})
    except DetenteError as bad:
        assert "two forms" in str(bad)
        return
    ours_alone, ours_beside = ([v for v in vs if v.party == "US"] for vs in (alone, both))
    assert msgspec.json.encode(ours_alone) == msgspec.json.encode(ours_beside)


@settings(max_examples=60, deadline=None)
@given(instruments(), inventories())
def test_a_dispute_shows_a_verdict_for_each_side(drawn: Drawn, rows: Inventory) -> None:
    law = resolve(drawn.loaded, DAY)
    try:
        verdicts = judge(law, {"US": rows, "RU": rows})
    except DetenteError as bad:
        assert "two forms" in str(bad)
        return
    for verdict in verdicts:
        sides = {side.verdict.outcome for side in verdict.readings}
        assert (verdict.outcome is Outcome.disputed) == (len(sides) > 1)
        readings = law.readings(law.limit(verdict.provision.removeprefix("limits/")))
        assert {h for s in verdict.readings for h in s.holders} == {h for r in readings for h in r.holders}


def patch_of(base: Loaded, operations: list[Operation], name: str = "drawn") -> Patch:
    return Patch(
        patch=name, title="Changed", base=base.instrument.id, base_digest=base.digest, rationale="at random",
        cite=("S",), quality="assumed", operations=tuple(operations),  # type: ignore[arg-type]
    )  # fmt: skip


@st.composite
def operations(draw: Any, base: Loaded) -> list[Operation]:
    """Some of: other bounds, senses and texts; limits, exceptions and readings taken away; a limit added."""
    tree = base.text.tree
    found: list[Operation] = []
    for limit in tree["limits"]:
        path = f"limits/{limit['id']}"
        match draw(st.integers(0, 5)):
            case 0:
                found.append(Operation(set=f"{path}/bound", to=draw(st.integers(0, 99))))
            case 1:
                found.append(Operation(set=f"{path}/sense", to=draw(st.sampled_from(["<=", ">=", "="]))))
                found.append(Operation(set=f"{path}/note", to="a note"))
            case 2:
                found.append(Operation(remove=path))
    for section in ("readings", "exceptions"):
        if draw(st.integers(0, 2)) == 0:
            found += (
                [
                    Operation(remove=f"{section}/{e['id']}")
                    for e in draw(st.lists(st.sampled_from(tree[section]), unique_by=lambda e: e["id"]))
                ]
                if tree[section]
                else []
            )
    if draw(st.booleans()):
        first = tree["limits"][0]
        found.append(Operation(add="limits", value=first | {"id": "new", "title": "an added limit"}))
    if draw(st.integers(0, 3)) == 0:
        found.append(Operation(set="summary", to="another summary"))
    if draw(st.integers(0, 3)) == 0:
        found.append(Operation(add="obligations", value={
            "id": "new", "title": "t", "kind": "notification", "text": "t", "on": "x", "done_by": "y",
            "article": "I", "cite": ["S"], "quality": "text"}))  # fmt: skip
    return found


@settings(max_examples=150, deadline=None)
@given(instruments(), st.data())
def test_a_patch_and_its_inverse_give_the_base_back(drawn: Drawn, data: Any) -> None:
    base = drawn.loaded
    patch = patch_of(base, data.draw(operations(base)), data.draw(st.sampled_from(["drawn", "other"])))
    before = msgspec.json.encode(base.text.tree)
    try:
        made = apply(base, patch)
    except DetenteError as bad:
        assert "unknown provision" in str(bad)  # what was taken away is still named elsewhere
        return
    back = apply(made, invert(base, patch))
    assert back.text.tree == base.text.tree
    assert back.digest == base.digest
    assert back.instrument == base.instrument
    assert compare(base, back) == ()
    assert msgspec.json.encode(base.text.tree) == before, "the base was changed in place"


@settings(max_examples=80, deadline=None)
@given(instruments(), st.data())
def test_patches_apply_from_left_to_right(drawn: Drawn, data: Any) -> None:
    """Two patches in a row undo in reverse order; a patch on what it was not made for is refused."""
    base = drawn.loaded
    limit = base.instrument.limits[0].id
    one = patch_of(base, [Operation(set=f"limits/{limit}/bound", to=data.draw(st.integers(0, 99)))], "one")
    first = apply(base, one)
    two = patch_of(first, [Operation(set=f"limits/{limit}/bound", to=data.draw(st.integers(0, 99)))], "two")
    second = apply(first, two)
    assert second.text.tree["limits"][0]["bound"] == two.operations[0].to
    assert apply(apply(second, invert(first, two)), invert(base, one)).digest == base.digest
    with pytest.raises(DetenteError):
        apply(base, two)
    with pytest.raises(DetenteError):
        apply(second, one)
