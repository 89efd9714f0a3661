"""The noise that an f-k analysis meets, as seen before the signal: its power, and the waves in it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.fk_spectra import independent, spectra

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Group = NDArray[np.int64]

QUIET_LEAST = 1e-6  # of the loudest frequency's noise power: less is a filter's edge, not knowledge
NEIGHBOURS = 1  # bins to each side whose cross-spectra are averaged


class Whitening(msgspec.Struct, frozen=True, eq=False):
    """Noise of a group of channels: N(f) = floor (I + sum of u u' g / (1 - g)), so N^-1 = (I - sum of u u' g) / floor.

    `floor` (f,) power that all channels have of their own; `waves` (f, channel, k) unit vectors u and `part` (f, k)
    their g, 0 to 1: what the noise has in common, as plane waves have it; `averages` it is known from.
    """

    floor: Float
    waves: Complex
    part: Float
    averages: float = np.inf

    @property
    def doubt(self) -> Float:
        """(f,) factor by which noise so weighed is larger than it says, its waves being known from few averages.

        Source: Reed, Mallett and Brennan 1974, IEEE Trans. AES 10, 853, for as many dimensions as channels.
        """
        return np.asarray(1 + (self.part > 0).any(axis=1) * self.waves.shape[1] / self.averages)

    def of(self, X: Complex) -> Complex:
        """(channel, f) N^-1 x."""
        common = np.einsum("fck,cf->fk", self.waves.conj(), X) * self.part
        return np.asarray((X - np.einsum("fck,fk->cf", self.waves, common)) / self.floor)

    def energy(self, X: Complex) -> Float:
        """(f,) x' N^-1 x."""
        return np.asarray((X.conj() * self.of(X)).real.sum(axis=0))

    def steered(self, E: Complex) -> Float:
        """(f, ...) e' N^-1 e of steering vectors (channel, f, ...), unit modulus each."""
        seen = np.abs(np.einsum("fck,cf...->fk...", self.waves.conj(), E)) ** 2
        lost = np.einsum("fk,fk...->f...", self.part, seen)
        return np.asarray((len(E) - lost) / self.floor.reshape(-1, *(1,) * (lost.ndim - 1)))


def none(channels: int, bins: int) -> Whitening:
    """Noise of power one that no two channels share."""
    return Whitening(np.ones(bins), np.zeros((bins, channels, 0), complex), np.zeros((bins, 0)))


def noise_of(
    quiet: NDArray[np.floating], n: int, rate_hz: float, band_hz: tuple[float, float], late_s: Float,
    groups: Sequence[Group],
) -> list[Whitening]:  # fmt: skip
    """The noise of each group from `quiet` (channel, t), in half-overlapping windows of `n` samples.

    Cross-spectra are averaged over windows and NEIGHBOURS; of their eigenvalues those above what independent noise
    of as many averages reaches, floor (1 + sqrt(channels / averages))^2, are waves. Noise that is unknown (less than
    two windows) is taken to be white. Before it the cross-spectra are drawn towards white noise by as much as so few
    averages leave them in doubt.
    Source: the drawing: Chen, Wiesel, Eldar and Hero 2010, IEEE Trans. Signal Process. 58, 5016, eq. 23; the edge:
    Marchenko and Pastur 1967, Math. USSR Sb. 1, 457.
    """
    if quiet.shape[1] < 2 * n:
        bins = spectra(np.zeros((1, n)), rate_hz, band_hz)[1].size
        return [none(len(g), bins) for g in groups]
    frames = np.lib.stride_tricks.sliding_window_view(quiet, n, axis=1)[:, :: max(1, n // 2)]
    Q, frequency = spectra(frames, rate_hz, band_hz)
    Q = (Q * np.exp(-2j * np.pi * frequency * late_s[:, None, None])).transpose(
        2, 0, 1
    )  # (f, channel, window)
    least = QUIET_LEAST * float((np.abs(Q) ** 2).mean(axis=(1, 2)).max()) + 1e-300
    share = independent(n, rate_hz, frequency)
    averages = (
        0.75 * Q.shape[2] * max(1.0, share * (2 * NEIGHBOURS + 1))
    )  # half-overlapping: a quarter is shared
    return [_waves(Q[:, g], averages, least) for g in groups]


def _waves(Q: Complex, averages: float, least: float) -> Whitening:
    bins, channels, windows = Q.shape
    own = Q @ Q.conj().transpose(0, 2, 1) / windows
    R = np.stack([own[max(0, f - NEIGHBOURS) : f + NEIGHBOURS + 1].mean(axis=0) for f in range(bins)])
    mean = np.trace(R, axis1=1, axis2=2).real / channels
    square = (np.abs(R) ** 2).sum(axis=(1, 2))
    unsure = (1 - 2 / channels) * square + (channels * mean) ** 2
    sure = (averages + 1 - 2 / channels) * np.maximum(square - channels * mean**2, 1e-300)
    white = np.minimum(unsure / sure, 1.0)[:, None]
    values, vectors = np.linalg.eigh(R)
    values, vectors = values[:, ::-1], vectors[:, :, ::-1]
    values = (1 - white) * values + white * mean[:, None]
    edge = (1 + np.sqrt(channels / averages)) ** 2
    floor = np.maximum(values.mean(axis=1), least)
    many = np.zeros(bins, int)
    for _ in range(channels - 1):  # one wave after the other while the next stands out of what is left
        rest = np.arange(channels) >= many[:, None]
        floor = np.maximum((values * rest).sum(axis=1) / np.maximum(channels - many, 1), least)
        more = (values[np.arange(bins), np.minimum(many, channels - 1)] > edge * floor) & (
            many < channels - 1
        )
        if not more.any():
            break
        many += more
    k = int(many.max())
    part = np.where(
        np.arange(k) < many[:, None], 1 - floor[:, None] / np.maximum(values[:, :k], floor[:, None]), 0.0
    )
    return Whitening(floor, vectors[:, :, :k], part, averages)
