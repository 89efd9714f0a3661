"""List the instruments in the library with their status on a day."""

from __future__ import annotations

import typer

from detente.cli._law import clocks, status_line
from detente.cli._show import AsOfFlag, JsonFlag, KnownFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def treaties(as_of: AsOfFlag = "", known: KnownFlag = "", json: JsonFlag = False) -> None:
    """List the instruments in the library with their status on a day."""
    from detente.treaty import instrument_ids, load, resolve

    when = clocks(as_of, known)
    laws = [resolve(load(name), when) for name in instrument_ids()]
    if json:
        show_json(
            [
                {
                    "id": law.instrument.id,
                    "title": law.instrument.title,
                    "kind": law.instrument.kind,
                    "parties": law.instrument.parties,
                    "in_force": law.status().in_force,
                    "status": law.status(),
                }
                for law in laws
            ]
        )
        return
    show_table(
        f"Instruments on {when.law}",
        ("id", "title", "parties", "status"),
        [
            (
                law.instrument.id,
                law.instrument.title,
                _parties(law.instrument.parties),
                status_line(law.status()),
            )
            for law in laws
        ],
    )


def _parties(codes: tuple[str, ...]) -> str:
    return " ".join(codes) if len(codes) <= 6 else f"{len(codes)} parties"
