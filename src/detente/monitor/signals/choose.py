"""What a station is heard with: which beams, or its channels one by one, and the noise that sets their levels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.beams import BeamBank, ChannelBank, fan
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.settings import DetectSettings
from detente.monitor.signals.subarrays import REACH_S_KM, SMALL_KM, WIDE_KM, aperture, design
from detente.monitor.signals.threshold import Noise, simulated
from detente.monitor.signals.wide import WideBank

Bands = tuple[tuple[float, float], ...]


def is_array(like: Panel) -> bool:
    """Three elements or more that do not stand at one place."""
    return len(like.codes) >= 3 and float(np.ptp(like.offsets_km, axis=0).max()) > 0.01


def bank_for(like: Panel, bands: Bands, settings: DetectSettings) -> BeamBank | ChannelBank | WideBank:
    """The beams of an array, or the channels of a sensor."""
    if is_array(like):
        return beams_for(like, bands, settings)
    many, s = len(like.codes), settings
    return ChannelBank(many, like.rate_hz, bands_hz=bands, sta_s=s.sta_s, lta_s=s.lta_s)


def model_noise(
    like: Panel, bank: BeamBank | ChannelBank | WideBank, bands: Bands, settings: DetectSettings
) -> Noise:
    """The laws of a bank's statistic on model noise at its places."""
    s, rate = settings, like.rate_hz
    if isinstance(bank, ChannelBank):
        return simulated(tuple((0.0, 0.0) for _ in like.codes), rate, bands, None, s.sta_s, s.lta_s)
    places = tuple((float(x), float(y)) for x, y in np.round(like.offsets_km, 3))
    if isinstance(bank, WideBank):
        return simulated(places, rate, bands, None, s.sta_s, s.lta_s, reach_s_km=reach_of(like, s))
    slow = tuple((float(x), float(y)) for x, y in bank.slownesses)
    return simulated(places, rate, bands, slow, s.sta_s, s.lta_s)


def reach_of(like: Panel, settings: DetectSettings) -> float:
    """How slow the waves are that the beams listen for, s/km: at wide arrays P and Pn alone."""
    wide = aperture(like.offsets_km) > 2 * SMALL_KM
    return min(settings.reach_s_km, REACH_S_KM) if wide else settings.reach_s_km


def beams_for(like: Panel, bands: Bands, settings: DetectSettings) -> BeamBank | WideBank:
    """33 beams at small arrays; at wider ones as many as a wave between beams asks; parts where the array is wide."""
    wide, reach = aperture(like.offsets_km), reach_of(like, settings)
    if wide > WIDE_KM and not settings.infrasound:
        return WideBank(like.offsets_km, like.rate_hz, reach_s_km=reach, bands_hz=bands, sta_s=settings.sta_s,
                        lta_s=settings.lta_s, late_s=like.late_s)  # fmt: skip
    if settings.infrasound:
        slow = _sound()
    elif wide <= SMALL_KM:
        slow = fan(reach)
    else:
        slow, _ = design(like.offsets_km - like.offsets_km.mean(axis=0), reach)
    return BeamBank(like.offsets_km, like.rate_hz, slownesses=slow, bands_hz=bands, sta_s=settings.sta_s,
                    lta_s=settings.lta_s, late_s=like.late_s)  # fmt: skip


def _sound() -> NDArray[np.float64]:
    """Two rings of slownesses of sound in air."""
    rings = []
    for radius, count in ((2.6, 20), (3.1, 24)):
        angle = 2 * np.pi * np.arange(count) / count
        rings.append(radius * np.column_stack([np.sin(angle), np.cos(angle)]))
    return np.concatenate(rings)
