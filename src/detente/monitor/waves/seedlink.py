"""SeedLink, versions 3 and 4: the packets of a live stream, strictly parsed, resumed where they stopped.

Source: FDSN, SeedLink protocol 4.0 (2023); SeisComP, SeedLink 3 command reference.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from detente.errors import DetenteError
from detente.monitor.waves.miniseed import record_length
from detente.monitor.waves.trace import Array

PORT = 18000
_MOST = 1 << 20
_LINE = 8192
_V3 = 0xFFFFFF
_V3_RECORD = 512
"""The length of a record in SeedLink 3, where its own header does not tell it."""
SILENCE_S = 120.0


class Packet(msgspec.Struct, frozen=True):
    """One record as it came: its station NET_STA, its number (0 for none) and its bytes."""

    station: str
    number: int
    data: bytes


class Frames:
    """Bytes in, packets out. Raises DetenteError for bytes that are no SeedLink."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._held = bytearray()
        self.ended = False

    def feed(self, data: bytes) -> Iterator[Packet]:
        """The packets that are complete with `data`."""
        self._held += data
        while True:
            size = self._size()
            if size is None or len(self._held) < size:
                if len(self._held) > _MOST:
                    raise DetenteError(f"a packet of more than {_MOST} bytes")
                return
            frame = bytes(self._held[:size])
            del self._held[:size]
            packet = self._packet(frame)
            if packet is not None:
                yield packet

    def _size(self) -> int | None:
        """The length of the frame that begins here, None while that cannot be known."""
        head = bytes(self._held[:1100])
        if not head:
            return None
        if b"END\r\n".startswith(head[:5]) and self.version == 3:
            if head[:3] == b"END":
                self.ended = True
                return min(len(head), 5) if len(head) >= 3 else None
            return None
        if head.startswith(b"END"):
            self.ended = True
            return len(self._held)
        if head.startswith(b"ERROR"):
            raise DetenteError(f"the server says: {head[:80].decode('ascii', 'replace').strip()}")
        signature = b"SL" if self.version == 3 else b"SE"
        if not signature.startswith(head[:2]):
            raise DetenteError(f"no SeedLink {self.version} packet begins with {head[:8]!r}")
        if self.version == 4:
            if len(head) < 17:
                return None
            size = int.from_bytes(head[4:8], "little")
            if size > _MOST:
                raise DetenteError(f"a packet of {size} bytes")
            return 17 + head[16] + size
        if len(head) < 8:
            return None
        try:
            length = record_length(head[8:])
        except DetenteError:  # handed on: who decodes it tells that it is corrupt, and the next one comes
            length = _V3_RECORD
        return None if length is None else 8 + length

    def _packet(self, frame: bytes) -> Packet | None:
        if self.ended:
            return None
        if self.version == 4:
            if frame[2:3] not in (b"2", b"3"):
                return None  # an answer to INFO
            name = frame[17 : 17 + frame[16]].decode("ascii", "replace")
            return Packet(name, int.from_bytes(frame[8:16], "little"), frame[17 + frame[16] :])
        if frame[:6] == b"SLINFO":
            return None
        try:
            number = int(frame[2:8], 16)
        except ValueError:
            raise DetenteError(f"no SeedLink number: {frame[2:8]!r}") from None
        record = frame[8:]
        station, network = (record[a:b].decode("ascii", "replace").strip() for a, b in ((8, 13), (18, 20)))
        return Packet(f"{network}_{station}", number, record)


