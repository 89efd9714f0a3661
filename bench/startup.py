"""Starting up: `import detente` and `detente --help`, each in a fresh interpreter, against a bare one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bench._report import best, line

ENV = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1] / "src")}


def main() -> None:
    def seconds(*arguments: str) -> float:
        def start() -> None:
            subprocess.run([sys.executable, *arguments], env=ENV, check=True, stdout=subprocess.DEVNULL)

        start()  # once unmeasured: the byte code is written then
        return best(start, repeat=9)

    bare = seconds("-c", "pass")
    line("a bare interpreter", 1e3 * bare, "ms")
    for what, arguments in (
        ("import detente", ("-c", "import detente")),
        ("detente --help", ("-m", "detente", "--help")),
    ):
        taken = seconds(*arguments)
        line(what, 1e3 * taken, "ms", "<= 250 ms", kept=taken <= 0.25)
        line("  over a bare interpreter", taken / bare, "times")
