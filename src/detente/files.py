"""Files: written whole or not at all, so that no reader ever sees half of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from detente.errors import DetenteError


def write_whole(path: Path, data: bytes) -> None:
    """Write one file through a temporary neighbour. Raises DetenteError where it cannot be written."""
    write_all(path.parent, {path.name: data})


def write_all(folder: Path, files: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Write several files into `folder`: none takes its name before all are on disk.

    Raises DetenteError where the folder cannot be written.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            part = folder / f".{name}.part"
            staged.append((part, folder / name))
            part.write_bytes(data)
        for part, path in staged:
            part.replace(path)
    except OSError as bad:
        for part, _ in staged:
            part.unlink(missing_ok=True)
        raise DetenteError(
            f"cannot be written ({bad.strerror})", where=str(folder), fix="check the path"
        ) from None
    return tuple(path for _, path in staged)
