"""Streamed evaluation: the same numbers as the law's own evaluation, in any blocks, on any workers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detente.draws import Draws
from detente.errors import DetenteError
from detente.forces.stream import Stack, run, stack
from detente.inventory import Inventory, Item
from detente.linear import Array, LinearForm, Operator, Sense
from detente.sources import Quality, Source
from detente.treaty.evaluate import evaluate

ITEMS, LIMITS, YEARS = 6, 5, 3


class Made:
    """Seeded blocks for two parties (a class, so that it can be sent to workers)."""

    def __call__(self, seed: np.random.SeedSequence, n: int) -> list[Array]:
        rng = np.random.default_rng(seed)
        return [np.round(rng.gamma(3.0, 30.0, (YEARS, n, ITEMS))) for _ in range(2)]


def form(seed: int, sense: Sense = Sense.at_most) -> LinearForm:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 3, (LIMITS, ITEMS)).astype(float)
    bound = np.round(90 * low.sum(axis=1) * (1.1 if sense is Sense.at_most else 0.9))
    words = tuple(f"limits/{k}" for k in range(LIMITS))
    return LinearForm(
        "US", tuple("abcdef"), low, low, bound, (sense,) * LIMITS, words, words, words, words, ((),) * LIMITS
    )


def stacks() -> list[Stack]:
    forms = [form(1), form(2, Sense.at_least)]
    return [stack([f], np.tile(f.bound, (YEARS, 1))) for f in forms]


@pytest.mark.parametrize("n", [1, 700, 5000])
def test_it_is_the_evaluation_of_the_law(n: int) -> None:
    """p_met, excess and quantiles against detente.treaty.evaluate and plain NumPy on the same draws."""
    seed = np.random.SeedSequence(5).spawn(1)[0]
    result = run(stacks(), Made(), draws=n, seed=5, block=n)
    rows = Inventory(
        tuple(
            Item(id=c, party="US", kind="icbm", unit="missiles", source=Source("x", Quality.estimate))
            for c in "abcdef"
        )
    )
    for p, f in enumerate((form(1), form(2, Sense.at_least))):
        values = Made()(seed, n)[p]
        for y in range(YEARS):
            said = evaluate(f, Draws(rows, values[y], 5))
            counts = values[y] @ f.low.T
            assert result.p_met[p][y] == pytest.approx([v.p_met for v in said])
            over = np.maximum(counts - f.bound if p == 0 else f.bound - counts, 0).mean(axis=0)
            assert result.cut[p][y] == pytest.approx(over, abs=1e-6)
            assert result.count[p][y] == pytest.approx(counts.mean(axis=0))
            assert result.points[p][y, :, 1] == pytest.approx(np.median(counts[:4096], axis=0))


def test_a_count_on_the_bound_keeps_it_and_no_bound_binds_nothing() -> None:
    exact = Stack(np.array([[1.0], [1.0], [-0.0]]), np.array([[3.0, np.nan, 0.0]]), np.array([1.0, 1.0, 1.0]))
    result = run([exact], lambda _, n: [np.full((1, n, 1), 3.0)], draws=10, seed=1)
    assert result.p_met[0][0].tolist() == [1.0, 1.0, 1.0]
    assert result.cut[0][0].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("n", [1, 700, 20_001])
def test_the_compiled_pass_gives_the_same_numbers(n: int) -> None:
    """Draws that keep a limit are the same draws; means agree but for the order of a sum."""
    from detente.forces.stream import block_sums, compiled

    if compiled() is None:
        pytest.skip("numba is not installed")
    made = [*stacks(), Stack(np.eye(ITEMS), np.full((YEARS, ITEMS), np.nan), np.ones(ITEMS))]
    blocks = [*Made()(np.random.SeedSequence(9), n), np.full((YEARS, n, ITEMS), 3.0)]
    slow = block_sums(made, lambda *_: blocks, np.random.SeedSequence(1), n, True)
    fast = block_sums(made, lambda *_: blocks, np.random.SeedSequence(1), n, True, True)
    for p in range(3):
        assert np.array_equal(slow.met[p], fast.met[p])
        assert np.array_equal(slow.held[p], fast.held[p])
        np.testing.assert_allclose(fast.count[p], slow.count[p], rtol=1e-12)
        np.testing.assert_allclose(fast.excess[p], slow.excess[p], rtol=1e-9, atol=1e-6)


def test_without_numba_the_base_installation_still_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's module cannot be imported: the plain pass takes its place, with the same numbers."""
    from detente.forces import stream

    monkeypatch.setattr(stream, "MANY", 1)
    compiled_numbers = run(stacks(), Made(), draws=900, seed=3, block=400)
    monkeypatch.setitem(sys.modules, "detente.forces._stream_kernel", None)
    stream.compiled.cache_clear()
    try:
        assert stream.compiled() is None
        plain = run(stacks(), Made(), draws=900, seed=3, block=400)
    finally:
        stream.compiled.cache_clear()
    for a, b in zip(compiled_numbers.p_met + compiled_numbers.count, plain.p_met + plain.count, strict=True):
        assert np.array_equal(a, b)


