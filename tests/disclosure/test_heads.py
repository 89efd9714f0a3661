"""The three verifiers judge heads alike: a head is refused by all before any point is read, or by none.

A liar may make a valid proof under any head, so a mutation that only breaks the challenge would hide a missing check.
Here every point is invalid; how far a verifier gets tells whether it accepted the head.
"""

from __future__ import annotations

import json
import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.disclosure import batch, native, plain
from detente.disclosure.container import Slot
from detente.disclosure.hashing import tagged
from detente.disclosure.merkle import tree_head
from detente.errors import DetenteError

BAD_POINT = b"\xff" * 32
EDGES = [
    -(2**53),
    -1,
    0,
    1,
    2,
    3,
    16,
    17,
    250,
    2**17,
    2**17 + 1,
    2**32,
    2**32 + 1,
    2**53 - 1,
    2**53,
    2**63,
    2**64,
]


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def file_under(head: dict[str, Any], kinds: list[int]) -> bytes:
    """A proof file with this head, a root that fits it, and no valid point; sizes as the head asks."""
    classes = head["escrow"]["classes"]
    slots = [
        Slot(struct.pack(">32B", *[n] * 32), kind, bytes(64), (BAD_POINT,) * len(classes[kind]["quantities"]))
        for n, kind in enumerate(kinds, 1)
    ]
    root = tagged("detente.org/escrow/v1/root", canonical(head["escrow"]), tree_head([s.leaf for s in slots]))
    head["root"] = root.hex()
    text = canonical(head)
    tops = [q["max"] for k in kinds for q in classes[k]["quantities"]]
    tops += [_top(limit, classes, kinds) for limit in head["limits"]]
    bits = sum(t.bit_length() for t in tops)
    zeros = sum(t == 0 for t in tops)
    size = 32 * (3 * bits - len(tops) + 2 * zeros) + 80 * bits + 32 * zeros
    body = b"".join(s.encode() for s in slots) + b"\xff" * max(0, min(size, 10**6))
    return b"detente.org/ceiling-proof/v1\n" + len(text).to_bytes(4, "big") + text + body


def _top(limit: dict[str, Any], classes: list[Any], kinds: list[int]) -> int:
    largest = [q["max"] * kinds.count(n) for n, c in enumerate(classes) for q in c["quantities"]]
    ends = [t[1] * largest[t[0]] for t in limit["terms"] if 0 <= t[0] < len(largest)]
    if limit["sense"] == "<=":
        return max(0, limit["bound"] - sum(e for e in ends if e < 0))
    return max(0, sum(e for e in ends if e > 0) - limit["bound"]) if limit["sense"] == ">=" else 0


def stages(data: bytes) -> dict[str, str]:
    """How far each verifier gets: "head" or "points"."""
    found = {}
    for name, verify in (("native", native.verify), ("plain", plain.verify), ("batch", batch.verify)):
        with pytest.raises((DetenteError, plain.Invalid, batch.BatchInvalid)) as caught:
            verify(data)
        found[name] = (
            "points" if "canonical" in str(caught.value) and "head" not in str(caught.value) else "head"
        )
    return found


def base() -> tuple[dict[str, Any], list[int]]:
    quantity = {"name": "deployed", "max": 1, "needs": -1, "kind": "icbm", "attributes": {"deployed": True}}
    other = {"name": "warheads", "max": 10, "needs": 0, "kind": "w", "attributes": {}}
    one = {"name": "missile", "texts": ["serial"], "quantities": [quantity, other]}
    two = {"name": "store", "texts": [], "quantities": [{**other, "needs": -1}]}
    escrow = {
        "version": "detente.org/escrow/v1",
        "party": "RU",
        "exchange": 3,
        "classes": [one, two],
        "slots": 3,
        "vrf": "0a" * 32,
    }
    limit = {
        "provision": "p",
        "citation": "c",
        "sentence": "s",
        "unit": "u",
        "sense": "<=",
        "bound": 2,
        "scale": 1,
        "terms": [[0, 1], [1, 2]],
    }
    head = {
        "version": "detente.org/ceiling-proof/v1", "treaty": {"id": "t", "digest": "d", "day": "2026-01-01"},
        "party": "RU", "exchange": 3, "log": {"origin": "o", "size": 7}, "escrow": escrow, "root": "",
        "limits": [limit, {**limit, "sense": ">=", "terms": [[2, -1]], "bound": -9}], "left_out": [["a", "b"]],
    }  # fmt: skip
    return head, [0, 1, 0]


def test_the_head_itself_is_accepted_by_all() -> None:
    assert stages(file_under(*base())) == dict.fromkeys(("native", "plain", "batch"), "points")


