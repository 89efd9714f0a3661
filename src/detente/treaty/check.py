"""The rules every instrument keeps beyond its shape, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from detente.errors import DetenteError
from detente.treaty.check_counting import bounds_are_sound, counting_fits, selects_fit
from detente.treaty.check_names import (
    citations_hold,
    coverage_points,
    ids_are_unique,
    parties_exist,
    references_hold,
)
from detente.treaty.check_times import duties_are_whole, times_resolve
from detente.treaty.problem import Problem
from detente.treaty.schema import Instrument

RULES: tuple[Callable[[Instrument], Iterator[Problem]], ...] = (
    ids_are_unique,
    parties_exist,
    citations_hold,
    references_hold,
    times_resolve,
    counting_fits,
    selects_fit,
    bounds_are_sound,
    duties_are_whole,
)


def problems(instrument: Instrument, *, original: bool = True) -> Iterator[Problem]:
    """Every broken rule of an instrument that already has the right shape, in reading order of the rules.

    `original`: False leaves out the coverage table, which a patch does not rewrite.
    """
    for rule in (*RULES, *((coverage_points,) if original else ())):
        try:
            yield from rule(instrument)
        except DetenteError as bad:  # a helper that raises where a rule would report
            yield Problem(bad.what, (), bad.fix)
