"""Fuzzing what else a user hands in: patches, event logs, inventories. Only DetenteError may come out."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from detente.asof import AsOf
from detente.errors import DetenteError
from detente.inventory_csv import read_inventory
from detente.treaty import apply, duties, invert, judge, load, loads, resolve
from detente.treaty.document import parse_yaml
from detente.treaty.events import read_events
from detente.treaty.load import patch_of
from tests.treaty.corpus import HOSTILE, SMALL, paths, put

BASE = loads(SMALL, "small.yaml")
HEAD = {
    "patch": "p", "title": "P", "base": "small", "base_digest": BASE.digest, "rationale": "r", "cite": ["S"],
    "quality": "assumed",
}  # fmt: skip
PATHS = [
    "id",
    "title",
    "summary",
    "parties",
    "sources",
    "sources/S",
    "sources/S/ref",
    "sources/new",
    "term",
    "term/length",
    "limits",
    "limits/A",
    "limits/A/id",
    "limits/A/bound",
    "limits/A/phases",
    "limits/A/phases/0",
    "limits/B/shares/US",
    "life/a",
    "life/a/date",
    "counting/r",
    "counting/r/id",
    "exceptions",
    "exceptions/x/of",
    "groups/G/members",
    "kinds/rocket",
    "/",
    "//",
    "limits/",
    "/limits",
    "limits//bound",
    "nothing",
    "coverage",
    "coverage/0",
    "obligations/o",
]
values = st.sampled_from(HOSTILE)
steps = (
    st.builds(lambda p, v: {"set": p, "to": v}, st.sampled_from(["", *PATHS]), values)
    | st.builds(lambda p: {"remove": p}, st.sampled_from(["", *PATHS]))
    | st.builds(lambda p, v: {"add": p, "value": v}, st.sampled_from(["", *PATHS]), values)
    | st.builds(lambda p, v: {"add": p, "value": {"id": v}}, st.sampled_from(["", *PATHS]), values)
)


@settings(max_examples=400, deadline=None)
@given(st.lists(steps, max_size=3), st.sampled_from([{}, {"N": {"ref": "n"}}, {"S": {"ref": "another"}}]))
@example([{"set": "sources", "to": []}], {"N": {"ref": "n"}})
@example([{"remove": "limits"}, {"add": "limits", "value": {"id": "A"}}], {})
@example([{"set": "limits", "to": 5}], {})
@example([{"set": "limits", "to": [None]}, {"add": "limits/A", "value": {"id": "A"}}], {})
def test_any_patch_applies_and_comes_back_or_is_refused(operations: list[Any], sources: Any) -> None:
    text = json.dumps(HEAD | {"operations": operations, "sources": sources}).encode()
    try:
        document = parse_yaml(text, "p.yaml")
        patch = patch_of(document)
        made = apply(BASE, patch, document)
    except DetenteError as bad:
        assert str(bad).startswith("p.yaml:"), str(bad)
        return
    assert apply(made, invert(BASE, patch)).digest == BASE.digest


LOG = {
    "instrument": "new-start",
    "note": "n",
    "events": [
        {"id": "a", "type": "database_update", "at": "2011-03-22", "by": "US", "to": ["RU"], "source": "s"},
        {
            "id": "b",
            "type": "change_in_data",
            "at": "2011-04-01T10:00Z",
            "by": "RU",
            "of": "a",
            "period": "p",
        },
    ],
}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(paths(LOG)), st.sampled_from([..., *HOSTILE])), min_size=1, max_size=3)
)
def test_any_event_log_is_read_or_refused(tmp_path: Path, changes: list[Any]) -> None:
    tree: Any = LOG
    for place, value in changes:
        try:
            tree = put(tree, place, value)
        except (KeyError, IndexError, TypeError):
            continue
    path = tmp_path / "log.yaml"
    path.write_text(json.dumps(tree))
    law = resolve(load("new-start"), AsOf.on("2011-06-01"))
    try:
        duties(law, read_events(path), "2011-06-01")
    except DetenteError as bad:
        assert str(bad)


WORDS = (
    "US XX icbm heavy_bomber declared_total 5 -1 1e400 nan yes true maybe text recalled warheads missiles ٣"
)
CELLS = ["", *WORDS.split(), "new-start/II.1.b", "a\nb", '"', "\x00", " ", "é" * 50]
COLUMNS = ["id", "party", "kind", "count", "low", "high", "unit", "source", "quality", "deployed", "nuclear",
           "warheads", "provision", "range_km", "nonsense"]  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(COLUMNS), unique=True, max_size=8),
    st.lists(st.lists(st.sampled_from(CELLS), min_size=12, max_size=12), max_size=4),
    st.booleans(),
)
def test_any_inventory_is_read_and_judged_or_refused(
    tmp_path: Path, more: list[str], rows: list[Any], whole: bool
) -> None:
    header = list(dict.fromkeys(["party", "kind", "count", "source", *more]))
    sound = {"party": "US", "kind": "icbm", "count": "5", "source": "s"}
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for n, cells in enumerate(rows):
        row = dict(zip(header, cells, strict=False))
        writer.writerow([sound.get(h, row[h]) if (n + len(cells[n])) % 2 else row[h] for h in header])
    path = tmp_path / "rows.csv"
    path.write_text(out.getvalue(), encoding="utf-8", newline="")
    try:
        inventory = read_inventory(path, complete=whole)
    except DetenteError as bad:
        assert str(bad).startswith("rows.csv"), str(bad)
        return
    law = resolve(load("new-start"), AsOf.on("2019-01-01"))
    try:
        judge(law, {p: inventory.of(p) for p in {i.party for i in inventory.items}})
    except DetenteError as bad:
        assert str(bad)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("US,icbm,5,", "rows.csv:3: a row without a source"),
        ("XX,icbm,5,s", "rows.csv:3: unknown party 'XX'"),
        ("US,icbn,5,s", "rows.csv:3: unknown item class 'icbn'; did you mean 'icbm'"),
        ("US,icbm,five,s", "rows.csv:3: 'five' in column 'count' is not a number"),
        ("US,icbm,-5,s", "rows.csv:3: a negative count"),
        ("US,icbm,5", "rows.csv:3: 3 cells under 4 columns"),
    ],
)
def test_a_bad_row_is_one_error_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(f"party,kind,count,source\nUS,slbm,1,s\n{line}\n")
    with pytest.raises(DetenteError) as bad:
        read_inventory(path)
    assert str(bad.value).startswith(message)
