"""The claims' answers: every public statement with its verdict, and one in full."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from detente.assess.claims import claim as find_claim
from detente.assess.claims import claims_by, words
from detente.assess.judge import Assessment, Word, assess_claim
from detente.errors import DetenteError, nearest
from detente.web.answer import Answer, Code, Step, Work, command, refs

HOW = (
    "A claim is put as questions to the rooms of law, numbers and signals: as known on its own day, and as known "
    "on the day chosen. Who speaks is no input of the verdict.",
    "Positions (wishes, stances) are recorded, not judged.",
)


def claims(known: date) -> Work:
    """Every claim made by a day, judged by what was known on its day and on that day, newest first."""
    chosen = sorted(claims_by(known=known), key=lambda c: (c.day, c.id), reverse=True)
    found: list[Assessment] = []
    for n, c in enumerate(chosen):
        yield Step(n, len(chosen), f"{c.id}, {c.speaker}")
        found.append(assess_claim(c, known))
    limits = words()
    return Answer(
        {"thresholds": limits, "words": list(Word), "known": known},
        Code(
            command("claims", as_of=known),
            "from datetime import date\n\nfrom detente.assess.claims import claims_by\n"
            f"from detente.assess.judge import assess_claim\n\nday = date.fromisoformat({str(known)!r})\n"
            "for c in claims_by(known=day):\n    print(c.id, c.speaker, assess_claim(c, day).word)",
        ),
        {"claims": [_row(a) for a in found]},
        refs(s for a in found for s in a.claim.sources),
        (
            *HOW,
            f"A chance becomes a word from {limits.supported_from:g} up, or {limits.contradicted_to:g} down.",
        ),
        tuple(dict.fromkeys(m for a in found for t in _tried(a) for m in t.finding.marks)),
    )


def one(name: str, known: date) -> Answer:
    """One claim in full: its parts, definitions, findings, commands, and what would change it."""
    c = find_claim(name)
    if c.day > known:
        raise DetenteError(f"{c.id} was made by {c.day}", fix="choose a later day")
    a = assess_claim(c, known)
    tried = [*_tried(a), *a.now.beside]
    return Answer(
        a,
        Code(
            command("claims", c.id, as_of=known),
            "from datetime import date\n\nfrom detente.assess.claims import claim\n"
            "from detente.assess.judge import assess_claim\n\n"
            f"found = assess_claim(claim({c.id!r}), date.fromisoformat({str(known)!r}))\n"
            "print(found.now.word, found.now.why)",
        ),
        {
            "tests": [
                {
                    "part": t.part,
                    "definition": t.definition,
                    "role": t.role,
                    "word": t.word,
                    "found": t.finding.text,
                    "p": t.finding.p,
                    "margin": t.finding.margin,
                    "unit": t.finding.unit,
                    "command": t.finding.command,
                }
                for t in tried
            ]
        },
        refs((*c.sources, *(s for t in tried for s in t.finding.sources))),
        HOW,
        tuple(dict.fromkeys(m for t in tried for m in t.finding.marks)),
    )


def chosen(found: Answer, speaker: str, verdict: str, known: date) -> Answer:
    """The claims of a speaker (a party, or part of a name) with a verdict. Raises DetenteError for neither."""
    if verdict and verdict not in list(Word):
        raise DetenteError(f"no verdict '{verdict}'", fix=nearest(verdict, list(Word)))
    named = {c.id for c in claims_by(speaker, known)}
    rows = [r for r in found.tables["claims"] if r["id"] in named and verdict in ("", r["word"])]
    code = Code(command("claims", speaker=speaker, verdict=verdict, as_of=known), found.code.python)
    return msgspec.structs.replace(found, code=code, tables={"claims": rows})


def _tried(a: Assessment) -> list[Any]:
    return [t for p in a.now.parts for t in p.tests]


def _row(a: Assessment) -> dict[str, Any]:
    c, said = a.claim, [t.finding for t in _tried(a)]
    return {
        "id": c.id,
        "date": c.date,
        "party": c.party,
        "speaker": c.speaker,
        "kind": c.kind,
        "standing": c.standing,
        "text": c.text,
        "word": a.word,
        "then": a.then.word,
        "why": a.now.why,
        "chance": next((f.p for f in said if f.p is not None), None),
        "finding": said[0].text if said else "",
    }
