"""SAC binary files, versions 6 and 7, either byte order: read strictly, without a library."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from detente.errors import DetenteError
from detente.monitor.waves.trace import NS, Fault, Recording, Site, Trace

_HEADER = 632
_UNSET = -12345
# words of the header, by the names of the SAC manual (numbers counted within their type)
_FLOATS = {"delta": 0, "b": 5, "stla": 31, "stlo": 32, "stel": 33}
_INTS = dict(
    zip(("nzyear", "nzjday", "nzhour", "nzmin", "nzsec", "nzmsec", "nvhdr"), range(7), strict=True)
) | {"npts": 9, "iftype": 15, "idep": 16, "leven": 35}
_TEXTS = {"kstnm": (0, 8), "khole": (24, 32), "kcmpnm": (160, 168), "knetwk": (168, 176)}
_UNITS = {6: ("m", 1e-9), 7: ("m/s", 1e-9), 8: ("m/s**2", 1e-9)}  # IDISP, IVEL, IACC: nanometres


def byte_order(head: bytes) -> str:
    """The byte order of a SAC file's header, "<" or ">", empty where it is no SAC file."""
    if len(head) < _HEADER:
        return ""
    for order in "<>":
        ints = np.frombuffer(head, f"{order}i4", 40, 280)
        if ints[_INTS["nvhdr"]] in (6, 7) and ints[_INTS["iftype"]] == 1 and ints[_INTS["leven"]] == 1:
            return order
    return ""


def read_sac(data: bytes, where: str) -> Recording:
    """The one trace of an evenly sampled SAC file. Raises DetenteError for a header that makes no sense.

    Source: SAC user's manual, SAC data file format (EarthScope).
    """
    head, order = _head(data, where)
    npts = head["npts"]
    there = (len(data) - _HEADER) // 4
    faults: list[Fault] = []
    trace_id = ".".join(head[k] for k in ("knetwk", "kstnm", "khole", "kcmpnm"))
    start_ns = _start(head, where)
    if there < npts:
        detail = f"{npts} samples announced, {there} there"
        faults.append(_fault(trace_id, "corrupt", start_ns, detail))
    samples = np.frombuffer(data, f"{order}f4", min(npts, there), _HEADER).astype(np.float32)
    unit, scale = _UNITS.get(head["idep"], ("counts", 1.0))
    if unit != "counts" and _whole(samples):
        detail = f"the header says {unit} but every sample is a whole number: taken as counts"
        faults.append(_fault(trace_id, "units", start_ns, detail))
        unit, scale = "counts", 1.0
    trace = Trace(
        head["knetwk"],
        head["kstnm"],
        head["khole"],
        head["kcmpnm"],
        start_ns,
        head["rate"],
        samples if scale == 1.0 else samples * np.float32(scale),
        unit,
    )
    return Recording((trace,), tuple(faults))


def read_sac_site(data: bytes, where: str) -> Site | None:
    """The station's place as a SAC header gives it, None where it does not."""
    head, _ = _head(data, where)
    if any(math.isnan(head[k]) for k in ("stla", "stlo")):
        return None
    height = 0.0 if math.isnan(head["stel"]) else head["stel"]
    return Site(head["kstnm"], head["stla"], head["stlo"], height, head["knetwk"])


def _head(data: bytes, where: str) -> tuple[dict[str, Any], str]:
    order = byte_order(data[:_HEADER])
    if not order:
        raise DetenteError("not an evenly sampled SAC file", where=where)
    floats = np.frombuffer(data, f"{order}f4", 70)
    ints = np.frombuffer(data, f"{order}i4", 40, 280)
    head: dict[str, Any] = {k: int(ints[i]) for k, i in _INTS.items()}
    for name, i in _FLOATS.items():
        # a float32 as the decimal that was written: 0.05, not 0.05000000074505806
        head[name] = math.nan if floats[i] == _UNSET else float(str(floats[i]))
    for name, (a, b) in _TEXTS.items():
        text = data[440 + a : 440 + b].split(b"\0")[0].decode("ascii", "replace").strip()
        head[name] = "" if text in ("-12345", "--") else text
    npts, delta = head["npts"], head["delta"]
    if head["nvhdr"] == 7 and len(data) >= _HEADER + 4 * max(npts, 0) + 16 and npts >= 0:
        delta, head["b"] = (float(x) for x in np.frombuffer(data, f"{order}f8", 2, _HEADER + 4 * npts))
    if npts < 0 or not 1e-6 < delta < 1e6:
        raise DetenteError(f"{npts} samples every {delta:g} s", where=where)
    near = round(1 / delta, 4)
    head["rate"] = near if near > 0 and abs(near * delta - 1) < 3e-7 else 1 / delta
    return head, order


def _start(head: dict[str, Any], where: str) -> int:
    begin = 0.0 if math.isnan(head["b"]) else head["b"]
    try:
        day = datetime(head["nzyear"], 1, 1, tzinfo=UTC) + timedelta(days=head["nzjday"] - 1)
    except (ValueError, OverflowError):
        raise DetenteError(f"no such day: {head['nzyear']}, {head['nzjday']}", where=where) from None
    if not (1 <= head["nzjday"] <= 366 and abs(begin) < 1e9 and day.year >= 1900):
        raise DetenteError(f"no such time: {head['nzyear']}, day {head['nzjday']}, b {begin:g}", where=where)
    clock = [0 if head[k] == _UNSET else head[k] for k in ("nzhour", "nzmin", "nzsec", "nzmsec")]
    whole = int(day.timestamp()) + 3600 * clock[0] + 60 * clock[1] + clock[2]
    return whole * NS + clock[3] * 1_000_000 + round(begin * 1e6) * 1000


def _whole(samples: Any) -> bool:
    return bool(samples.size and np.isfinite(samples).all() and (samples == np.round(samples)).all())


def _fault(channel: str, kind: Any, start_ns: int, detail: str) -> Fault:
    return Fault(channel=channel, kind=kind, start=start_ns / NS, end=start_ns / NS, detail=detail)
