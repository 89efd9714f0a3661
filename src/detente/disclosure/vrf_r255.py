"""The verifiable random function of the slots: C2SP vrf-r255 (RFC 9381 over ristretto255, SHA-512)."""

from __future__ import annotations

import hashlib

from detente.disclosure.group import IDENTITY, canonical_scalar, group

_SUITE = b"\xffc2sp.org/vrf-r255"


def public_key(secret: bytes) -> bytes:
    """The 32-byte public key of a secret scalar."""
    return group().base(secret)


def _hash(*parts: bytes) -> bytes:
    return hashlib.sha512(_SUITE + b"".join(parts)).digest()


def _challenge(*points: bytes) -> bytes:
    return _hash(b"\x02", *points, b"\x00")[:16] + bytes(16)


def _output(gamma: bytes) -> bytes:
    return _hash(b"\x03", gamma, b"\x00")


def output(secret: bytes, alpha: bytes) -> bytes:
    """beta, 64 bytes, without a proof."""
    g = group()
    return _output(g.mul(secret, g.from_hash(_hash(b"\x82", public_key(secret), alpha))))


def prove(secret: bytes, alpha: bytes) -> bytes:
    """pi, 80 bytes: the proof from which anybody gets beta (RFC 9381 section 5.1)."""
    g, key = group(), public_key(secret)
    point = g.from_hash(_hash(b"\x82", key, alpha))
    gamma = g.mul(secret, point)
    nonce = g.scalar(_hash(b"\x81", secret, point))
    c = _challenge(key, point, gamma, g.base(nonce), g.mul(nonce, point))
    return gamma + c[:16] + g.scalar_add(nonce, g.scalar_mul(c, secret))


def verify(key: bytes, alpha: bytes, proof: bytes) -> bytes | None:
    """beta where `proof` is right for `key` and `alpha`, None where it is not (RFC 9381 section 5.3)."""
    g = group()
    if len(proof) != 80 or not g.valid(key) or key == IDENTITY:
        return None
    gamma, c, s = proof[:32], proof[32:48] + bytes(16), proof[48:]
    if not g.valid(gamma) or not canonical_scalar(s):
        return None
    point = g.from_hash(_hash(b"\x82", key, alpha))
    u = g.sub(g.base(s), g.mul(c, key))
    v = g.sub(g.mul(s, point), g.mul(c, gamma))
    return _output(gamma) if _challenge(key, point, gamma, u, v) == c else None
