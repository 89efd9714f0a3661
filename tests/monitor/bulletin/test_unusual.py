"""Bulletins with unusual content: written whole, valid, read back by us and by obspy, or refused in one line."""

from __future__ import annotations

import io
import json
import math
import re
from contextlib import suppress
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.errors import DetenteError
from detente.monitor.bulletin import css3, ims1, quakeml, tables
from detente.monitor.bulletin.formats import read_any, write_as
from detente.monitor.bulletin.records import (
    Arrival,
    Bulletin,
    Event,
    Magnitude,
    Origin,
    StationMagnitude,
    Used,
)
from detente.monitor.bulletin.store import Store
from tests.monitor.bulletin._made import T, made
from tests.monitor.bulletin.test_formats import near

obspy = pytest.importorskip("obspy")

_PLAIN = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), max_size=12)
_HOSTILE = st.text(st.characters(codec="utf-8"), max_size=12)


def of(kind: Any, text: st.SearchStrategy[str], top: bool = False) -> st.SearchStrategy[Any]:
    """Any value of a field's type."""
    arguments = get_args(kind)
    if get_origin(kind) is Literal:
        return st.sampled_from(arguments)
    if get_origin(kind) in (Union, UnionType):
        return st.one_of([of(a, text) for a in arguments])
    if get_origin(kind) is tuple and arguments[-1] is Ellipsis:
        return st.lists(of(arguments[0], text), min_size=int(top), max_size=2).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*(of(a, text) for a in arguments))
    if get_origin(kind) is dict:
        return st.dictionaries(text, of(arguments[1], text), max_size=2)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        fields = {f: of(hints[f], text, f == "origins") for f in kind.__struct_fields__}
        return st.fixed_dictionaries(fields).map(lambda values: kind(**values))
    return {
        float: st.floats(-1e6, 1e6),
        str: text,
        bool: st.booleans(),
        int: st.integers(0, 9),
        NoneType: st.none(),
    }[kind]


def _tidy(found: Bulletin) -> Bulletin:
    """Ids that are one each, references that hold, and authors: what every bulletin of ours has."""
    arrivals = tuple(_named(a, i) for i, a in enumerate(found.arrivals))
    names = [a.id for a in arrivals]
    events = []
    for i, event in enumerate(found.events):
        origins = []
        for j, o in enumerate(event.origins):
            used = tuple(replace(u, arrival=n) for u, n in zip(o.used, names, strict=False))
            used = tuple(replace(u, defining="".join(k for k in "TAS" if k in u.defining)) for u in used)
            origins.append(replace(o, id=f"{i} {j} {o.id}", used=used, by=o.by or "x"))
        events.append(replace(event, id=f"{i} {event.id}", origins=tuple(origins)))
    ordered = tuple(sorted(arrivals, key=lambda a: (a.time, a.id)))
    return replace(found, arrivals=ordered, events=tuple(events))


def _named(a: Arrival, i: int) -> Arrival:
    """An uncertainty needs something that it is of."""
    return replace(
        a,
        id=f"a{i} {a.id}",
        time=round(a.time) + i / 8,  # QuakeML rounds to microseconds, which must not change the order
        by=a.by or "x",
        backazimuth_sd_deg=a.backazimuth_sd_deg if a.backazimuth_deg is not None else None,
        slowness_sd_s_km=a.slowness_sd_s_km if a.slowness_s_km is not None else None,
    )


def _schema() -> Any:
    from lxml import etree

    return etree.XMLSchema(etree.parse(str(Path(obspy.__file__).parent / "io/quakeml/data/QuakeML-1.2.xsd")))


@settings(max_examples=40)
@given(of(Bulletin, _PLAIN).map(_tidy))
def test_any_bulletin_comes_back_from_quakeml_json_and_the_store(whole: Bulletin) -> None:
    assert tables.read_json(tables.write_json(whole)) == whole
    assert near(quakeml.read_quakeml(quakeml.write_quakeml(whole)), whole, tolerance=2e-6)


@settings(max_examples=40)
@given(of(Bulletin, _HOSTILE).map(_tidy))
def test_any_text_makes_files_that_others_accept(whole: Bulletin) -> None:
    from lxml import etree

    data = quakeml.write_quakeml(whole)
    schema = _schema()
    assert schema.validate(etree.fromstring(data)), schema.error_log
    assert len(quakeml.read_quakeml(data).events) == len(whole.events)
    assert tables.read_json(tables.write_json(whole)) == whole
    json.loads(tables.write_geojson(whole))
    tables.write_csv(whole)
    with suppress(DetenteError):  # a station that does not fit
        text = ims1.write_ims1(whole)
        text.decode("ascii")
        assert len(ims1.read_ims1(text).events) == len(whole.events)
    with suppress(DetenteError):
        for name, rows in css3.css3_tables(whole).items():
            assert len(css3.decode(name, css3.encode(name, rows))) == len(rows)


