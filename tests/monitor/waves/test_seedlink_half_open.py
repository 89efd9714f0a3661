"""Servers that take the call and say nothing, stop in the middle, or are gone without a word; one bad record."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from detente.errors import DetenteError
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.watch import Watch
from detente.monitor.chain.watch_run import Line, run
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.seedlink import Frames, SeedLink
from detente.monitor.waves.seedlink_server import Replay
from tests.monitor.chain._watched import ARRAYS, SETTINGS, associate, detect, traces
from tests.monitor.waves.test_seedlink import _STREAMS
from tests.monitor.waves.test_seedlink import traces as few

pytest.importorskip("pymseed")
Talk = Callable[[socket.socket], None]


@contextmanager
def server(*talks: Talk) -> Iterator[int]:
    """A server that talks to its first caller by the first function, to the next by the next, the last for ever."""
    listening = socket.create_server(("127.0.0.1", 0))
    open_lines: list[socket.socket] = []

    def serve() -> None:
        for n in range(100):
            try:
                line, _ = listening.accept()
            except OSError:
                return
            open_lines.append(line)  # never closed by us: no FIN, as a host that lost its power
            threading.Thread(target=_quietly, args=(talks[min(n, len(talks) - 1)], line), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.close()
        for line in open_lines:
            line.close()


def _quietly(talk: Talk, line: socket.socket) -> None:
    with suppress(OSError):
        talk(line)


def says_nothing(line: socket.socket) -> None:
    time.sleep(30)


def drips(line: socket.socket) -> None:
    while True:
        line.sendall(b"S")
        time.sleep(0.05)


def through(port: int, most: int, then: Talk) -> Talk:
    """Hands a line on to a replay, but no more than `most` bytes of what comes back; then goes on otherwise."""

    def talk(line: socket.socket) -> None:
        behind = socket.create_connection(("127.0.0.1", port))

        def forth() -> None:
            with suppress(OSError):
                while data := line.recv(4096):
                    behind.sendall(data)

        threading.Thread(target=forth, daemon=True).start()
        left = most
        while left and (data := behind.recv(min(4096, left))):
            line.sendall(data)
            left -= len(data)
        behind.close()
        then(line)

    return talk


@pytest.mark.parametrize("talk", [says_nothing, drips])
def test_a_server_that_never_answers_is_given_up(talk: Talk) -> None:
    with server(talk) as port:
        began = time.monotonic()
        with pytest.raises(DetenteError, match=r"no SeedLink server answers|without an end"):
            SeedLink("127.0.0.1", port, stations={"XX_AAA": ()}, timeout_s=0.6).connect()
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("version", [3, 4])
def test_a_line_that_falls_silent_is_dead_and_one_that_is_only_quiet_is_not(version: int) -> None:
    replay = Replay(few(), speed=0.0).start()
    try:
        with server(through(replay.port, 3000, says_nothing)) as port:
            link = SeedLink("127.0.0.1", port, stations={"IC_MDJ": ()}, version=version, silence_s=0.8)
            link.resume = {"IC_MDJ": 0}
            link.connect()
            with pytest.raises(DetenteError, match="the line is dead"):
                assert sum(p is not None for p in link.packets(0.1)) < 10
            link.close()
        # the replay itself answers INFO when all is sent: four times the silence, and the line stands
        link = SeedLink("127.0.0.1", replay.port, stations={"IC_MDJ": ()}, version=version, silence_s=0.8,
                        resume={"IC_MDJ": 0})  # fmt: skip
        link.connect()
        until, ticks = time.monotonic() + 3.2, 0
        for packet in link.packets(0.1):
            ticks += packet is None
            if time.monotonic() > until:
                break
        assert ticks > 10
        link.close()
    finally:
        replay.stop()


@pytest.mark.parametrize("version", [0, 3])
def test_a_watch_gets_over_every_kind_of_half_open_line(
    tmp_path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing said; dead in the middle of a record; closed in the middle of one: then all is there, once."""
    from tests.monitor.chain.test_watch import check_whole

    if version == 3:  # a server that knows no other
        monkeypatch.setattr(
            "detente.monitor.waves.seedlink_server._HELLO", "SeedLink v3.1 (made) :: SLPROTO:3.1"
        )
    monkeypatch.setattr("detente.monitor.chain.watch_run._BACKOFF", (0.05,))
    replay = Replay(traces(), speed=600.0).start()
    talks = (
        says_nothing,
        drips,
        through(replay.port, 9000, says_nothing),
        through(replay.port, 9300, lambda line: line.shutdown(socket.SHUT_RDWR)),
        through(replay.port, 20_001, says_nothing),
        through(replay.port, 1 << 30, says_nothing),
    )
    try:
        with server(*talks) as port, Store(tmp_path / "w") as store:
            w = Watch(store, ARRAYS, detect, associate, settings=SETTINGS)
            line = Line(
                "127.0.0.1", port, {f"XX_{c}": () for c in ARRAYS}, w.resume(), timeout_s=0.4, silence_s=0.8
            )
            told: list[str] = []
            run(
                w,
                line,
                tmp_path,
                tell=lambda n: told.append(f"{n.about}: {n.detail}"),
                every_s=0.02,
                idle_s=5.0,
            )
            check_whole(store)
        assert sum("the line is dead" in t for t in told) >= 2
        assert any("closed the line" in t or "broke" in t for t in told)
        assert any("no SeedLink server answers" in t or "without an end" in t for t in told)
    finally:
        replay.stop()


def test_a_record_that_does_not_tell_its_length_is_handed_on_and_the_next_one_comes() -> None:
    whole = bytearray(_STREAMS[3])
    whole[520 + 8 + 48 : 520 + 8 + 50] = b"\x00\x00"  # the second record's blockette 1000
    found = list(Frames(3).feed(bytes(whole)))
    assert [p.number for p in found] == [p.number for p in Frames(3).feed(_STREAMS[3])]
    assert found[1].data == bytes(whole[528:1040])
    assert read_miniseed(found[1].data, "x").faults  # told by who decodes it
