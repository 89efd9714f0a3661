"""Real records: the DPRK's tests, the collapse of 2017 and the Norwegian network, found and sized by the chain."""

from __future__ import annotations

import csv
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from bench._report import line
from detente.monitor.bulletin.records import Bulletin, Event, Origin
from detente.monitor.chain.files import Data
from detente.monitor.chain.process import Settings, process
from detente.monitor.character.magnitudes import as_idc, body_wave, measure
from detente.monitor.character.network_magnitude import network
from detente.monitor.character.station_terms import Terms, by_station, estimate, less_term
from detente.monitor.explosions import explosions
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.waves import read, response, sites
from detente.monitor.waves.trace import Array

# day, place and time: Yao and others 2018; IDC mb; published yields, kt
TESTS = (
    ("2006-10-09", "2006-10-09T01:35:27.998", 41.2879, 129.1083, 4.1, (0.5, 1.0)),
    ("2009-05-25", "2009-05-25T00:54:43.167", 41.2955, 129.0811, 4.5, (2.0, 5.0)),
    ("2013-02-12", "2013-02-12T02:57:51.322", 41.2926, 129.0760, 4.9, (7.0, 14.0)),
    ("2016-09-09", "2016-09-09T00:30:01.353", 41.3001, 129.0776, 5.1, (15.0, 25.0)),
    ("2017-09-03", "2017-09-03T03:30:01.655", 41.3018, 129.0738, 6.1, (100.0, 340.0)),
)
COLLAPSE = ("2017-09-03T03:38:31.800", 41.30, 129.07)


def waveforms() -> Path | None:
    """The folder of real records: DETENTE_DATA, or shared/data beside the house; None where there is none."""
    house = Path(__file__).resolve().parents[1]
    given = os.environ.get("DETENTE_DATA")
    places = [Path(given)] if given else [house.parent / "shared/data", house.parent.parent / "shared/data"]
    return next((p / "seismic/waveforms" for p in places if (p / "seismic/waveforms").is_dir()), None)


def seconds(text: str) -> float:
    """ISO UTC to s since 1970."""
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def dprk(folder: Path, day: str) -> Data:
    """All that the folder holds of one test: waveforms, places, responses."""
    own = folder / "dprk" / day
    if day != "2017-09-03":
        return Data(read.read(own), sites.load(own), response.load(own))
    recording = read.read([folder / "dprk" / "2017-09-03_regional_20Hz.mseed"])
    longer = read.read([folder / "obspy_examples" / "IC.MDJ.2017.246.mseed"])
    others = tuple(t for t in recording.traces if t.id != "IC.MDJ.00.BHZ")
    recording = msgspec.structs.replace(recording, traces=others + longer.traces)
    return Data(recording, places(folder), response.load(folder / "dprk" / "2016-09-09"))


def places(folder: Path) -> dict[str, Array]:
    """Stations of the regional file; rows without coordinates left out."""
    from detente.monitor.waves.trace import Site

    found = {}
    with (folder / "dprk" / "regional_20Hz_stations.csv").open() as file:
        for row in csv.DictReader(file):
            if row["sta_lat"]:
                code = row["id"].split(".")[1]
                found[code] = Array(code, (Site(code, float(row["sta_lat"]), float(row["sta_lon"])),))
    return found


def bulletins(folder: Path, settings: Settings | None = None) -> dict[str, Bulletin]:
    """The chain's bulletin of every test, with no hint of time or place."""
    found = {}
    for day, *_ in TESTS:
        data = dprk(folder, day)
        found[day] = process(data.recording, data.arrays, data.responses, settings=settings or Settings())
    return found


def off_km(event: Event, lat: float, lon: float) -> float:
    """Kilometres from the published place."""
    return float(distance_azimuth(event.origin.lat, event.origin.lon, lat, lon)[0]) * KM_PER_DEG


def inside(event: Event, lat: float, lon: float) -> bool:
    """Does the event's own ellipse hold a place?"""
    o = event.origin
    degrees, azimuth, _ = (float(v) for v in distance_azimuth(o.lat, o.lon, lat, lon))
    km, turn = degrees * KM_PER_DEG, np.radians(azimuth - (o.strike_deg or 0.0))
    along, across = km * np.cos(turn), km * np.sin(turn)
    return bool((along / (o.semi_major_km or 1e-9)) ** 2 + (across / (o.semi_minor_km or 1e-9)) ** 2 <= 1)


def nearest(bulletin: Bulletin, when: float, within_s: float = 20.0) -> Event | None:
    """The event nearest in time to `when`."""
    close = [e for e in bulletin.events if abs(e.origin.time - when) <= within_s]
    return min(close, key=lambda e: abs(e.origin.time - when), default=None)


def main() -> None:
    """Print what was found of each test, the collapse, and the Norwegian network's magnitudes."""
    folder = waveforms()
    if folder is None:
        print("no real records here: set DETENTE_DATA to the folder that holds seismic/waveforms")
        return
    start = time.perf_counter()
    made = bulletins(folder)
    took = time.perf_counter() - start
    for day, when, lat, lon, idc, published in TESTS:
        event = nearest(made[day], seconds(when))
        if event is None:
            line(f"{day}: found", 0, "", "1", kept=False)
            continue
        _test(day, event, seconds(when), (lat, lon), idc, published)
        line(f"{day}: other events in the window", len(made[day].events) - 1, "")
    _collapse(made["2017-09-03"])
    line("the chain on the five windows, reading included", took, "s")
    norwegian(folder)


