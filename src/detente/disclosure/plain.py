"""Verifier 2: the whole check in plain Python, standard library only, for a reader with an afternoon.

It imports nothing of detente and runs alone: ``python plain.py FILE``. It follows docs/disclosure-spec.md
section by section. Everything it computes with is public, so it needs no constant-time arithmetic.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from collections.abc import Iterator
from typing import Any

P = 2**255 - 19  # the field
Q = 2**252 + 27742317777372353535851937790883648493  # the order of the group
D = -121665 * pow(121666, -1, P) % P  # the curve -x^2 + y^2 = 1 + D x^2 y^2
I = pow(2, (P - 1) // 4, P)  # noqa: E741 - a square root of -1
Point = tuple[int, int, int, int]  # extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z
ZERO: Point = (0, 1, 1, 0)


class Invalid(Exception):  # noqa: N818 - a finding, not a fault
    """The file is no valid proof."""


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Invalid(reason)


# -- section 2: the group ristretto255 (RFC 9496) ----------------------------------------------------------------


def sqrt_ratio(u: int, v: int) -> tuple[bool, int]:
    """(u/v is a square, its non-negative root); RFC 9496 section 4.2."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check in (-u % P, -u * I % P):
        r = r * I % P
    return check in (u % P, -u % P), _even(r)


def _even(r: int) -> int:
    """The one of r and -r that RFC 9496 calls non-negative."""
    return r if r % 2 == 0 else P - r


def decode(text: bytes) -> Point:
    """A group element from 32 canonical bytes; RFC 9496 section 4.3.1. The identity is refused."""
    s = int.from_bytes(text, "little")
    require(0 < s < P and s % 2 == 0, "a point is not canonical, or is the identity")
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, root = sqrt_ratio(1, v * u2 * u2 % P)
    dx = root * u2 % P
    x = _even(2 * s * dx % P)
    y = u1 * root * dx * v % P
    t = x * y % P
    require(square and t % 2 == 0 and y != 0, "32 bytes are no group element")
    return (x, y, 1, t)


def add(p: Point, q: Point) -> Point:
    """p + q; Hisil, Wong, Carter, Dawson 2008, section 3.1."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def elligator(r0: int) -> Point:
    """The map of RFC 9496 section 4.3.4 from one field element."""
    r = I * r0 * r0 % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    if not square:
        s, c = -_even(s * r0 % P) % P, r
    else:
        c = -1
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1 = 2 * s * v % P, n * (P - sqrt_ratio((-D - 1) % P, 1)[1]) % P
    w2, w3 = (1 - s * s) % P, (1 + s * s) % P
    return (w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P)


def hash_to_group(digest: bytes) -> Point:
    low, high = (int.from_bytes(half, "little") % 2**255 % P for half in (digest[:32], digest[32:]))
    return add(elligator(low), elligator(high))


def multi_multiply(scalars: list[int], points: list[Point], width: int = 9) -> Point:
    """The sum of scalar times point: Pippenger's buckets, `width` bits at a time."""
    total = ZERO
    for shift in reversed(range(0, max(s.bit_length() for s in scalars), width)):
        for _ in range(width):
            total = add(total, total)
        buckets: dict[int, Point] = {}
        for s, p in zip(scalars, points, strict=True):
            digit = s >> shift & (1 << width) - 1
            if digit:
                buckets[digit] = add(buckets[digit], p) if digit in buckets else p
        running = part = ZERO
        for digit in range((1 << width) - 1, 0, -1):
            if digit in buckets:
                running = add(running, buckets[digit])
            part = add(part, running)
        total = add(total, part)
    return total


def is_identity(p: Point) -> bool:
    """True for the identity of ristretto255, whose curve points are those with x y = 0."""
    return p[0] % P == 0 or p[1] % P == 0


H = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))
SENTENCE = b"detente.org/commitment/v1: second generator, whose logarithm nobody knows"
G = hash_to_group(hashlib.sha3_512(SENTENCE).digest())


# -- section 3: the file -----------------------------------------------------------------------------------------


