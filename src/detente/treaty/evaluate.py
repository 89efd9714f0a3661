"""Evaluating: a linear form times a declaration or times draws gives a verdict per limit."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from detente.draws import Draws
from detente.inventory import Inventory
from detente.linear import Array, LinearForm, Operator, Sense
from detente.verdict import Basis, Outcome, Quantiles, Verdict

QUANTILES = (0.05, 0.5, 0.95)


def evaluate(form: LinearForm, given: Inventory | Draws) -> tuple[Verdict, ...]:
    """One verdict per limit of `form`, for one declaration (intervals) or for Monte-Carlo draws.

    The rows (columns) of `given` must be those the form was compiled over. Unknown counts stay unknown: a limit
    they touch is indeterminate unless the known part already decides.
    """
    return _over_draws(form, given) if isinstance(given, Draws) else _over_intervals(form, given)


def count_interval(form: LinearForm, inventory: Inventory) -> tuple[Array, Array]:
    """(low, high) of each limit's count, each (limit,) float64; inf where something is unknown."""
    low, high = inventory.bounds
    lows, highs = _dot(form.low, low), _dot(form.high, high)
    for op in form.operators:
        lows[op.limit] += float(apply_operator(op, low[None, :], 0)[0])
        highs[op.limit] += float(apply_operator(op, high[None, :], 1)[0])
        if op.kind == "ratio":  # smallest over largest, and the reverse
            lows[op.limit], highs[op.limit] = _ratio_interval(op, low, high)
    gaps = np.array([bool(m) for m in form.missing])
    return lows, np.where(gaps, math.inf, highs)


def _over_intervals(form: LinearForm, inventory: Inventory) -> tuple[Verdict, ...]:
    lows, highs = count_interval(form, inventory)
    best = inventory.best
    mids = _dot(form.low, best) if form.is_linear and not np.isnan(best).any() else np.full(len(lows), np.nan)
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
    worst, most = sorted(_margin(sense, bound, np.array([low, high])).tolist())
    if sense is Sense.exactly and low < bound < high:
        most = 0.0
    slack = 1e-9 * max(1.0, abs(bound))
    outcome = Outcome.met if worst >= -slack else Outcome.exceeded if most < -slack else Outcome.indeterminate
    unknown = math.isinf(high)
    basis = Basis.missing if unknown else Basis.counted if low == high else Basis.bounded
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
    counts = _draw_counts(form, draws.values)
    slack = 1e-9 * np.maximum(1.0, np.abs(form.bound))
    return tuple(
        _draw_verdict(form, n, counts[n][0], counts[n][1], float(slack[n]), draws)
        for n in range(len(form.bound))
    )


def _draw_counts(form: LinearForm, x: Array) -> list[tuple[Array, Array]]:
    """Per limit, (low, high) counts over draws, each (draw,) float64; the same array twice where they agree."""
    lows = np.ascontiguousarray((x @ np.where(np.isfinite(form.low), form.low, 0.0).T).T)
    same = np.array_equal(form.low, form.high)
    if np.isnan(lows).any():  # some column is unknown: NaN times a zero coefficient must not spread
        known = ~np.isnan(x[0])
        lows = _dot_rows(form.low[:, known], x[:, known])
        same = False
        highs = np.stack([_high(form.high[n], x, known) for n in range(len(lows))])
    else:
        highs = lows if same else np.stack([_high(form.high[n], x, None) for n in range(len(lows))])
    pairs = [(lows[n], highs[n]) for n in range(len(lows))]
    for op in form.operators:
        low, high = pairs[op.limit]
        more = apply_operator(op, x, 0)
        most = more if _is_exact(op) else apply_operator(op, x, 1)
        total = low + np.nan_to_num(more)
        pairs[op.limit] = (
            total,
            total if low is high and more is most else high + np.where(np.isnan(most), np.inf, most),
        )
    return pairs


def _high(coefficients: Array, x: Array, known: npt.NDArray[np.bool_] | None) -> Array:
    finite = np.isfinite(coefficients)
    columns = finite if known is None else finite & known
    total = np.asarray(x[:, columns] @ coefficients[columns])
    wild = ~finite if known is None else ~finite & known
    if wild.any():
        total = np.where((x[:, wild] > 0).any(axis=1), np.inf, total)
    if known is not None and (coefficients[~known] > 0).any():
        total = np.full_like(total, np.inf)
    return total


