"""The law: reads an instrument, resolves it at a date, compiles its limits, tracks its life, explains.

>>> from detente.asof import AsOf
>>> from detente.treaty import load, resolve
>>> resolve(load("new-start"), AsOf.on("2026-02-05")).status().state
<State.expired: 'expired'>
"""

from detente.treaty.compile import compile_form
from detente.treaty.evaluate import evaluate
from detente.treaty.explain import explain
from detente.treaty.judge import judge, judge_limit
from detente.treaty.load import Loaded, instrument_ids, load, loads
from detente.treaty.obligations import duties
from detente.treaty.patch import apply, compare, invert, read
from detente.treaty.resolve import Law, change_points, resolve

__all__ = [
    "Law",
    "Loaded",
    "apply",
    "change_points",
    "compare",
    "compile_form",
    "duties",
    "evaluate",
    "explain",
    "instrument_ids",
    "invert",
    "judge",
    "judge_limit",
    "load",
    "loads",
    "read",
    "resolve",
]