def _one(**origin: Any) -> Bulletin:
    arrival = Arrival(id="a0", station="MDJ", time=origin.get("time", T) + 50, time_sd=0.1, phase="P")
    used = Used(
        arrival="a0", station="MDJ", phase="P", distance_deg=10.0, azimuth_deg=20.0, time_residual_s=0.1
    )
    whole = Origin(
        **{"id": "o", "time": T, "lat": 41.0, "lon": 129.0, "time_sd": 0.3, "used": (used,)} | origin
    )
    return Bulletin(start=T - 1, end=T + 1, arrivals=(arrival,), events=(Event(id="e", origins=(whole,)),))


_UNUSUAL = {
    "before 1970": _one(time=-1e9),
    "on the date line": _one(lon=180.0, semi_major_km=300.0, semi_minor_km=10.0, strike_deg=90.0),
    "beyond it": _one(lon=-180.0),
    "at the pole": _one(lat=90.0, lon=0.0, semi_major_km=300.0, semi_minor_km=100.0, strike_deg=359.9),
    "as seen from the east": _one(lat=-89.9, lon=270.0),
    "just before a minute": _one(time=1504409459.9999),
    "an ellipse as wide as the Earth": _one(semi_major_km=1e5, semi_minor_km=1e5, time_sd=1e5),
    "without arrivals": replace(_one(used=()), arrivals=()),
    "an arrival that is gone": replace(_one(), arrivals=()),
    "nothing": Bulletin(start=0.0, end=1.0),
    "arrivals only": replace(_one(), events=()),
}


@pytest.mark.parametrize("kind", ["quakeml", "ims1", "css3", "json", "geojson", "csv", "parquet"])
@pytest.mark.parametrize("name", list(_UNUSUAL))
def test_unusual_events_are_written_and_read(tmp_path: Path, name: str, kind: str) -> None:
    whole = _UNUSUAL[name]
    paths = write_as(whole, kind, tmp_path / "b")
    if kind in ("geojson", "csv", "parquet"):
        return
    back = read_any(tmp_path / "b" if kind == "css3" else paths[0])
    assert len(back.events) == len(whole.events)
    for ours, theirs in zip(whole.events, back.events, strict=True):
        assert theirs.origin.time == pytest.approx(ours.origin.time, abs=0.0051)
        assert theirs.origin.lat == pytest.approx(ours.origin.lat, abs=1e-4)
        east = (theirs.origin.lon - ours.origin.lon + 180) % 360 - 180
        assert east == pytest.approx(0.0, abs=1e-4)
    if kind != "ims1":
        assert [a.time for a in back.arrivals] == pytest.approx([a.time for a in whole.arrivals], abs=1e-4)
    if kind == "quakeml":
        assert len(obspy.read_events(str(paths[0]))) == len(whole.events)
    if kind == "ims1" and whole.events:
        catalog = obspy.read_events(str(paths[0]), format="IMS10BULLETIN")
        assert abs(catalog[0].origins[0].time.timestamp - whole.events[0].origin.time) < 0.0051


def test_thousands_of_arrivals_in_one_event() -> None:
    arrivals = tuple(Arrival(id=f"a{i}", station="MDJ", time=T + i, time_sd=0.1) for i in range(12_000))
    used = tuple(
        Used(arrival=a.id, station="MDJ", phase="P", distance_deg=1.0, azimuth_deg=2.0) for a in arrivals
    )
    whole = _one(used=used)
    whole = replace(whole, arrivals=arrivals)
    back = ims1.read_ims1(ims1.write_ims1(whole))
    assert len(back.events[0].origin.used) == 12_000
    (row,) = css3.decode("origin", css3.encode("origin", css3.css3_tables(whole)["origin"]))
    assert row["nass"] is None  # 12000 is wider than its four columns: unknown, not 2000
    assert "2000" not in ims1.write_ims1(whole).decode().splitlines()[8][83:92]


def test_limits_of_magnitude_are_kept() -> None:
    limit = Magnitude(kind="Ms", value=3.4, sd=0.2)
    event = made().events[0]
    whole = replace(made(), events=(replace(event, limits=(limit,)),))
    assert quakeml.read_quakeml(quakeml.write_quakeml(whole)).events[0].limits == (limit,)
    text = ims1.write_ims1(whole)
    assert b"Ms   < 3.4" in text
    (back,) = ims1.read_ims1(text).events
    assert [(m.kind, m.value) for m in back.limits] == [("Ms", 3.4)]
    assert [m.kind for m in back.magnitudes] == ["mb", "Ms"]
    rows = [r for r in tables.rows(whole)["magnitudes"] if r["limit"] and not r["station"]]
    assert [(r["kind"], r["value"]) for r in rows] == [("Ms", 3.4)]


