"""Verifier 3: every equation of a proof folded into one multi-scalar multiplication (numba), the fastest.

Its parser, its transcript and its curve are its own: it imports nothing of the prover or of the other verifiers.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
from itertools import accumulate, pairwise
from typing import Any

from detente.disclosure import curve

ORDER = (1 << 252) + 0x14DEF9DEA2F79CD65812631A5CF5D3ED
_MAGIC = b"detente.org/ceiling-proof/v1\n"
_H = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
_G = bytes.fromhex(
    "7e201517dabd07c61640f9daed6a1c5f9e17afd4c5e8b3dc02d39ec4dc964222"
)  # derived in docs/disclosure-spec.md section 2
_SAFE = 2**53 - 1


class BatchInvalid(Exception):  # noqa: N818 - a finding, not a fault
    """The file is no valid proof."""


def _fail(reason: str) -> Any:
    raise BatchInvalid(reason)


# a head's shape: a type, a one-element list for "list of", a dict for an object with exactly these members
_QUANTITY = {"name": str, "max": int, "needs": int, "kind": str, "attributes": None}
_CLASS = {"name": str, "texts": [str], "quantities": [_QUANTITY]}
_LIMIT = dict.fromkeys(("provision", "citation", "sentence", "unit", "sense"), str) | {
    "bound": int,
    "scale": int,
    "terms": [(int, int)],
}
_HEAD = {
    "version": str,
    "treaty": {"id": str, "digest": str, "day": str},
    "party": str,
    "exchange": int,
    "log": {"origin": str, "size": int},
    "escrow": {"version": str, "party": str, "exchange": int, "classes": [_CLASS], "slots": int, "vrf": str},
    "root": str,
    "limits": [_LIMIT],
    "left_out": [(str, str)],
}


def _fits(value: Any, shape: Any) -> bool:
    if shape is None:  # attributes: plain values under ASCII names
        return isinstance(value, dict) and all(
            k.isascii() and (_fits(v, bool) or _fits(v, int) or _fits(v, str)) for k, v in value.items()
        )
    if isinstance(shape, dict):
        return (
            isinstance(value, dict)
            and value.keys() == shape.keys()
            and all(_fits(value[k], s) for k, s in shape.items())
        )
    if isinstance(shape, tuple):
        return isinstance(value, list) and len(value) == 2 and all(map(_fits, value, shape))
    if isinstance(shape, list):
        return isinstance(value, list) and all(_fits(v, shape[0]) for v in value)
    return type(value) is shape and (shape is not int or abs(value) <= _SAFE)


def _tag(purpose: bytes, *parts: bytes | memoryview) -> bytes:
    state = hashlib.sha3_512()
    for part in (purpose, *parts):
        state.update(struct.pack(">Q", len(part)))
        state.update(part)
    return state.digest()


def _compact(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


class _Statement:
    """The head, and where each point stands: the slots' commitments first, then the first messages."""

    def __init__(self, data: bytes) -> None:
        at = len(_MAGIC) + 4
        if data[: len(_MAGIC)] != _MAGIC or len(data) < at:
            _fail("not a proof of this version")
        (size,) = struct.unpack_from(">I", data, len(_MAGIC))
        text = data[at : at + size]
        try:
            self.head: dict[str, Any] = json.loads(text.decode("utf-8"))
            if not _fits(self.head, _HEAD) or _compact(self.head) != text:
                _fail("the head is not canonical, or has another shape")
        except (ValueError, RecursionError):
            _fail("the head is no JSON")
        self.escrow, self.classes = self.head["escrow"], self.head["escrow"]["classes"]
        self._check_head()
        self.at = self._slots(data, at + size)

    def _check_head(self) -> None:
        head, escrow = self.head, self.escrow
        good = (
            head["version"] + "\n" == _MAGIC.decode()
            and escrow["version"] == "detente.org/escrow/v1"
            and head["party"] == escrow["party"]
            and head["exchange"] == escrow["exchange"] >= 0
            and head["log"]["size"] >= 0
            and 0 < escrow["slots"] <= 1 << 17
            and len(escrow["vrf"]) == 64
            and not escrow["vrf"].strip("0123456789abcdef")
            and 0 < len(self.classes) <= 250
            and len({c["name"] for c in self.classes}) == len(self.classes)
        )
        if not good:
            _fail("the head contradicts itself or is out of range")
        for c in self.classes:
            qs = c["quantities"]
            names = c["texts"] + [q["name"] for q in qs]
            fine = len(set(names)) == len(names) and 0 < len(qs) <= 16 and len(c["texts"]) <= 16
            for n, q in enumerate(qs):
                fine = fine and 1 <= q["max"] <= 1 << 32 and -1 <= q["needs"] < n
                fine = fine and (q["needs"] < 0 or qs[q["needs"]]["max"] == 1)
            if not fine:
                _fail("an item class is out of range")

    def _slots(self, data: bytes, at: int) -> int:
        widths = [len(c["quantities"]) for c in self.classes]
        self.kinds: list[int] = []
        parts, leaves, before = [], [], b""
        for _ in range(self.escrow["slots"]):
            if at + 33 > len(data) or data[at + 32] >= len(widths):
                _fail("a slot is cut off, or of no class")
            kind, end = data[at + 32], at + 97 + 32 * widths[data[at + 32]]
            key, body, points = data[at : at + 32], data[at + 33 : at + 97], data[at + 97 : end]
            if end > len(data) or key <= before:
                _fail("a slot is cut off or out of order")
            leaves.append(_tag(b"detente.org/escrow/v1/leaf", key, bytes([kind]), body, points))
            self.kinds.append(kind)
            parts.append(points)
            before, at = key, end
        self.commitments = b"".join(parts)
        root = _tag(b"detente.org/escrow/v1/root", _compact(self.escrow), _fold(leaves))
        if self.head["root"] != root.hex():
            _fail("the root in the head is not that of the slots")
        return at


