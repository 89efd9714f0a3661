"""Prohibitions: an act judged against what the law forbids, event by event, certain or uncertain."""

from __future__ import annotations

import msgspec
import numpy as np

from detente.draws import Draws
from detente.errors import DetenteError
from detente.inventory import Inventory, Item
from detente.linear import LinearForm, Sense
from detente.sources import RECALLED_MARK
from detente.treaty.evaluate import evaluate
from detente.treaty.resolve import Law
from detente.treaty.schema import Prohibition
from detente.treaty.select import covers, unknown_keys
from detente.verdict import Basis, Outcome, Verdict


def judge_acts(law: Law, party: str, given: Inventory | Draws) -> tuple[Verdict, ...]:
    """A verdict for each prohibition and each row of `given` that it covers, or may cover.

    A row is one act (one explosion, its yield); an uncertain yield is an interval or a column of draws, and the
    verdict's `p_met` is the probability that the act stayed within what is allowed.
    """
    rows = given.inventory if isinstance(given, Draws) else given
    return tuple(
        _judge(law, prohibition, party, given, column, item, covered)
        for prohibition in law.instrument.prohibitions
        if not prohibition.parties or party in prohibition.parties
        for column, item in enumerate(rows.items)
        if (covered := covers(prohibition.select, item, law.words)) is not False
    )


def _judge(
    law: Law,
    prohibition: Prohibition,
    party: str,
    given: Inventory | Draws,
    column: int,
    item: Item,
    covered: bool | None,
) -> Verdict:
    if item.unit != prohibition.unit:
        raise DetenteError(
            f"unit mismatch: '{prohibition.id}' is in {prohibition.unit}, the row in {item.unit}",
            where=item.id,
        )
    form = LinearForm(
        party=party,
        items=(item.id,),
        low=np.array([[1.0 if covered else 0.0]]),
        high=np.array([[1.0]]),
        bound=np.array([float(prohibition.at_most)]),
        sense=(Sense.at_most,),
        unit=(prohibition.unit,),
        provision=(f"prohibitions/{prohibition.id}",),
        citation=(prohibition.article,),
        sentence=(
            f"{prohibition.title}: at most {prohibition.at_most} {prohibition.unit} ({prohibition.article})",
        ),
        missing=(
            tuple(
                f"{item.label}: '{k}' is not given" for k in unknown_keys(prohibition.select, item, law.words)
            ),
        ),
        open=(False,),
    )
    one = Inventory((item,), item.id)
    alone = (
        Draws(one, given.values[:, [column]], given.seed, given.method) if isinstance(given, Draws) else one
    )
    verdict = evaluate(form, alone)[0]
    marks = (f"prohibition {RECALLED_MARK}",) if prohibition.quality.doubtful else ()
    verdict = msgspec.structs.replace(verdict, facts=(item.id,), marks=marks)
    return _by_status(law, prohibition, party, verdict)


def _by_status(law: Law, prohibition: Prohibition, party: str, verdict: Verdict) -> Verdict:
    """What binds nobody on the day is no breach; the numbers stay beside it."""
    name = f"prohibitions/{prohibition.id}"
    binds = {standing.binds(name) for standing in law.status(party).views.values()}
    if binds == {True} and law.running(prohibition.since, prohibition.until):
        return verdict
    outcome = (
        Outcome.not_in_force
        if binds == {False}
        else Outcome.disputed
        if len(binds) > 1
        else Outcome.indeterminate
    )
    if binds == {True}:
        outcome = Outcome.not_applicable
    return msgspec.structs.replace(
        verdict,
        outcome=outcome,
        basis=Basis.status,
        reason=f"status on {law.as_of.law}: {law.status(party).state}",
    )
