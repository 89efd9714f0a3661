"""The compact option: the same statement as one aggregated Bulletproof of about a kilobyte.

Bünz, Bootle, Boneh, Poelstra, Wuille, Maxwell 2018 (doi 10.1109/SP.2018.00020), sections 4.2 and 6.1, with the bit
weights of the specification in place of powers of two. A gate ("zero without") becomes the range of one more sum:
max * gate - value. docs/disclosure-spec.md section 6. Secrets pass through libsodium only: the vectors of the inner
product argument are blinded, and its paper's own first version sends them in the clear.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from detente.disclosure.container import COMPACT_VERSION, Slot, encode_prefix, read_compact, slacks
from detente.disclosure.group import IDENTITY, ORDER, Group, canonical_scalar, encode, group
from detente.disclosure.hashing import expand, tagged
from detente.disclosure.hashing import noise as secret_noise
from detente.disclosure.native import Refused
from detente.disclosure.prove import Opening, witness
from detente.disclosure.statement import Head, Slack, bits_of, columns, weights

_NAME = COMPACT_VERSION + "/"


class Value(msgspec.Struct, frozen=True):
    """One value in [0, top]: ``constant + sum(factor * commitment)``; terms name commitments of the slots."""

    constant: int
    terms: tuple[tuple[int, int], ...]
    top: int


def _values(head: Head, slots: Sequence[Slot], bounds: Sequence[Slack]) -> list[Value]:
    """Every quantity, every gate and every limit, over the commitments numbered in file order."""
    classes, values, at = head.escrow.classes, [], 0
    members: list[list[int]] = [[] for _ in columns(classes)]
    start = [sum(len(c.quantities) for c in classes[:n]) for n in range(len(classes))]
    for slot in slots:
        for n, q in enumerate(classes[slot.kind].quantities):
            members[start[slot.kind] + n].append(at + n)
            values.append(Value(0, ((at + n, 1),), q.max))
            if q.needs >= 0:
                values.append(Value(0, ((at + q.needs, q.max), (at + n, -1)), q.max))
        at += len(slot.commitments)
    limits = [Value(b.constant, tuple((m, c) for i, c in b.terms for m in members[i]), b.top) for b in bounds]
    return values + limits


@lru_cache(maxsize=1)
def _generators(size: int) -> tuple[list[bytes], Any]:
    """2 * size generators hashed from their numbers, and Q; encoded and decoded."""
    from detente.disclosure import curve

    g = group()
    names = [*((b"G", n) for n in range(size)), *((b"H", n) for n in range(size)), (b"Q", 0)]
    points = [g.from_hash(tagged(_NAME + "generator", kind, n.to_bytes(4, "big"))) for kind, n in names]
    return points, curve.decode(b"".join(points))


class _Transcript:
    """Challenges, each over everything said before it."""

    def __init__(self, prefix: bytes) -> None:
        self.state = tagged(_NAME + "statement", prefix)

    def challenge(self, name: str, *said: bytes) -> int:
        self.state = tagged(_NAME + name, self.state, *said)
        return int.from_bytes(self.state, "little") % ORDER or 1


def _size(values: Sequence[Value]) -> int:
    bits = sum(v.top.bit_length() for v in values)
    return 1 << max(bits - 1, 0).bit_length()


def _weights(values: Sequence[Value], size: int, z: int) -> list[int]:
    """d: for bit i of value j, z**(2 + j) times the bit's weight; zero in the padding."""
    found, power = [], z * z % ORDER
    for v in values:
        found += [power * w % ORDER for w in weights(v.top)]
        power = power * z % ORDER
    return found + [0] * (size - len(found))


def _powers(x: int, count: int) -> list[int]:
    found = [1]
    for _ in range(count - 1):
        found.append(found[-1] * x % ORDER)
    return found


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True)) % ORDER


def _pack(scalars: Sequence[int]) -> bytes:
    return b"".join([(s % ORDER).to_bytes(32, "little") for s in scalars])


