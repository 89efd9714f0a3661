"""Questions to the law: bounds, declared counts, readings, status, statements, membership, duties."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from detente.asof import AsOf, parse_day
from detente.assess.claims import words
from detente.assess.compliance import assess_law, declarations
from detente.assess.questions import (
    Act,
    Answer,
    Bound,
    BoundBy,
    Declared,
    Duty,
    Finding,
    Member,
    Status,
    UnderReading,
    compared,
)
from detente.assess.rooms import named
from detente.errors import DetenteError, nearest
from detente.forces.declarations import declaration_dates
from detente.forces.proposals import load_proposal
from detente.sources import RECALLED_MARK
from detente.treaty import Law, instrument_ids, judge_limit, load, resolve
from detente.treaty.explain import number
from detente.treaty.judge import rows_of
from detente.treaty.life import State
from detente.treaty.schema import Obligation
from detente.treaty.schema import Statement as Said
from detente.verdict import Outcome, Verdict

ALIVE = (State.in_force, State.observed)
UNSURE = (State.disputed, State.indeterminate)


def _law(name: str, day: date, known: date, viewpoint: str = "") -> Law:
    return resolve(load_proposal(name), AsOf(day, day, known), viewpoint)


def _refs(law: Law, cites: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(law.instrument.sources[c].ref for c in cites))


def bound(q: Bound, day: date, known: date) -> Finding:
    """A limit's bound for a party."""
    day = parse_day(q.day or day)
    law = _law(q.instrument, day, known)
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
        sources=_refs(law, limit.cite),
        command=f"detente treaty {q.instrument} --as-of {day}",
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
    rows = (declarations(_law(name, d, known)).get(party) for d in days)
    return tuple(dict.fromkeys(i.source.ref for r in rows if r for i in r.items))


def under_reading(q: UnderReading, day: date, known: date) -> Finding:
    """One limit on one day under one reading of its rules."""
    day = parse_day(q.day)
    law = _law(q.instrument, day, known)
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
        sources=_refs(law, rule.cite),
        command=command,
        marks=verdict.marks,
        changes=(f"agreement of the parties on the reading of {rule.article}",),
    )


def status(q: Status, day: date, known: date) -> Finding:
    """The state of an instrument on a day, in each party's view."""
    day = parse_day(q.day or day)
    law = _law(q.instrument, day, known, q.viewpoint)
    unknown = sorted(set(q.states) - {str(s) for s in State})
    if unknown:
        raise DetenteError(f"no state '{unknown[0]}'", fix=nearest(unknown[0], [str(s) for s in State]))
    made = law.status()
    views = {k: str(v.state) for k, v in made.views.items()}
    inside = [s in q.states for s in views.values()]
    answer: Answer = "yes" if all(inside) else "no" if not any(inside) else "open"
    told = "; ".join(
        f"{named(k)}: {v.state}" + (f" since {v.since}" if v.since else "") for k, v in made.views.items()
    )
    conditions = dict.fromkeys(v.condition for v in made.views.values() if v.condition)
    said = {s.id: s for s in law.instrument.life}
    cited = [c for v in made.views.values() for s in v.by for c in said[s].cite]
    return Finding(
        answer=answer,
        text=f"{law.instrument.title} on {day}: {told}."
        + "".join(f" It holds only while {c}." for c in conditions),
        facts=tuple(f"{q.instrument}/life/{s}" for v in made.views.values() for s in v.by),
        sources=_refs(law, cited or (law.instrument.term.cite if law.instrument.term else ())),
        command=f"detente treaty {q.instrument} --as-of {day} --known {known}",
        changes=("a dated statement of a party that changes the status",),
    )


def act(q: Act, day: date, known: date) -> Finding:
    """A dated statement on an instrument's record."""
    law = _law(q.instrument, day, known)
    said = {s.id: s for s in law.instrument.life}
    if q.statement not in said:
        raise DetenteError(
            f"no statement '{q.statement}'", where=q.instrument, fix=nearest(q.statement, said)
        )
    s = said[q.statement]
    if not _public(s, known):
        return Finding(answer="open", text=f"Nothing of the kind was on the record by {known}.")
    who = " and ".join(named(p) for p in s.by)
    note = f": {s.note}" if s.note else ""
    return Finding(
        answer="yes",
        text=(
            f"On the record of {law.instrument.title}: {who}, {s.date}, {str(s.act).replace('_', ' ')} "
            f"({s.article}){note}."
        ),
        facts=(f"{q.instrument}/life/{s.id}",),
        sources=_refs(law, s.cite),
        command=f"detente treaty {q.instrument} --known {known}",
        marks=(RECALLED_MARK,) if s.quality.doubtful else (),
        changes=("a correction of the record",),
    )


