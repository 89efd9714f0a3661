"""Hashing with a name for each purpose and a length before each part, so that no two inputs run together."""

from __future__ import annotations

import hashlib


def frame(part: bytes) -> bytes:
    """`part` after its length in eight bytes, big-endian."""
    return len(part).to_bytes(8, "big") + part


def tagged(purpose: str, *parts: bytes) -> bytes:
    """SHA3-512 over the framed `purpose` and `parts`: 64 bytes."""
    state = hashlib.sha3_512(frame(purpose.encode()))
    for part in parts:
        state.update(frame(part))
    return state.digest()


def expand(purpose: str, length: int, *parts: bytes) -> bytes:
    """`length` bytes of SHAKE256 over the framed `purpose` and `parts`."""
    state = hashlib.shake_256(frame(purpose.encode()))
    for part in parts:
        state.update(frame(part))
    return state.digest(length)
