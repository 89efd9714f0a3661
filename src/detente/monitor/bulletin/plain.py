"""Records as JSON whoever made their numbers: numpy's become plain ones, and a reason that is no number says so."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import msgspec


def encode(value: Any) -> bytes:
    """JSON bytes of a record of ours, which its type can read back."""
    return msgspec.json.encode(_sound(msgspec.to_builtins(value, enc_hook=_plain)))


T = TypeVar("T")
_UNPLACED = ("distance_deg", "azimuth_deg")


def decode(data: bytes | str, kind: type[T]) -> T:
    """A record of ours from its JSON. Raises msgspec's errors.

    The distance of a station whose place nobody told is not a number, which JSON writes as null.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        return msgspec.convert(_unplaced(msgspec.json.decode(data)), kind)


def _unplaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: math.nan if v is None and k in _UNPLACED else _unplaced(v) for k, v in value.items()}
    return [_unplaced(v) for v in value] if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _sound(value: Any) -> Any:
    """JSON knows neither NaN nor infinity: among reasons they become words, for a reason is a number or a text."""
    if isinstance(value, dict):
        return {
            k: {w: _word(x) for w, x in v.items()} if k == "why" and isinstance(v, dict) else _sound(v)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_sound(v) for v in value]
    return value


def _word(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
