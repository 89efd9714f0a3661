"""The shape of a patch, and the JSON Schema of everything a treaty file may be."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from detente.sources import Quality
from detente.treaty.schema import Id, Instrument, SourceRef


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One change: `set` a path to a value, `add` a value to a section, or `remove` a path."""

    set: str = ""
    add: str = ""
    remove: str = ""
    to: Any = msgspec.UNSET
    value: Any = msgspec.UNSET


class Patch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A proposal: changes to a base instrument whose digest is named, with a rationale and citations."""

    patch: Id
    title: str
    base: str
    base_digest: Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]
    rationale: str
    cite: tuple[str, ...]
    quality: Quality
    operations: tuple[Operation, ...]
    sources: dict[str, SourceRef] = {}
    note: str = ""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of instruments and patches, for editors and other programs."""
    (instrument, patch), components = msgspec.json.schema_components(
        [Instrument, Patch], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "detente instrument or patch",
        "anyOf": [instrument, patch],
        "$defs": components,
    }
