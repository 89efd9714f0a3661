"""The claims section: what was said in public by the day, and what the rooms make of it."""

from __future__ import annotations

from datetime import date

from detente.assess.judge import Assessment
from detente.assess.section import claims_section
from detente.brief.record import Door, Section, Table

COLUMNS = ("", "day", "who", "what was said", "verdict", "in numbers")


def claims(day: date) -> Section | None:
    """The section, newest claim first; positions are counted, not judged. None before the first claim."""
    found = claims_section(day)
    if found is None:
        return None
    judged = [a for a in found.assessed if a.word != "recorded"]
    stances = len(found.assessed) - len(judged)
    table = Table(
        f"Each claim that can be tested; {stances} more are positions, recorded and not judged",
        COLUMNS,
        tuple(_row(a) for a in judged),
        Door(
            "each claim put as questions to the rooms, as known on the day", f"detente claims --as-of {day}"
        ),
    )
    return Section("claims", "What they say, tested", found.lead, (table,), (), found.marks)


def _row(a: Assessment) -> tuple[str, ...]:
    said = [t.finding for p in a.now.parts for t in p.tests]
    chances = [f"{100 * f.p:.0f} %" for f in said if f.p is not None]
    numbers = f"chance {', '.join(chances)}" if chances else said[0].text if said else ""
    word = str(a.word) + (", in part" if a.claim.standing == "partly" else "")
    then = f" (on its day: {a.then.word})" if a.then.word != a.word else ""
    return (
        a.claim.id,
        a.claim.date,
        f"{a.claim.speaker}, {a.claim.party}",
        a.claim.text,
        word + then,
        numbers,
    )