def tagged(purpose: str, *parts: bytes) -> bytes:
    text = b"".join(len(p).to_bytes(8, "big") + p for p in (purpose.encode(), *parts))
    return hashlib.sha3_512(text).digest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        require(self.at + length <= len(self.data), "the file is too short")
        self.at += length
        return self.data[self.at - length : self.at]

    def point(self) -> Point:
        return decode(self.take(32))

    def scalar(self) -> int:
        number = int.from_bytes(self.take(32), "little")
        require(number < Q, "a scalar is not canonical")
        return number


# the exact members of each JSON object of the head, with the type of each
HEAD = {
    "version": str, "treaty": dict, "party": str, "exchange": int, "log": dict, "escrow": dict, "root": str,
    "limits": list, "left_out": list,
}  # fmt: skip
TREATY = {"id": str, "digest": str, "day": str}
LOG = {"origin": str, "size": int}
ESCROW = {"version": str, "party": str, "exchange": int, "classes": list, "slots": int, "vrf": str}
CLASS = {"name": str, "texts": list, "quantities": list}
QUANTITY = {"name": str, "max": int, "needs": int, "kind": str, "attributes": dict}
LIMIT = {
    "provision": str, "citation": str, "sentence": str, "unit": str, "sense": str, "bound": int, "scale": int,
    "terms": list,
}  # fmt: skip


def members(value: Any, shape: dict[str, Any]) -> None:
    require(isinstance(value, dict) and value.keys() == shape.keys(), "the head has other members")
    for name, kind in shape.items():
        require(type(value[name]) is kind, f"the member {name} of the head has another type")
        require(kind is not int or abs(value[name]) < 2**53, f"the member {name} of the head is too large")


def read_head(reader: Reader) -> dict[str, Any]:
    require(reader.take(29) == b"detente.org/ceiling-proof/v1\n", "no proof of this version")
    text = reader.take(int.from_bytes(reader.take(4), "big"))
    try:
        head = json.loads(text)
        require(canonical(head) == text, "the head is not canonical JSON")
    except (ValueError, RecursionError):
        raise Invalid("the head is no JSON") from None
    check_head(head)
    return head  # type: ignore[no-any-return]


def check_head(head: Any) -> None:
    members(head, HEAD)
    members(head["treaty"], TREATY)
    members(head["log"], LOG)
    escrow = head["escrow"]
    members(escrow, ESCROW)
    require(head["version"] == "detente.org/ceiling-proof/v1", "another version")
    require(escrow["version"] == "detente.org/escrow/v1", "another version of the escrow")
    require(
        (head["party"], head["exchange"]) == (escrow["party"], escrow["exchange"]), "two parties or exchanges"
    )
    require(head["log"]["size"] >= 0 and escrow["exchange"] >= 0, "a negative number")
    require(1 <= escrow["slots"] <= 2**17, "too many slots")
    require(len(escrow["vrf"]) == 64 and set(escrow["vrf"]) <= set("0123456789abcdef"), "no VRF key")
    for pair in head["left_out"]:
        strings(pair)
        require(len(pair) == 2, "a provision is left out without a reason")
    check_classes(escrow["classes"])


def strings(values: Any) -> None:
    require(isinstance(values, list) and all(type(v) is str for v in values), "a list of strings is expected")


def check_classes(classes: list[Any]) -> None:
    require(1 <= len(classes) <= 250, "no item classes")
    for c in classes:
        members(c, CLASS)
        strings(c["texts"])
        require(1 <= len(c["quantities"]) <= 16 and len(c["texts"]) <= 16, "a class has too many fields")
        for n, q in enumerate(c["quantities"]):
            members(q, QUANTITY)
            require(1 <= q["max"] <= 2**32 and -1 <= q["needs"] < n, "a quantity is out of range")
            require(
                q["needs"] < 0 or c["quantities"][q["needs"]]["max"] == 1, "'needs' names no 0/1 quantity"
            )
            for name, value in q["attributes"].items():
                plain = type(value) in (bool, str) or (type(value) is int and abs(value) < 2**53)
                require(name.isascii() and plain, "an attribute is no plain value")
        fields = [*c["texts"], *(q["name"] for q in c["quantities"])]
        require(len(set(fields)) == len(fields), "two fields of one name")
    require(len({c["name"] for c in classes}) == len(classes), "two classes of one name")


