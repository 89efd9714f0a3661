"""Forces: proposals over projected draws against the bare NumPy cost of the same multiply-adds."""

from __future__ import annotations

import resource

import numpy as np

from bench._report import best, line
from detente.forces.stream import Stack, block_sums, run
from detente.linear import Array

PARTIES, TYPES, YEARS, PROPOSALS, LIMITS = 5, 20, 10, 12, 3
DRAWS, BLOCK = 100_000, 20_000


class Paths:
    """Seeded forces that run straight from one January to another ten years on: two draws a row and block."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.first = rng.uniform(20, 400, (PARTIES, TYPES))
        self.last = self.first * rng.uniform(0.5, 2.0, (PARTIES, TYPES))

    def __call__(self, seed: np.random.SeedSequence, n: int) -> list[Array]:
        rng = np.random.default_rng(seed)
        blocks = []
        for p in range(PARTIES):
            ends = [m[p] * (1 + 0.1 * rng.standard_normal((n, TYPES))) for m in (self.first, self.last)]
            slope = (ends[1] - ends[0]) / (YEARS - 1)
            values = np.empty((YEARS, n, TYPES))
            values[0] = ends[0]
            for y in range(1, YEARS):
                np.add(values[y - 1], slope, out=values[y])
            blocks.append(values)
        return blocks


def stacks() -> list[Stack]:
    """Twelve proposals of three limits over twenty types for each party."""
    rng = np.random.default_rng(3)
    limits = PROPOSALS * LIMITS
    matrix = rng.integers(0, 3, (PARTIES, limits, TYPES)).astype(float)
    bound = rng.uniform(3000, 6000, (PARTIES, YEARS, limits))
    return [Stack(matrix[p], bound[p], np.ones(limits)) for p in range(PARTIES)]


def multiply_adds(made: list[Stack], blocks: list[Array]) -> None:
    """The yardstick: the same matrix products on draws that lie ready, nothing kept and nothing counted."""
    for s, values in zip(made, blocks, strict=True):
        weights = s.matrix.T.copy()
        for y in range(YEARS):
            values[y] @ weights


def main() -> None:
    """Ratios in one run; memory is the peak of this process."""
    made, source = stacks(), Paths(1)
    ready = source(np.random.SeedSequence(1), BLOCK)
    blocks = DRAWS // BLOCK
    bare = best(lambda: multiply_adds(made, ready)) * blocks
    evaluated = (
        best(lambda: block_sums(made, lambda *_: ready, np.random.SeedSequence(1), BLOCK, False)) * blocks
    )
    whole = best(lambda: run(made, source, draws=DRAWS, seed=1, block=BLOCK), repeat=3)
    size = f"{PARTIES} parties x {TYPES} types x {YEARS} years x {PROPOSALS} proposals x {DRAWS:,} draws"
    print(size)
    line("bare multiply-adds (yardstick)", bare, "s")
    line(
        "draws evaluated: counts, P(met), cuts",
        evaluated / bare,
        "x bare",
        "at most 2.5",
        kept=evaluated <= 2.5 * bare,
    )
    line(
        "the same, and the draws made block by block",
        whole / bare,
        "x bare",
        "at most 2.5",
        kept=whole <= 2.5 * bare,
    )
    more = best(lambda: run(made, source, draws=10 * DRAWS, seed=1, block=BLOCK), repeat=1)
    line(
        "1,000,000 draws against 100,000",
        more / whole,
        "x",
        "10 (linear), at most 11",
        kept=more <= 11 * whole,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line("peak memory of the process", peak, "GiB", "under 2", kept=peak < 2)
