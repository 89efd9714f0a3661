"""The law engine: against a hand-written NumPy kernel, two rules-as-code engines, and the clock.

Targets: 100,000 draws x 60 rows x 5 parties x 3 limits in at most 1.3 times the kernel; at least 10 times faster per
evaluation than OpenFisca-core and policyengine-core; load and resolve 20 ms, a patch 2 ms, fifty years at change
points 0.5 s, an explanation 5 ms and nothing when not asked; at most two (draw, item) arrays alive.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np

from bench._report import best, line
from detente.asof import AsOf
from detente.assess.compliance import declarations, history
from detente.draws import Draws
from detente.inventory import Inventory, Item
from detente.linear import Array
from detente.sources import Quality, Source
from detente.treaty import apply, change_points, compile_form, evaluate, explain, judge, load, resolve
from detente.treaty.load import LIBRARY, Loaded
from detente.treaty.schema_patch import Operation, Patch

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-bench"
LOCK = HERE.parent / "requirements" / "bench.txt"
DAY = AsOf.on("2020-09-01", known="2026-02-06")
DRAWS, ROWS, PARTIES, PEER_DRAWS = 100_000, 60, 5, 100_000
KINDS = ("icbm", "slbm", "heavy_bomber", "deployed_missile_warhead", "icbm_launcher", "slbm_launcher")
UNITS = ("missiles", "missiles", "bombers", "warheads", "launchers", "launchers")


def rows(seed: int) -> Inventory:
    """Sixty rows of one force, every attribute given."""
    rng = np.random.default_rng(seed)
    source = Source("invented for the benchmark", Quality.assumed)
    return Inventory(
        tuple(
            Item(
                id=f"row{n}", party="US", kind=KINDS[n % 6], unit=UNITS[n % 6], source=source, best=10.0,
                attributes={key: bool(rng.random() < p) for key, p in
                            (("deployed", 0.7), ("nuclear", 0.8), ("converted", 0.1))},
            )
            for n in range(ROWS)
        ),
        complete=True,
    )  # fmt: skip


def draws(inventory: Inventory, n: int, seed: int) -> Draws:
    rng = np.random.default_rng(seed)
    return Draws(inventory, rng.integers(0, 40, (n, ROWS)).astype(float), seed)


def kernel(c: Array, bound: Array, values: Array) -> list[tuple[float, ...]]:
    """The same arithmetic by hand: p_met, its standard error, and three quantiles of the margin, per limit."""
    margins = bound[:, None] - c @ values.T
    found = []
    for margin in margins:
        n = len(margin)
        p = np.count_nonzero(margin >= 0) / n
        spots = (0.05 * (n - 1), 0.5 * (n - 1), 0.95 * (n - 1))
        ranks = sorted({r for s in spots for r in (int(s), min(int(s) + 1, n - 1))})
        part = np.partition(margin, ranks)
        quantiles = [
            float(part[int(s)] + (s - int(s)) * (part[min(int(s) + 1, n - 1)] - part[int(s)])) for s in spots
        ]
        found.append((p, (p * (1 - p) / n) ** 0.5, *quantiles))
    return found


def against_a_kernel() -> None:
    law = resolve(load("new-start"), DAY)
    cases = [(rows(n), n) for n in range(PARTIES)]
    given = [draws(r, DRAWS, n) for r, n in cases]
    forms = [compile_form(law, "US", r) for r, _ in cases]

    def ours() -> Any:
        return [evaluate(compile_form(law, "US", d.inventory), d) for d in given]

    def by_hand() -> Any:
        return [kernel(f.low, f.bound, d.values) for f, d in zip(forms, given, strict=True)]

    for verdicts, numbers in zip(ours(), by_hand(), strict=True):
        for verdict, (p, se, *quantiles) in zip(verdicts, numbers, strict=True):
            assert (verdict.p_met, verdict.p_met_se) == (p, se)
            assert np.allclose([verdict.margin.low, verdict.margin.mid, verdict.margin.high], quantiles)
    # turn by turn, so that what disturbs the machine disturbs both
    turns = [(best(by_hand, repeat=1), best(ours, repeat=1)) for _ in range(9)]
    yardstick, mine = (min(times) for times in zip(*turns, strict=True))
    line(f"kernel by hand, {DRAWS} draws x {ROWS} x {PARTIES} x 3", 1e3 * yardstick, "ms")
    line("compile and evaluate, the same", 1e3 * mine, "ms")
    line("ratio to the kernel", mine / yardstick, "times", "<= 1.3", kept=mine <= 1.3 * yardstick)


def memory() -> None:
    """Peak of one evaluation above what it is given, in (draw, item) arrays; those given count as one."""
    law = resolve(load("new-start"), DAY)
    known = rows(0)
    silent = Inventory((*known.items[:-1], Item(**{**_fields(known.items[-1]), "best": float("nan")})))
    for word, inventory in (("all known", known), ("a row unknown", silent)):
        given = draws(inventory, DRAWS, 0)
        if inventory is silent:
            given.values[:, -1] = np.nan
        form = compile_form(law, "US", inventory)
        tracemalloc.start()
        evaluate(form, given)
        arrays = 1 + tracemalloc.get_traced_memory()[1] / given.values.nbytes
        tracemalloc.stop()
        line(
            f"(draw, item) arrays alive at most, {word}",
            arrays,
            "arrays",
            "<= 2 (+ a few columns)",
            kept=arrays < 2.2,
        )


def _fields(item: Item) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__struct_fields__}


def against_peers() -> None:
    if not (PEERS / "bin" / "python").exists() and not _install():
        line("OpenFisca-core and policyengine-core", float("nan"), "", "not installed: no comparison made")
        return
    law = resolve(load("new-start"), DAY)
    inventory = rows(0)
    given = draws(inventory, PEER_DRAWS, 0)
    form = compile_form(law, "US", inventory)

    def whole() -> Any:
        return evaluate(compile_form(law, "US", inventory), Draws(inventory, given.values, 0))

    mine, counting = best(whole), best(lambda: form.bound[:, None] - form.low @ given.values.T)
    line(f"detente, {PEER_DRAWS} evaluations of 3 limits: rows to verdicts", 1e3 * mine, "ms")
    for name in ("openfisca_core", "policyengine_core"):
        found, margins = _peer(name, given)
        expected = form.bound[:, None] - form.low @ given.values.T
        assert np.allclose(list(margins.values()), expected), f"{name} counts otherwise"
        line(f"{name}: rows to margins, inputs and simulation included", 1e3 * found["whole"], "ms")
        line(f"{name}: the formulas alone", 1e3 * found["counting"], "ms")
        ratio = found["whole"] / mine
        line("  detente is faster per evaluation by", ratio, "times", ">= 10", kept=ratio >= 10)
        alone = found["counting"] / counting
        line("  its formulas alone over our counting alone", alone, "times")
        line("  its formulas alone over our whole evaluation", found["counting"] / mine, "times")


def _peer(name: str, given: Draws) -> tuple[dict[str, float], dict[str, Array]]:
    items = given.inventory.items
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npz"), Path(folder, "out.npz")
        words = {k: np.array([i.attributes[k] for i in items]) for k in ("deployed", "nuclear", "converted")}
        np.savez(source, values=given.values, kind=[KINDS.index(i.kind) for i in items], **words)
        command = [str(PEERS / "bin" / "python"), str(HERE / "_law_peers.py"), name, str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        with np.load(target) as out:
            return json.loads(done.stdout.splitlines()[-1]), {k: out[k] for k in out.files}


def _install() -> bool:
    print("setting up .venv-bench for the peers (once, a minute) ...", flush=True)
    pip = [str(PEERS / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    steps = ([sys.executable, "-m", "venv", str(PEERS)], [*pip, "--require-hashes", "-r", str(LOCK)])
    return all(subprocess.run(step, check=False, capture_output=True).returncode == 0 for step in steps)


def against_the_clock() -> None:
    def limit(what: str, seconds: float, most: float) -> None:
        line(what, 1e3 * seconds, "ms", f"<= {1e3 * most:g} ms", kept=seconds <= most)

    for name in ("new-start", "start-1", "ctbt"):
        folder = LIBRARY / name
        taken = best(lambda folder=folder: resolve(load(folder), DAY).status())
        limit(f"load and resolve {name} from its files", taken, 0.02)
    base = load("new-start")
    patch = Patch(
        patch="p", title="P", base=base.instrument.id, base_digest=base.digest, rationale="r", cite=("S1",),
        quality=Quality.assumed, operations=(Operation(set="limits/II.1.b/bound", to=1000),),
    )  # fmt: skip
    limit("apply a patch to New START", best(lambda: apply(base, patch)), 0.002)
    long, force = _fifty_years(), rows(0)
    days = change_points(long)
    taken = best(
        lambda: [judge(resolve(long, AsOf.on(d)), {"US": force, "RU": force}) for d in days], repeat=3
    )
    limit(f"fifty years at {len(days)} change points, {ROWS} rows a party", taken, 0.5)
    limit("history of START I at its change points", best(lambda: history(load("start-1")), repeat=3), 0.5)
    limit("history of New START at its change points", best(lambda: history(base), repeat=3), 0.5)
    law = resolve(base, DAY)
    given = declarations(law, by_system=True)["US"]
    limit("one explanation (US, II.1.b, by system)", best(lambda: explain(law, "II.1.b", "US", given)), 0.005)


def _fifty_years() -> Loaded:
    """New START stretched over fifty years, each limit lowered every year."""
    base = load("new-start")
    bounds = {"II.1.a": 700, "II.1.b": 1550, "II.1.c": 800}
    changes = [Operation(set="term/length", to="P50Y"), Operation(set="term/extension_at_most", to="P50Y")]
    for limit, bound in bounds.items():
        old = next(x for x in base.text.tree["limits"] if x["id"] == limit)
        phases = [{"since": f"entry_into_force + P{n}Y", "bound": bound - n} for n in range(50)]
        new = {k: v for k, v in old.items() if k not in ("bound", "since", "until")} | {"phases": phases}
        changes.append(Operation(set=f"limits/{limit}", to=new))
    changes.append(Operation(remove="life/extension-2021"))
    return apply(
        base,
        Patch(
            patch="long", title="Fifty years", base=base.instrument.id, base_digest=base.digest, rationale="r",
            cite=("S1",), quality=Quality.assumed, operations=tuple(changes),
        ),
    )  # fmt: skip


def main() -> None:
    against_a_kernel()
    memory()
    against_peers()
    against_the_clock()
