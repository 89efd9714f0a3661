"""Write the state of arms control on a day: a page, a JSON, figures, and a short text here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from detente.cli._law import clocks
from detente.cli._show import AsOfFlag, JsonFlag, show_json

app = typer.Typer(add_completion=False)


@app.command()
def brief(
    as_of: AsOfFlag = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="DIR", help="Write the page, JSON and figures here.")
    ] = None,
    lang: Annotated[
        str,
        typer.Option(
            "--lang",
            metavar="CODES",
            help="en, zh-Hans, zh-Hant, ru or fr; several with commas, or all: a page each, the text in the first.",
        ),
    ] = "en",
    bulletin: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="A bulletin.json of `monitor process`, or a folder of them: its events join the page; repeatable.",
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """The briefing as it could have been written on the day: only what was published by then."""
    from detente.brief.catalogue import languages
    from detente.brief.content import gather
    from detente.brief.held import held
    from detente.brief.page import write
    from detente.brief.text import terminal
    from detente.brief.tongue import tongue

    chosen = languages(lang)
    bulletins = held(bulletin) if bulletin else ()
    content = gather(clocks(as_of).law, bulletins)
    made = write(content, out, chosen, bulletins) if out else ()
    if json:
        show_json(content)
        return
    said = tongue(chosen[0])
    print(terminal(content, said))
    for path in made:
        if path.suffix == ".html":
            print(f"\n{said.say('page.page_at')}{said.say('join.colon')}{path}", file=sys.stderr)
