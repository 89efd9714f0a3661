"""Our FDSN web services, asked by obspy's client and by ours; and every way to ask wrongly."""

from __future__ import annotations

import io
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.fdsnws_params import SERVICES, matches, parse, wadl
from detente.monitor.waves import sites
from detente.monitor.waves.fdsn import Fdsn
from detente.monitor.waves.sds import Archive
from detente.monitor.waves.trace import Trace
from tests.monitor.bulletin._made import T, made
from tests.monitor.waves._made import noise

obspy = pytest.importorskip("obspy")
uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("litestar")
RECORD = Trace("IC", "MDJ", "00", "BHZ", round((T - 100) * 1e9), 20.0, noise(8000).astype(np.float32))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from detente.monitor.chain.fdsnws import create_app
    from detente.monitor.chain.fdsnws_stations import inventory

    folder = tmp_path_factory.mktemp("fdsnws")
    with Store(folder / "b.sqlite") as store:
        store.put(made())
    Archive(folder / "sds").write([RECORD])
    arrays = {k: sites.ims_arrays()[k] for k in ("MKAR", "YKA", "AAK")}
    app = create_app(folder / "b.sqlite", inventory=inventory(arrays), sds=folder / "sds")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(5.0)


def ask(url: str, data: bytes | None = None) -> tuple[int, bytes, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=10) as answer:
            return answer.status, answer.read(), answer.headers.get("content-type", "")
    except urllib.error.HTTPError as bad:
        return bad.code, bad.read(), bad.headers.get("content-type", "")


def query(server: str, service: str, **asked: object) -> tuple[int, bytes, str]:
    from urllib.parse import urlencode

    return ask(f"{server}/fdsnws/{service}/1/query?{urlencode(asked)}")


@pytest.fixture(scope="module")
def client(server: str) -> Any:
    from obspy.clients.fdsn import Client

    return Client(server)


def test_obspy_discovers_what_we_serve(client: Any) -> None:
    assert set(client.services) >= set(SERVICES)
    assert list(client.get_webservice_version("event")) == [1, 2, 0]
    assert client.services["available_event_catalogs"] == {"detente"}
    assert client.services["event"]["minmagnitude"]["type"] is float


def test_obspy_gets_our_events(client: Any) -> None:
    day = obspy.UTCDateTime(T - 10)
    found = client.get_events(starttime=day, endtime=day + 20, includearrivals=True)
    assert len(found) == 1
    assert found[0].preferred_origin().latitude == 41.3325
    assert len(found[0].picks) == 4
    assert len(client.get_events(minmagnitude=5.0)) == 1
    assert len(client.get_events(latitude=41.0, longitude=129.0, maxradius=2.0)) == 1
    assert len(client.get_events(minlongitude=170.0, maxlongitude=-170.0)) == 1  # over the antimeridian
    assert len(client.get_events(mindepth=100.0)) == 1
    assert [e.preferred_origin().time.timestamp > T + 1 for e in client.get_events(orderby="time-asc")] == [
        False,
        True,
    ]
    assert client.get_events(eventid="2")[0].preferred_origin().depth == 551_000.0
    assert len(client.get_events(eventtype="explosion")) == 1
    assert len(client.get_events(limit=1, offset=2)) == 1
    assert not client.get_events()[0].picks
    with pytest.raises(obspy.clients.fdsn.header.FDSNNoDataException):
        client.get_events(minmagnitude=9.0)


def test_obspy_gets_our_stations(client: Any) -> None:
    whole = client.get_stations(network="*", level="station")
    codes = {s.code for n in whole for s in n}
    assert {"MK01", "YKB0", "AAK"} <= codes
    near = client.get_stations(latitude=46.77, longitude=82.30, maxradius=0.1)
    assert {s.code[:2] for n in near for s in n} == {"MK"}
    assert [s.code for n in client.get_stations(station="MK0?", level="station") for s in n] == [
        f"MK0{i}" for i in range(1, 10)
    ]
    assert all(not n.stations for n in client.get_stations(level="network"))


def test_obspy_gets_our_records(client: Any) -> None:
    start = obspy.UTCDateTime(T)
    (trace,) = client.get_waveforms("IC", "MDJ", "00", "BHZ", start, start + 60)
    assert np.array_equal(trace.data, RECORD.cut(T, T + 60.001).samples[: trace.stats.npts])
    assert trace.stats.npts in (1200, 1201)
    stream = client.get_waveforms_bulk([("IC", "MDJ", "*", "BH?", start, start + 5)])
    assert len(stream) == 1
    with pytest.raises(obspy.clients.fdsn.header.FDSNNoDataException):
        client.get_waveforms("XX", "NONE", "*", "*", start, start + 5)


