"""A broken rule of an instrument: what is wrong, at which path, and what to do."""

from __future__ import annotations

import msgspec

from detente.treaty.document import PathKey

Path = tuple[PathKey, ...]


class Problem(msgspec.Struct, frozen=True):
    """What is wrong, at which path of the document, and what to do."""

    what: str
    path: Path
    fix: str = ""
