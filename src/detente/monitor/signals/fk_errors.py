"""The likelihood of a plane wave over a map of slownesses, and how well its peak is known."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.fk_noise import Whitening

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]


class Part(msgspec.Struct, frozen=True, eq=False):
    """Spectra (channel, f) of channels that have one beam, their places in km, and their noise."""

    X: Complex
    offsets_km: Float
    noise: Whitening

    def steer(self, frequency: Float, sx: Float, sy: Float) -> Complex:
        """(channel, f, k) steering vectors of slownesses (k,)."""
        delay = self.offsets_km @ np.array([sx, sy])
        return np.asarray(np.exp(2j * np.pi * frequency[:, None] * delay[:, None, :]))

    def power(self, frequency: Float, sx: Float, sy: Float) -> Float:
        """(f, k) of what the noise weighs, the share that a plane wave of each slowness explains."""
        E = self.steer(frequency, sx, sy)
        beam = np.einsum("cfk,cf->fk", E.conj(), self.noise.of(self.X))
        return np.asarray(np.abs(beam) ** 2 / np.maximum(self.noise.steered(E), 1e-300))

    def map(self, frequency: Float, axis: Float, weight: Float) -> Float:
        """(y, x) the same over a square grid, summed over frequency by `weight`: factors for each side."""
        y, n = self.noise.of(self.X), len(self.X)
        total = np.zeros((axis.size, axis.size))
        for f, hz in enumerate(frequency):
            turn = np.exp(
                -2j * np.pi * hz * axis[:, None, None] * self.offsets_km
            )  # (axis, channel, east or north)
            east = np.ascontiguousarray(turn[:, :, 0].T)
            beam = (turn[:, :, 1] * y[:, f]) @ east
            explained = beam.real**2 + beam.imag**2
            left = np.float64(n)
            for g, u in zip(self.noise.part[f], self.noise.waves[f].T, strict=True):
                if g > 0:
                    seen = (turn[:, :, 1] * u) @ east
                    left = left - g * (seen.real**2 + seen.imag**2)
            total += weight[f] * self.noise.floor[f] * explained / np.maximum(left, 1e-9 * n)
        return total


def errors(parts: Sequence[Part], frequency: Float, peak: tuple[float, float], share: float, axis: Float, *, least: float = 0.0) -> Float:  # fmt: skip  # noqa: E501
    """Covariance (2, 2) of the slowness vector.

    The Cramér-Rao bound of a plane wave of unknown waveform in noise N(f): J = share * sum over f and parts of 2 |A|^2
    (2 pi f)^2 (d' N^-1 d - |d' N^-1 e|^2 / e' N^-1 e) / q, d = r e, A the waveform, whose own uncertainty takes the
    share b / (1 + b) of it, b = |A|^2 e' N^-1 e / q; q is what the wave leaves in the
    window over what N says (smoothed over five bins; at least `least`: 1 where N is known). But where the likelihood
    exp(share * sum of |e' N^-1 x|^2 / (e' N^-1 e q)) spreads further over the map (side lobes, weak signals), its
    second moment about the peak. `share`: see `independent`.
    Source: Kay 1993, Fundamentals of Statistical Signal Processing I, section 15.7; Harris 1990, LLNL; the share:
    Stoica and Nehorai 1990, IEEE Trans. ASSP 38, 1783, the unconditional bound of one wave.
    """
    middle = [p.offsets_km - p.offsets_km.mean(axis=0) for p in parts]
    if np.linalg.matrix_rank(np.concatenate(middle)) < 2:
        raise DetenteError("the elements lie on one line: an f-k analysis needs a plane of them")
    at = np.array([peak[0]]), np.array([peak[1]])
    free = sum(len(p.X) - 1 for p in parts)
    left = sum(p.noise.energy(p.X) - p.power(frequency, *at)[:, 0] for p in parts) / free
    q = np.maximum(_smooth(np.asarray(left)), max(least, 1e-300)) * np.mean(
        [p.noise.doubt for p in parts], axis=0
    )
    information = np.zeros((2, 2))
    for p, r in zip(parts, middle, strict=True):
        e = p.steer(frequency, *at)[:, :, 0]
        strength = p.noise.steered(e)
        over = np.maximum(
            _smooth(p.power(frequency, *at)[:, 0]) / q - 1, 0.0
        )  # |A|^2 over what noise is in a beam
        weight = share * 2 * over**2 / (1 + over) / strength * (2 * np.pi * frequency) ** 2
        d = r.T[:, :, None] * e  # (east or north, channel, f)
        own = [p.noise.of(v) for v in d]
        for i in range(2):
            for j in range(2):
                both = (d[i].conj() * own[j]).real.sum(axis=0)
                cross = (
                    (e.conj() * own[i]).sum(axis=0).conj() * (e.conj() * own[j]).sum(axis=0)
                ).real / strength
                information[i, j] += float((weight * (both - cross)).sum())
    bound = np.linalg.inv(information + np.eye(2) / (4 * axis[-1] ** 2))
    loglike = np.zeros((axis.size, axis.size))
    for p in parts:
        loglike += p.map(frequency, axis, share / q)
    mass = np.exp(loglike - loglike.max())
    mass /= mass.sum()
    dx, dy = axis - peak[0], axis - peak[1]
    across, along = mass.sum(axis=0), mass.sum(axis=1)
    xy = float(dy @ mass @ dx)
    moment = np.array([[across @ dx**2, xy], [xy, along @ dy**2]])
    return np.asarray(moment if np.trace(moment) > np.trace(bound) + (axis[1] - axis[0]) ** 2 else bound)


def _smooth(by_frequency: Float) -> Float:
    """The running mean of five bins, fewer at the ends."""
    five = np.ones(min(5, by_frequency.size))
    many = np.convolve(np.ones(by_frequency.size), five, "same")
    return np.asarray(np.convolve(by_frequency, five, "same") / many)
