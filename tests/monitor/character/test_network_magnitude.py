"""Network magnitudes with limits against a simulated network whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from detente.monitor.bulletin.records import StationMagnitude
from detente.monitor.character.network_magnitude import network, upper_limit

SD = 0.35


def _station(value: float, *, limit: bool = False) -> StationMagnitude:
    return StationMagnitude(station="A", kind="mb", value=value, sd=SD, limit=limit)


def _event(truth: float, threshold: float, rng: np.random.Generator, n: int = 20) -> list[StationMagnitude]:
    """Stations that report only above their threshold, as a real network does."""
    values = truth + SD * rng.normal(size=n)
    return [_station(v) if v > threshold else _station(threshold, limit=True) for v in values]


def test_without_limits_the_mean_of_like_stations():
    value, sd = network([_station(4.8), _station(5.0), _station(5.2)])
    assert value == pytest.approx(5.0, abs=0.01) and 0.15 < sd < 0.35


def test_silent_stations_take_away_the_bias_of_small_events():
    # Ringdal 1976: at the threshold the mean of those that saw it runs high, the likelihood does not
    rng = np.random.default_rng(4)
    means, best = [], []
    for _ in range(200):
        found = _event(4.0, 4.2, rng)
        seen = [s.value for s in found if not s.limit]
        if len(seen) >= 3:
            means.append(np.mean(seen))
            best.append(network(found)[0])
    assert np.mean(means) > 4.35
    assert np.mean(best) == pytest.approx(4.0, abs=0.06)


def test_one_wild_station_moves_it_little():
    value, _ = network([*(_station(5.0 + d) for d in (-0.1, 0.0, 0.1, 0.05)), _station(7.0)])
    assert value == pytest.approx(5.03, abs=0.1)


def test_nobody_saw_it():
    silent = [_station(4.0, limit=True)] * 5
    assert network(silent) is None
    # one station: 4.0 and the 90 % point of its scatter; five: where each is silent with probability 0.1^(1/5)
    assert upper_limit(silent[:1]) == pytest.approx(4.0 + SD * t.ppf(0.9, 4), abs=0.01)
    assert upper_limit(silent) == pytest.approx(4.0 - SD * t.ppf(0.1 ** (1 / 5), 4), abs=0.01)
    assert upper_limit([]) is None


def test_stated_error_covers_the_truth():
    rng = np.random.default_rng(7)
    z = []
    for _ in range(300):
        value, sd = network(_event(4.5, 4.0, rng, 8))
        z.append((value - 4.5) / sd)
    assert 0.85 < np.mean(np.abs(z) < 1.645) < 0.99
