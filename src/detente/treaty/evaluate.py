"""Evaluating: a linear form times a declaration or times draws gives a verdict per limit."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from detente.draws import Draws
from detente.inventory import Inventory
from detente.linear import Array, LinearForm, Operator, Sense
from detente.verdict import Basis, Outcome, Quantiles, Verdict

QUANTILES = (0.05, 0.5, 0.95)
Mask = npt.NDArray[np.bool_]
Pair = tuple[Array, Array]


def evaluate(form: LinearForm, given: Inventory | Draws) -> tuple[Verdict, ...]:
    """One verdict per limit of `form`, for one declaration (intervals) or for Monte-Carlo draws.

    The rows (columns) of `given` must be those the form was compiled over. Unknown counts stay unknown: a limit
    they touch is indeterminate unless the known part already decides.
    """
    return _over_draws(form, given) if isinstance(given, Draws) else _over_intervals(form, given)


def count_interval(form: LinearForm, inventory: Inventory) -> tuple[Array, Array]:
    """(low, high) of each limit's count, each (limit,) float64; inf where something is unknown."""
    low, high = inventory.bounds
    pairs = _counts(form, _Rows(low[None, :]), _Rows(high[None, :]))
    return np.array([float(p[0][0]) for p in pairs]), np.array([float(p[1][0]) for p in pairs])


def _over_intervals(form: LinearForm, inventory: Inventory) -> tuple[Verdict, ...]:
    lows, highs = count_interval(form, inventory)
    best = inventory.best
    mids = form.low @ best if form.is_linear and not np.isnan(best).any() else np.full(len(lows), np.nan)
    return tuple(
        _interval_verdict(form, n, float(lows[n]), float(highs[n]), float(mids[n])) for n in range(len(lows))
    )


def _interval_verdict(form: LinearForm, n: int, low: float, high: float, mid: float) -> Verdict:
    bound, sense = float(form.bound[n]), form.sense[n]
    if math.isinf(high):
        mid = math.nan
    elif math.isnan(mid) and low == high:
        mid = low
    if math.isnan(bound):
        return _verdict(form, n, Outcome.indeterminate, Basis.missing, missing=("the bound is not known",))
    worst, most = (float(m[0]) for m in _margins(sense, bound, np.array([low]), np.array([high])))
    slack = _slack(bound)
    outcome = Outcome.met if worst >= -slack else Outcome.exceeded if most < -slack else Outcome.indeterminate
    basis = Basis.missing if math.isinf(high) else Basis.counted if low == high else Basis.bounded
    return _verdict(
        form,
        n,
        outcome,
        basis,
        bound=bound,
        count=Quantiles(low, mid, high),
        margin=Quantiles(worst, float(_margin(sense, bound, np.array([mid]))[0]), most),
        missing=form.missing[n] if outcome is Outcome.indeterminate else (),
    )


def _over_draws(form: LinearForm, draws: Draws) -> tuple[Verdict, ...]:
    rows = _Rows(draws.values)
    pairs = _counts(form, rows, rows)
    return tuple(_draw_verdict(form, n, low, high, draws, rows) for n, (low, high) in enumerate(pairs))


def _draw_verdict(form: LinearForm, n: int, low: Array, high: Array, draws: Draws, rows: _Rows) -> Verdict:
    bound, sense = float(form.bound[n]), form.sense[n]
    if math.isnan(bound):
        return _verdict(form, n, Outcome.indeterminate, Basis.missing, missing=("the bound is not known",))
    slack = _slack(bound)
    worst, most = _margins(sense, bound, low, high)
    p_low = np.count_nonzero(worst >= -slack) / len(worst)
    p_high = p_low if most is worst else np.count_nonzero(most >= -slack) / len(most)
    decided = p_low == p_high
    outcome = Outcome.met if p_low == 1 else Outcome.exceeded if p_high == 0 else Outcome.indeterminate
    margin = _quantiles(worst) if most is worst else _spread(worst, most)
    return _verdict(
        form,
        n,
        outcome,
        Basis.draws if decided else Basis.missing,
        bound=bound,
        count=_count_quantiles(sense, bound, margin, low) if high is low else _spread(low, high),
        margin=margin,
        p_met=p_low if decided else None,
        p_met_se=math.sqrt(p_low * (1 - p_low) / len(low)) if decided else None,
        missing=(*form.missing[n], *_undrawn(form, n, draws, rows)) if not decided else (),
        reason="" if decided else f"between {p_low:.0%} and {p_high:.0%} of draws keep the limit",
        seed=draws.seed,
    )


def _undrawn(form: LinearForm, n: int, draws: Draws, rows: _Rows) -> Iterator[str]:
    """The rows of limit `n` that are unknown in every draw, though their inventory may give a number."""
    used = form.high[n] > 0
    for op in form.operators:
        if op.limit == n:
            used[list(op.columns)] = True
            used |= op.parts[1].any(axis=0) if op.parts is not None else False
    for column in np.flatnonzero(used & ~rows.known):
        item = draws.inventory.items[column]
        if item.known:
            yield f"{item.label}: no number drawn ({item.id})"


class _Rows:
    """Quantities (draw, item) and which columns nobody knows: `seen` leaves those out, in one copy at most."""

    def __init__(self, x: Array) -> None:
        self.x = x
        self.known: Mask = np.isfinite(x[0])
        self.whole = bool(self.known.all())
        self.seen = x if self.whole else x[:, self.known]

    def sums(self, c: Array, *, most: bool) -> Array:
        """(sum, item) coefficients -> (sum, draw); what nobody knows adds zero at least, and inf at most."""
        finite = np.isfinite(c)
        used = c if finite.all() else np.where(finite, c, 0.0)
        total: Array = (used if self.whole else used[:, self.known]) @ self.seen.T
        if most:
            for n, column in np.argwhere(~finite & self.known):
                total[n][self.x[:, column] > 0] = np.inf
            total[((c > 0) & ~self.known).any(axis=1)] = np.inf
        return total


