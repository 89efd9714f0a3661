"""A public beacon as clock: checking a drand round, and locking a contribution to a round yet to come.

drand's "quicknet" signs round r as a BLS signature in G1 of SHA-256(r) under one key in G2; nobody has the
signature before the round. A lock is Boneh-Franklin encryption to that signature: U = r*G2 and a pad from
e(H(round), r*PK) = e(signature, U). What is locked carries its own proof, so the lock need not be
authenticated. Sources: drand.love/docs/specification; D. Boneh, M. Franklin, CRYPTO 2001; N. Gailly,
K. Melissaris, Y. Romailler, "tlock", IACR ePrint 2023/189. Neither is safe against a quantum computer;
secrecy is needed for minutes.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec

from detente.errors import DetenteError

_DST = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
_PAD = b"detente-pick/1 lock\x00"
LOCK_POINT_BYTES = 96


class Beacon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A beacon chain with signatures in G1, and the round that closes a pick."""

    name: str
    public_key: str  # hex, compressed G2
    genesis: int  # UNIX seconds of round 1
    period: int  # seconds
    round: int

    def __post_init__(self) -> None:
        if self.round < 1 or self.period < 1 or len(self.public_key) != 192:
            raise DetenteError(
                "the beacon needs a round and a period of at least 1 and a key of 96 bytes in hex",
                where=self.name,
            )

    @property
    def at(self) -> int:
        """UNIX seconds at which the round appears."""
        return self.genesis + (self.round - 1) * self.period


def quicknet(number: int) -> Beacon:
    """drand's quicknet, as its documentation and client libraries give it."""
    return Beacon(
        "drand quicknet 52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971",
        "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
        "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
        genesis=1692803367,
        period=3,
        round=number,
    )


def available() -> bool:
    """True where the pairing library is installed."""
    try:
        _pairings()
    except DetenteError:
        return False
    return True


def _pairings() -> Any:
    try:
        import py_arkworks_bls12381
    except ImportError:
        raise DetenteError(
            "a beacon round cannot be checked here",
            fix="pip install 'detente[node]', or close the pick by dice",
        ) from None
    return py_arkworks_bls12381


def _round_point(lib: Any, number: int) -> Any:
    return lib.G1Point.hash_to_curve(hashlib.sha256(number.to_bytes(8, "big")).digest(), _DST)


def _point(kind: Any, text: bytes, size: int) -> Any:
    """A checked group element (curve and subgroup), None for anything else and for the identity."""
    if len(text) != size:
        return None
    try:
        point = kind.from_compressed_bytes(text)
    except (ValueError, TypeError):
        return None
    return None if point == kind.identity() else point


def randomness(beacon: Beacon, signature: bytes) -> bytes | None:
    """32 random bytes, SHA-256 of the signature, where it is the round's signature; None where it is not.

    Raises DetenteError where the pairing library is missing or the beacon's key is not a group element.
    """
    lib = _pairings()
    signed = _point(lib.G1Point, signature, 48)
    if signed is None:
        return None
    if lib.GT.pairing(signed, lib.G2Point()) != lib.GT.pairing(
        _round_point(lib, beacon.round), _key(lib, beacon)
    ):
        return None
    return hashlib.sha256(signature).digest()


def _key(lib: Any, beacon: Beacon) -> Any:
    try:
        key = _point(lib.G2Point, bytes.fromhex(beacon.public_key), 96)
    except ValueError:
        key = None
    if key is None:
        raise DetenteError("the beacon's public key is not a group element", where=beacon.name)
    return key


def lock(beacon: Beacon, content: bytes) -> bytes:
    """`content`, readable by anybody once the round is out and by nobody before: U (96 bytes), the rest."""
    lib = _pairings()
    scalar = lib.Scalar.from_be_bytes_mod_order(secrets.token_bytes(32))
    shared = lib.GT.pairing(_round_point(lib, beacon.round), _key(lib, beacon) * scalar)
    head = bytes((lib.G2Point() * scalar).to_compressed_bytes())
    return head + _pad(head, shared, content)


def unlock(signature: bytes, locked: bytes) -> bytes | None:
    """What was locked, given the round's (checked) signature; None where the lock is malformed.

    A wrong lock opens to noise: the reader checks the content by its own proof.
    """
    lib = _pairings()
    signed, head = _point(lib.G1Point, signature, 48), locked[:LOCK_POINT_BYTES]
    point = _point(lib.G2Point, head, LOCK_POINT_BYTES)
    if signed is None or point is None:
        return None
    return _pad(head, lib.GT.pairing(signed, point), locked[LOCK_POINT_BYTES:])


def _pad(head: bytes, shared: Any, content: bytes) -> bytes:
    """XOR with SHAKE256 over U and the pairing's value (arkworks' uncompressed Fp12, 576 bytes)."""
    key = _PAD + head + bytes.fromhex(str(shared))
    pad = hashlib.shake_256(key).digest(len(content))
    return bytes(a ^ b for a, b in zip(content, pad, strict=True))
