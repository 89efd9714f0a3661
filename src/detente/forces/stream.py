"""Evaluating many limits over many draws and years: blocks streamed, sums kept, on this machine or on workers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.linear import Array, LinearForm, Sense

BLOCK = 20_000  # draws a block: (year, draw, item) of five parties stays far under a gigabyte
QUANTILES = (0.05, 0.5, 0.95)
TILE = 10_000  # draws a tile: long rows make the passes cheap, and it still stays in the shared cache
MANY = 100_000  # draws from which loading the compiled pass pays
HELD = 4096  # draws of the first block kept for quantiles; p_met and means use every draw

# one block: (seed of the block, draws in it) -> for each party its years, each (draw, item) float64: an array
# (year, draw, item), or an iterator that may use one buffer over and over
Source = Callable[[np.random.SeedSequence, int], Sequence[Iterable[Array]]]


class Stack(msgspec.Struct, frozen=True, eq=False):
    """The linear limits of one party's columns stacked into one matrix.

    `matrix` (limit, item); `bound` (year, limit), NaN where no bound holds; `sign` (limit,) +1 for at most,
    -1 for at least.
    """

    matrix: Array
    bound: Array
    sign: Array


def stack(forms: Sequence[LinearForm], bound: Array) -> Stack:
    """Forms over the same rows as one matrix. Raises DetenteError where a form is more than its matrix."""
    for form in forms:
        if not form.is_linear or Sense.exactly in form.sense:
            raise DetenteError(
                "a limit that is not linear, or whose rows are not all decided, cannot be streamed",
                where=f"{form.party} {form.provision}",
                fix="evaluate it with detente.treaty.evaluate",
            )
    signs = [1.0 if s is Sense.at_most else -1.0 for form in forms for s in form.sense]
    return Stack(np.vstack([form.low for form in forms]), bound, np.array(signs))


class Sums(msgspec.Struct, frozen=True, eq=False):
    """What a block adds: per party (year, limit) draws met, sums of count and of excess; counts held back.

    `held`: of the first block (year, limit, draw), else empty.
    """

    draws: int
    met: list[Array]
    count: list[Array]
    excess: list[Array]
    held: list[Array]


@cache
def compiled() -> Callable[..., None] | None:
    """The one-pass kernel, None where numba is not installed (the base installation has none)."""
    try:
        from detente.forces._stream_kernel import add_over
    except ImportError:
        return None
    return add_over


def block_sums(
    stacks: Sequence[Stack],
    source: Source,
    seed: np.random.SeedSequence,
    n: int,
    hold: bool,
    fast: bool = False,
) -> Sums:
    """Draw one block and evaluate it, the parties side by side in threads; `fast`: by the compiled pass."""
    blocks = source(seed, n)
    kernel = compiled() if fast else None
    with ThreadPoolExecutor(min(len(stacks), os.cpu_count() or 1)) as pool:
        found = list(pool.map(lambda s, values: _party_sums(s, values, n, hold, kernel), stacks, blocks))
    met, total, over, held = (list(part) for part in zip(*found, strict=True))
    return Sums(n, met, total, over, held)


def _party_sums(
    s: Stack, values: Iterable[Array], n: int, hold: bool, kernel: Callable[..., None] | None
) -> tuple[Array, Array, Array, Array]:
    """One party's part of a block: draws met, sums of count and of excess, counts held back."""
    years, limits = s.bound.shape
    met, total, over = (np.empty((years, limits)) for _ in range(3))
    held = np.empty((years, limits, min(HELD, n) if hold else 0))
    for y, x in enumerate(values):
        if kernel is None:
            total[y] = (s.matrix * x.sum(axis=0)).sum(axis=1)
            met[y], over[y] = _against(s, s.bound[y], x, total[y])
        else:
            met[y], total[y], over[y] = _in_one_pass(s, s.bound[y], x, kernel)
        held[y] = s.matrix @ x[: held.shape[2]].T
    return met, total, over, held


def _in_one_pass(
    s: Stack, bound: Array, values: Array, kernel: Callable[..., None]
) -> tuple[Array, Array, Array]:
    """(draws that keep each limit, sum of counts, sum of excess): the same as `_against`, compiled."""
    open_ = np.isnan(bound)
    signed = s.matrix * s.sign[:, None]
    ceiling = _ceiling(s, bound)
    broken, excess, total = (np.zeros(len(bound)) for _ in range(3))
    counts = np.empty((len(bound), TILE))
    for start in range(0, len(values), TILE):
        tile = values[start : start + TILE]
        np.matmul(signed, tile.T, out=counts[:, : len(tile)])
        kernel(counts[:, : len(tile)], ceiling, broken, excess, total)
    broken[open_] = excess[open_] = 0.0
    return len(values) - broken, s.sign * total, excess


