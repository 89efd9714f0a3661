"""Write a bulletin in another format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from detente.monitor.bulletin.records import Bulletin

app = typer.Typer()


@app.command()
def export(
    bulletin: Annotated[
        Path,
        typer.Argument(
            metavar="BULLETIN", help="bulletin.json, a store, QuakeML, IMS1.0 or a CSS3.0 prefix."
        ),
    ],
    to: Annotated[str, typer.Option(help="quakeml, ims1, css3, csv, parquet, json or geojson.")],
    out: Annotated[Path, typer.Option(help="A file; a folder for csv and parquet; a prefix for css3.")],
    stations: Annotated[
        list[Path] | None, typer.Option(help="With css3: station files for site and affiliation.")
    ] = None,
    waves: Annotated[
        list[Path] | None, typer.Option(help="With css3: waveforms for wfdisc and its samples.")
    ] = None,
) -> None:
    """Write a bulletin in another format; all files or none."""
    from detente.errors import DetenteError
    from detente.monitor.bulletin.formats import read_any, write_as

    if (stations or waves) and to != "css3":
        raise DetenteError("--stations and --waves go with --to css3 only")
    found = read_any(bulletin)
    if to == "css3":
        paths = _css(found, out, stations or [], waves or [])
    else:
        paths = write_as(found, to, out)
    for path in paths:
        typer.echo(str(path))
    if not paths:
        typer.echo("the bulletin is empty: nothing to write", err=True)


def _css(found: Bulletin, out: Path, stations: list[Path], waves: list[Path]) -> tuple[Path, ...]:
    from detente.monitor.bulletin.css3 import write_css3
    from detente.monitor.waves import css_waves, sites
    from detente.monitor.waves.read import read

    prefix = out / "bulletin" if out.is_dir() else out
    traces = read(waves).traces if waves else ()
    more = css_waves.station_rows(sites.load(stations) if stations else {}, traces)
    more["wfdisc"], samples = css_waves.wave_rows(traces, f"{prefix.name}.w")
    return write_css3(found, prefix, more, samples)