def test_real_station_files_are_served_whole(waveforms: Path, tmp_path: Path) -> None:
    from detente.monitor.chain.fdsnws_stations import inventory, stations

    path = waveforms / "obspy_examples/array_yellowknife.xml"
    whole = inventory(sites.load(path), [path])
    data, media = stations(whole, [parse("station", [("level", "response"), ("sta", "YKB0,YKB1")])])
    back = obspy.read_inventory(io.BytesIO(data))
    assert media == "application/xml"
    assert [s.code for n in back for s in n] == ["YKB0", "YKB1"]
    assert back[0][0][0].response.instrument_sensitivity.value == 9333900000.0
    text, _ = stations(whole, [parse("station", [("level", "channel"), ("format", "text"), ("cha", "SHZ")])])
    assert text.decode().count("\n") == 19
    assert stations(whole, [parse("station", [("endbefore", "1980-01-01")])]) == (b"", "")


def test_our_client_gets_the_same(server: str) -> None:
    ours = Fdsn(server)
    found = ours.records(T, T + 60, network="IC", station="MDJ", now=1.8e9)
    assert np.array_equal(found.traces[0].samples, RECORD.cut(T, T + 60).samples)
    pieces = [r for _, _, r in ours.stream(T - 100, T + 500, step=100.0, now=1.8e9)]
    assert sum(t.samples.size for r in pieces for t in r.traces) == 8000
    assert pieces[-1].traces == ()
    assert len(ours.events(T - 10, T + 10).events) == 1
    assert len(ours.events(T - 10, T + 10).arrivals) == 4
    assert ours.events(0.0, 1.0).events == ()
    assert (
        sites.load(ours.stations(network="IM", station="MK*", level="station"))["MKAR"].sites[0].code
        == "MK01"
    )
    assert ours.stations(station="NONE") is None


def test_text_answers(server: str) -> None:
    status, data, media = query(server, "event", format="text")
    assert status == 200
    assert media.startswith("text/plain")
    lines = data.decode().splitlines()
    assert lines[0].startswith("#EventID|Time|Latitude")
    cells = lines[2].split("|")
    assert (cells[0], cells[1], cells[9], cells[10]) == (
        "20170903-0330",
        "2017-09-03T03:30:01.600000",
        "mb",
        "6.14",
    )
    assert len(cells) == lines[0].count("|") + 1
    status, data, _ = query(server, "station", format="text", sta="AAK")
    assert data.decode().splitlines()[0].startswith("#")
    assert "|AAK|" in data.decode()


@pytest.mark.parametrize(
    ("service", "asked", "status", "said"),
    [
        ("event", {"minmag": 9}, 204, ""),
        ("event", {"minmag": 9, "nodata": 404}, 404, "no data"),
        ("event", {"minmg": 5}, 400, "did you mean"),
        ("event", {"minmag": "x"}, 400, "not a number"),
        ("event", {"starttime": "2017-99-01"}, 400, "no ISO 8601"),
        ("event", {"starttime": "2018-01-01", "endtime": "2017-01-01"}, 400, "after endtime"),
        ("event", {"latitude": 91}, 400, "between"),
        ("event", {"latitude": 9}, 400, "go together"),
        ("event", {"orderby": "size"}, 400, "orderby"),
        ("event", {"format": "html"}, 400, "xml or text"),
        ("event", {"offset": 0}, 400, "counts from 1"),
        ("event", {"eventid": "x' OR '1'='1"}, 204, ""),
        ("station", {"level": "all"}, 400, "level"),
        ("station", {"net": "ZZ"}, 204, ""),
        ("dataselect", {"net": "IC"}, 400, "needs starttime"),
        ("dataselect", {"start": "2017-01-01", "end": "2018-01-01"}, 413, "days"),
        ("nothing", {}, 404, "no such service"),
        ("station", {"updatedafter": "2020-01-01"}, 400, "no parameter"),
        ("dataselect", {"start": "2017-01-01", "end": "2017-01-02", "quality": "Z"}, 400, "quality"),
    ],
)
def test_wrong_questions_get_the_right_number(
    server: str, service: str, asked: dict[str, object], status: int, said: str
) -> None:
    code, data, _ = query(server, service, **asked)
    assert code == status
    assert said in data.decode()
    if status in (400, 413):
        assert data.decode().startswith(f"Error {status}: ")
        assert "Request Submitted:" in data.decode()


@pytest.mark.parametrize("service", SERVICES)
def test_a_parameter_left_blank_is_as_if_not_given(server: str, service: str) -> None:
    from detente.monitor.chain.fdsnws_params import parameters

    times = {"starttime": "2017-09-03T03:30:00", "endtime": "2017-09-03T03:31:00"}
    whole = query(server, service, **times)[0]
    assert whole in (200, 204)
    for p in parameters()[service]:
        if p.name == "location" or (service == "dataselect" and p.name in times):
            continue  # a blank location is a location
        code, said, _ = query(server, service, **times | {p.name: ""})
        assert code == whole, (p.name, said)


