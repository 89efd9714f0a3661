"""Show one instrument: its status, limits, readings, duties; or what of its text is encoded (--coverage)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._law import InstrumentArg, PatchFlag, ViewFlag, clocks, instrument, status_line
from detente.cli._show import AsOfFlag, JsonFlag, KnownFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.treaty import Law, Loaded

app = typer.Typer(add_completion=False)


@app.command()
def treaty(
    source: InstrumentArg,
    as_of: AsOfFlag = "",
    known: KnownFlag = "",
    viewpoint: ViewFlag = "",
    patch: PatchFlag = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Each article: encoded, referenced or not, and why.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Show one instrument on a day."""
    from detente.treaty import resolve

    loaded = instrument(source, patch)
    law = resolve(loaded, clocks(as_of, known), viewpoint)
    if coverage:
        _coverage(loaded, json)
    elif json:
        show_json(
            {
                "instrument": loaded.instrument,
                "digest": loaded.digest,
                "as_of": law.as_of,
                "status": law.status(),
                "in_force": law.status().in_force,
            }
        )
    else:
        _law(law)


def _coverage(loaded: Loaded, json: bool) -> None:
    rows = loaded.instrument.coverage
    if json:
        show_json(rows)
        return
    show_table(
        f"{loaded.instrument.title}: what is encoded",
        ("article", "title", "status", "provisions or reason"),
        [(r.article, r.title, r.status.replace("_", " "), ", ".join(r.provisions) or r.reason) for r in rows],
    )


def _law(law: Law) -> None:
    from detente.treaty.compile import sentence
    from detente.treaty.judge import counted_as

    i = law.instrument
    print(f"{i.title} ({i.id}), {i.kind.replace('_', ' ')} of {' '.join(i.parties)}")
    print(i.summary)
    print(f"On {law.as_of.law}: {status_line(law.status())}")
    print(f"Text: {law.loaded.digest}")
    if i.limits:
        rows = []
        for limit in i.limits:
            for party in counted_as(law, limit):
                bound = law.bound(limit, party)
                window = f"{bound.since or 'start'} to {bound.until or 'no end'}"
                rows.append((limit.id, party, sentence(limit, bound.value), window, bound.quality))
        show_table("Limits", ("limit", "party", "rule", "binds", "quality"), rows)
    for title, columns, cells in (
        (
            "Readings",
            ("reading", "of", "held by", "text"),
            [(r.id, " ".join(r.of), " ".join(r.holders), r.text) for r in i.readings],
        ),
        (
            "Prohibitions",
            ("id", "article", "text", "quality"),
            [(p.id, p.article, p.text, p.quality) for p in i.prohibitions],
        ),
        (
            "Duties",
            ("id", "article", "text", "quality"),
            [(o.id, o.article, o.text, o.quality) for o in i.obligations],
        ),
        (
            "Life",
            ("date", "act", "by", "article", "quality", "note"),
            [(s.date, s.act, _names(s.by), s.article, s.quality, s.note) for s in i.life],
        ),
    ):
        if cells:
            print()
            show_table(title, columns, cells)


def _names(parties: tuple[str, ...]) -> str:
    return " ".join(parties) if len(parties) < 8 else f"{len(parties)} states"
