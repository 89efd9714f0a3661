"""Run as a process: read waveform files through obspy, each into a file of arrays or a line of text."""

from __future__ import annotations

import glob
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

_MEMORY = 4 << 30
_CPU_SECONDS = 50


def _read(path: str, out: Path) -> None:
    from obspy import read
    from obspy.core.util.base import ENTRY_POINTS

    ENTRY_POINTS["waveform"].pop("PICKLE", None)  # to read a pickle is to run it
    resource.setrlimit(resource.RLIMIT_CPU, (_spent() + _CPU_SECONDS, resource.RLIM_INFINITY))
    try:
        stream = read(glob.escape(path))
        kept = [t for t in stream if len(t.data) and t.stats.sampling_rate > 0 and t.data.dtype.kind in "iuf"]
        names = [[t.stats.network, t.stats.station, t.stats.location, t.stats.channel] for t in kept]
        arrays: dict[str, Any] = {
            f"samples{i}": np.asarray(t.data, np.float32).copy() for i, t in enumerate(kept)
        }
        starts = np.array([t.stats.starttime.ns for t in kept], np.int64)
        rates = np.array([t.stats.sampling_rate for t in kept], np.float64)
        part = out.with_suffix(".part.npz")
        np.savez(part, names=np.array(names, dtype=str).reshape(-1, 4), starts=starts, rates=rates, **arrays)
        part.rename(out)
    except Exception as bad:
        said = str(bad).strip().splitlines() or [type(bad).__name__]
        out.with_suffix(".txt").write_text(f"not read: {said[0][:200]}", "utf-8")


def _spent() -> int:
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_utime) + 1


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    for index, name in enumerate(sys.argv[2:]):
        _read(name, Path(sys.argv[1]) / f"{index}.npz")
