"""The prover: one OR-proof a bit, made with libsodium only, all under a single challenge.

The protocol is written out in docs/disclosure-spec.md section 4; the names here are its names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from detente.disclosure.container import Escrow, Slot, challenge, encode_prefix, slacks
from detente.disclosure.group import Group, encode, group
from detente.disclosure.hashing import expand
from detente.disclosure.hashing import noise as secret_noise
from detente.disclosure.statement import (
    VERSION,
    Head,
    Limit,
    LogPoint,
    Slack,
    Treaty,
    bits_of,
    columns,
    weights,
)
from detente.errors import DetenteError


class Opening:
    """A committed value and its blinding. Neither is ever shown by repr, str or an error."""

    __slots__ = ("blinding", "value")

    def __init__(self, value: int, blinding: bytes) -> None:
        self.value, self.blinding = value, blinding

    def __repr__(self) -> str:
        return "Opening(hidden)"

    def commitment(self, g: Group) -> bytes:
        """value G + blinding H."""
        # libsodium answers a multiple of zero on another path, so zero is never multiplied: (v + 1) G - G
        return g.sub(g.add(g.mul(encode(self.value + 1), g.G), g.base(self.blinding)), g.G)


class _Noise:
    """Secret randomness in order: reduced scalars and 16-byte strings from one stream."""

    def __init__(self, g: Group, stream: bytes) -> None:
        self.g, self.stream, self.at = g, stream, 0

    def take(self, length: int) -> bytes:
        part = self.stream[self.at : self.at + length]
        if len(part) != length:  # never reuse or shorten a nonce
            raise RuntimeError("the noise ran out")
        self.at += length
        return part

    def scalar(self) -> bytes:
        return self.g.scalar(self.take(64))


class _Bit:
    """One bit between its first messages and its response."""

    __slots__ = ("blinding", "fake_c", "fake_z", "gated", "nonce", "value")

    def __init__(self, value: int, blinding: bytes, gated: Sequence[Opening], noise: _Noise) -> None:
        self.value, self.blinding, self.gated = value, blinding, gated
        self.nonce, self.fake_z, self.fake_c = noise.scalar(), noise.scalar(), noise.take(16)

    def firsts(self, g: Group) -> bytes:
        """A0 || A1: the true branch from a nonce, the other one simulated."""
        true = g.base(self.nonce)
        c = self.fake_c + bytes(16)
        if self.value:  # branch 0 is simulated: A0 = z0 H - c0 C - c0^2 V1 - ...
            on_g, on_h = c, g.scalar_mul(c, self.blinding)
            power = c
            for opening in self.gated:
                power = g.scalar_mul(power, c)
                on_h = g.scalar_add(on_h, g.scalar_mul(power, opening.blinding))
                if opening.value:
                    on_g = g.scalar_add(on_g, g.scalar_mul(power, encode(opening.value)))
            fake = g.sub(g.base(g.scalar_sub(self.fake_z, on_h)), g.mul(on_g, g.G))
            return fake + true
        # branch 1 is simulated: A1 = z1 H - c1 (C - G), and C = r H
        fake = g.add(g.base(g.scalar_sub(self.fake_z, g.scalar_mul(c, self.blinding))), g.mul(c, g.G))
        return true + fake

    def response(self, g: Group, c: bytes) -> bytes:
        """c0 || z0 || z1 for the challenge `c` (16 bytes); the branches' challenges add up by XOR."""
        true_c = bytes(a ^ b for a, b in zip(c, self.fake_c, strict=True))
        wide = true_c + bytes(16)
        z = g.scalar_add(self.nonce, g.scalar_mul(wide, self.blinding))
        if self.value:
            return self.fake_c + self.fake_z + z
        power = wide
        for opening in self.gated:
            power = g.scalar_mul(power, wide)
            z = g.scalar_add(z, g.scalar_mul(power, opening.blinding))
        return true_c + z + self.fake_z


class _Value:
    """One value in [0, top]: its bits, or a proof that it is zero where top is 0."""

    def __init__(self, own: Opening, top: int, gated: Sequence[Opening], noise: _Noise, g: Group) -> None:
        self.bits: list[_Bit] = []
        self.carried: list[Opening] = []
        w = weights(top)
        if not w:
            self.zero_blinding, self.zero_nonce = own.blinding, noise.scalar()
            return
        lowest = own.blinding
        values = bits_of(own.value, top)
        for bit, weight in zip(values[1:], w[1:], strict=True):
            blinding = noise.scalar()
            self.carried.append(Opening(bit, blinding))
            lowest = g.scalar_sub(lowest, g.scalar_mul(encode(weight), blinding))
        blindings = [lowest, *(o.blinding for o in self.carried)]
        self.bits = [_Bit(b, r, gated, noise) for b, r in zip(values, blindings, strict=True)]

    def firsts(self, g: Group) -> Iterator[bytes]:
        for opening in self.carried:
            yield _bit_commitment(g, opening)
        if not self.bits:
            yield g.base(self.zero_nonce)
        for bit in self.bits:
            yield bit.firsts(g)

    def responses(self, g: Group, c: bytes) -> Iterator[bytes]:
        if not self.bits:
            wide = c + bytes(16)
            yield g.scalar_add(self.zero_nonce, g.scalar_mul(wide, self.zero_blinding))
        for bit in self.bits:
            yield bit.response(g, c)


def _bit_commitment(g: Group, opening: Opening) -> bytes:
    hidden = g.base(opening.blinding)
    return (hidden, g.add(g.G, hidden))[opening.value]


