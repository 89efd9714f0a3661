"""What each capital said, tested: supported, contradicted, consistent, undecided, or recorded as a stance."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli._show import AsOfFlag, JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.assess.judge import Assessment, Tried, View

app = typer.Typer(add_completion=False)


@app.command()
def claims(
    name: Annotated[str, typer.Argument(metavar="[ID]", help="One claim (C044) in full.")] = "",
    speaker: Annotated[
        str, typer.Option("--speaker", help="A party (CN, Russia) or part of a speaker's name.")
    ] = "",
    verdict: Annotated[
        str,
        typer.Option("--verdict", help="supported, contradicted, consistent, undecided or recorded."),
    ] = "",
    as_of: AsOfFlag = "",
    json: JsonFlag = False,
) -> None:
    """Every statement with its verdict on its own day and as known now (or on --as-of)."""
    from datetime import date

    from detente.asof import parse_day
    from detente.assess.claims import claim, claims_by
    from detente.assess.judge import Word, assess_claim
    from detente.errors import DetenteError, nearest

    known = parse_day(as_of) if as_of else date.today()
    if verdict and verdict not in list(Word):
        raise DetenteError(f"no verdict '{verdict}'", fix=nearest(verdict, list(Word)))
    if name:
        if speaker or verdict:
            raise DetenteError("--speaker and --verdict choose among claims", fix="leave the ID out")
        one = claim(name)
        if one.day > known:
            raise DetenteError(f"{one.id} was made by {one.day}", fix="choose a later --as-of")
        found = assess_claim(one, known)
        show_json(found) if json else _print(found)
        return
    chosen = [assess_claim(c, known) for c in claims_by(speaker, known)]
    chosen = [a for a in chosen if not verdict or a.word == verdict]
    if json:
        show_json(chosen)
        return
    show_table(f"Claims as known on {known}", COLUMNS, [_row(a) for a in chosen])


COLUMNS = ("id", "day", "party", "speaker", "claim", "verdict", "on its day", "in numbers")


def _row(a: Assessment) -> tuple[str, ...]:
    c = a.claim
    part = ", in part" if c.standing == "partly" else ""
    speaker = c.speaker.partition(",")[0]
    then = str(a.then.word) if a.then.word != a.word else ""
    return (c.id, c.date, c.party, speaker, c.text, f"{a.word}{part}", then, _numbers(a.now))


def _numbers(view: View) -> str:
    said = [t.finding for p in view.parts for t in p.tests]
    chances = [f"{100 * f.p:.1f} %" for f in said if f.p is not None]
    if chances:
        return f"P {', '.join(chances)}"
    return shorten(said[0].text, 90, placeholder=" ...") if said else ""


def _print(a: Assessment) -> None:
    from detente.assess.claims import words

    c = a.claim
    print(f"{c.id}  {c.speaker} ({c.party}), {c.date}: {c.kind}, {c.standing}\n\n  {c.text}\n")
    for when, view in (("on its day", a.then), ("as known", a.now)):
        why = f": {view.why}" if view.why else ""
        print(f"{view.word} {when}, {view.known}{why}")
    print()
    rows = [_test(t) for p in a.now.parts for t in p.tests] + [_test(t) for t in a.now.beside]
    if rows:
        columns = ("part", "definition", "", "word", "found", "margin", "reproduce")
        show_table(f"Tests, as known on {a.now.known}", columns, rows)
    changed = _otherwise(a)
    if changed:
        print(f"\nanother answer on {a.then.known}:")
        show_table("", ("part", "definition", "word", "found"), changed)
    _lists(a)
    if rows:
        w = words()
        print(
            f"\na chance is a word from {w.supported_from:g} or up to {w.contradicted_to:g}; about: {w.about:.0%}"
        )


def _test(t: Tried) -> tuple[str, ...]:
    f = t.finding
    number = f"P = {f.p:.3f}" if f.p is not None else "" if f.margin is None else f"{f.margin:.4g} {f.unit}"
    return (t.part, t.definition, t.role, str(t.word), f.text, number, f.command)


def _otherwise(a: Assessment) -> list[tuple[str, ...]]:
    """The tests whose answer was another one on the day of the claim."""

    def flat(view: View) -> list[Any]:
        return [*(t for p in view.parts for t in p.tests), *view.beside]

    return [
        (old.part, old.definition, str(old.word), old.finding.text)
        for old, new in zip(flat(a.then), flat(a.now), strict=True)
        if old.finding.text != new.finding.text
    ]


def _lists(a: Assessment) -> None:
    said = [t.finding for p in a.now.parts for t in p.tests] + [t.finding for t in a.now.beside]
    for title, lines in (
        ("what no room here can judge", a.untested),
        ("what would change it", a.changes),
        ("said in", a.claim.sources),
        ("rests on", dict.fromkeys(s for f in said for s in f.sources)),
        ("facts", dict.fromkeys(s for f in said for s in f.facts)),
        ("marks", dict.fromkeys(m for f in said for m in f.marks)),
    ):
        if lines:
            print(f"\n{title}:")
            for line in lines:
                print(f"- {line}")
    if a.claim.note:
        print(f"\nnote: {a.claim.note}")
