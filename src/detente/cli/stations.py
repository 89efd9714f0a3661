"""The places of the International Monitoring System: seismic, infrasound, hydroacoustic, radionuclide."""

from __future__ import annotations

from typing import Annotated

import typer

from detente.cli._show import JsonFlag, show_json, show_table

app = typer.Typer(add_completion=False)


@app.command()
def stations(
    network: Annotated[str, typer.Option(help="primary, auxiliary, infrasound, ...; all if left out.")] = "",
    country: Annotated[str, typer.Option(help="Only this country.")] = "",
    json: JsonFlag = False,
) -> None:
    """List stations with their place, how well it is known, and its source."""
    from detente.errors import DetenteError, nearest
    from detente.monitor.stations import NETWORKS, ims

    if network and network not in NETWORKS:
        raise DetenteError(f"no network '{network}'", fix=nearest(network, NETWORKS))
    countries = {s.country.casefold() for s in ims()}
    if country and country.casefold() not in countries:
        raise DetenteError(f"no station in '{country}'", fix=nearest(country, {s.country for s in ims()}))
    found = [
        s
        for s in ims()
        if (not network or s.network == network)
        and (not country or s.country.casefold() == country.casefold())
    ]
    if json:
        show_json(found)
        return
    rows = []
    for s in found:
        place = (f"{s.lat:.4f}", f"{s.lon:.4f}", f"{s.coordinate_sd_km:g}") if s.placed else ("", "", "")
        sensors = s.elements if s.kind == "array" and s.placed else ""
        rows.append((s.treaty_code, s.code, s.network, s.name, s.country, *place, s.kind, sensors, s.quality))
    columns = (
        "treaty code",
        "station",
        "network",
        "name",
        "country",
        "lat",
        "lon",
        "+- km",
        "kind",
        "sensors",
    )
    show_table("International Monitoring System", (*columns, "known"), rows)
