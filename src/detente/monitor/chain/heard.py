"""How long a station was heard: the time that any of its channels recorded."""

from __future__ import annotations

from collections.abc import Iterable

from detente.monitor.waves.trace import Trace


def heard_s(traces: Iterable[Trace], start: float = float("-inf"), end: float = float("inf")) -> float:
    """Seconds within start to end (s UTC) that at least one of the traces covers."""
    total, reached = 0.0, start
    for trace in sorted(traces, key=lambda t: t.start):
        stop = min(trace.end, end)
        total += max(0.0, stop - max(trace.start, reached))
        reached = max(reached, stop)
    return total
