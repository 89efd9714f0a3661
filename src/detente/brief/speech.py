"""A briefing in another language: the same record, every English sentence said by a tongue."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from detente.brief.record import Brief, Headline
from detente.brief.tongue import Tongue, plain
from detente.treaty.explain import Node

T = TypeVar("T")
# names, addresses and commands are the same in every language
SAME = frozenset(
    {"id", "topic", "command", "sources", "facts", "source", "provision", "figure", "party", "limit", "kind"}
)


def spoken(brief: Brief, tongue: Tongue) -> Brief:
    """The briefing with its sentences in the tongue's language; words without a translation stay marked."""
    return brief if tongue.code == "en" else _record(brief, tongue)


def spoken_tree(tree: Node, tongue: Tongue) -> Node:
    """A reasoning with its sentences in the tongue's language."""
    return tree if tongue.code == "en" else _record(tree, tongue)


def spoken_plain(value: object, tongue: Tongue) -> object:
    """Any JSON-like value (mappings, lists, texts) with its English sentences said, without marks."""
    if isinstance(value, dict):
        return {k: v if k in SAME else spoken_plain(v, tongue) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [spoken_plain(v, tongue) for v in value]
    return plain(tongue.hear(value)) if isinstance(value, str) else value


def _record(record: T, tongue: Tongue) -> T:
    if isinstance(record, Headline):  # a number and its label agree in number
        value, _, label = tongue.hear(f"{record.value} | {record.label}").partition(" | ")
        return msgspec.structs.replace(record, value=value, label=label, door=_record(record.door, tongue))
    fields = {f: getattr(record, f) for f in record.__struct_fields__ if f not in SAME}  # type: ignore[attr-defined]
    return msgspec.structs.replace(record, **{f: _value(v, tongue) for f, v in fields.items()})  # type: ignore[type-var]


def _value(value: object, tongue: Tongue) -> object:
    if type(value) is str:
        return tongue.hear(value)
    if isinstance(value, msgspec.Struct):
        return _record(value, tongue)
    if isinstance(value, tuple):
        return tuple(_value(v, tongue) for v in value)
    if isinstance(value, dict):
        return {k: _value(v, tongue) for k, v in value.items()}
    return value
