"""The SeedLink client against a replay, the replay against obspy's client, and both against rubbish."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.errors import DetenteError
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.read import finish
from detente.monitor.waves.seedlink import Frames, Packet, SeedLink
from detente.monitor.waves.seedlink_server import Replay
from detente.monitor.waves.trace import Trace
from tests.monitor.waves._made import noise

T0 = 1_504_409_400.0


def traces(n: int = 4000) -> list[Trace]:
    return [
        Trace("IC", station, "00", channel, round(T0 * 1e9), 20.0, noise(n, seed).astype(np.float32))
        for seed, (station, channel) in enumerate([("MDJ", "BHZ"), ("MDJ", "BHE"), ("BJT", "BHZ")])
    ]


@contextmanager
def replay(speed: float = 0.0, **settings: float) -> Iterator[Replay]:
    server = Replay(traces(), speed=speed, **settings).start()  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.stop()


def take(link: SeedLink, count: int) -> list[Packet]:
    found: list[Packet] = []
    link.connect()
    for packet in link.packets(0.2):
        if packet is None:
            break
        found.append(packet)
        if len(found) == count:
            break
    link.close()
    return found


def joined(packets: list[Packet]) -> dict[str, np.ndarray]:
    pieces = [t for p in packets for t in read_miniseed(p.data, "x").traces]
    return {t.id: t.samples for t in finish(pieces, raw=True).traces}


@pytest.mark.parametrize("version", [3, 4])
def test_every_sample_arrives(version: int) -> None:
    with replay() as server:
        stations = {"IC_MDJ": (), "IC_BJT": ()}
        packets = take(SeedLink("127.0.0.1", server.port, stations=stations, version=version), 10**6)
    got = joined(packets)
    for trace in traces():
        assert np.array_equal(got[trace.id], trace.samples)
    assert [p.number for p in packets] == [r.number for r in server.records]


@pytest.mark.parametrize("version", [3, 4])
def test_it_goes_on_where_it_stopped(version: int) -> None:
    with replay(first=0xFFFFF0) as server:  # three-byte numbers run out on the way
        stations = {"IC_MDJ": ()}
        first = take(SeedLink("127.0.0.1", server.port, stations=stations, version=version), 5)
        rest = take(
            SeedLink(
                "127.0.0.1",
                server.port,
                stations=stations,
                resume={"IC_MDJ": first[-1].number},
                version=version,
            ),
            10**6,
        )
    if version == 4:
        got = joined([*first, *rest])
        for trace in traces()[:2]:
            assert np.array_equal(got[trace.id], trace.samples)
    assert not {p.number for p in first} & {p.number for p in rest}


def test_selectors_choose_channels() -> None:
    with replay() as server:
        link = SeedLink("127.0.0.1", server.port, stations={"IC_MDJ": ("00BHZ.D",)}, version=3)
        assert set(joined(take(link, 10**6))) == {"IC.MDJ.00.BHZ"}


def test_obspy_reads_our_replay() -> None:
    from obspy.clients.seedlink.slclient import SLClient

    held: list[Any] = []

    class Grab(SLClient):  # type: ignore[misc]
        def packet_handler(self, count: int, packet: Any) -> bool:
            if isinstance(packet, int) or packet.get_type() < 0:
                return False
            held.append(packet.get_trace())
            return len(held) == 8

    with replay(speed=400.0) as server:
        client = Grab(timeout=5)
        client.slconn.set_sl_address(f"127.0.0.1:{server.port}")
        client.multiselect = "IC_MDJ:BHZ"
        client.initialize()
        client.run()
    assert {t.id for t in held} == {"IC.MDJ.00.BHZ"}
    (trace,) = [t for t in traces() if t.id == "IC.MDJ.00.BHZ"]
    for piece in held:
        first = round((piece.stats.starttime.timestamp - T0) * 20)
        assert np.array_equal(piece.data, trace.samples[first : first + piece.stats.npts])


def test_a_server_that_is_none_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def answer() -> None:
            line, _ = listening.accept()
            line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            line.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DetenteError):
            SeedLink("127.0.0.1", port, stations={"IC_MDJ": ()}, timeout_s=2.0).connect()
        thread.join()
    with pytest.raises(DetenteError, match="no SeedLink server answers"):
        SeedLink("127.0.0.1", port, stations={"IC_MDJ": ()}, timeout_s=2.0).connect()
    with replay() as server:
        with pytest.raises(DetenteError, match="none of the stations"):
            SeedLink("127.0.0.1", server.port, stations={"XX_NONE": ()}).connect()
        with pytest.raises(DetenteError, match="is no NET_STA"):
            SeedLink("127.0.0.1", server.port, stations={"MDJ\r\nEND": ()}).connect()


@given(st.sampled_from([3, 4]), st.data())
def test_rubbish_is_refused_and_never_hoarded(version: int, data: st.DataObject) -> None:
    frames = Frames(version)
    prefix = data.draw(st.sampled_from([b"", b"SL00000A", b"SLINFO *", b"SE2D", b"END", b"ERROR x"]))
    with suppress(DetenteError):
        for chunk in [prefix, *data.draw(st.lists(st.binary(max_size=300), max_size=8))]:
            for packet in frames.feed(chunk):
                assert isinstance(packet.data, bytes)
    assert len(frames._held) <= 1 << 21


@given(st.sampled_from([3, 4]), st.integers(1, 700))
def test_packets_are_the_same_however_the_bytes_come(version: int, size: int) -> None:
    whole = _STREAMS[version]
    frames = Frames(version)
    found = [p for a in range(0, len(whole), size) for p in frames.feed(whole[a : a + size])]
    assert found == list(Frames(version).feed(whole))
    assert len(found) >= 3


def _stream(version: int) -> bytes:
    from detente.monitor.waves.miniseed import record_length, write_miniseed

    data = write_miniseed([traces(1500)[0]])
    out, at, number = b"", 0, 7
    while at < len(data):
        size = record_length(data[at:]) or 512
        record = data[at : at + size]
        if version == 3:
            out += b"SL%06X" % number + record
        else:
            out += (
                b"SE2D" + size.to_bytes(4, "little") + number.to_bytes(8, "little") + b"\x06IC_MDJ" + record
            )
        at, number = at + size, number + 1
    return out


_STREAMS = {v: _stream(v) for v in (3, 4)}
