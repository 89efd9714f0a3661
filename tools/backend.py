"""The build backend: hatchling, and Node from a wheel where a wheel or source archive needs the page built.

An editable install builds no page and so asks for no Node: `make brief` and `make test` need Python only.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.build import *  # noqa: F403
from hatchling.build import get_requires_for_build_sdist as _for_sdist
from hatchling.build import get_requires_for_build_wheel as _for_wheel

sys.path.insert(0, str(Path(__file__).parent))
import page


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """What building a wheel needs."""
    return [*_for_wheel(config_settings), *([] if page.fresh() else [page.NODE])]


def get_requires_for_build_sdist(config_settings: dict[str, Any] | None = None) -> list[str]:
    """What building a source archive needs."""
    return [*_for_sdist(config_settings), *([] if page.fresh() else [page.NODE])]
