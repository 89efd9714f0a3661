"""Thresholds from a stated rate of false alarms: the law of block maxima of the statistic on noise."""

from __future__ import annotations

from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError

Float = NDArray[np.float64]

BLOCK_S = 30.0
DAY_S = 86400.0
SIMULATED_S = 6 * 3600.0


class Law(msgspec.Struct, frozen=True):
    """Gumbel's law of the greatest value in a block: P(max <= x) = exp(-exp(-(x - mode) / scale))."""

    mode: float
    scale: float
    blocks: int
    block_s: float = BLOCK_S

    def level(self, per_day: float) -> float:
        """The value that noise passes `per_day` times a day on average.

        Raises DetenteError for a rate that is not positive."""
        if not per_day > 0:
            raise DetenteError(f"{per_day:g} false alarms a day is no rate", fix="give more than 0")
        return self.mode - self.scale * float(np.log(per_day * self.block_s / DAY_S))

    def per_day(self, level: float) -> float:
        """How many times a day noise is expected to pass the level."""
        return float(DAY_S / self.block_s * np.exp(-(level - self.mode) / self.scale))


def block_maxima(values: NDArray[np.floating], step_s: float, block_s: float = BLOCK_S) -> Float:
    """(block,) greatest of the values in each whole block."""
    n = max(1, round(block_s / step_s))
    whole = len(values) // n * n
    return np.asarray(values[:whole].reshape(-1, n).max(axis=1), np.float64)


def law(maxima: Float, block_s: float = BLOCK_S, part: tuple[float, float] = (0.3, 0.9)) -> Law:
    """Gumbel's law fitted to the block maxima between two quantiles: signals hide in the upper ones.

    Mode and scale by least squares of x on -log(-log p).
    Raises DetenteError for fewer than fifty blocks. Source: Gumbel 1958, Statistics of Extremes, section 1.2.8.
    """
    if len(maxima) < 50:
        raise DetenteError(
            f"{len(maxima)} blocks of noise", fix="give at least fifty blocks of half a minute"
        )
    x = np.sort(maxima)
    p = (np.arange(len(x)) + 0.5) / len(x)
    use = (p > part[0]) & (p < part[1])
    scale, mode = np.polyfit(-np.log(-np.log(p[use])), x[use], 1)
    return Law(float(mode), float(max(scale, 1e-9)), len(x), block_s)


class Noise(msgspec.Struct, frozen=True):
    """The law of every band's statistic on noise, and where that noise came from."""

    laws: tuple[Law, ...]
    source: str

    def levels(self, per_day: float) -> NDArray[np.float32]:
        """(band,) thresholds that share `per_day` false alarms between the bands."""
        return np.array([w.level(per_day / len(self.laws)) for w in self.laws], np.float32)


def from_strength(top: NDArray[np.floating], step_s: float, source: str, skip_s: float = 180.0) -> Noise:
    """Laws by band of a statistic (row, band) on noise, its first `skip_s` left out (the averages settle)."""
    quiet = top[round(skip_s / step_s) :]
    return Noise(tuple(law(block_maxima(quiet[:, b], step_s)) for b in range(top.shape[1])), source)


class Running:
    """The laws of the last two hours of one station's own statistic, renewed every ten minutes.

    Real noise has a heavier tail than the model's; what a station has just seen tells how much. Only blocks that
    have passed count, and of these the lower half, which a signal in every third block does not disturb much; less
    than half an hour may be one event's coda. Where `caution` is above 1 it raises the level of the model's law until
    the first law and fading after it, and the scale is widened by what so few blocks leave open.
    """

    KEEP, EVERY, FEWEST, PART = 240, 20, 60, (0.05, 0.5)
    WIDER = 1.5  # relative standard errors of the scale, about 1 / sqrt(blocks), that are added to it
    DOUBT = 20.0  # blocks that count as much as the caution does

    def __init__(self, bands: int, step_s: float, skip_s: float, caution: float = 1.0) -> None:
        self._rows = max(1, round(BLOCK_S / step_s))
        self._skip = round(skip_s / step_s)
        self._open = np.zeros((0, bands), np.float32)
        self._blocks: list[NDArray[np.float32]] = []
        self._since, self._heard = 0, 0
        self._caution, self._wider = caution, self.WIDER if caution > 1 else 0.0

    @property
    def caution(self) -> float:
        """The factor on the model's levels at this station: noise is seldom as steady as the model's."""
        return float(self._caution ** (self.DOUBT / (self.DOUBT + self._heard)))

    def add(self, top: NDArray[np.float32]) -> Noise | None:
        """Take the next rows; gives new laws when they are due."""
        if self._skip:
            gone = min(self._skip, len(top))
            self._skip -= gone
            top = top[gone:]
        self._open = np.concatenate([self._open, top])
        while len(self._open) >= self._rows:
            self._blocks.append(self._open[: self._rows].max(axis=0))
            self._open = self._open[self._rows :]
            self._since += 1
        self._blocks = self._blocks[-self.KEEP :]
        if self._since < self.EVERY or len(self._blocks) < self.FEWEST:
            return None
        self._since = 0
        table = np.array(self._blocks, np.float64)
        laws = []
        for b in range(table.shape[1]):
            heard = table[table[:, b] > 0, b]  # a muted stretch says nothing of noise
            if len(heard) < self.FEWEST:
                return None
            own = law(heard, part=self.PART)
            laws.append(
                msgspec.structs.replace(own, scale=own.scale * (1 + self._wider / np.sqrt(len(heard))))
            )
            self._heard = len(heard)
        return Noise(tuple(laws), "the station's last two hours")


