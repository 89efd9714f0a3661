"""How likely an inspection is to find what is wrong: exact hypergeometric probabilities in integers.

Nothing here is approximated. Floating point gave 161 items for the true 160 at 800 items, one false, 20 %:
a treaty's numbers are compared as integers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import comb, lcm

import msgspec
import numpy as np
import numpy.typing as npt

from detente.errors import DetenteError

LARGEST = 50_000  # items; every arsenal and stockpile fits, and an answer takes seconds at most

# no exponents: "1e999999999" from another party's file would fill the memory
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?(/[0-9]{1,18})?")


def _exact(text: str) -> Fraction | None:
    if not _NUMBER.fullmatch(text):
        return None
    top, _, bottom = text.partition("/")
    return Fraction(top) / int(bottom or 1) if int(bottom or 1) else None


def probability(text: str, *, where: str = "") -> Fraction:
    """An exact probability from ``0.9``, ``90%`` or ``9/10``.

    Raises DetenteError outside [0, 1].
    """
    plain = text.strip()
    value = _exact(plain.removesuffix("%").strip())
    if value is None:
        raise DetenteError(f"'{text}' is not a probability", where=where, fix="write 0.9, 90% or 9/10")
    value = value / 100 if plain.endswith("%") else value
    if value > 1:
        raise DetenteError(f"the probability {text} lies outside 0 to 1", where=where)
    return value


def amount(text: str, *, where: str = "") -> Fraction:
    """An exact quantity of zero or more (a cost, a gain). Raises DetenteError otherwise."""
    value = _exact(text.strip())
    if value is None:
        raise DetenteError(
            f"'{text}' is not an amount of zero or more", where=where, fix="write 2, 2.5 or 5/2"
        )
    return value


def _counts(population: int, false: int, inspected: int) -> None:
    for name, value in (("population", population), ("false items", false), ("items inspected", inspected)):
        if value < 0:
            raise DetenteError(f"{value} {name}", fix="counts are zero or more")
    if population > LARGEST:
        raise DetenteError(f"{population} items", fix=f"exact integers are kept to {LARGEST}: divide by ten")
    if max(false, inspected) > population:
        raise DetenteError(
            f"{false} false and {inspected} inspected of {population} items",
            fix="neither can be more than the population",
        )


def non_detection(population: int, false: int, inspected: int) -> Fraction:
    """The chance that a random sample without replacement holds none of the false items.

    C(N-k, n) / C(N, n), equal to C(N-n, k) / C(N, k); the one with the smaller binomials is computed.
    Raises DetenteError for counts that do not fit.
    """
    _counts(population, false, inspected)
    drawn, marked = sorted((inspected, false))
    return Fraction(comb(population - marked, drawn), comb(population, drawn))


def found_distribution(
    population: int, false: int, inspected: int, recognised: Fraction = Fraction(1)
) -> list[Fraction]:
    """P(f false items are found) for f = 0, 1, ...; each one inspected is recognised with `recognised`.

    The hypergeometric number of false items in the sample, thinned: one inspected item is one trial.
    """
    _counts(population, false, inspected)
    return _found(population, false, inspected, recognised, min(false, inspected))


def detection(
    population: int, false: int, inspected: int, recognised: Fraction = Fraction(1), accept: int = 0
) -> Fraction:
    """The chance that more than `accept` false items are found.

    `recognised`: chance that an inspected false item is seen to be false. `accept`: findings that the parties
    agreed to take for clerical errors (an escrow has its own defects).
    """
    _counts(population, false, inspected)
    if recognised == 1 and accept == 0:
        return 1 - non_detection(population, false, inspected)
    return 1 - sum(_found(population, false, inspected, recognised, accept), Fraction())


def _found(population: int, false: int, inspected: int, recognised: Fraction, most: int) -> list[Fraction]:
    """P(f are found) for f = 0 .. `most` = sum_j C(K,j) C(N-K,n-j) C(j,f) q^f (1-q)^(j-f) / C(N,n).

    With q = a/b the sum is taken over the common denominator b^top, by Horner's rule in (b - a).
    """
    top, total = min(false, inspected), comb(population, inspected)
    weights = _weights(population, false, inspected, top)
    a, b = recognised.numerator, recognised.denominator
    chances = []
    for f in range(min(most, top) + 1):
        value, scale = 0, 1
        for j in range(top, f - 1, -1):
            value = value * (b - a) + weights[j] * comb(j, f) * scale
            scale *= b
        chances.append(Fraction(value * a**f, total * b**top))
    return chances


def _weights(population: int, false: int, inspected: int, top: int) -> list[int]:
    """C(K, j) C(N-K, n-j) for j = 0 .. top, each from its neighbour."""
    good, first = population - false, max(0, inspected - (population - false))
    weights = [0] * first
    w = comb(false, first) * comb(good, inspected - first)
    for j in range(first, top + 1):
        weights.append(w)
        w = w * (false - j) * (inspected - j) // ((j + 1) * (good - inspected + j + 1))
    return weights


def sample_size(
    population: int, false: int, confidence: Fraction, recognised: Fraction = Fraction(1), accept: int = 0
) -> int:
    """The least sample that finds `false` of `population` items with at least `confidence`.

    Raises DetenteError where even inspecting everything does not reach it.
    """
    low, high = 0, population
    if detection(population, false, high, recognised, accept) < confidence:
        raise DetenteError(
            f"{float(confidence):.1%} cannot be reached: all {population} items inspected give "
            f"{float(detection(population, false, high, recognised, accept)):.1%}",
            fix="lower the confidence or improve the inspection",
        )
    while low < high:
        middle = (low + high) // 2
        if detection(population, false, middle, recognised, accept) >= confidence:
            high = middle
        else:
            low = middle + 1
    return low


def iaea_sample_size(population: int, false: int, confidence: Fraction) -> int:
    """The published approximation n = ceil(N (1 - b^(1/k))), b = 1 - confidence, its root taken exactly.

    Source: IAEA attribute sampling formula, nsspi-nssep.org, "detection probability".
    """
    return _rooted(population, 1, false, 1 - confidence)


def jaech_sample_size(population: int, false: int, confidence: Fraction) -> int:
    """Jaech's closer approximation n = ceil((1 - b^(1/k)) (N - (k-1)/2)), its root taken exactly.

    Source: the form attributed to J. L. Jaech in the safeguards literature; see INMM Journal 44(3).
    """
    return _rooted(2 * population - false + 1, 2, false, 1 - confidence)


def _rooted(top: int, bottom: int, k: int, miss: Fraction) -> int:
    """The least n with n >= (top/bottom) (1 - miss^(1/k)), that is (top - n bottom)^k <= miss top^k."""
    if k < 1:
        raise DetenteError("a sample size for no false item", fix="say how many false items must be found")
    bound, scale = miss.numerator * top**k, miss.denominator
    low, high = 0, -(-top // bottom)
    while low < high:
        middle = (low + high) // 2
        if scale * max(0, top - middle * bottom) ** k <= bound:
            high = middle
        else:
            low = middle + 1
    return low


class Site(msgspec.Struct, frozen=True):
    """A place inspected as a whole: how many items stand there, how many are false, how many are picked."""

    items: int
    false: int
    picked: int

    def miss(self, recognised: Fraction = Fraction(1)) -> Fraction:
        """The chance that a visit finds nothing wrong."""
        return 1 - detection(self.items, self.false, min(self.picked, self.items), recognised)


def two_stage(sites: Sequence[Site], visits: int, recognised: Fraction = Fraction(1)) -> Fraction:
    """The chance that `visits` different sites picked at random show at least one false item.

    Exact convolution: the chance to miss is e_m(b_1 .. b_S) / C(S, m), the elementary symmetric polynomial of
    the sites' own chances to miss, because every set of m sites is equally likely.
    """
    if not 0 <= visits <= len(sites):
        raise DetenteError(
            f"{visits} different sites of {len(sites)}", fix="visits are between 0 and the number of sites"
        )
    misses = [site.miss(recognised) for site in sites]
    # a common denominator keeps the convolution in integers
    bottom = lcm(*(b.denominator for b in misses))
    poly = [1] + [0] * visits
    for b in misses:
        value = b.numerator * (bottom // b.denominator)
        for m in range(visits, 0, -1):
            poly[m] += poly[m - 1] * value
    return 1 - Fraction(poly[visits], comb(len(sites), visits) * bottom**visits)


def placements(false: int, sites: int, items: int) -> Iterator[tuple[int, ...]]:
    """Every way (up to the order of equal sites) to place false items over sites of `items` each."""

    def parts(left: int, room: int, largest: int) -> Iterator[tuple[int, ...]]:
        if left == 0:
            yield (0,) * room
        elif room:
            for first in range(min(left, largest), 0, -1):
                if first * room >= left:
                    for rest in parts(left - first, room - 1, first):
                        yield (first, *rest)

    yield from parts(false, sites, min(false, items))


SEARCHED = 14  # false items up to which all placements (135 at most) are tried


def worst_placement(
    false: int, sites: int, items: int, visits: int, picked: int, recognised: Fraction = Fraction(1)
) -> tuple[Fraction, tuple[int, ...]]:
    """The cheater's best answer to a two-stage plan: (detection, false items by site).

    Up to `SEARCHED` false items every placement over equal sites is tried. Above, those that fill some sites
    and spread the rest evenly over some others: wherever all were tried, the worst was one of these.
    """
    if false > sites * items:
        raise DetenteError(f"{false} false of {sites * items} items", fix="there are not that many items")
    everything = false <= SEARCHED
    candidates = sorted(set((placements if everything else filled_and_even)(false, sites, items)))
    misses = {k: Site(items, k, picked).miss(recognised) for ks in candidates for k in ks}
    rough = _rough(np.array([[float(misses[k]) for k in ks] for ks in candidates]), visits)
    # floating point only sorts out the hopeless; what is left is compared exactly
    near = [ks for ks, r in zip(candidates, rough, strict=True) if r >= rough.max() * (1 - 1e-9)]
    return min((two_stage([Site(items, k, picked) for k in ks], visits, recognised), ks) for ks in near)


def _rough(misses: npt.NDArray[np.float64], visits: int) -> npt.NDArray[np.float64]:
    """(placement,) chances to miss in floating point, from (placement, site), site by site."""
    chance = np.zeros((len(misses), visits + 1))
    chance[:, 0] = 1.0
    among = np.arange(visits + 1)
    for s in range(1, misses.shape[1] + 1):
        left = np.maximum(0.0, (s - among) / s) * chance
        left[:, 1:] += among[1:] / s * chance[:, :-1] * misses[:, s - 1 : s]
        chance = left
    return chance[:, visits]


def filled_and_even(false: int, sites: int, items: int) -> Iterator[tuple[int, ...]]:
    """The placements that fill some sites and spread the rest evenly over any number of others."""
    for filled in range(min(false // items, sites) + 1):
        rest, free = false - filled * items, sites - filled
        if rest == 0:
            yield (items,) * filled + (0,) * free
        for used in range(-(-rest // items) or 1, free + 1 if rest else 0):
            share, extra = divmod(rest, used)
            spread = (share + 1,) * extra + (share,) * (used - extra)
            yield (items,) * filled + spread + (0,) * (free - used)
