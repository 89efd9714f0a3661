"""Masks: what an analyst has judged unfit, kept in a table that detection honours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer()


@app.command()
def mask(
    table: Annotated[Path, typer.Argument(metavar="MASKS", help="The table; begun if it is not there.")],
    channel: Annotated[
        str, typer.Option(metavar="NET.STA.LOC.CHA", help="Channels to mask; * and ? stand for any.")
    ] = "",
    start: Annotated[str, typer.Option(metavar="UTC", help="First moment not to be used.")] = "",
    end: Annotated[str, typer.Option(metavar="UTC", help="First moment to be used again.")] = "",
    who: Annotated[str, typer.Option(help="Who masks it.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    json: JsonFlag = False,
) -> None:
    """Mask a stretch of channels for every command that takes --masks; without --channel, list the masks."""
    from detente.monitor.bulletin.times import from_iso, iso
    from detente.monitor.waves.masks import COLUMNS, Mask, add_mask, read_masks

    if channel:
        new = Mask(channel=channel, start=from_iso(start), end=from_iso(end), reason=reason, who=who)
        held = add_mask(table, new)
    else:
        held = read_masks([table])
    if json:
        show_json(held)
        return
    show_table("Masks", COLUMNS, [(m.channel, iso(m.start), iso(m.end), m.reason, m.who) for m in held])
