"""Files that hold secrets: mode 0600, written whole or not at all, never read where others may read them."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from detente.errors import DetenteError


def write_secret(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write `data` with mode 0600. Raises DetenteError where the file exists and `replace` is not given."""
    _write(path, data, 0o600, replace=replace)


def write_public(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write `data` whole, with the usual mode. Raises DetenteError where the file exists."""
    umask = os.umask(0)
    os.umask(umask)
    _write(path, data, 0o666 & ~umask, replace=replace)


def refuse_existing(*paths: Path) -> None:
    """Raises DetenteError where a file is already there: results are never overwritten."""
    for path in paths:
        if path.exists():
            raise DetenteError("this file exists", where=str(path), fix="give another name, or move it away")


def _write(path: Path, data: bytes, mode: int, *, replace: bool) -> None:
    if not replace:
        refuse_existing(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")  # mkstemp makes it 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as bad:
        raise DetenteError(f"cannot be written: {bad.strerror}", where=str(path)) from None


def read_secret(path: Path) -> bytes:
    """The bytes of a secret file. Raises DetenteError where it is missing or open to other users."""
    data = read_public(path)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise DetenteError("others on this machine may read this secret", where=str(path), fix="chmod 600 it")
    return data


def read_public(path: Path) -> bytes:
    """The bytes of a file. Raises DetenteError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as bad:
        raise DetenteError(f"cannot be read: {bad.strerror}", where=str(path), fix="check the path") from None
