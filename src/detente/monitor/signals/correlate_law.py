"""The law of correlation on noise, from which levels follow: its bulk, its tail, and what the template itself gave."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.monitor.signals.threshold import DAY_S, Law, law

Float = NDArray[np.float64]

TAIL = 0.05  # of the chunks of noise: the greatest, whose excess is the tail
OWN = (
    0.3,
    0.8,
)  # quantiles of a template's own correlations that are noise, were a fifth of all chunks repeats


def squeezed(correlation: NDArray[np.floating]) -> Float:
    """-log(1 - c^2) of positive correlations, 0 of the others: in noise its tail is exponential.

    For Gaussian noise of v effective degrees of freedom P(|c| > x) = (1 - x^2)^((v-1)/2) but for a slow factor.
    Source: the distribution of the sample correlation, Fisher 1915, Biometrika 10, 507; use for detectors: Wiechecki-
    Vergara, Gray and Woodward 2001, DTRA-TR-00-45.
    """
    c = np.clip(np.asarray(correlation, np.float64), 0.0, 1 - 1e-9)
    return np.asarray(-np.log1p(-(c**2)))


class Tail(msgspec.Struct, frozen=True):
    """The generalised Pareto law of what exceeds `edge`, which `edge_per_day` maxima do: P(excess > y) =
    (1 + shape y / scale)^(-1 / shape). Source: Pickands 1975, Annals of Statistics 3, 119.
    """

    edge: float
    edge_per_day: float
    scale: float
    shape: float

    def level(self, per_day: float) -> float:
        """The value that noise passes `per_day` times a day, the edge at most often."""
        rarer = float(np.log(max(self.edge_per_day / per_day, 1.0)))
        return self.edge + self.scale * (np.expm1(self.shape * rarer) / self.shape if self.shape else rarer)

    def per_day(self, level: float) -> float:
        """How many times a day noise is expected to pass the level."""
        y = max(level - self.edge, 0.0) / self.scale
        return self.edge_per_day * float(
            np.exp(-(np.log1p(self.shape * y) / self.shape if self.shape else y))
        )


class Wider(msgspec.Struct, frozen=True):
    """Laws of the same noise, of which at each level the one that gives more false alarms holds."""

    laws: tuple[Law | Tail, ...]

    def level(self, per_day: float) -> float:
        """The value that noise passes at most `per_day` times a day by every law."""
        return max(one.level(per_day) for one in self.laws)

    def per_day(self, level: float) -> float:
        """How many times a day noise is expected to pass the level, by the law that says most."""
        return max(one.per_day(level) for one in self.laws)


def tails(rows: Float, chunk_s: float) -> list[Tail]:
    """The tail of the TAIL greatest maxima of each row; one shape for all, for it is the noise's.

    Probability-weighted moments (Hosking and Wallis 1987, Technometrics 29, 339), less a standard error: a tail
    lighter than exponential, or not surely heavier, is taken as exponential.
    """
    ordered = np.sort(rows, axis=1)
    many = max(10, round(TAIL * rows.shape[1]))
    edge = ordered[:, -many - 1]
    excess = ordered[:, -many:] - edge[:, None]
    mean = np.maximum(excess.mean(axis=1), 1e-9)
    pooled = np.sort((excess / mean[:, None]).ravel())
    above = 1 - (np.arange(pooled.size) + 0.65) / pooled.size
    first = float((above * pooled).mean())
    shape = 2 - 1 / max(1 - 2 * first, 1e-9)  # of excesses with mean 1
    shape = float(np.clip(shape - (1 + shape) / np.sqrt(pooled.size), 0.0, 0.5))
    mean = mean * (
        1 - 1 / np.sqrt(many)
    )  # a standard error: a tail not surely wider than the bulk's changes nothing
    often = many / rows.shape[1] * DAY_S / chunk_s
    return [Tail(float(e), often, float(m) * (1 - shape), shape) for e, m in zip(edge, mean, strict=True)]


def own(row: NDArray[np.float32], chunk_s: float) -> tuple[Law, ...]:
    """The law of the bulk of what the template itself gave: a hum that it shares with the data is in all of that."""
    if len(row) < 50:
        return ()
    bulk = law(squeezed(row), chunk_s, OWN)
    sure = bulk.scale * (1 - 1 / np.sqrt(len(row)))  # less a standard error, as of the tail
    return (msgspec.structs.replace(bulk, scale=float(sure)),)


def threshold(noise: Law | Wider, per_day: float) -> float:
    """The correlation that noise passes `per_day` times a day."""
    return float(np.sqrt(-np.expm1(-max(noise.level(per_day), 0.0))))
