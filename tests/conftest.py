"""Shared by all tests: property tests search the same examples in every run, and new ones in `make soak`."""

from __future__ import annotations

import os

from hypothesis import settings

# a change is judged by what it does, not by the luck of the draw; the soak draws anew each time
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("search" if os.environ.get("DETENTE_SEARCH") else "steady")
