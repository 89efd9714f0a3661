"""Measure how teleseismic P amplitude falls with frequency.

Run: python tools/measure_p_spectrum.py SHARED/waveforms. It writes src/detente/monitor/data/p_by_frequency.csv.
Explosions of known mb at Lop Nor and Semipalatinsk recorded beyond 20 degrees by the Norwegian network (1985 to
1996, vertical short-period, instrument removed); zero-to-peak displacement in octaves within 8 s of the predicted
P, kept where it is four times the rms noise before P in every octave; divided by the Mueller-Murphy spectrum in
granite at 122 Y^(1/3) m with Y from mb = 4.45 + 0.75 log Y, so that it stands for a source below its corner
frequency. The value is the median over explosions with five stations or more of the median over their stations of
log10 A(f)/A(1 Hz).
"""

from __future__ import annotations

import csv
import sys
import warnings
from pathlib import Path

import numpy as np
from obspy import UTCDateTime, read, read_inventory

from detente.monitor.geo import distance_azimuth
from detente.monitor.source_mueller_murphy import spectrum
from detente.monitor.traveltime import TravelTimes

HZ = np.array([1.0, 1.5, 2.0, 3.0, 4.0])
FEWEST_STATIONS = 5
DATA = Path(__file__).parents[1] / "src/detente/monitor/data"


def magnitudes() -> list[tuple[UTCDateTime, float]]:
    """Origin time and mb of the explosions in the package's table."""
    rows = csv.DictReader(line for line in (DATA / "explosions.csv").open() if not line.startswith("#"))
    return [(UTCDateTime(r["time"]), float(r["mb"])) for r in rows if r["mb"] and r["time"]]


def octaves(trace: object, arrival: UTCDateTime) -> np.ndarray | None:
    """Peak displacement (m) in each octave of HZ in the P window, None where noise is too near."""
    trace = trace.copy().detrend("demean")
    trace.taper(0.05)
    trace.remove_response(output="DISP", pre_filt=(0.3, 0.5, 10.0, 15.0), water_level=None, taper=False)
    peaks = []
    for centre in HZ:
        band = trace.copy().filter(
            "bandpass", freqmin=centre / np.sqrt(2), freqmax=centre * np.sqrt(2), corners=3, zerophase=True
        )
        signal = band.slice(arrival - 1.5, arrival + 8).data
        noise = band.slice(trace.stats.starttime + 5, arrival - 5).data
        if len(signal) < 200 or len(noise) < 250:
            return None
        peak = np.abs(signal).max()
        if peak < 4 * noise.std():
            return None
        peaks.append(peak)
    return np.array(peaks)


def main(root: Path) -> None:
    """Measure, print, write."""
    warnings.simplefilter("ignore")
    known = magnitudes()
    rows = list(csv.DictReader((root / "nnsn/nnsn_events.csv").open()))
    found: dict[str, list[np.ndarray]] = {}
    for row in rows:
        if row["region"] not in ("LOP NOR", "SEMI KAZAKH"):
            continue
        origin = UTCDateTime(row["datetime_sipri"])
        matches = [m for t, m in known if abs(t - origin) < 30]
        if not matches:
            continue
        y = 10 ** ((matches[0] - 4.45) / 0.75)
        source = spectrum(y, 122 * np.cbrt(y), "granite", HZ)
        for file in sorted((root / "nnsn/ARCHIVE" / row["dir"]).glob("*SHZ.mseed")):
            trace = read(str(file))[0]
            answer = root / "nnsn/RESPONSES" / f"{trace.stats.station}.xml"
            if not answer.exists():
                continue
            try:
                inventory = read_inventory(str(answer))
                trace.attach_response(inventory)
                place = inventory.get_coordinates(trace.id, trace.stats.starttime)
                here = float(row["lat"]), float(row["lon"])
                degrees = distance_azimuth(*here, place["latitude"], place["longitude"])[0]
                if degrees < 20:
                    continue
                peaks = octaves(trace, origin + float(TravelTimes().time("P", degrees)))
            except Exception as bad:  # many broken old records: count them, go on
                print("skipped", trace.id, row["dir"], type(bad).__name__, str(bad)[:60])
                continue
            if peaks is not None:
                value = np.log10(peaks / peaks[0]) - np.log10(source / source[0])
                found.setdefault(f"{row['dir']} mb {matches[0]}", []).append(value)
    used = {name: np.median(v, axis=0) for name, v in found.items() if len(v) >= FEWEST_STATIONS}
    for name, value in used.items():
        print(name, len(found[name]), np.round(value, 2))
    each = np.array(list(used.values()))
    low, median, high = np.quantile(each, [0.25, 0.5, 0.75], axis=0)
    head = [
        "# log10 of P's zero-to-peak displacement in an octave over that at 1 Hz, for a source below its corner",
        "# frequency: median and quartiles over explosions. Measured by tools/measure_p_spectrum.py on records of",
        f"# {len(used)} explosions at Lop Nor and Semipalatinsk by the Norwegian network: stable paths of 35 to 60",
        "# degrees. Quality: derived, with recalled constants of the source model.",
        "freq_hz,log_ratio,quartile_low,quartile_high",
    ]
    rows = [f"{f:g},{m:.2f},{a:.2f},{b:.2f}" for f, m, a, b in zip(HZ, median, low, high, strict=True)]
    (DATA / "p_by_frequency.csv").write_text("\n".join([*head, *rows]) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
