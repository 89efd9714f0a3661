"""One look for every figure of the bulletin: colours, letters, and how places and amounts are written."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

# Okabe & Ito 2008, colour-blind safe; what differs by colour also differs by mark, line or place, for grey print
BLUE, ORANGE, GREEN, RED, GREY, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#999999", "#222222"
SKY, LIGHT = "#56B4E9", "#D9D9D9"
SMALL: Final = 8.0
VERDICT: Final[dict[str, tuple[str, str]]] = {
    "explosion-like": (RED, "*"),
    "earthquake-like": (GREEN, "o"),
    "not an explosion": (BLUE, "s"),
    "cannot be screened": (GREY, "D"),
}
"""The colour and the mark of each verdict."""


def style(axes: Any, title: str, *, pad: float = 6.0) -> None:
    """One look for all panels; `pad`: points between the title and the panel."""
    axes.set_title(title, loc="left", fontsize=10, fontweight="bold", pad=pad)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.label.set_fontsize(SMALL + 1)
    axes.yaxis.label.set_fontsize(SMALL + 1)


def nothing(axes: Any, title: str, why: str) -> None:
    """A panel that says why it is empty."""
    style(axes, title)
    axes.set_axis_off()
    words = "\n".join(textwrap.wrap(why, 40))
    axes.text(0.0, 0.93, words, fontsize=SMALL + 1, va="top", transform=axes.transAxes)


def kilotonnes(kt: float) -> str:
    """Two figures, no powers of ten: 0.00034, 7.8, 860, 12 000."""
    return f"{float(f'{kt:.2g}'):,.10g}".replace(",", " ")


def place_words(lat: float, lon: float, digits: int = 2) -> str:
    """41.29° N 129.00° E."""
    east = (lon + 180.0) % 360.0 - 180.0
    north_south, east_west = "S" if lat < 0 else "N", "W" if east < 0 else "E"
    return f"{abs(lat):.{digits}f}° {north_south} {abs(east):.{digits}f}° {east_west}"


def stamp(time: float, seconds: bool = False) -> str:
    """A time in s UTC since 1970 as 2016-09-09 00:30(:01) UTC."""
    form = "%Y-%m-%d %H:%M:%S UTC" if seconds else "%Y-%m-%d %H:%M UTC"
    return datetime.fromtimestamp(time, UTC).strftime(form)


def made_words(made: Mapping[str, str]) -> str:
    """How a bulletin was made, in a line: program, digests of settings and data, seed; what it tells."""
    told = [made.get("program", "detente")]
    told += [f"{k} {made[k][:12]}" for k in ("settings", "data", "seed") if made.get(k)]
    return ", ".join(told)
