"""One record of the day for all languages, and its five pages, made once a session."""

from __future__ import annotations

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
    folder = tmp_path_factory.mktemp("pages")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        write(brief_of("2026-11-23"), folder, tuple(LANGUAGES))
    return folder, [str(w.message) for w in said]
