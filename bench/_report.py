"""How a benchmark is timed and printed: the best of several runs, and its ratio to a yardstick beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

TARGET_KEPT = {True: "kept", False: "MISSED"}


def best(work: Callable[[], Any], *, repeat: int = 5) -> float:
    """Seconds of the fastest of `repeat` runs: on a noisy machine the least disturbed one."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def line(what: str, value: float, unit: str, target: str = "", *, kept: bool | None = None) -> None:
    """One result: what was measured, the value, the target and whether it was kept."""
    mark = "" if kept is None else TARGET_KEPT[kept]
    print(f"{what:<64} {value:>10.3g} {unit:<12} {target:<28} {mark}", flush=True)


def run(module: ModuleType) -> None:
    """Run one benchmark module: it has a docstring and a function `main`."""
    print(f"\n== {(module.__doc__ or module.__name__).splitlines()[0]}", flush=True)
    module.main()
