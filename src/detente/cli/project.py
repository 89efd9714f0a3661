"""Project a party's stockpile with a fan chart, back-tested on what was known at the time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from detente.cli._show import JsonFlag, KnownFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def project(
    party: Annotated[str, typer.Argument(help="Party: code or name.")] = "",
    to: Annotated[int, typer.Option("--to", metavar="YEAR", help="Project to January of this year.")] = 2035,
    known: KnownFlag = "",
    limit: Annotated[
        list[float] | None, typer.Option("--limit", help="A number to pass; may be repeated.")
    ] = None,
    draws: Annotated[int, typer.Option(min=100, max=1_000_000, help="Monte-Carlo draws.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the fan chart to this PNG.")
    ] = None,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="How well past forecasts would have done.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """A party's stockpile in each January ahead: table, drivers, chances, fan chart."""
    from detente.errors import DetenteError

    if backtest:
        _backtest(as_json)
        return
    if not party:
        raise DetenteError("no party given", fix="name one, or use --backtest")
    _project(party, to, known, tuple(limit or ()), draws, seed, output, as_json)


def _project(
    name: str,
    to: int,
    known: str,
    limits: tuple[float, ...],
    n: int,
    seed: int,
    output: Path | None,
    as_json: bool,
) -> None:
    from datetime import date

    from detente.asof import parse_day
    from detente.drawing import save
    from detente.forces import figures, questions, sensitivity
    from detente.forces.project import project as run
    from detente.parties import party as find

    code = find(name).code
    p = run(code, to, known=parse_day(known) if known else date.today(), n=n, seed=seed)
    limits = limits or _usual_limits(code)
    said = questions.published(code, p)
    days = (date(2030, 1, 1), date(2030, 12, 31), date(2035, 1, 1))
    asked = tuple(d for d in days if d.year + (d.month > 1) in p.years) or (date(p.years[-1], 1, 1),)
    chances = [a for limit in limits for a in questions.answers(p, limit, asked)]
    by_view, by_driver = sensitivity.of_projection(p, p.years[-1])
    crossings = questions.crossings(p, limits)
    if output:
        save(figures.fan(p, said), output)
    if as_json:
        show_json(
            {
                "party": code,
                "known": p.known,
                "seed": p.seed,
                "draws": n,
                "weights": dict(zip(("state space", "outside view", "bottom up"), p.weights, strict=True)),
                "earned": p.earned,
                "years": p.years,
                "quantiles": {"points": [0.05, 0.25, 0.5, 0.75, 0.95], "warheads": p.quantiles()},
                "chances": chances,
                "crossings": crossings,
                "drivers": {"views": by_view, "bottom up": by_driver},
                "published": said,
                "marks": p.marks,
                "facts": [c.id for c in p.line.rows[-5:]],
            }
        )
        return
    rows = [(y, *(f"{q:,.0f}" for q in line)) for y, line in zip(p.years, p.quantiles(), strict=True)]
    show_table(
        f"{find(code).name}: warheads in January, from what was in print on {p.known}",
        ("January", "5 %", "25 %", "median", "75 %", "95 %"),
        rows,
    )
    _show_chances(chances, crossings)
    _show_drivers(p, by_view, by_driver)
    _show_published(said)
    for words in questions.published_chances(code, p):
        typer.echo(words)
    for mark in p.marks:
        typer.echo(f"mark: some inputs are {mark}", err=True)
    if output:
        typer.echo(f"fan chart: {output}", err=True)


def _usual_limits(code: str) -> tuple[float, ...]:
    return {"CN": (700.0, 1000.0, 1500.0), "UK": (225.0, 260.0), "FR": (300.0,)}.get(
        code, (1550.0, 3700.0, 4500.0) if code in ("US", "RU") else (200.0, 300.0)
    )


