"""Band-pass, STA/LTA and trigger: nine channels in eight bands over a day, against obspy's chain a channel-day."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench._report import best, line
from bench._synthetic import day, processor
from detente.monitor.signals.filters import OCTAVES
from detente.monitor.signals.trigger import triggers


def main() -> None:
    """Time both a channel-day and band, then compare the triggers."""
    data = day(1).panel
    triggers(data.samples[:, :20_000], data.rate_hz, OCTAVES)
    lanes = len(data.samples) * len(OCTAVES)
    slow = processor(lambda: obspys(data.samples[0], data.rate_hz, OCTAVES[2]), repeat=5)
    took = processor(lambda: triggers(data.samples, data.rate_hz, OCTAVES), repeat=5) / lanes
    line("obspy: one channel-day, one band, processor time", 1000 * slow, "ms")
    line("ours: a channel-day and band of 9 x 8, one thread, processor time", 1000 * took, "ms")
    line("  obspy over ours", slow / took, "times", ">= 15", kept=slow >= 15 * took)
    two = best(lambda: triggers(data.samples, data.rate_hz, OCTAVES, threads=2), repeat=5) / lanes
    line("  two threads, by the clock of a machine that may be shared", 1000 * two, "ms")
    found = triggers(data.samples, data.rate_hz, OCTAVES)
    want = obspys(data.samples[0], data.rate_hz, OCTAVES[2])
    k = (found.channel == 0) & (found.band == 2)
    got = set(zip(found.on[k].tolist(), found.off[k].tolist(), strict=True))
    both = len(got & {(int(a), int(b)) for a, b in want})
    line(f"triggers to the sample, of {len(want)}", both, "")


def obspys(x: Any, rate: float, band: tuple[float, float]) -> Any:
    """The chain as obspy's users write it."""
    from obspy import Trace
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    t = Trace(x.copy(), {"sampling_rate": rate})
    t.filter("bandpass", freqmin=band[0], freqmax=band[1], corners=4, zerophase=False)
    ratio = recursive_sta_lta(t.data, round(rate), round(30 * rate))
    ratio[: round(30 * rate)] = 0
    return np.array(trigger_onset(ratio, 3.5, 1.5))


if __name__ == "__main__":
    main()
