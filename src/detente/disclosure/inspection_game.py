"""Inspection as a game: what deters, why announcing a random plan deters more, Dresher's sequential value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from math import comb

import msgspec

from detente.disclosure.sampling import detection
from detente.errors import DetenteError


def deterring(gain: Fraction, loss: Fraction) -> Fraction:
    """The detection probability above which a violation does not pay: g / (g + l).

    `gain` if it goes unseen, `loss` if it is found, legal behaviour being worth zero (same unit).
    """
    if gain <= 0 or loss <= 0:
        raise DetenteError(f"gain {gain} and loss {loss}", fix="both are above zero")
    return gain / (gain + loss)


def dresher(periods: int, inspections: int, caught: Fraction = Fraction(1)) -> Fraction:
    """The value to the violator of `periods` with `inspections` to spend: C(n-1, m) / sum_i C(n, i) c^(m-i).

    Payoffs to the violator: 1 for one violation in an uninspected period, -c if inspected, 0 for none; both
    sides see what the inspector did. Source: M. Dresher, RAND RM-2972, 1962 (c = 1); B. von Stengel,
    "Recursive inspection games", Math. Oper. Res. 41 (2016), arXiv 1412.0129.
    """
    n, m = periods, inspections
    if n < 0 or m < 0:
        raise DetenteError(f"{m} inspections in {n} periods", fix="both are zero or more")
    if m >= n:
        return Fraction(0)
    return Fraction(comb(n - 1, m)) / sum((comb(n, i) * caught ** (m - i) for i in range(m + 1)), Fraction())


class Stage(msgspec.Struct, frozen=True):
    """The next period's equilibrium: chance to inspect, chance to violate, value to the violator."""

    periods: int
    inspections: int
    inspect: Fraction
    violate: Fraction
    value: Fraction


def stage(periods: int, inspections: int, caught: Fraction = Fraction(1)) -> Stage:
    """The mixed equilibrium of one period of Dresher's game, by its two-by-two matrix (violator's payoff).

    Rows inspect, pass; columns legal, violate: [[v(n-1,m-1), -c], [v(n-1,m), 1]].
    """
    n, m = periods, inspections
    if m >= n:
        return Stage(n, m, Fraction(1), Fraction(0), Fraction(0))
    if m == 0:
        return Stage(n, 0, Fraction(0), Fraction(1, n), Fraction(1))  # any period does: spread evenly
    a, b = _recursive(n - 1, m - 1, caught), -caught
    c, d = _recursive(n - 1, m, caught), Fraction(1)
    bottom = a - b - c + d
    return Stage(n, m, (d - c) / bottom, (a - c) / bottom, (a * d - b * c) / bottom)


@cache
def _recursive(n: int, m: int, caught: Fraction) -> Fraction:
    """The value by backward induction: the slow reference beside the closed form."""
    values = {(i, 0): Fraction(1 if i else 0) for i in range(n + 1)}
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            if j >= i:
                values[i, j] = Fraction(0)
                continue
            a, c = values[i - 1, j - 1], values[i - 1, j]
            values[i, j] = (a + caught * c) / (a + caught - c + 1)
    return values[n, m] if n else Fraction(0)


def recursive_value(periods: int, inspections: int, caught: Fraction = Fraction(1)) -> Fraction:
    """Dresher's value by recursion over periods and inspections."""
    if inspections >= periods:
        return Fraction(0)
    return _recursive(periods, inspections, caught)


class OneShot(msgspec.Struct, frozen=True):
    """One inspection decision, played at once and announced: how often each side acts, what each is worth."""

    inspect: Fraction
    violate: Fraction
    inspector: Fraction
    inspectee: Fraction


class Payoffs(msgspec.Struct, frozen=True):
    """Worth to each side, legal behaviour without inspection being zero.

    Inspectee: `gain` unseen, minus `loss` found. Inspector: minus `harm` for an unseen violation, minus
    `alarm` for a found one (bad, but less so), minus `effort` for every inspection. `detects`: the chance
    that an inspection finds the violation.
    """

    gain: Fraction
    loss: Fraction
    harm: Fraction
    alarm: Fraction
    effort: Fraction
    detects: Fraction = Fraction(1)

    def __post_init__(self) -> None:
        deterring(self.gain, self.loss)
        if not 0 <= self.alarm < self.harm or self.effort < 0 or not 0 < self.detects <= 1:
            raise DetenteError(
                "inspector payoffs out of order", fix="0 <= alarm < harm, effort >= 0, 0 < detects <= 1"
            )