def _show_chances(chances: list[Any], crossings: list[Any]) -> None:
    rows = [
        (
            a.definition,
            f"{a.limit:,.0f}",
            a.by,
            f"{a.p:.1%}",
            f"{a.low:,.0f}-{a.high:,.0f}",
            a.rests_on,
            "; ".join(a.marks),
        )
        for a in chances
    ]
    show_table("P(more than)", ("quantity", "limit", "by", "P", "90 % then", "rests on", "mark"), rows)
    found = [
        (f"{c['limit']:,.0f}", f"{c['p_ever']:.1%}", *("beyond" if y is None else y for y in c["years"]))
        for c in crossings
    ]
    show_table("first January above", ("limit", "P(ever)", "5 %", "median", "95 %"), found)


def _show_drivers(p: Any, by_view: list[Any], by_driver: list[Any]) -> None:
    import numpy as np

    names = ("state space", "outside view", "bottom up")
    pool = ", ".join(f"{n} {w:.0%}" for n, w in zip(names, p.weights, strict=True) if w)
    typer.echo(f"pool: {pool}; seed {p.seed}")
    if p.earned is not None:
        typer.echo(p.earned.words)
    if p.by_rule is not None:
        low, mid, high = (float(q) for q in np.quantile(p.by_rule[-1], (0.05, 0.5, 0.95)))
        typer.echo(
            f"systems carried on by rule alone, January {p.years[-1]}, 5/50/95 %:"
            f" {low:,.0f} / {mid:,.0f} / {high:,.0f}"
        )
    rows = [(s.input, f"{s.share:.0%}") for s in (*by_view, *by_driver[:8])]
    show_table(f"what drives the spread in {p.years[-1]} (first-order share)", ("input", "share"), rows)


def _show_published(said: list[Any]) -> None:
    if not said:
        return
    cells = [
        (
            *(r.published, r.who, r.quantity, r.target, f"{r.value:,.0f}"),
            ""
            if r.model_median is None
            else f"{r.model_low:,.0f} / {r.model_median:,.0f} / {r.model_high:,.0f}",
            "" if r.outcome is None else f"{r.outcome:,.0f}",
            "" if r.p_today is None else f"{r.p_today:.0%}",
            r.quality,
        )
        for r in said
    ]
    columns = (
        "published",
        "who",
        "quantity",
        "for",
        "said",
        "this model then 5/50/95 %",
        "outcome",
        "P(at least) now",
        "quality",
    )
    show_table("published projections", columns, cells)


def _backtest(as_json: bool) -> None:
    from datetime import date

    from detente.forces.backtest import run, table
    from detente.forces.proposals import PARTIES
    from detente.forces.questions import record
    from detente.forces.weights import earned

    lines = table(run())
    weights = [earned(party, date.today()) for party in PARTIES]
    if as_json:
        unit = "CRPS as a fraction of the last print"
        show_json({"scores": lines, "bottom_up": weights, "published": record(), "unit": unit})
        return
    rows = [
        (
            *(
                s.group,
                s.forecasts,
                f"{s.model:.3f}",
                f"{s.last_value:.3f}",
                f"{s.trend:.3f}",
                f"{s.last_value_spread:.3f}",
            ),
            *(
                f"{s.top_down:.3f}",
                f"{s.state_space:.3f}",
                f"{s.outside:.3f}",
                f"{s.cover_90:.1%}",
                f"{s.cover_50:.1%}",
                f"{s.pit_mean:.2f}",
            ),
        )
        for s in lines
    ]
    columns = (
        *("group", "forecasts", "model", "last value", "linear trend", "last value, past errors"),
        *("top down", "state space", "outside view", "90 % covers", "50 % covers", "mean PIT"),
    )
    show_table(
        "back-test from what was known each July 2012-2025: CRPS as a fraction of the last print",
        columns,
        rows,
    )
    for e in weights:
        typer.echo(f"{e.party} {e.words}")
    past = [
        (
            *(r.published, r.party, r.who, r.quantity, r.target, r.said, r.came),
            "" if r.error is None else f"{r.error:+.0%}",
            r.quality,
        )
        for r in record()
    ]
    show_table(
        "published forecasts whose outcome is known",
        ("published", "party", "who", "quantity", "for", "said", "came", "error", "quality"),
        past,
    )
