"""Frequency-wavenumber analysis: where a signal comes from and how fast it crosses the array, with uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.errors import DetenteError
from detente.monitor.signals.filters import SETTLE_S, band_pass
from detente.monitor.signals.fk_errors import Part, errors
from detente.monitor.signals.fk_noise import noise_of, none
from detente.monitor.signals.fk_scan import Scan as Scan
from detente.monitor.signals.fk_scan import scan as scan
from detente.monitor.signals.fk_spectra import beam_power as beam_power
from detente.monitor.signals.fk_spectra import independent as independent
from detente.monitor.signals.fk_spectra import map_power as map_power
from detente.monitor.signals.fk_spectra import refine as refine
from detente.monitor.signals.fk_spectra import spectra as spectra
from detente.monitor.signals.gather import Panel, panel
from detente.monitor.waves.trace import Array, Trace

Float = NDArray[np.float64]
Group = NDArray[np.int64]

FILTERED_S = 60.0  # of what comes before a window goes through the filter with it


class Settings(msgspec.Struct, frozen=True):
    """What is scanned: `window_s` every `step_s`; `band_hz`; slownesses to `limit_s_km` on each axis by `grid_s_km`.

    `whiten`: every frequency weighs the same, whatever its power. `filtered`: one window's samples go through the
    band's filter first (`scan` takes them as they are): a taper of a few seconds leaks, and noise at 0.2 Hz, a
    thousand times the signal and as long as the array is small, comes through it as a wave of no slowness at all.
    """

    window_s: float = 4.0
    step_s: float = 2.0
    band_hz: tuple[float, float] = (1.0, 4.0)
    limit_s_km: float = 0.30
    grid_s_km: float = 0.01
    whiten: bool = False
    filtered: bool = True

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
    `map` (y, x): relative power at the slownesses `axis` from `centre` on, rows from south to north. `groups`: how
    many beams of parts of the array were summed by their power (1: one beam of all).
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
    centre: tuple[float, float] = (0.0, 0.0)
    groups: int = 1

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


def fk(
    traces: Iterable[Trace] | Panel,
    array: Array | None,
    start: float,
    end: float,
    settings: Settings = DEFAULT,
    *,
    method: Literal["bartlett", "capon"] = "bartlett",
    noise: tuple[float, float] | None = None,
    steer: tuple[float, float] = (0.0, 0.0),
    groups: Sequence[Group] | None = None,
) -> Fk:
    """The f-k map of one window, its peak refined between grid points, and the peak's uncertainty.

    Parameters: `traces` with their `array`, or a panel; `start`, `end` in s UTC; of `settings` the band, the
    grid, the whitening and the filter are used; `noise`: start and end of a stretch without signal, whose power then
    weighs the frequencies (the likelihood of a plane wave in that noise); `steer`: a slowness vector, s/km, along
    which each element's window is moved, and the middle of the map (where waves take as long as a window to cross);
    `groups`: numbers of the channels that are alike (of a panel); beams of each are summed by power, not one of all.
    Raises DetenteError for fewer than three elements or a window without data.
    Source: Bartlett: Kværna and Doornbos 1986; Capon: Capon 1969, Proc. IEEE 57, 1408; covariance: see `errors`;
    sums of parts' power: Ringdal, Husebye and Dahle 1975, in Exploitation of Seismograph Networks, NATO ASI 11.
    """
    if isinstance(traces, Panel):
        all_ = traces
    else:
        if array is None:
            raise DetenteError("an f-k analysis needs the array's sites")
        all_ = panel(traces, array)
    if any(steer):
        all_ = _steered(all_, steer)
    cut = all_.between(start, end)
    whole = _whole(cut)
    if whole.sum() < 3 or cut.samples.shape[1] < 8:
        raise DetenteError(
            f"{int(whole.sum())} elements of {all_.station} with data in the window",
            fix="an f-k analysis needs three",
        )
    if settings.filtered:
        all_ = _filtered(all_, start, end, noise, settings.band_hz)
        cut = all_.between(start, end)
    offsets = cut.offsets_km[whole] - cut.offsets_km[whole].mean(axis=0)
    X, frequency = spectra(cut.samples[whole], cut.rate_hz, settings.band_hz)
    X = X * np.exp(-2j * np.pi * frequency * cut.late_s[whole, None])
    if settings.whiten:
        X = X / np.maximum(np.sqrt((np.abs(X) ** 2).mean(axis=0)), 1e-300)
    n = cut.samples.shape[1]
    groups = [np.arange(len(X))] if groups is None else _present(groups, whole)
    if noise is None:
        known = [none(len(g), frequency.size) for g in groups]
    else:
        quiet = all_.between(*noise).samples[whole]
        known = noise_of(quiet, n, cut.rate_hz, settings.band_hz, cut.late_s[whole], groups)
    parts = [Part(X[g], offsets[g], w) for g, w in zip(groups, known, strict=True)]
    axis = settings.axis()
    energy = float(sum(p.noise.energy(p.X).sum() for p in parts))
    power = np.zeros((axis.size, axis.size))
    for p in parts:
        power += p.map(frequency, axis, np.full(frequency.size, 1 / energy))
    shown = power
    if method == "capon":
        from detente.monitor.signals.capon import capon_map

        shown = capon_map(cut.samples[whole], cut.rate_hz, settings, offsets, cut.late_s[whole])
    dx, dy = refine(axis, shown)
    at = np.array([dx]), np.array([dy])
    semblance = min(float(sum(p.power(frequency, *at).sum() for p in parts)) / energy, 1 - 1e-12)
    beam = float(sum(beam_power(p.X, frequency, p.offsets_km, *at)[0] / len(p.X) for p in parts))
    share = independent(n, cut.rate_hz, frequency)
    covariance = errors(parts, frequency, (dx, dy), share, axis, least=0.0 if noise is None else 1.0)
    return Fk(
        all_.station,
        cut.start,
        cut.start + n / cut.rate_hz,
        settings.band_hz,
        steer[0] + dx,
        steer[1] + dy,
        covariance,
        semblance,
        (len(X) - len(parts)) / len(parts) * semblance / (1 - semblance),
        beam / len(X),
        axis,
        shown,
        method,
        len(X),
        steer,
        len(parts),
    )


def _whole(data: Panel) -> NDArray[np.bool_]:
    """(channel,) which have samples throughout that are not all the same."""
    if not data.samples.shape[1]:
        return np.zeros(len(data.codes), bool)
    moves = np.ptp(data.samples, axis=1) > 0
    return np.asarray(moves if data.live is None else moves & data.live.all(axis=1))


def _present(groups: Sequence[Group], whole: NDArray[np.bool_]) -> list[Group]:
    """The groups in numbers of the channels that are whole."""
    number = np.cumsum(whole) - 1
    found = [number[g[whole[g]]] for g in groups]
    return [g for g in found if g.size]


def _steered(data: Panel, steer: tuple[float, float]) -> Panel:
    """Each channel read when the wave of slowness `steer` comes to it; what is left of its delay in `late_s`."""
    ahead = data.offsets_km @ np.array(steer)
    shift = np.rint((-ahead - data.late_s) * data.rate_hz).astype(np.int64)
    n = data.samples.shape[1]
    at = np.arange(n) + shift[:, None]
    inside = (at >= 0) & (at < n)
    at = np.clip(at, 0, n - 1)
    live = inside if data.live is None else inside & np.take_along_axis(data.live, at, axis=1)
    return msgspec.structs.replace(
        data,
        samples=np.where(inside, np.take_along_axis(data.samples, at, axis=1), np.float32(0.0)),
        late_s=data.late_s + shift / data.rate_hz + ahead,
        live=live,
    )


def _filtered(
    data: Panel, start: float, end: float, noise: tuple[float, float] | None, band_hz: tuple[float, float]
) -> Panel:
    """The window, the noise and what comes before them through the band's causal filter."""
    from scipy.signal import sosfilt

    first = start - FILTERED_S if noise is None else min(start, noise[0]) - SETTLE_S
    part = data.between(first, end)
    nyquist = 0.5 * data.rate_hz
    band = (band_hz[0], min(band_hz[1], 0.98 * nyquist))
    if not 0 < band[0] < band[1]:
        return data
    x = part.samples - part.samples[:, :1].astype(np.float64)
    return msgspec.structs.replace(
        part, samples=sosfilt(band_pass(band, data.rate_hz), x, axis=-1).astype(np.float32)
    )
