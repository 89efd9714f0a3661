"""The ceiling proofs beside the bare cost of their group operations, in processor seconds of the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench._report import best, line
from detente.disclosure import batch, compact, curve, native, plain
from detente.disclosure.container import ESCROW_VERSION, Escrow, Slot, proof_sizes, read_proof
from detente.disclosure.group import encode, group
from detente.disclosure.prove import Opening, make_head, prove
from detente.disclosure.statement import (
    EscrowHead,
    ItemClass,
    LogPoint,
    Quantity,
    Treaty,
    columns,
    limits_of,
    weights,
)
from detente.linear import LinearForm, Sense

CLASSES = (
    ItemClass(
        "missile",
        ("serial",),
        (
            Quantity("deployed", 1, -1, "icbm", {"deployed": True}),
            Quantity("warheads", 15, 0, "deployed_missile_warhead", {}),
        ),
    ),
)


def statement(items: int) -> tuple[Any, list[Slot], list[list[Opening]]]:
    """`items` missiles, seven in eight deployed, under 7/8 and 31/16 of their number: the 700 and 1550 of 800."""
    g, slots, openings = group(), [], []
    for n in range(items):
        deployed = n % 8 != 0
        own = [Opening(v, g.scalar(os.urandom(64))) for v in (int(deployed), n % 3 * deployed)]
        openings.append(own)
        commitments = tuple(o.commitment(g) for o in own)
        slots.append(Slot((n + 1).to_bytes(32, "big"), 0, os.urandom(64), commitments))
    head = EscrowHead(ESCROW_VERSION, "RU", 1, CLASSES, items, "00" * 32)
    escrow = Escrow(head, tuple(slots))
    rates = np.eye(2)
    form = LinearForm(
        "RU", columns(CLASSES), rates, rates, np.array([items * 7 // 8, items * 31 // 16], float),
        (Sense.at_most, Sense.at_most), ("delivery systems", "warheads"), ("limits/II.1.a", "limits/II.1.b"),
        ("Art. II.1(a)", "Art. II.1(b)"), ("700", "1550"), ((), ()),
    )  # fmt: skip
    limits, _ = limits_of(form, CLASSES)
    return (
        make_head(escrow, Treaty("new-start", "sha256:0", "2026-01-01"), LogPoint("bench", 1), limits),
        slots,
        openings,
    )


def cpu(work: Callable[[], Any], *, repeat: int = 3) -> float:
    """Processor seconds of the best of `repeat` runs: a ratio of two of them does not depend on the neighbours."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def bare() -> dict[str, float]:
    """Seconds of one group operation of each kind."""
    g = group()
    s, p = g.scalar(os.urandom(64)), g.base(g.scalar(os.urandom(64)))
    q = g.base(encode(3))
    work = {
        "mul": lambda: g.mul(s, p),
        "base": lambda: g.base(s),
        "add": lambda: g.add(p, q),
        "valid": lambda: g.valid(p),
    }
    cost = {}
    for name, one in work.items():
        cost[name] = cpu(lambda one=one: [one() for _ in range(1000)], repeat=7) / 1000
    rng = np.random.default_rng(1)
    many = b"".join(g.base(g.scalar(rng.bytes(64))) for _ in range(12_000))
    decoded = curve.decode(many)
    scalars = b"".join(g.scalar(rng.bytes(64)) for _ in range(12_000))
    cost["decode"] = cpu(lambda: curve.decode(many), repeat=3) / 12_000
    cost["point in a sum"] = cpu(lambda: curve.sums_to_identity(scalars, decoded), repeat=3) / 12_000
    return cost


def counts(head: Any, slots: list[Slot]) -> dict[str, int]:
    """How many bits, carried bit commitments, gates, commitments and points a statement has."""
    firsts, _ = proof_sizes(head, slots)
    from detente.disclosure.container import slacks

    tops = [q.max for s in slots for q in CLASSES[s.kind].quantities] + [s.top for s in slacks(head, slots)]
    bits = sum(len(weights(t)) for t in tops)
    commitments = sum(len(s.commitments) for s in slots)
    return {
        "bits": bits,
        "carried": bits - len(tops),
        "gates": len(slots),
        "own": commitments,
        "points": commitments + firsts // 32,
    }


def floors(n: dict[str, int], c: dict[str, float]) -> dict[str, float]:
    """Seconds that the group operations of each step take by themselves."""
    return {
        "prove": n["bits"] * (2 * c["base"] + c["mul"] + c["add"]) + n["carried"] * (c["base"] + c["add"]),
        # two doublings' worth of additions a carried bit stands for its small public multiple
        "native": n["bits"] * (2 * c["base"] + 2 * c["mul"] + 3 * c["add"])
        + n["gates"] * (c["mul"] + c["add"])
        + n["carried"] * 3 * c["add"]
        + n["own"] * c["add"]
        + n["points"] * c["valid"],
        "batch": n["points"] * (c["decode"] + c["point in a sum"]),
    }


