"""Sheets: true places on the map, nothing written over something else or cut off, whatever the event lacks."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import msgspec
import numpy as np
import pytest

from detente.asof import AsOf, parse_day
from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Origin, Screening
from detente.monitor.chain.process import characterise
from detente.monitor.character.paths import path
from detente.monitor.event_location import destination
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.sheets.around import ellipse, places_of, project
from detente.monitor.sheets.day import day_overview, network_health
from detente.monitor.sheets.event import bulletin_sheet, event_sheet
from detente.monitor.sheets.style import VERDICT, kilotonnes, made_words, place_words
from detente.monitor.sheets.threshold import _bound, p_above, threshold_applies
from detente.monitor.waves.trace import Array, Recording, Site, Trace
from detente.treaty import load, resolve
from tests.monitor.character import _scene as scene

PLACES = [(10.0, 3.0), (60.0, 4.2), (115.0, 5.5), (170.0, 6.0), (215.0, 7.5), (265.0, 9.0), (310.0, 11.0)]


def made(places: list[tuple[float, float]]) -> tuple[Bulletin, Recording, dict[str, Array]]:
    """An event seen at some places, measured, screened and sized by the chain."""
    arrays = scene.stations(places)
    event = scene.event(arrays, semi_major_km=20.0, semi_minor_km=9.0, strike_deg=30.0)
    recording = scene.recording(event, arrays, p=400.0, s=60.0)
    arrivals = tuple(
        msgspec.structs.replace(a, time=a.time + path(event.origin, arrays[a.station]).p_s)
        for a in scene.arrivals(event)
    )
    (found,) = characterise([event], recording, arrays, scene.instruments(arrays), arrivals)
    start, end = (f(v for t in recording.traces for v in (t.start, t.end)) for f in (min, max))
    told = {"program": "detente", "settings": "ab" * 32, "data": "cd" * 32, "seed": "1"}
    return (
        Bulletin(
            start=start, end=end, arrivals=arrivals, events=(found,), stations=tuple(arrays), made_with=told
        ),
        recording,
        arrays,
    )


@pytest.fixture(scope="module")
def seven() -> tuple[Bulletin, Recording, dict[str, Array]]:
    return made(PLACES)


@pytest.mark.parametrize(
    "centre", [(41.3, 129.1), (65.0, 179.5), (88.5, 20.0), (-60.2, -170.3), (-90.0, 0.0)]
)
def test_the_map_keeps_distance_and_azimuth_at_poles_and_date_line(centre: tuple[float, float]) -> None:
    azimuths, degrees = np.array([0.0, 37.0, 180.0, 271.0]), np.array([0.5, 9.0, 60.0, 140.0])
    lat, lon = destination(*centre, azimuths, degrees)
    x, y = project(*centre, lat, lon)
    assert np.hypot(x, y) == pytest.approx(degrees * KM_PER_DEG, rel=0.006)  # a sphere for WGS84
    assert (np.degrees(np.arctan2(x, y)) - azimuths + 180) % 360 - 180 == pytest.approx(np.zeros(4), abs=0.4)
    assert [float(v) for v in project(*centre, *centre)] == pytest.approx([0.0, 0.0], abs=1e-6)


def test_an_ellipse_lies_along_its_strike() -> None:
    x, y = ellipse(20.0, 9.0, 30.0)
    far = int(np.argmax(np.hypot(x, y)))
    assert np.hypot(x, y).max() == pytest.approx(20.0) and np.hypot(x, y).min() == pytest.approx(
        9.0, abs=0.01
    )
    assert np.degrees(np.arctan2(x[far], y[far])) % 180 == pytest.approx(30.0)


def test_stations_are_placed_by_the_bulletin_alone(seven: Any) -> None:
    bulletin, _, arrays = seven
    for p in places_of(bulletin.events[0]):
        assert float(distance_azimuth(p.lat, p.lon, arrays[p.code].lat, arrays[p.code].lon)[0]) < 0.05


def test_amounts_and_places_in_words() -> None:
    assert [kilotonnes(v) for v in (0.000342, 7.8, 858.0, 12345.0)] == ["0.00034", "7.8", "860", "12 000"]
    assert (
        place_words(-41.333, 190.0) == "41.33° S 170.00° W"
        and place_words(41.3, 129.1, 1) == "41.3° N 129.1° E"
    )
    assert made_words({}) == "detente"


def words_of(figure: Any) -> list[tuple[str, Any]]:
    """Every text that is seen, with its box in pixels."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    painter = figure.canvas.get_renderer()
    beyond = {id(label) for axes in figure.axes for label in _ticks_beyond(axes)}
    found = [
        t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible() and id(t) not in beyond
    ]
    return [(t.get_text(), t.get_window_extent(painter)) for t in found if _drawn(t)]


