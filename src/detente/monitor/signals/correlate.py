"""Waveform correlation: find what looks like a known event, at a stated rate of false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.correlate_law import Tail, Wider, own, squeezed, tails
from detente.monitor.signals.correlate_law import threshold as threshold
from detente.monitor.signals.gather import Panel
from detente.monitor.signals.lines import notched, steady_lines
from detente.monitor.signals.threshold import Law, law
from detente.monitor.waves.trace import NS

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Statistic = Literal["array", "channel"]

CHUNK_S = 10.0  # at most one detection a template in this time
NFFT = 4096
BATCH = 8  # blocks transformed together


class Template(msgspec.Struct, frozen=True, eq=False):
    """A known signal: `samples` (channel, n), filtered as the data will be; `start_s`: how long after the event's
    reference time the window begins; `lag` (channel,) samples by which each channel's window begins later.
    """

    name: str
    codes: tuple[str, ...]
    rate_hz: float
    samples: Float32
    start_s: float = 0.0
    lag: tuple[int, ...] = ()

    def reversed(self) -> Template:
        """The same backwards in time: it has the spectrum and the length of the signal, and matches nothing."""
        return msgspec.structs.replace(
            self, name=f"{self.name} reversed", samples=self.samples[:, ::-1].copy()
        )

    def flipped(self) -> Template:
        """The same with the other sign."""
        return msgspec.structs.replace(self, samples=-self.samples)


class Maxima(msgspec.Struct, frozen=True, eq=False):
    """The greatest correlation of every template in every chunk of about CHUNK_S, and its time (template, chunk)."""

    names: tuple[str, ...]
    correlation: Float32
    time: Float
    chunk_s: float
    statistic: Statistic
    length_s: float


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A detection: `time` (s UTC) of the window's start; `false_per_day`: how often noise alone reaches this."""

    template: str
    time: float
    correlation: float
    level: float
    false_per_day: float


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


def noise_laws(on_noise: Maxima) -> dict[str, Wider]:
    """By template the law of `squeezed` correlation on noise: reversed templates on the data, or real ones on noise.

    Gumbel's law of the bulk, and the tail of the greatest: noise with spikes passes the first too often.
    """
    rows = squeezed(on_noise.correlation)
    bulk = [law(row, on_noise.chunk_s) for row in rows]
    return {
        name.removesuffix(" reversed"): Wider((one, tail))
        for name, one, tail in zip(on_noise.names, bulk, tails(rows, on_noise.chunk_s), strict=True)
    }


def matches(found: Maxima, laws: Mapping[str, Law | Wider], per_day: float = 1.0) -> tuple[Match, ...]:
    """Detections in order of time, at least a template's length apart; `per_day` false ones a day on average.

    The level is that of the given law or of the bulk of these correlations themselves, whichever is higher: a
    template turned backwards does not match the phases of a hum across the channels, the template does.
    """
    out = []
    for name, row, time in zip(found.names, found.correlation, found.time, strict=True):
        noise = Wider((*_laws_of(laws[name]), *own(row, found.chunk_s)))
        level = threshold(noise, per_day)
        reach = max(found.chunk_s / 2, found.length_s)
        kept: list[int] = []
        for k in sorted(np.flatnonzero(row > level), key=lambda k: (-row[k], k)):
            if any(abs(time[j] - time[k]) < reach for j in kept):
                continue  # a signal resembles itself a little earlier and later
            kept.append(int(k))
            rate = noise.per_day(float(squeezed(row[k : k + 1])[0]))
            out.append(Match(template=name, time=float(time[k]), correlation=float(row[k]), level=level,
                             false_per_day=rate))  # fmt: skip
    return tuple(sorted(out, key=lambda m: (m.time, m.template)))


def _laws_of(noise: Law | Wider) -> tuple[Law | Tail, ...]:
    return noise.laws if isinstance(noise, Wider) else (noise,)