def test_limits_hold_for_the_magnitude_type_that_is_asked_for(server: str) -> None:
    # the first event has mb 6.14 and Ms 4.9, the second ML -0.3
    for asked, count in (
        ({"magnitudetype": "Ms", "minmagnitude": 6}, 0),
        ({"magnitudetype": "Ms", "minmagnitude": 4, "maxmagnitude": 5}, 1),
        ({"magnitudetype": "mb", "maxmagnitude": 5}, 0),
        ({"magnitudetype": "all", "maxmagnitude": 5}, 2),
        ({"magnitudetype": "preferred", "minmagnitude": 5}, 1),
        ({"minmagnitude": 6}, 1),
    ):
        lines = query(server, "event", format="text", **asked)[1].decode().splitlines()
        assert max(len(lines) - 1, 0) == count, asked


def test_errors_are_text_as_the_specification_says(server: str) -> None:
    for path in ("/fdsnws/event/2/query", "/fdsnws/event/1", "/none"):
        code, data, media = ask(server + path)
        assert (code, media) == (404, "text/plain; charset=utf-8")
        assert data.decode().startswith("Error 404: Not Found\n\n")
    request = urllib.request.Request(f"{server}/fdsnws/event/1/query", method="DELETE")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 405
    assert refused.value.read().decode().startswith("Error 405: ")


def test_an_arrival_that_is_gone_does_not_spoil_its_event(tmp_path: Path) -> None:
    from msgspec.structs import replace

    from detente.monitor.chain.fdsnws_events import events

    with Store(tmp_path / "s.sqlite") as store:
        store.put(replace(made(), arrivals=()))
    asked = parse("event", [("includearrivals", "true")])
    catalog = obspy.read_events(io.BytesIO(events(tmp_path / "s.sqlite", asked)[0]))
    assert len(catalog) == 2


def test_the_longest_piece_only(tmp_path: Path) -> None:
    from detente.monitor.chain.fdsnws_records import records

    start = round((T - 100) * 1e9)
    pieces = [RECORD, Trace("IC", "MDJ", "00", "BHZ", start + 500 * 10**9, 20.0, RECORD.samples[:900])]
    archive = Archive(tmp_path / "sds")
    archive.write(pieces)
    times = [("start", "2017-09-03"), ("end", "2017-09-04")]
    for more, count in (([], 2), ([("longestonly", "true")], 1), ([("minimumlength", "100")], 1)):
        data, _ = records(archive, [parse("dataselect", [*times, *more])])
        assert len(obspy.read(io.BytesIO(data)).traces) == count


def test_restricted_stations_can_be_left_out() -> None:
    from obspy.core.inventory import Inventory, Network, Station

    from detente.monitor.chain.fdsnws_stations import stations

    shut = Station("SHUT", 1.0, 2.0, 0.0, restricted_status="closed")
    whole = Inventory([Network("XX", [Station("FREE", 1.0, 2.0, 0.0), shut])], source="x")
    for more, words in (([], True), ([("includerestricted", "false")], False)):
        data, _ = stations(whole, [parse("station", [("format", "text"), *more])])
        assert b"FREE" in data
        assert (b"SHUT" in data) == words


def test_posts(server: str) -> None:
    url = f"{server}/fdsnws/dataselect/1/query"
    body = b"quality=B\nIC MDJ 00 BHZ 2017-09-03T03:30:00 2017-09-03T03:30:10\n"
    assert ask(url, body)[0] == 200
    assert ask(url, b"one two\n")[0] == 400
    assert ask(url, b"IC MDJ -- BHZ 2017-09-03T03:30:00 2017-09-03T03:30:10\n" * 3000)[0] == 413
    assert ask(f"{server}/fdsnws/station/1/query", b"level=station\nIM MK01 * * * *\n")[0] == 200


def test_a_centre_that_is_none_is_told() -> None:
    with pytest.raises(DetenteError, match="does not answer"):
        Fdsn("http://127.0.0.1:9", tries=1, timeout_s=1.0).records(0, 1)
    with pytest.raises(DetenteError, match="not an http address"):
        Fdsn("file:///etc").records(0, 1)


def test_the_centre_s_words_are_passed_on(server: str) -> None:
    with pytest.raises(DetenteError, match=r"answers 400.*did you mean"):
        Fdsn(server).events(0, 1, minmg="5")


def test_wadl_is_sound_xml() -> None:
    from xml.etree import ElementTree

    for service in SERVICES:
        root = ElementTree.fromstring(wadl(service, "http://x"))
        names = [p.get("name") for p in root.iter("{http://wadl.dev.java.net/2009/02}param")]
        assert len(names) == len(set(names)) > 5


@given(st.sampled_from(SERVICES), st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=4))
def test_parameters_are_read_or_refused(service: str, pairs: list[tuple[str, str]]) -> None:
    with suppress(DetenteError):
        assert set(parse(service, pairs)) == set(parse(service, []))


def test_codes_match_as_the_specification_says() -> None:
    assert matches("BH?,SHZ", "SHZ")
    assert matches("--", "")
    assert matches("*", "")
    assert not matches("00", "")
