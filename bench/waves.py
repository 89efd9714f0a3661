"""Waveforms in and bulletins out: miniSEED against obspy, QuakeML and IMS 1.0 against obspy's own."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np

from bench._report import best, line


def main() -> None:
    _read()
    _bulletins()


def _read() -> None:
    import obspy

    from detente.monitor.waves.miniseed import read_miniseed, write_miniseed
    from detente.monitor.waves.read import read
    from detente.monitor.waves.trace import Trace

    rng = np.random.default_rng(1)
    n = 3_456_000  # a day at 40 Hz
    with tempfile.TemporaryDirectory() as name:
        for i in range(3):
            x = np.cumsum(rng.normal(0, 30, n)) * 0.05 + rng.normal(0, 200, n)
            trace = Trace(
                "IM", f"MK0{i + 1}", "", "SHZ", 1_504_396_800 * 10**9, 40.0, np.round(x).astype(np.float32)
            )
            (Path(name) / f"{i}.mseed").write_bytes(write_miniseed([trace], length=4096))
        files = sorted(Path(name).glob("*.mseed"))
        whole = [p.read_bytes() for p in files]

        def theirs() -> None:
            for data in whole:
                obspy.read(io.BytesIO(data), format="MSEED")

        def ours() -> None:
            for data in whole:
                read_miniseed(data, "bench")

        peer, own = best(theirs, repeat=3), best(ours, repeat=3)
        checked = best(lambda: read(files), repeat=3)
    line("miniSEED, 3 channel-days at 40 Hz (Steim 2), decoded: obspy", peer, "s")
    line("  ours, to float32", own, "s")
    line("  ours as a multiple of obspy's time", own / peer, "times", "<= 1.2", kept=own / peer <= 1.2)
    line("  ours with joining and every check of health", checked, "s")


def _bulletins() -> None:
    import obspy

    from detente.monitor.bulletin.ims1 import read_ims1, write_ims1
    from detente.monitor.bulletin.quakeml import read_quakeml, write_quakeml

    bulletin = _made(150, 12)
    catalog = obspy.read_events(io.BytesIO(write_quakeml(bulletin)), format="QUAKEML")
    data = write_quakeml(bulletin)

    def obspy_writes() -> None:
        catalog.write(io.BytesIO(), format="QUAKEML")

    peer_write, own_write = best(obspy_writes, repeat=3), best(lambda: write_quakeml(bulletin), repeat=3)
    peer_read = best(lambda: obspy.read_events(io.BytesIO(data), format="QUAKEML"), repeat=3)
    own_read = best(lambda: read_quakeml(data), repeat=3)
    line("QuakeML, 150 events of 12 picks: written, obspy over ours", peer_write / own_write, "times")
    line("  read, obspy over ours", peer_read / own_read, "times")
    line("  read by us", own_read, "s")
    text = write_ims1(bulletin)
    line(
        "IMS 1.0 with arrivals, the same bulletin: written", best(lambda: write_ims1(bulletin), repeat=3), "s"
    )
    own, peer = best(lambda: read_ims1(text), repeat=3), best(lambda: _ims(text), repeat=3)
    line("  read, obspy over ours", peer / own, "times")


def _ims(text: bytes) -> None:
    import obspy

    obspy.read_events(io.BytesIO(text), format="IMS10BULLETIN")


def _made(count: int, picks: int):  # type: ignore[no-untyped-def]
    from detente.monitor.bulletin.records import Arrival, Bulletin, Event, Magnitude, Origin, Used

    rng = np.random.default_rng(2)
    arrivals, events = [], []
    for i in range(count):
        time = 1.5e9 + 500.0 * i
        used = []
        for j in range(picks):
            name = f"{i}.{j}"
            arrivals.append(
                Arrival(id=name, station=f"S{j:03d}", time=time + 100 + 30 * j, time_sd=0.3, phase="P",
                        backazimuth_deg=10.0 * j, slowness_s_km=0.07, amplitude_nm=12.5, period_s=0.8, snr=9.0)
            )  # fmt: skip
            used.append(
                Used(arrival=name, station=f"S{j:03d}", phase="P", distance_deg=10.0 + 5 * j, azimuth_deg=30.0 * j,
                     time_residual_s=float(rng.normal()), defining="T")
            )  # fmt: skip
        origin = Origin(id=f"o{i}", time=time, lat=0.3 * i - 20, lon=i - 75.0, time_sd=0.4, used=tuple(used))
        events.append(
            Event(id=f"e{i}", origins=(origin,), magnitudes=(Magnitude(kind="mb", value=4.5, sd=0.2),))
        )
    return Bulletin(start=1.5e9, end=1.5e9 + 1e5, arrivals=tuple(arrivals), events=tuple(events))
