"""A made network for the watch: impulses at known times, a detector and an associator that can be checked by hand.

Run as a program it watches a server until killed: `python -m tests.monitor.chain._watched PORT FOLDER`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from detente.monitor.bulletin.records import Arrival, Event, Origin, Used
from detente.monitor.bulletin.store import Store
from detente.monitor.chain.watch import Settings, Watch
from detente.monitor.chain.watch_run import STORE, Line, run
from detente.monitor.waves.trace import Array, Site, Trace

T0 = 1_504_409_400.0
RATE = 20.0
ARRAYS = {c: Array(c, (Site(c, 40.0 + i, 130.0),)) for i, c in enumerate(("AAA", "BBB", "CCC"))}
SOURCES = (100.0, 220.0, 400.0, 615.0, 790.0)
SETTINGS = Settings(context=30.0, lead=30.0, horizon=300.0, review=60.0, warm_up=20.0)
DELAY = {"AAA": 10.0, "BBB": 25.0, "CCC": 40.0}


def traces(seconds: float = 900.0) -> list[Trace]:
    """Noise with one impulse at each station for every source."""
    made = []
    for seed, code in enumerate(ARRAYS):
        x = np.round(np.random.default_rng(seed).normal(0, 20, round(seconds * RATE)))
        for source in SOURCES:
            at = round((source + DELAY[code]) * RATE)
            x[at : at + 10] += 4000
        made.append(Trace("XX", code, "", "BHZ", round(T0 * 1e9), RATE, x.astype(np.float32)))
    return made


def detect(pieces: Sequence[Trace], array: Array) -> tuple[Arrival, ...]:
    """The first sample of every run above 2000 counts."""
    found = []
    for piece in pieces:
        high = piece.samples > 2000
        for i in np.flatnonzero(high[1:] & ~high[:-1]) + 1:
            name = f"{array.code}-{len(found)}"
            found.append(
                Arrival(id=name, station=array.code, time=piece.start + i / RATE, time_sd=0.1, phase="P")
            )
    return tuple(found)


def associate(
    arrivals: Sequence[Arrival],
    arrays: Mapping[str, Array],
    listened: Mapping[str, float],
    known: Sequence[Event],
) -> tuple[Event, ...]:
    """An event for each source from which two stations or more have their arrival."""
    groups: dict[int, list[Arrival]] = {}
    for a in arrivals:
        groups.setdefault(round((a.time - T0 - DELAY[a.station]) / 5.0), []).append(a)
    return tuple(_event(g) for g in groups.values() if len(g) >= 2)


def _event(group: list[Arrival]) -> Event:
    time = float(np.mean([a.time - DELAY[a.station] for a in group]))
    used = tuple(
        Used(arrival=a.id, station=a.station, phase="P", distance_deg=1.0, azimuth_deg=0.0) for a in group
    )
    return Event(
        id="?", origins=(Origin(id=f"o{time:.2f}", time=time, lat=41.0, lon=129.0, time_sd=0.5, used=used),)
    )


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    with Store(folder / STORE) as store:
        watch = Watch(store, ARRAYS, detect, associate, settings=SETTINGS)
        stations = {f"XX_{code}": () for code in ARRAYS}
        line = Line("127.0.0.1", int(sys.argv[1]), stations, watch.resume())
        print("up", flush=True)
        run(watch, line, folder, tell=lambda n: print(n.kind, n.about, flush=True), every_s=0.05)
