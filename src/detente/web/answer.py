"""What every endpoint gives: data, tables, sources, the code that finds it again, and how it was found."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Code(msgspec.Struct, frozen=True):
    """How a reader finds the same answer without this page: a command, and Python."""

    command: str
    python: str


class SourceRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """A publication an answer rests on."""

    ref: str
    title: str = ""
    published: str = ""
    quality: str = ""


class Answer(msgspec.Struct, frozen=True):
    """An answer. `tables`: flat rows by name, the first is the one a download gives if none is named.

    `geo`: a GeoJSON FeatureCollection, for what lies on the earth. `explain`: how it was found, in sentences.
    `said`: sentences of the answer in the language asked for, by their English.
    """

    data: Any
    code: Code
    tables: dict[str, list[dict[str, Any]]] = {}
    sources: tuple[SourceRow, ...] = ()
    explain: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    geo: dict[str, Any] | None = None
    said: dict[str, str] = {}


class Step(msgspec.Struct, frozen=True):
    """How far a long answer is: `done` of `total` parts, and what is next in words."""

    done: int
    total: int
    words: str


Work = Generator[Step, None, Answer]


def finish(work: Generator[Any, None, T]) -> T:
    """The answer at the end of a long work, its steps unseen."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def command(*words: object, **flags: object) -> str:
    """A detente command line; a flag that is empty or None is left out, a list is repeated."""
    line = ["detente", *(str(w) for w in words)]
    for name, value in flags.items():
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if one not in (None, "", False):
                flag = f"--{name.rstrip('_').replace('_', '-')}"
                line += [flag] if one is True else [flag, str(one)]
    return shlex.join(line)


def refs(found: Iterable[str], quality: str = "") -> tuple[SourceRow, ...]:
    """Source rows for addresses and citations, each once."""
    return tuple(SourceRow(ref, quality=quality) for ref in dict.fromkeys(found) if ref)


def cited(sources: Mapping[str, Any], names: Iterable[str] | None = None) -> tuple[SourceRow, ...]:
    """Source rows for an instrument's own sources (those named, or all)."""
    chosen = sources if names is None else dict.fromkeys(names)
    return tuple(SourceRow(s.ref, s.title, s.published) for n in chosen if (s := sources.get(n)) is not None)


def rows_of(records: Iterable[Any], fields: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Records as flat rows for a table, all with the same keys; nested values become text."""
    rows = [msgspec.to_builtins(r, str_keys=True, enc_hook=plain) for r in records]
    keys = fields or tuple(dict.fromkeys(k for row in rows for k in row))
    return [{k: flat(row.get(k)) for k in keys} for row in rows]


def flat(value: Any) -> Any:
    """A value that fits in a cell."""
    if isinstance(value, (list, tuple)):
        return "; ".join(str(flat(v)) for v in value)
    if isinstance(value, dict):
        return "; ".join(f"{k}: {flat(v)}" for k, v in value.items())
    return None if value != value else value


def plain(value: Any) -> Any:
    """numpy arrays and numbers as Python ones, for the encoder."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
