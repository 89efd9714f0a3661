"""Made records for the readers' tests: written by libmseed and obspy, never by the code under test."""

from __future__ import annotations

from typing import Any

import numpy as np
from pymseed import DataEncoding, MS3TraceList, nslc2sourceid, timestr2nstime

START = "2017-09-03T03:30:00.019534Z"


def noise(n: int = 4000, seed: int = 1, scale: float = 300.0) -> np.ndarray:
    """Whole numbers that wander as a quiet channel does."""
    return np.round(np.random.default_rng(seed).normal(0, scale, n)).astype(np.int32)


def miniseed(
    samples: np.ndarray,
    *,
    name: tuple[str, str, str, str] = ("IC", "MDJ", "00", "BHZ"),
    start: str | int = START,
    rate: float = 20.0,
    version: int = 2,
    encoding: Any = DataEncoding.STEIM2,
    length: int = 512,
) -> bytes:
    """One channel as miniSEED records."""
    kind = {"i": "i", "f": "f" if samples.dtype == np.float32 else "d"}[samples.dtype.kind]
    made = MS3TraceList()
    begin = timestr2nstime(start) if isinstance(start, str) else start
    made.add_data(
        sourceid=nslc2sourceid(*name),
        data_samples=samples,
        sample_type=kind,
        sample_rate=rate,
        starttime=begin,
    )
    records = made.generate(format_version=version, encoding=encoding, max_record_length=length)
    return b"".join(bytes(r) for r in records)
