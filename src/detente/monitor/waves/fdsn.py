"""FDSN web services asked from here: records, stations and events of any data centre, in bounded pieces."""

from __future__ import annotations

import io
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from detente.errors import DetenteError
from detente.monitor.bulletin.quakeml import read_quakeml
from detente.monitor.bulletin.records import Bulletin
from detente.monitor.bulletin.times import iso
from detente.monitor.waves.miniseed import read_miniseed
from detente.monitor.waves.read import finish
from detente.monitor.waves.trace import Recording

_MOST = 512 << 20
_AGAIN = (429, 500, 502, 503, 504)


class Fdsn(msgspec.Struct, frozen=True):
    """A data centre at `base` (https://service.example.org); `timeout_s` of one answer, `tries` at it."""

    base: str
    timeout_s: float = 60.0
    tries: int = 3
    pause_s: float = 1.0

    def records(
        self,
        start: float,
        end: float,
        *,
        network: str = "*",
        station: str = "*",
        location: str = "*",
        channel: str = "*",
        now: float | None = None,
    ) -> Recording:
        """Waveforms between two times (s UTC), joined and checked; none where the centre has none."""
        asked = {"net": network, "sta": station, "loc": location or "--", "cha": channel}
        data = self.ask("dataselect", asked | {"start": iso(start)[:-1], "end": iso(end)[:-1]})
        found = read_miniseed(data, self.base) if data else Recording()
        return finish(found.traces, found.faults, start=start, end=end, now=now)

    def stream(
        self, start: float, end: float, *, step: float = 3600.0, **asked: Any
    ) -> Iterator[tuple[float, float, Recording]]:
        """The same, window after window of `step` s, so that no more than one is held."""
        at = start
        while at < end:
            until = min(at + step, end)
            yield at, until, self.records(at, until, **asked)
            at = until

    def stations(self, **asked: str) -> Any:
        """An obspy inventory of the stations asked for, None where there are none."""
        import obspy

        data = self.ask("station", {"level": "response", "format": "xml"} | asked)
        if not data:
            return None
        try:
            return obspy.read_inventory(io.BytesIO(data), format="STATIONXML")
        except Exception as bad:  # lxml and obspy raise many kinds
            raise DetenteError(f"not StationXML: {bad}", where=self.base) from None

    def events(self, start: float, end: float, **asked: str) -> Bulletin:
        """The events between two times as a bulletin."""
        times = {"start": iso(start)[:-1], "end": iso(end)[:-1]}
        data = self.ask("event", times | {"includearrivals": "true"} | asked)
        return read_quakeml(data, self.base) if data else Bulletin(start=start, end=end)

    def ask(self, service: str, asked: Mapping[str, str]) -> bytes:
        """The bytes of one answer, empty for "no data". Raises DetenteError with what the centre said."""
        if urlsplit(self.base).scheme not in ("http", "https"):
            raise DetenteError("not an http address", where=self.base)
        url = f"{self.base.rstrip('/')}/fdsnws/{service}/1/query?{urlencode(asked)}"
        for left in range(self.tries - 1, -1, -1):
            try:
                return self._fetch(url)
            except urllib.error.HTTPError as bad:
                if bad.code in (204, 404):
                    return b""
                if bad.code not in _AGAIN or not left:
                    said = bad.read(400).decode("utf-8", "replace").strip().replace("\n", " ")
                    raise DetenteError(f"answers {bad.code}: {said}", where=self.base) from None
            except (urllib.error.URLError, OSError, ValueError) as bad:
                if not left:
                    reason = getattr(bad, "reason", bad)
                    raise DetenteError(f"does not answer ({reason})", where=self.base) from None
            time.sleep(self.pause_s)
        return b""

    def _fetch(self, url: str) -> bytes:
        request = urllib.request.Request(url, headers={"User-Agent": "detente"})
        with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:
            if answer.status == 204:
                return b""
            data: bytes = answer.read(_MOST + 1)
        if len(data) > _MOST:
            raise DetenteError(
                f"an answer of more than {_MOST >> 20} MiB", where=self.base, fix="ask for less"
            )
        return data