def prove(
    head: Head, slots: Sequence[Slot], openings: Sequence[Sequence[Opening]], *, entropy: bytes | None = None
) -> bytes:
    """A compact proof file for the statement of `head`; see `detente.disclosure.prove.prove`."""
    g = group()
    head = msgspec.structs.replace(head, version=COMPACT_VERSION)
    bounds = slacks(head, slots)
    held = witness(g, head, slots, openings, bounds)
    values = _values(head, slots, bounds)
    opened = list(_opened(g, values, [o for own in openings for o in own], held))
    size = _size(values)
    bits = [b for v, o in zip(values, opened, strict=True) for b in bits_of(o.value, v.top)]
    bits += [0] * (size - len(bits))
    prefix = encode_prefix(head, slots, b"")
    seed = expand(
        _NAME + "seed",
        64,
        os.urandom(64) if entropy is None else entropy,
        prefix,
        *(o.blinding for o in opened),
    )
    noise = _noise(g, secret_noise(_NAME + "noise", 64 * (2 * size + 4), seed, fresh=entropy is None))
    alpha, rho, tau1, tau2 = noise[:4]
    blind = noise[4:]
    points, decoded = _generators(size)
    a, s = _first_messages(g, points, bits, blind, alpha, rho)
    talk = _Transcript(prefix)
    y = talk.challenge("y", a, s)
    z = talk.challenge("z")
    left, right = _vectors(bits, blind, y, _weights(values, size, z), z)
    t1 = (_dot(left[0], right[1]) + _dot(left[1], right[0])) % ORDER
    t2 = _dot(left[1], right[1])
    said = [g.add(g.mul(encode(t), g.G), g.base(tau)) for t, tau in ((t1, tau1), (t2, tau2))]
    x = talk.challenge("x", *said)
    vl = [(p + q * x) % ORDER for p, q in zip(*left, strict=True)]
    vr = [(p + q * x) % ORDER for p, q in zip(*right, strict=True)]
    taux = g.scalar_add(g.scalar_mul(encode(x * x), tau2), g.scalar_mul(encode(x), tau1))
    for power, o in zip(_powers(z, len(values) + 2)[2:], opened, strict=True):
        taux = g.scalar_add(taux, g.scalar_mul(encode(power), o.blinding))
    mu = g.scalar_add(alpha, g.scalar_mul(encode(x), rho))
    scalars = taux + mu + encode(_dot(vl, vr))
    w = talk.challenge("w", scalars)
    inner = _inner_product(decoded, talk, vl, vr, pow(y, -1, ORDER), w)
    return prefix + a + s + b"".join(said) + scalars + inner


def _opened(
    g: Group, values: Sequence[Value], own: Sequence[Opening], held: Sequence[Opening]
) -> Iterator[Opening]:
    """What each value opens to: the limits' openings are given, the others are sums of at most two."""
    for v in values[: len(values) - len(held)]:
        blind = bytes(32)
        for n, factor in v.terms:
            blind = g.scalar_add(blind, g.scalar_mul(encode(factor), own[n].blinding))
        yield Opening(v.constant + sum(f * own[n].value for n, f in v.terms), blind)
    yield from held


def _noise(g: Group, stream: bytes) -> list[bytes]:
    return [g.scalar(stream[n : n + 64]) for n in range(0, len(stream), 64)]


def _first_messages(
    g: Group, points: Sequence[bytes], bits: Sequence[int], blind: Sequence[bytes], alpha: bytes, rho: bytes
) -> tuple[bytes, bytes]:
    """A and S: the commitments to the bits (and the bits less one) and to the blinding vectors."""
    size = len(bits)
    a, s = g.base(alpha), g.base(rho)
    for n, bit in enumerate(bits):
        a = g.add(a, (g.sub(IDENTITY, points[size + n]), points[n])[bit])
        s = g.add(s, g.add(g.mul(blind[n], points[n]), g.mul(blind[size + n], points[size + n])))
    return a, s


Pair = tuple[list[int], list[int]]


def _vectors(
    bits: Sequence[int], blind: Sequence[bytes], y: int, d: Sequence[int], z: int
) -> tuple[Pair, Pair]:
    """l(X) and r(X) by coefficient: l = a_L - z + s_L X, r = y^n (a_R + z + s_R X) + d."""
    size = len(bits)
    noise = [int.from_bytes(b, "little") for b in blind]
    ys = _powers(y, size)
    left = ([b - z for b in bits], noise[:size])
    right = (
        [(p * (b - 1 + z) + e) % ORDER for p, b, e in zip(ys, bits, d, strict=True)],
        [p * n % ORDER for p, n in zip(ys, noise[size:], strict=True)],
    )
    return left, right


