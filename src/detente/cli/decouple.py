"""Decoupling of one cavity shot: the factor by frequency, both its meanings, and what it rests on."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def decouple(
    tonnes: Annotated[float, typer.Option("--yield", help="Yield, tonnes.")],
    rock: Annotated[str, typer.Option(help="granite, salt, tuff or shale.")] = "granite",
    depth: Annotated[float, typer.Option(help="Depth, m.")] = 500.0,
    cavity: Annotated[
        float | None, typer.Option(help="Cavity radius, m; full decoupling if left out.")
    ] = None,
    hz: Annotated[list[float] | None, typer.Option(help="Frequency, Hz; repeatable.")] = None,
    wall: Annotated[float, typer.Option(help="Cavity pressure the wall bears, of overburden.")] = 0.5,
    slope: Annotated[
        float, typer.Option(help="Slope of the magnitude law, for the yield convention.")
    ] = 0.75,
    json: JsonFlag = False,
) -> None:
    """Amplitude factor of a shot in a cavity against the same shot tamped."""
    from detente.monitor.decoupling import Convention, constants_effect, decoupling, magnitude_loss

    cases = [decoupling(tonnes / 1000, rock, depth, cavity, f, wall) for f in hz or [1, 2, 5, 10, 20]]
    effect = constants_effect(tonnes / 1000, rock, depth, cavity, cases[0].frequency_hz)
    if json:
        show_json({"cases": cases, "effect_of_constants": effect})
        return
    one = cases[0]
    typer.echo(
        f"{tonnes:g} t in a cavity of {one.cavity_radius_m:.3g} m radius in {rock} at {depth:g} m; "
        f"full decoupling needs {one.full_radius_m:.3g} m\n"
    )
    show_table(
        "Factor",
        ("Hz", "amplitude factor", "mb lost", "mb lost, same number read as yield"),
        [
            (
                f"{c.frequency_hz:g}",
                f"{c.factor:.3g}",
                *(f"{magnitude_loss(c.factor, k, slope):.2f}" for k in Convention),
            )
            for c in cases
        ],
    )
    typer.echo()
    show_table(
        f"What doubtful constants do to it at {one.frequency_hz:g} Hz, magnitude units",
        ("change", "effect"),
        [(name, f"{value:+.3f}") for name, value in effect.items()],
    )
    typer.echo()
    for mark in dict.fromkeys(m for c in cases for m in c.marks):
        typer.echo(f"- {mark}")
