"""The columns of IMS 1.0 short bulletins, and how their cells are read."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta

from detente.monitor.bulletin.times import moment

ORIGINS = (
    "   Date       Time        Err   RMS Latitude Longitude  Smaj  Smin  Az Depth   Err Ndef Nsta Gap"
    "  mdist  Mdist Qual   Author      OrigID"
)
MAGNITUDES = "Magnitude  Err Nsta Author      OrigID"
PHASES = (
    "Sta     Dist  EvAz Phase        Time      TRes  Azim AzRes   Slow   SRes Def   SNR       Amp   Per"
    " Qual Magnitude    ArrID"
)

Column = tuple[str, int, int, str]
# name, first column (from 1), last column, how it is written; IMS 1.0, tables of the origin and phase blocks
ORIGIN: tuple[Column, ...] = (
    ("date", 1, 10, "s"),
    ("clock", 12, 22, "s"),
    ("time_sd", 25, 29, ".2f"),
    ("rms", 31, 35, ".2f"),
    ("lat", 37, 44, ".4f"),
    ("lon", 46, 54, ".4f"),
    ("smaj", 56, 60, ".1f"),
    ("smin", 62, 66, ".1f"),
    ("strike", 68, 70, ".0f"),
    ("depth", 72, 76, ".1f"),
    ("depth_fixed", 77, 77, "s"),
    ("depth_error", 79, 82, ".1f"),
    ("ndef", 84, 87, "d"),
    ("nsta", 89, 92, "d"),
    ("gap", 94, 96, ".0f"),
    ("mdist", 98, 103, ".2f"),
    ("Mdist", 105, 110, ".2f"),
    ("analysis", 112, 112, "s"),
    ("method", 114, 114, "s"),
    ("etype", 116, 117, "s"),
    ("author", 119, 127, "s"),
    ("origid", 129, 136, "s"),
)
MAGNITUDE: tuple[Column, ...] = (
    ("kind", 1, 5, "s"),
    ("limit", 6, 6, "s"),
    ("value", 7, 10, ".1f"),
    ("sd", 12, 14, ".1f"),
    ("nsta", 16, 19, "d"),
    ("author", 21, 29, "s"),
    ("origid", 31, 38, "s"),
)
PHASE: tuple[Column, ...] = (
    ("sta", 1, 5, "s"),
    ("dist", 7, 12, ".2f"),
    ("evaz", 14, 18, ".1f"),
    ("phase", 20, 27, "s"),
    ("clock", 29, 40, "s"),
    ("tres", 42, 46, ".1f"),
    ("azim", 48, 52, ".1f"),
    ("azres", 54, 58, ".1f"),
    ("slow", 60, 65, ".2f"),
    ("sres", 67, 72, ".2f"),
    ("def", 74, 76, "s"),
    ("snr", 78, 82, ".1f"),
    ("amp", 84, 92, ".1f"),
    ("per", 94, 98, ".2f"),
    ("qual", 100, 102, "s"),
    ("mtype", 104, 108, "s"),
    ("mlimit", 109, 109, "s"),
    ("mag", 110, 113, ".1f"),
    ("arrid", 115, 122, "s"),
)


DATE = "#DATE"
"""Our comment behind a phase line whose arrival is not of the day nearest to the origin: the line bears no date."""
HALF_DAY = 43_200.0


def cells(columns: Iterable[Column], line: str) -> dict[str, str]:
    return {name: line[first - 1 : last].strip() for name, first, last, _ in columns}


def number(cell: str) -> float | None:
    value = float(cell) if cell else math.nan
    return value if math.isfinite(value) else None


def clock(cell: str) -> float:
    hours, minutes, seconds = cell.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def near(clock: float, origin: float) -> float:
    """The time of day closest to the origin, for phase lines bear no date."""
    day = moment(origin).replace(hour=0, minute=0, second=0, microsecond=0)
    choices = [(day + timedelta(days=d)).timestamp() + clock for d in (-1, 0, 1)]
    return min(choices, key=lambda t: abs(t - origin))
