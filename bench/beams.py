"""Detection on an array-day: 33 beams x 8 bands, its speed, recall and false alarms on a day not used for levels."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench._report import line
from bench._synthetic import day, processor
from detente.monitor.signals.beams import BeamBank, strength
from detente.monitor.signals.detect import detect
from detente.monitor.signals.filters import OCTAVES

TEST_SEED = 13  # no level, band or constant was chosen on this day


def main() -> None:
    """Time the bank alone and with triggers examined; then quality beside obspy's coincidence trigger."""
    test = day(TEST_SEED)
    data = test.panel

    def bank() -> Any:
        return strength(data, BeamBank(data.offsets_km, data.rate_hz, sta_s=2.0, lta_s=60.0))

    strength(
        data.between(data.start, data.start + 100),
        BeamBank(data.offsets_km, data.rate_hz, sta_s=2.0, lta_s=60.0),
    )
    took = processor(bank)
    line(
        "33 beams x 8 bands with STA/LTA, one thread, processor time",
        took,
        "s",
        "<= 1.5",
        kept=took <= 1.5,
    )
    traces, array = test.traces(), test.array()
    found = detect(traces, array)
    whole = processor(lambda: detect(traces, array), repeat=1)
    line("  and every trigger examined (f-k, onset, tests)", whole, "s")
    recall, parts, false = quality(test, np.array([a.time for a in found]))
    line("recall of 200 events, levels from model noise", recall, "", ">= 0.75", kept=recall >= 0.75)
    line("  false alarms a day", false, "", "<= 30", kept=false <= 30)
    print(f"  by single-sensor SNR <1.5, 1.5-3, 3-6, >6: {', '.join(f'{p:.2f}' for p in parts)}")
    for on in (2.5, 2.0):
        times = coincidence(data, on)
        r, p, f = quality(test, times)
        line(f"obspy coincidence trigger, 6 of 9, on {on:g}: recall", r, "")
        line("  false alarms a day", f, "")
        print(f"  by single-sensor SNR: {', '.join(f'{v:.2f}' for v in p)}")
    quiet = day_of_noise()
    n = len(detect(quiet.traces(), quiet.array()))
    line("arrivals on a day of noise and 20 glitches", n, "", f"stated {20}", kept=n <= 20 + 2 * np.sqrt(20))
    line("bands", len(OCTAVES), "")


def day_of_noise() -> Any:
    """A day without events, of its own seed."""
    from detente.monitor.signals.synthetic import make_day

    return make_day(seed=14, events=[])


def quality(test: Any, times: Any) -> tuple[float, list[float], int]:
    """Recall of first phases (-3 to +5 s), by SNR, and arrivals outside -3 to +60 s of every planted phase."""
    first = [p for p in test.planted if p.first]
    hit = np.array([bool(((times > p.time - 3) & (times < p.time + 5)).any()) for p in first])
    snr = np.array([p.snr for p in first])
    all_ = np.array([p.time for p in test.planted])
    false = sum(not ((t > all_ - 3) & (t < all_ + 60)).any() for t in times)
    edges = ((0.0, 1.5), (1.5, 3.0), (3.0, 6.0), (6.0, 99.0))
    return float(hit.mean()), [float(hit[(snr >= a) & (snr < b)].mean()) for a, b in edges], int(false)


def coincidence(data: Any, on: float) -> Any:
    """Times of obspy's network coincidence trigger on the verticals, 1-4 Hz, 1/30 s."""
    from obspy import Stream, Trace, UTCDateTime
    from obspy.signal.trigger import coincidence_trigger

    stream = Stream()
    for k, row in enumerate(data.samples):
        t = Trace(
            row.astype(float),
            {"sampling_rate": data.rate_hz, "station": f"S{k}", "starttime": UTCDateTime(0)},
        )
        t.filter("bandpass", freqmin=1.0, freqmax=4.0, corners=4)
        stream.append(t)
    found = coincidence_trigger("recstalta", on, 1.0, stream, 6, sta=1.0, lta=30.0)
    return np.array([float(t["time"].timestamp) + data.start for t in found])


if __name__ == "__main__":
    main()