def _fold(leaves: list[bytes]) -> bytes:
    """The Merkle head with a stack of complete subtrees (RFC 6962 section 2.1)."""
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        height, node = 0, leaf
        while stack and stack[-1][0] == height:
            node, height = _tag(b"detente.org/escrow/v1/node", stack.pop()[1], node), height + 1
        stack.append((height, node))
    node = stack.pop()[1]
    while stack:
        node = _tag(b"detente.org/escrow/v1/node", stack.pop()[1], node)
    return node


def _weights(top: int) -> list[int]:
    k = top.bit_length()
    return [2**j for j in range(k - 1)] + [top + 1 - 2 ** (k - 1)] if k else []


def _slack(limit: dict[str, Any], largest: list[int]) -> tuple[int, list[tuple[int, int]], int]:
    """(constant, terms, top) with constant + sum(terms) in [0, top] exactly where the limit is kept."""
    terms = [(i, c) for i, c in limit["terms"]]
    indices = [i for i, _ in terms]
    fine = terms and all(a < b for a, b in pairwise(indices)) and limit["scale"] > 0
    if not fine or indices[0] < 0 or indices[-1] >= len(largest) or not all(c for _, c in terms):
        _fail("a limit is malformed")
    bound, sense = limit["bound"], limit["sense"]
    up = sum(c * largest[i] for i, c in terms if c > 0)
    down = sum(-c * largest[i] for i, c in terms if c < 0)
    if abs(bound) + up + down >= 1 << 120:
        _fail("sums near the group order")
    found = {
        "<=": (bound, [(i, -c) for i, c in terms], bound + down),
        ">=": (-bound, terms, up - bound),
        "=": (bound, [(i, -c) for i, c in terms], 0 if -down <= bound <= up else -1),
    }.get(sense)
    if found is None or found[2] < 0:
        _fail("a limit that nothing satisfies, or of no known sense")
    return found  # type: ignore[return-value]


