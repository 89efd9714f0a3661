"""Letters: a figure's words in another language, and glyphs for Chinese where the machine may have none."""

from __future__ import annotations

import base64
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.brief.tongue import Tongue, plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

FONTS = Path(__file__).parent / "fonts"
YEAR = re.compile(r"\d{4}")  # the house parts the thousands of every other number
CHINESE = {"zh-Hans": "Detente Sans SC", "zh-Hant": "Detente Sans TC"}  # subsets of Noto Sans CJK
NAMES = "Detente Sans Names"  # the names of the Chinese languages, for the links of the other pages


def font_file(code: str) -> Path:
    """The file of the Chinese glyphs that a language's page uses: for others, those of the languages' names."""
    return FONTS / f"{CHINESE.get(code, NAMES).replace(' ', '')}.otf"


def font_css(code: str) -> str:
    """The page's last resort for Chinese, inside the page."""
    family = CHINESE.get(code, NAMES)
    data = base64.b64encode(font_file(code).read_bytes()).decode()
    return (
        f'@font-face {{ font-family: "{family}"; src: url(data:font/otf;base64,{data}) format("opentype"); }}'
    )


def lettered(figure: Figure, tongue: Tongue) -> Figure:
    """The figure with every English word said by the tongue, laid out anew."""
    if tongue.code == "en":
        return figure
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    families = _families(tongue.code)
    for axes in figure.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_saying(axis.get_major_formatter(), tongue))
            axis.set_tick_params(which="both", labelfontfamily=families)
    for text in figure.findobj(Text):
        if text.get_text().strip():
            text.set_text(said(text.get_text(), tongue))
        text.set_fontfamily(families)
        if tongue.code in CHINESE:
            text.set_fontweight("normal")  # the subset has one weight
    _fit(figure)
    figure.set_layout_engine("none")  # it is settled: to find it again would take as long as to draw
    return figure


def _fit(figure: Figure) -> None:
    """Smaller letters for a title, note or tick label that the new words make too long."""
    figure.draw_without_rendering()
    right = figure.bbox.width - 4
    lefts = [a.get_position().x0 * figure.bbox.width for a in figure.axes]
    titles = [(a.title, a) for a in figure.axes] + [(a._left_title, a) for a in figure.axes]
    notes = [t for t in (*figure.texts, figure._suptitle) if t is not None]
    for text, axes in [*titles, *((t, None) for t in notes)]:
        start = 0.0 if axes is None else axes.get_position().x0 * figure.bbox.width
        level = [] if axes is None else [x for x in lefts if x > start + 40]
        box, limit = text.get_window_extent(), min([right, *(x - 4 for x in level)])
        if text.get_text() and box.x1 > limit:
            text.set_fontsize(text.get_fontsize() * max(0.7, (limit - box.x0) / box.width))
    for axes in figure.axes:
        _fit_ticks([t for t in axes.get_xticklabels() if t.get_text()])


def _fit_ticks(labels: list[Text]) -> None:
    boxes = [t.get_window_extent() for t in labels]
    crowded = max(
        ((a.width + b.width) / 2 / (b.x0 + b.width / 2 - a.x0 - a.width / 2) for a, b in pairwise(boxes)),
        default=0,
    )
    for t in labels if crowded > 0.95 else ():
        t.set_fontsize(t.get_fontsize() * max(0.6, 0.92 / crowded))


def said(text: str, tongue: Tongue) -> str:
    """A text of a figure in the tongue's language, line by line; formulas stay."""
    if "$" in text:
        return text
    lines = (_line(line, tongue) for line in text.split("\n"))
    return "\n".join(lines)


def _line(line: str, tongue: Tongue) -> str:
    if YEAR.fullmatch(line):
        return line
    return plain(tongue.hear(line))


def _saying(formatter: Any, tongue: Tongue) -> Any:
    """A tick formatter whose labels the tongue says."""
    plain = formatter.format_ticks

    def format_ticks(values: Any) -> list[str]:
        return [said(x, tongue) for x in plain(values)]

    formatter.format_ticks = format_ticks
    return formatter


@cache
def _families(code: str) -> list[str]:
    if code not in CHINESE:
        return ["DejaVu Sans"]
    from matplotlib.font_manager import fontManager

    fontManager.addfont(font_file(code))
    return ["DejaVu Sans", CHINESE[code]]
