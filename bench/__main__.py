"""Run every benchmark, or those named: `python -m bench [name ...]`; what begins with a dash is the benchmark's own."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from bench._report import run

names = [a for a in sys.argv[1:] if not a.startswith("-")] or sorted(
    p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_")
)
for name in names:
    run(importlib.import_module(f"bench.{name}"))
