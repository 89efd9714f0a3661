"""Maps of detection capability: magnitude in colour, tonnes beside it, coast lines, stations, test sites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from detente.drawing import canvas
from detente.errors import DetenteError
from detente.monitor.capability import CapabilityMap, Model
from detente.monitor.coast import CREDIT, rings
from detente.monitor.magnitude_yield import sites
from detente.monitor.tonnage import COUPLED, CREDIBLE_T, DECOUPLED, Coupling, tonnes

INK, STATION, TEST_SITE = "#222222", "#ffffff", "#D55E00"  # the last: Okabe and Ito 2008


def capability_figure(
    found: CapabilityMap,
    model: Model,
    *,
    k: int = 3,
    couplings: Sequence[Coupling] = (COUPLED, DECOUPLED),
    law: str = "semipalatinsk",
    title: str = "",
) -> Any:
    """A matplotlib figure of the magnitude that at least `k` stations detect, its colour bar also in tonnes.

    Raises DetenteError where no cell of the map is ever detected by k stations.
    """
    m = found.magnitude[k - 1]
    if not np.isfinite(m).any():
        raise DetenteError(f"{k} stations never detect here", fix="ask for fewer, or more of the network")
    west, east, south, north = _extent(found)
    wide = np.clip((east - west) / max(north - south, 1e-9), 0.8, 2.4)
    figure = canvas(4.6 * wide + 1.6, 5.6)
    axes = figure.add_subplot()
    step = 0.1 if np.nanmax(m) - np.nanmin(m) > 0.7 else 0.05
    first, last = int(np.floor(np.nanmin(m) / step)), int(np.ceil(np.nanmax(m) / step))
    levels = np.arange(first, max(last, first + 1) + 1) * step
    colours = axes.contourf(found.lon, found.lat, m, levels=levels, cmap="cividis")
    lines = axes.contour(found.lon, found.lat, m, levels=levels[::2], colors="w", linewidths=0.4)
    axes.clabel(lines, fmt="%.1f" if step == 0.1 else "%.2f", fontsize=8)
    _geography(axes, model, (west, east, south, north))
    axes.set_title(title or _title(found, k), fontsize=12, loc="left")
    bar = figure.colorbar(colours, ax=axes, shrink=0.9, pad=0.02)
    ticks = levels[:: max(1, round(len(levels) / 7))]
    _tonnes_axis(bar, ticks, couplings, law)
    figure.supxlabel(_credit(found, couplings, law), fontsize=7, x=0.01, ha="left", color=INK)
    return figure


def _extent(found: CapabilityMap) -> tuple[float, float, float, float]:
    dy = found.lat[1] - found.lat[0] if found.lat.size > 1 else 1.0
    return (
        float(found.lon[0] - dy / 2),
        float(found.lon[-1] + dy / 2),
        float(found.lat[0] - dy / 2),
        float(found.lat[-1] + dy / 2),
    )


def _geography(axes: Any, model: Model, extent: tuple[float, float, float, float]) -> None:
    west, east, south, north = extent
    for ring in rings():
        for turn in (-360.0, 0.0, 360.0):
            axes.plot(ring[:, 0] + turn, ring[:, 1], color=INK, linewidth=0.5)
    for kind, mark, size in (("array", "^", 34), ("3C", "o", 20)):
        places = [s for s in model.stations if s.kind == kind]
        axes.scatter(
            [s.lon for s in places],
            [s.lat for s in places],
            s=size,
            marker=mark,
            c=STATION,
            edgecolors=INK,
            linewidths=0.8,
            label={"array": "seismic array", "3C": "three-component station"}[kind],
            zorder=3,
        )
    tests = [s for s in sites().values() if s.id not in ("azgir", "astrakhan")]
    axes.scatter(
        [s.lon for s in tests], [s.lat for s in tests], s=60, marker="*", c=TEST_SITE, edgecolors="w",
        linewidths=0.5, label="nuclear test site", zorder=4,
    )  # fmt: skip
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(1 / max(0.3, np.cos(np.radians((south + north) / 2))) if east - west < 180 else 1.0)
    axes.set_xlabel("longitude, degrees")
    axes.set_ylabel("latitude, degrees")
    axes.legend(loc="lower left", fontsize=8, framealpha=0.9)


def _title(found: CapabilityMap, k: int) -> str:
    plural = "station" if k == 1 else "stations"
    return (
        f"Smallest magnitude that at least {k} {plural} of {len(found.stations)} detect"
        f" with {found.settings.probability:.0%} probability"
    )


def _tonnes_axis(bar: Any, ticks: Any, couplings: Sequence[Coupling], law: str) -> None:
    """The colour bar's ticks in tonnes, a line for each coupling: the range over the slope below 1 kt."""
    labels = []
    for tick in ticks:
        parts = [f"mb {tick:.2f}".removesuffix("0")]
        for coupling in couplings:
            low, high = (float(t) for t in tonnes(tick, coupling, law))
            short = "hidden: " if coupling.hides else ""
            amount = _amount(low) if high < 1.05 * low else f"{_amount(low)} to {_amount(high)}"
            beyond = coupling.hides and low > CREDIBLE_T  # nobody believes in such a cavity
            parts.append(short + ("over 10 kt" if beyond else amount))
        labels.append("\n".join(parts))
    bar.set_ticks(list(ticks), labels=labels, fontsize=8)


def _amount(tonnes_: float) -> str:
    value, unit = (tonnes_ / 1000, "kt") if tonnes_ >= 995 else (tonnes_, "t")
    return f"{float(f'{value:.2g}'):g} {unit}"


def _credit(found: CapabilityMap, couplings: Sequence[Coupling], law: str) -> str:
    hidden = "; ".join(f"hidden: {c.name}, not credible above 10 kt" for c in couplings if c.hides)
    return (
        "model: Veith and Clawson 1972 and, in Central Asia, Pn of Sereno et al.; noise by kind of site"
        f"; SNR {found.settings.snr:g}, scatter {found.settings.sd:.2f}.\ntonnes: law '{law}', slope"
        f" 0.75 to 1 below 1 kt; {hidden}. {CREDIT}"
    )
