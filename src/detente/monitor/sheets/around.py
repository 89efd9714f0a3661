"""The map of an event: azimuthal equidistant about its epicentre, so that no pole or date line is a special case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from detente.monitor.bulletin.records import Event
from detente.monitor.coast import rings
from detente.monitor.event_location import destination
from detente.monitor.geo import KM_PER_DEG, distance_azimuth
from detente.monitor.magnitude_yield import sites
from detente.monitor.sheets.style import BLUE, GREY, INK, LIGHT, RED, SMALL, place_words, stamp, style

Float = NDArray[np.float64]

NAMED: Final = 16
"""More stations than these are drawn without their names, but for the nearest."""

_TELLING_KM: Final = (
    1000.0  # an ellipse larger than this holds so much that to name a site in it would mislead
)
_WIDE: Final = 1.9  # the ellipse's panel is so much wider than high


class Place(msgspec.Struct, frozen=True):
    """A station on the map, in degrees; `seen`: its picks belong to the event."""

    code: str
    lat: float
    lon: float
    seen: bool


def places_of(event: Event) -> tuple[Place, ...]:
    """Where the stations of an event's picks are, from its distances and azimuths alone."""
    found = {}
    for u in event.origin.used:
        lat, lon = destination(event.origin.lat, event.origin.lon, u.azimuth_deg, u.distance_deg)
        found[u.station] = Place(u.station, float(np.ravel(lat)[0]), float(np.ravel(lon)[0]), True)
    return tuple(found.values())


def project(lat0: float, lon0: float, lat: ArrayLike, lon: ArrayLike) -> tuple[Float, Float]:
    """Kilometres east and north of a centre: true distance and azimuth from it, on a sphere.

    Source: Snyder 1987, USGS Professional Paper 1395, eqs. 22-4, 22-5 and 25-2 (as an arctangent, sure near 0).
    """
    f0, f = np.radians(lat0), np.radians(np.asarray(lat, float))
    step = np.radians(np.asarray(lon, float) - lon0)
    east = np.cos(f) * np.sin(step)
    north = np.cos(f0) * np.sin(f) - np.sin(f0) * np.cos(f) * np.cos(step)
    along = np.sin(f0) * np.sin(f) + np.cos(f0) * np.cos(f) * np.cos(step)
    reach = np.hypot(east, north)
    km = np.degrees(np.arctan2(reach, along)) * KM_PER_DEG
    scale = np.divide(km, reach, out=np.full_like(reach, KM_PER_DEG), where=reach > 1e-12)
    return east * scale, north * scale


def draw_map(axes: Any, event: Event, places: Sequence[Place]) -> None:
    """Stations that gave picks (filled) and that did not (open) about the epicentre, with circles of distance."""
    o = event.origin
    x, y = project(o.lat, o.lon, [p.lat for p in places], [p.lon for p in places])
    far = np.hypot(x, y)
    reach = 1.15 * max(float(far.max(initial=0.0)), 3.0 * (o.semi_major_km or 0.0), 300.0)
    reach = min(reach, 20_100.0)
    style(
        axes, "Stations: filled gave picks, open did not" if any(not p.seen for p in places) else "Stations"
    )
    _land(axes, o.lat, o.lon, reach)
    for i, p in enumerate(places):
        axes.plot([0, x[i]], [0, y[i]], color=GREY, linewidth=0.4, zorder=2)
        axes.plot(
            x[i], y[i], "^", color=BLUE, markerfacecolor=BLUE if p.seen else "white", markersize=6.5, zorder=4
        )
    order = sorted(range(len(places)), key=lambda i: (not places[i].seen, far[i]))
    taken: list[tuple[float, float]] = [(0.0, 0.0)]
    for i in order[:NAMED]:
        if any(abs(x[i] - a) < 0.17 * reach and abs(y[i] - b) < 0.055 * reach for a, b in taken):
            continue  # a name over another tells neither
        taken.append((float(x[i]), float(y[i])))
        left = x[i] > 0.72 * reach
        axes.annotate(
            places[i].code, (x[i], y[i]), (-5 if left else 5, 2), textcoords="offset points", fontsize=SMALL,
            ha="right" if left else "left", zorder=6, path_effects=_halo(),
        )  # fmt: skip
    _circles(axes, reach, np.arctan2(x, y))
    axes.plot(0, 0, "*", color=RED, markersize=13, markeredgecolor="white", zorder=7)
    _frame(axes, reach)
    axes.set_xlabel("circles: distance in degrees (km)", fontsize=SMALL)


