"""What the test-ban network would see at one place: thresholds, tonnes, stations and their chances."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli import _network as flags
from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def site(
    place: Annotated[str, typer.Argument(help="lop-nor, novaya-zemlya, nevada, ... or LAT,LON in degrees.")],
    magnitude: Annotated[float | None, typer.Option(help="Give the chances of this mb.")] = None,
    network: flags.NetworkFlag = "primary",
    planned: flags.PlannedFlag = False,
    without: flags.WithoutFlag = None,
    stations: flags.StationsFlag = None,
    array: flags.ArrayFlag = "",
    noise: flags.NoiseFlag = None,
    probability: flags.ProbabilityFlag = 0.9,
    snr: flags.SnrFlag = 3.5,
    available: flags.AvailableFlag = 1.0,
    law: flags.LawFlag = "",
    rock: flags.RockFlag = "",
    depth: flags.DepthFlag = 500.0,
    cavity: flags.CavityFlag = None,
    all_stations: Annotated[
        bool, typer.Option("--all", help="List every station, not the best ten.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Detection at a place by at least one, two, three stations; what that is in tonnes; who carries it."""
    from detente.monitor.site import find_place, site_report

    where = find_place(place, law=law)
    model = flags.build(network, planned, without, stations, array, noise, probability, snr, available)
    chosen = flags.couplings(rock or where.rock, depth, cavity)
    report = site_report(model, where, chosen, magnitude=magnitude, out=tuple(without or ()))
    if json:
        show_json(report)
        return
    out = f", without {', '.join(report.out)}" if report.out else ""
    print(f"{where.name} ({where.lat:g}, {where.lon:g}): {report.stations} stations{out}\n")
    asked = () if magnitude is None else (f"P(mb {magnitude:g})",)
    show_table(
        f"Detected with {report.wanted:.0%} probability",
        ("stations", "mb", *(f"t, {c.name}" for c in chosen), *asked),
        [
            (f">= {v.k}", "never" if v.magnitude is None else f"{v.magnitude:.2f}",
             *(flags.amount(t.low_t, t.high_t) for t in v.tonnes), *[""] * (len(chosen) - len(v.tonnes)),
             *(() if v.probability is None else (f"{v.probability:.3f}",)))
            for v in report.levels
        ],
    )  # fmt: skip
    print(f"\nthreshold monitoring, 90 % upper limit at ordinary noise: mb {report.monitoring_limit:.2f}")
    if report.expected_detections is not None:
        print(f"stations expected to detect mb {magnitude:g}: {report.expected_detections:.1f}")
    print()
    listed = report.listeners if all_stations else report.listeners[:10]
    show_table(
        "Stations, best first",
        ("station", "country", "kind", "deg", "km", "azimuth", "P s", "mb 50 %",
         f"mb {report.wanted:.0%} alone", *asked),
        [
            (s.code, s.country, s.kind, f"{s.distance_deg:.2f}", f"{s.distance_km:.0f}",
             f"{s.azimuth_deg:.0f}", "" if s.p_time_s is None else f"{s.p_time_s:.1f}",
             f"{s.magnitude_50:.2f}",
             f"{s.magnitude_wanted:.2f}", *(() if s.probability is None else (f"{s.probability:.3f}",)))
            for s in listed
        ],
    )  # fmt: skip
    if len(listed) < len(report.listeners):
        print(f"... and {len(report.listeners) - len(listed)} more within 100 degrees (--all)")
    flags.show_marks((*report.marks, f"law chosen: {where.why}"))