def _inner_product(
    decoded: Any, talk: _Transcript, a: list[int], b: list[int], y_inverse: int, w: int
) -> bytes:
    """The argument that <a, b> is what was said: two points a halving, two scalars at the end.

    Generators are not folded: each halving is one sum over the first ones with the products of the challenges.
    """
    import numpy as np

    from detente.disclosure import curve

    size = len(a)
    on_g, on_h = [1] * size, _powers(y_inverse, size)
    said = []
    while len(a) > 1:
        half = len(a) // 2
        rows = np.arange(size).reshape(-1, len(a))
        low, high = rows[:, :half].ravel(), rows[:, half:].ravel()
        pieces = []
        for mine, other, g_rows, h_rows in ((a[:half], b[half:], high, low), (a[half:], b[:half], low, high)):
            scalars = [mine[n % half] * on_g[i] for n, i in enumerate(g_rows)]
            scalars += [other[n % half] * on_h[i] for n, i in enumerate(h_rows)]
            chosen = decoded[np.concatenate([g_rows, size + h_rows, [2 * size]])]
            pieces.append(curve.weighted_sum(_pack([*scalars, w * _dot(mine, other)]), chosen))
        u = talk.challenge("u", *pieces)
        v = pow(u, -1, ORDER)
        said += pieces
        a = [(p * u + q * v) % ORDER for p, q in zip(a[:half], a[half:], strict=True)]
        b = [(p * v + q * u) % ORDER for p, q in zip(b[:half], b[half:], strict=True)]
        for rows_, g_factor, h_factor in ((low, v, u), (high, u, v)):
            for i in rows_:
                on_g[i] = on_g[i] * g_factor % ORDER
                on_h[i] = on_h[i] * h_factor % ORDER
    return b"".join(said) + encode(a[0]) + encode(b[0])


def verify(data: bytes) -> Head:
    """The statement that a compact proof proves. Raises Refused where it does not hold, DetenteError if no proof."""
    from detente.disclosure import curve

    head, escrow, prefix, proof = read_compact(data)
    values = _values(head, escrow.slots, slacks(head, escrow.slots))
    size = _size(values)
    rounds = size.bit_length() - 1
    if len(proof) != 128 + 96 + 64 * rounds + 64:
        raise Refused("the proof is too short or too long")
    said, scalars, halvings, last = proof[:128], proof[128:224], proof[224:-64], proof[-64:]
    numbers = scalars + last
    if not all(canonical_scalar(numbers[n : n + 32]) for n in range(0, 160, 32)):
        raise Refused("a scalar is not canonical")
    talk = _Transcript(prefix)
    y = talk.challenge("y", said[:32], said[32:64])
    z, x = talk.challenge("z"), talk.challenge("x", said[64:96], said[96:])
    w = talk.challenge("w", scalars)
    us = [
        talk.challenge("u", halvings[n : n + 32], halvings[n + 32 : n + 64])
        for n in range(0, len(halvings), 64)
    ]
    c = int.from_bytes(tagged(_NAME + "check", talk.state, last, os.urandom(32)), "little") % ORDER
    equation = _equation(
        values,
        size,
        (y, z, x, w, c),
        us,
        [int.from_bytes(numbers[n : n + 32], "little") for n in range(0, 160, 32)],
    )
    commitments = b"".join(p for s in escrow.slots for p in s.commitments)
    g = group()
    try:
        own = curve.decode(said + halvings + commitments + g.G + g.base(encode(1)))
    except curve.BadPoint as bad:
        raise Refused(str(bad)) from None
    import numpy as np

    if not curve.sums_to_identity(_pack(equation), np.concatenate([own, _generators(size)[1]])):
        raise Refused("the compact proof does not hold")
    return head


def _equation(
    values: Sequence[Value], size: int, challenges: tuple[int, ...], us: Sequence[int], numbers: Sequence[int]
) -> list[int]:
    """The scalars of the one sum that must vanish: A S T1 T2, halvings, commitments, G, H, the generators, Q."""
    y, z, x, w, c = challenges
    taux, mu, t, a, b = numbers
    d, ys = _weights(values, size, z), _powers(y, size)
    on_g = [1]
    for u in us:
        v = pow(u, -1, ORDER)
        on_g = [s * f % ORDER for s in on_g for f in (v, u)]
    inverses = _powers(pow(y, -1, ORDER), size)
    delta = ((z - z * z) * sum(ys) - z * sum(d)) % ORDER
    count = 1 + max((n for v in values for n, _ in v.terms), default=-1)
    on_v, constant = [0] * count, 0
    for power, value in zip(_powers(z, len(values) + 2)[2:], values, strict=True):
        constant += power * value.constant
        for n, factor in value.terms:
            on_v[n] += c * power * factor
    halvings = [f for u in us for f in (u * u, pow(u, -2, ORDER))]
    return [
        1, x, c * x, c * x * x,
        *halvings,
        *on_v,
        c * (delta + constant - t), -c * taux - mu,
        *(-z - a * s for s in on_g),
        # H_i carries 1/s_i, and 1/s_i stands at the mirrored place of s
        *(z + p * (e - b * s) for p, e, s in zip(inverses, d, reversed(on_g), strict=True)),
        w * (t - a * b),
    ]  # fmt: skip
