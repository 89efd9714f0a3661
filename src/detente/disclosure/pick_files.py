"""Reading the terms and records of a joint choice from YAML or JSON, strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from detente.disclosure.pick import Settlement
from detente.disclosure.pick_terms import Record, Terms
from detente.errors import DetenteError

T = TypeVar("T")
_LARGEST = 8 * 2**20


class _Plain(yaml.SafeLoader):
    """YAML without its own idea of dates: a time stays the text that was written and hashed."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_terms(path: Path) -> Terms:
    """The terms in a file. Raises DetenteError naming the field that is wrong."""
    return _convert(_parse(path), Terms, path)


def read_records(path: Path) -> list[Record]:
    """The records in a file: one, or a list. Raises DetenteError naming the field that is wrong."""
    found = _parse(path)
    return _convert(found if isinstance(found, list) else [found], list[Record], path)


def _parse(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise DetenteError("the file is larger than 8 MiB", where=str(path))
        text = path.read_text("utf-8")
        if text.lstrip()[:1] in ("{", "["):
            return _json_or_yaml(text)
        return yaml.load(text, _Plain)
    except OSError as bad:
        raise DetenteError(f"cannot be read: {bad.strerror}", where=str(path)) from None
    except (yaml.YAMLError, ValueError, RecursionError) as bad:
        mark = getattr(bad, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise DetenteError("this is neither YAML nor JSON", where=where) from None


def _json_or_yaml(text: str) -> Any:
    """JSON by a JSON reader: YAML takes its escapes of characters beyond U+FFFF for two characters."""
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return yaml.load(text, _Plain)  # YAML's own flow style


def _convert(value: Any, kind: type[T], path: Path) -> T:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as bad:
        raise DetenteError(str(bad), where=str(path), fix="see docs/inspection.md for the fields") from None
    except UnicodeError:
        raise DetenteError("a text that is not Unicode", where=str(path)) from None


def read_settlement(path: Path) -> Settlement:
    """A settlement that somebody else derived. Raises DetenteError naming the field that is wrong."""
    return _convert(_parse(path), Settlement, path)
