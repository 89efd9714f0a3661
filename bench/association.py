"""Association of made-up days at the real IMS: time, recall, precision, location error; one and two threads."""

from __future__ import annotations

import time

from bench._report import line
from bench._synthetic import threads
from detente.monitor.chain.day import PEER, Day, simulate
from detente.monitor.chain.day_judge import judge
from detente.monitor.chain.day_world import DaySettings
from detente.monitor.network.associate import associate

# Seeds 101 and up were never used to choose a setting; the peer's day has its own tables and 1 s of pick noise
HELD_OUT = (
    ("the peer's day", PEER, 101),
    ("field: iasp91, path errors, outages", DaySettings(), 102),
    ("a swarm", DaySettings(kind="swarm"), 103),
    ("aftershocks", DaySettings(kind="aftershocks"), 104),
    ("a great earthquake with coda picks", DaySettings(kind="great"), 105),
    ("small regional events", DaySettings(kind="regional"), 106),
)


def main() -> None:
    """Print each measurement beside its target."""
    small = simulate(DaySettings(events=2, noise=200, length_s=7200.0), seed=1)
    associate(small.arrivals, small.sites)  # compiles
    for name, settings, seed in HELD_OUT:
        day = simulate(settings, seed=seed)
        _one(name, day, count=2)
        if settings is PEER:
            _one(f"{name}, one thread", day, count=1)


def _one(name: str, day: Day, count: int) -> None:
    threads(count)
    wall, cpu = time.perf_counter(), time.process_time()
    events = associate(day.arrivals, day.sites)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    v = judge(day, events)
    picks = sum(len(t.arrivals) for t in day.truth)
    whole = f"{len(day.sites)} stations, {picks} true and {len(day.arrivals) - picks} other picks, {count} threads"
    line(f"{name}: {whole}", wall, "s", "<= 40", kept=wall <= 40)
    line("  processor time", cpu, "s")
    line(
        f"  recall of {v.with_four_p} events with 4 or more P", v.recall, "", ">= 0.95", kept=v.recall >= 0.95
    )
    line(f"  precision of {v.events} events", v.precision, "", ">= 0.9", kept=v.precision >= 0.9)
    line("  median location error", v.median_error_km, "km", "<= 10", kept=v.median_error_km <= 10)
    line("  90 % of events within", v.error_90_km, "km")
    line("  truth within the 90 % ellipse", v.in_ellipse, "", "0.85-0.95")