def _counts(form: LinearForm, least: _Rows, most: _Rows) -> list[Pair]:
    """Per limit its (low, high) count, each (draw,) float64; the very same array twice where they agree."""
    exact = least is most and least.whole
    lows = least.sums(form.low, most=False)
    same = [exact and np.array_equal(*pair) for pair in zip(form.low, form.high, strict=True)]
    highs = lows if all(same) else most.sums(form.high, most=True)
    pairs = [(low, low if same[n] else highs[n]) for n, low in enumerate(lows)]
    for op in form.operators:
        low, high = pairs[op.limit]
        one = exact and high is low and _is_exact(op)
        less, more = _apply(op, least, most, one=one, is_open=form.is_open(op.limit))
        total = low + less
        pairs[op.limit] = (total, total if one else high + more)
    return [
        (low, np.full_like(low, np.inf) if form.is_open(n) else high) for n, (low, high) in enumerate(pairs)
    ]


def _apply(op: Operator, least: _Rows, most: _Rows, *, one: bool, is_open: bool) -> Pair:
    """What an operator adds, (low, high), each (draw,). `is_open`: a sum may be larger than any row shows."""
    if op.kind == "tranche":
        less = _tranche(op, least, 0)
        return less, less if one else _tranche(op, most, 1)
    assert op.parts is not None
    low = least.sums(op.parts[0], most=False)
    high = low if one else most.sums(op.parts[1], most=True)
    if op.kind == "ratio":
        less = np.zeros(low.shape[1]) if is_open else _ratio(low[0], high[1])
        return less, less if one else _ratio(high[0], low[1])
    join = np.max if op.kind == "max" else np.min
    return join(low, axis=0), join(high, axis=0)


def _tranche(op: Operator, rows: _Rows, side: int) -> Array:
    """The first items inside, the rest outside; row by row, those first that count most outside."""
    assert op.inside is not None and op.outside is not None
    inside, outside = op.inside[side], op.outside[side]
    total = np.zeros(len(rows.x))
    left = np.full(len(rows.x), op.first)
    for k in np.argsort(-outside, kind="stable"):
        column = op.columns[k]
        if rows.known[column]:
            n = rows.x[:, column]
            filled = np.minimum(n, left)
            beyond = n - filled
        elif side:
            filled, beyond = left, np.full(len(left), np.inf)
        else:
            continue
        total += inside[k] * filled
        if outside[k] > 0:
            total[beyond > 0] += outside[k] * beyond[beyond > 0]
        left = left - filled
    return total


def _ratio(top: Array, bottom: Array) -> Array:
    """``top / bottom`` for zero or more; anything over zero is inf, and nothing over anything is zero."""
    found = np.full_like(top, np.inf)
    np.divide(top, bottom, out=found, where=bottom > 0)
    return np.where(top > 0, found, 0.0)


def _is_exact(op: Operator) -> bool:
    arrays = (op.inside, op.outside, op.parts)
    return all(a is None or np.array_equal(a[0], a[1]) for a in arrays)


def _slack(bound: float) -> float:
    return 1e-9 * max(1.0, abs(bound))


def _margin(sense: Sense, bound: float, count: Array) -> Array:
    if sense is Sense.at_most:
        return bound - count
    return count - bound if sense is Sense.at_least else -np.abs(count - bound)


def _margins(sense: Sense, bound: float, low: Array, high: Array) -> Pair:
    """(worst, most) margin of counts in [low, high]; the very same array twice where those are one."""
    at_low = _margin(sense, bound, low)
    if high is low:
        return at_low, at_low
    at_high = _margin(sense, bound, high)
    most = np.maximum(at_low, at_high)
    if sense is Sense.exactly:
        most = np.where((low <= bound) & (bound <= high), 0.0, most)
    return np.minimum(at_low, at_high), most


def _quantiles(values: Array) -> Quantiles:
    """The 5, 50 and 95 % points by linear interpolation between order statistics (Hyndman and Fan type 7)."""
    spots = [q * (len(values) - 1) for q in QUANTILES]
    ranks = sorted({r for s in spots for r in (math.floor(s), math.ceil(s))})
    part = np.partition(values, ranks)
    points = []
    for spot in spots:
        a, b = float(part[math.floor(spot)]), float(part[math.ceil(spot)])
        between = 0.0 if a == b or math.isinf(a) else (spot - math.floor(spot)) * (b - a)
        points.append(a + between)
    return Quantiles(*points)


def _spread(low: Array, high: Array) -> Quantiles:
    """From the 5 % point of the lowest to the 95 % point of the highest; no middle, since nobody knows it."""
    return Quantiles(_quantiles(low).low, math.nan, _quantiles(high).high)


def _count_quantiles(sense: Sense, bound: float, margin: Quantiles, count: Array) -> Quantiles:
    """The count's quantiles, read off those of its margin where one mirrors the other."""
    if sense is Sense.at_most:
        return Quantiles(bound - margin.high, bound - margin.mid, bound - margin.low)
    if sense is Sense.at_least:
        return Quantiles(bound + margin.low, bound + margin.mid, bound + margin.high)
    return _quantiles(count)


def _verdict(form: LinearForm, n: int, outcome: Outcome, basis: Basis, **more: object) -> Verdict:
    return Verdict(
        outcome=outcome,
        basis=basis,
        party=form.party,
        provision=form.provision[n],
        unit=form.unit[n],
        sense=str(form.sense[n]),
        **more,  # type: ignore[arg-type]
    )
