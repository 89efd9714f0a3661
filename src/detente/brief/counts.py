"""The counts section: declared counts against limits, what is disputed about them, what is unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from detente.asof import AsOf
from detente.assess.compliance import Compliance, declarations
from detente.brief.record import Dispute, Door, Point, Unknown
from detente.treaty import Law, load, resolve
from detente.treaty.explain import Node, explain, number
from detente.treaty.judge import counted_as, rows_of
from detente.treaty.life import State
from detente.verdict import Outcome, Verdict


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


def count_disputes(law: Law, past: Sequence[Compliance]) -> Iterable[Dispute]:
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


def status_disputes(law: Law, past: Sequence[Compliance]) -> Iterable[Dispute]:
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


def unknowns(law: Law, points: tuple[Point, ...]) -> Iterable[Unknown]:
    """What the record does not tell, for each party that declared, and why."""
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


def trees(day: date) -> dict[str, Node]:
    """The explanation of each New START verdict on the last day it could be judged, for the page's doors."""
    loaded = load("new-start")
    end = date(2026, 2, 4)
    law = resolve(loaded, AsOf.on(min(day, end), known=day))
    rows = declarations(law, by_system=True)
    return {
        f"{limit.id} {party}": explain(law, limit.id, party, rows_of(party, rows))
        for limit in loaded.instrument.limits
        for party in counted_as(law, limit)
    }
