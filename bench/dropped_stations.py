"""The chain on the DPRK's real records with each station left out in turn, and with each two."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import msgspec

from bench._report import line
from bench.real_records import TESTS, dprk, inside, off_km, seconds, waveforms
from detente.monitor.bulletin.records import Arrival, Event
from detente.monitor.chain.files import Data
from detente.monitor.chain.find import find_events
from detente.monitor.chain.hear import channel_gain
from detente.monitor.chain.listen import apart, heard, listen
from detente.monitor.chain.process import DEFAULT, characterise
from detente.monitor.waves.sites import by_array
from detente.monitor.waves.trace import Array

NEAR_KM = 30.0
PAIRS_OF = 10  # stations: of a larger network every two are hundreds


class Heard(msgspec.Struct, frozen=True, eq=False):
    """A window with what each of its stations detected, which does not depend on the others."""

    data: Data
    arrays: dict[str, Array]
    arrivals: list[Arrival]


class Trial(msgspec.Struct, frozen=True):
    """The test as found without some stations: None where it was not; how many other events there were."""

    without: tuple[str, ...]
    event: Event | None
    off_km: float
    held: bool
    others: int


def hear(folder: Path, day: str) -> Heard:
    """Detections of every station of a window."""
    data = dprk(folder, day)
    arrays = apart(data.arrays)
    by_station, _ = by_array(data.recording, arrays)
    used = {code: heard(traces, arrays[code]) for code, traces in by_station.items()}
    arrivals = [
        a
        for code, traces in by_station.items()
        for a in listen(traces, used[code], DEFAULT.detect, channel_gain(traces, data.responses))
    ]
    return Heard(data, used, sorted(arrivals, key=lambda a: (a.time, a.station, a.id)))


def without(window: Heard, left_out: tuple[str, ...], when: float, place: tuple[float, float]) -> Trial:
    """The chain from the detections on, of the other stations."""
    arrays = {c: a for c, a in window.arrays.items() if c not in left_out}
    arrivals = [a for a in window.arrivals if a.station in arrays]
    recording = msgspec.structs.replace(
        window.data.recording,
        traces=tuple(t for t in window.data.recording.traces if t.station not in left_out),
    )
    found = find_events(arrivals, arrays, DEFAULT.associate, lone_snr=DEFAULT.lone_snr)
    events = characterise(found, recording, arrays, window.data.responses, arrivals)
    close = [e for e in events if abs(e.origin.time - when) <= 20.0]
    event = min(close, key=lambda e: abs(e.origin.time - when), default=None)
    km = off_km(event, *place) if event else float("nan")
    return Trial(left_out, event, km, event is not None and inside(event, *place), len(events) - len(close))


def trials(window: Heard, when: float, place: tuple[float, float], pairs: bool) -> Iterator[Trial]:
    """With all stations, without each, and without each two where there are few."""
    codes = sorted(window.arrays)
    yield without(window, (), when, place)
    for code in codes:
        yield without(window, (code,), when, place)
    if pairs and len(codes) <= PAIRS_OF:
        for two in combinations(codes, 2):
            yield without(window, two, when, place)


def main(arguments: list[str] | None = None) -> None:
    """A line a trial (`--quiet`: only the sums), then how many were found, near, and within their ellipse."""
    folder = waveforms()
    if folder is None:
        print("no real records here: set DETENTE_DATA to the folder that holds seismic/waveforms")
        return
    quiet = "--quiet" in (sys.argv if arguments is None else arguments)
    only = [a for a in (sys.argv if arguments is None else arguments) if a[:2] == "20"]
    for day, when, lat, lon, *_ in TESTS:
        if only and day not in only:
            continue
        many: dict[int, list[Trial]] = {}
        for trial in trials(hear(folder, day), seconds(when), (lat, lon), pairs=True):
            many.setdefault(len(trial.without), []).append(trial)
            if not quiet:
                print(_told(day, trial), flush=True)
        for n in (1, 2):
            if n in many:
                _sums(f"{day} without {'one station' if n == 1 else 'two'}", many[n])


def _told(day: str, trial: Trial) -> str:
    name = " ".join(trial.without) or "all there"
    if trial.event is None:
        return f"{day} {name:12} lost; {trial.others} other events"
    o, s = trial.event.origin, trial.event.screening
    p = f"{s.p_explosion:.3f}" if s and s.p_explosion is not None else "none"
    return (
        f"{day} {name:12} {len({u.station for u in o.used})} stations, {trial.off_km:6.1f} km off,"
        f" ellipse {o.semi_major_km or 0:.0f} x {o.semi_minor_km or 0:.0f} km {'holds' if trial.held else 'FAILS'},"
        f" P {p}, {trial.others} other events; {o.method}"
    )


def _sums(name: str, found: list[Trial]) -> None:
    n = len(found)
    have = [t for t in found if t.event is not None]
    placed = [t for t in have if t.event and (t.event.origin.semi_major_km or 1e9) < 500.0]
    line(f"{name}: found, of {n}", len(have), "", f"{n}", kept=len(have) == n)
    line(f"{name}: placed to 500 km, of {n}", len(placed), "")
    line(f"{name}: within {NEAR_KM:g} km, of {n}", sum(t.off_km <= NEAR_KM for t in have), "")
    line(f"{name}: in its ellipse, of {len(have)} found", sum(t.held for t in have), "")
    line(f"{name}: other events in the windows", sum(t.others for t in found), "")
    sure = sum(
        bool(t.event and t.event.screening and (t.event.screening.p_explosion or 0.0) > 0.9) for t in have
    )
    line(f"{name}: P(explosion) above 0.9, of {n}", sure, "")


if __name__ == "__main__":
    main()
