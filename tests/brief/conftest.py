"""One record of the day for all languages, and its five pages, made once a session."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from detente.brief.catalogue import LANGUAGES
from detente.brief.content import gather
from detente.brief.page import write
from detente.brief.record import Brief


@pytest.fixture(scope="session")
def brief_of() -> Callable[[str], Brief]:
    """The briefing of a day, gathered once."""
    return cache(lambda day: gather(date.fromisoformat(day)))


@pytest.fixture(scope="session")
def pages(
    brief_of: Callable[[str], Brief], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    """The folder of today's page in every language, and what matplotlib warned of while drawing it."""
    import fcntl

    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "pages"
    with (folder.parent / "pages.lock").open("w") as lock:  # the first worker makes them, the others wait
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "warned.json").exists():
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                write(brief_of("2026-11-23"), folder, tuple(LANGUAGES))
            (folder / "warned.json").write_text(json.dumps([str(w.message) for w in said]))
    return folder, json.loads((folder / "warned.json").read_text())
