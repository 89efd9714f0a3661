"""What a party could deploy on leaving a treaty: upload potential on the systems it has."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli._show import JsonFlag, KnownFlag, show_drivers, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def breakout(
    party: Annotated[str, typer.Argument(help="Party: code or name.")],
    treaty: Annotated[str, typer.Argument(help="Treaty, proposal or YAML file with a warhead limit.")],
    year: Annotated[
        int, typer.Option("--year", help="January of this year; the last print if left out.")
    ] = 0,
    known: KnownFlag = "",
    draws: Annotated[int, typer.Option(min=100, max=1_000_000, help="Monte-Carlo draws.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    as_json: JsonFlag = False,
) -> None:
    """Warheads deployed now, warheads the same missiles and bombers could take, against the limit."""
    from datetime import date

    from detente.asof import parse_day
    from detente.forces.breakout import breakout as compute
    from detente.parties import party as find

    day = parse_day(known) if known else date.today()
    b = compute(find(party).code, treaty, year=year, known=day, n=draws, seed=seed)
    if as_json:
        show_json(b)
        return
    numbers = (("deployed", b.deployed), ("after upload", b.uploaded), ("gain", b.gain))
    rows = [(name, *(f"{x:,.0f}" for x in q)) for name, q in numbers]
    show_table(f"{b.party}, January {b.year}, strategic warheads", ("", "5 %", "median", "95 %"), rows)
    systems = [(s.type, f"{s.items:,.0f}", f"{s.warheads:,.0f}", f"{s.could:,.0f}") for s in b.systems]
    show_table("by system (medians)", ("system", "items", "warheads on them", "could take"), systems)
    show_drivers(f"what drives the spread after upload in {b.year}", [("after upload", b.drivers)])
    if b.bound is not None and b.p_above is not None:
        typer.echo(
            f"limit: {b.limit}, {b.bound:,.0f}; P(above it after upload) {b.p_above:.0%}; {b.times:.1f} times today"
        )
    for said in b.published:
        typer.echo(f"published: {said}")
    typer.echo(f"The time an upload takes is not computed. {b.draws:,} draws, seed {b.seed}.")
    for mark in b.marks:
        typer.echo(f"mark: some inputs are {mark}", err=True)