def _test(
    day: str,
    event: Event,
    when: float,
    place: tuple[float, float],
    idc: float,
    published: tuple[float, float],
) -> None:
    o, mb, s = event.origin, body_wave(event), event.screening
    n = len({u.station for u in o.used})
    km = off_km(event, *place)
    line(f"{day}: located off by, {n} stations", km, "km", "<= 30 with 3 stations", kept=km <= 30)
    size = f"{o.semi_major_km or 0:.0f} x {o.semi_minor_km or 0:.0f} km"
    line(f"{day}: published place within the 90 % ellipse of {size}", inside(event, *place), "", "1",
         kept=inside(event, *place))  # fmt: skip
    line(f"{day}: origin time less published", o.time - when, "s")
    if mb is None or s is None:
        line(f"{day}: magnitude", 0, "", kept=False)
        return
    line(f"{day}: {mb.kind} on the IDC's scale less IDC mb {idc}", as_idc(mb) - idc, "", "+- 0.3",
         kept=abs(as_idc(mb) - idc) <= 0.3)  # fmt: skip
    p = s.p_explosion if s.p_explosion is not None else float("nan")
    line(f"{day}: P(explosion), prior {s.prior:g}", p, "", "> 0.9", kept=p > 0.9)
    for y in event.yields[:1]:
        covers = y.low_kt <= published[0] and published[1] <= y.high_kt
        line(f"{day}: median kt if coupled; 90 % {y.low_kt:.2g} to {y.high_kt:.2g}", y.median_kt, "kt",
             f"covers {published[0]:g} to {published[1]:g}", kept=covers)  # fmt: skip


def _collapse(bulletin: Bulletin) -> None:
    event = nearest(bulletin, seconds(COLLAPSE[0]), 60.0)
    line("collapse of 2017: found, apart from the test", event is not None, "", "1", kept=event is not None)
    if event is None or event.screening is None:
        return
    line(f"collapse: located off by, {len({u.station for u in event.origin.used})} stations",
         off_km(event, *COLLAPSE[1:]), "km")  # fmt: skip
    p = event.screening.p_explosion
    kept = event.screening.verdict != "explosion-like"
    line(
        f"collapse: '{event.screening.verdict}', P(explosion)",
        -1 if p is None else p,
        "",
        "not an explosion",
        kept=kept,
    )


def norwegian(folder: Path) -> None:
    """Network magnitudes of 32 Soviet and Chinese tests against both catalogues, and with station terms.

    The terms of each event come from the 31 others.
    """
    rows = _measured(folder / "nnsn")
    events = [event for event, *_ in rows]
    without = [_network(e, {}) for e in events]
    terms = [_network(e, by_station(estimate([o for o in events if o is not e]))) for e in events]
    for name, k in (("SIPRI's mb, mostly Hagfors'", 1), ("ISC or PDE mb, recalled", 2)):
        for how, values in (("", without), (", station terms of the other events", terms)):
            pairs = [(r[k], v) for r, v in zip(rows, values, strict=True) if r[k] and v is not None]
            x, y = np.array(pairs).T
            slope, level = np.polyfit(x, y, 1)
            sigma = float(np.std(y - slope * x - level, ddof=2))
            line(f"Norwegian network on {name}{how}: {len(x)} events, slope {slope:.2f}, sigma", sigma, "",
                 "< 0.35", kept=sigma < 0.35)  # fmt: skip


def _measured(own: Path) -> list[tuple[Event, float | None, float | None]]:
    """Each test with its magnitudes, SIPRI's mb and the ISC's; None where there is none."""
    responses, arrays = response.load(own / "RESPONSES"), sites.load(own / "RESPONSES")
    found = []
    with (own / "nnsn_events.csv").open() as file:
        for row in csv.DictReader(file):
            when = seconds(row["datetime_sipri"])
            shot = next((s for s in explosions() if abs(_when(s.time) - when) < 30), None)
            lat, lon = (shot.lat, shot.lon) if shot else (float(row["lat"]), float(row["lon"]))
            origin = Origin(
                id="given", time=_when(shot.time) if shot else when, lat=lat, lon=lon, time_sd=0.5
            )
            event = Event(id=row["dir"], origins=(origin,))
            recording = read.read(own / "ARCHIVE" / row["dir"])
            event = measure(event, recording, responses, arrays, kinds=("mb", "mb(Pn)"))
            found.append((event, float(row["mb"]) or None, shot.mb if shot else None))
    return found


def _network(event: Event, terms: Terms) -> float | None:
    """The event's mb on the IDC's scale with station terms taken off."""
    mb = body_wave(event)
    if mb is None:
        return None
    value = network([less_term(s, terms, event.origin) for s in mb.stations])
    return None if value is None else as_idc(msgspec.structs.replace(mb, value=value[0]))


def _when(text: str) -> float:
    try:
        stamp = datetime.fromisoformat(text)
    except ValueError:
        return -1e12
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
