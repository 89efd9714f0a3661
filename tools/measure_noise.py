"""Measure where real sites lie between Peterson's noise models.

Run: python tools/measure_noise.py SHARED/waveforms. It writes src/detente/monitor/data/noise_by_site.csv:
the median over the stations of a kind of the station's own median over its records. Records: the minute
before P of four DPRK tests at three-component stations (IC, II, IU; SAC with poles and zeros) and twenty
minutes at the 18 sensors of YKA. Fractions are taken in octaves, in decibels.
"""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path

import numpy as np
from obspy import UTCDateTime, read, read_inventory
from scipy.signal import welch

from detente.monitor.coast import coast_km
from detente.monitor.geo import distance_azimuth
from detente.monitor.noise import COAST_WITHIN_KM, models
from detente.monitor.traveltime import TravelTimes

HZ = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 6.0])
TESTS = {
    "2006-10-09": "2006-10-09T01:35:28",
    "2009-05-25": "2009-05-25T00:54:43",
    "2013-02-12": "2013-02-12T02:57:51",
    "2016-09-09": "2016-09-09T00:30:01",
}
SITE = (41.30, 129.08)
TARGET = Path(__file__).parents[1] / "src/detente/monitor/data/noise_by_site.csv"


def fraction(counts: np.ndarray, rate: float, response: object) -> np.ndarray:
    """Place of the noise between the models at HZ; `response`: counts per m/s^2 at frequencies."""
    f, power = welch(counts, rate, nperseg=int(20 * rate), detrend="linear")
    level = []
    for centre in HZ:
        band = (f >= centre / np.sqrt(2)) & (f <= centre * np.sqrt(2)) & (f < 0.45 * rate)
        level.append(10 * np.log10(np.mean(power[band] / response(f[band]) ** 2)))
    known, low, high = models()
    low, high = (np.interp(np.log(HZ), np.log(known), m) for m in (low, high))
    return (np.array(level) - low) / (high - low)


def poles_and_zeros(path: Path) -> object:
    """Counts per m/s^2 of a SACPZ file (which gives counts per m)."""
    text = "\n".join(line for line in path.read_text().splitlines() if not line.startswith("*"))
    n_zeros = int(re.search(r"ZEROS\s+(\d+)", text)[1])
    blocks = dict(re.findall(r"(ZEROS|POLES)\s+\d+((?:\s+[-+.\dEe]+\s+[-+.\dEe]+(?=\s))*)", text))
    pairs = {k: np.array(v.split(), float).reshape(-1, 2) @ [1, 1j] for k, v in blocks.items()}
    zeros = np.concatenate([pairs["ZEROS"], np.zeros(n_zeros - len(pairs["ZEROS"]))])
    constant = float(re.search(r"CONSTANT\s+(\S+)", text)[1])

    def response(f: np.ndarray) -> np.ndarray:
        s = 2j * np.pi * f[:, None]
        gain = constant * np.prod(s - zeros, axis=1) / np.prod(s - pairs["POLES"], axis=1)
        return np.abs(gain) / (2 * np.pi * f) ** 2

    return response


def three_component(root: Path) -> dict[tuple[str, str], list[np.ndarray]]:
    """Fractions by (kind, station) from the minute before P."""
    found: dict[tuple[str, str], list[np.ndarray]] = {}
    for day, origin in TESTS.items():
        for file in sorted((root / "dprk" / day).glob("SACPZ.*.00.BHZ")):
            net, station = file.name.split(".")[1:3]
            trace = read(next(file.parent.glob(f"{net}.{station}.00.BHZ.*.SAC")))[0]
            lat, lon = trace.stats.sac["stla"], trace.stats.sac["stlo"]
            travel = TravelTimes().time("P", distance_azimuth(*SITE, lat, lon)[0])
            trace.trim(endtime=UTCDateTime(origin) + float(travel) - 3)
            kind = "coast" if coast_km(lat, lon)[0] <= COAST_WITHIN_KM else "inland"
            place = fraction(trace.data.astype(float), trace.stats.sampling_rate, poles_and_zeros(file))
            found.setdefault((kind, station), []).append(place)
    return found


def yellowknife(root: Path) -> dict[tuple[str, str], list[np.ndarray]]:
    """Fractions of YKA's sensors from twenty minutes before a deep earthquake's P."""
    inventory = read_inventory(str(root / "obspy_examples/array_yellowknife.xml"))
    found = {("array", "YKA"): []}
    for trace in read(str(root / "obspy_examples/array_yellowknife_2012-08-14.mseed")):
        trace.attach_response(inventory)
        trace.trim(UTCDateTime(2012, 8, 14, 2, 40), UTCDateTime(2012, 8, 14, 3, 0))
        response = trace.stats.response

        def counts_per(f: np.ndarray, response: object = response) -> np.ndarray:
            return np.abs(response.get_evalresp_response_for_frequencies(f, output="ACC"))

        place = fraction(trace.data.astype(float), trace.stats.sampling_rate, counts_per)
        found["array", "YKA"].append(place)
    return found


def main(root: Path) -> None:
    """Measure, print, write."""
    warnings.simplefilter("ignore")
    every = {**three_component(root), **yellowknife(root)}
    rows = []
    for kind in ("array", "inland", "coast"):
        own = {s: np.median(v, axis=0) for (k, s), v in every.items() if k == kind}
        for station, value in own.items():
            print(kind, station, len(every[kind, station]), np.round(value, 2))
        names = "+".join(sorted(own))
        median = np.median(list(own.values()), axis=0)
        rows += [f"{kind},{hz:g},{value:.3f},{names},derived" for hz, value in zip(HZ, median, strict=True)]
    head = [
        "# Where the noise of a kind of site lies between Peterson's low (0) and high (1) models, in dB, by",
        "# octave: the median over stations of each station's median. Measured by tools/measure_noise.py on",
        "# public records: YKA 2012-08-14 (18 sensors, 20 minutes), the minute before P of four DPRK tests.",
        "kind,freq_hz,fraction,stations,quality",
    ]
    TARGET.write_text("\n".join([*head, *rows]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
