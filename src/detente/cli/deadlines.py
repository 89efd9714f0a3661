"""List what is due, met, late, breached or waived under an instrument, from a log of events."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._law import InstrumentArg, PatchFlag, ViewFlag, clocks, instrument
from detente.cli._show import JsonFlag, KnownFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.treaty.duty import Duty

app = typer.Typer(add_completion=False)


@app.command()
def deadlines(
    source: InstrumentArg,
    events: Annotated[
        Path | None,
        typer.Option("--events", metavar="FILE", help="The log of events (YAML); without it, dates only."),
    ] = None,
    now: Annotated[
        str,
        typer.Option(
            "--as-of", metavar="TIME", help="The moment asked about (date or date-time, UTC); today."
        ),
    ] = "",
    known: KnownFlag = "",
    viewpoint: ViewFlag = "",
    patch: PatchFlag = None,
    state: Annotated[
        str, typer.Option("--state", help="Show only duties in this state (due, late, ...).")
    ] = "",
    json: JsonFlag = False,
) -> None:
    """List every duty that has arisen, with its deadline and what has become of it."""
    from detente.asof import parse_moment
    from detente.errors import DetenteError, nearest
    from detente.treaty import duties, resolve
    from detente.treaty.duty import DutyState
    from detente.treaty.events import read_events
    from detente.treaty.obligations import event_types

    moment = now or date.today().isoformat()
    law = resolve(
        instrument(source, patch), clocks(parse_moment(moment).date().isoformat(), known), viewpoint
    )
    log = read_events(events, event_types(law)) if events else None
    if state and state not in list(DutyState):
        raise DetenteError(f"no state '{state}'", fix=nearest(state, list(DutyState)))
    found = [d for d in duties(law, log, moment) if state in ("", d.state)]
    if json:
        show_json(found)
        return
    show_table(
        f"{law.instrument.title}: duties as of {moment}",
        ("due (UTC)", "party", "duty", "article", "arose from", "state", "detail"),
        [(_time(d), d.party, d.title, d.article, d.trigger, str(d.state), _detail(d)) for d in found],
    )


def _time(duty: Duty) -> str:
    if duty.due is None:
        return ""
    whole_day = duty.due.hour == 23 and duty.due.minute == 59
    return duty.due.strftime("%Y-%m-%d" if whole_day else "%Y-%m-%d %H:%M")


def _detail(duty: Duty) -> str:
    late = f"late by {duty.late_by}" if duty.late_by else ""
    views = ", ".join(f"{k}: {v}" for k, v in duty.views.items()) if duty.state == "disputed" else ""
    mark = "deadline recalled: not read in a source" if duty.recalled else ""
    return "; ".join(t for t in (duty.detail, late, views, mark) if t)
