"""Canonical bytes: RFC 8785 JSON and the digests taken over it, shared by law, records and proofs."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

from detente.errors import DetenteError

_SAFE = 2**53 - 1
_WORDS = {None: "null", True: "true", False: "false"}
_string = json.JSONEncoder(ensure_ascii=False).encode


def canonical_json(value: Any) -> bytes:
    """The RFC 8785 encoding of a JSON value (dict, list, str, bool, None, int within 2**53, finite float).

    Raises DetenteError for anything JSON cannot carry exactly: NaN, infinity, larger integers, other types.
    """
    try:
        return _encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise DetenteError("a text with a lone surrogate has no JSON form") from None


def digest(value: Any) -> str:
    """``sha256:<hex>`` over the canonical bytes of `value`."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()


def _encode(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        if abs(value) > _SAFE:
            raise DetenteError(
                f"an integer of {value.bit_length()} bits has no exact JSON form", fix="write it as a string"
            )
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_encode, value)) + "]"
    if isinstance(value, dict):
        # RFC 8785 3.2.3: property names sort by UTF-16 code units, which is not Unicode order
        plain = all(isinstance(k, str) and k.isascii() for k in value)
        keys = sorted(value) if plain else sorted(value, key=_utf16)
        return "{" + ",".join(f"{_string(k)}:{_encode(value[k])}" for k in keys) + "}"
    raise DetenteError(f"a {type(value).__name__} has no JSON form")


def _utf16(key: Any) -> bytes:
    if not isinstance(key, str):
        raise DetenteError(f"the object key {key!r} is not a string")
    return key.encode("utf-16-be", "surrogatepass")


def _number(x: float) -> str:
    """ECMAScript Number::toString (ECMA-262 6.1.6.1.20), which RFC 8785 3.2.2.3 asks for."""
    if not math.isfinite(x):
        raise DetenteError(f"{x} has no JSON form")
    if x == 0:
        return "0"
    sign, (mantissa, _, exponent) = ("-" if x < 0 else ""), float.__repr__(abs(x)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction.rstrip("0") if fraction != "0" else whole).lstrip("0")
    point = len(whole) + int(exponent or 0)
    if whole == "0":
        point = int(exponent or 0) - (len(fraction) - len(fraction.lstrip("0")))
    stripped = digits.rstrip("0")
    k = len(stripped)
    if k <= point <= 21:
        return sign + stripped + "0" * (point - k)
    if 0 < point <= 21:
        return sign + stripped[:point] + "." + stripped[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + stripped
    tail = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + stripped[0] + ("." + stripped[1:] if k > 1 else "") + tail
