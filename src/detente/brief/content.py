"""The content of the briefing: one record that the page, the terminal text and the JSON are made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from detente.asof import AsOf
from detente.assess.compliance import Compliance, declarations, exchanges, history
from detente.treaty import Law, instrument_ids, load, resolve
from detente.treaty.explain import Node, explain, number
from detente.treaty.judge import counted_as
from detente.treaty.life import State
from detente.treaty.schema import Obligation
from detente.verdict import Outcome, Verdict

LIVE = (State.in_force, State.suspended, State.observed, State.disputed)


class Door(msgspec.Struct, frozen=True):
    """What stands behind a number: how it was found, its sources, and the command that finds it again."""

    method: str
    command: str
    sources: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()


class Headline(msgspec.Struct, frozen=True):
    """One of the numbers a reader sees first."""

    value: str
    label: str
    door: Door


class LawRow(msgspec.Struct, frozen=True):
    """One instrument on the day: whom it binds, its status, in words and as each party sees it."""

    id: str
    title: str
    kind: str
    topic: str
    parties: tuple[str, ...]
    state: State
    in_force: bool
    since: str
    views: dict[str, str]
    condition: str
    summary: str
    door: Door


class Point(msgspec.Struct, frozen=True):
    """One declared count against one limit on one date; None where no number was given."""

    day: date
    party: str
    limit: str
    count: float | None
    bound: float | None
    outcome: Outcome
    marks: tuple[str, ...]


class Dispute(msgspec.Struct, frozen=True):
    """A question on which holders of readings, parties or sources differ, with each side."""

    title: str
    day: str
    sides: tuple[tuple[str, str], ...]
    door: Door


class Unknown(msgspec.Struct, frozen=True):
    """Something the record does not tell, since when, and what would settle it."""

    what: str
    since: str
    why: str
    settles: tuple[str, ...]
    door: Door


class Notice(msgspec.Struct, frozen=True):
    """A duty to notify or talk that is alive on the day."""

    instrument: str
    parties: tuple[str, ...]
    duty: str
    deadline: str
    article: str
    marks: tuple[str, ...]
    door: Door


class Brief(msgspec.Struct, frozen=True):
    """Everything the briefing says."""

    as_of: date
    title: str
    summary: str
    headlines: tuple[Headline, ...]
    law: tuple[LawRow, ...]
    points: tuple[Point, ...]
    disputes: tuple[Dispute, ...]
    unknowns: tuple[Unknown, ...]
    notices: tuple[Notice, ...]


def gather(day: date) -> Brief:
    """The briefing as it could have been written on `day`: only what was published by then."""
    clocks = AsOf.on(day, known=day)
    laws = [resolve(load(name), clocks) for name in instrument_ids()]
    new_start = next(law for law in laws if law.instrument.id == "new-start")
    past = [c for c in history(new_start.loaded, known=day) if c.as_of.facts <= day]
    declared = exchanges(past)
    points = points_of(declared)
    rows = tuple(
        sorted((_law_row(law) for law in laws), key=lambda r: (r.state not in LIVE, r.topic, r.since))
    )
    unknowns = tuple(_unknowns(new_start, points))
    return Brief(
        as_of=day,
        title="The state of strategic arms control",
        summary=_summary(new_start, rows, day),
        headlines=tuple(_headlines(new_start, rows, points)),
        law=rows,
        points=points,
        disputes=(*_status_disputes(new_start, past), *_count_disputes(new_start, declared)),
        unknowns=unknowns,
        notices=tuple(_notices(laws)),
    )


def _law_row(law: Law) -> LawRow:
    i, status = law.instrument, law.status()
    first = next(iter(status.views.values()))
    views = (
        {}
        if status.state is not State.disputed
        else {k: f"{v.state} since {v.since}" for k, v in status.views.items()}
    )
    cited = {ref for s in i.life if s.id in first.by for ref in s.cite} or {r for s in i.life for r in s.cite}
    return LawRow(
        id=i.id,
        title=i.title,
        kind=i.kind.replace("_", " "),
        topic=i.topic,
        parties=i.parties,
        state=status.state,
        in_force=status.in_force,
        since=str(first.since or ""),
        views=views,
        condition=next((v.condition for v in status.views.values() if v.condition), ""),
        summary=i.summary,
        door=Door(
            "status resolved from the dated statements of the parties",
            f"detente treaty {i.id} --as-of {law.as_of.law} --known {law.as_of.known}",
            tuple(i.sources[c].ref for c in sorted(cited)),
        ),
    )


def points_of(past: Iterable[Compliance]) -> tuple[Point, ...]:
    """The declared counts of a history, one point a day, party and limit."""
    return tuple(
        Point(
            day=c.as_of.facts,
            party=v.party,
            limit=v.provision.removeprefix("limits/"),
            count=v.count.low if v.count and v.count.low == v.count.high else None,
            bound=v.bound,
            outcome=v.outcome,
            marks=v.marks,
        )
        for c in past
        for v in c.verdicts
        if v.facts
    )


def _headlines(law: Law, rows: tuple[LawRow, ...], points: tuple[Point, ...]) -> Iterable[Headline]:
    day = law.as_of.law
    capped = [
        r
        for r in rows
        if r.topic == "limits" and r.kind == "treaty" and r.in_force and {"US", "RU"} <= set(r.parties)
    ]
    yield Headline(
        str(len(capped)),
        "treaties in force that limit US and Russian strategic arms"
        if len(capped) != 1
        else "treaty in force that limits US and Russian strategic arms",
        Door(
            "library instruments of topic 'limits' in force between the US and Russia",
            f"detente treaties --as-of {day} --known {day}",
        ),
    )
    end = law.events.get("term_end")
    if end:
        days = (day - end.earliest).days
        yield Headline(
            number(abs(days)),
            "days since New START ended" if days >= 0 else "days until New START ends",
            Door(
                "end of the term as extended (Art. XIV)",
                f"detente treaty new-start --as-of {day} --known {day}",
            ),
        )
    for party, who in (("US", "US"), ("RU", "Russian")):
        counted = [p for p in points if p.party == party and p.limit == "II.1.b" and p.count is not None]
        if counted:
            last = counted[-1]
            yield Headline(
                number(last.count or 0.0),
                f"{who} deployed warheads by treaty count, last given for {last.day}",
                Door(
                    "the last declaration published by the day of this page",
                    f"detente assess new-start --as-of {last.day} --known {day}",
                    _fact_sources(law, last),
                ),
            )


def _fact_sources(law: Law, point: Point) -> tuple[str, ...]:
    rows = declarations(resolve(law.loaded, AsOf.on(point.day, known=law.as_of.known)))
    return tuple(dict.fromkeys(i.source.ref for i in rows[point.party].items if i.kind == "declared_total"))


def _count_disputes(law: Law, past: Sequence[Compliance]) -> Iterable[Dispute]:
    """Counts on which holders of readings, or sources, differ."""
    for c in past:
        for v in c.verdicts:
            day, limit = str(c.as_of.law), v.provision.removeprefix("limits/")
            door = _door(
                law,
                v,
                f"detente why {c.instrument} {limit} {v.party} --as-of {day} --known {law.as_of.known}",
            )
            if v.outcome is Outcome.disputed and v.readings:
                sides = tuple((" and ".join(r.holders), _side(r.verdict)) for r in v.readings)
                article = law.limit(limit).article
                yield Dispute(f"What the {v.party} declaration counts under {article}", day, sides, door)
            for mark in v.marks:
                head, _, printed = mark.partition(": ")
                if head.startswith("sources differ"):
                    yield Dispute(f"{v.party}: {head}", day, (("printed", printed),), door)


def _status_disputes(law: Law, past: Sequence[Compliance]) -> Iterable[Dispute]:
    """Days on which the parties see the law itself differently."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    for c in past:
        sides = tuple((k, f"{v.state} since {v.since}") for k, v in c.status.views.items())
        if c.status.state is not State.disputed or sides in seen:
            continue
        seen.add(sides)
        said = [s for s in law.instrument.life if s.act in ("suspended", "contested")]
        sources = dict.fromkeys(law.instrument.sources[r].ref for s in said for r in s.cite)
        command = f"detente treaty {c.instrument} --as-of {c.as_of.law} --known {law.as_of.known}"
        door = Door("each party's statements, in its own view", command, tuple(sources))
        yield Dispute("Whether New START was suspended", str(c.as_of.law), sides, door)