def less_hum(data: Panel, templates: Sequence[Template]) -> tuple[Panel, list[Template]]:
    """Data and templates less the steady lines of the data: what they share of these is no signal.

    The data are notched; of each channel of a template the sine and the cosine of each line are taken out by least
    squares, so that a steady line correlates with it at no phase.
    """
    hum = steady_lines(data.samples, data.rate_hz)
    if not hum:
        return data, list(templates)
    samples = notched(data.samples, data.rate_hz, hum)
    quiet = msgspec.structs.replace(data, samples=samples if data.live is None else samples * data.live)
    return quiet, [_without(t, hum) for t in templates]


def _without(template: Template, hum: Sequence[float]) -> Template:
    n = template.samples.shape[1]
    turn = 2 * np.pi * np.outer(np.arange(n) / template.rate_hz, hum)
    basis, size, _ = np.linalg.svd(np.concatenate([np.cos(turn), np.sin(turn)], axis=1), full_matrices=False)
    basis = basis[:, size > 1e-6 * size[0]]
    x = template.samples.astype(np.float64)
    return msgspec.structs.replace(template, samples=(x - x @ basis @ basis.T).astype(np.float32))


def repeats(
    data: Panel, templates: Sequence[Template], per_day: float = 1.0, statistic: Statistic = "array"
) -> tuple[Match, ...]:
    """What looks like the templates, less the data's hum; `per_day` false matches a day and template.

    The level comes from the same data: the templates turned backwards in time, and where these stand on their heads.
    Raises DetenteError as `correlate` does, and for less than fifty chunks.
    """
    data, templates = less_hum(data, templates)
    laws = noise_laws(correlate(data, [t.reversed() for t in templates], statistic))
    found = correlate(data, templates, statistic)
    heads = _on_their_heads(found, correlate(data, [t.flipped() for t in templates], statistic))
    both = {name: Wider((*laws[name].laws, tail)) for name, tail in zip(found.names, heads, strict=True)}
    return matches(found, both, per_day)


def _on_their_heads(found: Maxima, flipped: Maxima) -> list[Tail]:
    """The tails of the correlations with templates of the other sign where no greater one of the right sign is near.

    Noise has no sign, so these are as frequent as false alarms, spikes through the filter that made the template
    included; a repeat's own side lobes lie beside a greater peak.
    """
    from scipy.ndimage import maximum_filter1d

    reach = 2 * int(np.ceil(found.length_s / found.chunk_s)) + 1
    near = maximum_filter1d(found.correlation, reach, axis=1)
    return tails(squeezed(np.where(flipped.correlation > near, flipped.correlation, 0.0)), found.chunk_s)


def filtered(data: Panel, band_hz: tuple[float, float]) -> Panel:
    """The panel band-passed (Butterworth, order 4, causal), as templates and data must be alike."""
    from scipy.signal import sosfilt

    from detente.monitor.signals.filters import band_pass

    sections = band_pass(band_hz, data.rate_hz)
    rows = [
        sosfilt(sections, row.astype(np.float64) - float(row[0])).astype(np.float32) for row in data.samples
    ]
    return msgspec.structs.replace(data, samples=np.stack(rows))


def cut_template(
    data: Panel, name: str, start: float, length_s: float, *, reference: float | None = None
) -> Template:
    """A template from a filtered panel: the window from `start` (s UTC); `reference`: the event's time.

    Raises DetenteError where the panel does not hold the window.
    """
    piece = data.between(start, start + length_s)
    if piece.samples.shape[1] < round(length_s * data.rate_hz) - 1 or not piece.samples.any(axis=1).all():
        raise DetenteError(f"{data.station} has no complete data for template {name}")
    after = 0.0 if reference is None else piece.start_ns / NS - reference
    return Template(name, data.codes, data.rate_hz, piece.samples.copy(), after)


def keep(data: Panel, codes: Sequence[str]) -> Panel:
    """The panel's channels of these names only. Raises DetenteError where none is left."""
    rows = [k for k, code in enumerate(data.codes) if code in codes]
    if not rows:
        raise DetenteError(f"{data.station}: template and data share no channel")
    return msgspec.structs.replace(
        data,
        codes=tuple(data.codes[k] for k in rows),
        samples=data.samples[rows],
        late_s=data.late_s[rows],
        offsets_km=data.offsets_km[rows],
        live=None if data.live is None else data.live[rows],
    )
