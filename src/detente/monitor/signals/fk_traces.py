"""F-k in windows that move along: F, back-azimuth and slowness as traces of time, and the beam of the best window."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detente.drawing import canvas
from detente.errors import DetenteError
from detente.monitor.signals.beams import one_beam
from detente.monitor.signals.filters import band_pass
from detente.monitor.signals.fk import Fk, Settings, fk
from detente.monitor.signals.gather import Panel

MOST = 3600
CLEAR_DEG = 15.0


class FkTraces(msgspec.Struct, frozen=True, eq=False):
    """`windows` in order of time; `beam` (n,) steered to the one of the greatest F and filtered, `start`, `rate_hz`."""

    windows: tuple[Fk, ...]
    beam: NDArray[np.float32]
    start: float
    rate_hz: float

    @property
    def best(self) -> Fk:
        """The window of the greatest F."""
        return max(self.windows, key=lambda w: w.f_statistic)


def fk_traces(data: Panel, start: float, span_s: float, settings: Settings) -> FkTraces:
    """F-k of windows of `settings.window_s` every `settings.step_s` from `start` (s UTC) over `span_s`.

    Raises DetenteError where no window has three elements with data, or there would be more than an hour's worth.
    """
    from scipy.signal import sosfilt

    count = max(0, int((span_s - settings.window_s) / settings.step_s + 1 + 1e-9))
    if not 0 < count <= MOST:
        raise DetenteError(f"{count} windows", fix=f"ask for 1 to {MOST}: a longer step or a shorter span")
    windows = []
    for k in range(count):
        begin = start + k * settings.step_s
        try:
            windows.append(fk(data, None, begin, begin + settings.window_s, settings))
        except DetenteError:
            continue
    if not windows:
        raise DetenteError(f"no window with three elements of {data.station}")
    best = max(windows, key=lambda w: w.f_statistic)
    sos = band_pass(settings.band_hz, data.rate_hz, 3)
    part = data.between(start - 20.0, start + span_s)
    y = sosfilt(sos, one_beam(part, best.sx, best.sy).astype(np.float64))
    skip = max(0, round((start - part.start) * data.rate_hz))
    return FkTraces(
        tuple(windows), y[skip:].astype(np.float32), part.start + skip / data.rate_hz, data.rate_hz
    )


def traces_figure(seen: FkTraces) -> Any:
    """The beam above F, back-azimuth and slowness, each window at its middle; grey where no side is told."""
    from datetime import UTC, datetime

    best, zero = seen.best, seen.start
    t = np.array([(w.start + w.end) / 2 - zero for w in seen.windows])
    f = np.array([w.f_statistic for w in seen.windows])
    figure = canvas(8.0, 7.0)
    axes = figure.subplots(4, 1, sharex=True, height_ratios=(1.2, 1, 1, 1))
    axes[0].plot(np.arange(seen.beam.size) / seen.rate_hz, seen.beam, color="#222222", linewidth=0.5)
    axes[0].set_yticks([])
    when = datetime.fromtimestamp(zero, UTC).strftime("%Y-%m-%d %H:%M:%S")
    axes[0].set_title(
        f"{best.station} from {when} UTC, {best.band_hz[0]:g}-{best.band_hz[1]:g} Hz, {best.channels} sensors; beam to"
        f" {best.backazimuth_deg:.0f}°, {best.slowness_s_km:.3f} s/km",
        loc="left", fontsize=10, fontweight="bold",
    )  # fmt: skip
    axes[1].semilogy(t, f, "o-", color="#0072B2", markersize=3, linewidth=0.8)
    clear = np.array([w.backazimuth_sd_deg for w in seen.windows]) <= CLEAR_DEG
    rows = (
        (axes[2], [w.backazimuth_deg for w in seen.windows], [w.backazimuth_sd_deg for w in seen.windows]),
        (axes[3], [w.slowness_s_km for w in seen.windows], [w.slowness_sd_s_km for w in seen.windows]),
    )
    for ax, values, sds in rows:
        v, sd = np.array(values), np.array(sds)
        ax.plot(t[~clear], v[~clear], "o", mfc="none", mec="#999999", markersize=3)
        ax.errorbar(t[clear], v[clear], sd[clear], fmt="o", color="#D55E00", markersize=3.5, linewidth=0.8)
    axes[2].set_ylim(0, 360)
    axes[2].set_yticks([0, 90, 180, 270, 360])
    axes[3].set_ylim(0, 1.42 * best.axis[-1])
    for ax, name in zip(axes[1:], ("F", "back-azimuth, °", "slowness, s/km"), strict=True):
        ax.set_ylabel(name, fontsize=9)
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(labelsize=8)
    axes[3].set_xlabel(
        f"s; filled: back-azimuth known to {CLEAR_DEG:g}°, with one standard error; open grey: it is not",
        fontsize=9,
    )
    axes[3].set_xlim(0, seen.beam.size / seen.rate_hz)
    return figure