def _side(verdict: Verdict) -> str:
    if verdict.count is None or verdict.bound is None:
        return str(verdict.outcome)
    return f"{number(verdict.count.low)} of at most {number(verdict.bound)}: {verdict.outcome}"


def _door(law: Law, verdict: Verdict, command: str) -> Door:
    limit = law.limit(verdict.provision.removeprefix("limits/"))
    readings = [r for r in law.instrument.readings if limit.id in r.of]
    cites = dict.fromkeys((*limit.cite, *(c for r in readings for c in r.cite)))
    return Door(
        "one declaration, each reading of the rule",
        command,
        tuple(law.instrument.sources[c].ref for c in cites),
        verdict.facts,
    )


def _unknowns(law: Law, points: tuple[Point, ...]) -> Iterable[Unknown]:
    day = law.as_of.law
    for party, who in (("US", "the United States"), ("RU", "Russia")):
        given = [p for p in points if p.party == party and p.count is not None]
        if not given:
            continue
        last = max(p.day for p in given)
        if (day - last).days < 215:  # a declaration stands for seven months at most
            continue
        acts = [s for s in law.instrument.life if s.date > str(last) and party in s.by and s.note]
        yield Unknown(
            what=f"whether {who} keeps the limits of 700, 1 550 and 800",
            since=str(last),
            why="; ".join(f"{s.date}: {s.note}" for s in acts) or "no declaration has been published",
            settles=(
                f"a declaration by {who} of its three totals",
                "an inspection, or another agreed way to check one",
            ),
            door=Door(
                "a declaration stands until the next exchange, seven months at most; none stands for the day",
                f"detente assess new-start --as-of {min(day, date(2026, 2, 4))} --known {day}",
                tuple(dict.fromkeys(law.instrument.sources[c].ref for s in acts for c in s.cite)),
            ),
        )


