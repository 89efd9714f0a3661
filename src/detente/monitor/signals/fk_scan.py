"""F-k of every window of a long record, exact at every grid point, windows side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.fk_spectra import beam_power, bins, spectra, taper
from detente.monitor.signals.gather import Panel

if TYPE_CHECKING:
    from detente.monitor.signals.fk import Settings

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]


class Scan(msgspec.Struct, frozen=True, eq=False):
    """An f-k peak for every window: `start` (window,) in s UTC, `sx`, `sy` in s/km, `semblance` (window,)."""

    start: Float
    sx: Float
    sy: Float
    semblance: Float


def scan(data: Panel, settings: Settings | None = None, *, check: float = 4e-6) -> Scan:
    """The greatest point of the f-k map of every window of a panel; exact: every grid point is evaluated.

    In single precision; windows whose two greatest points lie within `check` of each other are done again in double.
    Raises DetenteError for fewer than three elements or a panel shorter than a window.
    """
    from detente.monitor.signals import _fk_kernel as kernel
    from detente.monitor.signals.fk import DEFAULT

    settings = settings or DEFAULT
    n, rate = round(settings.window_s * data.rate_hz), data.rate_hz
    step = max(1, round(settings.step_s * rate))
    count = (data.samples.shape[1] - n) // step + 1
    if len(data.codes) < 3 or count < 1:
        raise DetenteError(f"{data.station}: an f-k scan needs three elements and one window of data")
    size, low, high = bins(rate, n, settings.band_hz)
    frequency = np.arange(low, high + 1) * rate / size
    sx, sy, C, S = _steering(settings.axis(), data.offsets_km - data.offsets_km[0], frequency)
    lanes, found = kernel.LANES, np.empty(count, np.int64)
    top, energy = np.empty(count, np.float32), np.empty(count, np.float32)
    redo = []
    batch = 16 * lanes
    for first in range(0, count, batch):
        many = min(batch, count - first)
        tiles, power = _tiles(data, n, step, first, many, size, low, high, settings.whiten)
        best, second = np.empty((2, len(tiles), lanes), np.float32)
        where = np.empty((len(tiles), lanes), np.int32)
        kernel.scan(tiles, C, S, best, second, where)
        a, b = best.ravel()[:many], second.ravel()[:many]
        part = slice(first, first + many)
        top[part], energy[part], found[part] = a, power, where.ravel()[:many]
        redo.append(first + np.flatnonzero(b >= a * (1 - check)))
    peak_x, peak_y = sx[found], sy[found]
    again = np.concatenate(redo)
    if again.size:
        peak_x[again], peak_y[again] = _double(data, settings, again * step, n)
    start = data.start + np.arange(count) * step / rate
    semblance = top / np.maximum(len(data.codes) * energy, 1e-30)
    return Scan(start, peak_x, peak_y, semblance.astype(np.float64))


def _double(data: Panel, settings: Settings, first: NDArray[np.int64], n: int) -> tuple[Float, Float]:
    """Peaks (window,) of the windows that begin at columns `first`, every step in double precision."""
    axis = settings.axis()
    x, y = np.repeat(axis, axis.size), np.tile(axis, axis.size)  # the order in which obspy breaks ties
    found = []
    for part in np.array_split(first, -(-first.size // 256)):
        block = np.stack([data.samples[:, k : k + n] for k in part])
        X, f = spectra(block, data.rate_hz, settings.band_hz)
        X = X * np.exp(-2j * np.pi * f * data.late_s[:, None])
        if settings.whiten:
            X = X / np.maximum(np.sqrt((np.abs(X) ** 2).mean(axis=-2, keepdims=True)), 1e-300)
        X = np.ascontiguousarray(X.transpose(0, 2, 1)).transpose(0, 2, 1)
        found.append(beam_power(X, f, data.offsets_km, x, y).argmax(axis=-1))
    k = np.concatenate(found)
    return x[k], y[k]


def _steering(axis: Float, offsets_km: Float, frequency: Float) -> tuple[Float, Float, Float32, Float32]:
    """Slownesses in the kernel's order (s, -s, s', -s', ...) and its cosines and sines, (group, f, pair, element)."""
    from detente.monitor.signals import _fk_kernel as kernel

    y, x = np.meshgrid(axis, axis, indexing="ij")
    half = x.size // 2 + 1  # the map's first half and the origin; the rest is the same with the other sign
    x, y = x.ravel()[:half], y.ravel()[:half]
    fill = -half % kernel.GROUP
    x, y = np.append(x, np.full(fill, x[0])), np.append(y, np.full(fill, y[0]))
    phase = 2 * np.pi * np.einsum("f,pe->fpe", frequency, np.column_stack([x, y]) @ offsets_km[1:].T)
    spare = -phase.shape[2] % kernel.PHASES
    parts = []
    for part in (np.cos(phase), np.sin(phase)):
        full = np.pad(part, ((0, 0), (0, 0), (0, spare))).astype(np.float32)
        grouped = full.reshape(len(frequency), -1, kernel.GROUP, full.shape[2]).transpose(1, 0, 2, 3)
        parts.append(np.ascontiguousarray(grouped))
    sx, sy = np.column_stack([x, -x]).ravel(), np.column_stack([y, -y]).ravel()
    return sx, sy, parts[0], parts[1]


