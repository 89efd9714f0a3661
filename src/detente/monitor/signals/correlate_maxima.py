"""The normalised correlation of templates with every stretch of a record, by overlap-save, as maxima by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.correlate_template import Template
from detente.monitor.signals.gather import Panel

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Statistic = Literal["array", "channel"]

CHUNK_S = 10.0  # at most one detection a template in this time
NFFT = 4096
BATCH = 8  # blocks transformed together


class Maxima(msgspec.Struct, frozen=True, eq=False):
    """The greatest correlation of every template in every chunk of about CHUNK_S, and its time (template, chunk)."""

    names: tuple[str, ...]
    correlation: Float32
    time: Float
    chunk_s: float
    statistic: Statistic
    length_s: float


def correlate(data: Panel, templates: Sequence[Template], statistic: Statistic = "array") -> Maxima:
    """The normalised correlation of every template with every stretch of the data, as maxima by chunk.

    Statistic `array`: sum over channels of x.t / sqrt(sum x.x * sum t.t), one normalisation for all channels: best
    where noise is equal. `channel`: mean over channels of x.t / sqrt(x.x t.t), as EQcorrscan and FMF have it, equal
    weight to each. Data and templates are taken to be band-passed (no local mean is removed); by overlap-save.
    Raises DetenteError where channels, rates, lengths or lags of the templates differ, or data are too short.
    """
    matrix, lag = _checked(data, templates)
    n, channels = matrix.shape[2], matrix.shape[1]
    samples = _shifted(data.samples, lag)
    length = samples.shape[1]
    if length < n + 1:
        raise DetenteError(f"{length} samples are shorter than the template's {n}")
    size = NFFT if n <= NFFT // 3 else 1 << (3 * n - 1).bit_length()
    chunk = max(1, round(CHUNK_S * data.rate_hz))
    chunk = min(chunk, size - n + 1)
    valid = (size - n + 1) // chunk * chunk
    blocks = -(-(length - n + 1) // valid)
    padded = np.zeros((channels, (blocks - 1) * valid + size), np.float32)
    padded[:, :length] = samples
    each = valid // chunk
    best = np.empty((len(templates), blocks * each), np.float32)
    where = np.empty((len(templates), blocks * each), np.int64)
    run = _array_maxima if statistic == "array" else _channel_maxima
    for first, top, at in run(padded, matrix, size, valid, chunk, blocks, length):
        part = slice(first * each, first * each + top.shape[1])
        best[:, part], where[:, part] = top, at + (first + np.arange(top.shape[1]) // each) * valid
    whole = (length - n + 1) // chunk  # chunks without a part beyond the data
    time = data.start + where[:, :whole] / data.rate_hz
    return Maxima(
        tuple(t.name for t in templates),
        best[:, :whole],
        time,
        chunk / data.rate_hz,
        statistic,
        n / data.rate_hz,
    )


def _checked(data: Panel, templates: Sequence[Template]) -> tuple[Float32, tuple[int, ...]]:
    """(template, channel, n), zero mean, in the data's order of channels, and the lag of each channel."""
    if not templates:
        raise DetenteError("no template to correlate with")
    first = templates[0]
    for t in templates:
        if abs(t.rate_hz - data.rate_hz) > 1e-6 * data.rate_hz:
            raise DetenteError(
                f"template {t.name} has {t.rate_hz:g} samples a second, the data {data.rate_hz:g}"
            )
        if t.samples.shape != first.samples.shape or t.codes != first.codes or t.lag != first.lag:
            raise DetenteError(
                f"template {t.name} differs from {first.name} in length, channels or lags",
                fix="run it in a set of its own",
            )
    missing = [c for c in first.codes if c not in data.codes]
    if missing or len(first.codes) != len(data.codes):
        raise DetenteError(f"the data lack the template's channel {missing[0]}" if missing else "more channels than the template has")  # fmt: skip  # noqa: E501
    order = [first.codes.index(c) for c in data.codes]
    matrix = np.stack([t.samples[order] for t in templates]).astype(np.float32)
    matrix = matrix - matrix.mean(axis=2, keepdims=True)
    lag = first.lag or (0,) * len(order)
    return np.ascontiguousarray(matrix), tuple(lag[k] for k in order)


def _shifted(samples: Float32, lag: Sequence[int]) -> Float32:
    """Each channel read `lag` samples later, zeros beyond the end."""
    if not any(lag):
        return samples
    out = np.zeros_like(samples)
    for row, to, k in zip(samples, out, lag, strict=True):
        if k >= 0:
            to[: row.size - k] = row[k:]
        else:
            to[-k:] = row[:k]
    return out