def _ticks_beyond(axes: Any) -> list[Any]:
    """Labels of ticks outside the view: matplotlib keeps and does not draw them."""
    found = []
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not axes.axison or not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                found += [tick.label1, tick.label2]
    return found


def _drawn(text: Any) -> bool:
    axes = text.axes
    return axes is None or axes.axison or text in axes.texts or text is axes._left_title


def collisions(figure: Any) -> list[tuple[str, str]]:
    """Pairs of texts of which one covers more than a fifth of the other."""
    found = []
    for (a, p), (b, q) in combinations(words_of(figure), 2):
        width = min(p.x1, q.x1) - max(p.x0, q.x0)
        height = min(p.y1, q.y1) - max(p.y0, q.y0)
        least = min(p.width * p.height, q.width * q.height)
        if width > 0 and height > 0 and width * height > 0.2 * least:
            found.append((a, b))
    return found


def outside(figure: Any) -> list[str]:
    """Texts that the page cuts off."""
    w, h = figure.canvas.get_width_height()
    return [t for t, b in words_of(figure) if b.x0 < -1 or b.y0 < -1 or b.x1 > w + 1 or b.y1 > h + 1]


@pytest.mark.parametrize("places", [PLACES, PLACES[:1]], ids=["seven", "one"])
def test_nothing_is_written_over_something_else_or_cut_off(places: list[tuple[float, float]]) -> None:
    bulletin, recording, arrays = made(places)
    (event,) = bulletin.events
    for figure in (
        event_sheet(bulletin, event, recording, arrays),
        bulletin_sheet(bulletin, event),
        day_overview(bulletin),
        network_health(bulletin, recording, arrays),
    ):
        assert collisions(figure) == [] and outside(figure) == []


def test_a_sheet_of_many_stations_says_which_it_shows() -> None:
    rng = np.random.default_rng(3)
    many = [(float(a), float(d)) for a, d in zip(rng.uniform(0, 360, 24), rng.uniform(2, 5, 24), strict=True)]
    bulletin, recording, arrays = made(many)
    figure = event_sheet(bulletin, bulletin.events[0], recording, arrays)
    assert any("16 of 24 stations" in w for w, _ in words_of(figure))
    assert outside(figure) == []


def test_an_event_without_anything_still_has_a_sheet() -> None:
    """No ellipse, no magnitude, no yield, nothing screened."""
    event = Event(id="bare", origins=(Origin(id="o", time=0.0, lat=-5.0, lon=200.0, time_sd=3.0),))
    bulletin = Bulletin(start=0.0, end=60.0, events=(event,))
    said = " ".join(w for w, _ in words_of(bulletin_sheet(bulletin, event)))
    for words in (
        "no error ellipse",
        "no magnitude",
        "nothing to screen with",
        "no yield",
        "5.00° S 160.00° W",
    ):
        assert words in said.replace("\n", " ")
    day_overview(bulletin).draw_without_rendering()


def test_the_array_that_saw_it_gives_an_fk_panel() -> None:
    """A plane wave across nine sensors: the panel tells its direction and slowness."""
    arrays = scene.stations([(75.0, 8.0)])
    centre = arrays["S0"].sites[0]
    sensors = [Site("S0", centre.lat, centre.lon)]
    for i in range(8):
        lat, lon = destination(centre.lat, centre.lon, 45.0 * i, (1.0 + (i % 2)) / KM_PER_DEG)
        sensors.append(Site(f"E{i}", float(np.ravel(lat)[0]), float(np.ravel(lon)[0])))
    arrays = {"S0": Array("S0", tuple(sensors))}
    event = scene.event(arrays, semi_major_km=200.0, semi_minor_km=90.0, strike_deg=0.0)
    way = path(event.origin, arrays["S0"])
    rate, rng = 40.0, np.random.default_rng(5)
    wave = rng.normal(size=int(400 * rate))
    east, north = np.sin(np.radians(way.backazimuth_deg)), np.cos(np.radians(way.backazimuth_deg))
    zero = event.origin.time + way.p_s
    traces = []
    for site, (x, y) in zip(sensors, arrays["S0"].offsets_km(), strict=True):
        t = np.arange(int(300 * rate)) / rate - 60.0 + 0.125 * (x * east + y * north)  # nearer hears it first
        signal = np.where(t > 0, np.interp(t + 100, np.arange(wave.size) / rate, wave), 0.0)
        signal = signal * 50 + rng.normal(size=t.size)
        traces.append(
            Trace("XX", site.code, "", "SHZ", round((zero - 60) * 1e9), rate, signal.astype(np.float32))
        )
    arrival = Arrival(id="S0-P", station="S0", time=zero, time_sd=0.1)
    bulletin = Bulletin(
        start=zero - 60, end=zero + 240, arrivals=(arrival,), events=(event,), stations=("S0",)
    )
    figure = event_sheet(bulletin, event, Recording(tuple(traces)), arrays)
    said = next(w for w, _ in words_of(figure) if w.startswith("back-azimuth"))
    told = float(said.split()[1].rstrip("°"))
    assert abs((told - way.backazimuth_deg + 180) % 360 - 180) < 3
    assert float(said.split("slowness ")[1].split()[0]) == pytest.approx(0.125, abs=0.006)
    assert collisions(figure) == [] and outside(figure) == []


