"""Frequency-wavenumber analysis: where a signal comes from and how fast it crosses the array, with uncertainty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.gather import Panel, panel
from detente.monitor.waves.trace import Array, Trace

Float = NDArray[np.float64]
Complex = NDArray[np.complex128]
Float32 = NDArray[np.float32]

TAPER = 0.22  # share of the window under the cosine, as in obspy and the historical bbfk


class Settings(msgspec.Struct, frozen=True):
    """What is scanned: `window_s` every `step_s`; `band_hz`; slownesses to `limit_s_km` on each axis by `grid_s_km`.

    `whiten`: every frequency weighs the same, whatever its power.
    """

    window_s: float = 4.0
    step_s: float = 2.0
    band_hz: tuple[float, float] = (1.0, 4.0)
    limit_s_km: float = 0.30
    grid_s_km: float = 0.01
    whiten: bool = False

    def axis(self) -> Float:
        """Slownesses of one side of the map, s/km, from -limit to limit with 0 among them."""
        n = round(self.limit_s_km / self.grid_s_km)
        if n < 1:
            raise DetenteError(f"{self.grid_s_km:g} s/km is no grid to {self.limit_s_km:g} s/km")
        return np.asarray(np.arange(-n, n + 1) * self.grid_s_km, np.float64)


DEFAULT = Settings()


class Fk(msgspec.Struct, frozen=True, eq=False):
    """One window's answer. Slowness points to the source: east `sx`, north `sy`, s/km.

    `covariance` (2, 2) of (sx, sy); `semblance` of the peak, 0 to 1; `f_statistic` (n-1) S / (1 - S);
    `map` (y, x): relative power at the slownesses `axis`, rows from south to north.
    """

    station: str
    start: float
    end: float
    band_hz: tuple[float, float]
    sx: float
    sy: float
    covariance: Float
    semblance: float
    f_statistic: float
    power: float
    axis: Float
    map: Float
    method: str = "bartlett"
    channels: int = 0

    @property
    def slowness_s_km(self) -> float:
        """Apparent horizontal slowness, s/km."""
        return float(np.hypot(self.sx, self.sy))

    @property
    def backazimuth_deg(self) -> float:
        """Towards the source, degrees clockwise from north, 0 to 360."""
        return float(np.degrees(np.arctan2(self.sx, self.sy)) % 360.0)

    @property
    def slowness_sd_s_km(self) -> float:
        """Standard error of the slowness along the back-azimuth, s/km."""
        return polar_sd(self.sx, self.sy, self.covariance)[0]

    @property
    def backazimuth_sd_deg(self) -> float:
        """Standard error of the back-azimuth, degrees, at most that of a direction nobody knows (104)."""
        return polar_sd(self.sx, self.sy, self.covariance)[1]


UNKNOWN_DEG = float(np.degrees(np.pi / np.sqrt(3)))  # standard deviation of an even direction


def polar_sd(sx: float, sy: float, covariance: Float) -> tuple[float, float]:
    """Standard errors (slowness in s/km, back-azimuth in degrees) of a slowness vector with `covariance`."""
    s = max(float(np.hypot(sx, sy)), 1e-9)
    radial, across = np.array([sx, sy]) / s, np.array([sy, -sx]) / s
    sd_s = float(np.sqrt(radial @ covariance @ radial))
    sd_a = float(np.degrees(np.sqrt(across @ covariance @ across) / s))
    return sd_s, min(sd_a, UNKNOWN_DEG)


def bins(rate_hz: float, window: int, band_hz: tuple[float, float]) -> tuple[int, int, int]:
    """Transform length, first and last bin: the next power of two, and the bins nearest to the band's edges.

    Source: as obspy.signal.array_analysis.array_processing has it, so that results compare window by window.
    """
    size = 1 << (window - 1).bit_length()
    width = rate_hz / size
    low, high = int(band_hz[0] / width + 0.5), int(band_hz[1] / width + 0.5)
    low, high = max(1, low), min(size // 2 - 1, high)
    if high < low or band_hz[0] <= 0:
        raise DetenteError(f"no frequency between {band_hz[0]:g} and {band_hz[1]:g} Hz at {rate_hz:g} Hz")
    return size, low, high


def taper(n: int) -> Float:
    """(n,) cosine taper over TAPER / 2 of the window at either end, 0 at the first and last sample."""
    k = int(n * TAPER / 2 + 0.5)
    w = np.ones(n)
    ramp = 0.5 * (1 - np.cos(np.pi * np.arange(k) / max(k - 1, 1)))
    w[:k], w[n - k :] = ramp, ramp[::-1]
    return w


def spectra(
    block: NDArray[np.floating], rate_hz: float, band_hz: tuple[float, float]
) -> tuple[Complex, Float]:
    """Spectra (..., f) and frequencies (f,) of windows (..., n): mean removed, tapered, zero-padded."""
    n = block.shape[-1]
    size, low, high = bins(rate_hz, n, band_hz)
    data = block - block.mean(axis=-1, keepdims=True, dtype=np.float64)
    found = np.fft.rfft(data * taper(n), size)[..., low : high + 1]
    return found, np.arange(low, high + 1) * rate_hz / size


def beam_power(X: Complex, frequency: Float, offsets_km: Float, sx: Float, sy: Float) -> Float:
    """Power of the beams of spectra (..., channel, f) at slownesses (k,): (..., k), the obvious way."""
    delay = offsets_km @ np.array([sx, sy])  # (channel, k): earlier by this much than at the phase centre
    total = np.zeros((*X.shape[:-2], sx.size))
    for f, hz in enumerate(frequency):
        total += np.abs(X[..., f] @ np.exp(-2j * np.pi * hz * delay)) ** 2
    return total


def map_power(X: Complex, frequency: Float, offsets_km: Float, axis: Float) -> Float:
    """(y, x) the same over a square grid: the phases are products of one factor for each side."""
    total = np.zeros((axis.size, axis.size))
    for f, hz in enumerate(frequency):
        turn = np.exp(-2j * np.pi * hz * axis[:, None, None] * offsets_km)  # (axis, channel, east or north)
        beam = (turn[:, :, 1] * X[:, f]) @ turn[:, :, 0].T
        total += beam.real**2 + beam.imag**2
    return total


def fk(
    traces: Iterable[Trace] | Panel,
    array: Array | None,
    start: float,
    end: float,
    settings: Settings = DEFAULT,
    *,
    method: Literal["bartlett", "capon"] = "bartlett",
    noise: tuple[float, float] | None = None,
) -> Fk:
    """The f-k map of one window, its peak refined between grid points, and the peak's uncertainty.

    Parameters: `traces` with their `array`, or a panel; `start`, `end` in s UTC; of `settings` the band, the
    grid and the whitening are used; `noise`: start and end of a stretch without signal, whose power then weighs
    the frequencies (the likelihood of a plane wave in that noise).
    Raises DetenteError for fewer than three elements or a window without data.
    Source: Bartlett: Kværna and Doornbos 1986; Capon: Capon 1969, Proc. IEEE 57, 1408; covariance: see `errors`.
    """
    if isinstance(traces, Panel):
        all_ = traces
    else:
        if array is None:
            raise DetenteError("an f-k analysis needs the array's sites")
        all_ = panel(traces, array)
    cut = all_.between(start, end)
    whole = _whole(cut)
    if whole.sum() < 3 or cut.samples.shape[1] < 8:
        raise DetenteError(
            f"{int(whole.sum())} elements of {all_.station} with data in the window",
            fix="an f-k analysis needs three",
        )
    offsets = cut.offsets_km[whole] - cut.offsets_km[whole].mean(axis=0)
    X, frequency = spectra(cut.samples[whole], cut.rate_hz, settings.band_hz)
    X = X * np.exp(-2j * np.pi * frequency * cut.late_s[whole, None])
    if settings.whiten:
        X = X / np.maximum(np.sqrt((np.abs(X) ** 2).mean(axis=0)), 1e-300)
    if noise is not None:
        X = X / _noise_level(all_, whole, noise, cut.samples.shape[1], settings.band_hz)
    axis = settings.axis()
    norm = len(X) * float((np.abs(X) ** 2).sum())
    power = map_power(X, frequency, offsets, axis) / norm
    shown = power
    if method == "capon":
        from detente.monitor.signals.capon import capon_map

        shown = capon_map(cut.samples[whole], cut.rate_hz, settings, offsets, cut.late_s[whole])
    sx, sy = refine(axis, shown)
    peak = float(beam_power(X, frequency, offsets, np.array([sx]), np.array([sy]))[0])
    semblance = min(peak / norm, 1 - 1e-12)
    n = cut.samples.shape[1]
    share = independent(n, cut.rate_hz, frequency)
    covariance = errors(X, frequency, offsets, (sx, sy), share, axis)
    return Fk(
        all_.station,
        cut.start,
        cut.start + n / cut.rate_hz,
        settings.band_hz,
        sx,
        sy,
        covariance,
        semblance,
        (len(X) - 1) * semblance / (1 - semblance),
        peak / len(X) ** 2,
        axis,
        shown,
        method,
        len(X),
    )


def _whole(data: Panel) -> NDArray[np.bool_]:
    """(channel,) which have samples throughout that are not all the same."""
    if not data.samples.shape[1]:
        return np.zeros(len(data.codes), bool)
    moves = np.ptp(data.samples, axis=1) > 0
    return np.asarray(moves if data.live is None else moves & data.live.all(axis=1))


def refine(axis: Float, power: Float) -> tuple[float, float]:
    """The peak of a map between its grid points: the paraboloid through the nine points about the greatest."""
    j, i = np.unravel_index(int(power.argmax()), power.shape)
    if not (0 < i < axis.size - 1 and 0 < j < axis.size - 1):
        return float(axis[i]), float(axis[j])
    p = power[j - 1 : j + 2, i - 1 : i + 2]
    gx, gy = (p[1, 2] - p[1, 0]) / 2, (p[2, 1] - p[0, 1]) / 2
    xx, yy = p[1, 2] - 2 * p[1, 1] + p[1, 0], p[2, 1] - 2 * p[1, 1] + p[0, 1]
    xy = (p[2, 2] - p[2, 0] - p[0, 2] + p[0, 0]) / 4
    det = xx * yy - xy * xy
    step = axis[1] - axis[0]
    if det <= 0 or xx >= 0:
        return float(axis[i]), float(axis[j])
    dx, dy = (xy * gy - yy * gx) / det, (xy * gx - xx * gy) / det
    return float(axis[i] + step * np.clip(dx, -1, 1)), float(axis[j] + step * np.clip(dy, -1, 1))


def independent(n: int, rate_hz: float, frequency: Float) -> float:
    """How many independent bins one of these stands for: the window is tapered, then padded with zeros."""
    w = taper(n)
    length = (w**2).sum() ** 2 / (w**4).sum() / rate_hz
    width = frequency[1] - frequency[0] if frequency.size > 1 else rate_hz / n
    return float(min(1.0, width * length))


def errors(
    X: Complex, frequency: Float, offsets_km: Float, peak: tuple[float, float], share: float, axis: Float
) -> Float:
    """Covariance (2, 2) of the slowness vector, signal and noise taken as found in the window.

    The Cramér-Rao bound, J = share * sum over f of 2 |A|^2 / sigma^2 * (2 pi f)^2 * sum over channels of r r', with A
    the beam and sigma^2 what the beam leaves (n-1 degrees of freedom), both smoothed over five bins; but where the
    likelihood exp(share * sum |sum X e|^2 / (n sigma^2)) spreads further over the map (side lobes, weak signals), its
    second moment about the peak. `share`: see `independent`.
    Source: plane wave of unknown waveform in Gaussian noise, independent at all sensors: Kay 1993, Fundamentals of
    Statistical Signal Processing I, section 15.7; Harris 1990, LLNL.
    """
    n = len(X)
    spread = offsets_km.T @ offsets_km
    if np.linalg.matrix_rank(spread) < 2:
        raise DetenteError("the elements lie on one line: an f-k analysis needs a plane of them")
    aligned = X * np.exp(-2j * np.pi * frequency * (offsets_km @ np.array(peak))[:, None])
    beam = aligned.mean(axis=0)
    left = (np.abs(aligned - beam) ** 2).sum(axis=0) / (n - 1)
    smooth = np.ones(min(5, frequency.size)) / min(5, frequency.size)
    ends = np.convolve(np.ones(frequency.size), smooth, "same")
    noise = np.maximum(np.convolve(left, smooth, "same") / ends, 1e-300)
    signal = np.maximum(np.convolve(np.abs(beam) ** 2, smooth, "same") / ends - noise / n, 0.0)
    weight = share * float((2 * signal / noise * (2 * np.pi * frequency) ** 2).sum())
    bound = np.linalg.inv(weight * spread + np.eye(2) / (4 * axis[-1] ** 2))
    loglike = share * map_power(X / np.sqrt(noise), frequency, offsets_km, axis) / n
    mass = np.exp(loglike - loglike.max())
    mass /= mass.sum()
    dx, dy = axis - peak[0], axis - peak[1]
    across, along = mass.sum(axis=0), mass.sum(axis=1)
    xy = float(dy @ mass @ dx)
    moment = np.array([[across @ dx**2, xy], [xy, along @ dy**2]])
    return np.asarray(moment if np.trace(moment) > np.trace(bound) + (axis[1] - axis[0]) ** 2 else bound)


def _noise_level(
    data: Panel, whole: NDArray[np.bool_], noise: tuple[float, float], n: int, band_hz: tuple[float, float]
) -> Float:
    """(f,) root of the noise power by frequency, the mean over channels and half-overlapping windows."""
    quiet = data.between(*noise).samples[whole]
    if quiet.shape[1] < 2 * n:
        return np.asarray(1.0)
    frames = np.lib.stride_tricks.sliding_window_view(quiet, n, axis=1)[:, :: max(1, n // 2)]
    power = (np.abs(spectra(frames, data.rate_hz, band_hz)[0]) ** 2).mean(axis=(0, 1))
    return np.asarray(np.sqrt(np.maximum(power, 1e-6 * power.max() + 1e-300)))


class Scan(msgspec.Struct, frozen=True, eq=False):
    """An f-k peak for every window: `start` (window,) in s UTC, `sx`, `sy` in s/km, `semblance` (window,)."""

    start: Float
    sx: Float
    sy: Float
    semblance: Float


def scan(data: Panel, settings: Settings = DEFAULT, *, check: float = 4e-6) -> Scan:
    """The greatest point of the f-k map of every window of a panel; exact: every grid point is evaluated.

    In single precision; windows whose two greatest points lie within `check` of each other are done again in double.
    Raises DetenteError for fewer than three elements or a panel shorter than a window.
    """
    from detente.monitor.signals import _fk_kernel as kernel

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
