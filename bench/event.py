"""One event analysed with 100,000 draws, against the bare drawing of the same numbers."""

from __future__ import annotations

import time

import numpy as np

from bench._report import best, line


def main() -> None:
    from detente.monitor.calibration import calibrate, standard
    from detente.monitor.event_files import read_event
    from detente.monitor.event_report import analyse
    from detente.monitor.magnitude_yield import estimate_yield

    event = read_event("lop-nor-2020")
    standard()
    analyse(event, draws=2000)  # tables and compiled kernels loaded

    def bare() -> None:
        """What nobody can leave out: the random numbers of two locations, twice, and of four sources."""
        rng = np.random.default_rng(1)
        for _ in range(4):
            rng.random((3, 100_000))
            rng.normal(size=(5, 100_000))
        for _ in range(4):
            rng.random((6, 100_000))
            rng.normal(size=(2, 100_000))

    whole = best(lambda: analyse(event, draws=100_000), repeat=3)
    yardstick = best(bare, repeat=3)
    line("event lop-nor-2020, 100,000 draws, warm", whole, "s", "<= 3 s", kept=whole <= 3)
    start = time.process_time()
    analyse(event, draws=100_000)
    line("  its processor time, whatever else the machine does", time.process_time() - start, "s")
    line("  of the bare drawing of its random numbers", whole / yardstick, "times")
    fit = best(lambda: calibrate(standard().shots), repeat=3)
    line("calibration of 154 shots, 1,800 Gibbs steps", fit, "s")
    answer = best(lambda: estimate_yield(6.1, "punggye-ri", depth_m=700))
    line("one yield, 20,000 draws, calibrated already", answer * 1000, "ms")