def _public(s: Said, known: date) -> bool:
    from detente.asof import Span

    return Span.parse(s.published or s.date).earliest <= known


def member(q: Member, day: date, known: date) -> Finding:
    """Who is party to an instrument."""
    law = _law(q.instrument, day, known)
    inside = q.party in law.instrument.parties
    names = ", ".join(named(p) for p in law.instrument.parties)
    return Finding(
        answer="yes" if inside == q.says else "no",
        text=f"The parties of {law.instrument.title}: {names}.",
        facts=(f"{q.instrument}/parties",),
        sources=tuple(s.ref for s in law.instrument.sources.values())[:1],
        command=f"detente treaty {q.instrument}",
        changes=("accession of another party",),
    )


def bound_by(q: BoundBy, day: date, known: date) -> Finding:
    """The instruments of some topics that bind a party."""
    day = parse_day(q.day or day)
    found: list[tuple[str, str, tuple[str, ...]]] = []
    unsure: list[str] = []
    examined: list[str] = []
    for name in instrument_ids():
        law = _law(name, day, known)
        i = law.instrument
        state = law.status(q.party).state
        if i.topic in q.topics:
            examined.append(f"{name}/parties")
        if i.topic not in q.topics or q.party not in i.parties or state not in (*ALIVE, *UNSURE):
            continue
        if state in UNSURE:
            unsure.append(f"{i.title} ({state})")
            continue
        due = [o for o in law.obligations() if o.kind in q.duties]
        if not q.duties or due:
            titles = tuple(o.title for o in due)
            found.append((i.title, ", ".join(titles), _refs(law, tuple(i.sources)[:1])))
    who, what = named(q.party), " or ".join(q.duties or q.topics).replace("_", " ")
    answer: Answer = "yes" if bool(found) == (q.says == "some") else "no"
    some = "; ".join(f"{title} ({due})" if due else title for title, due, _ in found)
    return Finding(
        answer="open" if unsure and not found else answer,
        text=(
            f"Encoded instruments on {what} that bind {who} on {day}: {some}."
            if found
            else f"No encoded instrument on {what} binds {who} on {day}."
        )
        + (f" Not certain: {', '.join(unsure)}." if unsure else ""),
        margin=float(len(found)),
        unit="instruments",
        facts=tuple(examined),
        sources=tuple(s for _, _, refs in found for s in refs),
        command=f"detente treaties --as-of {day}",
        changes=("an instrument that is not encoded here", "a new instrument, or the end of one"),
    )


def duty(q: Duty, day: date, known: date) -> Finding:
    """A duty of an instrument on a day."""
    day = parse_day(q.day or day)
    law = _law(q.instrument, day, known)
    duties: dict[str, Obligation] = {o.id: o for o in law.instrument.obligations}
    if q.duty not in duties:
        raise DetenteError(f"no duty '{q.duty}'", where=q.instrument, fix=nearest(q.duty, duties))
    o = duties[q.duty]
    running = law.running(o.since, o.until) and q.party in law.instrument.parties
    state = law.status(q.party).state
    alive = running and state in ALIVE
    open_ = running and state in UNSURE
    answer: Answer = "open" if open_ else "yes" if alive == (q.says == "alive") else "no"
    return Finding(
        answer=answer,
        text=f"{law.instrument.title}, {o.article}, '{o.title}', for {named(q.party)} on {day}: {state}.",
        facts=(f"{q.instrument}/obligations/{o.id}",),
        sources=_refs(law, o.cite),
        command=f"detente treaty {q.instrument} --as-of {day} --known {known}",
        marks=(RECALLED_MARK,) if o.quality.doubtful else (),
        changes=("a dated statement of a party that changes the status",),
    )
