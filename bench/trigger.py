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
    x, rate = data.samples, data.rate_hz
    triggers(x[:, :20_000], rate, OCTAVES)
    lanes = len(x) * len(OCTAVES)
    slow = processor(lambda: obspys(x[0], rate, OCTAVES[2]), repeat=7)
    line("obspy: one channel-day, one band, processor time", 1000 * slow, "ms")
    for what, work, share in (
        ("9 channels x 8 bands", lambda k: triggers(x, rate, OCTAVES, threads=k), lanes),
        ("one channel x one band", lambda k: triggers(x[:1], rate, OCTAVES[2:3], threads=k), 1),
    ):
        took = processor(lambda work=work: work(1), repeat=7) / share
        line(f"ours, {what}: a channel-day and band, one thread", 1000 * took, "ms")
        line("  obspy over ours, processor time", slow / took, "times", ">= 15", kept=slow >= 15 * took)
        both = processor(lambda work=work: work(2), repeat=7) / share
        clock = best(lambda work=work: work(2), repeat=7) / share
        line("  two threads, processor time of both together", 1000 * both, "ms")
        line("  two threads, by the clock (a shared machine's clock is no measure)", 1000 * clock, "ms")
    found = triggers(x, rate, OCTAVES)
    one = triggers(x[:1], rate, OCTAVES[2:3])
    k = (found.channel == 0) & (found.band == 2)
    want = {(int(a), int(b)) for a, b in obspys(x[0], rate, OCTAVES[2])}
    for what, on, off in (("of 72 lanes", found.on[k], found.off[k]), ("in stretches", one.on, one.off)):
        got = set(zip(on.tolist(), off.tolist(), strict=True))
        line(
            f"triggers {what} to the sample obspy's {len(want)}",
            len(got & want),
            "",
            f"{len(want)}",
            kept=got == want,
        )


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
