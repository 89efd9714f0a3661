"""What the test-ban network would see: a map of detection thresholds, in magnitude and tonnes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detente.cli import _network as flags
from detente.cli._show import JsonFlag, show_json, show_table

if TYPE_CHECKING:
    from detente.monitor.capability import CapabilityMap
    from detente.monitor.tonnage import Coupling

app = typer.Typer(add_completion=False)


@app.command()
def capability(
    region: Annotated[str, typer.Option(metavar="S,N,W,E", help="Degrees; the globe if left out.")] = "",
    step: Annotated[float, typer.Option(help="Cell size, degrees.")] = 1.0,
    network: flags.NetworkFlag = "primary",
    planned: flags.PlannedFlag = False,
    without: flags.WithoutFlag = None,
    stations: flags.StationsFlag = None,
    array: flags.ArrayFlag = "",
    noise: flags.NoiseFlag = None,
    probability: flags.ProbabilityFlag = 0.9,
    snr: flags.SnrFlag = 3.5,
    available: flags.AvailableFlag = 1.0,
    law: flags.LawFlag = "semipalatinsk",
    rock: flags.RockFlag = "granite",
    depth: flags.DepthFlag = 500.0,
    cavity: flags.CavityFlag = None,
    figure: Annotated[Path | None, typer.Option(help="Write the map as .png, .svg or .pdf.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=3, help="Stations that must detect, for --figure.")] = 3,
    table: Annotated[Path | None, typer.Option(help="Write every cell as .csv.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Hold the model against published thresholds.")
    ] = False,
    scheduler: Annotated[str, typer.Option(help="Address of a dask scheduler to share the work.")] = "",
    json: JsonFlag = False,
) -> None:
    """Magnitude that at least one, two, three stations detect: area means, a figure, a table, checks."""
    from detente.drawing import check_target, save
    from detente.monitor.capability import capability_map
    from detente.monitor.capability_check import areas
    from detente.monitor.capability_check import check as hold
    from detente.monitor.magnitude_yield import law as find_law
    from detente.monitor.maps import capability_figure
    from detente.monitor.tonnage import tonnage_marks, tonnes

    box = _box(region)
    if figure is not None:
        check_target(figure)
    if table is not None:
        check_target(table, ("csv",))
    find_law(law)
    model = flags.build(network, planned, without, stations, array, noise, probability, snr, available)
    chosen = flags.couplings(rock, depth, cavity)
    if scheduler:
        found = _shared(
            scheduler, lambda client: capability_map(model, region=box, step_deg=step, client=client)
        )
    else:
        found = capability_map(model, region=box, step_deg=step)
    whole = box == (-90.0, 90.0, -180.0, 180.0)
    checks = hold(model, found if whole else None) if check else ()
    if figure is not None:
        save(capability_figure(found, model, k=k, couplings=chosen[:2], law=law), figure)
        typer.echo(f"wrote {figure}", err=True)
    if table is not None:
        _write(found, chosen, law, table)
        typer.echo(f"wrote {table}", err=True)
    means = areas(found)
    in_tonnes = [{c.name: [float(t) for t in tonnes(a.mean, c, law)] for c in chosen} for a in means]
    notes = tonnage_marks(law, max((t[1] for row in in_tonnes for t in row.values()), default=0.0))
    if json:
        show_json(
            {
                "region": box,
                "step_deg": step,
                "law": law,
                "stations": found.stations,
                "without": without or [],
                "settings": found.settings,
                "areas": means,
                "tonnes_low_high": in_tonnes,
                "checks": checks,
                "marks": (*found.marks, *notes),
            }
        )
        return
    wanted = f"{found.settings.probability:.0%}"
    print(f"{len(found.stations)} stations, {wanted} probability, {step:g} degree cells\n")
    show_table(
        "Detection thresholds",
        ("area", "stations", "mb mean", "5 to 95 %", *(f"t, {c.name}" for c in chosen)),
        [
            (a.name, f">= {a.k}", f"{a.mean:.2f}", f"{a.low:.2f} to {a.high:.2f}",
             *(flags.amount(*t) for t in row.values()))
            for a, row in zip(means, in_tonnes, strict=True)
        ],
    )  # fmt: skip
    if checks:
        print()
        show_table(
            "Against published thresholds",
            ("what", "published mb", "model mb", "miss", "source"),
            [
                (c.what, f"{c.published[0]:g} to {c.published[1]:g}", f"{c.model:.2f}",
                 f"{c.miss:+.2f}" if c.miss else "within", c.source.ref)
                for c in checks
            ],
        )  # fmt: skip
    flags.show_marks((*found.marks, *notes))


def _shared(address: str, work: Callable[[Any], CapabilityMap]) -> CapabilityMap:
    """Do the work with a dask client at `address`. Raises DetenteError where nobody answers."""
    import distributed

    from detente.errors import DetenteError

    make: Any = distributed.Client
    try:
        client = make(address, timeout=10)
    except (OSError, ValueError) as bad:
        raise DetenteError(f"no dask scheduler: {bad}", where=address) from None
    with client:
        return work(client)


def _box(text: str) -> tuple[float, float, float, float]:
    from detente.errors import DetenteError

    if not text:
        return (-90.0, 90.0, -180.0, 180.0)
    try:
        south, north, west, east = (float(part) for part in text.split(","))
    except ValueError:
        raise DetenteError(
            f"'{text}' is not a region", fix="write south,north,west,east in degrees"
        ) from None
    return south, north, west, east


def _write(found: CapabilityMap, couplings: tuple[Coupling, ...], law: str, path: Path) -> None:
    """One row a cell: place, magnitudes for k = 1 to 3, and tonnes at k = 3 for each coupling."""
    import numpy as np
    import polars as pl

    from detente.monitor.tonnage import tonnes

    y, x = np.meshgrid(found.lat, found.lon, indexing="ij")
    columns = {"lat": y.ravel(), "lon": x.ravel()}
    columns |= {f"mb_k{k}": found.magnitude[k - 1].ravel() for k in (1, 2, 3)}
    for coupling in couplings:
        low, high = tonnes(found.magnitude[2], coupling, law)
        columns |= {f"t_low {coupling.name}": low.ravel(), f"t_high {coupling.name}": high.ravel()}
    pl.DataFrame(columns).write_csv(path, float_precision=4, null_value="")
