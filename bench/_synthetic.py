"""The array-day that the benches of station processing share: made once, the same for the same seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from detente.monitor.signals.synthetic import Day, make_day


@lru_cache(maxsize=2)
def day(seed: int) -> Day:
    """24 h, nine verticals (1 + 3 + 5 rings, 4 km), 40 Hz, 200 events, 20 glitches."""
    return make_day(seed=seed)


def threads(count: int) -> None:
    """Let numba and BLAS use this many threads: BLAS's own wait busily, and count as processor time."""
    import numba
    from threadpoolctl import threadpool_limits

    threadpool_limits(count)
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))


def processor(work: Callable[[], Any], *, repeat: int = 3) -> float:
    """Processor seconds of the cheapest of some runs: other work on a shared machine does not count."""
    spent = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)