BAD: list[tuple[str, Any]] = [
    ("version", "detente.org/ceiling-proof/v2"),
    ("party", "US"),
    ("exchange", 4),
    ("log.size", -1),
    ("log.size", True),
    ("log.size", 1.0),
    ("treaty.day", None),
    ("escrow.version", "x"),
    ("escrow.vrf", "0A" * 32),
    ("escrow.vrf", "0a" * 31),
    ("escrow.slots", 4),
    ("escrow.slots", 2),
    ("escrow.classes.1.name", "missile"),
    ("escrow.classes.0.texts", ["deployed"]),
    ("escrow.classes.0.texts", ["a"] * 2),
    ("escrow.classes.0.texts", [str(n) for n in range(17)]),
    ("escrow.classes.0.texts.0", 5),
    ("escrow.classes.0.quantities.1.needs", 1),
    ("escrow.classes.0.quantities.1.needs", -2),
    ("escrow.classes.0.quantities.0.max", 2),
    ("escrow.classes.0.quantities.0.max", 0),
    ("escrow.classes.0.quantities.1.max", 2**32 + 1),
    ("escrow.classes.0.quantities.1.name", "deployed"),
    ("escrow.classes.0.quantities.1.attributes", {"a": 1.5}),
    ("escrow.classes.0.quantities.1.attributes", {"a": None}),
    ("escrow.classes.0.quantities.1.attributes", {"ä": 1}),
    ("escrow.classes.0.quantities.1.attributes", {"a": 2**53}),
    ("limits.0.sense", "<"),
    ("limits.0.scale", 0),
    ("limits.0.bound", -1),
    ("limits.0.bound", 2**53),
    ("limits.0.terms", []),
    ("limits.0.terms", [[1, 1], [0, 1]]),
    ("limits.0.terms", [[0, 1], [0, 1]]),
    ("limits.0.terms", [[0, 0]]),
    ("limits.0.terms", [[-1, 1]]),
    ("limits.0.terms", [[3, 1]]),
    ("limits.0.terms", [[0, 1, 1]]),
    ("limits.0.terms", [[0, True]]),
    ("limits.1.bound", 1),
    ("left_out", [["a"]]),
    ("left_out", [["a", 1]]),
    ("more", 1),
]


def put(tree: Any, at: str, value: Any) -> None:
    *steps, last = [int(s) if s.isdecimal() else s for s in at.split(".")]
    for step in steps:
        tree = tree[step]
    tree[last] = value


@pytest.mark.parametrize(("at", "value"), BAD, ids=[f"{a}={v!r}"[:60] for a, v in BAD])
def test_a_bad_head_is_refused_by_all_before_any_point_is_read(at: str, value: Any) -> None:
    head, kinds = base()
    put(head, at, value)
    assert stages(file_under(head, kinds)) == dict.fromkeys(("native", "plain", "batch"), "head")


@pytest.mark.parametrize("what", ["root", "order", "twins", "class", "spaces", "twice"])
def test_bad_slots_and_bytes_are_refused_by_all(what: str) -> None:
    data = bytearray(file_under(*base()))
    start = 33 + int.from_bytes(data[29:33], "big")
    head = json.loads(bytes(data[33:start]))
    if what == "root":
        head["root"] = "00" * 64
    elif what == "class":
        data[start + 32] = 2
    elif what in ("order", "twins"):
        data[start + 161 : start + 193] = bytes([1 if what == "twins" else 0]) * 32
    text = canonical(head)
    if what == "spaces":
        text = json.dumps(head, sort_keys=True).encode()
    elif what == "twice":
        text = text[:-1] + b',"version":"detente.org/ceiling-proof/v1"}'
    whole = bytes(data[:29]) + len(text).to_bytes(4, "big") + text + bytes(data[start:])
    assert stages(whole) == dict.fromkeys(("native", "plain", "batch"), "head")


def _leaves(tree: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [leaf for k, v in entries for leaf in (_leaves(v, (*at, k)) or [(*at, k)])]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_heads_with_odd_values_are_judged_alike(world: SimpleNamespace, data: st.DataObject) -> None:
    head, kinds = base()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(_leaves(head)))
        node = head
        for step in at[:-1]:
            node = node[step]
        old = node[at[-1]]
        odd = (
            st.sampled_from(EDGES)
            if type(old) is int
            else st.sampled_from(["", "<=", ">=", "=", "ü", "\u0000", "US"])
        )
        node[at[-1]] = data.draw(odd)
    try:
        made = file_under(head, kinds)
    except (TypeError, OverflowError):
        return
    assert len(set(stages(made).values())) == 1
