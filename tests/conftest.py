"""Shared by all tests: property tests search the same examples in every run, and new ones in `make soak`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# a change is judged by what it does, not by the luck of the draw; the soak draws anew each time
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("search" if os.environ.get("DETENTE_SEARCH") else "steady")


@pytest.fixture(scope="session")
def waveforms() -> Path:
    """The folder of real records, which the package does not carry: DETENTE_DATA, or shared/data beside the house."""
    root = Path(__file__).resolve().parents[1]
    given = os.environ.get("DETENTE_DATA")
    places = [Path(given)] if given else [root.parent / "shared/data", root.parent.parent / "shared/data"]
    for place in places:
        if (place / "seismic/waveforms").is_dir():
            return place / "seismic/waveforms"
    pytest.skip("no real records: set DETENTE_DATA to the folder that holds seismic/waveforms")
