"""What a law still allows: the largest force, the smallest cut, and what could be uploaded on leaving."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from detente.errors import DetenteError
from detente.linear import Array, LinearForm, Sense

UNBOUNDED = "without bound: no limit of this law holds back what is asked for"


class Tie(msgspec.Struct, frozen=True):
    """What holds between rows whatever the law says: the quantity of `row` is at most `times` that of `of`.

    Row numbers; e.g. warheads on a type at most eight for each of its missiles.
    """

    row: int
    of: int
    times: float


class Force(msgspec.Struct, frozen=True, eq=False):
    """A solution: `items` (item,) in each row's unit, the `total` of what was asked for, the limits that bind."""

    items: Array
    total: float
    binding: tuple[str, ...]
    note: str = ""


def _rows(form: LinearForm) -> tuple[Array, Array, tuple[str, ...]]:
    """The limits that have a bound as ``matrix @ x <= bound``. Raises DetenteError for a law that is not linear."""
    if not form.is_linear:
        raise DetenteError(
            "the law is more than its matrix (an operator, or rows it does not decide)",
            where=form.party,
            fix="a linear program needs a linear law",
        )
    matrix, bound, names = [], [], []
    for n, sense in enumerate(form.sense):
        if np.isnan(form.bound[n]):
            continue
        for sign in {Sense.at_most: (1,), Sense.at_least: (-1,), Sense.exactly: (1, -1)}[sense]:
            matrix.append(sign * form.low[n])
            bound.append(sign * form.bound[n])
            names.append(form.provision[n])
    width = form.low.shape[1]
    return np.array(matrix).reshape(-1, width), np.array(bound), tuple(names)


def _ties(ties: Sequence[Tie], width: int) -> Array:
    matrix = np.zeros((len(ties), width))
    for n, tie in enumerate(ties):
        matrix[n, tie.row] += 1.0
        matrix[n, tie.of] -= tie.times
    return matrix


def largest_force(
    form: LinearForm,
    value: Array,
    *,
    upper: Array | None = None,
    ties: Sequence[Tie] = (),
    whole: bool = False,
) -> Force:
    """The rows that make ``value @ x`` largest under the law: a linear program, solved by HiGHS.

    `value` (item,) per unit of each row; `upper` (item,) the most of each row (inf: free to build); `whole`:
    whole numbers only. Raises DetenteError for a law that is not linear or that nothing can satisfy.
    """
    matrix, bound, names = _rows(form)
    return _solve(-np.asarray(value), matrix, bound, names, upper, ties, whole, sign=-1.0)


def smallest_cut(
    form: LinearForm,
    has: Array,
    *,
    weight: Array | None = None,
    ties: Sequence[Tie] = (),
    whole: bool = False,
) -> Force:
    """What to take away from `has` (item,) so that the law is met, fewest items first (``weight @ cut``).

    `ties` hold for what remains. Raises DetenteError for a law that cutting cannot satisfy.
    """
    matrix, bound, names = _rows(form)
    weight = np.ones(has.size) if weight is None else weight
    # in terms of what remains: most of it, weighted, and no more than there is
    kept = _solve(-weight, matrix, bound, names, has, ties, whole, sign=-1.0)
    cut = has - kept.items
    return Force(cut, float(weight @ cut), kept.binding, kept.note)


def _solve(
    cost: Array,
    matrix: Array,
    bound: Array,
    names: tuple[str, ...],
    upper: Array | None,
    ties: Sequence[Tie],
    whole: bool,
    sign: float,
) -> Force:
    from scipy.optimize import Bounds, LinearConstraint, milp

    width = cost.size
    top = np.full(width, np.inf) if upper is None else upper
    together = np.vstack([matrix, _ties(ties, width)])
    limits = np.concatenate([bound, np.zeros(len(ties))])
    found = milp(
        cost,
        constraints=LinearConstraint(together, -np.inf, limits) if len(limits) else (),
        bounds=Bounds(np.zeros(width), top),
        integrality=np.full(width, int(whole)),
    )
    if found.status == 3 or (found.x is None and "unbounded" in str(found.message).lower()):
        return Force(np.full(width, np.nan), np.inf, (), UNBOUNDED)
    if found.x is None:
        raise DetenteError("no force satisfies this law", where=", ".join(names), fix=str(found.message))
    x = np.maximum(found.x, 0.0)
    slack = limits[: len(names)] - matrix @ x
    tight = 0.999 if whole else 1e-6
    binding = tuple(
        n
        for n, s, b in zip(names, slack, bound, strict=True)
        if s <= tight * max(1.0, abs(b)) * 1e-3 + (tight if whole else 1e-6)
    )
    return Force(x, sign * float(cost @ x), tuple(dict.fromkeys(binding)))
