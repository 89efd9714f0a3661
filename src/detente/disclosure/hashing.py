"""Hashing with a name for each purpose and a length before each part, so that no two inputs run together."""

from __future__ import annotations

import hashlib
import os


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


def noise(purpose: str, length: int, seed: bytes, *, fresh: bool) -> bytes:
    """`length` secret random bytes: the system's, masked with what `seed` expands to.

    With a good generator they are as random as the generator's, so that perfect hiding stays perfect; with a broken
    one they are still those of the seed. `fresh` is False only where test vectors fix the seed.
    """
    stream = expand(purpose, length, seed)
    if not fresh:
        return stream
    mask = int.from_bytes(os.urandom(length), "little")
    return (int.from_bytes(stream, "little") ^ mask).to_bytes(length, "little")
