"""Judging: status, windows, readings and numbers of a day join into one verdict per limit and party."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from detente.draws import Draws
from detente.errors import DetenteError
from detente.inventory import Inventory
from detente.linear import Array
from detente.parties import party as known_party
from detente.sources import RECALLED_MARK
from detente.treaty.compile import compile_form, limits_of
from detente.treaty.evaluate import evaluate
from detente.treaty.life import Standing, State
from detente.treaty.prohibit import judge_acts
from detente.treaty.resolve import BoundOnDay, Law
from detente.treaty.schema import Limit
from detente.treaty.schema import Reading as ReadingRule
from detente.verdict import Basis, Outcome, Reading, Verdict

NOTHING = Inventory(())


def judge(law: Law, given: Mapping[str, Inventory | Draws], *, tell: bool = False) -> tuple[Verdict, ...]:
    """Verdicts on every limit of the day for every party it binds, and on every act a prohibition covers.

    `given`: each party's rows or draws, by party code; a party that is left out has declared nothing.
    Raises DetenteError where rows contradict each other, or, with `tell`, gives that limit the outcome `error`.
    """
    for code in given:
        if "+" not in code and known_party(code).code != code:
            raise DetenteError(f"'{code}' is written '{known_party(code).code}' here")
    limits = (
        (_told if tell else judge_limit)(law, limit, party, rows_of(party, given))
        for limit in law.instrument.limits
        for party in counted_as(law, limit)
    )
    acts = (verdict for party, rows in given.items() for verdict in judge_acts(law, party, rows))
    return (*limits, *acts)


def _told(law: Law, limit: Limit, party: str, given: Inventory | Draws) -> Verdict:
    try:
        return judge_limit(law, limit, party, given)
    except DetenteError as bad:
        bound = law.bound(limit, party)
        found = _plain(limit, party, Outcome.error, bound, str(bad))
        return msgspec.structs.replace(found, basis=Basis.contradiction)


def counted_as(law: Law, limit: Limit) -> tuple[str, ...]:
    """The parties a limit is judged for: each by itself, all as one (``FR+UK+US``), or side by side."""
    if limit.sides:
        return tuple("+".join(side) for side in limit.sides)
    parties = limit.parties or law.instrument.parties
    return ("+".join(parties),) if limit.together else parties


def judge_limit(law: Law, limit: Limit, party: str, given: Inventory | Draws) -> Verdict:
    """The verdict on one limit for one party (``US+RU`` where parties are counted together)."""
    bound = law.bound(limit, party)
    counted = _counted(law, limit, party, given)
    verdicts: dict[str, Verdict] = {}
    for viewer, standing in law.status(party.split("+")[0]).views.items():
        status = _by_status(law, limit, party, standing, bound)
        verdicts[viewer] = _beside(status, counted) if status else _with_condition(counted, standing)
    return _marked(_agree(verdicts, limit, party), law, limit, given, bound)


def rows_of(party: str, given: Mapping[str, Inventory | Draws]) -> Inventory | Draws:
    """What `given` says of one party, or of several counted as one (``US+RU``)."""
    if party in given or "+" not in party:
        return given.get(party, NOTHING)
    parts = [given.get(p, NOTHING) for p in party.split("+")]
    if any(isinstance(p, Draws) for p in parts):
        return _stack(parts)
    rows = tuple(i for p in parts if isinstance(p, Inventory) for i in p.items)
    whole = all(p.complete for p in parts if isinstance(p, Inventory))
    return Inventory(rows, "+".join(p.name for p in parts if isinstance(p, Inventory)), whole)


def _stack(parts: list[Inventory | Draws]) -> Draws:
    import numpy as np

    drawn = [p for p in parts if isinstance(p, Draws)]
    n = len(drawn[0].values)
    if any(len(d.values) != n for d in drawn):
        counts = " and ".join(str(len(d.values)) for d in drawn)
        raise DetenteError(f"parties counted as one have {counts} draws", fix="draw equally often for each")
    whole = [p.inventory if isinstance(p, Draws) else p for p in parts]
    rows = Inventory(tuple(i for p in whole for i in p.items), complete=all(p.complete for p in whole))
    values = [p.values if isinstance(p, Draws) else np.tile(_fixed(p), (n, 1)) for p in parts]
    return Draws(rows, np.concatenate(values, axis=1), drawn[0].seed, drawn[0].method)


def _fixed(inventory: Inventory) -> Array:
    """The counts of a declaration beside draws: as given where they are exact, else unknown."""
    import numpy as np

    low, high = inventory.bounds
    return np.where(low == high, low, np.nan)


def _by_status(law: Law, limit: Limit, party: str, standing: Standing, bound: BoundOnDay) -> Verdict | None:
    """A verdict from the law alone, or None where the numbers have to speak."""
    binds = standing.binds(f"limits/{limit.id}")
    since = f" since {standing.since}" if standing.since else ""
    if binds is False and standing.state is State.suspended:
        return _plain(limit, party, Outcome.not_applicable, bound, f"suspended{since}")
    if binds is False:
        return _plain(limit, party, Outcome.not_in_force, bound, f"{standing.state}{since}")
    if binds is None:
        day = law.as_of.law
        return _plain(
            limit, party, Outcome.indeterminate, bound, f"its dates do not decide whether it binds on {day}"
        )
    if bound.open is False:
        reached = bound.since and bound.since.reached(law.as_of.law)
        word = (
            f"bound until {bound.until}"
            if reached
            else f"binds from {bound.since or limit.since or 'an event to come'}"
        )
        return _plain(limit, party, Outcome.not_applicable, bound, word)
    if bound.open is None:
        return _plain(
            limit,
            party,
            Outcome.indeterminate,
            bound,
            "the day the limit begins or ends is not known exactly",
        )
    return None


def _beside(status: Verdict, counted: Verdict) -> Verdict:
    """What the law alone decides, with the count beside it: a count over a limit that does not bind is no breach."""
    return msgspec.structs.replace(
        status, count=counted.count, margin=counted.margin, facts=counted.facts, p_met=counted.p_met
    )


def _counted(law: Law, limit: Limit, party: str, given: Inventory | Draws) -> Verdict:
    readings = [r for r in law.readings(limit) if law.viewpoint in ("", *r.holders)]
    text = _under(law, limit, party, given, None)
    if not readings:
        return text
    sides = tuple(Reading(r.id, r.holders, _under(law, limit, party, given, r)) for r in readings)
    outcomes = {s.verdict.outcome for s in sides}
    if len(outcomes) == 1:
        return msgspec.structs.replace(sides[0].verdict, readings=sides)
    reason = "; ".join(f"{' and '.join(s.holders)}: {s.verdict.outcome} ({_count(s.verdict)})" for s in sides)
    return msgspec.structs.replace(
        text, outcome=Outcome.disputed, basis=Basis.readings, readings=sides, reason=reason
    )


def _under(
    law: Law, limit: Limit, party: str, given: Inventory | Draws, reading: ReadingRule | None
) -> Verdict:
    rows = given.inventory if isinstance(given, Draws) else given
    form = compile_form(law, party, rows, reading, (limit,))
    verdict = evaluate(form, given)[0]
    used = form.high[0] > 0
    for op in form.operators:
        used[list(op.columns)] = True
        if op.parts is not None:
            used |= op.parts[1].any(axis=0)
    facts = tuple(i.id for i, u in zip(rows.items, used, strict=True) if u)
    return msgspec.structs.replace(verdict, facts=facts)


def _with_condition(verdict: Verdict, standing: Standing) -> Verdict:
    """A conditional commitment is kept or broken only if its condition holds, which nobody has established."""
    if not standing.condition or verdict.outcome not in (Outcome.met, Outcome.exceeded):
        return verdict
    return msgspec.structs.replace(
        verdict,
        outcome=Outcome.indeterminate if verdict.outcome is Outcome.exceeded else verdict.outcome,
        basis=Basis.condition,
        reason=f"the commitment holds only while: {standing.condition}",
    )


def _agree(verdicts: dict[str, Verdict], limit: Limit, party: str) -> Verdict:
    """One verdict where all views agree on the outcome, else `disputed` with each side."""
    outcomes = {v.outcome for v in verdicts.values()}
    first = next(iter(verdicts.values()))
    if len(outcomes) == 1:
        return first
    sides = tuple(Reading(f"as {v} sees it", (v,), verdict) for v, verdict in verdicts.items())
    reason = "; ".join(
        f"{v}: {x.outcome}" + (f" ({x.reason})" if x.reason else "") for v, x in verdicts.items()
    )
    return Verdict(
        Outcome.disputed, Basis.status, party, f"limits/{limit.id}", limit.unit, limit.sense,
        bound=first.bound, readings=sides, reason=reason,
    )  # fmt: skip


def _plain(limit: Limit, party: str, outcome: Outcome, bound: BoundOnDay, reason: str) -> Verdict:
    return Verdict(
        outcome, Basis.status, party, f"limits/{limit.id}", limit.unit, limit.sense, bound=bound.value, reason=reason
    )  # fmt: skip


def _marked(verdict: Verdict, law: Law, limit: Limit, given: Inventory | Draws, bound: BoundOnDay) -> Verdict:
    """The verdict with the marks it must carry: recalled values it rests on, rival values of its bound."""
    marks = []
    if bound.quality == "recalled":
        marks.append(f"bound {RECALLED_MARK}")
    rules = {r.id: r for r in law.instrument.counting}
    named = (*limit.count, *(n for g in limit.groups for n in g))
    if any(rules[n].quality.doubtful for n in named):
        marks.append(f"counting rule {RECALLED_MARK}")
    rows = given.inventory if isinstance(given, Draws) else given
    used = set(verdict.facts)
    for item in rows.items:
        for value, source in item.rivals if item.id in used else ():
            marks.append(
                f"sources differ on {item.type or item.kind}: {item.best:g} or {value:g} ({source.ref})"
            )
            verdict = _rival_count(verdict, value - item.best)
    if any(i.source.quality.doubtful for i in rows.items if i.id in used):
        marks.append(f"inventory {RECALLED_MARK}")
    for printed in limit.rivals:
        other = printed.bound.get(verdict.party) if isinstance(printed.bound, dict) else printed.bound
        if other is not None and other != bound.value:
            cites = ", ".join(printed.cite)
            marks.append(f"sources differ on the bound: {bound.value:g} or {other:g} ({cites})")
            verdict = _rival_outcome(verdict, float(other))
    return msgspec.structs.replace(verdict, marks=tuple(marks)) if marks else verdict


def _rival_outcome(verdict: Verdict, value: float) -> Verdict:
    """Indeterminate where the bound that another source prints would turn the outcome."""
    if (
        verdict.outcome not in (Outcome.met, Outcome.exceeded)
        or verdict.count is None
        or verdict.bound is None
    ):
        return verdict
    shift = value - verdict.bound if verdict.sense == "<=" else verdict.bound - value
    margin = verdict.margin
    assert margin is not None
    turned = margin.low + shift < 0 if verdict.outcome is Outcome.met else margin.high + shift >= 0
    if not turned:
        return verdict
    reason = f"sources differ on the bound ({verdict.bound:g} or {value:g}), and the outcome with them"
    return msgspec.structs.replace(verdict, outcome=Outcome.indeterminate, reason=reason)


def _rival_count(verdict: Verdict, more: float) -> Verdict:
    """Indeterminate where the count that another source prints would turn the outcome."""
    if verdict.outcome not in (Outcome.met, Outcome.exceeded) or verdict.margin is None:
        return verdict
    shift = -more if verdict.sense == "<=" else more
    if (verdict.margin.low + shift < 0) == (verdict.outcome is Outcome.exceeded):
        return verdict
    return msgspec.structs.replace(
        verdict,
        outcome=Outcome.indeterminate,
        reason="sources differ on the count, and the outcome with them",
    )


def _count(verdict: Verdict) -> str:
    if verdict.count is None:
        return verdict.reason or "no count"
    low, high = verdict.count.low, verdict.count.high
    return f"{low:g} {verdict.unit}" if low == high else f"{low:g} to {high:g} {verdict.unit}"


__all__ = ["judge", "judge_limit", "limits_of"]
