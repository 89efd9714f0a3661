"""A watch over simulated days: every event once, the memory bounded, begun anew on the way."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from detente.monitor.bulletin.store import Store
from detente.monitor.chain.watch import Settings, Watch
from detente.monitor.waves.miniseed import write_miniseed
from detente.monitor.waves.seedlink import Packet
from detente.monitor.waves.trace import Trace
from tests.monitor.chain._watched import ARRAYS, DELAY, RATE, T0, associate, detect

pytest.importorskip("pymseed")
DAYS = 3
HOUR = 3600.0
EVERY_S = 600.0


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


def _hour(n: int) -> Iterator[tuple[float, Packet]]:
    """An hour's packets of three stations in the order of their ends; one station is silent every seventh hour."""
    found: list[tuple[float, int, str, bytes]] = []
    for seed, code in enumerate(ARRAYS):
        if n % 7 == 3 and code == "BBB":
            continue
        x = np.round(np.random.default_rng(1000 * n + seed).normal(0, 20, round(HOUR * RATE)))
        for source in np.arange(EVERY_S / 2, HOUR, EVERY_S):
            at = round((source + DELAY[code]) * RATE)
            x[at : at + 10] += 4000
        start = T0 + n * HOUR
        data = write_miniseed([Trace("XX", code, "", "BHZ", round(start * 1e9), RATE, x.astype(np.float32))])
        size = len(data) // 512
        found += [
            (start + HOUR * (i + 1) / size, i, code, data[i * 512 : i * 512 + 512]) for i in range(size)
        ]
    for k, (end, _, code, record) in enumerate(sorted(found)):
        yield end, Packet(f"XX_{code}", n * 100_000 + k + 1, record)


def _resident_mb() -> float:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


@pytest.mark.soak
def test_days_of_watching_lose_nothing_double_nothing_and_hoard_nothing(tmp_path: Path) -> None:
    rng = random.Random(3)
    clock = Clock()
    settings = Settings()  # as it runs
    resident, told, most = [], [], 0
    late: list[Packet] = []
    store = Store(tmp_path / "w")
    for n in range(24 * DAYS):
        if n % 11 == 0:  # killed and begun again; what the last step did not keep is sent again
            store.close()
            store = Store(tmp_path / "w")
            w = Watch(store, ARRAYS, detect, associate, settings=settings, clock=clock)
            w.expect([f"XX_{c}" for c in ARRAYS])
            resume = w.resume()
            for packet in late:
                if packet.number > resume.get(packet.station, 0):
                    w.add(packet)
        last = 0.0
        for end, packet in _hour(n):
            clock.now = end
            w.add(packet)
            if rng.random() < 0.01:
                w.add(packet)
            late.append(packet)
            if end - last > 30.0:
                last = end
                told += w.step()
        resume = w.resume()
        late = [p for p in late if p.number > resume.get(p.station, 0)]
        resident.append(_resident_mb())
        most = max(most, w.records.size()[0])
    told += w.step(flush=True)
    events = list(store.events())
    whole = 24 * DAYS * HOUR
    assert len(events) == round(whole / EVERY_S)
    assert sum(t.kind == "event" for t in told) == len(events) and not any(
        t.kind == "withdrawn" for t in told
    )
    seen = sum(len({u.station for u in e.origin.used}) for e in events)
    silent = len([n for n in range(24 * DAYS) if n % 7 == 3])
    assert seen == 3 * len(events) - silent * round(HOUR / EVERY_S)
    said = [t.detail.split(":")[0] for t in told if t.kind == "health" and t.about == "XX_BBB"]
    assert said.count("silent") == said.count("sends again") == silent
    assert most < 3 * RATE * (settings.review + settings.lead + settings.context + 2 * HOUR)
    print("resident MB by the hour", [round(m) for m in resident])
    # the first day fills caches; after it nothing grows with time
    assert max(resident[24:]) < max(resident[:24]) + 10.0
