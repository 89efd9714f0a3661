"""How the parameters of the top-down views were chosen: on targets to 2011 only, before anything judged later."""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np

from detente.forces import outside, statespace
from detente.forces.line import prints
from detente.forces.scores import covered, crps
from detente.forces.statespace import Shape
from detente.forces.topdown import OUTSIDE_SHARE

LAST_TARGET = 2011  # the back-test judges targets from 2013 on
FIRST_ORIGIN = 1975
PARTIES = ("US", "RU", "CN", "UK", "FR", "IN", "PK", "IL")  # North Korea had no arsenal in print by then
RANGES = {
    "print_sd": (0.003, 0.05),
    "level_sd": (0.005, 0.08),
    "trend_sd": (0.003, 0.06),
    "damping": (0.7, 1.0),
    "break_rate": (0.01, 0.25),
    "break_sd": (0.03, 0.25),
    "volatility_sd": (0.02, 0.6),
}


class Fit(msgspec.Struct, frozen=True):
    """Mean CRPS (fraction of the last figure) and coverage of 90 % intervals on the training targets."""

    crps: float
    cover: float

    @property
    def cost(self) -> float:
        """What the search makes small: CRPS, raised by twice the shortfall of coverage below 90 %."""
        return self.crps * (1 + 2 * max(0.0, 0.9 - self.cover))


@cache
def training() -> dict[str, outside.Past]:
    """Every party's FAS line to 2011, the oldest print held of each year."""
    found = {}
    for party in PARTIES:
        rows = [(y, r[0].mid) for y, r in prints("FAS", party).items() if y <= LAST_TARGET]
        first = next(i for i, (_, v) in enumerate(rows) if v > 0)
        years, values = zip(*rows[first:], strict=True)
        found[party] = outside.Past(np.array(years), np.array(values))
    return found


def score(shape: Shape, *, n: int = 500, seed: int = 1, share: float = OUTSIDE_SHARE) -> Fit:
    """The pool's scores on every origin since 1975 and target to 2011; each origin sees only its own past."""
    rng = np.random.default_rng(seed)
    pasts = training()
    losses, inside = [], []
    for past in pasts.values():
        belief = statespace.start(float(past.warheads[0]), shape, n, rng)
        for i in range(1, len(past.years)):
            moved = statespace.step(belief, shape, rng)
            belief = statespace.observe(moved, float(past.warheads[i]), shape, rng)
            years = min(10, LAST_TARGET - int(past.years[i]))
            if past.years[i] < FIRST_ORIGIN or i < 6 or years < 1:
                continue
            here = outside.Past(past.years[: i + 1], past.warheads[: i + 1])
            other = outside.ahead(here, pasts.values(), 10, n, rng)
            own = statespace.ahead(belief, years, shape, rng)
            cut = round(n * share)
            for h in range(years):
                mixed = own[h] if other is None else np.concatenate([own[h][: n - cut], other[h][:cut]])
                truth = float(past.warheads[i + 1 + h])
                losses.append(crps(mixed, truth) / max(float(past.warheads[i]), 20.0))
                inside.append(covered(mixed, truth))
    return Fit(float(np.mean(losses)), float(np.mean(inside)))


def search(trials: int, *, seed: int = 11) -> tuple[Shape, Fit]:
    """A random search over RANGES, the last half around the best so far; `detente.forces.statespace.Shape` came
    from 80 trials of it on every second target, its result rounded.
    """
    rng = np.random.default_rng(seed)
    best, found = Shape(), score(Shape())
    for trial in range(trials):
        values = {}
        for name, (low, high) in RANGES.items():
            value = getattr(best, name)
            if trial < trials // 2:
                value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
            elif rng.random() < 0.5:
                value = float(np.clip(value * np.exp(0.3 * rng.normal()), low, high))
            values[name] = value
        shape = Shape(**values)
        fit = score(shape)
        if fit.cost < found.cost:
            best, found = shape, fit
    return best, found
