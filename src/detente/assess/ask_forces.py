"""Questions to the numbers: levels, steps, ratios, projections, upload, delivery categories."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from detente.asof import AsOf, Span, parse_day
from detente.assess import rooms
from detente.assess.claims import words
from detente.assess.questions import (
    Answer,
    Breakout,
    Finding,
    Legs,
    Level,
    Passes,
    Ratio,
    Relation,
    Steps,
    compared,
)
from detente.assess.rooms import named
from detente.errors import DetenteError
from detente.forces.counts import WORLD
from detente.forces.views import Line, forces
from detente.treaty.explain import number


def _middle(x: Line) -> float:
    value = x.best if x.best is not None else x.low
    assert value is not None
    return value


def _doors(lines: list[Line]) -> dict[str, tuple[str, ...]]:
    return {
        "facts": tuple(x.id for x in lines),
        "sources": tuple(dict.fromkeys(x.url or x.source for x in lines)),
        "marks": tuple(dict.fromkeys(x.mark for x in lines if x.mark)),
    }


def _holds(x: Line, relation: Relation, value: float) -> tuple[bool | None, float]:
    """Does a printed line stand in the relation? None where only a lower end is printed and does not decide."""
    holds, margin = compared(_middle(x), relation, value, words().about)
    if x.best is None and x.high is None and not (relation in ("at_least", "above") and holds):
        return None, margin
    return holds, margin


def level(q: Level, day: date, known: date) -> Finding:
    """A level against a number, in every series asked for."""
    day = Span.parse(q.of).latest if q.of else day
    found_lines = (rooms.level(q.party, q.status, s, day, known) for s in q.series)
    lines = [x for x in found_lines if x and x.as_of.startswith(q.of)]
    command = f"detente forces compare {q.party} --as-of {day} --known {known} --status {q.status}"
    if q.party == WORLD:
        command = "detente forces check --all"  # the printed world totals beside the sums of their parts
    if not lines:
        text = f"No {q.status} of {named(q.party)} {f'in {q.of} ' if q.of else ''}was in print."
        return Finding(answer="open", text=text, command=command, changes=("its publication",))
    found = [_holds(x, q.relation, q.value) for x in lines]
    said = [h for h, _ in found]
    answer: Answer = "yes" if all(said) else "no" if all(h is False for h in said) else "open"
    told = "; ".join(f"{x.series} {_print(x)} ({x.as_of}, published {x.published})" for x in lines)
    return Finding(
        answer=answer,
        text=f"The {q.status} of {named(q.party)}: {told}, against {number(q.value)}.",
        margin=min((m for _, m in found), key=abs),
        unit="warheads",
        command=command,
        changes=("a new print of the series, or a revision of these",),
        **_doors(lines),  # type: ignore[arg-type]
    )


def _print(x: Line) -> str:
    if x.best is not None:
        return number(x.best)
    return f"at least {number(x.low or 0)}" if x.high is None else f"{number(x.low or 0)} to {number(x.high)}"


def steps(q: Steps, day: date, known: date) -> Finding:
    """Yearly steps of one series."""
    last = q.until or known.year
    lines = []
    for year in range(q.since, last + 1):
        x = rooms.level(q.party, q.status, q.series, date(year, 1, 31), known)
        if x and x.best is not None and Span.parse(x.as_of).earliest.year == year:
            lines.append(x)
    command = f"detente forces compare {q.party} --status {q.status} --known {known}"
    found = [(Span.parse(b.as_of).earliest.year, _middle(b) - _middle(a)) for a, b in pairwise(lines)]
    if not found:
        return Finding(
            answer="open", text=f"Fewer than two prints of {named(q.party)} since {q.since}.", command=command
        )
    years = Span.parse(lines[-1].as_of).earliest.year - Span.parse(lines[0].as_of).earliest.year
    mean = (_middle(lines[-1]) - _middle(lines[0])) / years
    values = {"each": [v for _, v in found], "mean": [mean], "last": [found[-1][1]]}[q.over]
    checks = [compared(v, q.relation, q.value, words().about) for v in values]
    holds = [h for h, _ in checks]
    told = ", ".join(f"{v:+,.0f} to January {y}".replace(",", " ") for y, v in found)
    return Finding(
        answer="yes" if all(holds) else "no",
        text=(
            f"{q.series}'s steps of the {q.status} of {named(q.party)}: {told}; mean {mean:+.0f} a year, "
            f"against {number(q.value)}."
        ),
        margin=min(m for _, m in checks),
        unit="warheads a year",
        command=command,
        changes=(
            ("" if q.until else f"the print of January {found[-1][0] + 1}, or ") + "a revision of these",
        ),
        **_doors(lines),  # type: ignore[arg-type]
    )


def ratio(q: Ratio, day: date, known: date) -> Finding:
    """One party's level as a share of another's."""
    day = parse_day(q.day or day)
    mine, other = (rooms.level(p, q.status, q.series, day, known) for p in (q.party, q.other))
    command = f"detente forces compare {q.party} {q.other} --as-of {day} --known {known} --status {q.status}"
    if mine is None or other is None or not _middle(other):
        return Finding(answer="open", text=f"No {q.status} of both was in print.", command=command)
    value = _middle(mine) / _middle(other)
    holds, margin = compared(value, q.relation, q.value, words().about)
    return Finding(
        answer="yes" if holds else "no",
        text=(
            f"{q.series}, {q.status}: {named(q.party)} {_print(mine)} ({mine.as_of}), {named(q.other)} "
            f"{_print(other)} ({other.as_of}); the first is {value:.2f} of the second, against {q.value:g}."
        ),
        margin=margin,
        unit="of the other's level",
        command=command,
        changes=("a new print of the series, or a revision of these",),
        **_doors([mine, other]),  # type: ignore[arg-type]
    )


_QUANTITY = {
    "stockpile": "military stockpile",
    "operational": "operational warheads",
    "fissile material for": "plutonium enough for so many",
}


def passes(q: Passes, day: date, known: date) -> Finding:
    """A chance from the projection, for one quantity and one day."""
    from detente.forces.questions import answers

    by = parse_day(q.by)
    limit, whose = _limit(q, known)
    made = rooms.projection(q.party, by.year + 1, known)
    found = [a for a in answers(made, limit, (by,)) if a.definition == q.quantity]
    command = (
        f"detente project {q.party} --to {by.year + 1} --limit {limit:g} --known {known} "
        f"--draws {rooms.DRAWS} --seed {rooms.SEED}"
    )
    if not found:
        return Finding(
            answer="open", text=f"No {q.quantity} of {named(q.party)} is projected.", command=command
        )
    a = found[0]
    return Finding(
        answer="open",
        p=a.p,
        text=(
            f"The chance that {named(q.party)} passes {number(limit)} warheads{whose} by {q.by} "
            f"({_QUANTITY[q.quantity]}): "
            f"{100 * a.p:.1f} %; then "
            f"{number(round(a.median))} ({number(round(a.low))} to {number(round(a.high))}, 90 %)."
        ),
        margin=limit - a.median,
        unit="warheads below the limit at the median",
        facts=tuple(c.id for c in made.line.rows[-5:]),
        sources=tuple(dict.fromkeys(c.url or c.source for c in made.line.rows[-5:])),
        command=command,
        marks=a.marks,
        changes=(f"each new January print of {named(q.party)}", f"what it rests on: {a.rests_on}"),
    )


def _limit(q: Passes, known: date) -> tuple[float, str]:
    if q.limit is not None:
        return q.limit, ""
    x = rooms.level(q.level_of, "stockpile", "SIPRI", known, known)
    if x is None:
        raise DetenteError("neither a limit nor a printed level", where=q.party, fix="give limit or level_of")
    return _middle(x), f" (the stockpile of {named(q.level_of)} in {x.as_of})"


def breakout(q: Breakout, day: date, known: date) -> Finding:
    """Room to add warheads on the systems a party has."""
    b = rooms.breakout(q.party, q.law, known)
    low, mid, high = b.gain
    answer: Answer = "yes" if low > 0 else "no" if high <= 0 else "open"
    return Finding(
        answer=answer,
        text=(
            f"{named(q.party, first=True)} could deploy {number(round(b.uploaded[1]))} warheads "
            f"({number(round(b.uploaded[0]))} to "
            f"{number(round(b.uploaded[2]))}, 90 %) on the systems it has in January {b.year}, "
            f"{number(round(mid))} more than are deployed; how long that takes is not computed."
        ),
        margin=low,
        unit="warheads added, 5 % point",
        facts=tuple(f"{q.party}/{s.type}" for s in b.systems),
        command=f"detente breakout {q.party} {q.law} --known {known}",
        marks=(*b.marks, *(f"published otherwise: {text}" for text in b.published)),
        changes=("how many warheads each missile and bomber can take", "how many are in store"),
    )


def legs(q: Legs, day: date, known: date) -> Finding:
    """Delivery categories with warheads, from the newest table of types."""
    day = parse_day(q.day or day)
    lines = [
        x
        for x in forces(q.party, AsOf(day, day, known), "type")
        if x.status in ("assigned", "deployed") and x.unit == "warheads" and (x.best or 0) > 0
    ]
    command = f"detente forces {q.party} --by type --as-of {day} --known {known}"
    if not lines:
        return Finding(answer="open", text=f"No systems of {named(q.party)} were in print.", command=command)
    types = tuple(dict.fromkeys(x.what for x in lines))
    return Finding(
        answer="yes" if len(types) == q.value else "no",
        text=f"Systems of {named(q.party)} with warheads assigned: {', '.join(types)}.",
        margin=float(-abs(len(types) - q.value)),
        unit="systems",
        command=command,
        changes=("a table that lists another system",),
        **_doors(lines),  # type: ignore[arg-type]
    )