class SeedLink:
    """A connection to a SeedLink server.

    Parameters: `stations`: NET_STA to selectors (none: all channels); `resume`: the last number had of each
    station; `version` 3 or 4, or 0 for the best that the server speaks; `timeout_s` of connecting and answering.
    """

    def __init__(
        self,
        host: str,
        port: int = PORT,
        *,
        stations: Mapping[str, Sequence[str]],
        resume: Mapping[str, int] | None = None,
        version: int = 0,
        timeout_s: float = 20.0,
        silence_s: float = SILENCE_S,
    ) -> None:
        self.host, self.port, self.stations = host, port, stations
        self.resume = dict(resume or {})
        self.version, self.timeout_s, self.silence_s = version, timeout_s, silence_s
        self.accepted: tuple[str, ...] = ()
        self._socket: socket.socket | None = None
        self._lines = bytearray()

    def connect(self) -> str:
        """Agree on a version and ask for the stations; the server's own name. Raises DetenteError."""
        try:
            self._socket = socket.create_connection((self.host, self.port), self.timeout_s)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            name = self._hello()
            self.accepted = tuple(s for s in self.stations if self._station(s))
            if not self.accepted:
                raise DetenteError("the server takes none of the stations", where=self._where())
            self._send("END")
        except OSError as bad:
            self.close()
            raise DetenteError(f"no SeedLink server answers ({bad})", where=self._where()) from None
        except DetenteError:
            self.close()
            raise
        return name

    def _hello(self) -> str:
        self._send("HELLO")
        name = self._line()
        self._line()
        offered = name.upper()
        if self.version in (0, 4) and "SLPROTO:4" in offered:
            self._ask("SLPROTO 4.0")
            self._ask("USERAGENT detente")
            self.version = 4
        elif self.version == 4:
            raise DetenteError("the server does not speak SeedLink 4", where=self._where())
        else:
            self.version = 3
        return name

    def _station(self, station: str) -> bool:
        network, _, code = station.partition("_")
        if not code or not station.replace("_", "").replace("-", "").isalnum():
            raise DetenteError(f"'{station}' is no NET_STA", where="--seedlink")
        told = f"STATION {station}" if self.version == 4 else f"STATION {code} {network}"
        if not self._ask(told, fatal=False):
            return False
        for selector in self.stations[station]:
            self._ask(f"SELECT {selector}")
        last = self.resume.get(station)
        if last is None:
            self._ask("DATA")
        else:
            self._ask(f"DATA {last + 1}" if self.version == 4 else f"DATA {(last + 1) & _V3:06X}")
        return True

    def packets(self, tick_s: float = 1.0) -> Iterator[Packet | None]:
        """Packets as they come, None after each `tick_s` without one. Raises DetenteError when the line breaks."""
        if self._socket is None:
            raise DetenteError("not connected", where=self._where())
        frames = Frames(self.version)
        self._socket.settimeout(tick_s)
        waiting = bytes(self._lines)
        self._lines.clear()
        heard, asked = time.monotonic(), False
        while True:
            try:
                data = waiting or self._socket.recv(65536)
                waiting, heard, asked = b"", time.monotonic(), False
            except TimeoutError:
                asked = self._still_there(time.monotonic() - heard, asked)
                yield None
                continue
            except OSError as bad:
                raise DetenteError(f"the line broke ({bad})", where=self._where()) from None
            if not data:
                raise DetenteError("the server closed the line", where=self._where())
            yield from frames.feed(data)
            if frames.ended:
                return

    def _still_there(self, silent_s: float, asked: bool) -> bool:
        """Ask a silent server for its name, and give it up when that brings nothing either."""
        if silent_s > self.silence_s:
            raise DetenteError(f"nothing came for {silent_s:.0f} s: the line is dead", where=self._where())
        if not asked and silent_s > self.silence_s / 2:
            try:
                self._send("INFO ID")
            except OSError as bad:
                raise DetenteError(f"the line broke ({bad})", where=self._where()) from None
            return True
        return asked

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, line: str) -> None:
        assert self._socket is not None
        self._socket.sendall(line.encode("ascii") + b"\r\n")

    def _ask(self, line: str, *, fatal: bool = True) -> bool:
        self._send(line)
        answer = self._line()
        if answer.upper().startswith("OK"):
            return True
        if fatal:
            raise DetenteError(f"to '{line}' the server answers '{answer[:80]}'", where=self._where())
        return False

    def _line(self) -> str:
        assert self._socket is not None
        until = time.monotonic() + self.timeout_s  # of the whole answer: one may come a byte at a time
        while b"\n" not in self._lines:
            left = until - time.monotonic()
            if len(self._lines) > _LINE or left <= 0:
                raise DetenteError("an answer without an end", where=self._where())
            self._socket.settimeout(left)
            data = self._socket.recv(4096)
            if not data:
                raise DetenteError("the server closed the line", where=self._where())
            self._lines += data
        line, _, rest = bytes(self._lines).partition(b"\n")
        self._lines = bytearray(rest)
        return line.decode("ascii", "replace").strip()

    def _where(self) -> str:
        return f"{self.host}:{self.port}"


def wanted(
    address: str, select: Sequence[str], arrays: Mapping[str, Array]
) -> tuple[str, int, dict[str, tuple[str, ...]]]:
    """Host, port and the stations to ask for, from HOST:PORT and NET_STA[:SELECTOR] or every placed sensor.

    Raises DetenteError for an address or a selection that is none, or where no station asked for has a place.
    """
    host, _, text = address.rpartition(":")
    if not host:
        host, text = address, str(PORT)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise DetenteError(f"'{address}' is no HOST:PORT", where="--seedlink")
    chosen: dict[str, tuple[str, ...]] = {}
    for item in select:
        station, _, selector = item.partition(":")
        if "_" not in station:
            raise DetenteError(f"'{item}' is no NET_STA", where="--select", fix="write IC_MDJ or IC_MDJ:BHZ")
        chosen[station] = (*chosen.get(station, ()), *([selector] if selector else []))
    placed = [s for a in arrays.values() for s in a.sites]
    if not select:
        chosen = {f"{s.network}_{s.code}": () for s in placed if s.network}
        if not chosen:
            fix = "give the table of places a column network, or name stations with --select NET_STA"
            raise DetenteError("no place tells its network, and SeedLink asks for it", fix=fix)
    elif not {s.partition("_")[2] for s in chosen} & {s.code for s in placed}:
        raise DetenteError("no station's place is known", fix="give their StationXML with --stations")
    return host, int(text), chosen


def unasked(select: Sequence[str], arrays: Mapping[str, Array]) -> tuple[str, ...]:
    """The placed sensors that nobody asks for, because their place tells no network."""
    return () if select else tuple(s.code for a in arrays.values() for s in a.sites if not s.network)
