"""Letters: a figure's words in another language, and glyphs for Chinese where the machine may have none."""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from detente.brief.tongue import FOREIGN, HOME, Tongue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FONTS = Path(__file__).parent / "fonts"
YEAR = re.compile(r"\d{4}")  # the house parts the thousands of every other number
CHINESE = {"zh-Hans": "Detente Sans SC", "zh-Hant": "Detente Sans TC"}  # subsets of Noto Sans CJK


def font_file(code: str) -> Path:
    """The file of the Chinese glyphs that a language's catalogue and pages use."""
    return FONTS / f"{CHINESE[code].replace(' ', '')}.otf"


def font_css(code: str) -> str:
    """The page's last resort for Chinese: the glyphs of its catalogue, inside the page."""
    if code not in CHINESE:
        return ""
    data = base64.b64encode(font_file(code).read_bytes()).decode()
    return (
        f'@font-face {{ font-family: "{CHINESE[code]}"; src: url(data:font/otf;base64,{data}) format("opentype"); }}'
    )


def lettered(figure: Figure, tongue: Tongue) -> Figure:
    """The figure with every English word said by the tongue; its layout is settled anew when it is drawn."""
    if tongue.code == "en":
        return figure
    from matplotlib.text import Text

    figure.draw_without_rendering()  # tick labels exist from here on
    families = _families(tongue.code)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(_saying(axis.get_major_formatter(), tongue))
            axis.set_tick_params(which="both", labelfontfamily=families)
    for text in figure.findobj(Text):
        if text.get_text().strip():
            text.set_text(said(text.get_text(), tongue))
        text.set_fontfamily(families)
        if tongue.code in CHINESE:
            text.set_fontweight("normal")  # the subset has one weight
    return figure


def said(text: str, tongue: Tongue) -> str:
    """A text of a figure in the tongue's language, line by line; formulas stay."""
    if "$" in text:
        return text
    lines = (_line(line, tongue) for line in text.split("\n"))
    return "\n".join(lines)


def _line(line: str, tongue: Tongue) -> str:
    if YEAR.fullmatch(line):
        return line
    return tongue.hear(line).replace(FOREIGN, "").replace(HOME, "")


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