def _draw_verdict(form: LinearForm, n: int, low: Array, high: Array, slack: float, draws: Draws) -> Verdict:
    bound, sense = float(form.bound[n]), form.sense[n]
    if math.isnan(bound):
        return _verdict(form, n, Outcome.indeterminate, Basis.missing, missing=("the bound is not known",))
    if form.missing[n] and math.isfinite(float(high[0])):
        high = np.full_like(low, np.inf)
    margin = _margin(sense, bound, low)
    other = margin if high is low else _margin(sense, bound, high)
    worst, most = (margin, margin) if high is low else (np.minimum(margin, other), np.maximum(margin, other))
    p_low = np.count_nonzero(worst >= -slack) / len(worst)
    p_high = p_low if most is worst else np.count_nonzero(most >= -slack) / len(most)
    decided = p_low == p_high
    outcome = Outcome.met if p_low == 1 else Outcome.exceeded if p_high == 0 else Outcome.indeterminate
    known = not form.missing[n] and decided
    q = _quantiles(worst)
    counted = {
        Sense.at_most: (bound - q.high, bound - q.mid, bound - q.low),
        Sense.at_least: (bound + q.low, bound + q.mid, bound + q.high),
    }
    return _verdict(
        form,
        n,
        outcome,
        Basis.draws if known or outcome is not Outcome.indeterminate else Basis.missing,
        bound=bound,
        count=Quantiles(*counted[sense]) if sense in counted else _quantiles(low),
        margin=q,
        p_met=p_low if decided else None,
        p_met_se=math.sqrt(p_low * (1 - p_low) / len(low)) if decided else None,
        missing=form.missing[n] if outcome is Outcome.indeterminate else (),
        reason="" if decided else f"between {p_low:.0%} and {p_high:.0%} of draws keep the limit",
        seed=draws.seed,
    )


def apply_operator(op: Operator, x: Array, side: int) -> Array:
    """The operator's contribution for rows `x` (draw, item) -> (draw,); `side` 0 low, 1 high coefficients."""
    if op.kind == "tranche":
        assert op.inside is not None and op.outside is not None
        n = x[:, list(op.columns)]
        before = np.cumsum(n, axis=1) - n
        filled = np.clip(op.first - before, 0.0, n)
        within = _dot_rows(op.inside[side][None, :], filled)
        beyond = _dot_rows(op.outside[side][None, :], n - filled)
        return np.asarray((within + beyond)[0])
    assert op.parts is not None
    sums: Array = _dot_rows(op.parts[side], x)
    if op.kind == "ratio":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(sums[0] == 0, 0.0, sums[0] / sums[1]))
    return np.asarray(sums.max(axis=0) if op.kind == "max" else sums.min(axis=0))


def _is_exact(op: Operator) -> bool:
    arrays = (op.inside, op.outside, op.parts)
    return all(a is None or np.array_equal(a[0], a[1]) for a in arrays)


def _ratio_interval(op: Operator, low: Array, high: Array) -> tuple[float, float]:
    assert op.parts is not None
    top, bottom = _dot(op.parts[0], low), _dot(op.parts[1], high)
    return (
        0.0 if top[0] == 0 else float(top[0] / bottom[1]),
        0.0 if bottom[0] == 0 else math.inf if top[1] == 0 else float(bottom[0] / top[1]),
    )


def _dot(c: Array, x: Array) -> Array:
    """``c @ x`` for zero-or-more operands with inf meaning unknown, where inf times zero is zero."""
    return np.asarray(_dot_rows(c, x[None, :])[:, 0])


def _dot_rows(c: Array, x: Array) -> Array:
    """(limit, item) times (draw, item) -> (limit, draw); inf means unknown, and inf times zero is zero."""
    cf, xf = np.isfinite(c), np.isfinite(x)
    if cf.all() and xf.all():
        return np.asarray(c @ x.T)
    total: Array = np.where(cf, c, 0.0) @ np.where(xf, x, 0.0).T
    unknown = ((~cf).astype(float) @ (x > 0).T) + ((c > 0).astype(float) @ (~xf).T)
    return np.asarray(np.where(unknown > 0, np.inf, total))


def _margin(sense: Sense, bound: float, count: Array) -> Array:
    if sense is Sense.at_most:
        return bound - count
    return count - bound if sense is Sense.at_least else -np.abs(count - bound)


def _quantiles(values: Array) -> Quantiles:
    """The 5, 50 and 95 % points by linear interpolation between order statistics (Hyndman and Fan type 7)."""
    spots = [q * (len(values) - 1) for q in QUANTILES]
    ranks = sorted({r for s in spots for r in (math.floor(s), math.ceil(s))})
    part = np.partition(values, ranks)
    points = []
    for spot in spots:
        a, b = float(part[math.floor(spot)]), float(part[math.ceil(spot)])
        points.append(a if a == b else a + (spot - math.floor(spot)) * (b - a))
    return Quantiles(*points)


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
