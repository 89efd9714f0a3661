"""Public points in bulk: ristretto255 decoding and multi-scalar multiplication as compiled kernels (numba).

For verifiers only: running time depends on the data, so no secret may enter. A field element is five limbs of
51 bits (Bernstein, Duif, Lange, Schwabe, Yang 2012); points are in extended coordinates (Hisil et al. 2008).
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

U64 = npt.NDArray[np.uint64]
_MASK = np.uint64(2**51 - 1)
_FIELD: Any = types.UniTuple(types.uint64, 5)  # type: ignore[no-untyped-call]
P = 2**255 - 19


def _product(typing: Any, a: Any, b: Any) -> Any:
    """a * b in the field, through 128-bit products; limbs below 2**54 in, below 2**52 out."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)

        def const(n: int) -> Any:
            return ir.Constant(wide, n)

        x, y = ([builder.zext(builder.extract_value(v, i), wide) for i in range(5)] for v in args)
        y19 = [builder.mul(v, const(19)) for v in y]
        rows = []
        for k in range(5):
            terms = [builder.mul(x[i], y[k - i] if i <= k else y19[k - i + 5]) for i in range(5)]
            total = terms[0]
            for term in terms[1:]:
                total = builder.add(total, term)
            rows.append(total)
        for k in (0, 1, 2, 3, 4, 0):
            carry = builder.lshr(rows[k], const(51))
            rows[k] = builder.and_(rows[k], const(2**51 - 1))
            carry = builder.mul(carry, const(19)) if k == 4 else carry
            rows[(k + 1) % 5] = builder.add(rows[(k + 1) % 5], carry)
        return context.make_tuple(
            builder, signature.return_type, [builder.trunc(r, ir.IntType(64)) for r in rows]
        )

    return _FIELD(_FIELD, _FIELD), generate


_mul: Any = intrinsic(_product)


@nb.njit(inline="always")
def _add(a: Any, b: Any) -> Any:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4])


@nb.njit(inline="always")
def _sub(a: Any, b: Any) -> Any:
    """a - b + 4p; limbs of b below 2**53 - 76."""
    low, high = np.uint64(4 * (2**51 - 19)), np.uint64(4 * (2**51 - 1))
    return (a[0] + low - b[0], a[1] + high - b[1], a[2] + high - b[2], a[3] + high - b[3], a[4] + high - b[4])


@nb.njit
def _reduce(a: Any) -> Any:
    """The canonical limbs of `a`."""
    s = np.uint64(51)
    a0, a1, a2, a3, a4 = a
    for _ in range(3):
        a1 += a0 >> s
        a0 &= _MASK
        a2 += a1 >> s
        a1 &= _MASK
        a3 += a2 >> s
        a2 &= _MASK
        a4 += a3 >> s
        a3 &= _MASK
        a0 += (a4 >> s) * np.uint64(19)
        a4 &= _MASK
    if a0 >= _MASK - np.uint64(18) and a1 == _MASK and a2 == _MASK and a3 == _MASK and a4 == _MASK:
        a0 -= _MASK - np.uint64(18)
        a1 = a2 = a3 = a4 = np.uint64(0)
    return (a0, a1, a2, a3, a4)


def _limbs(number: int) -> tuple[np.uint64, ...]:
    return tuple(np.uint64(number >> 51 * i & 2**51 - 1) for i in range(5))


