"""What could hide: the largest yield below a detection threshold, tamped or in a cavity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def hide(
    threshold: Annotated[float, typer.Option(help="Detection threshold, mb.")] = 3.25,
    rock: Annotated[str, typer.Option(help="granite, salt, tuff or shale.")] = "granite",
    depth: Annotated[float, typer.Option(help="Depth, m.")] = 500.0,
    radius: Annotated[list[float] | None, typer.Option(help="Cavity radius, m; repeatable.")] = None,
    law: Annotated[str, typer.Option(help="Published magnitude-yield law.")] = "semipalatinsk",
    figure: Annotated[Path | None, typer.Option(help="Write the curve as PNG.")] = None,
    json: JsonFlag = False,
) -> None:
    """Largest yield (tonnes) whose magnitude stays below the threshold, by cavity radius."""
    import numpy as np

    from detente.monitor.hiding import largest_hidden
    from detente.monitor.magnitude_yield import law as find

    h = largest_hidden(
        threshold, rock, depth, np.array(radius or [0, 5, 10, 15, 20, 30, 40, 50], float), law=law
    )
    if figure is not None:
        from detente.monitor.event_figures import hiding_figure

        hiding_figure({"threshold": threshold}, depth_m=depth, rocks=(rock,)).savefig(figure, dpi=150)
        typer.echo(f"wrote {figure}", err=True)
    if json:
        show_json(h)
        return
    typer.echo(f"largest yield below mb {threshold:g} in {h.medium} at {depth:g} m, by {law}\n")
    show_table(
        "Hidden yields",
        ("cavity radius m", "tonnes", "range", "times the tamped shot"),
        [
            (f"{r:g}" if r else "tamped", f"{1000 * m:.3g}", f"{1000 * a:.3g} to {1000 * b:.3g}",
             f"{m / h.tamped_kt[1]:.3g}")
            for r, a, m, b in zip(h.radius_m, h.low, h.mid, h.high, strict=True)
        ],
    )  # fmt: skip
    typer.echo("\n- recalled: source-model constants not read in a source")
    for mark in find(law).marks(float(h.tamped_kt[1])):
        typer.echo(f"- {mark}")