def _tiles(
    data: Panel, n: int, step: int, first: int, count: int, size: int, low: int, high: int, whiten: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Spectra of `count` windows from window `first` as the kernel wants them, and each window's summed power.

    Mean, taper and transform are one matrix: (samples) @ (n, 2 f).
    """
    from detente.monitor.signals import _fk_kernel as kernel

    f = np.arange(low, high + 1)
    w = taper(n)
    wave = w[:, None] * np.exp(-2j * np.pi * np.outer(np.arange(n), f) / size)
    wave -= wave.mean(axis=0)  # removes the window's mean first
    tiles = -(-count // kernel.LANES)
    elements = len(data.codes)
    rows = 2 + 2 * (elements - 1 + -(elements - 1) % kernel.PHASES)
    out = np.zeros((tiles, len(f), rows, kernel.LANES), np.float32)
    power = np.zeros(count, np.float32)
    values = np.empty((elements, count, len(f)), np.complex64)
    for e in range(elements):
        turned = wave * np.exp(-2j * np.pi * f * (data.rate_hz / size) * data.late_s[e])
        matrix = np.ascontiguousarray(np.concatenate([turned.real, turned.imag], axis=1).astype(np.float32))
        piece = data.samples[e, first * step : (first + count - 1) * step + n]
        pair = _project(piece, matrix, n, step, count)
        values[e].real, values[e].imag = pair[:, : len(f)], pair[:, len(f) :]
    if whiten:
        values /= np.maximum(np.sqrt((np.abs(values) ** 2).mean(axis=0)), 1e-30)
    for e in range(elements):
        padded = np.zeros((tiles * kernel.LANES, len(f)), np.complex64)
        padded[:count] = values[e]
        grid = padded.reshape(tiles, kernel.LANES, len(f)).transpose(0, 2, 1)
        out[:, :, 2 * e], out[:, :, 2 * e + 1] = grid.real, grid.imag
        power += (values[e].real ** 2 + values[e].imag ** 2).sum(axis=1)
    return out, power


def _project(piece: Float32, matrix: Float32, n: int, step: int, count: int) -> Float32:
    """(count, 2 f): every window times the matrix; where windows overlap by half each half is projected once."""
    if 2 * step == n:
        halves = piece.reshape(-1, step)
        both: Float32 = halves[:-1] @ matrix[:step]
        both += halves[1:] @ matrix[step:]
        return np.asarray(both)
    frames = np.lib.stride_tricks.sliding_window_view(piece, n)[::step]
    return np.asarray(np.ascontiguousarray(frames) @ matrix)
