"""What could hide: the largest yield below a detection threshold, tamped or in a cavity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def hide(
    threshold: Annotated[float | None, typer.Option(help="Detection threshold, mb.")] = None,
    place: Annotated[
        str, typer.Option(help="Take one and three stations' 90 % thresholds here: a site or LAT,LON.")
    ] = "lop-nor",
    rock: Annotated[str, typer.Option(help="granite, salt, tuff or shale.")] = "granite",
    depth: Annotated[float, typer.Option(help="Depth, m.")] = 500.0,
    radius: Annotated[list[float] | None, typer.Option(help="Cavity radius, m; repeatable.")] = None,
    law: Annotated[str, typer.Option(help="Published magnitude-yield law.")] = "semipalatinsk",
    figure: Annotated[Path | None, typer.Option(help="Write the curve as PNG.")] = None,
    json: JsonFlag = False,
) -> None:
    """Largest yield (tonnes) whose magnitude stays below the threshold, by cavity radius."""
    import numpy as np

    from detente.monitor.decoupling import MEASURED_IN, NOT_MEASURED
    from detente.monitor.hiding import largest_hidden, thresholds_at
    from detente.monitor.magnitude_yield import law as find

    wanted = thresholds_at(place) if threshold is None else {"threshold": threshold}
    radii = np.array(radius or [0, 5, 10, 15, 20, 30, 40, 50], float)
    found = {name: largest_hidden(mb, rock, depth, radii, law=law) for name, mb in wanted.items()}
    if figure is not None:
        from detente.drawing import save
        from detente.monitor.event_figures import hiding_figure

        save(hiding_figure(wanted, depth_m=depth, rocks=(rock,), law=law), figure)
        typer.echo(f"wrote {figure}", err=True)
    if json:
        show_json(found)
        return
    for name, h in found.items():
        seen = f"{name} at {place}, " if threshold is None else ""
        typer.echo(
            f"largest yield below {seen}mb {h.threshold_mb:g}, in {h.medium} at {depth:g} m, by {law}\n"
        )
        show_table(
            "Hidden yields",
            ("cavity radius m", "tonnes", "range", "times the tamped shot"),
            [
                (
                    f"{r:g}" if r else "tamped",
                    f"{1000 * m:.3g}",
                    f"{1000 * a:.3g} to {1000 * b:.3g}",
                    f"{m / h.tamped_kt[1]:.3g}",
                )
                for r, a, m, b in zip(h.radius_m, h.low, h.mid, h.high, strict=True)
            ],
        )
        typer.echo()
    typer.echo("- recalled: source-model constants not read in a source")
    tamped = min(float(h.tamped_kt[1]) for h in found.values())
    for mark in find(law).marks(tamped):
        typer.echo(f"- {mark}")
    if rock != MEASURED_IN:
        typer.echo(f"- {NOT_MEASURED}")
    if any(float(h.high.max()) > 10 for h in found.values()):
        typer.echo("- extrapolated: full decoupling above 10 kt is judged impractical (NAP 12849 p. 162)")
