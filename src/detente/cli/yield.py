"""Yield of an explosion from one magnitude, calibrated on shots of known yield; the threshold test."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table
from detente.errors import DetenteError

app = typer.Typer(add_completion=False)


@app.command("yield")
def yield_(
    site: Annotated[str, typer.Option(help="Test site: punggye-ri, semipalatinsk, nevada, lop-nor, ...")],
    mb: Annotated[float | None, typer.Option(help="Body-wave magnitude.")] = None,
    ml: Annotated[float | None, typer.Option(help="Local magnitude.")] = None,
    magnitude: Annotated[
        float | None, typer.Option(help="A magnitude of unstated type; needs --type.")
    ] = None,
    type_: Annotated[str, typer.Option("--type", help="mb, ML or unknown, for --magnitude.")] = "",
    agency: Annotated[
        str, typer.Option(help="Whose mb: usgs, isc, idc (0.22 lower); unknown if left out.")
    ] = "",
    sd: Annotated[float, typer.Option(help="Extra doubt of the magnitude itself, units.")] = 0.0,
    depth: Annotated[float | None, typer.Option(help="Depth of burial, m.")] = None,
    rock: Annotated[str, typer.Option(help="Rock class of the calibration, if not the site's own.")] = "",
    threshold: Annotated[float, typer.Option(help="Threshold to test, kt (TTBT: 150).")] = 150.0,
    cavity: Annotated[float | None, typer.Option(help="If it was in a cavity of this radius, m.")] = None,
    draws: Annotated[int, typer.Option(help="Random draws.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    json: JsonFlag = False,
) -> None:
    """Posterior yield from a magnitude, P(yield > threshold), and the published laws beside it."""
    from detente.monitor.yield_report import yield_report

    given = {"mb": mb, "ML": ml, type_ or "?": magnitude}
    named = [(kind, value) for kind, value in given.items() if value is not None]
    if len(named) != 1:
        raise DetenteError(
            "one magnitude, and only one, is needed", fix="give --mb, --ml or --magnitude --type"
        )
    if named[0][0] == "?":
        raise DetenteError(
            f"magnitude {named[0][1]:g} has no type", fix="say --type mb, --type ML or --type unknown"
        )
    r = yield_report(
        named[0][1], named[0][0], site, agency=agency, sd=sd, depth_m=depth, rock=rock,
        threshold_kt=threshold, cavity_m=cavity, draws=draws, seed=seed,
    )  # fmt: skip
    if json:
        show_json(r)
        return
    typer.echo(f"{r.given}; {r.draws} draws, seed {r.seed}")
    typer.echo(f"yield {r.yield_kt.mid:.3g} kt, 90 % {r.yield_kt.low:.3g} to {r.yield_kt.high:.3g} kt")
    verdict = r.verdict
    typer.echo(f"P(yield > {threshold:g} kt) = {1 - (verdict.p_met or 0):.3f}: {verdict.outcome}\n")
    show_table(
        "How it is calibrated",
        ("shots", "LOO coverage of 90 %", "slope", "mb at 1 kt", "scatter"),
        [(r.shots, f"{r.coverage:.2f}", _pm(r.slope), _pm(r.at_1_kt), _pm(r.scatter))],
    )
    typer.echo()
    show_table(
        "Published laws",
        ("law", "kt", "marks"),
        [(x.law, f"{x.yield_kt:.3g}", "; ".join(x.marks)) for x in r.by_law],
    )
    if r.cavity is not None:
        typer.echo()
        q = r.cavity.yield_kt
        typer.echo(
            f"in a cavity of {cavity:g} m radius in {r.cavity.medium} at {r.cavity.depth_m:g} m: "
            f"{q.mid:.3g} kt, 90 % {q.low:.3g} to {q.high:.3g} kt "
            f"(amplitude factor {r.cavity.factor:.3g} at 1 Hz)"
        )
    typer.echo()
    for mark in r.marks:
        typer.echo(f"- {mark}")


def _pm(value: tuple[float, float]) -> str:
    return f"{value[0]:.2f} +- {value[1]:.2f}"
