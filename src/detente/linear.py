"""The linear form: a treaty's limits at a date as one matrix over inventory rows.

Four users: evaluation multiplies it by draws, proofs state ``sum(c * n) <= L`` over commitments,
forces optimise under it, the page prints it as sentences.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Sense(StrEnum):
    """How a count relates to its bound."""

    at_most = "<="
    at_least = ">="
    exactly = "="


class Operator(msgspec.Struct, frozen=True, eq=False):
    """A rule that is not linear, added to the count of one limit; each pair is (low, high).

    For row quantities ``x`` (draw, item), zero or more:

    - ``tranche``: of the rows ``columns`` taken together, the first ``first`` items count ``inside`` each, the
      rest ``outside`` each; first are those that count most outside. ``inside``, ``outside``: (2, column) float64.
    - ``max``, ``min``: the larger or smaller of the linear sums ``parts`` (2, part, item) float64.
    - ``ratio``: the sum ``parts[:, 0]`` over the sum ``parts[:, 1]``; zero over zero is zero.
    """

    kind: str
    limit: int
    columns: tuple[int, ...] = ()
    first: float = 0.0
    inside: Array | None = None
    outside: Array | None = None
    parts: Array | None = None


class LinearForm(msgspec.Struct, frozen=True, eq=False):
    """Limits compiled for one party and one list of rows at a date.

    `low`, `high`: (limit, item) float64 coefficients, equal except where a row's membership is unknown.
    `bound`: (limit,) float64, NaN where no bound is known. `sense`, `unit`, `provision`, `citation` and
    `sentence`: one a limit. `missing`: per limit, what nobody has said (never taken as zero). `open`: per limit,
    whether a category that no row covers leaves the count open above; without it, whether anything is missing.
    `operators`: the few rules that are not linear.
    """

    party: str
    items: tuple[str, ...]
    low: Array
    high: Array
    bound: Array
    sense: tuple[Sense, ...]
    unit: tuple[str, ...]
    provision: tuple[str, ...]
    citation: tuple[str, ...]
    sentence: tuple[str, ...]
    missing: tuple[tuple[str, ...], ...]
    operators: tuple[Operator, ...] = ()
    open: tuple[bool, ...] = ()

    def is_open(self, n: int) -> bool:
        """Does a category that no row covers leave the count of limit `n` open above?"""
        return self.open[n] if self.open else bool(self.missing[n])

    @property
    def is_linear(self) -> bool:
        """True where the matrix alone is the whole law: what a proof or a linear program needs."""
        return not self.operators and bool(np.array_equal(self.low, self.high))
