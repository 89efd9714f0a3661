"""A SeedLink server that replays a recording at any speed: for tests, drills and `detente monitor replay`."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterable
from fnmatch import fnmatchcase
from select import select
from typing import Any

import msgspec
import numpy as np

from detente.monitor.waves.miniseed import read_miniseed, record_length, write_miniseed
from detente.monitor.waves.trace import Trace

_HELLO = "SeedLink v4.0 (detente replay) :: SLPROTO:4.0 SLPROTO:3.1"
_V3 = 0xFFFFFF
_IDLE_S = 0.02
_LONGEST = 8192


class Record(msgspec.Struct, frozen=True):
    """One record of the replay: its number, when it is sent (s after the start), and both formats of it."""

    number: int
    station: str
    selector: str
    start: float
    end: float
    at_s: float
    data: bytes


class Replay(socketserver.ThreadingTCPServer):
    """Sends each record when its last sample would have come, `speed` times as fast as it happened.

    Parameters: `speed` 0 sends all at once; `delay_s` before the first; numbers count from `first`. What was sent,
    and when (time.monotonic), is kept in `sent`.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self,
        traces: Iterable[Trace],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        speed: float = 1.0,
        delay_s: float = 0.0,
        first: int = 1,
        length: int = 512,
    ) -> None:
        self.records = _records(traces, speed, delay_s, first, length)
        self.sent: dict[int, float] = {}
        self.began: float | None = None
        self.stopped = threading.Event()
        super().__init__((host, port), _Line)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.server_address[1])

    def start(self) -> Replay:
        """Serve from a thread of its own; the clock starts with the first client that asks for data."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Hang up on everybody."""
        self.stopped.set()
        self.shutdown()
        self.server_close()

    def elapsed(self) -> float:
        """Seconds since the replay began."""
        if self.began is None:
            self.began = time.monotonic()
        return time.monotonic() - self.began


def _records(traces: Iterable[Trace], speed: float, delay_s: float, first: int, length: int) -> list[Record]:
    found = []
    for trace in traces:
        data = write_miniseed([trace], length=length)
        at = 0
        while at < len(data):
            size = record_length(data[at:]) or len(data)
            piece = data[at : at + size]
            (one,) = read_miniseed(piece, trace.id).traces
            found.append((one.end, one.start, trace, piece))
            at += size
    found.sort(key=lambda r: (r[0], r[2].id))
    begin = min((r[1] for r in found), default=0.0)
    return [
        Record(
            first + i,
            f"{t.network}_{t.station}",
            f"{t.location}{t.channel}",
            start,
            end,
            delay_s + ((end - begin) / speed if speed > 0 else 0.0),
            piece,
        )
        for i, (end, start, t, piece) in enumerate(found)
    ]