def _peak(what: str, file: Path) -> float:
    """Peak memory in MB of a fresh process that checks or makes a proof."""
    code = {
        "native": "from detente.disclosure import native; native.verify(d)",
        "batch": "from detente.disclosure import batch; batch.verify(d)",
        "prove": "import bench.proofs as b; h, s, o = b.statement(10000); b.prove(h, s, o)",
        "nothing": "from detente.disclosure import batch",
    }[what]
    # VmHWM, not ru_maxrss: the latter starts at the size of the process that forked
    script = f"d = open({str(file)!r}, 'rb').read(); {code}; print(open('/proc/self/status').read())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Print every figure of section 6 with its target."""
    cost = bare()
    for name, seconds in cost.items():
        line(f"bare {name}", seconds * 1e6, "us")
    batch.verify(prove(*statement(4)))  # compile once, outside the timings
    seen: dict[int, tuple[float, float, float]] = {}
    for items in (100, 800, 3000, 10_000):
        seen[items] = _one(items, cost)
    for n, name in enumerate(("prove", "native", "batch")):
        growth = np.log(seen[10_000][n] / seen[100][n]) / np.log(100)
        line(
            f"{name}: growth exponent from 100 to 10 000 items",
            growth,
            "",
            "1 (linear)",
            kept=abs(growth - 1) < 0.12,
        )
    _compact()
    _five()


def _one(items: int, cost: dict[str, float]) -> tuple[float, float, float]:
    head, slots, openings = statement(items)
    floor = floors(counts(head, slots), cost)
    repeat = 3 if items <= 3000 else 1
    made = cpu(lambda: prove(head, slots, openings), repeat=repeat)
    data = prove(head, slots, openings)
    proof = read_proof(data)
    checked = cpu(lambda: native.verify(data), repeat=repeat)
    folded = cpu(lambda: batch.verify(data), repeat=3)
    most = {800: (1.5, 1.2, 0.3), 10_000: (16, 20, 3)}.get(items)
    kept = [
        None if most is None else value <= limit
        for value, limit in zip((made, checked, folded), most or (0, 0, 0), strict=True)
    ]
    text = [f"<= {m:g}" if most else "" for m in most or ("", "", "")]
    line(f"{items} items: prove", made, "s", text[0], kept=kept[0])
    line(
        f"{items} items: prove over its operations",
        made / floor["prove"],
        "ratio",
        "<= 1.3",
        kept=made <= 1.3 * floor["prove"],
    )
    line(f"{items} items: verify native", checked, "s", text[1], kept=kept[1])
    line(f"{items} items: verify native over its operations", checked / floor["native"], "ratio")
    line(f"{items} items: verify batch", folded, "s", text[2], kept=kept[2])
    line(f"{items} items: verify batch over its operations", folded / floor["batch"], "ratio")
    if items == 800:
        slow = cpu(lambda: plain.verify(data), repeat=2)
        line("800 items: verify plain Python", slow, "s", "<= 6", kept=slow <= 6)
    size = (len(proof.firsts) + len(proof.responses)) / 1e6
    line(
        f"{items} items: proof",
        size,
        "MB",
        "<= 0.7" if items == 800 else "",
        kept=size <= 0.7 if items == 800 else None,
    )
    line(f"{items} items: file with head and slots", len(data) / 1e6, "MB")
    if items == 10_000:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "proof")
            file.write_bytes(data)
            line("importing the batch verifier alone: peak memory", _peak("nothing", file), "MB")
            for what in ("prove", "native", "batch"):
                peak = _peak(what, file)
                line(f"10 000 items: {what}, peak memory", peak, "MB", "< 200", kept=peak < 200)
    return made, checked, folded


def _compact() -> None:
    head, slots, openings = statement(800)
    data = compact.prove(head, slots, openings)
    seconds = cpu(lambda: compact.prove(head, slots, openings), repeat=1)
    checked = cpu(lambda: compact.verify(data))
    proof = len(compact.read_compact(data)[3])
    line("800 items: compact proof", proof, "bytes", "about 1.1 kB", kept=proof <= 1200)
    line("800 items: compact, prove", seconds, "s")
    line("800 items: compact, verify", checked, "s")


def _check(how: str, data: bytes) -> bool:
    {"native": native.verify, "batch": batch.verify}[how](data)
    return True


def _loop(_: int) -> int:
    """Work of about the length of a native check that touches nothing but a register."""
    return sum(n & 3 for n in range(12_000_000))


def _five() -> None:
    """Five parties' proofs of 800 items: one after the other, and side by side on the cores there are.

    The yardstick is the gain of five empty loops at the same time: what the machine has to give just now.
    """
    proofs = [prove(*statement(800)) for _ in range(5)]
    workers = min(5, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(partial(_check, "batch"), proofs[:workers]))  # start the processes outside the timing
        alone = best(lambda: [_loop(n) for n in range(5)], repeat=2)
        most = alone / best(lambda: list(pool.map(_loop, range(5))), repeat=2)
        line(f"five empty loops, gain on {workers} cores", most, "times")
        for how in ("native", "batch"):
            alone = best(lambda how=how: [_check(how, p) for p in proofs], repeat=2)
            side = best(lambda how=how: list(pool.map(partial(_check, how), proofs)), repeat=2)
            line(f"five parties, {how}, one after the other", alone, "s")
            line(f"five parties, {how}, on {workers} cores", side, "s")
            gain = alone / side
            line(f"five parties, {how}, gain", gain, "times", "0.8 of the loops'", kept=gain >= 0.8 * most)