class Passes:
    """How often a station's own statistic has passed a value of late, counted without any law of noise.

    Of the next of m + 1 exchangeable blocks the chance to be greater than all but k of the m before is (k + 1) /
    (m + 1), whatever their distribution: heavy tails, bursts and the first minutes (m is small, and no value is rare)
    are told as they are. Signals count as noise here, so it says too much where they are many, and never too little
    unless the noise gets worse. Source: Vovk, Gammerman and Shafer 2005, Algorithmic Learning in a Random World, 2.2.
    """

    KEEP = 240  # blocks: two hours

    def __init__(self, step_s: float, skip_s: float) -> None:
        self._rows = max(1, round(BLOCK_S / step_s))
        self._skip = round(skip_s / step_s)
        self._open = np.zeros(0, np.float32)
        self._most: list[tuple[int, float]] = []  # the row a block ended before, and its greatest value
        self._row = 0

    def add(self, above: NDArray[np.float32]) -> None:
        """Take the next rows' greatest value over bands."""
        self._row += len(above)
        gone = min(self._skip, len(above))
        self._skip -= gone
        self._open = np.concatenate([self._open, above[gone:]])
        while len(self._open) >= self._rows:
            block, self._open = self._open[: self._rows], self._open[self._rows :]
            if (block > 0).any():  # not muted
                self._most.append((self._row - len(self._open), float(block.max())))
        self._most = self._most[-2 * self.KEEP :]

    def per_day(self, value: float, row: int) -> float:
        """How often a day, by the blocks of the last two hours that ended before `row`, noise would pass the value."""
        before = [v for end, v in self._most if end <= row][-self.KEEP :]
        return (1 + sum(v >= value for v in before)) / (1 + len(before)) * DAY_S / BLOCK_S


@lru_cache(maxsize=32)
def simulated(
    offsets: tuple[tuple[float, float], ...], rate_hz: float, bands_hz: tuple[tuple[float, float], ...],
    slownesses: tuple[tuple[float, float], ...] | None, sta_s: float, lta_s: float, seed: int = 20,
    reach_s_km: float | None = None,
) -> Noise:  # fmt: skip
    """The laws on six hours of model noise at these places: what Gaussian noise of the models would do.

    `slownesses` None: single channels, one law for each; `reach_s_km`: the bank of a wide array that reaches so far.
    Real noise has a heavier tail: measure it where you can.
    """
    from detente.monitor.signals.beams import BeamBank, ChannelBank, strength
    from detente.monitor.signals.gather import Panel
    from detente.monitor.signals.synthetic import noise
    from detente.monitor.signals.wide import WideBank

    places = np.array(offsets)
    samples = noise(places, np.random.default_rng(seed), seconds=SIMULATED_S, rate_hz=rate_hz)
    zero = np.zeros(len(places))
    data = Panel("noise", ("",) * len(places), 0, rate_hz, samples, zero, places)
    bank: BeamBank | ChannelBank | WideBank
    if reach_s_km is not None:
        bank = WideBank(places, rate_hz, reach_s_km=reach_s_km, bands_hz=bands_hz, sta_s=sta_s, lta_s=lta_s)
    elif slownesses is None:
        bank = ChannelBank(len(places), rate_hz, bands_hz=bands_hz, sta_s=sta_s, lta_s=lta_s)
    else:
        bank = BeamBank(
            places, rate_hz, slownesses=np.array(slownesses), bands_hz=bands_hz, sta_s=sta_s, lta_s=lta_s
        )
    found = strength(data, bank)
    return from_strength(found.top, found.step_s, f"six hours of model noise, seed {seed}")
