"""What CSS 3.0 tells of stations and waveforms: site, sitechan, affiliation and wfdisc, with the samples beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from detente.files import write_whole
from detente.monitor.bulletin.times import julian
from detente.monitor.waves.trace import Array, Trace

_HANG = {"N": 0.0, "E": 90.0, "Z": -1.0}
_VANG = {"N": 90.0, "E": 90.0, "Z": 0.0}
_SINCE = 1970001


def station_rows(
    arrays: Mapping[str, Array], traces: Iterable[Trace] = ()
) -> dict[str, list[dict[str, Any]]]:
    """Rows of site, affiliation and, for the traces' channels, sitechan. Elements name their array as `refsta`."""
    sites: list[dict[str, Any]] = []
    nets: list[dict[str, Any]] = []
    for code, array in arrays.items():
        offsets = array.offsets_km()
        if len(array.sites) > 1:
            sites.append(_site(code, array.lat, array.lon, array.sites[0].elevation_m, "ar", code, 0.0, 0.0))
        for site, (east, north) in zip(array.sites, offsets.tolist(), strict=True):
            sites.append(_site(site.code, site.lat, site.lon, site.elevation_m, "ss", code, north, east))
            if site.network:
                nets.append({"net": site.network, "sta": site.code})
    channels = sorted({(t.station, t.channel) for t in traces})
    chans = [
        {
            "sta": sta,
            "chan": chan,
            "ondate": _SINCE,
            "chanid": i,
            "ctype": "n",
            "hang": _HANG.get(chan[-1:], -1.0),
            "vang": _VANG.get(chan[-1:], -1.0),
        }
        for i, (sta, chan) in enumerate(channels, 1)
    ]
    return {"site": sites, "sitechan": chans, "affiliation": nets}


def _site(
    sta: str, lat: float, lon: float, elevation_m: float, kind: str, ref: str, north: float, east: float
) -> dict[str, Any]:
    lon = (lon + 180) % 360 - 180
    row = {"sta": sta, "ondate": _SINCE, "lat": lat, "lon": lon, "elev": elevation_m / 1000, "staname": sta}
    return row | {"statype": kind, "refsta": ref, "dnorth": north, "deast": east}


def write_waves(traces: Sequence[Trace], prefix: Path) -> list[dict[str, Any]]:
    """Write PREFIX.w and give the rows of wfdisc that point into it."""
    rows, samples = wave_rows(traces, f"{prefix.name}.w")
    write_whole(prefix.with_name(f"{prefix.name}.w"), samples)
    return rows


def wave_rows(traces: Sequence[Trace], file: str) -> tuple[list[dict[str, Any]], bytes]:
    """Rows of wfdisc, and the samples they point into in `file`: big-endian float32 (datatype t4)."""
    rows: list[dict[str, Any]] = []
    data: list[bytes] = []
    at = 0
    for i, trace in enumerate(traces, 1):
        samples = np.ascontiguousarray(trace.samples, ">f4").tobytes()
        rows.append(
            {
                "sta": trace.station,
                "chan": trace.channel,
                "time": trace.start,
                "wfid": i,
                "jdate": julian(trace.start),
                "endtime": trace.end - 1 / trace.rate_hz,
                "nsamp": trace.samples.size,
                "samprate": trace.rate_hz,
                "calib": 1.0,
                "calper": 1.0,
                "segtype": "o",
                "datatype": "t4",
                "dir": ".",
                "dfile": file,
                "foff": at,
            }
        )
        data.append(samples)
        at += len(samples)
    return rows, b"".join(data)
