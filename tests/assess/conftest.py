"""Small draws for the claims' tests: the rooms have their own tests of accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from detente.assess import rooms


def _forget() -> None:
    """What was computed with other draws must not answer for these."""
    for kept in vars(rooms).values():
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()


@pytest.fixture(scope="package", autouse=True)
def small_draws() -> Iterator[None]:
    """Fewer draws than the commands use, computed once for all tests of this folder."""
    before = rooms.DRAWS, rooms.EVENT_DRAWS, rooms.WORLD_STEP_DEG
    rooms.DRAWS, rooms.EVENT_DRAWS, rooms.WORLD_STEP_DEG = 1000, 2000, 15.0
    _forget()
    yield
    _forget()
    rooms.DRAWS, rooms.EVENT_DRAWS, rooms.WORLD_STEP_DEG = before
