"""How good each channel was: how much of the time it sent, how often it broke off, how loud its ground is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.noise import models
from detente.monitor.waves.response import Response, Responses
from detente.monitor.waves.trace import Recording, Trace

Float = NDArray[np.float64]

OCTAVES_HZ = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
WINDOW_S = 120.0


class Noise(msgspec.Struct, frozen=True):
    """Ground noise in an octave: `db` relative to 1 (m/s^2)^2/Hz, the median over windows.

    `fraction`: where it lies from Peterson's low model (0) to his high one (1), in decibels.
    """

    frequency_hz: float
    db: float
    fraction: float


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """One channel over the whole recording: `available`, a share of its time; `rms` about the mean, in `unit`.

    `noise` is empty where no response to ground motion is known or no window is long enough.
    """

    channel: str
    rate_hz: float
    available: float
    pieces: int
    longest_gap_s: float
    rms: float
    unit: str
    faults: int
    noise: tuple[Noise, ...] = ()


def quality(recording: Recording, responses: Responses) -> tuple[Quality, ...]:
    """Every channel of a recording, in order of name; its span is from the first sample of any to the last of any."""
    if not recording.traces:
        return ()
    start, end = min(t.start for t in recording.traces), max(t.end for t in recording.traces)
    by_id: dict[str, list[Trace]] = {}
    for t in recording.traces:
        by_id.setdefault(t.id, []).append(t)
    return tuple(
        _one(name, sorted(ts, key=lambda t: t.start), recording, responses, start, end)
        for name, ts in sorted(by_id.items())
    )


def _one(
    name: str, traces: Sequence[Trace], recording: Recording, responses: Responses, start: float, end: float
) -> Quality:
    edges = [start, *(e for t in traces for e in (t.start, t.end)), end]
    gaps = [b - a for a, b in zip(edges[::2], edges[1::2], strict=True)]
    level = np.concatenate([t.samples for t in traces]).astype(np.float64)
    found = [noise(t, r) for t in traces if (r := responses.find(t)) is not None]
    return Quality(
        channel=name,
        rate_hz=traces[0].rate_hz,
        available=min(1.0, sum(t.end - t.start for t in traces) / (end - start)),
        pieces=len(traces),
        longest_gap_s=max(0.0, *gaps),
        rms=float(level.std()),
        unit=traces[0].unit,
        faults=sum(f.channel == name for f in recording.faults),
        noise=max(found, key=len, default=()),
    )


def noise(trace: Trace, response: Response) -> tuple[Noise, ...]:
    """The noise of a trace in counts, octave by octave that two minutes and its sampling rate hold.

    Hann windows of 120 s, overlapping by half, trend off; the power over |response|^2 and times (2 pi f)^4, averaged
    over the octave. Source: Welch 1967, IEEE Trans. AU-15, 70; McNamara and Buland 2004, BSSA 94, 1517.
    """
    n = round(WINDOW_S * trace.rate_hz)
    if response.unit != "m" or trace.unit != "counts" or trace.samples.size < n:
        return ()
    frequency, power = _spectra(trace.samples.astype(np.float64), trace.rate_hz, n)
    out = []
    model_hz, low, high = models()
    for centre in OCTAVES_HZ:
        inside = (frequency >= centre / math.sqrt(2)) & (frequency <= centre * math.sqrt(2))
        if centre * math.sqrt(2) > 0.4 * trace.rate_hz or inside.sum() < 3:
            continue
        f = frequency[inside]
        gain = np.abs(response.counts_per_metre(f))
        if not np.all(gain > 0):
            continue
        moved = power[:, inside] / gain**2 * (2 * np.pi * f) ** 4
        db = float(10 * np.log10(max(float(np.median(moved.mean(axis=1))), 1e-40)))
        bottom, top = (float(np.interp(centre, model_hz, m)) for m in (low, high))
        out.append(Noise(centre, db, (db - bottom) / (top - bottom)))
    return tuple(out)


def _spectra(x: Float, rate: float, n: int) -> tuple[Float, Float]:
    """(f,) Hz and (window, f) one-sided power densities of half-overlapping windows of `n` samples."""
    from scipy.signal import detrend

    windows = np.lib.stride_tricks.sliding_window_view(x, n)[:: n // 2]
    shape = np.hanning(n)
    spectrum = np.abs(np.fft.rfft(detrend(windows, axis=1) * shape, axis=1)) ** 2
    density = 2 * spectrum / (rate * (shape**2).sum())
    return np.asarray(np.fft.rfftfreq(n, 1 / rate)[1:], np.float64), np.asarray(density[:, 1:], np.float64)
