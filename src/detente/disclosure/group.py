"""The group: ristretto255 from libsodium, the system's library where there is one, a packaged one where not.

Everything that touches a secret scalar goes through libsodium, whose arithmetic is constant time. Points and
scalars are 32 canonical bytes. Sources: RFC 9496 (ristretto255); libsodium's ``crypto_core_ristretto255``.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from detente.errors import DetenteError

ORDER = 2**252 + 27742317777372353535851937790883648493
IDENTITY = bytes(32)
GENERATOR_SENTENCE = b"detente.org/commitment/v1: second generator, whose logarithm nobody knows"

_SYSTEM = ("libsodium.so.26", "libsodium.so.23", "libsodium.so", "libsodium.dylib", "libsodium.dll")
# RFC 9496 appendix A.1 (base point) and A.3 (element derivation, first vector)
_BASE = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
_DERIVED = (
    bytes.fromhex(
        "5d1be09e3d0c82fc538112490e35701979d99e06ca3e2b5b54bffe8b4dc772c1"
        "4d98b696a1bbfb5ca32c436cc61c16563790306c79eaca7705668b47dffe5bb6"
    ),
    bytes.fromhex("3066f82a1a747d45120d1740f14358531a8f04bbffe6a819f86dfe50f44a0a46"),
)


def _system_names() -> Iterator[str]:
    """Names under which the loader may find a libsodium of this machine."""
    yield from _SYSTEM
    found = ctypes.util.find_library("sodium")
    if found:
        yield found


def _packaged_files() -> Iterator[str]:
    """The libsodium shipped, unmodified, inside the pyzmq wheel: a maintained package without a compiler."""
    spec = importlib.util.find_spec("zmq")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        home = Path(folder)
        for place in (home.parent / "pyzmq.libs", home / ".dylibs", home):
            yield from map(str, sorted(place.glob("*sodium*")))


def _load(names: Iterator[str]) -> Group | None:
    for name in names:
        try:
            group = Group(ctypes.CDLL(name), name)
        except (OSError, AttributeError):  # not there, or a libsodium too old for this group
            continue
        if group.base((1).to_bytes(32, "little")) == _BASE and group.from_hash(_DERIVED[0]) == _DERIVED[1]:
            return group
    return None


@cache
def group() -> Group:
    """The group backend, loaded once and tried on published values.

    Raises DetenteError where this machine has no libsodium at all.
    """
    loaded = _load(_system_names()) or _load(_packaged_files())
    if loaded is None:
        raise DetenteError(
            "no libsodium with the ristretto255 group",
            fix="install libsodium, or pip install 'detente[proofs]'",
        )
    return loaded


def available() -> bool:
    """True where a backend can be loaded."""
    try:
        group()
    except DetenteError:
        return False
    return True


class Group:
    """ristretto255: points and scalars are 32 canonical bytes; H is the base point, G the second generator."""

    def __init__(self, library: Any, name: str) -> None:
        self.name = name
        core = "crypto_core_ristretto255_"
        self._mul = library.crypto_scalarmult_ristretto255
        self._base = library.crypto_scalarmult_ristretto255_base
        self._add, self._sub = library[core + "add"], library[core + "sub"]
        self._valid, self._from_hash = library[core + "is_valid_point"], library[core + "from_hash"]
        self._scalars = {op: library[core + "scalar_" + op] for op in ("add", "sub", "mul", "reduce")}
        library.sodium_version_string.restype = ctypes.c_char_p
        self.version = library.sodium_version_string().decode()
        if library.sodium_init() < 0:
            raise OSError("libsodium does not start")
        self._cell: Callable[[], Any] = ctypes.c_char * 32

    @cached_property
    def G(self) -> bytes:  # noqa: N802 - the letter of the specification
        """The generator that carries values: hashed from a public sentence."""
        return self.from_hash(hashlib.sha3_512(GENERATOR_SENTENCE).digest())

    def mul(self, scalar: bytes, point: bytes) -> bytes:
        """`scalar` times `point`. Constant time in the scalar. Raises ValueError for an invalid point."""
        out = self._cell()
        if self._mul(out, scalar, point) and not self.valid(point):
            raise ValueError("not a group element")
        return out.raw  # type: ignore[no-any-return]  # zeros where libsodium signals the identity

    def base(self, scalar: bytes) -> bytes:
        """`scalar` times H, the base point. Constant time."""
        out = self._cell()
        self._base(out, scalar)
        return out.raw  # type: ignore[no-any-return]

    def add(self, p: bytes, q: bytes) -> bytes:
        """p + q. Raises ValueError for an invalid point."""
        out = self._cell()
        if self._add(out, p, q):
            raise ValueError("not a group element")
        return out.raw  # type: ignore[no-any-return]

    def sub(self, p: bytes, q: bytes) -> bytes:
        """p - q. Raises ValueError for an invalid point."""
        out = self._cell()
        if self._sub(out, p, q):
            raise ValueError("not a group element")
        return out.raw  # type: ignore[no-any-return]

    def valid(self, point: bytes) -> bool:
        """True for the canonical encoding of a group element (the identity included)."""
        return len(point) == 32 and self._valid(point) == 1

    def from_hash(self, digest: bytes) -> bytes:
        """The one-way map of RFC 9496 section 4.3.4 on 64 bytes."""
        out = self._cell()
        self._from_hash(out, digest)
        return out.raw  # type: ignore[no-any-return]

    def scalar(self, wide: bytes) -> bytes:
        """64 bytes reduced modulo the group order."""
        out = self._cell()
        self._scalars["reduce"](out, wide)
        return out.raw  # type: ignore[no-any-return]

    def scalar_add(self, a: bytes, b: bytes) -> bytes:
        out = self._cell()
        self._scalars["add"](out, a, b)
        return out.raw  # type: ignore[no-any-return]

    def scalar_sub(self, a: bytes, b: bytes) -> bytes:
        out = self._cell()
        self._scalars["sub"](out, a, b)
        return out.raw  # type: ignore[no-any-return]

    def scalar_mul(self, a: bytes, b: bytes) -> bytes:
        out = self._cell()
        self._scalars["mul"](out, a, b)
        return out.raw  # type: ignore[no-any-return]


def encode(number: int) -> bytes:
    """An integer, negative ones included, as a scalar."""
    return (number % ORDER).to_bytes(32, "little")


def canonical_scalar(text: bytes) -> bool:
    """True for 32 bytes that encode a number below the group order."""
    return len(text) == 32 and int.from_bytes(text, "little") < ORDER
