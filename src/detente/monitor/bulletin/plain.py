"""Records as JSON whoever made their numbers: numpy's become plain ones, and a reason that is no number says so."""

from __future__ import annotations

import math
from typing import Any

import msgspec


def encode(value: Any) -> bytes:
    """JSON bytes of a record of ours, which its type can read back."""
    return msgspec.json.encode(_sound(msgspec.to_builtins(value, enc_hook=_plain)))


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
