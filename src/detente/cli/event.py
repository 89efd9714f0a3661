"""One seismic event: where it was, what it could be, how large, and whose statements fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.monitor.event import Event
    from detente.monitor.event_report import Report

app = typer.Typer(add_completion=False)


@app.command()
def event(
    name: Annotated[str, typer.Argument(help="An event of the package (lop-nor-2020) or a .yaml file.")],
    draws: Annotated[int, typer.Option(help="Random draws.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 1,
    prior: Annotated[
        list[str] | None, typer.Option(metavar="ID=WEIGHT", help="Replace a prior weight; repeatable.")
    ] = None,
    model: Annotated[str, typer.Option(help="Earth model: ak135 or iasp91.")] = "ak135",
    figures: Annotated[Path | None, typer.Option(help="Write the figures (PNG) into this folder.")] = None,
    json: JsonFlag = False,
) -> None:
    """Locate an event, weigh every hypothesis, and test what was said about it."""
    from detente.monitor.event_files import read_event, with_priors
    from detente.monitor.event_report import analyse

    found = with_priors(read_event(name), prior or [])
    analysis = analyse(found, draws=draws, seed=seed, model=model)
    if figures is not None:
        from detente.monitor.event_figures import write_figures

        for path in write_figures(analysis, figures):
            typer.echo(f"wrote {path}", err=True)
    if json:
        show_json(analysis.report)
    else:
        _print(found, analysis.report)


def _print(event: Event, r: Report) -> None:
    typer.echo(f"{r.title} ({r.event}); {r.draws} draws, seed {r.seed}\n")
    typer.echo(r.sentence + "\n")
    show_table(
        "Where",
        ("signal", "travel times", "lat", "lon", "origin UTC", "90 % ellipse km",
         *(f"km to {a.id}" for a in event.areas), *(f"P in {a.id}" for a in event.areas)),
        [
            (
                p.signal, p.model, f"{p.lat:.2f}", f"{p.lon:.2f}",
                f"{p.origin} ({p.origin_low_s:+.1f} {p.origin_high_s:+.1f})",
                f"{p.ellipse.major_km:.0f} x {p.ellipse.minor_km:.0f}",
                *(f"{p.area_km[a.id].mid:.0f}" for a in event.areas),
                *(f"{p.inside[a.id]:.3f}" for a in event.areas),
            )
            for p in r.places
        ],
    )  # fmt: skip
    typer.echo()
    show_table(
        "What (log10 evidence; yields in tonnes, given the magnitude)",
        ("source", "prior", "size", "place", "posterior", "median t", "90 %", "P(>100 t)", "P(>500 t)"),
        [
            (
                s.id, f"{s.prior:.2f}", f"{s.size:.2f}", f"{s.place:.2f}", f"{s.posterior:.2f}",
                f"{s.yield_t.mid:.3g}" if s.yield_t else "",
                f"{s.yield_t.low:.3g} to {s.yield_t.high:.3g}" if s.yield_t else "",
                "" if s.above_100 is None else f"{s.above_100:.2f}",
                "" if s.above_500 is None else f"{s.above_500:.2f}",
            )
            for s in r.sources
        ],
    )  # fmt: skip
    typer.echo()
    show_table(
        "How the arrivals are read",
        ("reading", "prior", "log10 evidence", "posterior", "text"),
        [(x.id, f"{x.prior:.2f}", f"{x.evidence:.2f}", f"{x.posterior:.2f}", x.text) for x in r.readings],
    )
    typer.echo()
    rest = [r.test_against_rest] if r.test_against_rest else []
    show_table(
        "Bayes factors",
        ("for", "against", "factor", "by assumption", "worth (the weakest)"),
        [
            (p.first, p.second, f"{p.factor:.3g}", f"{p.low:.2g} to {p.high:.2g}", p.words)
            for p in (*rest, *r.pairs, *r.reading_pairs)
        ],
    )
    typer.echo()
    show_table(
        "A nuclear test against the rest, under other assumptions",
        ("assumption", "factor"),
        [(m.assumption, f"{m.factor:.3g}") for m in r.moved],
    )
    typer.echo()
    show_table(
        "The middle magnitude read as mb: tonnes by published law; a factor 70 in both its meanings",
        ("law", "coupled", "70 as yield", "70 as amplitude", "marks"),
        [
            (
                x.law, f"{x.coupled_t:.3g}", f"{x.decoupled_yield_convention_t:.3g}",
                f"{x.decoupled_amplitude_convention_t:.3g}", "; ".join(x.marks),
            )
            for x in r.by_law
        ],
    )  # fmt: skip
    typer.echo()
    show_table(
        "What would decide",
        ("observation", "about", "bits", "of", "P(decides)", "text"),
        [(w.id, w.about, f"{w.bits:.2f}", f"{w.before:.2f}", f"{w.decides:.2f}", w.text) for w in r.worth],
    )
    typer.echo()
    show_table(
        "What was said",
        ("by", "statement", "answer", "numbers"),
        [(s.by, s.text, s.answer, s.numbers) for s in r.statements],
    )
    typer.echo()
    for mark in r.marks:
        typer.echo(f"- {mark}")
