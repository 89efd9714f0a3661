"""Yield intervals against simulated events whose yields, laws and magnitude errors are known."""

from __future__ import annotations

import numpy as np

from detente.monitor.bulletin.records import Event, Magnitude, Origin, StationMagnitude
from detente.monitor.calibration import standard
from detente.monitor.character.network_magnitude import network
from detente.monitor.character.yields import estimate
from detente.monitor.magnitude_yield import sites

SITE = "punggye-ri"
LOW_KT, HIGH_KT = 1.0, 150.0
STATION_SD, SCALE_SD = 0.35, 0.05
EVENTS = 240


def test_ninety_percent_intervals_hold_nine_of_ten_yields():
    """Truth drawn from the calibration itself, then a scale error, then stations: magnitude and yield are inverted."""
    rng = np.random.default_rng(17)
    place = sites()[SITE]
    a, b, sigma = standard().law(SITE, place.rock, place.province, rng, EVENTS)
    x = rng.uniform(np.log10(LOW_KT), np.log10(HIGH_KT), EVENTS)
    truth = a + b * x + sigma * rng.normal(size=EVENTS)
    held, widths = [], []
    for k in range(EVENTS):
        shown = truth[k] + SCALE_SD * rng.normal()
        read = [
            StationMagnitude(
                station=f"S{i}", kind="mb(Pn)", value=shown + STATION_SD * rng.normal(), sd=STATION_SD
            )
            for i in range(rng.integers(4, 12))
        ]
        value, sd = network(read)
        magnitude = Magnitude(
            kind="mb(Pn)", value=value, sd=float(np.hypot(sd, SCALE_SD)), stations=tuple(read)
        )
        origin = Origin(id="o", time=0.0, lat=place.lat, lon=place.lon, time_sd=0.1)
        found = estimate(Event(id="e", origins=(origin,), magnitudes=(magnitude,)), draws=2000, seed=k)
        coupled = found.yields[0]
        held.append(coupled.low_kt <= 10 ** x[k] <= coupled.high_kt)
        widths.append(np.log10(coupled.high_kt / coupled.low_kt))
    assert 0.85 <= np.mean(held) <= 0.95
    assert 0.5 < np.mean(widths) < 2.5