def draw_zoom(axes: Any, event: Event, others: Sequence[Event] = ()) -> None:
    """The error ellipse to scale, known test sites and the bulletin's other events about it."""
    o = event.origin
    if o.semi_major_km is None or o.semi_minor_km is None:
        style(axes, "Where")
        axes.set_axis_off()
        axes.text(
            0.0,
            0.9,
            "no error ellipse: too few readings",
            fontsize=SMALL + 1,
            va="top",
            transform=axes.transAxes,
        )
        return
    style(
        axes,
        f"{100 * o.confidence:.0f} % ellipse, {o.semi_major_km:.0f} × {o.semi_minor_km:.0f} km (semi-axes)",
    )
    reach = 1.5 * max(o.semi_major_km, 2.0)
    x, y = ellipse(o.semi_major_km, o.semi_minor_km, o.strike_deg or 0.0)
    axes.fill(x, y, color=RED, alpha=0.2, linewidth=0, zorder=2)
    axes.plot(x, y, color=RED, linewidth=1.3, zorder=3)
    _land(axes, o.lat, o.lon, 2.0 * reach)
    rows = 0
    near = _neighbours(event, others) if o.semi_major_km <= _TELLING_KM else []
    for name, mark, colour, dx, dy in sorted(near, key=lambda n: -n[4]):
        if abs(dx) < _WIDE * reach and abs(dy) < reach and rows < 6:
            axes.plot(
                dx,
                dy,
                mark,
                color=colour,
                markersize=7,
                markerfacecolor="none",
                markeredgewidth=1.4,
                zorder=7,
            )
            rows += 1  # names in a column at the side: near places would write over each other
            axes.annotate(name, (dx, dy), (0.99, 1.0 - 0.13 * rows), textcoords="axes fraction",
                          fontsize=SMALL, ha="right", zorder=6, path_effects=_halo(),
                          arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.6})  # fmt: skip
    axes.plot(0, 0, "*", color=RED, markersize=11, markeredgecolor="white", zorder=6)
    axes.set_aspect("equal", adjustable="box", anchor="W")
    axes.set_xlim(-_WIDE * reach, _WIDE * reach)
    axes.set_ylim(-reach, reach)
    axes.set_xlabel(f"km east of {place_words(o.lat, o.lon, 2)}")
    axes.set_ylabel("km north")


def ellipse(major_km: float, minor_km: float, strike_deg: float) -> tuple[Float, Float]:
    """Kilometres east and north of an ellipse's outline about its centre; strike clockwise from north."""
    t, a = np.linspace(0, 2 * np.pi, 121), np.radians(strike_deg)
    along, across = major_km * np.cos(t), minor_km * np.sin(t)
    return along * np.sin(a) + across * np.cos(a), along * np.cos(a) - across * np.sin(a)


def _neighbours(event: Event, others: Sequence[Event]) -> list[tuple[str, str, str, float, float]]:
    """Name, mark, colour, km east and km north of the known test sites and of the other events."""
    o = event.origin
    found = [(s.name, "s", INK, s.lat, s.lon) for s in sites().values()]
    found += [
        (stamp(e.origin.time, seconds=True)[11:19], "D", BLUE, e.origin.lat, e.origin.lon)
        for e in others
        if e.id != event.id
    ]
    made = []
    for name, mark, colour, lat, lon in found:
        x, y = project(o.lat, o.lon, lat, lon)
        made.append((name, mark, colour, float(x), float(y)))
    return made


def _land(axes: Any, lat: float, lon: float, reach: float) -> None:
    """Coast lines within reach; a line that leaps across the far side of the globe is cut."""
    for ring in rings():
        fine = _denser(ring)
        x, y = project(lat, lon, fine[:, 1], fine[:, 0])
        if float(np.hypot(x, y).min()) > 1.6 * reach:
            continue
        leap = np.hypot(np.diff(x), np.diff(y)) > 2000
        x, y = np.insert(x, np.flatnonzero(leap) + 1, np.nan), np.insert(y, np.flatnonzero(leap) + 1, np.nan)
        axes.plot(x, y, color=GREY, linewidth=0.7, zorder=1)


def _denser(ring: Float) -> Float:
    """A ring with a point every two degrees: a straight line on the plate is none here."""
    steps = np.maximum(1, np.ceil(np.abs(np.diff(ring, axis=0)).max(axis=1) / 2).astype(int))
    parts = [
        a + (b - a) * (np.arange(n) / n)[:, None] for a, b, n in zip(ring[:-1], ring[1:], steps, strict=True)
    ]
    return np.concatenate([*parts, ring[-1:]])


def _circles(axes: Any, reach: float, azimuths: Float) -> None:
    """Circles of distance, their names where the fewest stations are."""
    tries = np.radians([180, 150, 210, 30, 330])  # a name towards the side would leave the frame
    gap = [np.abs((azimuths - a + np.pi) % (2 * np.pi) - np.pi).min(initial=np.pi) for a in tries]
    free = float(tries[int(np.argmax(gap))])
    step = next((s for s in (1, 2, 5, 10, 20, 30, 45, 60) if reach / (s * KM_PER_DEG) <= 4), 60)
    t = np.linspace(0, 2 * np.pi, 181)
    for n in range(1, 6):
        km = n * step * KM_PER_DEG
        if km > 1.02 * reach or n * step > 180:
            break
        axes.plot(km * np.sin(t), km * np.cos(t), color=LIGHT, linewidth=0.8, zorder=0)
        words = f"{n * step}° ({km:,.0f})".replace(",", " ")
        axes.text(km * np.sin(free), km * np.cos(free), words, fontsize=SMALL - 1, color=INK, ha="center", va="center",
                  zorder=5, path_effects=_halo(), clip_on=True)  # fmt: skip


def _frame(axes: Any, reach: float) -> None:
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlim(-reach, reach)
    axes.set_ylim(-reach, reach)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right"]].set_visible(True)
    for at, name in ((0.5, "N"),):
        axes.text(at, 0.985, name, fontsize=SMALL, ha="center", va="top", transform=axes.transAxes, zorder=8)


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2, foreground="white")]


def near_site(lat: float, lon: float, within_km: float) -> str:
    """The name of the known test site within some kilometres, or nothing."""
    found = []
    for s in sites().values():
        degrees, _, _ = distance_azimuth(lat, lon, s.lat, s.lon)
        found.append((float(degrees) * KM_PER_DEG, s.name))
    km, name = min(found)
    return name if km <= within_km else ""
