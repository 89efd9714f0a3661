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
    """Smaller letters for a text or tick label that the new words make too long."""
    from matplotlib.text import Text

    figure.draw_without_rendering()
    boxes = {axes: axes.get_window_extent() for axes in figure.axes}
    edge = figure.bbox.width - 4
    for axes, box in ((None, figure.bbox), *boxes.items()):
        right = min([edge, *(b.x0 - 4 for b in boxes.values() if b.x0 >= box.x1)])
        for text in (t for t in (axes or figure).get_children() if isinstance(t, Text) and t.get_text()):
            at = text.get_window_extent()
            if at.x1 > right:
                _scale([text], max(0.7, (right - at.x0) / at.width))
    for axes in boxes:
        labels = [t for t in axes.get_xticklabels() if t.get_text()]
        wide = [t.get_window_extent() for t in labels]
        crowded = max(
            ((a.width + b.width) / (b.x0 + b.x1 - a.x0 - a.x1) for a, b in pairwise(wide)), default=0.0
        )
        if crowded > 0.95:
            _scale(labels, max(0.6, 0.92 / crowded))


def _scale(texts: list[Text], factor: float) -> None:
    for text in texts:
        text.set_fontsize(float(text.get_fontsize()) * factor)


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
    english = formatter.format_ticks

    def format_ticks(values: Any) -> list[str]:
        return [said(x, tongue) for x in english(values)]

    formatter.format_ticks = format_ticks
    return formatter


@cache
def _families(code: str) -> list[str]:
    if code not in CHINESE:
        return ["DejaVu Sans"]
    from matplotlib.font_manager import fontManager

    fontManager.addfont(font_file(code))
    return ["DejaVu Sans", CHINESE[code]]