class _Fold:
    """The one equation: a scalar for every point of the file, and one each for G and H."""

    def __init__(self, statement: _Statement, data: bytes) -> None:
        self.s, self.data = statement, data
        widths = [len(c["quantities"]) for c in statement.classes]
        self.starts = [0, *accumulate(widths)]
        counts = [statement.kinds.count(n) for n in range(len(widths))]
        largest = [q["max"] * counts[n] for n, c in enumerate(statement.classes) for q in c["quantities"]]
        self.slacks = [_slack(limit, largest) for limit in statement.head["limits"]]
        self.gates = [
            [
                [m - n for m, o in enumerate(c["quantities"]) if o["needs"] == n]
                for n in range(len(c["quantities"]))
            ]
            for c in statement.classes
        ]
        tops = [[q["max"] for q in c["quantities"]] for c in statement.classes]
        self.tops = [top for kind in statement.kinds for top in tops[kind]]
        lengths = [t.bit_length() for t in (*self.tops, *(s[2] for s in self.slacks))]
        bits = sum(lengths)
        zeros = lengths.count(0)
        self.points = len(self.tops)
        first = 32 * (3 * bits - (len(lengths) - zeros) + zeros)
        self.firsts = memoryview(data)[statement.at : statement.at + first]
        self.at = statement.at + first
        if len(data) != self.at + 80 * bits + 32 * zeros:
            _fail("the file is too short or too long")
        tag = _tag(b"detente.org/ceiling-proof/v1/challenge", memoryview(data)[: self.at])
        self.c = int.from_bytes(tag[:16], "little")
        self.noise, self.drawn = secrets.token_bytes(32 * (bits + zeros)), 0
        self.scalars = [0] * (self.points + first // 32)
        self.on_g = self.on_h = 0

    def run(self) -> None:
        n = 0
        for kind in self.s.kinds:
            for gate, top in zip(self.gates[kind], self.tops[n : n + len(self.gates[kind])], strict=True):
                self.scalars[n] += self._value(top, [n + d for d in gate])
                n += 1
        sums = [0] * self.starts[-1]
        for constant, terms, top in self.slacks:
            share = self._value(top, [])
            self.on_g += share * constant
            for i, c in terms:
                sums[i] += share * c
        n = 0
        for kind in self.s.kinds:
            for share in sums[self.starts[kind] : self.starts[kind + 1]]:
                self.scalars[n] += share
                n += 1
        self.scalars += [self.on_g, self.on_h]
        packed = bytearray()
        for scalar in self.scalars:
            packed += (scalar % ORDER).to_bytes(32, "little")
        self.scalars.clear()  # large beside the rest: a proof of 10 000 items is checked in under 200 MB
        try:
            decoded = curve.decode(b"".join((self.s.commitments, self.firsts, _G, _H)))
        except curve.BadPoint as bad:
            raise BatchInvalid(str(bad)) from None
        if not curve.sums_to_identity(packed, decoded):
            _fail("an equation of the proof does not hold")

    def _value(self, top: int, gated: list[int]) -> int:
        """Fold the equations of one value in; the factor that falls on its own commitment."""
        w, c, scalars, take = _weights(top), self.c, self.scalars, self._number
        if not w:
            rho, _ = self._draw()
            scalars[self.points] += rho
            self.points += 1
            self.on_h -= rho * self._response()
            return rho * c
        carried = self.points
        self.points = first = carried + len(w) - 1
        lowest = 0
        for j, weight in enumerate(w):
            r0, r1 = self._draw()
            c0 = take(16)
            c1 = c ^ c0
            scalars[first] += r0
            scalars[first + 1] += r1
            first += 2
            self.on_h -= r0 * self._response() + r1 * self._response()
            self.on_g -= r1 * c1
            factor = r0 * c0 + r1 * c1
            if j:
                scalars[carried + j - 1] += factor - weight * lowest
            else:
                lowest = factor % ORDER
            power = c0
            for other in gated:
                power = power * c0 % ORDER
                scalars[other] += r0 * power
        self.points = first
        return lowest

    def _draw(self) -> tuple[int, int]:
        both = int.from_bytes(self.noise[self.drawn : self.drawn + 32], "little")
        self.drawn += 32
        return both >> 128, both & (1 << 128) - 1

    def _number(self, length: int) -> int:
        self.at += length
        return int.from_bytes(self.data[self.at - length : self.at], "little")

    def _response(self) -> int:
        z = self._number(32)
        return z if z < ORDER else _fail("a response is not canonical")


def verify(data: bytes) -> dict[str, Any]:
    """The statement that `data` proves. Raises BatchInvalid."""
    statement = _Statement(data)
    _Fold(statement, data).run()
    return statement.head
