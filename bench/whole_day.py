"""A day of waveforms at the real network, end to end: noise and planted events, detection, association, location."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench._report import line
from detente.monitor.bulletin.records import Arrival
from detente.monitor.chain.day import Day, Truth, simulate
from detente.monitor.chain.day_judge import judge
from detente.monitor.chain.day_world import DaySettings
from detente.monitor.network.associate import associate
from detente.monitor.signals.detect import Detector, number
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.synthetic import Planted, band_rms, noise, plant
from detente.monitor.waves.trace import NS, Array, Site

HOURS = float(os.environ.get("DETENTE_BENCH_HOURS", "24"))
RATE, PIECE_S, FADE_S, NEAR_S, LEVEL = 40.0, 3600.0, 60.0, 4.0, 0.4
Samples = NDArray[np.float32]


def main() -> None:
    """Print how many times faster than real time the chain runs, its memory, and what it finds."""
    settings = DaySettings(events=round(150 * HOURS / 24), noise=0, length_s=HOURS * 3600, measured=False)
    day = simulate(settings, seed=201)
    found: list[Arrival] = []
    making = detecting = 0.0
    samples = 0
    for n, (code, site) in enumerate(sorted(day.sites.items())):
        own = [a for a in day.arrivals if a.station == code]
        made, heard, count, spent = _station(code, site, own, day.start, n)
        making, detecting, samples = making + made, detecting + spent, samples + count
        found += heard
    start = time.perf_counter()
    events = associate(number(found), day.sites)
    associating = time.perf_counter() - start
    verdict = judge(_heard(day, number(found)), events)
    whole = detecting + associating
    channels = round(samples / (HOURS * 3600 * RATE))
    line(
        f"{len(day.sites)} stations, {channels} channels at {RATE:g} Hz, {HOURS:g} h: detection",
        detecting,
        "s",
    )
    line(f"  association and location of {len(found)} arrivals", associating, "s")
    line("  faster than real time", HOURS * 3600 / whole, "times", "> 1", kept=whole < HOURS * 3600)
    line("  (making the waveforms, not counted)", making, "s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    line("  peak memory", peak, "GiB", "< 2", kept=peak < 2)
    share = sum(len(t.arrivals) for t in _heard(day, number(found)).truth) / max(1, len(day.arrivals))
    line(f"  of {len(day.arrivals)} planted signals, heard", share, "")
    line(f"  recall of {verdict.with_four_p} events heard by 4 or more P", verdict.recall, "")
    line(f"  precision of {verdict.events} events", verdict.precision, "")
    line("  median location error", verdict.median_error_km, "km")


def _station(
    code: str, site: Site | Array, own: list[Arrival], start: float, seed: int
) -> tuple[float, tuple[Arrival, ...], int, float]:
    """Seconds to make the samples, the arrivals, how many samples, seconds to detect; an hour in memory at a time."""
    rng = np.random.default_rng(1000 + seed)
    array = isinstance(site, Array)
    places = site.offsets_km() if isinstance(site, Array) else np.zeros((3, 2))
    names = [f"{k:02d}..SHZ" for k in range(len(places))] if array else ["..SHZ", "..SHN", "..SHE"]
    like = Panel(
        code, tuple(f"XX.{code}{n}" for n in names), round(start * NS), RATE,
        np.zeros((len(places), 0), np.float32), np.zeros(len(places)), places,
    )  # fmt: skip
    detector = Detector(like, gain=_gain(own, places if array else places[:1]))
    making = detecting = 0.0
    heard: list[Arrival] = []
    pieces = _pieces(places, own, start, array, rng)
    while True:
        clock = time.perf_counter()
        piece = next(pieces, None)
        making += time.perf_counter() - clock
        clock = time.perf_counter()
        if piece is None:
            heard += detector.finish()
            return (
                making,
                tuple(heard),
                round(HOURS * 3600 * RATE) * len(places),
                detecting + time.perf_counter() - clock,
            )
        heard += detector.feed(piece)
        detecting += time.perf_counter() - clock


def _gain(own: list[Arrival], places: NDArray[np.float64]) -> Callable[[str, float], float]:
    """Counts per nanometre that make the station's noise as loud as its planted signals' amplitudes say it is."""
    ratios = [a.amplitude_nm / a.period_s / a.snr for a in own if a.amplitude_nm and a.period_s and a.snr]
    level = float(np.median(ratios)) if ratios else (0.45 if len(places) > 1 else 1.4)  # nm/s, of a beam
    quiet = noise(np.zeros((1, 2)), np.random.default_rng(0), seconds=600.0, rate_hz=RATE, level=LEVEL)
    rms = band_rms(quiet[0], RATE) / np.sqrt(len(places))
    return lambda _, frequency_hz: float(frequency_hz * rms / level)


def _pieces(places, own, start, array, rng):  # type: ignore[no-untyped-def]
    """An hour of noise after the other, faded into each other, with the planted signals."""
    n, fade = round(PIECE_S * RATE), round(FADE_S * RATE)
    weight = np.sqrt(np.linspace(0, 1, fade, dtype=np.float32))
    spread = (
        places if array else np.array([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0]])
    )  # components: noise of their own
    tail: Samples | None = None
    carried: Samples | None = None  # signals that run over the edge
    for k in range(round(HOURS)):
        x = noise(spread, rng, seconds=PIECE_S + FADE_S, rate_hz=RATE, level=LEVEL)
        rms = band_rms(x[0, : round(600 * RATE)], RATE)
        if tail is not None:
            x[:, :fade] = x[:, :fade] * weight + tail * weight[::-1]
        tail = x[:, n:].copy()
        signal = np.zeros((len(places), n + fade), np.float32)
        if carried is not None:
            signal[:, :fade] += carried
        first = start + k * PIECE_S
        for a in (a for a in own if first <= a.time < first + PIECE_S):
            _add(signal, a, first, places, array, rms, rng)
        carried = signal[:, n:]
        yield x[:, :n] + signal[:, :n]


def _add(signal, a, first, places, array, rms, rng):  # type: ignore[no-untyped-def]
    """One arrival as a wave: the simulator's ratio is that of a beam, so one element has less."""
    slow = a.slowness_s_km or 0.08
    baz = a.backazimuth_deg if a.backazimuth_deg is not None else float(rng.uniform(0, 360))
    what = Planted(
        event=0, phase="P", time=a.time, backazimuth_deg=baz, slowness_s_km=slow, snr=a.snr or 1.0,
        frequency_hz=float(rng.uniform(1.2, 2.5)), length_s=float(rng.uniform(1.5, 5.0)),
    )  # fmt: skip
    peak = (a.snr or 1.0) * rms / (np.sqrt(len(places)) if array else 1.0)
    if array:
        plant(signal, first, RATE, places, what, peak, rng)
        return
    wave = np.zeros((1, signal.shape[1]), np.float32)
    plant(wave, first, RATE, np.zeros((1, 2)), what, peak, rng, scatter=0.0)
    flat = np.tan(np.radians(30.0))  # a steep P: the radial is smaller than the vertical
    factors = np.array([1.0, -flat * np.cos(np.radians(baz)), -flat * np.sin(np.radians(baz))], np.float32)
    signal += factors[:, None] * wave


def _heard(day: Day, found: tuple[Arrival, ...]) -> Day:
    """The day with its truth told in the detector's arrivals: same station, within NEAR_S, the nearest."""
    by_station: dict[str, list[Arrival]] = {}
    for a in found:
        by_station.setdefault(a.station, []).append(a)
    planted = {a.id: a for a in day.arrivals}
    truth = []
    for event in day.truth:
        own = {}
        for name, phase in event.arrivals.items():
            at = planted[name]
            near = [a for a in by_station.get(at.station, ()) if abs(a.time - at.time) <= NEAR_S]
            if near:
                own[min(near, key=lambda a: abs(a.time - at.time)).id] = phase
        truth.append(Truth(event.source, own))
    return Day(found, day.sites, tuple(truth), day.start, day.seed)
