"""Contributions nobody can choose: ECVRF-EDWARDS25519-SHA512-TAI of RFC 9381.

For one key and one text there is one output, its holder alone can compute it, and anybody can check it. The
text (`alpha`) must be public: the try-and-increment map takes a time that depends on it. Made with libsodium,
checked in plain Python.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from detente.disclosure import edwards
from detente.disclosure.secretfile import read_secret, write_secret
from detente.errors import DetenteError

PROOF_BYTES, OUTPUT_BYTES = 80, 64
_SUITE = b"\x03"
_MASK = (1 << 254) - 8


class Key:
    """A secret VRF key: the 32-byte seed of RFC 8032. It never shows itself."""

    __slots__ = ("_nonce_key", "_scalar", "_seed", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != 32:
            raise DetenteError("a VRF key has 32 bytes", fix="make one with 'detente pick key'")
        expanded = hashlib.sha512(seed).digest()
        number = int.from_bytes(expanded[:32], "little") & _MASK | 1 << 254
        self._seed, self._nonce_key = seed, expanded[32:]
        self._scalar = number.to_bytes(32, "little")
        self.public = edwards.Secret().base(self._scalar)

    @classmethod
    def generate(cls) -> Key:
        """A fresh key from the operating system's randomness."""
        return cls(secrets.token_bytes(32))

    @classmethod
    def load(cls, path: Path) -> Key:
        """The key in a file that only its owner can read. Raises DetenteError; never shows the content."""
        try:
            return cls(bytes.fromhex(read_secret(path).decode("ascii").strip()))
        except ValueError:
            raise DetenteError("this file holds no VRF key", where=str(path), fix="64 hex digits") from None

    def save(self, path: Path) -> None:
        """Write the key to a new file with mode 0600. Raises DetenteError if the file exists."""
        write_secret(path, self._seed.hex().encode() + b"\n")

    def __repr__(self) -> str:
        return f"Key(public={self.public.hex()})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise DetenteError("a secret key is not pickled or copied")

    def prove(self, alpha: bytes) -> bytes:
        """pi, 80 bytes: the proof that carries the output for `alpha` (RFC 9381 section 5.1)."""
        native = edwards.Secret()
        point = _hash_to_curve(self.public, alpha)
        gamma = native.mul(self._scalar, point)
        nonce = native.reduce(hashlib.sha512(self._nonce_key + point).digest())
        c = _challenge(self.public, point, gamma, native.base(nonce), native.mul(nonce, point))
        # scalar_mul reduces: the clamped scalar may exceed the order
        s = native.scalar_add(nonce, native.scalar_mul(c + bytes(16), self._scalar))
        return gamma + c + s


def verify(public: bytes, alpha: bytes, proof: bytes) -> bytes | None:
    """beta, 64 bytes, where `proof` is right for the key and text; None where it is not.

    Keys of small order are refused (full uniqueness needs it). RFC 9381 sections 5.3 and 5.4.5.
    """
    key, parts = decode_public(public), _decode_proof(proof)
    if key is None or parts is None:
        return None
    gamma, c, s = parts
    encoded = _hash_to_curve(public, alpha)
    point = edwards.decode(encoded)
    assert point is not None
    u = edwards.add(edwards.multiply(s, edwards.BASE), edwards.negate(edwards.multiply(c, key)))
    v = edwards.add(edwards.multiply(s, point), edwards.negate(edwards.multiply(c, gamma)))
    expected = _challenge(public, encoded, proof[:32], edwards.encode(u), edwards.encode(v))
    return _output(gamma) if expected == proof[32:48] else None


def decode_public(public: bytes) -> edwards.Point | None:
    """The public key's point; None for a bad encoding or small order (RFC 9381 section 5.4.5)."""
    key = edwards.decode(public)
    return None if key is None or edwards.is_identity(edwards.multiply(8, key)) else key


def _decode_proof(proof: bytes) -> tuple[edwards.Point, int, int] | None:
    if len(proof) != PROOF_BYTES:
        return None
    gamma, s = edwards.decode(proof[:32]), int.from_bytes(proof[48:], "little")
    if gamma is None or s >= edwards.ORDER:
        return None
    return gamma, int.from_bytes(proof[32:48], "little"), s


def _output(gamma: edwards.Point) -> bytes:
    """beta from Gamma (RFC 9381 section 5.2)."""
    cleared = edwards.encode(edwards.multiply(8, gamma))
    return hashlib.sha512(_SUITE + b"\x03" + cleared + b"\x00").digest()


def _hash_to_curve(salt: bytes, alpha: bytes) -> bytes:
    """Try and increment (RFC 9381 section 5.4.1.1), the encoded point of the prime-order group."""
    for counter in range(256):
        text = _SUITE + b"\x01" + salt + alpha + bytes([counter, 0])
        point = edwards.decode(hashlib.sha512(text).digest()[:32])
        if point is not None:
            cleared = edwards.multiply(8, point)
            if not edwards.is_identity(cleared):
                return edwards.encode(cleared)
    raise DetenteError("no point in 256 trials")  # chance 2**-256


def _challenge(*points: bytes) -> bytes:
    """The 16-byte challenge over five encoded points (RFC 9381 section 5.4.3)."""
    return hashlib.sha512(_SUITE + b"\x02" + b"".join(points) + b"\x00").digest()[:16]
