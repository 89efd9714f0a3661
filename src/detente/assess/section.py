"""The claims of a day for those who write about it: what had been said, and what the rooms make of it."""

from __future__ import annotations

from collections import Counter
from datetime import date

import msgspec

from detente.assess.claims import Words, claims_by, words
from detente.assess.judge import Assessment, assess_claim
from detente.sources import RECALLED_MARK


class ClaimsSection(msgspec.Struct, frozen=True):
    """Every claim known on `day`, assessed as of it, newest first; `tally`: how many of each word."""

    day: date
    lead: str
    assessed: tuple[Assessment, ...]
    tally: dict[str, int]
    thresholds: Words
    marks: tuple[str, ...]


def claims_section(day: date) -> ClaimsSection | None:
    """The claims that had been made by `day`, judged by what was known on it; None before the first."""
    found = sorted(claims_by(known=day), key=lambda c: (c.day, c.id), reverse=True)
    if not found:
        return None
    assessed = tuple(assess_claim(c, day) for c in found)
    tally = Counter(str(a.word) for a in assessed)
    recalled = sum(
        any(m.startswith("recalled") for p in a.now.parts for t in p.tests for m in t.finding.marks)
        for a in assessed
    )
    marks = (f"{recalled} claims rest in part on values {RECALLED_MARK}",) if recalled else ()
    return ClaimsSection(day, _lead(tally), assessed, dict(tally), words(), marks)


def _lead(tally: Counter[str]) -> str:
    judged = sum(n for w, n in tally.items() if w != "recorded")
    each = ", ".join(f"{n} {w}" for w, n in tally.most_common() if w != "recorded")
    stances = tally.get("recorded", 0)
    return f"{judged} of {judged + stances} public statements can be tested, in whole or in part: {each}."
