"""Fuzzing the loader: whatever the bytes, it loads an instrument or raises DetenteError, never anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.treaty.document import parse_yaml
from detente.treaty.load import loads
from tests.treaty.corpus import HOSTILE, SEEDS, SMALL, TOKENS, attempt, paths, put

TREE = parse_yaml(SMALL, "small").tree
PLACES = paths(TREE)


def test_what_the_fuzzers_start_from_is_sound() -> None:
    for data in (SMALL, *SEEDS):
        parse_yaml(data, "seed")
    assert loads(SMALL).instrument.limits
    assert loads(json.dumps(TREE).encode()).instrument.limits
    attempt(SMALL)
    attempt(json.dumps(TREE).encode())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    attempt(data)


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from([SMALL, *SEEDS]))
def test_a_damaged_treaty(data: Any, text: bytes) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 20))
        text = text[:at] + data.draw(st.sampled_from(TOKENS) | st.binary(max_size=4)) + text[at + cut :]
    attempt(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from([..., *HOSTILE])), min_size=1, max_size=3))
def test_a_treaty_with_hostile_values(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    tree: Any = TREE
    for place, value in changes:
        try:
            tree = put(tree, place, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    attempt(json.dumps(tree).encode())


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None)
@given(
    st.sampled_from(PLACES),
    st.sampled_from([..., *HOSTILE]),
    st.sampled_from(PLACES),
    st.sampled_from([..., *HOSTILE]),
)
def test_every_place_with_every_hostile_value(a: Any, first: Any, b: Any, second: Any) -> None:
    test_a_treaty_with_hostile_values.hypothesis.inner_test([(a, first), (b, second)])  # type: ignore[attr-defined]


@pytest.mark.soak
def test_guided_fuzzing_finds_no_way_out(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    script = Path(__file__).parents[1] / "fuzz" / "fuzz_treaty.py"
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for n, seed in enumerate((SMALL, *SEEDS)):
        (corpus / str(n)).write_bytes(seed)
    done = subprocess.run(
        [sys.executable, str(script), str(corpus), "-max_total_time=180", "-max_len=12000", "-timeout=20"],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