def read_slots(reader: Reader, head: dict[str, Any]) -> list[tuple[int, list[bytes]]]:
    """(class, commitments) of each slot; checks the order of the keys and the root."""
    escrow, slots, leaves, last = head["escrow"], [], [], b""
    for _ in range(escrow["slots"]):
        key, kind = reader.take(32), reader.take(1)
        require(key > last, "two slots share a key, or they are out of order")
        require(kind[0] < len(escrow["classes"]), "a slot of no class")
        body, last = reader.take(64), key
        commitments = [reader.take(32) for _ in escrow["classes"][kind[0]]["quantities"]]
        leaves.append(tagged("detente.org/escrow/v1/leaf", key, kind, body, b"".join(commitments)))
        slots.append((kind[0], commitments))
    root = tagged("detente.org/escrow/v1/root", canonical(escrow), tree_head(leaves))
    require(root.hex() == head["root"], "the root in the head is not the root of the slots")
    return slots


def tree_head(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1  # the largest power of two below the number of leaves
    return tagged("detente.org/escrow/v1/node", tree_head(leaves[:half]), tree_head(leaves[half:]))


# -- section 4: the statement and its equations ------------------------------------------------------------------


def weights(top: int) -> list[int]:
    """1, 2, 4, ... and a rest: the subset sums are exactly 0 to `top`."""
    powers = [1 << j for j in range(max(top.bit_length() - 1, 0))]
    return [*powers, top - sum(powers)] if top else []


def slack(limit: Any, largest: list[int]) -> tuple[int, dict[int, int], int]:
    """(constant, terms, top): the limit holds exactly where constant + sum(terms) lies in 0..top."""
    members(limit, LIMIT)
    pairs = limit["terms"]
    for pair in pairs:
        require(
            isinstance(pair, list) and [type(v) for v in pair] == [int, int], "a term is a pair of integers"
        )
        require(all(abs(v) < 2**53 for v in pair), "a term is too large")
    order = [i for i, _ in pairs]
    require(order != [] and order == sorted(set(order)), "the terms are out of order")
    require(order[0] >= 0 and order[-1] < len(largest) and all(c for _, c in pairs), "a term is out of range")
    require(limit["scale"] >= 1, "a scale below one")
    terms, bound = dict(pairs), limit["bound"]
    ends = [c * largest[i] for i, c in pairs]
    require(abs(bound) + sum(map(abs, ends)) < 2**120, "the sums could wrap around the group order")
    least, most = sum(e for e in ends if e < 0), sum(e for e in ends if e > 0)
    if limit["sense"] == "<=":
        found = bound, {i: -c for i, c in terms.items()}, bound - least
    elif limit["sense"] == ">=":
        found = -bound, terms, most - bound
    else:
        require(limit["sense"] == "=", "a sense is <=, >= or =")
        found = bound, {i: -c for i, c in terms.items()}, 0 if least <= bound <= most else -1
    require(found[2] >= 0, "no holding satisfies a limit")
    return found


class Sum:
    """A linear combination of points, kept as a number for each distinct point."""

    def __init__(self) -> None:
        self.scalars: list[int] = [0, 0]
        self.points: list[Point] = [G, H]

    def new(self, point: Point) -> int:
        self.points.append(point)
        self.scalars.append(0)
        return len(self.points) - 1

    def add(self, factor: int, which: dict[int, int]) -> None:
        """Add `factor` times the combination `which` (index of a point: its multiple)."""
        for index, multiple in which.items():
            self.scalars[index] = (self.scalars[index] + factor * multiple) % Q


def plan(head: dict[str, Any], kinds: list[int]) -> tuple[list[list[tuple[int, list[int]]]], list[Any]]:
    """Per class, (top, gated quantities) of each quantity; and the slack of each limit."""
    classes = head["escrow"]["classes"]
    shape = [
        [
            (q["max"], [m for m, o in enumerate(c["quantities"]) if o["needs"] == n])
            for n, q in enumerate(c["quantities"])
        ]
        for c in classes
    ]
    largest = [q["max"] * kinds.count(n) for n, c in enumerate(classes) for q in c["quantities"]]
    return shape, [slack(limit, largest) for limit in head["limits"]]


def verify(data: bytes) -> dict[str, Any]:
    """The statement that `data` proves. Raises Invalid."""
    reader = Reader(data)
    head = read_head(reader)
    slots = read_slots(reader, head)
    shape, slacks = plan(head, [kind for kind, _ in slots])
    total = Sum()
    values: list[tuple[dict[int, int], int, list[dict[int, int]]]] = []  # commitment, top, gated commitments
    start = [sum(len(s) for s in shape[:n]) for n in range(len(shape))]
    sums: list[dict[int, int]] = [{} for s in shape for _ in s]
    for kind, texts in slots:
        own = [{total.new(decode(text)): 1} for text in texts]
        for n, (top, gated) in enumerate(shape[kind]):
            values.append((own[n], top, [own[m] for m in gated]))
            sums[start[kind] + n] |= own[n]
    for constant, terms, top in slacks:
        whole = {0: constant % Q}
        for i, c in terms.items():
            whole |= dict.fromkeys(sums[i], c % Q)
        values.append((whole, top, []))
    equations = list(read_firsts(reader, total, values))
    c = int.from_bytes(tagged("detente.org/ceiling-proof/v1/challenge", data[: reader.at])[:16], "little")
    check_responses(reader, total, equations, c)
    require(reader.at == len(data), "the file is too long")
    require(
        is_identity(multi_multiply(total.scalars, total.points)), "an equation of the proof does not hold"
    )
    return head


Equation = tuple[dict[int, int], list[dict[int, int]], int, int]


def read_firsts(reader: Reader, total: Sum, values: list[Any]) -> Iterator[Equation]:
    """(commitment, gated, index of A0, index of A1) of each bit; A1 is -1 for an equality."""
    for own, top, gated in values:
        w = weights(top)
        if not w:
            yield own, [], total.new(reader.point()), -1
            continue
        others = [total.new(reader.point()) for _ in w[1:]]
        lowest = dict(own) | {index: -weight for index, weight in zip(others, w[1:], strict=True)}
        for commitment in (lowest, *({index: 1} for index in others)):
            yield commitment, gated, total.new(reader.point()), total.new(reader.point())


def check_responses(reader: Reader, total: Sum, equations: list[Equation], c: int) -> None:
    """Add every equation, times a random number of the verifier's own, to the one sum that must vanish."""
    for commitment, gated, a0, a1 in equations:
        if a1 < 0:  # A + c V = z H
            rho, z = secrets.randbits(128), reader.scalar()
            total.add(rho, {a0: 1})
            total.add(rho * c, commitment)
            total.add(-rho * z, {1: 1})
            continue
        c0 = int.from_bytes(reader.take(16), "little")
        c1, z0, z1 = c ^ c0, reader.scalar(), reader.scalar()
        r0, r1 = secrets.randbits(128), secrets.randbits(128)
        total.add(r0, {a0: 1})  # A0 + c0 C + c0^2 V1 + ... = z0 H
        total.add(r1, {a1: 1})  # A1 + c1 (C - G) = z1 H
        total.add(r0 * c0 + r1 * c1, commitment)
        for n, other in enumerate(gated, 2):
            total.add(r0 * pow(c0, n, Q), other)
        total.add(-1, {0: r1 * c1, 1: r0 * z0 + r1 * z1})


def main(arguments: list[str]) -> str:
    """What the file named in `arguments` proves, or a line that says that it does not."""
    if len(arguments) != 1:
        return "give one proof file"
    try:
        with open(arguments[0], "rb") as file:  # noqa: PTH123 - no import more than needed
            head = verify(file.read())
    except OSError as reason:
        return f"cannot read the file: {reason.strerror}"
    except Invalid as reason:
        return f"NOT PROVED: {reason}"
    print(f"PROVED for {head['party']}, exchange {head['exchange']}, root {head['root']}:")
    for limit in head["limits"]:
        print(f"  {limit['provision']}: {limit['sentence']} ({limit['citation']})")
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) or None)
