"""YAML files read into typed records: unknown keys are refused and every error names file and line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from detente.errors import DetenteError, nearest

Record = TypeVar("Record")
_LIMIT_BYTES = 2_000_000
_LIMIT_DEPTH = 32


class _Loader(yaml.SafeLoader):
    """SafeLoader that leaves dates as text: the records say what is a time."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if not tag.endswith(("timestamp", "merge"))]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path, kind: type[Record]) -> Record:
    """The record of type `kind` in the YAML file at `path`.

    Raises DetenteError (``file:line``) for unreadable files, broken YAML, aliases, repeated or unknown keys,
    wrong types.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    except UnicodeDecodeError as bad:
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=path.name) from None
    if len(raw) > _LIMIT_BYTES:
        raise DetenteError("larger than 2 MB: not an event file", where=path.name)
    lines: dict[str, int] = {}
    loader = _Loader(text)
    try:
        _check_events(text, path.name)
        node = loader.get_single_node()
        value = _value(loader, node, "$", lines, path.name) if node else None
    except yaml.YAMLError as bad:
        mark = getattr(bad, "problem_mark", None)
        where = f"{path.name}:{mark.line + 1}" if mark else path.name
        raise DetenteError(f"broken YAML: {getattr(bad, 'problem', None) or bad}", where=where) from None
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError as bad:
        raise _told(str(bad), lines, path.name, kind) from None
    except DetenteError as bad:
        raise DetenteError(bad.what, where=f"{path.name}: {bad.where}".rstrip(": "), fix=bad.fix) from None


def _check_events(text: str, name: str) -> None:
    """Refuses aliases (which can grow without bound) and nesting that no event file has."""
    depth = 0
    for e in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(e, yaml.AliasEvent):
            raise DetenteError("YAML aliases are not read", where=name, fix="write the value out")
        depth += isinstance(e, yaml.CollectionStartEvent) - isinstance(e, yaml.CollectionEndEvent)
        if depth > _LIMIT_DEPTH:
            raise DetenteError("nested too deeply", where=name)


def _value(loader: _Loader, node: Any, at: str, lines: dict[str, int], name: str) -> Any:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, n, f"{at}[{i}]", lines, name) for i, n in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key, where = key_node.value, f"{name}:{key_node.start_mark.line + 1}"
            if not isinstance(key, str) or key in found:
                what = "a key must be text" if not isinstance(key, str) else f"the key '{key}' appears twice"
                raise DetenteError(what, where=where)
            found[key] = _value(loader, value_node, f"{at}.{key}", lines, name)
            lines[f"{at}.{key}"] = key_node.start_mark.line + 1
        return found
    return loader.construct_object(node, deep=True)


def _told(message: str, lines: dict[str, int], name: str, kind: type) -> DetenteError:
    what, _, at = message.partition(" - at `")
    at = at.rstrip("`") or "$"
    at = re.sub(r"\[\.\.\.\]", "", at)
    unknown = re.search(r"unknown field `([^`]+)`", what)
    if unknown:
        keys = [k for k in lines if k.startswith(f"{at}.") and k.endswith(f".{unknown[1]}")]
        at = keys[0] if keys else at
        what, fix = f"unknown key '{unknown[1]}'", nearest(unknown[1], _fields(kind))
    else:
        what, fix = what[:1].lower() + what[1:], "see docs/event.md for the form"
    while at not in lines and "." in at:
        at = at.rpartition(".")[0]
    return DetenteError(
        f"{what} ({at.removeprefix('$.') or 'file'})", where=f"{name}:{lines.get(at, 1)}", fix=fix
    )


def _fields(kind: Any, seen: frozenset[Any] = frozenset()) -> set[str]:
    """Every key that a record type or the records inside it know."""
    if kind in seen or not (isinstance(kind, type) or hasattr(kind, "__args__")):
        return set()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        inner = [f.type for f in msgspec.structs.fields(kind)]
        names = {f.encode_name for f in msgspec.structs.fields(kind)}
        return names.union(*(_fields(t, seen | {kind}) for t in inner))
    return set().union(*(_fields(t, seen) for t in getattr(kind, "__args__", ())))