def make_head(
    escrow: Escrow,
    treaty: Treaty,
    log: LogPoint,
    limits: Sequence[Limit],
    left_out: Sequence[tuple[str, str]] = (),
) -> Head:
    """The public statement over a published escrow."""
    return Head(
        VERSION,
        treaty,
        escrow.head.party,
        escrow.head.exchange,
        log,
        escrow.head,
        escrow.root.hex(),
        tuple(limits),
        tuple(left_out),
    )


def prove(
    head: Head,
    slots: Sequence[Slot],
    openings: Sequence[Sequence[Opening]],
    *,
    entropy: bytes | None = None,
) -> bytes:
    """A proof file that every item is well formed and every limit of `head` is kept.

    `openings`: per slot, per quantity. `entropy`: 64 fresh random bytes, given only to make test vectors.
    Raises DetenteError where the items do not satisfy the statement; no value is named.
    """
    g = group()
    classes = head.escrow.classes
    bounds = slacks(head, slots)
    held = witness(g, head, slots, openings, bounds)
    seed, length = _seed(head, openings, entropy), _noise_length(head, slots, bounds)
    stream = secret_noise("detente.org/ceiling-proof/v1/noise", length, seed, fresh=entropy is None)
    noise = _Noise(g, stream)
    values: list[_Value] = []
    for slot, own in zip(slots, openings, strict=True):
        quantities = classes[slot.kind].quantities
        for n, q in enumerate(quantities):
            gated = [own[m] for m, other in enumerate(quantities) if other.needs == n]
            values.append(_Value(own[n], q.max, gated, noise, g))
    values += [_Value(o, b.top, (), noise, g) for o, b in zip(held, bounds, strict=True)]
    firsts = b"".join(part for v in values for part in v.firsts(g))
    prefix = encode_prefix(head, slots, firsts)
    c = challenge(prefix)
    return prefix + b"".join(part for v in values for part in v.responses(g, c))


def witness(
    g: Group,
    head: Head,
    slots: Sequence[Slot],
    openings: Sequence[Sequence[Opening]],
    bounds: Sequence[Slack],
) -> list[Opening]:
    """The openings of the limits' slacks, after a check of every item. Raises DetenteError, naming no value."""
    _check_items(head, slots, openings)
    return _limit_openings(g, head, slots, openings, bounds)


def _seed(head: Head, openings: Sequence[Sequence[Opening]], entropy: bytes | None) -> bytes:
    """Fresh randomness hedged with the secrets and the statement: a broken generator alone gives nothing away."""
    secrets = b"".join(o.blinding + encode(o.value) for own in openings for o in own)
    fresh = os.urandom(64) if entropy is None else entropy
    statement = encode_prefix(head, (), b"")
    return expand("detente.org/ceiling-proof/v1/seed", 64, fresh, secrets, statement)


def _noise_length(head: Head, slots: Sequence[Slot], bounds: Sequence[Slack]) -> int:
    classes = head.escrow.classes
    per_class = [sum(_noise_of(q.max) for q in c.quantities) for c in classes]
    return sum(per_class[s.kind] for s in slots) + sum(_noise_of(b.top) for b in bounds)


def _noise_of(top: int) -> int:
    k = len(weights(top))
    return 64 * (k - 1) + k * (64 + 64 + 16) if k else 64


def _check_items(head: Head, slots: Sequence[Slot], openings: Sequence[Sequence[Opening]]) -> None:
    if len(slots) != len(openings):
        raise DetenteError("the openings are not those of this escrow")
    for n, (slot, own) in enumerate(zip(slots, openings, strict=True)):
        quantities = head.escrow.classes[slot.kind].quantities
        if len(own) != len(quantities):
            raise DetenteError("the openings are not those of this escrow", where=f"slot {n}")
        for q, o in zip(quantities, own, strict=True):
            well = 0 <= o.value <= q.max and (q.needs < 0 or o.value == 0 or own[q.needs].value == 1)
            if not well:
                raise DetenteError(f"the {q.name} of an item is not well formed", where=f"slot {n}")


def _limit_openings(
    g: Group,
    head: Head,
    slots: Sequence[Slot],
    openings: Sequence[Sequence[Opening]],
    bounds: Sequence[Slack],
) -> list[Opening]:
    """What the slack of each limit opens to. Raises DetenteError naming a limit that is not kept."""
    totals, blinds = column_openings(g, head, slots, openings)
    held = []
    for limit, bound in zip(head.limits, bounds, strict=True):
        value = bound.constant + sum(c * totals[i] for i, c in bound.terms)
        if not 0 <= value <= bound.top:
            raise DetenteError(
                "the items do not keep this limit, so there is no proof", where=limit.provision
            )
        blind = bytes(32)
        for i, c in bound.terms:
            blind = g.scalar_add(blind, g.scalar_mul(encode(c), blinds[i]))
        held.append(Opening(value, blind))
    return held


def column_openings(
    g: Group, head: Head, slots: Sequence[Slot], openings: Sequence[Sequence[Opening]]
) -> tuple[list[int], list[bytes]]:
    """The sums of values and blindings over the slots, per column of the linear form."""
    classes = head.escrow.classes
    start = [sum(len(c.quantities) for c in classes[:n]) for n in range(len(classes))]
    width = len(columns(classes))
    totals, blinds = [0] * width, [bytes(32)] * width
    for slot, own in zip(slots, openings, strict=True):
        for n, o in enumerate(own, start[slot.kind]):
            totals[n] += o.value
            blinds[n] = g.scalar_add(blinds[n], o.blinding)
    return totals, blinds
