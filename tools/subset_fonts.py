"""Cut the Chinese glyphs that the briefing's catalogues use out of Noto Sans CJK (Debian: fonts-noto-cjk; OFL 1.1).

    python tools/subset_fonts.py /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc

Run it after a change of the Chinese catalogues; `tests/brief/test_fonts.py` says when it is needed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection, TTFont

from detente.brief.catalogue import LANGUAGES, messages
from detente.brief.lettering import CHINESE, NAMES, font_file

FACES = {"zh-Hans": "Noto Sans CJK SC", "zh-Hant": "Noto Sans CJK TC", "en": "Noto Sans CJK SC"}
LINKS = "".join(LANGUAGES.values())


def main(collection: Path) -> None:
    """Write one font a Chinese language, with the glyphs of its catalogue, and one with the languages' names."""
    for code, face in FACES.items():
        font = next(f for f in TTCollection(collection).fonts if f["name"].getDebugName(1) == face)
        words = [form for m in messages(code).values() for form in m.forms.values()]
        cut(font, LINKS + "".join(words), CHINESE.get(code, NAMES))
        font.save(font_file(code))
        print(font_file(code).name, font_file(code).stat().st_size, "bytes")


def cut(font: TTFont, text: str, family: str) -> None:
    """Leave the Chinese glyphs of a text in a font and give it a name of its own."""
    options = Options(
        layout_features=[], hinting=False, name_IDs=[0, 1, 2, 4, 6, 13, 14], notdef_outline=True
    )
    cutter = Subsetter(options)
    cutter.populate(text="".join(c for c in text if c > "\u2e80"))
    cutter.subset(font)
    for number, name in ((1, family), (4, family), (6, family.replace(" ", ""))):
        font["name"].setName(name, number, 3, 1, 0x409)
    font["name"].names = [n for n in font["name"].names if n.platformID == 3]
    font["CFF "].cff.fontNames = [family.replace(" ", "")]
    font["head"].created = font["head"].modified = 0
    font.recalcTimestamp = False


if __name__ == "__main__":
    main(Path(sys.argv[1]))
