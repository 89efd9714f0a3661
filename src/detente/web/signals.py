"""The signals' answers: the network, the land, what the network would see, one event and what it could be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from detente.errors import DetenteError, nearest
from detente.web.answer import Answer, Code, Step, Work, command, refs, rows_of

if TYPE_CHECKING:
    from detente.monitor.event import Event
    from detente.monitor.event_report import Report

WORLD = (-90.0, 90.0, -180.0, 180.0)
MOST_CELLS = 70_000
BAND = 5  # rows of a map between two looks at whether to stop, at least


def stations(network: str = "", country: str = "") -> Answer:
    """The places of the International Monitoring System."""
    from detente.monitor.stations import NETWORKS, ims

    if network and network not in NETWORKS:
        raise DetenteError(f"no network '{network}'", fix=nearest(network, NETWORKS))
    found = [
        s for s in ims()
        if network in ("", s.network) and country.casefold() in ("", s.country.casefold())
    ]  # fmt: skip
    fields = ("code", "treaty_code", "name", "country", "network", "kind", "elements", "lat", "lon",
              "coordinate_sd_km", "sending", "quality", "source")  # fmt: skip
    return Answer(
        {"networks": list(NETWORKS), "count": len(found)},
        Code(
            command("stations", network=network, country=country),
            "from detente.monitor.stations import ims\n\n"
            f"for s in ims():\n    if {network!r} in ('', s.network):\n        print(s.code, s.name, s.lat, s.lon)",
        ),
        {"stations": rows_of(found, fields)},
        refs(s.source for s in found),
        (
            "The stations of the test-ban treaty's Annex 1 whose coordinates are known, with how well they are known.",
            "Sending: was in the data centre's station file of 2019.",
        ),
    )


def land() -> dict[str, Any]:
    """The land as GeoJSON."""
    from detente.monitor.land import land as shape

    return shape()


def capability(
    region: tuple[float, float, float, float], step: float, k: int, network: str, without: Sequence[str],
    probability: float, snr: float,
) -> Work:  # fmt: skip
    """The magnitude that at least `k` stations detect with `probability`, over a grid, band by band."""
    import numpy as np

    from detente.monitor.capability import CapabilityMap, Model, Settings, capability_map
    from detente.monitor.capability_check import areas
    from detente.monitor.stations import network as chosen
    from detente.monitor.tonnage import COUPLED, DECOUPLED, tonnage_marks, tonnes

    if k not in (1, 2, 3):
        raise DetenteError(f"detection by {k} stations is not computed", fix="choose k of 1, 2 or 3")
    kinds = {"primary": ("primary",), "auxiliary": ("auxiliary",), "all": ("primary", "auxiliary")}
    if network not in kinds:
        raise DetenteError(f"no network '{network}'", fix=nearest(network, kinds))
    south, north, west, east = region
    if not (step > 0 and (north - south) * abs(east - west) / step**2 <= MOST_CELLS):
        raise DetenteError(
            f"more than {MOST_CELLS} cells, or none, at {step:g} degrees",
            fix="choose larger cells or a smaller region; the command takes any",
        )
    yield Step(0, 1, "preparing the stations")
    model = Model.build(chosen(kinds[network], without=without), Settings(snr=snr, probability=probability))
    bands, parts = _bands(south, north, step), []
    for n, (low, high) in enumerate(bands):
        yield Step(n, len(bands), f"{low:g} to {high:g} degrees")
        parts.append(capability_map(model, region=(low, high, west, east), step_deg=step))
    found = CapabilityMap(
        np.concatenate([p.lat for p in parts]), parts[0].lon,
        np.concatenate([p.magnitude for p in parts], axis=1),
        model.settings, parts[0].stations, parts[0].marks,
    )  # fmt: skip
    y, x = np.meshgrid(found.lat, found.lon, indexing="ij")
    chosen_k = found.magnitude[k - 1]
    cells: dict[str, Any] = {"lat": y.ravel(), "lon": x.ravel(), "mb": chosen_k.ravel()}
    for c in (COUPLED, DECOUPLED):
        cells[f"t_{c.name}_low"], cells[f"t_{c.name}_high"] = (
            t.ravel() for t in tonnes(chosen_k, c, "semipalatinsk")
        )
    columns = {
        name: [None if v != v else float(f"{v:.4g}") for v in column] for name, column in cells.items()
    }
    means = areas(found)
    whole = region == WORLD
    return Answer(
        {
            "region": region, "step": step, "k": k, "stations": found.stations,
            "settings": found.settings, "areas": means,
        },
        Code(
            command(
                "capability", region="" if whole else ",".join(f"{v:g}" for v in region), step=f"{step:g}",
                network=network, without=list(without), probability=probability, snr=snr, table="cells.csv",
            ),
            "from detente.monitor.capability import Model, Settings, capability_map\n"
            "from detente.monitor.stations import network\n\n"
            f"model = Model.build(network({kinds[network]!r}, without={list(without)!r}), "
            f"Settings(snr={snr}, probability={probability}))\n"
            f"found = capability_map(model, region={region!r}, step_deg={step})\nprint(found.magnitude[{k - 1}])",
        ),
        {"cells": [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)],
         "areas": rows_of(means)},
        refs(s.source for s in model.stations),
        (
            "A station detects where the signal stands out of its noise in the best octave of its beam; the map "
            f"shows the body-wave magnitude that at least {k} stations detect with {probability:.0%} probability.",
            "Tonnes: the magnitude-yield law of Semipalatinsk; decoupled: in a cavity in granite as large as full "
            "decoupling needs.",
        ),
        (*found.marks, *tonnage_marks("semipalatinsk", float(np.nanmax(cells["t_decoupled_high"])))),
    )  # fmt: skip


def _bands(south: float, north: float, step: float) -> list[tuple[float, float]]:
    """The region in bands of whole cells, so that together they are the grid of the whole."""
    from math import ceil

    rows = max(ceil((north - south) / step - 0.5), 1)
    size = max(BAND, rows // 24)
    edges = [south + step * n for n in range(0, rows, size)]
    return list(zip(edges, [*edges[1:], north], strict=True))


def events() -> Answer:
    """The events of the package."""
    from detente.monitor.event_files import event_names, read_event

    found = [read_event(n) for n in event_names()]
    rows = [{"id": e.event, "title": e.title, "day": e.day, "site": e.site} for e in found]
    return Answer(
        rows,
        Code(
            command("event", "--help"),
            "from detente.monitor.event_files import event_names\n\nprint(event_names())",
        ),
        {"events": rows},
    )


def event(name: str, known: date, draws: int, seed: int, priors: Sequence[str]) -> Work:
    """One event: where it was, what it could be, how large, and whose statements fit."""
    from detente.monitor.event_files import event_names, read_event, with_priors
    from detente.monitor.event_report import analyse

    if name not in event_names():  # a path of this machine is no event of the package
        raise DetenteError(f"no event '{name}'", fix=nearest(name, event_names()))
    yield Step(0, 2, "reading the event file")
    found = with_priors(read_event(name), list(priors))
    if str(known) < found.known_from:
        raise DetenteError(
            f"the evidence on {name} was public from {found.known_from}", fix="choose a later 'known' day"
        )
    yield Step(1, 2, f"drawing {draws} possible sources")
    report = analyse(found, draws=draws, seed=seed).report
    said = [s for s in report.statements if s.date <= str(known)]
    more = f", prior={list(priors)!r}" if priors else ""
    return Answer(
        {
            "report": report, "statements": said, "day": found.day, "magnitudes": found.magnitudes,
            "areas": found.areas, "station": found.station,
            "hypotheses": [{"id": h.id, "kind": h.kind, "basis": h.basis, "prior": h.prior} for h in found.hypotheses],
        },
        Code(
            command("event", name, draws=draws, seed=seed, prior=list(priors)),
            "from detente.monitor.event_files import read_event, with_priors\n"
            "from detente.monitor.event_report import analyse\n\n"
            f"event = with_priors(read_event({name!r}), {list(priors)!r})\n"
            f"print(analyse(event, draws={draws}, seed={seed}).report.sentence)",
        ),
        {
            "hypotheses": rows_of(report.sources),
            "places": rows_of(report.places),
            "statements": rows_of(said),
            "readings": rows_of(report.readings),
            "worth": rows_of(report.worth),
        },
        refs((*(s.source for s in found.signals), *(m.source for m in found.magnitudes),
              *(a.source for a in found.areas), found.station.source, *(s.source for s in said))),
        (
            "Possible sources are drawn from each hypothesis with its stated prior; each is weighed by how well it "
            "explains the picked arrivals, the back-azimuth, the magnitude, and which stations saw nothing.",
            f"{draws} draws, seed {seed}. The priors are stated and can be changed here{more and ' (they were)'}.",
        ),
        tuple(report.marks),
        _places(found, report),
    )  # fmt: skip


def _places(found: Event, report: Report) -> dict[str, Any]:
    """The event on the map: the station, the test areas, the located signals with their ellipses."""
    from detente.monitor.event_figures import ring

    def feature(geometry: dict[str, Any], **words: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": words, "geometry": geometry}

    def point(lat: float, lon: float) -> dict[str, Any]:
        return {"type": "Point", "coordinates": [round(lon, 4), round(lat, 4)]}

    def outline(lat: float, lon: float, major: float, minor: float, azimuth: float) -> dict[str, Any]:
        lats, lons = ring(lat, lon, major, minor, azimuth)
        line = [[round(float(x), 4), round(float(y), 4)] for y, x in zip(lats, lons, strict=True)]
        return {"type": "Polygon", "coordinates": [[*line[:-1], line[0]]]}

    s = found.station
    made = [feature(point(s.lat, s.lon), kind="station", name=f"{s.code}, {s.name}")]
    made += [
        feature(outline(a.lat, a.lon, a.radius_km, a.radius_km, 0.0), kind="area", name=a.name)
        for a in found.areas
    ]
    for p in report.places:
        e = p.ellipse
        words = f"{p.signal}, {e.level:.0%} ({p.model})"
        made.append(
            feature(outline(e.lat, e.lon, e.major_km, e.minor_km, e.azimuth_deg), kind="ellipse", name=words)
        )
        made.append(feature(point(p.lat, p.lon), kind="place", name=p.signal))
    return {"type": "FeatureCollection", "features": made}
