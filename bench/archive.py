"""A day of an archive through the whole chain: the memory that one worker needs, by how many channels, and its time."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from bench._report import line
from bench.whole_day import LEVEL, RATE, _pieces
from detente.monitor.bulletin.tables import read_json
from detente.monitor.chain.archive import Job, day_path
from detente.monitor.chain.day import Day, DaySettings, simulate
from detente.monitor.signals.synthetic import band_rms, noise
from detente.monitor.waves.sds import DAY, Archive
from detente.monitor.waves.trace import NS, Array, Site, Trace

STATIONS = int(os.environ.get("DETENTE_BENCH_STATIONS", "12"))
EVENTS = int(os.environ.get("DETENTE_BENCH_EVENTS", "20"))
START = 1_750_032_000.0  # a midnight
SEED = 202
POLES = """* NETWORK   (KNETWK): XX
* STATION    (KSTNM): {station}
* LOCATION   (KHOLE):
* CHANNEL   (KCMPNM): {channel}
* START             : 2010-01-01T00:00:00
* END               : 2040-01-01T00:00:00
* LATITUDE          : {lat:.6f}
* LONGITUDE         : {lon:.6f}
* INPUT UNIT        : M
ZEROS 1
0.0 0.0
POLES 0
CONSTANT {constant:.6e}
"""


def main() -> None:
    """Print the peak memory of a worker that makes one day of 40 Hz, and what it found."""
    settings = DaySettings(events=EVENTS, noise=0, length_s=DAY, start=START, least_mb=4.2)
    day = simulate(settings, seed=SEED)
    # the stations with the most channels first: what is held at once depends on them
    chosen = sorted(day.sites.items(), key=lambda p: (-_channels(p[1]), p[0]))[:STATIONS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(os.environ.get("DETENTE_BENCH_FOLDER", name))
        (folder / "places.csv").write_text("station,lat,lon,array\n")
        began = time.perf_counter()
        count = sum(_write(folder, code, site, day, n) for n, (code, site) in enumerate(chosen))
        size = sum(p.stat().st_size for p in (folder / "sds").rglob("*") if p.is_file())
        line(f"made {STATIONS} stations, {count} channels at {RATE:g} Hz", time.perf_counter() - began, "s")
        line("  on disk", size / 2**30, "GiB")
        job = Job(
            sds=f"{folder}/sds", stations=(f"{folder}/places.csv", f"{folder}/poles"), out=f"{folder}/out"
        )
        told = subprocess.run(
            [sys.executable, "-c", _WORKER, str(folder)], check=True, stdout=subprocess.PIPE, text=True
        )
        wall, cpu, idle, peak = map(float, told.stdout.split()[-4:])
        made = read_json(day_path(Path(job.out), "2025-06-16").read_bytes())
    line(f"the day: {len(made.arrivals)} arrivals, {len(made.events)} events", wall, "s")
    line("  processor time", cpu, "s")
    line("  faster than real time", DAY / wall, "times")
    line("  memory before the first record", idle, "GiB")
    line("  peak memory of the worker", peak, "GiB", "< 2", kept=peak < 2)


_WORKER = """
import re, resource, sys, time
from pathlib import Path
from bench.archive import START
from detente.monitor.chain.archive import Job, make_day
def peak():  # GiB; getrusage's includes the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 2**20
idle = peak()
folder, began = sys.argv[1], time.perf_counter()
make_day(Job(sds=folder + "/sds", stations=(folder + "/places.csv", folder + "/poles"), out=folder + "/out"), START)
used = resource.getrusage(resource.RUSAGE_SELF)
print(time.perf_counter() - began, used.ru_utime + used.ru_stime, idle, peak())
"""


def _channels(site: Site | Array) -> int:
    return len(site.sites) if isinstance(site, Array) else 3


def _write(folder: Path, code: str, site: Site | Array, day: Day, seed: int) -> int:
    """A station's day into the archive, an hour at a time, and its responses; how many channels it has."""
    rng = np.random.default_rng(3000 + seed)
    array = isinstance(site, Array)
    places = site.offsets_km() if isinstance(site, Array) else np.zeros((3, 2))
    sites = site.sites if isinstance(site, Array) else (site,) * 3
    # five characters are all that miniSEED 2 has for a station
    names = [
        (f"{seed:02d}{k:03d}", "SHZ") if array else (code, f"SH{c}")
        for k, c in zip(range(len(sites)), "ZNE" * 99, strict=False)
    ]
    own = [a for a in day.arrivals if a.station == code]
    ratios = [a.amplitude_nm / a.period_s / a.snr for a in own if a.amplitude_nm and a.period_s and a.snr]
    level = float(np.median(ratios)) if ratios else (0.45 if array else 1.4)  # nm/s, of a beam
    quiet = noise(np.zeros((1, 2)), np.random.default_rng(0), seconds=600.0, rate_hz=RATE, level=LEVEL)
    rms = band_rms(quiet[0], RATE) / np.sqrt(len(places))
    scale = 300.0 / float(band_rms(quiet[0], RATE))  # counts that Steim 2 packs as it packs real noise
    poles = folder / "poles"
    poles.mkdir(exist_ok=True)
    for s, (station, channel) in zip(sites, names, strict=True):
        constant = 1e9 * scale * rms / level / (2 * np.pi)  # counts per m, times 1 / (2 pi): flat in velocity
        text = POLES.format(station=station, channel=channel, lat=s.lat, lon=s.lon, constant=constant)
        (poles / f"{station}.{channel}").write_text(text)
        with (folder / "places.csv").open("a") as table:
            table.write(f"{station},{s.lat:.6f},{s.lon:.6f},{code}\n")
    pieces = list(_pieces(places, own, day.start, array, rng))
    for k, (station, channel) in enumerate(names):
        x = np.round(scale * np.concatenate([p[k] for p in pieces])).astype(np.float32)
        Archive(folder / "sds").write([Trace("XX", station, "", channel, round(day.start * NS), RATE, x)])
    return len(names)
