"""The briefing as a short text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import fill

from detente.brief.record import LIVE, Brief
from detente.treaty.life import State

ENDED = (State.expired, State.withdrawn, State.terminated)


def terminal(brief: Brief, *, width: int = 100) -> str:
    """The briefing in about forty lines of plain text."""
    return "\n".join(_lines(brief, width))


def _lines(brief: Brief, width: int) -> Iterator[str]:
    yield f"{brief.title.upper()}, {brief.as_of}"
    yield ""
    yield fill(brief.summary, width)
    yield ""
    for h in brief.headlines:
        yield f"  {h.value:>7}  {h.label}"
    yield ""
    yield "WHO IS BOUND BY WHAT"
    for row in brief.law:
        if row.state in LIVE:
            parties = " ".join(row.parties) if len(row.parties) <= 6 else f"{len(row.parties)} states"
            state = (
                str(row.state)
                if row.state is not State.disputed
                else "; ".join(f"{k}: {v}" for k, v in row.views.items())
            )
            yield f"  {_cut(row.title, 52):<52}  {parties:<16.16}  {state}"
    ended = [r.title for r in brief.law if r.state in ENDED and r.ever_in_force]
    waiting = [f"{r.title} ({r.state})" for r in brief.law if r.state not in LIVE and r.title not in ended]
    yield fill("Ended: " + ", ".join(ended) + ".", width, initial_indent="  ", subsequent_indent="  ")
    if waiting:
        yield fill(
            "Not in force: " + ", ".join(waiting) + ".", width, initial_indent="  ", subsequent_indent="  "
        )
    yield ""
    yield "IN DISPUTE"
    for d in brief.disputes:
        yield fill(
            f"{d.title} ({d.day}): " + "; ".join(f"{a}: {b}" for a, b in d.sides),
            width,
            initial_indent="  ",
            subsequent_indent="    ",
        )
    yield ""
    yield "UNKNOWN"
    for u in brief.unknowns:
        yield fill(
            f"{u.what}, since {u.since}: {u.why}", width, initial_indent="  ", subsequent_indent="    "
        )
    yield ""
    for s in brief.sections:
        yield s.title.upper()
        yield fill(s.lead, width, initial_indent="  ", subsequent_indent="  ")
        yield ""
    yield "STILL NOTIFIED"
    for n in brief.notices:
        mark = f" [{'; '.join(n.marks)}]" if n.marks else ""
        yield fill(
            f"{n.duty}: {n.deadline} ({n.instrument}){mark}",
            width,
            initial_indent="  ",
            subsequent_indent="    ",
        )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