def at_once(pay: Payoffs) -> OneShot:
    """Nash equilibrium of the one-period game, neither side seeing the other's choice.

    The violator is indifferent at inspect = g / ((g + l) d), the inspector at
    violate = effort / (d (harm - alarm)).
    """
    inspect = deterring(pay.gain, pay.loss) / pay.detects
    worth = pay.detects * (pay.harm - pay.alarm)
    if inspect > 1 or pay.effort >= worth:  # inspection cannot deter, or is not worth its cost
        seen = Fraction(1) if pay.effort < worth else Fraction(0)
        return _outcome(pay, seen, Fraction(1))
    return _outcome(pay, inspect, pay.effort / worth)


def announced(pay: Payoffs) -> OneShot:
    """The inspector commits to its chance of inspecting and says so first (inspector leadership).

    At the deterring chance the inspectee has nothing to gain and acts legally; the inspector pays only its
    effort. It does so where that beats not inspecting at all. Source: M. Maschler, Naval Research Logistics
    Quarterly 13 (1966); R. Avenhaus, M. J. Canty, Compliance Quantified, 1996, chapter 5.
    """
    inspect = deterring(pay.gain, pay.loss) / pay.detects
    if inspect > 1:
        return at_once(pay)
    committed = _outcome(pay, inspect, Fraction(0))
    return max(committed, at_once(pay), key=lambda o: o.inspector)


def _outcome(pay: Payoffs, inspect: Fraction, violate: Fraction) -> OneShot:
    found = inspect * pay.detects
    return OneShot(
        inspect,
        violate,
        -pay.effort * inspect - violate * (found * pay.alarm + (1 - found) * pay.harm),
        violate * ((1 - found) * pay.gain - found * pay.loss),
    )


class Target(msgspec.Struct, frozen=True):
    """A site that may be cheated at: what a violation there gains unseen, and a visit's chance to find it."""

    name: str
    gain: Fraction
    detects: Fraction = Fraction(1)


class MixedPlan(msgspec.Struct, frozen=True):
    """Announced chances of a visit per target; `value` is the most that a violator can expect from any."""

    chances: tuple[Fraction, ...]
    value: Fraction

    @property
    def deters(self) -> bool:
        return self.value <= 0


def announced_mix(targets: Sequence[Target], visits: Fraction, loss: Fraction) -> MixedPlan:
    """Visit chances, summing to at most `visits`, that make the violator's best target as poor as can be.

    Against chance p a violation at target i is worth g_i - (g_i + l) d_i p. Water-filling: the least common
    level v such that the chances p_i(v) = max(0, (g_i - v) / ((g_i + l) d_i)) fit the quota and none
    passes 1. Where less than the quota deters everywhere (v = 0), only that is spent. Exact, because the
    chances are piecewise linear in the level.
    """
    if not targets or visits < 0 or loss <= 0:
        raise DetenteError("a plan needs targets, visits >= 0 and loss > 0")

    def chances(v: Fraction) -> list[Fraction]:
        return [max(Fraction(0), (t.gain - v) / ((t.gain + loss) * t.detects)) for t in targets]

    floor = max(Fraction(0), *(t.gain - (t.gain + loss) * t.detects for t in targets))
    if sum(chances(floor)) <= visits:
        return MixedPlan(tuple(chances(floor)), floor)
    # between two neighbouring gains the same targets are active and the sum is linear in v
    active: list[Target] = []
    level = Fraction(0)
    ordered = sorted(targets, key=lambda t: -t.gain)
    for i, t in enumerate(ordered):
        active.append(t)
        weight = sum((1 / ((a.gain + loss) * a.detects) for a in active), Fraction())
        level = (sum((a.gain / ((a.gain + loss) * a.detects) for a in active), Fraction()) - visits) / weight
        if i + 1 == len(ordered) or level >= ordered[i + 1].gain:
            break
    return MixedPlan(tuple(chances(level)), level)


class Deterrent(msgspec.Struct, frozen=True):
    """The smallest sample that makes every size of violation unprofitable; `tightest` binds."""

    inspected: int
    tightest: int
    value: Fraction


def cheapest_deterrent(
    items: int,
    largest: int,
    gain: Callable[[int], Fraction],
    loss: Fraction,
    recognised: Fraction = Fraction(1),
) -> Deterrent:
    """The least announced sample against which no k from 1 to `largest` pays: (1 - p_k) g(k) <= p_k l.

    Raises DetenteError where even a full inspection leaves one that pays.
    """

    def best(n: int) -> tuple[Fraction, int]:
        def worth(k: int) -> Fraction:
            p = detection(items, k, n, recognised)
            return (1 - p) * gain(k) - p * loss

        return max((worth(k), -k) for k in range(1, largest + 1))

    low, high = 0, items
    if best(high)[0] > 0:
        raise DetenteError("no sample deters: a full inspection still leaves a violation that pays")
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if best(middle)[0] <= 0 else (middle + 1, high)
    value, k = best(low)
    return Deterrent(low, -k, value)
