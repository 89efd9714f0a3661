"""Verifier 1: libsodium, one equation at a time, so that the first that fails can be named."""

from __future__ import annotations

from collections.abc import Sequence

from detente.disclosure.container import ProofFile, challenge, read_proof, slacks
from detente.disclosure.group import IDENTITY, Group, canonical_scalar, encode, group
from detente.disclosure.statement import Head, columns, weights
from detente.errors import DetenteError


class Refused(DetenteError):  # noqa: N818 - a finding, not a fault
    """The proof does not hold: a finding about the proof, not a mistake of the reader."""


def verify(data: bytes) -> Head:
    """The statement that `data` proves. Raises Refused with the place where it fails, DetenteError if no proof."""
    proof = read_proof(data)
    _Check(group(), proof).run()
    return proof.head


class _Check:
    def __init__(self, g: Group, proof: ProofFile) -> None:
        self.g, self.proof = g, proof
        self.c = challenge(proof.prefix)
        self.first_at = self.response_at = 0

    def run(self) -> None:
        classes = self.proof.head.escrow.classes
        for n, slot in enumerate(self.proof.escrow.slots):
            own = [self._point(c, f"slot {n}") for c in slot.commitments]
            quantities = classes[slot.kind].quantities
            for m, q in enumerate(quantities):
                gated = [own[k] for k, other in enumerate(quantities) if other.needs == m]
                self._value(own[m], q.max, gated, f"slot {n}, {q.name}")
        sums = column_sums(self.g, self.proof.head, self.proof)
        for limit, bound in zip(
            self.proof.head.limits, slacks(self.proof.head, self.proof.escrow.slots), strict=True
        ):
            whole = self.g.mul(encode(bound.constant), self.g.G)
            for i, c in bound.terms:
                whole = self.g.add(whole, self.g.mul(encode(c), sums[i]))
            self._value(whole, bound.top, (), limit.provision)

    def _value(self, own: bytes, top: int, gated: Sequence[bytes], where: str) -> None:
        w = weights(top)
        if not w:
            self._zero(own, where)
            return
        commitments = [self._first(where) for _ in w[1:]]
        lowest = own
        for weight, point in zip(w[1:], commitments, strict=True):
            lowest = self.g.sub(lowest, small_multiple(self.g, weight, point))
        for point in (lowest, *commitments):
            self._bit(point, gated, where)

    def _zero(self, own: bytes, where: str) -> None:
        first, z = self._first(where), self._scalar(where)
        if self.g.add(first, self.g.mul(self.c + bytes(16), own)) != self.g.base(z):
            raise Refused("an equality is not proved", where=where)

    def _bit(self, point: bytes, gated: Sequence[bytes], where: str) -> None:
        g = self.g
        a0, a1 = self._first(where), self._first(where)
        c0 = self._take(16)
        c1 = bytes(a ^ b for a, b in zip(self.c, c0, strict=True)) + bytes(16)
        c0 += bytes(16)
        z0, z1 = self._scalar(where), self._scalar(where)
        left, power = g.add(a0, g.mul(c0, point)), c0
        for other in gated:
            power = g.scalar_mul(power, c0)
            left = g.add(left, g.mul(power, other))
        if left != g.base(z0) or g.add(a1, g.mul(c1, g.sub(point, g.G))) != g.base(z1):
            raise Refused("a bit is not proved", where=where)

    def _point(self, text: bytes, where: str) -> bytes:
        if text == IDENTITY or not self.g.valid(text):
            raise Refused("a commitment is no canonical group element, or the identity", where=where)
        return text

    def _first(self, where: str) -> bytes:
        self.first_at += 32
        return self._point(self.proof.firsts[self.first_at - 32 : self.first_at], where)

    def _take(self, length: int) -> bytes:
        self.response_at += length
        return self.proof.responses[self.response_at - length : self.response_at]

    def _scalar(self, where: str) -> bytes:
        text = self._take(32)
        if not canonical_scalar(text):
            raise Refused("a response is no canonical scalar", where=where)
        return text


def small_multiple(g: Group, factor: int, point: bytes) -> bytes:
    """A public multiple: doublings and additions where they cost less than a constant-time multiplication."""
    if factor.bit_length() + factor.bit_count() > 5:
        return g.mul(encode(factor), point)
    found = point
    for bit in bin(factor)[3:]:
        found = g.add(found, found)
        if bit == "1":
            found = g.add(found, point)
    return found


def column_sums(g: Group, head: Head, proof: ProofFile) -> list[bytes]:
    """The sum of the commitments of each column of the linear form."""
    classes = head.escrow.classes
    start = [sum(len(c.quantities) for c in classes[:n]) for n in range(len(classes))]
    sums = [IDENTITY] * len(columns(classes))
    for slot in proof.escrow.slots:
        for n, point in enumerate(slot.commitments, start[slot.kind]):
            sums[n] = g.add(sums[n], point)
    return sums
