"""Loading: an instrument or a patch from YAML to typed, checked, immutable records."""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from detente.canonical import digest
from detente.errors import DetenteError, nearest
from detente.treaty.check import problems
from detente.treaty.document import Document, PathKey, parse_yaml, read_yaml
from detente.treaty.problem import Problem
from detente.treaty.schema import Instrument
from detente.treaty.schema_patch import Patch
from detente.treaty.words import Words

T = TypeVar("T")
LIBRARY = Path(str(files("detente.library")))
_AT = re.compile(r" - at `(?:key in )?\$(?P<path>[^`]*)`$")
_ENTRIES_TRIED = 200  # of a mapping, to find the one an error is about
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\[\.\.\.\]")


class Text(msgspec.Struct, frozen=True):
    """An instrument's text: its plain tree and the documents that know the lines.

    `parts`: for each top-level key, the (first index, document) of every file that adds to it.
    """

    name: str
    tree: dict[str, Any]
    parts: dict[str, tuple[tuple[int, Document], ...]]
    changed: dict[tuple[str, ...], str] = {}  # what a patch touched, and the line of the operation that did

    def where(self, path: tuple[PathKey, ...]) -> str:
        """``file:line`` of the value at `path` (keys, list indices, or ids of list entries)."""
        if self.changed:
            return self._operation(path)
        if path and path[0] in self.parts:
            parts = self.parts[str(path[0])]
            if len(path) > 1:
                index = self._index(path)
                start, document = max(
                    (p for p in parts if p[0] <= index), key=lambda p: p[0], default=parts[0]
                )
                local: tuple[PathKey, ...] = (
                    (path[0], index - start, *path[2:]) if isinstance(self.tree[str(path[0])], list) else path
                )
                return f"{document.name}:{document.line(local)}"
            return f"{parts[0][1].name}:{parts[0][1].line(path)}"
        return f"{self.name}:1"

    def _operation(self, path: tuple[PathKey, ...]) -> str:
        """The operation of a patch that a problem at `path` comes from, as far as can be told."""
        steps = tuple(str(p) for p in path)
        entries = self.tree.get(steps[0]) if steps else None
        if (
            isinstance(entries, list)
            and len(path) > 1
            and isinstance(path[1], int)
            and path[1] < len(entries)
        ):
            entry = entries[path[1]]
            steps = (steps[0], str(entry.get("id")) if isinstance(entry, dict) else "", *steps[2:])

        def shared(operation: tuple[str, ...]) -> int:
            return next(
                (n for n, (a, b) in enumerate(zip(operation, steps, strict=False)) if a != b),
                min(len(operation), len(steps)),
            )

        return self.changed[max(self.changed, key=shared)]

    def _index(self, path: tuple[PathKey, ...]) -> int:
        entries = self.tree[str(path[0])]
        if isinstance(path[1], int):
            return path[1]
        if isinstance(entries, list):
            ids = [e.get("id") if isinstance(e, dict) else None for e in entries]
            return ids.index(path[1]) if path[1] in ids else 0
        return 0


class Loaded(msgspec.Struct, frozen=True, dict=True):
    """A checked instrument with its text and the digest of that text's canonical form."""

    instrument: Instrument
    text: Text
    digest: str
    counts_as: dict[str, tuple[str, ...]] = {}  # limits whose declared totals under other instruments stand

    @cached_property
    def words(self) -> Words:
        """The words its rules may use."""
        return Words(self.instrument)


def instrument_ids() -> list[str]:
    """The ids of the instruments in the library."""
    return sorted(p.parent.name for p in LIBRARY.glob("*/treaty.yaml"))


def load(source: str | Path) -> Loaded:
    """An instrument by library id, or from a user's YAML file or folder of YAML files.

    Raises DetenteError with file:line, what is wrong and the nearest valid name.
    """
    name = str(source)
    if name in instrument_ids():
        return _from_library(name)
    path = Path(name)
    try:
        folder, file = path.is_dir(), path.suffix in (".yaml", ".yml") or path.exists()
    except OSError as bad:
        raise DetenteError(
            f"cannot be read ({bad.strerror})", where=name[:80], fix="check the path"
        ) from None
    if folder:
        return _read_folder(path)
    if file:
        return checked(join([read_yaml(path)]))
    raise DetenteError(f"no instrument '{name}'", fix=nearest(name, instrument_ids()))


def loads(data: bytes, name: str = "input") -> Loaded:
    """An instrument from YAML bytes. Raises DetenteError."""
    return checked(join([parse_yaml(data, name)]))


def load_patch(path: Path) -> tuple[Patch, Document]:
    """A patch from a YAML file, with the document that knows its lines. Raises DetenteError."""
    document = read_yaml(path)
    return patch_of(document), document


def patch_of(document: Document) -> Patch:
    """The typed patch of a parsed document. Raises DetenteError."""
    text = join([document])
    return _typed(text.tree, Patch, text)