def test_a_distance_that_nobody_told_is_unknown_everywhere(tmp_path: Path) -> None:
    used = Used(arrival="a0", station="MDJ", phase="P", distance_deg=math.nan, azimuth_deg=math.nan)
    whole = _one(used=(used,))
    data = quakeml.write_quakeml(whole)
    schema = _schema()
    from lxml import etree

    assert schema.validate(etree.fromstring(data)), schema.error_log
    assert obspy.read_events(io.BytesIO(data))[0].origins[0].arrivals[0].distance is None
    with Store(tmp_path / "s.sqlite") as store:
        store.put(whole)
        held = store.bulletin()
    for back in (held, quakeml.read_quakeml(data), tables.read_json(tables.write_json(whole))):
        assert math.isnan(back.events[0].origin.used[0].distance_deg)
    json.loads(tables.write_json(whole), parse_constant=pytest.fail)


def test_numbers_that_are_none_in_another_s_document_are_not_taken() -> None:
    text = quakeml.write_quakeml(_one()).decode()
    assert "41.0" in text
    with pytest.raises(DetenteError, match="not a sound"):
        quakeml.read_quakeml(text.replace("<value>41.0</value>", "<value>NaN</value>").encode())
    for record in ("[1]", "5", '{"arrivals": 5}', '{"start": "x"}', "{"):
        broken = text[: text.rindex('{"start"')] + record + text[text.rindex("</detente:record>") :]
        with pytest.raises(DetenteError, match="not a sound"):
            quakeml.read_quakeml(broken.encode())


def test_stations_are_never_cut_to_one_name(tmp_path: Path) -> None:
    def named(code: str) -> Bulletin:
        arrival = Arrival(id="a0", station=code, time=T + 50, time_sd=0.1)
        used = Used(arrival="a0", station=code, phase="P", distance_deg=10.0, azimuth_deg=20.0)
        return replace(_one(used=(used,)), arrivals=(arrival,))

    for write in (ims1.write_ims1, lambda b: css3.write_css3(b, tmp_path / "x")):
        with pytest.raises(DetenteError, match="LONGNAME1"):
            write(named("LONGNAME1"))
    assert list(tmp_path.iterdir()) == []
    assert b"\nABC  " in ims1.write_ims1(named("YY.ABC"))  # its network has no column


def test_a_second_export_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    few = _one()
    for kind in ("css3", "csv", "parquet"):
        folder = tmp_path / kind
        folder.mkdir()
        out = folder / "day" if kind == "css3" else folder
        write_as(few, kind, out)
        first = {p.name: p.read_bytes() for p in folder.iterdir()}
        write_as(made(), kind, out)
        assert len(list(folder.iterdir())) > len(first)
        write_as(few, kind, out)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == first


def test_upper_limits_of_others_are_no_magnitudes() -> None:
    text = ims1.write_ims1(replace(_one(), events=(replace(_one().events[0], magnitudes=(
        Magnitude(kind="mb", value=3.1, sd=0.1,
                  stations=(StationMagnitude(station="MDJ", kind="mb", value=3.1, sd=0.1, limit=True),)),
    )),)))  # fmt: skip
    (event,) = ims1.read_ims1(text).events
    assert event.magnitudes == ()
    assert [m.value for m in event.limits] == [3.1]


@pytest.mark.filterwarnings("ignore:This pick would have a time")
def test_an_arrival_of_another_day_keeps_it_in_ims1() -> None:
    """Phase lines bear no date: a comment behind the line does, which other readers pass over."""
    whole = made()
    event = whole.events[0]
    first = event.origin.used[0].arrival
    for hours in (-30.0, -13.0, -11.0, 11.0, 13.0, 30.0):
        time = event.origin.time + hours * 3600.0
        arrivals = tuple(replace(a, time=time) if a.id == first else a for a in whole.arrivals)
        data = ims1.write_ims1(replace(whole, arrivals=arrivals))
        assert (b"#DATE" in data) == (abs(hours) > 12)
        back = ims1.read_ims1(data)
        used = {u.station: u.arrival for u in back.events[0].origin.used}
        station = event.origin.used[0].station
        got = next(a.time for a in back.arrivals if a.id == used[station])
        assert got == pytest.approx(time, abs=0.002)
        (theirs,) = obspy.read_events(io.BytesIO(data), format="IMS10BULLETIN")[:1]
        assert len(theirs.picks) == len(event.origin.used)


def test_a_pick_of_no_station_is_refused_in_words() -> None:
    data = re.sub(
        rb"<waveformID[^>]*/>|<waveformID.*?</waveformID>", b"", quakeml.write_quakeml(made()), flags=re.S
    )
    with pytest.raises(DetenteError, match="a pick of no station"):
        quakeml.read_quakeml(data)


def test_an_encoding_that_nobody_knows_is_refused_in_words() -> None:
    data = quakeml.write_quakeml(made()).replace(b"utf-8", b"utf-nan8", 1).replace(b"UTF-8", b"UTF-nan8", 1)
    with pytest.raises(DetenteError, match="not a sound QuakeML"):
        quakeml.read_quakeml(data)
