"""Screening: the explosion probability against simulated events of both kinds, and on records not used to make it."""

from __future__ import annotations

import csv
import gzip
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench._report import line
from bench.real_records import seconds, waveforms
from detente.monitor.bulletin.records import Event, Origin, Screening, Used
from detente.monitor.character import separation as sep
from detente.monitor.character.magnitudes import measure
from detente.monitor.character.paths import path
from detente.monitor.character.ratios import Ratio, populations
from detente.monitor.character.screen import screen
from detente.monitor.waves import read, response, sites
from detente.monitor.waves.trace import NS, Array, Recording, Site, Trace

SEED = 11
EVENTS = 3000
PATH_SD = 0.1
EDGES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
# Borovoye's digitised records: name, origin (SIPRI), first sample, place. P is picked where the record first leaves
# its noise, read by eye: 88.4 and 75.6 s after the first sample.
BOROVOYE = (
    ("19700327.0503.brvk.KODM.SHZm0.030", "1970-03-27T05:02:57", "1970-03-27T05:03:00", 49.77, 78.11, 88.4),
    ("19710927.0603.brvk.KODM.SHZm0.030", "1971-09-27T05:59:55.2", "1971-09-27T06:03:30", 73.4, 55.1, 75.6),
)


def draws(stations: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Posteriors at even odds of simulated quakes and explosions, and which they are."""
    posterior = np.empty(EVENTS)
    kind = np.arange(EVENTS) % 2
    for i in range(EVENTS):
        event, shape = sep.EVENT_SD * rng.normal(), sep.SHAPE_SD * rng.normal(size=5)
        shape += sep.SLOPE_SD * rng.normal() * sep.tilt([p.band for p in populations()])
        held = []
        for s in range(stations):
            own = np.hypot(sep.STATION_SD, 0.0 if kind[i] else sep.RADIATION_SD) * rng.normal()
            for b in (1, 2, 3):
                p = populations()[b]
                rest = np.hypot(sep.BAND_SD, PATH_SD) * rng.normal()
                value = (p.explosion if kind[i] else p.quake) + event + own + shape[b] + rest
                held.append(
                    Ratio(station=f"S{s}", band=p.band, value=value, raw=value, sd_path=PATH_SD, at_least=False,
                          p_snr=1e6, s_snr=1e6, components=3, distance_km=300.0)
                )  # fmt: skip
        posterior[i] = 1 / (1 + 10 ** -sep.log10_ratio(held))
    return posterior, kind


def main() -> None:
    """Print the reliability of simulated events, then what unused real records come out as."""
    rng = np.random.default_rng(SEED)
    for stations in (1, 2, 5):
        posterior, kind = draws(stations, rng)
        for low, high in pairwise(EDGES):
            inside = (posterior >= low) & (posterior < high)
            if inside.sum() >= 20:
                said = f"said {posterior[inside].mean():.2f}"
                name = (
                    f"{stations} stations: P {low:g} to {high:g}, {inside.sum()} events, {said}: explosions"
                )
                line(name, float(kind[inside].mean()), "")
        quakes, explosions = posterior[kind == 0], posterior[kind == 1]
        line(f"{stations} stations: quakes called explosions at P > 0.9", float(np.mean(quakes > 0.9)), "")
        line(f"{stations} stations: explosions called so", float(np.mean(explosions > 0.9)), "")
    folder = waveforms()
    if folder is None:
        print("no real records here: set DETENTE_DATA to the folder that holds seismic/waveforms")
        return
    for name, *_ in BOROVOYE:
        told = borovoye(folder, name)
        p = -1.0 if told.p_explosion is None else told.p_explosion
        line(f"Borovoye {name[:8]}, an explosion: '{told.verdict}', P", p, "", "not called a quake",
             kept=told.verdict in ("explosion-like", "cannot be screened"))  # fmt: skip
    norwegian(folder / "nnsn")


def borovoye(folder: Path, name: str) -> Screening:
    """The screening of one digitised record, P as picked."""
    _, zero, start, lat, lon, p_s = next(b for b in BOROVOYE if b[0] == name)
    with gzip.open(folder / "borovoye" / f"{name}.txt.gz", "rt") as file:
        rows = file.read().splitlines()[1:]
    samples = np.array([row.split()[1] for row in rows], np.float32)
    trace = Trace("KZ", "BRVK", "", "SHZ", round(seconds(start) * NS), 1 / 0.03, samples)
    arrays = {"BRVK": Array("BRVK", (Site("BRVK", 53.058, 70.283),))}
    origin = Origin(id="o", time=seconds(zero), lat=lat, lon=lon, time_sd=1.0)
    way = path(origin, arrays["BRVK"])
    late = seconds(start) + p_s - origin.time - way.p_s
    used = Used(arrival="p", station="BRVK", phase="P", distance_deg=way.distance_deg, azimuth_deg=0.0,
                time_residual_s=late)  # fmt: skip
    origin = Origin(id="o", time=seconds(zero), lat=lat, lon=lon, time_sd=1.0, used=(used,))
    found = screen(Event(id=name, origins=(origin,)), Recording((trace,)), arrays).screening
    assert found is not None
    return found


def norwegian(own: Path) -> None:
    """The 32 Soviet and Chinese tests as the Norwegian network screens them: beyond the reach of P/S."""
    responses, arrays = response.load(own / "RESPONSES"), sites.load(own / "RESPONSES")
    verdicts: dict[str, int] = {}
    with (own / "nnsn_events.csv").open() as file:
        for row in csv.DictReader(file):
            origin = Origin(id="given", time=seconds(row["datetime_sipri"]), lat=float(row["lat"]),
                            lon=float(row["lon"]), time_sd=1.0)  # fmt: skip
            recording = read.read(own / "ARCHIVE" / row["dir"])
            event = measure(Event(id=row["dir"], origins=(origin,)), recording, responses, arrays)
            told = screen(event, recording, arrays).screening
            if told is not None:
                verdicts[told.verdict] = verdicts.get(told.verdict, 0) + 1
    wrong = verdicts.get("earthquake-like", 0) + verdicts.get("not an explosion", 0)
    told_all = ", ".join(f"{n} {v}" for v, n in sorted(verdicts.items()))
    line(f"Norwegian network, explosions: {told_all}; called quakes", wrong, "", "0", kept=wrong == 0)
