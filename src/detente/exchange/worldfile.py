"""The one written form of a file for the world: readable JSON with a digest, so that no flipped bit goes unseen."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from detente.canonical import canonical_json
from detente.errors import DetenteError

T = TypeVar("T", bound=msgspec.Struct)


def write_file(value: msgspec.Struct) -> bytes:
    """The bytes of a struct with a field `digest`: SHA-256 of its RFC 8785 form without that field."""
    whole = msgspec.structs.replace(value, digest=_digest(value))
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def read_file(data: bytes, kind: type[T], *, what: str, where: str) -> T:
    """The struct in a file. Raises DetenteError for another form, another writing of it, or a wrong digest.

    The digest finds damage; it is no signature. What convinces is inside, and the caller checks it.
    """
    try:
        value = msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        raise DetenteError(f"not {what}: {bad}", where=where) from None
    if write_file(value) != data:
        raise DetenteError(f"a damaged file: not {what} as it was written", where=where)
    return value


def _digest(value: msgspec.Struct) -> str:
    plain: dict[str, Any] = msgspec.to_builtins(value)
    plain.pop("digest")
    return sha256(canonical_json(plain)).hexdigest()