def join(documents: list[Document]) -> Text:
    """Several files as one text: lists are appended, mappings merged; a scalar may stand in one file only."""
    tree: dict[str, Any] = {}
    parts: dict[str, tuple[tuple[int, Document], ...]] = {}
    for document in documents:
        for key, value in document.tree.items():
            old = tree.get(key)
            start = len(old) if isinstance(old, list) else 0
            if key not in tree:
                tree[key] = value
            elif isinstance(old, list) and isinstance(value, list):
                tree[key] = old + value
            elif isinstance(old, dict) and isinstance(value, dict) and not old.keys() & value.keys():
                tree[key] = old | value
            else:
                where = f"{document.name}:{document.line((key,))}"
                raise DetenteError(f"'{key}' is given in two files of one instrument", where=where)
            parts[key] = (*parts.get(key, ()), (start, document))
    return Text(documents[0].name, tree, parts)


def checked(text: Text, *, original: bool = True) -> Loaded:
    """The typed instrument of a text, every rule of `check` applied.

    `original`: False for the result of a patch, whose coverage table is that of the text it changes.
    Raises DetenteError for the first problem.
    """
    instrument = typed_instrument(text)
    for problem in problems(instrument, original=original):
        raise error_of(problem, text)
    counts_as: dict[str, tuple[str, ...]] = {
        x.id: (x.same_as.partition("/")[0],) for x in instrument.limits if x.same_as
    }
    return Loaded(instrument, text, digest(text.tree), counts_as)


def error_of(problem: Problem, text: Text) -> DetenteError:
    """The one-line error of a problem, with the file and line where it stands."""
    return DetenteError(problem.what, where=text.where(problem.path), fix=problem.fix)


@lru_cache(maxsize=64)
def _from_library(name: str) -> Loaded:
    return _read_folder(LIBRARY / name)


def _read_folder(folder: Path) -> Loaded:
    return checked(join([read_yaml(p) for p in files_of(folder)]))


def files_of(path: Path) -> list[Path]:
    """The YAML files of an instrument: the file itself, or a folder's, ``treaty.yaml`` first."""
    if not path.is_dir():
        return [path]
    names = sorted(path.glob("*.yaml"), key=lambda p: (p.name != "treaty.yaml", p.name))
    if not names:
        raise DetenteError("no YAML file in this folder", where=str(path), fix="add treaty.yaml")
    return names


def typed_instrument(text: Text) -> Instrument:
    """The typed instrument of a text, its shape checked but not yet its rules. Raises DetenteError."""
    return _typed(text.tree, Instrument, text)


def _typed(tree: dict[str, Any], shape: type[T], text: Text) -> T:
    try:
        return msgspec.convert(tree, shape)
    except msgspec.ValidationError as bad:
        raise _shape_error(str(bad), tree, text, shape) from None


def _shape_error(message: str, tree: dict[str, Any], text: Text, shape: type[Any]) -> DetenteError:
    """msgspec's message with our words, the line, and the nearest valid key."""
    match = _AT.search(message)
    path: list[PathKey] = []
    for name, index in _STEP.findall(match["path"] if match else ""):
        path.append(name or (int(index) if index else _which(message, tree, path, shape)))
    what, fix = (message[: match.start()] if match else message), ""
    unknown = re.search(r"unknown field `(.*)`", what)
    if unknown:
        path.append(unknown[1])
        what, fix = f"unknown key '{unknown[1]}'", nearest(unknown[1], _fields_at(shape, path[:-1]))
    elif missing := re.search(r"missing required field `(.*)`", what):
        what, fix = f"no '{missing[1]}'", f"every entry here needs '{missing[1]}'"
    elif "Expected `str`, got `int`" in what:
        fix = "put it in quotes"
    if path and isinstance(path[0], str) and path[0] not in tree:
        path = []
    return DetenteError(what.replace("`", "'"), where=text.where(tuple(path)), fix=fix)


def _which(message: str, tree: dict[str, Any], path: list[PathKey], shape: type[Any]) -> str:
    """The key that msgspec leaves open in its path: the entry that, alone in its mapping, fails alike."""
    parent: Any = tree
    for step in path:
        if step == "":
            return ""
        parent = parent[step]
    for key in list(parent)[:_ENTRIES_TRIED]:
        try:
            msgspec.convert(_with(tree, path, {key: parent[key]}), shape)
        except msgspec.ValidationError as bad:
            if str(bad) == message:
                return str(key)
    return ""


def _with(tree: Any, path: list[PathKey], value: Any) -> Any:
    if not path:
        return value
    step: Any = path[0]
    new = list(tree) if isinstance(tree, list) else dict(tree)
    new[step] = _with(tree[step], path[1:], value)
    return new


def _fields_at(shape: type[Any], path: list[PathKey]) -> tuple[str, ...]:
    """The keys that the record at `path` may have."""
    node: Any = msgspec.inspect.type_info(shape)
    for key in path:
        options = node.types if isinstance(node, msgspec.inspect.UnionType) else (node,)
        node = next((found for o in options if (found := _inside(o, key)) is not None), None)
    options = node.types if isinstance(node, msgspec.inspect.UnionType) else (node,)
    return tuple(
        f.encode_name for o in options if isinstance(o, msgspec.inspect.StructType) for f in o.fields
    )


def _inside(node: Any, key: PathKey) -> Any:
    if isinstance(node, msgspec.inspect.StructType):
        return next((f.type for f in node.fields if f.encode_name == key), None)
    if isinstance(node, msgspec.inspect.DictType):
        return node.value_type
    return getattr(node, "item_type", None)
