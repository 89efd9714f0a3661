"""What to believe after inspections: Bayes' rule over the number of false items, exact, prior in sight.

The prior decides much of the answer, so every result is shown under at least two: one flat, one stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb

import msgspec

from detente.disclosure.sampling import amount, found_distribution, probability
from detente.errors import DetenteError


class Prior(msgspec.Struct, frozen=True):
    """Weights for 0, 1, 2, ... false items before any inspection; they sum to one."""

    name: str
    weights: tuple[Fraction, ...]

    def __post_init__(self) -> None:
        if not self.weights or sum(self.weights) != 1 or min(self.weights) < 0:
            raise DetenteError(
                "the prior's weights are not a distribution", where=self.name, fix="they sum to 1"
            )


def flat(largest: int) -> Prior:
    """Every number of false items from 0 to `largest` equally likely."""
    if largest < 1:
        raise DetenteError(
            f"a flat prior up to {largest}", fix="give the largest number thinkable, at least 1"
        )
    return Prior(f"flat 0..{largest}", (Fraction(1, largest + 1),) * (largest + 1))


def honest(weight: Fraction, largest: int) -> Prior:
    """`weight` on no false item, the rest spread evenly over 1 to `largest`."""
    if largest < 1:
        raise DetenteError(f"a prior up to {largest}", fix="give the largest number thinkable, at least 1")
    name = f"{float(weight):.0%} on honesty, the rest flat 1..{largest}"
    return Prior(name, (weight, *((1 - weight) / largest,) * largest))


def beta_binomial(population: int, a: Fraction, b: Fraction) -> Prior:
    """The beta-binomial prior over 0..population with parameters a, b > 0 (a = b = 1 is flat)."""
    if a <= 0 or b <= 0:
        raise DetenteError(f"beta-binomial with a={a}, b={b}", fix="both are above zero")
    weights = [Fraction(1)]
    for k in range(population):  # ratio of neighbours: C(N,k) B(k+a, N-k+b) / B(a, b)
        weights.append(weights[-1] * (population - k) * (a + k) / ((k + 1) * (b + population - k - 1)))
    total = sum(weights)
    name = f"beta-binomial a={float(a):g} b={float(b):g}"
    return Prior(name, tuple(w / total for w in weights))


def parse_prior(text: str, population: int) -> Prior:
    """From ``flat:50``, ``honest:0.5:50`` or ``beta:1:9``. Raises DetenteError with the forms."""
    kind, *rest = text.split(":")
    try:
        if kind == "flat" and len(rest) == 1:
            return flat(min(int(rest[0]), population))
        if kind == "honest" and len(rest) == 2:
            return honest(probability(rest[0]), min(int(rest[1]), population))
        if kind == "beta" and len(rest) == 2:
            return beta_binomial(population, amount(rest[0]), amount(rest[1]))
    except (ValueError, ZeroDivisionError):
        pass
    raise DetenteError(f"'{text}' is not a prior", fix="write flat:50, honest:0.5:50 or beta:1:9")


class Visit(msgspec.Struct, frozen=True):
    """One random sample: `inspected` items of the population, `found` of them false."""

    inspected: int
    found: int = 0
    recognised: Fraction = Fraction(1)


def parse_visit(text: str, recognised: Fraction = Fraction(1)) -> Visit:
    """From ``100`` (a clean sample) or ``100:2`` (two found). Raises DetenteError otherwise."""
    inspected, _, found = text.partition(":")
    try:
        return Visit(int(inspected), int(found or 0), recognised)
    except ValueError:
        raise DetenteError(f"'{text}' is not a visit", fix="write INSPECTED or INSPECTED:FOUND") from None


class Posterior(msgspec.Struct, frozen=True):
    """Belief after the visits: weights by number of false items, and what people ask of them."""

    prior: Prior
    weights: tuple[Fraction, ...]

    @property
    def honest(self) -> Fraction:
        """P(no false item)."""
        return self.weights[0]

    @property
    def mean(self) -> Fraction:
        return sum((k * w for k, w in enumerate(self.weights)), Fraction())

    def bound(self, level: Fraction = Fraction(95, 100)) -> int:
        """The least k with P(at most k false items) >= level."""
        total = Fraction()
        for k, w in enumerate(self.weights):
            total += w
            if total >= level:
                return k
        return len(self.weights) - 1

    def factor(self) -> Fraction | None:
        """Bayes factor for honesty: posterior odds over prior odds; None where an odds is infinite."""
        before, after = self.prior.weights[0], self.weights[0]
        if before in (0, 1) or after == 1:
            return None
        return (after / (1 - after)) / (before / (1 - before))


def update(population: int, prior: Prior, visits: Sequence[Visit]) -> Posterior:
    """Bayes' rule: weight times the hypergeometric chance of what each visit found, visits independent.

    Each visit draws from the whole population. Raises DetenteError where the prior makes the findings
    impossible (more was found than it allows).
    """
    if len(prior.weights) > population + 1:
        raise DetenteError(
            f"the prior reaches {len(prior.weights) - 1} false of {population} items", where=prior.name
        )
    weights = list(prior.weights)
    for visit in visits:
        if not 0 <= visit.found <= visit.inspected <= population:
            raise DetenteError(
                f"{visit.found} found of {visit.inspected} inspected of {population} items",
                fix="found <= inspected <= items",
            )
        weights = [w * _likelihood(population, k, visit) for k, w in enumerate(weights)]
    total = sum(weights, Fraction())
    if total == 0:
        raise DetenteError(
            "the prior allows nothing that explains the findings", where=prior.name, fix="widen the prior"
        )
    return Posterior(prior, tuple(w / total for w in weights))


def _likelihood(population: int, k: int, visit: Visit) -> Fraction:
    if visit.recognised == 1:
        hits = comb(k, visit.found) * comb(population - k, visit.inspected - visit.found)
        return Fraction(hits, comb(population, visit.inspected))
    chances = found_distribution(population, k, visit.inspected, visit.recognised)
    return chances[visit.found] if visit.found < len(chances) else Fraction()
