"""Figures of station processing: the f-k map as a polar plot."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from detente.drawing import canvas
from detente.monitor.signals.fk import Fk


def fk_panel(axes: Any, seen: Fk, *, predicted: tuple[float, float] | None = None, size: float = 9.0) -> Any:
    """Draw the map into polar axes: angle the back-azimuth, radius the slowness (s/km); gives the colour mesh.

    A cross marks the peak with its 90 % ellipse, a ring a `predicted` (back-azimuth in degrees, slowness).
    """
    axis = seen.axis
    limit = float(axis[-1])
    angle, radius = np.radians(np.arange(0, 361, 2.0)), np.linspace(0, limit, 61)
    a, r = np.meshgrid(angle, radius)
    shown = _bilinear(seen.map, axis, r * np.sin(a), r * np.cos(a))
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    mesh = axes.pcolormesh(a, r, shown, cmap="viridis", shading="gouraud", rasterized=True)
    axes.grid(color="white", linewidth=0.4, alpha=0.6)
    axes.set_rlim(0, limit)
    axes.set_rticks(np.linspace(limit / 3, limit, 3))
    axes.set_yticklabels([f"{v:.2g}" for v in np.linspace(limit / 3, limit, 3)], color="white", fontsize=size)
    axes.tick_params(axis="x", labelsize=size)
    values, vectors = np.linalg.eigh(seen.covariance * 4.605)
    turn = np.linspace(0, 2 * np.pi, 73)
    ring = np.array([seen.sx, seen.sy])[:, None] + vectors @ (
        np.sqrt(np.maximum(values, 0))[:, None] * np.array([np.cos(turn), np.sin(turn)])
    )
    axes.plot(np.arctan2(ring[0], ring[1]), np.hypot(*ring), color="#E69F00", linewidth=1.2)
    axes.plot(np.arctan2(seen.sx, seen.sy), seen.slowness_s_km, "+", color="#D55E00", markersize=11, mew=1.8)
    if predicted is not None:
        axes.plot(
            np.radians(predicted[0]), predicted[1], "o", mfc="none", mec="white", markersize=11, mew=1.4
        )
    return mesh


def fk_figure(seen: Fk, *, predicted: tuple[float, float] | None = None) -> Any:
    """The f-k map of one window on a page of its own, with what was read from it."""
    figure = canvas(6.4, 6.2)
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    mesh = fk_panel(axes, seen, predicted=predicted, size=12.0)
    bar = figure.colorbar(mesh, ax=axes, shrink=0.75, pad=0.1)
    bar.set_label("relative beam power", fontsize=12)
    bar.ax.tick_params(labelsize=11)
    when = datetime.fromtimestamp(seen.start, UTC).strftime("%Y-%m-%d %H:%M:%S")
    axes.set_title(
        f"{seen.station}  {when} UTC  {seen.end - seen.start:.1f} s  {seen.band_hz[0]:g}-{seen.band_hz[1]:g} Hz",
        fontsize=13, pad=16,
    )  # fmt: skip
    text = (
        f"back-azimuth {seen.backazimuth_deg:.1f} ± {seen.backazimuth_sd_deg:.1f}°,"
        f"  slowness {seen.slowness_s_km:.4f} ± {seen.slowness_sd_s_km:.4f} s/km\n"
        f"semblance {seen.semblance:.2f},  F {seen.f_statistic:.1f},  {seen.channels} sensors,  {seen.method}\n"
        "radius: slowness in s/km,  + peak with 90 % ellipse" + (",  o predicted" if predicted else "")
    )
    figure.supxlabel(text, fontsize=10.5)
    return figure


def _bilinear(table: Any, axis: Any, x: Any, y: Any) -> Any:
    """Values of the (y, x) table between its nodes."""
    step = axis[1] - axis[0]
    i = np.clip((x - axis[0]) / step, 0, axis.size - 1.000001)
    j = np.clip((y - axis[0]) / step, 0, axis.size - 1.000001)
    a, b = i.astype(int), j.astype(int)
    u, v = i - a, j - b
    top = table[b, a] * (1 - u) + table[b, a + 1] * u
    low = table[b + 1, a] * (1 - u) + table[b + 1, a + 1] * u
    return top * (1 - v) + low * v
