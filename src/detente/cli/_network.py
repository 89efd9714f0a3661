"""Shared by `capability` and `site`: which stations listen, and what counts as detected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from detente.monitor.capability import Model
    from detente.monitor.tonnage import Coupling

NetworkFlag = Annotated[str, typer.Option("--network", help="primary, auxiliary, all, or none.")]
PlannedFlag = Annotated[
    bool, typer.Option("--planned", help="Add treaty stations that were not in the data centre's 2019 file.")
]
WithoutFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--without", metavar="STATION|COUNTRY", help="Does not send: MKAR, PS23, China; repeatable."
    ),
]
StationsFlag = Annotated[
    Path | None,
    typer.Option("--stations", metavar="STATIONXML", help="Add the stations of a StationXML file."),
]
ArrayFlag = Annotated[
    str,
    typer.Option("--array", metavar="CODE", help="Take the StationXML's stations as one array of this code."),
]
NoiseFlag = Annotated[
    Path | None, typer.Option("--noise", metavar="CSV", help="Noise spectra: station, freq_hz, acc_db.")
]
ProbabilityFlag = Annotated[float, typer.Option("--probability", help="Wanted probability of detection.")]
SnrFlag = Annotated[float, typer.Option("--snr", help="Signal-to-noise ratio that counts as a detection.")]
AvailableFlag = Annotated[
    float, typer.Option("--available", help="Chance that a station sends at all, each on its own; 1: all do.")
]
LawFlag = Annotated[str, typer.Option("--law", help="Magnitude-yield law for tonnes; by site if left out.")]
RockFlag = Annotated[str, typer.Option("--rock", help="Rock about a cavity: granite, salt, tuff or shale.")]
DepthFlag = Annotated[float, typer.Option("--depth", help="Depth of the cavity, m.")]
CavityFlag = Annotated[
    float | None, typer.Option("--cavity", help="Radius of the cavity, m; as large as needed if left out.")
]


def build(
    network: str,
    planned: bool,
    without: list[str] | None,
    stations: Path | None,
    array: str,
    noise: Path | None,
    probability: float,
    snr: float,
    available: float,
) -> Model:
    """The network model that the flags describe."""
    from detente.errors import DetenteError, nearest
    from detente.monitor.capability import Model, Settings
    from detente.monitor.noise import read_spectra
    from detente.monitor.stations import from_stationxml, silence
    from detente.monitor.stations import network as chosen

    kinds = {
        "primary": ("primary",),
        "auxiliary": ("auxiliary",),
        "all": ("primary", "auxiliary"),
        "none": (),
    }
    if network not in kinds:
        raise DetenteError(f"no network '{network}'", fix=nearest(network, kinds))
    if array and stations is None:
        raise DetenteError("--array without --stations", fix="name the StationXML file")
    listen = chosen(kinds[network], planned=planned)
    own = from_stationxml(stations, array=array) if stations else ()
    twice = sorted({s.code for s in listen} & {s.code for s in own})
    if twice:
        raise DetenteError(
            f"station '{twice[0]}' appears twice", fix=f"add --without {twice[0]} or rename it"
        )
    heard = (*silence(listen, without or ()), *own)
    settings = Settings(snr=snr, probability=probability, available=available)
    return Model.build(heard, settings, read_spectra(noise) if noise else None)


def couplings(rock: str, depth: float, cavity: float | None) -> tuple[Coupling, ...]:
    """The couplings a threshold is told in: tamped, in the cavity asked for, and the two readings of "70"."""
    from detente.monitor.tonnage import COUPLED, SEVENTY_BY_AMPLITUDE, SEVENTY_BY_YIELD, Coupling

    size = "full cavity" if cavity is None else f"{cavity:g} m cavity"
    hidden = Coupling(f"{size}, {rock}, {depth:g} m", rock, depth, 0.0 if cavity is None else cavity)
    return (COUPLED, hidden, SEVENTY_BY_YIELD, SEVENTY_BY_AMPLITUDE)


def amount(low: float, high: float) -> str:
    """Tonnes as a range, two digits."""
    a, b = (f"{float(f'{t:.2g}'):,.5g}" for t in (low, high))
    return a if a == b else f"{a} to {b}"


def show_marks(marks: tuple[str, ...] | Any) -> None:
    """The marks of a result as a list."""
    print("\nrests on:")
    for mark in marks:
        print(f"- {mark}")
