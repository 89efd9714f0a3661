"""f-k: one array-day, 61 x 61 slownesses, 4 s windows, half overlap, 1-4 Hz, against obspy's array_processing."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import numpy as np

from bench._report import best, line
from bench._synthetic import day, processor, threads
from detente.monitor.signals import fk

SLICE_S = 600.0  # obspy's share of the day; its time is scaled by the number of windows


def main() -> None:
    """Time both, then compare every window of the slice."""
    data = day(1).panel
    rate = data.rate_hz
    part = msgspec.structs.replace(data, samples=data.samples[:, : round(SLICE_S * rate)])
    fk.scan(part)
    threads(1)
    one = processor(lambda: fk.scan(data))
    line("array-day of f-k, one thread, processor time", one, "s", "about 3", kept=one <= 3)
    threads(2)
    line(
        "  two threads, by the clock of a machine that may be shared",
        best(lambda: fk.scan(data), repeat=3),
        "s",
    )
    windows = len(fk.scan(data).sx)
    threads(1)
    start = time.process_time()
    theirs = obspys(part)
    slow = (time.process_time() - start) / len(theirs) * windows
    line(f"  obspy, {len(theirs)} windows scaled to {windows}, processor time", slow, "s")
    line("  obspy over ours", slow / one, "times", ">= 150", kept=slow >= 150 * one)
    ours = fk.scan(part)
    n = len(theirs)
    angle = np.radians(theirs[:, 3])
    same = (
        np.hypot(ours.sx[:n] - theirs[:, 4] * np.sin(angle), ours.sy[:n] - theirs[:, 4] * np.cos(angle))
        < 1e-6
    )
    line("  windows with obspy's maximum", 100.0 * same.mean(), "%", "100", kept=bool(same.all()))
    line("  largest difference of semblance", float(np.abs(ours.semblance[:n] - theirs[:, 1]).max()), "")
    single = best(lambda: fk.fk(part, None, part.start + 60, part.start + 64))
    line("one window with map, uncertainty and refinement", 1000 * single, "ms")


def obspys(data: Any) -> Any:
    """Rows of time, relative and absolute power, back-azimuth, slowness."""
    from obspy import Stream, Trace, UTCDateTime
    from obspy.core import AttribDict
    from obspy.signal.array_analysis import array_processing

    traces = []
    for k, row in enumerate(data.samples):
        t = Trace(
            row.astype(float),
            {"sampling_rate": data.rate_hz, "starttime": UTCDateTime(0), "station": f"S{k}"},
        )
        t.stats.coordinates = AttribDict(x=data.offsets_km[k, 0], y=data.offsets_km[k, 1], elevation=0.0)
        traces.append(t)
    end = UTCDateTime((data.samples.shape[1] - 1) / data.rate_hz)
    return array_processing(
        Stream(traces), 4.0, 0.5, -0.3, 0.3, -0.3, 0.3, 0.01, -1e9, -1e9, 1.0, 4.0, UTCDateTime(0), end, 0,
        coordsys="xy", timestamp="julsec", method=0,
    )  # fmt: skip


if __name__ == "__main__":
    main()