def _energy(padded: Float32, n: int) -> Float:
    """(channel, k) sum of squares of the n samples from k on, in double precision."""
    total = np.zeros((padded.shape[0], padded.shape[1] + 1))
    np.cumsum(padded.astype(np.float64) ** 2, axis=1, out=total[:, 1:])
    return np.asarray(np.maximum(total[:, n:] - total[:, :-n], 0.0))


def _inverse_root(energy: Float) -> Float32:
    """1 / sqrt, 0 where there is no signal at all (less than 1e-12 of the mean)."""
    floor = 1e-12 * max(float(energy.mean()), 1e-300)
    out: Float32 = np.where(energy > floor, 1 / np.sqrt(np.maximum(energy, floor)), 0.0).astype(np.float32)
    return out


def _spectra(rows: Float32, size: int) -> Float32:
    """(..., 2, f) real and imaginary parts of the real transform."""
    from scipy.fft import rfft

    z = rfft(rows, size)
    return np.ascontiguousarray(np.stack([z.real, z.imag], axis=-2))


def _blocks(padded: Float32, size: int, valid: int, first: int, many: int) -> Float32:
    """(block, channel, size) overlapping stretches."""
    rows = [padded[:, (first + b) * valid : (first + b) * valid + size] for b in range(many)]
    return np.stack(rows)


def _workers() -> int:
    import numba

    return int(numba.get_num_threads())


def _array_maxima(padded: Float32, matrix: Float32, size: int, valid: int, chunk: int, blocks: int, length: int) -> Iterator[tuple[int, Float32, NDArray[np.int64]]]:  # fmt: skip  # noqa: E501
    from scipy.fft import irfft

    from detente.monitor.signals import _correlate_kernel as kernel

    n = matrix.shape[2]
    unit = (
        matrix / np.maximum(np.sqrt((matrix.astype(np.float64) ** 2).sum(axis=(1, 2))), 1e-300)[:, None, None]
    )
    template = _spectra(unit.astype(np.float32), size)
    scale = _inverse_root(_energy(padded, n).sum(axis=0))
    scale[length - n + 1 :] = 0.0
    for first in range(0, blocks, BATCH):
        many = min(BATCH, blocks - first)
        data = _spectra(_blocks(padded, size, valid, first, many), size)
        out = np.empty((len(matrix), many, 2 * (size // 2 + 1)), np.float32)
        kernel.products(template, data, out)
        raw = irfft(out.view(np.complex64), size, overwrite_x=True, workers=_workers())
        here = np.stack([scale[(first + b) * valid : (first + b + 1) * valid] for b in range(many)])
        top = np.empty((len(matrix), many * (valid // chunk)), np.float32)
        at = np.empty(top.shape, np.int64)
        kernel.maxima(raw, here, chunk, valid, top, at)
        yield first, top, at


def _channel_maxima(padded: Float32, matrix: Float32, size: int, valid: int, chunk: int, blocks: int, length: int) -> Iterator[tuple[int, Float32, NDArray[np.int64]]]:  # fmt: skip  # noqa: E501
    from scipy.fft import irfft

    from detente.monitor.signals import _correlate_kernel as kernel

    n, channels = matrix.shape[2], matrix.shape[1]
    root = np.sqrt((matrix.astype(np.float64) ** 2).sum(axis=2))
    template = _spectra((matrix / np.maximum(root, 1e-300)[:, :, None]).astype(np.float32), size)
    scale = np.stack([_inverse_root(row) for row in _energy(padded, n)]) / np.float32(channels)
    scale[:, length - n + 1 :] = 0.0
    ones, group = np.ones((1, valid), np.float32), 20
    for first in range(blocks):
        data = _spectra(_blocks(padded, size, valid, first, 1), size)
        here = np.ascontiguousarray(scale[None, :, first * valid : (first + 1) * valid])
        top = np.empty((len(matrix), valid // chunk), np.float32)
        at = np.empty(top.shape, np.int64)
        for a in range(0, len(matrix), group):
            some = template[a : a + group]
            many = len(some)
            product = np.empty((many * channels, 1, 2 * (size // 2 + 1)), np.float32)
            for c in range(channels):
                kernel.products(some[:, c : c + 1], data[:, c : c + 1], product[c * many : (c + 1) * many])
            raw = irfft(product.view(np.complex64), size, overwrite_x=True, workers=_workers())
            raw = raw.reshape(channels, many, 1, size).transpose(1, 2, 0, 3)
            total = np.empty((many, 1, valid), np.float32)
            kernel.summed(raw, here, valid, total)
            kernel.maxima(total, ones, chunk, valid, top[a : a + group], at[a : a + group])
        yield first, top, at
