"""Questions on limits: the bound a text sets, the counts declared against it, rival readings of its rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from detente.asof import AsOf, parse_day
from detente.assess.claims import words
from detente.assess.compliance import assess_law, declarations
from detente.assess.questions import (
    Answer,
    Bound,
    Declared,
    Finding,
    UnderReading,
    compared,
)
from detente.assess.rooms import named
from detente.forces.declarations import declaration_dates
from detente.sources import RECALLED_MARK
from detente.treaty import Law, instrument_ids, judge_limit, load, resolve
from detente.treaty.explain import number
from detente.treaty.judge import rows_of
from detente.treaty.proposals import load_proposal
from detente.verdict import Outcome, Verdict


def law_on(name: str, day: date, known: date, viewpoint: str = "") -> Law:
    return resolve(load_proposal(name), AsOf(day, day, known), viewpoint)


def references(law: Law, cites: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(law.instrument.sources[c].ref for c in cites))


def _text_of(name: str, day: date) -> str:
    return f"detente treaty {name} --as-of {day}" if name in instrument_ids() else "detente proposals list"


def bound(q: Bound, day: date, known: date) -> Finding:
    """A limit's bound for a party."""
    day = parse_day(q.day or day)
    law = law_on(q.instrument, day, known)
    limit = law.limit(q.limit)
    found = law.bound(limit, q.party)
    if found.value is None:
        return Finding(answer="open", text=f"{law.instrument.title} names no number for {named(q.party)}")
    holds, margin = compared(found.value, q.relation, q.value, words().about)
    return Finding(
        answer="yes" if holds else "no",
        text=f"{law.instrument.title}, {limit.article}: at most {number(found.value)} {limit.unit} ({limit.title})",
        margin=margin,
        unit=limit.unit,
        sources=references(law, limit.cite),
        command=_text_of(q.instrument, day),
        facts=(f"{q.instrument}/limits/{limit.id}",),
        marks=(RECALLED_MARK,) if limit.quality.doubtful else (),
        changes=("a change of the text",),
    )


OWN_RULES = "declared counts stand by the declaring party's own reading of the rules"
_OPPOSITE: dict[Answer, Answer] = {"yes": "no", "no": "yes", "allowed": "open", "open": "open"}


def declared(q: Declared, day: date, known: date) -> Finding:
    """Every declared count of a party in a period against the limits."""
    loaded, first, last = load(q.instrument), parse_day(q.since), parse_day(q.until)
    days = [d for d in declaration_dates(q.instrument) if first <= d <= last]
    found: list[Verdict] = []
    for d in days:  # the declarant's own counting rules: rival readings are another question
        made = assess_law(loaded, AsOf(d, d, known), q.party)
        found += [
            v for v in made.verdicts if v.party == q.party and v.provision.removeprefix("limits/") in q.limits
        ]
    over = [v for v in found if v.outcome is Outcome.exceeded]
    within = [v for v in found if v.outcome is Outcome.met]
    nearest_first = sorted((v for v in (*over, *within) if v.margin), key=_margin)
    near = nearest_first[0] if nearest_first else None
    who = named(q.party)
    text = (
        f"{named(q.party, first=True)} declared {len(within) + len(over)} counts between {first} and {last}: "
        f"{len(over)} over, "
        f"{len(within)} within"
    )
    if near and not over:
        text += f" (the nearest by {number(_margin(near))} {near.unit})"
    left = len(found) - len(over) - len(within)
    text += f"; {left} not known" if left else ""
    answer: Answer = (
        "no" if over else "open" if not within else "allowed" if left and not q.published else "yes"
    )
    if q.says == "over":
        answer = _OPPOSITE[answer]
    return Finding(
        answer=answer,
        text=text + ".",
        margin=_margin(near) if near else None,
        unit=near.unit if near else "",
        facts=tuple(f for v in found for f in v.facts),
        sources=_sources_of(loaded.instrument.id, q.party, days, known),
        command=f"detente history {q.instrument} --known {known}",
        marks=(OWN_RULES, *dict.fromkeys(m for v in found for m in v.marks)),
        changes=(
            f"a declared count of {who} over a limit in those years",
            *(["the counts that are not known"] if left else []),
        ),
    )


def _margin(v: Verdict) -> float:
    return v.margin.low if v.margin else float("inf")


def _sources_of(name: str, party: str, days: Iterable[date], known: date) -> tuple[str, ...]:
    rows = (declarations(law_on(name, d, known)).get(party) for d in days)
    return tuple(dict.fromkeys(i.source.ref for r in rows if r for i in r.items))


def under_reading(q: UnderReading, day: date, known: date) -> Finding:
    """One limit on one day under one reading of its rules."""
    day = parse_day(q.day)
    law = law_on(q.instrument, day, known)
    verdict = judge_limit(law, law.limit(q.limit), q.party, rows_of(q.party, declarations(law)))
    sides = {r.name: r for r in verdict.readings}
    who = named(q.party)
    command = f"detente why {q.instrument} {q.limit} {q.party} --as-of {day} --known {known}"
    if q.reading not in sides:
        why = "no such reading or declaration was on the record by then"
        return Finding(answer="open", text=f"{named(q.party, first=True)}, {day}: {why}.", command=command)
    side = sides[q.reading]
    mine, rule = side.verdict, next(r for r in law.instrument.readings if r.id == q.reading)
    if mine.count is None or mine.bound is None or mine.margin is None:
        return Finding(
            answer="open",
            text=f"{named(q.party, first=True)}, {day}: {mine.reason or 'no count'}.",
            command=command,
        )
    over = mine.outcome is Outcome.exceeded
    holds = over == (q.says == "over") and (q.margin is None or abs(mine.margin.mid) == q.margin)
    holders = " and ".join(named(h) for h in side.holders)
    return Finding(
        answer="yes" if holds else "no",
        text=(
            f"Under the reading of {holders} ({rule.text}) {who} had {number(mine.count.mid)} against "
            f"{number(mine.bound)} {mine.unit} on {day}: {number(abs(mine.margin.mid))} {'over' if over else 'left'}."
        ),
        margin=mine.margin.mid,
        unit=mine.unit,
        facts=mine.facts,
        sources=references(law, rule.cite),
        command=command,
        marks=verdict.marks,
        changes=(f"agreement of the parties on the reading of {rule.article}",),
    )
