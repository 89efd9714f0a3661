"""Forces: proposals over projected draws against the bare NumPy cost of the same multiply-adds."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import numpy as np

from bench._report import line
from detente.forces.proposals import PARTIES as FIVE
from detente.forces.proposals import Projected
from detente.forces.stream import Stack, block_sums, compiled, run
from detente.linear import Array

PARTIES, TYPES, YEARS, PROPOSALS, LIMITS = 5, 20, 10, 12, 3
DRAWS, BLOCK = 100_000, 20_000


class Paths:
    """Seeded forces that run straight from one January to another ten years on: two draws a row and block."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.first = rng.uniform(20, 400, (PARTIES, TYPES))
        self.last = self.first * rng.uniform(0.5, 2.0, (PARTIES, TYPES))

    def __call__(self, seed: np.random.SeedSequence, n: int) -> list[Iterator[Array]]:
        return [self.years(p, s, n) for p, s in enumerate(seed.spawn(PARTIES))]

    def years(self, party: int, seed: np.random.SeedSequence, n: int) -> Iterator[Array]:
        """Each January's draws in one buffer: two draws a row at the ends, straight between them."""
        rng = np.random.Generator(np.random.SFC64(seed))
        values, slope = np.empty((n, TYPES)), np.empty((n, TYPES))
        for drawn, mean in ((values, self.first[party]), (slope, self.last[party])):
            rng.standard_normal(out=drawn)
            drawn *= 0.1 * mean
            drawn += mean
        slope -= values
        slope /= YEARS - 1
        for year in range(YEARS):
            if year:
                values += slope
            yield values


def stacks() -> list[Stack]:
    """Twelve proposals of three limits over twenty types for each party."""
    rng = np.random.default_rng(3)
    limits = PROPOSALS * LIMITS
    matrix = rng.integers(0, 3, (PARTIES, limits, TYPES)).astype(float)
    bound = rng.uniform(3000, 6000, (PARTIES, YEARS, limits))
    return [Stack(matrix[p], bound[p], np.ones(limits)) for p in range(PARTIES)]


def products(s: Stack, values: Array) -> None:
    """One party's matrix products, nothing kept and nothing counted."""
    weights = s.matrix.T.copy()
    for y in range(YEARS):
        values[y] @ weights


def multiply_adds(made: list[Stack], blocks: list[Array]) -> None:
    """The yardstick: the same matrix products on draws that lie ready."""
    for s, values in zip(made, blocks, strict=True):
        products(s, values)


def side_by_side(made: list[Stack], blocks: list[Array]) -> None:
    """The yardstick in two threads, as the evaluation runs."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(products, made, blocks))


def in_turn(
    rounds: int,
    *works: Callable[[], object],
    clock: Callable[[], float] = time.process_time,
    pick: Callable[[list[float]], float] = min,
) -> list[float]:
    """Seconds of each work, picked from `rounds` runs in turn; the cheapest by CPU unless told otherwise.

    CPU time, with one thread a product: a ratio that does not hang on what else the machine does.
    """
    times = []
    for _ in range(rounds):
        row = []
        for work in works:
            start = clock()
            work()
            row.append(clock() - start)
        times.append(row)
    return [pick(list(column)) for column in zip(*times, strict=True)]


def main() -> None:
    """Run `measure` in a process of its own whose matrix products use one thread."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", "import bench.forces as f; f.measure()"], env=environment, check=True
    )


def measure() -> None:
    """Ratios in one run; memory is the peak of this process."""
    made, source = stacks(), Paths(1)
    seed = np.random.SeedSequence(1)
    ready = [np.stack([x.copy() for x in years]) for years in source(seed, BLOCK)]
    compiled()  # loading the kernel is no part of the work
    block_sums(made, lambda *_: ready, seed, BLOCK, False, True)
    bare, evaluated, whole, plain = in_turn(
        12,
        lambda: multiply_adds(made, ready),
        lambda: block_sums(made, lambda *_: ready, seed, BLOCK, False, True),
        lambda: block_sums(made, source, seed, BLOCK, False, True),
        lambda: block_sums(made, source, seed, BLOCK, False),
    )
    print(
        f"{PARTIES} parties x {TYPES} types x {YEARS} years x {PROPOSALS} proposals, {DRAWS:,} draws in blocks"
    )
    line("bare multiply-adds (yardstick)", bare * DRAWS / BLOCK, "CPU s")
    line(
        "draws evaluated: counts, P(met), cuts",
        evaluated / bare,
        "x bare",
        "at most 2.5",
        kept=evaluated <= 2.5 * bare,
    )
    line("the same, and the draws made", whole / bare, "x bare", "at most 2.5", kept=whole <= 2.5 * bare)
    line("the same without numba", plain / bare, "x bare", "at most 2.5", kept=plain <= 2.5 * bare)
    alone, clocked = in_turn(
        15,
        lambda: side_by_side(made, ready),
        lambda: block_sums(made, source, seed, BLOCK, False, True),
        clock=time.perf_counter,
        pick=statistics.median,
    )
    line("by the clock, two threads on both sides, median of 15", clocked / alone, "x bare")
    real = Projected(FIVE, date(2026, 11, 23), 2035)
    others = iter(seed.spawn(2))  # a projection once made is remembered
    (made_,) = in_turn(2, lambda: real(next(others), BLOCK))
    line("making the projections themselves (filters, systems)", made_ * DRAWS / BLOCK, "CPU s")
    few, many = in_turn(
        2,
        lambda: run(made, source, draws=DRAWS, seed=1, block=BLOCK),
        lambda: run(made, source, draws=10 * DRAWS, seed=1, block=BLOCK),
    )
    line("1,000,000 draws against 100,000", many / few, "x", "10 (linear), at most 11", kept=many <= 11 * few)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line("peak memory of the process", peak, "GiB", "under 2", kept=peak < 2)
