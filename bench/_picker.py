"""The learned pickers, where installed, on a window of samples: rows for the Nordic table."""

from __future__ import annotations

from typing import Any

import numpy as np


def installed() -> list[str]:
    """Names of the pickers whose weights are here."""
    from detente.errors import DetenteError
    from detente.monitor.signals.learned import PICKERS, picker

    found = []
    for name in PICKERS:
        try:
            picker(name)
        except DetenteError as bad:
            print(f"left out: {bad}")
        else:
            found.append(name)
    return found


def theirs(samples: Any, name: str, rate: float) -> Any:
    """Times of a picker's P and S, s after the window's start, on (n, component) E N Z or a vertical alone."""
    from detente.monitor.signals.learned import pick, picker
    from detente.monitor.waves.trace import Array, Site, Trace

    codes = ("BHE", "BHN", "BHZ") if samples.shape[1] == 3 else ("BHZ",)
    traces = [
        Trace("XX", "S", "", code, 0, rate, np.ascontiguousarray(samples[:, k], np.float32))
        for k, code in enumerate(codes)
    ]
    return np.array([a.time for a in pick(traces, Array("S", (Site("S", 0.0, 0.0),)), picker(name))])
