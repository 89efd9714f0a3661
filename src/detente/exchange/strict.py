"""Signatures checked so strictly that no other reader of the standard can disagree: Ed25519 and ML-DSA, raw."""

# RFC 8032 leaves room: verifiers differ on keys and nonces with a part of small order. Parties must not be able to
# differ over who signed what, so such keys are no keys here; then every known rule gives one answer.
from __future__ import annotations

from functools import lru_cache

_IDENTITY = b"\x01" + bytes(31)


@lru_cache(maxsize=4096)
def sound_key(public: bytes) -> bool:
    """Is it the one written form of a point of full prime order? (RFC 8032 5.1.3; 2 ms, remembered.)"""
    from detente.disclosure import edwards

    point = edwards.decode(public)
    if point is None or edwards.is_identity(point):
        return False
    return edwards.is_identity(edwards.multiply(edwards.ORDER, point))


def check_ed25519(public: bytes, signature: bytes, message: bytes) -> None:
    """Returns where the signature is right. Raises InvalidSignature or ValueError otherwise.

    Stricter than RFC 8032 section 5.1.7 (see docs/decisions/0066): `public` must be of prime order, R not the
    identity. The equation is the one without cofactor.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not sound_key(public) or signature[:32] == _IDENTITY:
        raise InvalidSignature
    Ed25519PublicKey.from_public_bytes(public).verify(signature, message)


def check_mldsa44(public: bytes, signature: bytes, message: bytes) -> None:
    """FIPS 204, ML-DSA-44, no context. Raises InvalidSignature or ValueError where it is wrong."""
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

    MLDSA44PublicKey.from_public_bytes(public).verify(signature, message)


def check_mldsa87(public: bytes, signature: bytes, message: bytes) -> None:
    """FIPS 204, ML-DSA-87, no context. Raises InvalidSignature or ValueError where it is wrong."""
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA87PublicKey

    MLDSA87PublicKey.from_public_bytes(public).verify(signature, message)
