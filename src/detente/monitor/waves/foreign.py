"""Any other waveform file that obspy reads, in a process of its own: a reader that crashes or hangs is a fault."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from detente.errors import DetenteError
from detente.monitor.waves.trace import Fault, Recording, Trace

_WORKER = Path(__file__).with_name("_foreign_worker.py")
SECONDS_PER_FILE = 60


def read_foreign(paths: Sequence[Path]) -> dict[Path, Recording]:
    """The traces of each file, or the fault that kept it from being read."""
    found: dict[Path, Recording] = {}
    left = list(paths)
    while left:
        with tempfile.TemporaryDirectory() as folder:
            done = _batch(left, Path(folder))
        found |= done
        left = [p for p in left if p not in found]
    return found


def _batch(paths: Sequence[Path], folder: Path) -> dict[Path, Recording]:
    command = [sys.executable, str(_WORKER), str(folder), *(str(p.resolve()) for p in paths)]
    try:
        ended = subprocess.run(
            command, capture_output=True, timeout=SECONDS_PER_FILE * len(paths), check=False
        )
        how = f"ended with {ended.returncode}"
    except subprocess.TimeoutExpired:
        how = f"did not end within {SECONDS_PER_FILE} s a file"
    except OSError as bad:
        raise DetenteError(f"the reading process cannot start ({bad.strerror})") from None
    found: dict[Path, Recording] = {}
    for i, path in enumerate(paths):
        text, arrays = folder / f"{i}.txt", folder / f"{i}.npz"
        if arrays.exists():
            found[path] = Recording(_traces(arrays))
        elif text.exists():
            found[path] = _fault(path, text.read_text("utf-8"))
        else:  # this one stopped the process; those after it get another
            found[path] = _fault(path, f"the reading process {how}")
            break
    return found


def _traces(path: Path) -> tuple[Trace, ...]:
    with np.load(path) as kept:
        names, starts, rates = kept["names"], kept["starts"], kept["rates"]
        return tuple(
            Trace(net, sta, loc, cha, int(starts[i]), float(rates[i]), kept[f"samples{i}"])
            for i, (net, sta, loc, cha) in enumerate(names.tolist())
        )


def _fault(path: Path, detail: str) -> Recording:
    return Recording((), (Fault(channel=path.name, kind="corrupt", start=0.0, end=0.0, detail=detail),))
