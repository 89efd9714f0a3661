"""Small draws for the claims' tests: the rooms have their own tests of accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detente.assess import rooms


@pytest.fixture(scope="session", autouse=True)
def small_draws() -> Iterator[None]:
    """Fewer draws than the commands use, computed once for all tests."""
    before = rooms.DRAWS, rooms.EVENT_DRAWS, rooms.WORLD_STEP_DEG
    rooms.DRAWS, rooms.EVENT_DRAWS, rooms.WORLD_STEP_DEG = 1000, 2000, 15.0
    yield
    rooms.DRAWS, rooms.EVENT_DRAWS, rooms.WORLD_STEP_DEG = before