def test_each_verdict_has_its_own_mark_for_grey_print() -> None:
    assert len({mark for _, mark in VERDICT.values()}) == len(VERDICT)


def test_a_crowded_day_keeps_its_names_apart() -> None:
    """168 stations and 150 events on a page that can be printed."""
    rng = np.random.default_rng(7)
    stations = tuple(f"ST{i:03d}" for i in range(168))
    verdicts = list(VERDICT)
    events = tuple(
        Event(
            id=f"e{i}", origins=(Origin(id="o", time=float(t), lat=0.0, lon=0.0, time_sd=1.0),),
            screening=Screening(verdict=verdicts[i % 4], p_explosion=None, prior=0.5),
        )
        for i, t in enumerate(rng.uniform(0, 86400, 150))
    )  # fmt: skip
    arrivals = tuple(
        Arrival(id=str(i), station=stations[i % 168], time=float(t), time_sd=0.1)
        for i, t in enumerate(rng.uniform(0, 86400, 3000))
    )
    figure = day_overview(
        Bulletin(start=0.0, end=86400.0, arrivals=arrivals, events=events, stations=stations)
    )
    assert figure.get_size_inches()[1] < 13
    names = [(w.strip(), b) for w, b in words_of(figure) if w.strip().startswith("ST")]
    assert len(names) == 168
    assert collisions(figure) == [] or all("ST" in a and "ST" in b for a, b in collisions(figure))


@pytest.mark.parametrize(
    ("lat", "lon", "year", "kt"),
    [
        (49.9, 78.9, "1988-09-14", 150.0),  # Semipalatinsk, observed before entry into force
        (49.9, 78.9, "1975-06-01", None),  # signed, not yet observed
        (37.1, -116.1, "1991-04-04", 150.0),
        (41.3, 129.1, "2017-09-03", None),  # no party
        (10.0, 10.0, "1988-09-14", None),
    ],
)
def test_the_threshold_where_and_when_it_bound(lat: float, lon: float, year: str, kt: float | None) -> None:
    from datetime import datetime

    time = datetime.fromisoformat(f"{year}T00:00:00+00:00").timestamp()
    event = Event(id="e", origins=(Origin(id="o", time=time, lat=lat, lon=lon, time_sd=1.0),))
    found = threshold_applies(event)
    assert (found.kt if found else None) == kt
    assert p_above(event, 150.0) is None


@pytest.mark.parametrize(
    "day", ["1975-12-31", "1977-01-01", "1988-09-14", "1990-12-10", "1990-12-11", "2017-09-03"]
)
def test_the_threshold_is_that_of_the_library(day: str) -> None:
    law = resolve(load("ttbt"), AsOf.on(parse_day(day), known=parse_day(day)))
    state = str(law.status().state)
    found = _bound("SU", day)
    if found is None:
        assert state == "signed"
        return
    rule = law.instrument.prohibitions[0]
    assert (found.state, found.treaty) == (state, law.instrument.title)
    assert (found.kt, found.article) == (rule.at_most, rule.article)


def test_the_chance_above_a_bound_falls_with_it(seven: Any) -> None:
    event = seven[0].events[0]
    low, high = event.yields[0].low_kt, event.yields[0].high_kt
    assert p_above(event, low) == pytest.approx(0.95, abs=0.01)
    assert p_above(event, high) == pytest.approx(0.05, abs=0.01)
