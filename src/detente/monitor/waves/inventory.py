"""Station files: StationXML and whatever else obspy reads as an inventory, once each, and what is odd in them."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from detente.errors import DetenteError
from detente.monitor.geo import distance_azimuth
from detente.monitor.waves.trace import Fault, FaultKind

# SEED manual 2.4, appendix A: the azimuth and dip that a component's letter promises, degrees
_ORIENTED = {"Z": (None, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}
_TURNED = 45.0
_KM_APART = 1.0


def is_folder(path: Path) -> bool:
    """Whether a path is a folder, not a file. Raises DetenteError where it is neither or cannot be looked at."""
    try:
        folder, there = path.is_dir(), path.exists()
    except OSError as bad:
        raise DetenteError(
            f"cannot be read ({bad.strerror})", where=str(path), fix="check the path"
        ) from None
    if not there:
        raise DetenteError("no such file or folder", where=str(path), fix="check the path")
    return folder


def read_inventory(path: Path) -> Any:
    """The obspy inventory of one file, kept. Raises DetenteError for one that is missing or broken."""
    try:
        state = path.stat()
    except OSError:
        raise DetenteError("cannot be read", where=str(path), fix="check the path") from None
    return _read(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _read(path: Path, _changed: int, _size: int) -> Any:
    import obspy

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return obspy.read_inventory(glob.escape(str(path)))
    except Exception as bad:  # lxml and obspy raise many kinds for a broken file
        said = (str(bad).strip().splitlines() or ["broken"])[0]
        raise DetenteError(f"not a station file: {said[:160]}", where=path.name) from None


def channels(inventory: Any) -> Iterator[tuple[str, Any]]:
    """Every channel epoch as (NET.STA.LOC.CHA, obspy channel)."""
    for network in inventory:
        for station in network:
            for channel in station:
                yield f"{network.code}.{station.code}.{channel.location_code}.{channel.code}", channel


def seconds(time: Any, unset: float) -> float:
    """An obspy time as s UTC since 1970, `unset` where there is none."""
    return unset if time is None else float(time.timestamp)


def faults(inventory: Any) -> tuple[Fault, ...]:
    """Channels turned or swapped by their own description, and stations told twice at different places."""
    return (*_turned(inventory), *_doubled(inventory))


def _turned(inventory: Any) -> Iterable[Fault]:
    for name, channel in channels(inventory):
        azimuth, dip = _ORIENTED.get(channel.code[-1:], (None, None))
        if channel.dip is not None and dip is not None:
            if dip == -90.0 and channel.dip > _TURNED:
                yield _fault(name, channel, "polarity", f"a vertical with dip {channel.dip:g}: up is down")
            elif abs(channel.dip - dip) > _TURNED:
                yield _fault(name, channel, "swapped", f"a {channel.code[-1]} with dip {channel.dip:g}")
        if channel.azimuth is not None and azimuth is not None and abs(channel.dip or 0.0) < _TURNED:
            off = abs((channel.azimuth - azimuth + 180) % 360 - 180)
            detail = f"a {channel.code[-1]} with azimuth {channel.azimuth:g}"
            if off > 180 - _TURNED:
                yield _fault(name, channel, "polarity", f"{detail}: turned round")
            elif off > _TURNED:
                yield _fault(name, channel, "swapped", detail)


def _doubled(inventory: Any) -> Iterable[Fault]:
    seen: dict[str, list[tuple[str, Any]]] = {}
    for network in inventory:
        for station in network:
            seen.setdefault(station.code, []).append((network.code, station))
    for code, told in seen.items():
        for i, (net_a, a) in enumerate(told):
            for net_b, b in told[i + 1 :]:
                starts = [seconds(s.start_date, -1e12) for s in (a, b)]
                ends = [seconds(s.end_date, 1e12) for s in (a, b)]
                km = _apart(a, b)
                if km > _KM_APART and max(starts) < min(ends):
                    detail = f"{net_a}.{code} and {net_b}.{code} at one time, {km:.0f} km apart"
                    yield Fault(
                        channel=f"{net_b}.{code}", kind="duplicate", start=0.0, end=0.0, detail=detail
                    )


def _apart(a: Any, b: Any) -> float:
    degrees, _, _ = distance_azimuth(a.latitude, a.longitude, b.latitude, b.longitude)
    return float(degrees) * 111.195


def _fault(name: str, channel: Any, kind: FaultKind, detail: str) -> Fault:
    start, end = seconds(channel.start_date, 0.0), seconds(channel.end_date, 0.0)
    return Fault(channel=name, kind=kind, start=start, end=end, detail=detail)
