"""The words an instrument may use: the shared vocabulary plus the classes and attributes it defines itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from detente import vocabulary
from detente.errors import nearest
from detente.treaty.schema import Instrument, Range

_TEXT_KEYS = ("type", "site", "party")
_TYPES: dict[str, tuple[type, ...]] = {"bool": (bool,), "number": (int, float, Range), "text": (str,)}


class Words:
    """Item classes and attributes that rules of one instrument may name."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        # what rules found in which rows: a history asks the same of the same rows on every day
        self.counted: dict[tuple[object, ...], tuple[object, Any]] = {}

    @cached_property
    def kinds(self) -> frozenset[str]:
        return frozenset(vocabulary.kinds()) | frozenset(self._instrument.kinds)

    @cached_property
    def attributes(self) -> dict[str, str]:
        return vocabulary.attributes() | {k: a.type for k, a in self._instrument.attributes.items()}

    @cached_property
    def definitions(self) -> dict[str, Any]:
        return {d.id: d.select for d in self._instrument.definitions if d.select}

    def ancestry(self, kind: str) -> tuple[str, ...]:
        """`kind` and the classes it belongs to, nearest first."""
        own = self._instrument.kinds.get(kind)
        if own is None:
            return vocabulary.ancestry(kind)
        return (kind, *self.ancestry(own.parent)) if own.parent else (kind,)

    def misfits(self, key: str, values: Sequence[Any]) -> Iterator[tuple[str, str]]:
        """(what is wrong, advice) for each value that a selection on `key` cannot have."""
        if key in ("kind", "is"):
            known = self.kinds if key == "kind" else self.definitions
            word = "item class" if key == "kind" else "definition with a 'select'"
            yield from ((f"unknown {word} '{v}'", nearest(str(v), known)) for v in values if v not in known)
            return
        kind = "text" if key in _TEXT_KEYS else self.attributes.get(key)
        if kind is None:
            yield f"unknown attribute '{key}'", nearest(key, (*self.attributes, "kind", "is", *_TEXT_KEYS))
            return
        for value in values:
            if not isinstance(value, _TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
                yield f"'{key}' is a {kind}, not '{value}'", ""
