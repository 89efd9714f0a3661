"""Guided fuzzing of the treaty loader with atheris: `python tests/fuzz/fuzz_treaty.py CORPUS -max_total_time=60`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[2] / "src"), str(Path(__file__).parents[2])]
with atheris.instrument_imports(include=["detente.treaty", "detente.asof", "detente.canonical"]):
    from tests.treaty.corpus import attempt

atheris.Setup(sys.argv, attempt)
atheris.Fuzz()
