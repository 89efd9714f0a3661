"""Questions to the law: status, statements, membership, duties."""

from __future__ import annotations

from datetime import date

from detente.asof import parse_day
from detente.assess.ask_limits import law_on, references
from detente.assess.questions import (
    Act,
    Answer,
    BoundBy,
    Duty,
    Finding,
    Member,
    Status,
)
from detente.assess.rooms import named
from detente.errors import DetenteError, nearest
from detente.sources import RECALLED_MARK
from detente.treaty import instrument_ids
from detente.treaty.life import State
from detente.treaty.schema import Obligation
from detente.treaty.schema import Statement as Said

ALIVE = (State.in_force, State.observed)
UNSURE = (State.disputed, State.indeterminate)


def status(q: Status, day: date, known: date) -> Finding:
    """The state of an instrument on a day, in each party's view."""
    day = parse_day(q.day or day)
    law = law_on(q.instrument, day, known, q.viewpoint)
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
        sources=references(law, cited or (law.instrument.term.cite if law.instrument.term else ())),
        command=f"detente treaty {q.instrument} --as-of {day} --known {known}",
        changes=("a dated statement of a party that changes the status",),
    )


def act(q: Act, day: date, known: date) -> Finding:
    """A dated statement on an instrument's record."""
    law = law_on(q.instrument, day, known)
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
        sources=references(law, s.cite),
        command=f"detente treaty {q.instrument} --known {known}",
        marks=(RECALLED_MARK,) if s.quality.doubtful else (),
        changes=("a correction of the record",),
    )


def _public(s: Said, known: date) -> bool:
    from detente.asof import Span

    return Span.parse(s.published or s.date).earliest <= known


def member(q: Member, day: date, known: date) -> Finding:
    """Who is party to an instrument."""
    law = law_on(q.instrument, day, known)
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
        law = law_on(name, day, known)
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
            found.append((i.title, ", ".join(titles), references(law, tuple(i.sources)[:1])))
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
    law = law_on(q.instrument, day, known)
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
        sources=references(law, o.cite),
        command=f"detente treaty {q.instrument} --as-of {day} --known {known}",
        marks=(RECALLED_MARK,) if o.quality.doubtful else (),
        changes=("a dated statement of a party that changes the status",),
    )