def _notices(laws: list[Law]) -> Iterable[Notice]:
    for law in laws:
        i = law.instrument
        if i.topic not in ("notification", "communication") or law.status().state not in LIVE:
            continue
        duties: Iterable[Obligation | None] = [o for o in law.obligations() if o.kind != "right"] or (None,)
        for o in duties:
            marks = ("recalled: not read in a source",) if o and o.quality.doubtful else ()
            yield Notice(
                instrument=i.title,
                parties=i.parties,
                duty=o.title if o else i.summary,
                deadline=deadline_words(o) if o else "at any time",
                article=o.article if o else "",
                marks=marks,
                door=Door(
                    "obligations of instruments in force on the day",
                    f"detente treaty {i.id} --as-of {law.as_of.law}",
                    tuple(i.sources[c].ref for c in (o.cite if o else tuple(i.sources)[:2])),
                ),
            )


def deadline_words(o: Obligation) -> str:
    """An obligation's deadline in words."""
    from detente.asof import Duration

    if o.before:
        return f"at least {Duration.parse(o.before)} before"
    if o.after:
        return f"within {Duration.parse(o.after)}"
    if o.quota:
        most = f"at most {o.quota.at_most}" if o.quota.at_most is not None else f"at least {o.quota.at_least}"
        return f"{most} in each {Duration.parse(o.quota.per)}"
    return f"every {Duration.parse(o.every.length)}" if o.every else "when it happens"


def _summary(law: Law, rows: tuple[LawRow, ...], day: date) -> str:
    live = [r for r in rows if r.in_force and {"US", "RU"} <= set(r.parties)]
    limits = [r for r in live if r.topic == "limits"]
    talk = [r for r in live if r.topic in ("notification", "communication")]
    status = law.status()
    if limits:
        names = ", ".join(r.title for r in limits)
        first = f"US and Russian strategic arms are limited by {names}."
    else:
        first = "No treaty in force limits the strategic arms of the United States and Russia."
    if status.state is State.disputed:
        first += " Whether New START is suspended is disputed between its parties."
    if state_of(law) is State.expired:
        first += f" New START ended on {law.events['term_end']}; the last declared counts are older still."
    return f"{first} Still in force between them: {len(talk)} agreements on notification and communication."


def state_of(law: Law) -> State:
    """The state of an instrument on its day, `disputed` where views differ."""
    return law.status().state


def trees(day: date) -> dict[str, Node]:
    """The explanation of each New START verdict on the last day it could be judged, for the page's doors."""
    loaded = load("new-start")
    end = date(2026, 2, 4)
    law = resolve(loaded, AsOf.on(min(day, end), known=day))
    rows = declarations(law, by_system=True)
    from detente.treaty.judge import rows_of

    return {
        f"{limit.id} {party}": explain(law, limit.id, party, rows_of(party, rows))
        for limit in loaded.instrument.limits
        for party in counted_as(law, limit)
    }
