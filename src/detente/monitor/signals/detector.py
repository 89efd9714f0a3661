"""One station's channels fed in pieces of any length: beams or channels, triggers, then each signal looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.bulletin.records import Arrival
from detente.monitor.signals.beams import ChannelBank
from detente.monitor.signals.candidate import Candidate
from detente.monitor.signals.choose import bank_for, is_array, model_noise, reach_of
from detente.monitor.signals.examine import examine
from detente.monitor.signals.filters import BLOCK, SETTLE_S, usable
from detente.monitor.signals.gaps import Bridge
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.settings import DEFAULT, DetectSettings
from detente.monitor.signals.subarrays import aperture
from detente.monitor.signals.threshold import Passes, Running
from detente.monitor.signals.wide import WideBank
from detente.monitor.waves.trace import NS

Float32 = NDArray[np.float32]
Gain = Callable[[str, float], float | None]
"""Counts per nanometre of a channel (NET.STA.LOC.CHA) at a frequency in Hz; None where it is not known."""

BEFORE_S, AFTER_S = 45.0, 16.0  # of a trigger, what is looked at
DEAF_S = 9.0  # after the start: the filters settle, then five seconds of noise are heard
HUM_S = 5.0  # after a spectral line came on, weaker triggers are its doing
TOGETHER_S = 3.0  # bands that trigger within this have seen one signal


class Detector:
    """Detects on one station's channels, fed in pieces of any length; the answer does not depend on the pieces.

    Parameters: `like`: a panel that names the channels, their places and sampling rate (its samples are not used);
    `settings`; `gain`: for amplitudes in nanometres.
    """

    def __init__(self, like: Panel, settings: DetectSettings = DEFAULT, gain: Gain | None = None) -> None:
        self.like, self.settings, self.gain = like, settings, gain
        n, rate = len(like.codes), like.rate_hz
        bands = usable(settings.bands_hz, rate)
        if not bands:
            raise DetenteError(f"{like.station}: no band below {0.45 * rate:g} Hz")
        self.is_array = is_array(like)
        self.bank = bank_for(like, bands, settings)
        self._together_s = (
            TOGETHER_S  # a wave crosses a wide array, and beams steered elsewhere see it first or last
        )
        if isinstance(self.bank, WideBank):
            self._together_s += 0.5 * reach_of(like, settings) * aperture(like.offsets_km)
        self.slownesses = None if isinstance(self.bank, ChannelBank) else self.bank.slownesses
        self.bands = self.bank.bands_hz
        self.noise = settings.noise or model_noise(like, self.bank, bands, settings)
        self.levels = self.noise.levels(settings.false_per_day)
        if len(self.levels) != len(self.bands):
            raise DetenteError(f"noise of {len(self.levels)} bands for {len(self.bands)}")
        self._laws = self.noise.laws
        self._adapts = not self.is_array if settings.adapt is None else settings.adapt
        doubt = settings.caution if self._adapts and settings.noise is None else 1.0
        skip = 3 * settings.lta_s if doubt == 1.0 else SETTLE_S + settings.lta_s
        self._running = Running(len(self.bands), self.bank.every / rate, skip, doubt)
        self._passes = Passes(self.bank.every / rate, SETTLE_S + settings.lta_s / 2)
        self._start = self.levels
        self.levels = self._start * np.float32(self._running.caution)
        self._step = self.bank.every
        self._base = 0  # sample number of the first column kept
        self._x = np.zeros((n, 0), np.float32)
        self._live = np.zeros((n, 0), bool)
        self._bridge = Bridge(n, rate)
        self._done = 0  # samples that went through the bank
        self._state = np.zeros((len(self.bands), 4))
        self._top = np.zeros((0, len(self.bands)), np.float32)
        self._which = np.zeros((0, len(self.bands)), np.int32)
        self._top_base = 0  # row number of the first row kept
        self._waiting: list[tuple[int, int]] = []  # (row, band)
        self._deaf_until = round(DEAF_S * rate)
        self._last = -np.inf
        self._hum_until = -1
        self.rejected: dict[str, int] = {}

    def feed(self, samples: Float32, live: NDArray[np.bool_] | None = None) -> tuple[Arrival, ...]:
        """Arrivals made certain by the next columns; `live`: where there are samples, None for everywhere."""
        here = np.ones(samples.shape, bool) if live is None else live
        smooth = self._bridge.over(np.asarray(samples, np.float32), here)
        self._x = np.concatenate([self._x, smooth], axis=1)
        self._live = np.concatenate([self._live, here], axis=1)
        while self._end - self._done >= BLOCK + self.bank.margin:
            self._advance(BLOCK)
        return self._examine(final=False)

    def finish(self) -> tuple[Arrival, ...]:
        """The arrivals that the end of the data leaves."""
        while self._end > self._done:
            self._advance(min(BLOCK, self._end - self._done))
        return self._examine(final=True)

    @property
    def _end(self) -> int:
        return self._base + self._x.shape[1]

    def _advance(self, n: int) -> None:
        """Run the next `n` samples through the bank and note where bands rise above their level."""
        from detente.monitor.signals import _beam_kernel as kernel

        margin = self.bank.margin
        first, last = self._done - margin - self._base, self._done + n + margin - self._base
        x = self._x[:, max(0, first) : last]
        if first < 0 or last > self._x.shape[1]:
            x = np.pad(x, ((0, 0), (max(0, -first), max(0, last - self._x.shape[1]))))
        top, which = self.bank.run(x)
        row = -(-self._done // self._step)
        top[~np.isfinite(top)] = 0.0
        self._mute(top, row, n)
        self._adapt(top)
        found = np.zeros((top.size, 2), np.int64)
        count = kernel.rises(top, self.levels, row, self._state, found)
        self._waiting += [(int(r), int(b)) for r, b in found[:count]]
        self._top, self._which = np.concatenate([self._top, top]), np.concatenate([self._which, which])
        self._done += n

    def _adapt(self, top: Float32) -> None:
        """Raise the levels of bands whose noise was worse of late than the law they began with, doubted at first."""
        self._passes.add((top / self._start).max(axis=1))
        recent = self._running.add(top) if self._adapts else None
        if recent is not None:
            own = recent.levels(self.settings.false_per_day)
            start = self._start * np.float32(self._running.caution)
            self.levels = np.maximum(start, own)
            self._laws = tuple(
                r if o > s else n for r, n, o, s in zip(recent.laws, self.noise.laws, own, start, strict=True)
            )

    def _mute(self, top: Float32, row: int, n: int) -> None:
        """No trigger while the averages settle: at the start and after most channels were dead."""
        a, b = self._done - self._base, self._done + n - self._base
        alive = self._live[:, max(0, a) : b].sum(axis=0)
        fewest = 3 if self.is_array else 1
        gone = np.flatnonzero(alive < fewest)
        if gone.size:
            top[:] = np.where(
                ((row + np.arange(len(top))) * self._step)[:, None] >= self._done + gone[0], 0.0, top
            )
            self._deaf_until = self._done + int(gone[-1]) + round(self.settings.lta_s / 2 * self.like.rate_hz)
            return
        sample = (row + np.arange(len(top))) * self._step
        top[sample < self._deaf_until] = 0.0
        if row * self._step < self.settings.lta_s * self.like.rate_hz:
            top *= self._trust(sample / self.like.rate_hz)

    def _trust(self, heard_s: NDArray[np.float64]) -> NDArray[np.float32]:
        """(row, band) by which a ratio is lowered whose long average has heard little: 2.5 of its standard errors.

        The mean power of noise of bandwidth B over T seconds has the relative standard error 1 / sqrt(B T).
        """
        wide = np.array([high - low for low, high in self.bands])
        full = self.settings.lta_s
        short = np.clip(heard_s - SETTLE_S, 0.1, full)[:, None]
        low = np.maximum(1 - 2.5 / np.sqrt(wide * short), 0.05)
        return np.asarray(low / np.maximum(1 - 2.5 / np.sqrt(wide * full), 0.05)).astype(np.float32)

    def _examine(self, *, final: bool) -> tuple[Arrival, ...]:
        """Look at the waiting triggers whose surroundings have come."""
        rate = self.like.rate_hz
        out = []
        while self._waiting:
            row = self._waiting[0][0]
            at = row * self._step
            if not final and (
                self._end < at + round((AFTER_S + 1) * rate) or self._done < at + AFTER_S * rate
            ):
                break
            within = [w for w in self._waiting if (w[0] - row) * self._step <= self._together_s * rate]
            self._waiting = self._waiting[len(within) :]
            found = self._look(within, final)
            if found is not None:
                out.append(found)
        self._trim()
        return tuple(out)

    def _look(self, within: Sequence[tuple[int, int]], final: bool) -> Arrival | None:
        """The strongest band of triggers that belong together, handed on as a candidate."""
        rate, step = self.like.rate_hz, self._step
        row = within[0][0]
        a, b = row - self._top_base, row - self._top_base + max(1, round(self._together_s * rate / step)) + 1
        bands = sorted({w[1] for w in within})
        above = self._top[a:b, bands] / self.levels[bands]
        k, j = np.unravel_index(int(above.argmax()), above.shape)
        band = bands[j]
        peak, which = float(self._top[a + k, band]), int(self._which[a + k, band])
        first = next(r for r, w in within if w == band)
        if self._together_s > TOGETHER_S:
            first = max(first, row + int(k) - round(TOGETHER_S * rate / step))
        lo = max(self._base, round(first * step - BEFORE_S * rate))
        hi = min(self._end, round(first * step + AFTER_S * rate))
        x = self._x[:, lo - self._base : hi - self._base]
        whole = self._live[:, lo - self._base : hi - self._base].mean(axis=1) > 0.98
        start_ns = self.like.start_ns + round(lo * NS / rate)
        data = msgspec.structs.replace(self.like, samples=x, start_ns=start_ns, live=None)
        often = self._passes.per_day(float((self._top[a:b] / self._start).max()), first)
        if often > self.settings.most_per_day and not self.is_array:
            self.rejected["too common"] = self.rejected.get("too common", 0) + 1
            return None
        candidate = Candidate(
            data=data,
            whole=whole,
            at=(first * step - lo) / rate,
            band_hz=self.bands[band],
            ratio=peak,
            level=float(self.levels[band]),
            law=self._laws[band],
            slowness=None if self.slownesses is None else self.slownesses[which],
            channel=which,
            parts=self._parts_of(band),
            often=often,
        )
        if first * step < self._hum_until and peak < 3 * self.levels[band]:
            return None
        found = examine(candidate, self.settings, self.gain)
        if isinstance(found, str):
            self.rejected[found] = self.rejected.get(found, 0) + 1
            if found == "line":  # its switching on shakes the other bands too
                self._hum_until = first * step + round(HUM_S * rate)
            return None
        if found.time < self._last + 1.0:
            return None
        self._last = found.time
        return found

    def _parts_of(self, band: int) -> tuple[NDArray[np.int64], ...]:
        """The parts of a wide array, where the statistic `band` sums their power."""
        bank = self.bank
        return bank.parts if isinstance(bank, WideBank) and band >= bank.together else ()

    def _trim(self) -> None:
        """Forget what no trigger can need any more."""
        rate = self.like.rate_hz
        oldest = self._waiting[0][0] * self._step if self._waiting else self._done
        keep = max(self._base, round(min(oldest, self._done) - (BEFORE_S + 5) * rate) - self.bank.margin)
        if keep - self._base > 4 * BLOCK:
            self._x, self._live = (
                self._x[:, keep - self._base :].copy(),
                self._live[:, keep - self._base :].copy(),
            )
            rows = keep // self._step - self._top_base
            self._top, self._which = self._top[rows:].copy(), self._which[rows:].copy()
            self._base, self._top_base = keep, keep // self._step
