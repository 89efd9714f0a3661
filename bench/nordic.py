"""Phases in the Nordic array windows: precision and recall against the supplied labels, beside obspy's trigger."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench._picker import installed, theirs

RATE = 40.0
EVENT = 8  # a label that spans an event from first to last phase, not a phase
WITHIN_S = 2.0
FOLDER = "seismic/waveforms/nordic_arrays"


def windows(folder: Path) -> list[tuple[str, Any, Any]]:
    """(name, samples (n, component), label times in s) of each window: three components, then vertical beams."""
    import h5py

    found = []
    for data, labels, kind in (
        ("1stat_2022_single_station_waveforms.hdf5", "1stat_2022_labels_phase_detection.hdf5", "3C"),
        ("zbeam_2022_beams.hdf5", "zbeam_2022_labels_phase_detection.hdf5", "beam"),
    ):
        with h5py.File(folder / data) as h, h5py.File(folder / labels) as g:
            X, marks = h["X"][()], g["labels"][()]
            for k in range(len(X)):
                own = marks[(marks[:, 0] == k) & (marks[:, 3] != EVENT), 1] / RATE
                found.append((kind, X[k], np.unique(own)))
    return found


def ours(samples: Any, per_day: float) -> Any:
    """Times of arrivals, s after the window's start."""
    from msgspec.structs import replace

    from detente.monitor.signals.detect import DEFAULT, detect
    from detente.monitor.waves.trace import Array, Site, Trace

    codes = ("BHE", "BHN", "BHZ") if samples.shape[1] == 3 else ("BHZ",)
    traces = [
        Trace("XX", "S", "", code, 0, RATE, np.ascontiguousarray(samples[:, k], np.float32))
        for k, code in enumerate(codes)
    ]
    settings = replace(DEFAULT, false_per_day=per_day)
    return np.array([a.time for a in detect(traces, Array("S", (Site("S", 0.0, 0.0),)), settings)])


def obspys(samples: Any, on: float) -> Any:
    """Times of obspy's recursive STA/LTA triggers, 1/30 s, on the vertical at 2-8 Hz."""
    from obspy.signal.filter import bandpass
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    x = bandpass(samples[:, -1].astype(float), 2.0, 8.0, RATE, corners=4)
    ratio = recursive_sta_lta(x, round(RATE), round(30 * RATE))
    return np.array([a / RATE for a, _ in trigger_onset(ratio, on, 0.5 * on)])


def score(found: list[Any], labels: list[Any]) -> tuple[float, float, float, int]:
    """Recall, precision, median absolute error in s, triggers; a phase and a trigger pair up once, nearest first."""
    hits, triggers, total, errors = 0, 0, 0, []
    for times, marks in zip(found, labels, strict=True):
        pairs = sorted((abs(t - m), i, j) for i, t in enumerate(times) for j, m in enumerate(marks))
        used_t: set[int] = set()
        used_m: set[int] = set()
        for apart, i, j in pairs:
            if apart <= WITHIN_S and i not in used_t and j not in used_m:
                used_t.add(i)
                used_m.add(j)
                errors.append(apart)
        hits, triggers, total = hits + len(used_m), triggers + len(times), total + len(marks)
    return hits / total, hits / max(1, triggers), float(np.median(errors)) if errors else np.nan, triggers


def table(folder: Path) -> list[tuple[str, str, float, float, float, int]]:
    """Rows of windows, detector, recall, precision, median error, triggers."""
    rows = []
    all_ = windows(folder)
    pickers = installed()
    # three components come as E N Z (sorted by channel, as the source's own code does), beams as P beam, S beam
    for kind in ("3C", "beam"):
        some = [(x if kind == "3C" else x[:, :1], marks) for k, x, marks in all_ if k == kind]
        labels = [m for _, m in some]
        for name, work in (
            ("detente, 20 a day", lambda x: ours(x, 20.0)),
            ("detente, 200 a day", lambda x: ours(x, 200.0)),
            ("obspy STA/LTA on 3.5", lambda x: obspys(x, 3.5)),
            ("obspy STA/LTA on 5", lambda x: obspys(x, 5.0)),
            *((name, partial(theirs, name=name, rate=RATE)) for name in pickers),
        ):
            rows.append((kind, name, *score([work(x) for x, _ in some], labels)))
    return rows


def main() -> None:
    """Print the table, or why there is none."""
    root = Path(os.environ.get("DETENTE_DATA", Path(__file__).resolve().parents[2] / "shared/data"))
    if not (root / FOLDER).is_dir():
        print("no Nordic windows: set DETENTE_DATA")
        return
    print(
        f"{'windows':<8} {'detector':<24} {'recall':>7} {'precision':>10} {'median error s':>15} {'triggers':>9}"
    )
    for kind, name, recall, precision, error, n in table(root / FOLDER):
        print(f"{kind:<8} {name:<24} {recall:>7.2f} {precision:>10.2f} {error:>15.2f} {n:>9}")


if __name__ == "__main__":
    main()