class _Line(socketserver.StreamRequestHandler):
    """One client: its commands, then its packets."""

    server: Replay

    def handle(self) -> None:
        self.version = 3
        self.wanted: list[dict[str, Any]] = []
        try:
            held = b""
            while not self.server.stopped.is_set() and len(held) < _LONGEST:
                data = self.request.recv(512)
                if not data:
                    return
                # a command may end with a carriage return alone
                *whole, held = (held + data).replace(b"\n", b"\r").split(b"\r")
                for command in whole:
                    words = command.decode("ascii", "replace").split()
                    if words and self._command(words):
                        return
        except OSError:
            return

    def _command(self, words: list[str]) -> bool:
        name, rest = words[0].upper(), words[1:]
        if name == "HELLO":
            self._say(_HELLO, "detente")
        elif name == "SLPROTO":
            self.version = 4 if rest and rest[0].startswith("4") else 3
            self._say("OK")
        elif name in ("USERAGENT", "CAPABILITIES", "BATCH"):
            self._say("OK")
        elif name == "STATION" and rest:
            self._station(rest)
        elif name == "SELECT" and self.wanted:
            self.wanted[-1]["select"] += rest
            self._say("OK")
        elif name in ("DATA", "FETCH", "TIME") and self.wanted:
            self.wanted[-1] |= self._from(name, rest)
            self._say("OK")
        elif name in ("END", "ENDFETCH"):
            if name == "ENDFETCH":
                for w in self.wanted:
                    w["fetch"] = True
            self._stream()
            return True
        elif name == "BYE":
            return True
        else:
            self._say("ERROR UNSUPPORTED" if self.version == 4 else "ERROR")
        return False

    def _station(self, rest: list[str]) -> None:
        pattern = rest[0] if self.version == 4 else f"{rest[1] if len(rest) > 1 else '*'}_{rest[0]}"
        if any(fnmatchcase(r.station, pattern) for r in self.server.records):
            self.wanted.append({"station": pattern, "select": [], "since": None, "fetch": False})
            self._say("OK")
        else:
            self._say("ERROR ARGUMENTS no such station" if self.version == 4 else "ERROR")

    def _from(self, name: str, rest: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {"fetch": name == "FETCH"}
        if name != "TIME" and rest and rest[0].upper() != "ALL":
            found["since"] = int(rest[0], 10 if self.version == 4 else 16)
        elif rest and rest[0].upper() == "ALL":
            found["since"] = 0
        return found

    def _stream(self) -> None:
        now = self.server.elapsed()
        for want in self.wanted:
            if want["since"] is None:  # whoever asks for nothing in particular gets what comes from now on
                later = [r.number for r in self.server.records if r.at_s >= now - 1.0]
                want["since"] = later[0] if later else 1 << 60
        for record in self.server.records:
            if not any(self._wants(w, record) for w in self.wanted):
                continue
            while self.server.elapsed() < record.at_s:
                if self._gone(min(_IDLE_S, record.at_s - self.server.elapsed())):
                    return
                if all(w["fetch"] for w in self.wanted):
                    self._say("END")
                    return
            self.wfile.write(self._frame(record))
            self.server.sent[record.number] = time.monotonic()
        if all(w["fetch"] for w in self.wanted):
            self._say("END")
            return
        while not self._gone(0.5):
            pass

    def _gone(self, wait_s: float) -> bool:
        """Wait for what the client says while it is being sent to; whether it has hung up, or the server stops."""
        if self.server.stopped.is_set():
            return True
        if not select([self.request], [], [], max(0.0, wait_s))[0]:
            return False
        said = self.request.recv(512)
        for command in said.upper().replace(b"\n", b"\r").split(b"\r"):
            if command.startswith(b"INFO"):
                self.wfile.write(self._info())
        return not said or b"BYE" in said.upper()

    def _info(self) -> bytes:
        """The server's name as an answer between records."""
        if self.version == 4:
            text = b'{"software":"detente replay","organization":"detente"}'
            return b"SEJI" + len(text).to_bytes(4, "little") + bytes(9) + text
        trace = Trace("SL", "INFO", "", "INF", 0, 1.0, np.zeros(1, np.float32))
        return b"SLINFO  " + write_miniseed([trace])

    def _wants(self, want: dict[str, Any], record: Record) -> bool:
        since = want["since"]
        number = record.number if self.version == 4 else record.number & _V3
        selectors = [s.split(".")[0].rjust(5, "?").replace("_", "") for s in want["select"] if s]
        return (
            fnmatchcase(record.station, want["station"])
            and number >= since
            and (not selectors or any(fnmatchcase(record.selector.rjust(5), s) for s in selectors))
        )

    def _frame(self, record: Record) -> bytes:
        if self.version == 3:
            return b"SL%06X" % (record.number & _V3) + record.data
        name = record.station.encode("ascii")
        head = b"SE2D" + len(record.data).to_bytes(4, "little") + record.number.to_bytes(8, "little")
        return head + bytes([len(name)]) + name + record.data

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))
