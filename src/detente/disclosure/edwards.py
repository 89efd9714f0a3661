"""The curve edwards25519: plain arithmetic on public values, and libsodium for whatever a secret touches.

The plain half lets anybody check a contribution without native code. It is not constant time and is never
given a secret. Source: RFC 8032 section 5.1; RFC 7748 section 4.1 for the constants.
"""

from __future__ import annotations

import ctypes

from detente.disclosure.group import group
from detente.errors import DetenteError

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
_ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)

Point = tuple[int, int, int, int]  # X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z
IDENTITY: Point = (0, 1, 1, 0)


def add(p: Point, q: Point) -> Point:
    """p + q, complete for all points (RFC 8032 section 5.1.4)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def negate(p: Point) -> Point:
    return P - p[0], p[1], p[2], P - p[3]


def multiply(scalar: int, p: Point) -> Point:
    """`scalar` times p by double and add: for public scalars only."""
    result = IDENTITY
    for bit in bin(scalar)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, p)
    return result


def is_identity(p: Point) -> bool:
    return p[0] % P == 0 and (p[1] - p[2]) % P == 0


def encode(p: Point) -> bytes:
    """The 32 bytes of RFC 8032 section 5.1.2."""
    inverse = pow(p[2], P - 2, P)
    x, y = p[0] * inverse % P, p[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(text: bytes) -> Point | None:
    """The point of a canonical encoding, None for anything else (RFC 8032 section 5.1.3)."""
    if len(text) != 32:
        return None
    number = int.from_bytes(text, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    if y >= P:
        return None
    u, v = y * y - 1, D * y * y + 1
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if (v * x * x - u) % P:
        x = x * _ROOT_OF_MINUS_1 % P
        if (v * x * x - u) % P:
            return None
    if x == 0 and sign:
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


_base_point = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
assert _base_point is not None
BASE: Point = _base_point


class Secret:
    """libsodium's constant-time multiplications on this curve, from the library that `group()` has chosen."""

    def __init__(self) -> None:
        backend = group()
        library = ctypes.CDLL(backend.name)
        self.reduce, self.scalar_add, self.scalar_mul = backend.scalar, backend.scalar_add, backend.scalar_mul
        try:
            self._base = library.crypto_scalarmult_ed25519_base_noclamp
            self._mul = library.crypto_scalarmult_ed25519_noclamp
        except AttributeError:  # a minimal build
            raise DetenteError(
                "this libsodium lacks edwards25519", where=backend.name, fix="install the full library"
            ) from None

    def base(self, scalar: bytes) -> bytes:
        """`scalar` times the base point, encoded. Raises DetenteError for a multiple of the order."""
        out = ctypes.create_string_buffer(32)
        if self._base(out, scalar):
            raise DetenteError("a secret scalar is zero", fix="make a new key")
        return out.raw

    def mul(self, scalar: bytes, point: bytes) -> bytes:
        """`scalar` times a point of the prime-order group, encoded. Raises DetenteError for other points."""
        out = ctypes.create_string_buffer(32)
        if self._mul(out, scalar, point):
            raise DetenteError("a point lies outside the prime-order group")
        return out.raw
