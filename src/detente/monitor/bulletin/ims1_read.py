"""IMS 1.0 short bulletins, read back strictly."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from msgspec import structs

from detente.errors import DetenteError
from detente.monitor.bulletin.ims1_columns import (
    DATE,
    MAGNITUDE,
    ORIGIN,
    PHASE,
    cells,
    clock,
    near,
    number,
)
from detente.monitor.bulletin.records import (
    MACHINE,
    Arrival,
    Bulletin,
    Event,
    Magnitude,
    Origin,
    Polarity,
    StationMagnitude,
    Used,
)
from detente.monitor.geo import KM_PER_DEG


def read_ims1(data: bytes, where: str = "IMS1.0") -> Bulletin:
    """A bulletin from IMS 1.0 short text. Raises DetenteError with the line for what is not in its columns."""
    try:
        lines = data.decode("utf-8").splitlines()
    except UnicodeDecodeError as bad:
        raise DetenteError(f"byte {bad.start} is not UTF-8", where=where) from None
    if not any(line.upper().startswith("DATA_TYPE BULLETIN IMS1.0") for line in lines):
        raise DetenteError("no DATA_TYPE BULLETIN IMS1.0", where=where)
    reader = _Reader(where)
    for n, line in enumerate(lines, 1):
        if line.startswith("STOP"):
            break
        reader.line(n, line)
    return reader.bulletin()


class _Reader:
    """Line by line: which block we are in, and the events so far."""

    def __init__(self, where: str) -> None:
        self.where, self.block = where, ""
        self.events: list[dict[str, Any]] = []
        self.arrivals: dict[str, Arrival] = {}

    def line(self, n: int, line: str) -> None:
        words = line.split()
        header = tuple(w.lower() for w in words[:4])
        at = f"{self.where}:{n}"
        if not words:
            return
        if words[0].upper() == "EVENT" and len(words) > 1:
            self.events.append(
                {"id": words[1], "origins": [], "prime": 0, "magnitudes": [], "limits": [], "used": []}
            )
            self.block = "event"
        elif header == ("date", "time", "err", "rms"):
            self.block = "origins"
        elif header[:2] == ("magnitude", "err"):
            self.block = "magnitudes"
        elif header[:4] == ("sta", "dist", "evaz", "phase"):
            self.block = "phases"
        elif not self.events or self.block == "event":
            return
        elif words[0].startswith("("):
            if "#PRIME" in line.upper() and self.block == "origins":
                self.events[-1]["prime"] = len(self.events[-1]["origins"]) - 1
            elif words[0] == f"({DATE}" and self.block == "phases" and self.events[-1]["used"]:
                self._date(words[-1].rstrip(")"))
        else:
            try:
                getattr(self, f"_{self.block}")(line.ljust(136))
            except (ValueError, IndexError, DetenteError) as bad:
                raise DetenteError(f"not in the columns of IMS 1.0: {bad}", where=at) from None

    def _origins(self, line: str) -> None:
        c = cells(ORIGIN, line)
        when = datetime.strptime(c["date"], "%Y/%m/%d").replace(tzinfo=UTC)
        time = when.timestamp() + clock(c["clock"])
        depth, error = number(c["depth"]), number(c["depth_error"])
        free = not c["depth_fixed"] and error is not None
        self.events[-1]["etype"] = c["etype"]
        self.events[-1]["origins"].append(
            Origin(
                id=c["origid"],
                time=time,
                lat=float(c["lat"]),
                lon=float(c["lon"]),
                time_sd=number(c["time_sd"]) or 0.0,
                depth_km=depth or 0.0,
                depth="free" if free else "fixed",
                depth_low_km=(depth or 0.0) - error if free and error is not None else None,
                depth_high_km=(depth or 0.0) + error if free and error is not None else None,
                semi_major_km=number(c["smaj"]),
                semi_minor_km=number(c["smin"]),
                strike_deg=number(c["strike"]),
                by=MACHINE if c["analysis"] != "m" else c["author"],
                method=c["method"],
            )
        )

    def _magnitudes(self, line: str) -> None:
        c = cells(MAGNITUDE, line)
        if not c["value"]:
            return  # a magnitude that was not determined
        by = MACHINE if c["author"] in ("", "DETENTE") else c["author"]
        self.events[-1]["limits" if c["limit"] == "<" else "magnitudes"].append(
            Magnitude(kind=c["kind"], value=float(c["value"]), sd=number(c["sd"]) or 0.0, by=by)
        )

    def _phases(self, line: str) -> None:
        c = cells(PHASE, line)
        event = self.events[-1]
        if not event["origins"]:
            raise DetenteError("a phase before any origin")
        arrid = c["arrid"] or f"{event['id']}.{len(event['used']) + 1}"
        slow, slow_residual = number(c["slow"]), number(c["sres"])
        polarity: Polarity = {"c": "up", "d": "down"}.get(c["qual"][1:2], "")  # type: ignore[assignment]
        self.arrivals[arrid] = Arrival(
            id=arrid,
            station=c["sta"],
            time=near(clock(c["clock"]), event["origins"][event["prime"]].time),
            time_sd=0.0,
            phase=c["phase"],
            backazimuth_deg=number(c["azim"]),
            slowness_s_km=None if slow is None else slow / KM_PER_DEG,
            amplitude_nm=number(c["amp"]),
            period_s=number(c["per"]),
            snr=number(c["snr"]),
            polarity=polarity,
            by=MACHINE if c["qual"][:1] != "m" else "analyst",
        )
        event["used"].append(
            Used(
                arrival=arrid,
                station=c["sta"],
                phase=c["phase"],
                distance_deg=number(c["dist"]) or 0.0,
                azimuth_deg=number(c["evaz"]) or 0.0,
                time_residual_s=number(c["tres"]),
                backazimuth_residual_deg=number(c["azres"]),
                slowness_residual_s_km=None if slow_residual is None else slow_residual / KM_PER_DEG,
                defining="".join(letter for letter in "TAS" if letter in c["def"]),
            )
        )
        if c["mag"]:
            one = StationMagnitude(
                station=c["sta"],
                kind=c["mtype"],
                value=float(c["mag"]),
                sd=0.0,
                arrival=arrid,
                limit=c["mlimit"] == "<",
            )
            event.setdefault("stations", []).append(one)

    def _date(self, text: str) -> None:
        """The day of the last arrival, where that is not the one that lies nearest to the origin."""
        name = self.events[-1]["used"][-1].arrival
        with suppress(ValueError):  # a comment of somebody else's
            day = datetime.strptime(text, "%Y/%m/%d").replace(tzinfo=UTC).timestamp()
            old = self.arrivals[name]
            self.arrivals[name] = structs.replace(old, time=day + old.time % 86_400.0)

    def bulletin(self) -> Bulletin:
        events = tuple(map(_event, self.events))
        times = [e.origin.time for e in events] or [0.0]
        arrivals = tuple(sorted(self.arrivals.values(), key=lambda a: (a.time, a.id)))
        return Bulletin(start=min(times), end=max(times), arrivals=arrivals, events=events)


def _event(read: dict[str, Any]) -> Event:
    if not read["origins"]:
        raise DetenteError("an event without an origin", where=f"event {read['id']}")
    prime = structs.replace(read["origins"][read["prime"]], used=tuple(read["used"]))
    others = [o for i, o in enumerate(read["origins"]) if i != read["prime"]]
    stations = read.get("stations", [])
    magnitudes = [
        structs.replace(m, stations=tuple(s for s in stations if s.kind == m.kind))
        for m in read["magnitudes"]
    ]
    return Event(
        id=read["id"],
        origins=(prime, *others),
        magnitudes=tuple(magnitudes),
        limits=tuple(read["limits"]),
    )
