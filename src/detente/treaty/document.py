"""YAML documents: parsed once, strictly, with the line of every value kept for errors."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import yaml

from detente.errors import DetenteError

PathKey = str | int
LARGEST = 4_000_000  # bytes; the largest treaty file here is a hundredth of it

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Composes nodes with the YAML 1.2 core scalars only: a date stays a text, `no` is not false."""

    yaml_implicit_resolvers: ClassVar[dict[str | None, list[Any]]] = {}


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", list("tf")),
    ("int", r"^-?(?:0|[1-9][0-9]*)$", list("-0123456789")),
    ("float", r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?$", list("-0123456789")),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


class Document(msgspec.Struct, frozen=True):
    """One parsed file: its plain tree, and the nodes that know the lines."""

    name: str
    tree: dict[str, Any]
    node: Any

    def line(self, path: tuple[PathKey, ...]) -> int:
        """The line (from 1) where the value at `path` stands, or its nearest parent that exists."""
        node = self.node
        line = 1
        for key in path:
            found = _child(node, key)
            if found is None:
                break
            node, line = found
        return line


def parse_yaml(data: bytes, name: str) -> Document:
    """A YAML mapping as plain dicts, lists and scalars.

    Raises DetenteError with file:line for anything else: broken syntax, duplicate keys, aliases, tags,
    bytes that are not UTF-8, a file that is too large or nested too deep.
    """
    if len(data) > LARGEST:
        raise DetenteError(f"{len(data)} bytes are too many for a treaty file", where=name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as bad:
        line = data[: bad.start].count(b"\n") + 1
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=f"{name}:{line}") from None
    try:
        node = yaml.compose(text, Loader=_Loader)
        tree = _construct(node, name, set())
    except yaml.YAMLError as bad:
        raise _syntax_error(bad, name) from None
    except RecursionError:
        raise DetenteError("nested too deep", where=name) from None
    if not isinstance(tree, dict):
        raise DetenteError("not a mapping of keys to values", where=f"{name}:1", fix="begin with 'id: ...'")
    return Document(name, tree, node)


def read_yaml(path: Path) -> Document:
    """`parse_yaml` of a file. Raises DetenteError where it cannot be read."""
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as bad:
        reason = getattr(bad, "strerror", None) or "no such file"
        raise DetenteError(f"cannot be read ({reason})", where=str(path), fix="check the path") from None
    return parse_yaml(data, path.name)


def _syntax_error(bad: yaml.YAMLError, name: str) -> DetenteError:
    mark = getattr(bad, "problem_mark", None)
    where = f"{name}:{mark.line + 1}" if mark else name
    problem = getattr(bad, "problem", None) or getattr(bad, "reason", None) or "not YAML"
    return DetenteError(f"broken YAML: {problem}", where=where)


def _construct(node: Any, name: str, seen: set[int]) -> Any:
    if node is None:
        return None
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, name)
    if id(node) in seen:
        raise DetenteError("YAML aliases are not used here", where=_at(node, name), fix="write the value out")
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        return [_construct(child, name, seen) for child in node.value]
    tree: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        if not isinstance(key, str) or key_node.tag == "tag:yaml.org,2002:merge":
            raise DetenteError("a key that is not a plain word", where=_at(key_node, name))
        if key in tree:
            raise DetenteError(f"the key '{key}' appears twice", where=_at(key_node, name))
        tree[key] = _construct(value_node, name, seen)
    return tree


def _scalar(node: Any, name: str) -> Any:
    match node.tag.rpartition(":")[2]:
        case "str":
            return node.value
        case "int":
            number = int(node.value) if len(node.value) < 20 else None
            if number is None or abs(number) > 2**53:
                raise DetenteError(f"the number {node.value[:24]} is too large", where=_at(node, name))
            return number
        case "float":
            value = float(node.value)
            if value - value != 0:
                raise DetenteError(f"the number {node.value[:24]} is too large", where=_at(node, name))
            return value
        case "bool":
            return node.value == "true"
        case "null":
            return None
    raise DetenteError(f"the YAML tag '{node.tag}' is not used here", where=_at(node, name))


def _at(node: Any, name: str) -> str:
    return f"{name}:{node.start_mark.line + 1}"


def _child(node: Any, key: PathKey) -> tuple[Any, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            if key_node.value == key:
                return value_node, key_node.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        if isinstance(key, int) and key < len(node.value):
            return node.value[key], node.value[key].start_mark.line + 1
        for child in node.value:
            found = _child(child, "id")
            if found and found[0].value == key:
                return child, found[1]
    return None
