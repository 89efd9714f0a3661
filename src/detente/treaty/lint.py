"""Linting: every problem of a treaty or patch file at once, and a summary of a sound one."""

from __future__ import annotations

from pathlib import Path

import msgspec

from detente.errors import DetenteError
from detente.treaty.check import problems
from detente.treaty.document import read_yaml
from detente.treaty.load import Loaded, error_of, files_of, join, load, patch_of, typed_instrument
from detente.treaty.patch import apply


class Lint(msgspec.Struct, frozen=True):
    """The problems found, one line each, and a closing line."""

    problems: tuple[str, ...]
    summary: str


def lint(path: Path) -> Lint:
    """Check a file or folder. Raises DetenteError where it cannot be read at all."""
    documents = [read_yaml(p) for p in files_of(path)]
    if len(documents) == 1 and "patch" in documents[0].tree:
        return _lint_patch(path)
    try:
        text = join(documents)
        instrument = typed_instrument(text)
    except DetenteError as bad:
        return _found([str(bad)])
    lines = [str(error_of(p, text)) for p in problems(instrument)]
    if lines:
        return _found(list(dict.fromkeys(lines)))
    recalled = sum(
        line.quality.doubtful for line in (*instrument.limits, *instrument.counting, *instrument.obligations)
    )
    return Lint(
        (),
        f"{path.name}: sound; {len(instrument.limits)} limits, {len(instrument.counting)} counting rules, "
        f"{len(instrument.obligations)} obligations, {recalled} of them recalled",
    )


def _lint_patch(path: Path) -> Lint:
    document = read_yaml(path)
    try:
        patch = patch_of(document)
        base: Loaded = load(patch.base)
        apply(base, patch, document)
    except DetenteError as bad:
        return _found([str(bad)])
    return Lint((), f"{path.name}: sound; {len(patch.operations)} operations on {patch.base}")


def _found(lines: list[str]) -> Lint:
    return Lint(tuple(lines), f"{len(lines)} problem{'s' if len(lines) != 1 else ''}")