def test_the_benchmarks_draws_have_the_law_they_claim() -> None:
    """Normal ends with 10 % spread, straight between: mean, spread, tails and correlation by formula."""
    pytest.importorskip("bench.forces", reason="the benchmarks are not beside this tree")
    from bench.forces import YEARS as SPAN
    from bench.forces import Paths

    paths, n = Paths(1), 40_000
    years = np.array([x[:, :4].copy() for x in next(iter(paths(np.random.SeedSequence(7), n)))])
    t = np.linspace(0, 1, SPAN)[:, None]
    first, last = paths.first[0, :4], paths.last[0, :4]
    mean = (1 - t) * first + t * last
    sd = 0.1 * np.hypot((1 - t) * first, t * last)
    np.testing.assert_allclose(years.mean(axis=1), mean, rtol=0.003)
    np.testing.assert_allclose(years.std(axis=1), sd, rtol=0.02)
    z = (years - mean[:, None]) / sd[:, None]
    np.testing.assert_allclose(
        np.abs(np.quantile(z, [0.05, 0.95], axis=1)), np.full((2, SPAN, 4), 1.645), atol=0.04
    )
    middle = SPAN // 2
    expected = (1 - t[middle]) * 0.1 * first / sd[middle]  # of the first January with the middle one
    found = [np.corrcoef(years[0, :, k], years[middle, :, k])[0, 1] for k in range(4)]
    np.testing.assert_allclose(found, expected, atol=0.02)
    types = np.corrcoef(years[0].T)
    assert np.abs(types - np.eye(4)).max() < 0.02  # rows are independent


def test_blocks_add_up() -> None:
    """The mean over blocks is the mean over their draws, whatever the last block's size."""
    result = run(stacks(), Made(), draws=2500, seed=3, block=1000)
    seeds = np.random.SeedSequence(3).spawn(3)
    values = np.concatenate([Made()(s, n)[0] for s, n in zip(seeds, (1000, 1000, 500), strict=True)], axis=1)
    f = form(1)
    for y in range(YEARS):
        assert result.p_met[0][y] == pytest.approx((values[y] @ f.low.T <= f.bound).mean(axis=0))
    assert result.draws == 2500


def test_a_limit_that_is_not_linear_is_refused() -> None:
    bad = form(1)
    op = Operator(kind="max", limit=0, parts=np.ones((2, 2, ITEMS)))
    with pytest.raises(DetenteError, match="not linear"):
        stack(
            [
                LinearForm(
                    **{f: getattr(bad, f) for f in bad.__struct_fields__ if f != "operators"}, operators=(op,)
                )
            ],
            bad.bound[None],
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A scheduler and two worker processes on this machine."""
    pytest.importorskip("distributed")
    script = tmp_path_factory.mktemp("dask") / "cluster.py"
    script.write_text(
        "import sys, time\n"
        "from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as c:\n"
        "        print(c.scheduler_address, flush=True)\n"
        "        sys.stdin.read()\n"
    )
    here = Path(__file__).parents[2]
    env = {"PYTHONPATH": f"{here / 'src'}:{here}", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout and process.stdin
    address = process.stdout.readline().strip()
    yield address
    process.stdin.close()
    for _ in range(100):
        if process.poll() is not None:
            break
        time.sleep(0.1)
    else:
        process.kill()


@pytest.mark.parametrize("many", [100_000, 1])
def test_two_worker_processes_give_the_same_numbers(
    cluster: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the plain pass and, from `many` draws on, by the compiled one."""
    from detente.forces import proposals, stream

    monkeypatch.setattr(stream, "MANY", many)

    known = proposals.date(2026, 11, 23)
    chosen = {"years": (2026, 2030), "known": known, "draws": 1500, "seed": 4}
    here = proposals.compare(["three-equal"], **chosen)  # type: ignore[arg-type]
    there = proposals.compare(["three-equal"], **chosen, workers=cluster)  # type: ignore[arg-type]
    assert here == there


def test_a_cluster_that_does_not_answer_is_one_line() -> None:
    pytest.importorskip("distributed")
    with pytest.raises(DetenteError, match="no cluster at 'nowhere'"):
        run(stacks(), Made(), draws=10, seed=1, workers="nowhere")