def _ceiling(s: Stack, bound: Array) -> Array:
    """(limit,) the signed count that still keeps each limit: its bound and what rounding may add to it."""
    return np.where(np.isnan(bound), 0.0, bound * s.sign + 1e-9 * np.maximum(1.0, np.abs(bound)))


def _against(s: Stack, bound: Array, values: Array, total: Array) -> tuple[Array, Array]:
    """(draws that keep each limit, sum of excess), in tiles that stay in the cache.

    The sum of excess is half of (sum + sum of magnitudes) of count less bound; the first sum follows from
    `total`, so that a tile is passed over once for the bound, once for the sign and once for the magnitude.
    """
    from scipy.linalg.blas import dasum

    open_ = np.isnan(bound)
    signed = s.matrix * s.sign[:, None]
    ceiling = _ceiling(s, bound)
    broken, size = np.zeros(len(bound)), np.zeros(len(bound))
    gap = np.empty((len(bound), TILE))
    over = np.empty((len(bound), TILE), dtype=bool)
    for start in range(0, len(values), TILE):
        tile = values[start : start + TILE]
        g, o = gap[:, : len(tile)], over[:, : len(tile)]
        np.matmul(signed, tile.T, out=g)
        g -= ceiling[:, None]
        np.greater(g, 0.0, out=o)
        broken += [np.count_nonzero(row) for row in o]
        size += [dasum(row) for row in g]
    excess = np.maximum(s.sign * total - len(values) * ceiling + size, 0.0) / 2
    excess[(broken == 0) | open_] = 0.0
    broken[open_] = 0.0
    return len(values) - broken, excess


class Result(msgspec.Struct, frozen=True, eq=False):
    """Per party, each (year, limit): `p_met`, `count` (mean), `cut` (mean excess); `points` (year, limit, 3).

    `points`: 5, 50 and 95 % points of the count, from the first draws held.
    """

    draws: int
    seed: int
    p_met: list[Array]
    count: list[Array]
    cut: list[Array]
    points: list[Array]


def run(
    stacks: Sequence[Stack], source: Source, *, draws: int, seed: int, block: int = BLOCK, workers: str = ""
) -> Result:
    """Evaluate `draws` draws in blocks, on this machine or on the dask cluster at `workers` (tcp://...).

    Every block has a seed of its own and blocks are added in their order, so the numbers do not depend on
    where they were computed. Raises DetenteError for a cluster that does not answer.
    """
    sizes = [block] * (draws // block) + ([draws % block] if draws % block else [])
    seeds = np.random.SeedSequence(seed).spawn(len(sizes))
    jobs = [(seeds[k], sizes[k], k == 0, draws >= MANY) for k in range(len(sizes))]
    if workers:
        return _added(_on_workers(workers, stacks, source, jobs), seed)
    return _added((block_sums(stacks, source, *job) for job in jobs), seed)


def _added(parts: Iterable[Sums], seed: int) -> Result:
    draws = 0
    met: list[Array] = []
    count: list[Array] = []
    excess: list[Array] = []
    held: list[Array] = []
    for k, part in enumerate(parts):
        draws += part.draws
        if k == 0:
            met, count, excess, held = (list(x) for x in (part.met, part.count, part.excess, part.held))
            continue
        for mine, more in ((met, part.met), (count, part.count), (excess, part.excess)):
            for p in range(len(mine)):
                mine[p] = mine[p] + more[p]
    points = [np.moveaxis(np.quantile(h, QUANTILES, axis=2), 0, 2) for h in held]
    over = draws or 1
    # the last bits of a matrix product depend on the threads of the machine: they are not part of the answer
    rounded = (
        [np.round(x / d, 9) for x in part]
        for part, d in ((met, over), (count, over), (excess, over), (points, 1))
    )
    return Result(draws, seed, *rounded)


def _on_workers(address: str, stacks: Sequence[Stack], source: Source, jobs: list[Any]) -> list[Sums]:
    try:
        import distributed
    except ImportError:
        raise DetenteError("dask is not installed", fix="pip install 'detente[monitor]'") from None
    try:
        client: Any = distributed.Client(address, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as bad:
        raise DetenteError(
            f"no cluster at '{address}': {bad}", fix="give the scheduler, tcp://host:port"
        ) from None
    with client:
        shared = client.scatter(list(stacks), broadcast=True)
        futures = [client.submit(_job, shared, source, *job, pure=False) for job in jobs]
        return list(client.gather(futures))


def _job(
    stacks: list[Stack], source: Source, seed: np.random.SeedSequence, n: int, hold: bool, fast: bool
) -> Sums:
    return block_sums(stacks, source, seed, n, hold, fast)
