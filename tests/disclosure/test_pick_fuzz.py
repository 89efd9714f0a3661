"""The joint choice fed with anything: it refuses in one line or answers, and never falls over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detente.disclosure import pick
from detente.disclosure.pick_files import read_records, read_settlement, read_terms
from detente.disclosure.pick_terms import Record, Terms
from detente.errors import DetenteError

VECTORS = json.loads((Path(__file__).parents[2] / "docs" / "vectors" / "pick-1.json").read_text())
TERMS = msgspec.convert(VECTORS["terms"], Terms)
GENUINE = VECTORS["records"]

text = st.text(max_size=30) | st.sampled_from(
    [
        "2027-03-01T10:00:00Z",
        "2027-03-01T12:30:00Z",
        "2027-13-01",
        "CN",
        "US",
        "00",
        "zz",
        "7" * 20,
        "ff" * 80,
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """A genuine tree with one value, anywhere in it, replaced, removed or added."""
    tree = json.loads(json.dumps(whole))
    node, path = tree, []
    while isinstance(node, dict | list) and node:
        key = draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        path.append((node, key))
        node = node[key]
        if draw(st.booleans()):
            break
    parent, key = path[-1]
    change = draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "remove":
        del parent[key]
    elif change == "add" and isinstance(parent, dict):
        parent[draw(text)] = draw(values)
    else:
        parent[key] = draw(values)
    return tree


fuzzing = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@fuzzing
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_readers_of_any_bytes(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(data)
    for reader in (read_terms, read_records, read_settlement):
        try:
            reader(path)
        except DetenteError as bad:
            assert str(path) in str(bad)


@fuzzing
@given(damaged(VECTORS["terms"]))
def test_damaged_terms_are_refused_or_are_other_terms(tmp_path: Path, tree: Any) -> None:
    path = tmp_path / "terms.json"
    path.write_text(json.dumps(tree))
    try:
        found = read_terms(path)
    except DetenteError:
        return
    assert (found == TERMS) == (found.context == TERMS.context)


@fuzzing
@given(damaged(GENUINE))
def test_damaged_records_never_change_an_output_they_only_lose_it(tmp_path: Path, tree: Any) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps(tree))
    try:
        found = pick.settle(TERMS, read_records(path))
    except DetenteError:
        return
    genuine = VECTORS["settlement"]["contributions"]
    assert all(genuine[party] == output for party, output in found.contributions.items())


records = st.lists(
    st.sampled_from(GENUINE).map(lambda r: msgspec.convert(r, Record))
    | st.builds(
        lambda whole, field, value: msgspec.structs.replace(msgspec.convert(whole, Record), **{field: value}),
        st.sampled_from(GENUINE), st.sampled_from(["party"]), st.sampled_from(["CN", "RU", "US", "FR", ""]),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(records, st.randoms(use_true_random=False))
def test_any_mixture_of_records_settles_alike_on_every_node(heard: list[Record], rng: Any) -> None:
    other = heard * 2
    rng.shuffle(other)
    assert pick.settle(TERMS, heard) == pick.settle(TERMS, other)


def test_a_bad_time_in_a_record_is_named() -> None:
    bad = msgspec.convert({**GENUINE[0], "at": "noon"}, Record)
    with pytest.raises(DetenteError, match="noon"):
        pick.settle(TERMS, [bad])
