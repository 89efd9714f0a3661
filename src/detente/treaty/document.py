"""YAML documents: parsed once, strictly, with the line of every value kept for errors."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from detente.errors import DetenteError

PathKey = str | int
LARGEST = 4_000_000  # bytes; the largest treaty file here is a hundredth of it
DEEPEST = 100  # levels; a treaty file has eight
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# the YAML 1.2 core scalars only: a date stays a text, `no` is not false
_NULL = frozenset(("", "~", "null"))
_INT = re.compile(r"-?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")


class Node(msgspec.Struct):
    """Where a value stands (line from 1) and the lines of what it contains, by key or index."""

    line: int
    keys: dict[str, tuple[int, Node]] = {}
    entries: list[Node] = []
    name: Any = None  # the `id` among its keys, by which a list entry is found


class Document(msgspec.Struct, frozen=True):
    """One parsed file: its plain tree, and the nodes that know the lines."""

    name: str
    tree: dict[str, Any]
    node: Node

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
        tree, node = _Builder(text, name).document()
    except yaml.YAMLError as bad:
        raise _syntax_error(bad, name) from None
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


class _Builder:
    """Builds the tree from the parser's events: the depth is ours to bound, where a composer would recurse in C."""

    def __init__(self, text: str, name: str) -> None:
        self._events: Iterator[Any] = yaml.parse(text, Loader=_PARSER)
        self._name = name

    def document(self) -> tuple[Any, Node]:
        """The one document of the text and its nodes."""
        value: Any = None
        node = Node(1)
        seen = False
        event: Any
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and seen:
                raise self._error("a second document", event, "one file, one document")
            if isinstance(event, yaml.DocumentStartEvent):
                seen = True
                value, node = self._build(next(self._events), DEEPEST)
        return value, node

    def _build(self, event: Any, levels: int) -> tuple[Any, Node]:
        node = Node(_line(event))
        if isinstance(event, yaml.AliasEvent):
            raise self._error("YAML aliases are not used here", event, "write the value out")
        if event.tag is not None:
            raise self._error(f"the YAML tag '{event.tag}' is not used here", event)
        if isinstance(event, yaml.ScalarEvent):
            return (self._scalar(event) if event.implicit[0] else event.value), node
        if not levels:
            raise self._error("nested too deep", event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(node, levels - 1), node
        return self._mapping(node, levels - 1), node

    def _sequence(self, node: Node, levels: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            value, child = self._build(event, levels)
            values.append(value)
            node.entries.append(child)
        return values

    def _mapping(self, node: Node, levels: int) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
                raise self._error("a key that is not a plain word", event)
            if event.value in tree:
                raise self._error(f"the key '{event.value}' appears twice", event)
            tree[event.value], child = self._build(next(self._events), levels)
            node.keys[event.value] = (_line(event), child)
        node.name = tree.get("id")
        return tree

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        if text in _NULL:
            return None
        if text in ("true", "false"):
            return text == "true"
        if _INT.fullmatch(text):
            if len(text) > 17 or abs(int(text)) >= 2**53:
                raise self._error(f"the number {text[:24]} is too large", event)
            return int(text)
        if _FLOAT.fullmatch(text):
            value = float(text)
            if value - value != 0:
                raise self._error(f"the number {text[:24]} is too large", event)
            return value
        return text

    def _error(self, what: str, event: Any, fix: str = "") -> DetenteError:
        return DetenteError(what, where=f"{self._name}:{_line(event)}", fix=fix)


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _child(node: Node, key: PathKey) -> tuple[Node, int] | None:
    if isinstance(key, str) and key in node.keys:
        line, child = node.keys[key]
        return child, line
    if isinstance(key, int) and key < len(node.entries):
        return node.entries[key], node.entries[key].line
    for child in node.entries:
        if child.name == key and "id" in child.keys:
            return child, child.keys["id"][0]
    return None
