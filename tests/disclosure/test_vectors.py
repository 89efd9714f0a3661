"""The published vectors: made again from their seeds bit for bit, and read by verifiers that know no seed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from detente.disclosure import opening, vrf_r255
from detente.disclosure.balance import verify as verify_balance
from detente.disclosure.container import read_escrow
from detente.disclosure.statement import bits_of, weights

FILE = Path(__file__).parents[2] / "docs" / "vectors" / "disclosure.json"


@pytest.fixture(scope="module")
def vectors() -> dict[str, Any]:
    return json.loads(FILE.read_text("utf-8"))  # type: ignore[no-any-return]


def test_the_vectors_follow_from_their_seeds(vectors: dict[str, Any]) -> None:
    spec = importlib.util.spec_from_file_location("make_vectors", Path(__file__).with_name("make_vectors.py"))
    assert spec
    assert spec.loader
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert json.loads(json.dumps(maker.build())) == vectors


def test_every_verifier_reads_the_vectors(world: SimpleNamespace, vectors: dict[str, Any]) -> None:
    data = bytes.fromhex(vectors["proof"]["file"])
    assert world.accepted_by(data) == world.ALL
    assert len(vectors["refused"]) >= 8
    for edit in vectors["refused"]:
        put = bytes.fromhex(edit["bytes"])
        changed = data[: edit["offset"]] + put + data[edit["offset"] + len(put) :]
        assert changed != data
        assert world.accepted_by(changed) == set(), edit["what"]


def test_the_escrow_the_balance_and_the_opening_hold(vectors: dict[str, Any]) -> None:
    old = read_escrow(bytes.fromhex(vectors["escrow"]["file"]))
    new = read_escrow(bytes.fromhex(vectors["balance"]["second escrow"]))
    assert old.root.hex() == vectors["escrow"]["root"]
    assert verify_balance(vectors["balance"]["file"].encode(), old, new).new == 2
    document = opening.read_document(json.dumps(vectors["opening"]).encode())
    assert opening.check(document, root=vectors["escrow"]["root"])[0].field == "warheads"
    key, alpha = bytes.fromhex(old.head.vrf), bytes.fromhex(vectors["escrow"]["alpha of A-1"])
    beta = vrf_r255.verify(key, alpha, bytes.fromhex(vectors["escrow"]["proof of A-1's slot"]))
    assert beta
    assert beta[:32] in {s.key for s in old.slots}


def test_the_tables_of_weights_and_bits(vectors: dict[str, Any]) -> None:
    for top, expected in vectors["weights"].items():
        assert list(weights(int(top))) == expected
    for name, expected in vectors["bits"].items():
        value, top = (int(w) for w in name.replace("in 0..", "").split())
        assert list(bits_of(value, top)) == expected
        assert sum(b * w for b, w in zip(expected, weights(top), strict=True)) == value