_ZERO, _ONE = _limbs(0), _limbs(1)
_D_INT = -121665 * pow(121666, -1, P) % P
_D, _MINUS_D, _D2 = _limbs(_D_INT), _limbs(P - _D_INT), _limbs(2 * _D_INT % P)
_ROOT = _limbs(pow(2, (P - 1) // 4, P))  # a square root of -1


@nb.njit
def _equal(a: Any, b: Any) -> bool:
    x, y = _reduce(a), _reduce(b)
    return bool(x[0] == y[0] and x[1] == y[1] and x[2] == y[2] and x[3] == y[3] and x[4] == y[4])


@nb.njit
def _even(a: Any) -> Any:
    """The one of a and -a whose canonical form is even."""
    r = _reduce(a)
    return r if r[0] & np.uint64(1) == 0 else _reduce(_sub(_ZERO, r))


@nb.njit
def _power(a: Any, times: int) -> Any:
    for _ in range(times):
        a = _mul(a, a)
    return a


@nb.njit
def _power_p58(a: Any) -> Any:
    """a to the (p - 5)/8 = 2**252 - 3, by the usual addition chain."""
    a2 = _mul(_power(a, 1), a)  # 2^2 - 1
    a5 = _mul(_mul(_power(_mul(_power(a2, 2), a2), 1), a), _ONE)  # 2^5 - 1
    a10 = _mul(_power(a5, 5), a5)
    a20 = _mul(_power(a10, 10), a10)
    a40 = _mul(_power(a20, 20), a20)
    a50 = _mul(_power(a40, 10), a10)
    a100 = _mul(_power(a50, 50), a50)
    a200 = _mul(_power(a100, 100), a100)
    a250 = _mul(_power(a200, 50), a50)
    return _mul(_power(a250, 2), a)


@nb.njit
def _inverse_root(v: Any) -> Any:
    """(v is a non-zero square, its inverse square root); RFC 9496 section 4.2 with u = 1."""
    v3 = _mul(_mul(v, v), v)
    r = _mul(v3, _power_p58(_mul(_mul(v3, v3), v)))
    check = _mul(v, _mul(r, r))
    minus = _sub(_ZERO, _ONE)
    if _equal(check, minus) or _equal(check, _sub(_ZERO, _ROOT)):
        r = _mul(r, _ROOT)
        return _equal(check, minus), r
    return _equal(check, _ONE), r


@nb.njit
def _decode(words: Any, out: Any) -> bool:
    """One point into `out` as (y+x, y-x, 2dxy); False where the 32 bytes are no canonical, non-zero element."""
    w0, w1, w2, w3 = words[0], words[1], words[2], words[3]
    s = (
        w0 & _MASK,
        (w0 >> np.uint64(51) | w1 << np.uint64(13)) & _MASK,
        (w1 >> np.uint64(38) | w2 << np.uint64(26)) & _MASK,
        (w2 >> np.uint64(25) | w3 << np.uint64(39)) & _MASK,
        w3 >> np.uint64(12),
    )
    r = _reduce(s)
    same = s[0] == r[0] and s[1] == r[1] and s[2] == r[2] and s[3] == r[3] and s[4] == r[4]
    if not same or s[0] & np.uint64(1) or _equal(s, _ZERO):
        return False
    ss = _mul(s, s)
    u1, u2 = _mul(_sub(_ONE, ss), _ONE), _add(_ONE, ss)
    u22 = _mul(u2, u2)
    v = _mul(_sub(_mul(_MINUS_D, _mul(u1, u1)), u22), _ONE)
    square, root = _inverse_root(_mul(v, u22))
    dx = _mul(root, u2)
    x = _even(_mul(_add(s, s), dx))
    y = _mul(u1, _mul(_mul(root, dx), v))
    t = _reduce(_mul(x, y))
    if not square or t[0] & np.uint64(1) or _equal(y, _ZERO):
        return False
    _store(out, 0, _mul(_add(y, x), _ONE))
    _store(out, 5, _mul(_sub(y, x), _ONE))
    _store(out, 10, _mul(t, _D2))
    return True


@nb.njit(inline="always")
def _store(out: Any, at: int, a: Any) -> None:
    out[at], out[at + 1], out[at + 2], out[at + 3], out[at + 4] = a


@nb.njit(inline="always")
def _fetch(row: Any, at: int) -> Any:
    return (row[at], row[at + 1], row[at + 2], row[at + 3], row[at + 4])


@nb.njit
def _finish(row: Any, a: Any, b: Any, c: Any, d: Any) -> None:
    e, f, g, h = _sub(b, a), _sub(d, c), _add(d, c), _add(b, a)
    _store(row, 0, _mul(e, f))
    _store(row, 5, _mul(g, h))
    _store(row, 10, _mul(f, g))
    _store(row, 15, _mul(e, h))


@nb.njit
def _add_decoded(row: Any, point: Any, negative: bool) -> None:
    """row (extended) += or -= a decoded point."""
    x, y = _fetch(row, 0), _fetch(row, 5)
    z, t = _fetch(row, 10), _fetch(row, 15)
    plus, minus = _fetch(point, 0), _fetch(point, 5)
    a, b, c, d = (_mul(_sub(y, x), minus), _mul(_add(y, x), plus), _mul(t, _fetch(point, 10)), _add(z, z))
    if negative:
        a, b = _mul(_sub(y, x), plus), _mul(_add(y, x), minus)
        c = _mul(_sub(_ZERO, c), _ONE)
    _finish(row, a, b, c, d)


@nb.njit
def _add_row(row: Any, other: Any) -> None:
    """row += other, both extended; complete, so doubling is the same formula."""
    x, y, ox, oy = _fetch(row, 0), _fetch(row, 5), _fetch(other, 0), _fetch(other, 5)
    zz = _mul(_fetch(row, 10), _fetch(other, 10))
    _finish(
        row,
        _mul(_sub(y, x), _sub(oy, ox)),
        _mul(_add(y, x), _add(oy, ox)),
        _mul(_mul(_fetch(row, 15), _D2), _fetch(other, 15)),
        _add(zz, zz),
    )


@nb.njit
def _clear(rows: Any) -> None:
    rows[:] = np.uint64(0)
    rows[:, 5] = np.uint64(1)
    rows[:, 10] = np.uint64(1)


@nb.njit(cache=True)
def _decode_all(words: Any, out: Any) -> int:
    for n in range(words.shape[0]):
        if not _decode(words[n], out[n]):
            return n
    return -1


@nb.njit
def _window(scalar: Any, at: int, width: int) -> Any:
    """Bits at..at+width of a 256-bit number in four words."""
    word, shift = at >> 6, np.uint64(at & 63)
    if word > 3:
        return 0
    found = scalar[word] >> shift
    if (at & 63) + width > 64 and word < 3:
        found |= scalar[word + 1] << (np.uint64(64) - shift)
    return np.int64(found & np.uint64((1 << width) - 1))


@nb.njit(cache=True)
def _sum_all(scalars: Any, points: Any, width: int) -> Any:
    """Pippenger's buckets with signed digits of `width` bits; the sum in extended coordinates."""
    half = 1 << (width - 1)
    buckets = np.empty((half + 1, 20), np.uint64)
    total = np.empty((1, 20), np.uint64)
    running, part = np.empty((1, 20), np.uint64), np.empty((1, 20), np.uint64)
    _clear(total)
    for at in range((255 // width) * width, -1, -width):
        for _ in range(width):
            _add_row(total[0], total[0])
        _clear(buckets)
        for n in range(points.shape[0]):
            # signed digit: a window that starts a run of ones borrows from the one below it
            digit = _window(scalars[n], at, width)
            if digit >= half:
                digit -= 2 * half
            if at and _carry(scalars[n], at, width):
                digit += 1
            if digit:
                _add_decoded(buckets[abs(digit)], points[n], digit < 0)
        _clear(running)
        _clear(part)
        for k in range(half, 0, -1):
            _add_row(running[0], buckets[k])
            _add_row(part[0], running[0])
        _add_row(total[0], part[0])
    return total[0]


@nb.njit
def _carry(scalar: Any, at: int, width: int) -> bool:
    """Does the part below bit `at`, written with signed digits, borrow one from above?

    A digit window w becomes w - 2**width where w >= half. With the carry from below added, a window of half - 1
    stays half - 1 + 1 = half, which is a legal digit: so only the top bit of the window below decides.
    """
    return bool(scalar[(at - 1) >> 6] >> np.uint64((at - 1) & 63) & np.uint64(1))


class BadPoint(ValueError):  # noqa: N818 - a finding, not a fault
    """Row `index` of the input is no canonical, non-zero group element."""

    def __init__(self, index: int) -> None:
        super().__init__(f"point {index} is no canonical group element, or the identity")
        self.index = index


def decode(encodings: bytes) -> U64:
    """(point, 15) uint64 from 32 bytes each. Raises BadPoint."""
    words = np.frombuffer(encodings, "<u8").reshape(-1, 4)
    out = np.empty((len(words), 15), np.uint64)
    wrong = int(_decode_all(np.ascontiguousarray(words, dtype=np.uint64), out))
    if wrong >= 0:
        raise BadPoint(wrong)
    return out


def sums_to_identity(scalars: bytes | bytearray, points: U64) -> bool:
    """True where the sum of scalar (32 bytes each, below 2**253) times decoded point is the identity."""
    x, y, _, _ = _summed(scalars, points)
    return x == 0 or y == 0


def weighted_sum(scalars: bytes | bytearray, points: U64) -> bytes:
    """The sum of scalar times decoded point, encoded (RFC 9496 section 4.3.2). For public scalars only."""
    x, y, z, t = _summed(scalars, points)
    root = pow(2, (P - 1) // 4, P)
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    inverse = _inverse_sqrt(u1 * u2 * u2 % P, root)
    den1, den2 = inverse * u1 % P, inverse * u2 % P
    z_inverse = den1 * den2 * t % P
    if t * z_inverse % P & 1:
        x, y, den = y * root % P, x * root % P, den1 * _inverse_sqrt(-1 - _D_INT, root) % P
    else:
        den = den2
    if x * z_inverse % P & 1:
        y = -y
    s = den * (z - y) % P
    return (P - s if s & 1 else s).to_bytes(32, "little")


def _inverse_sqrt(v: int, root: int) -> int:
    """1/sqrt(v), 0 for 0; `v` is a square, as RFC 9496 shows for every point that is encoded."""
    v %= P
    r = pow(v, 3, P) * pow(pow(v, 7, P), (P - 5) // 8, P) % P
    if v * r * r % P not in (0, 1):
        r = r * root % P
    return P - r if r & 1 else r


def _summed(scalars: bytes | bytearray, points: U64) -> tuple[int, ...]:
    words = np.ascontiguousarray(np.frombuffer(scalars, "<u8").reshape(-1, 4), dtype=np.uint64)
    width = max(4, min(13, len(words).bit_length() - 3))
    row = _sum_all(words, points, width)
    return tuple(sum(int(row[at + i]) << 51 * i for i in range(5)) % P for at in (0, 5, 10, 15))
