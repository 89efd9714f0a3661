"""Glyphs: every character has one, in the figures, on the page, and on a machine that has no Chinese font."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fontTools.ttLib import TTCollection, TTFont

from detente.brief.catalogue import LANGUAGES, messages
from detente.brief.lettering import CHINESE, NAMES, font_file

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
browsing = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: chromium)")
INVISIBLE = set(" \n\t\u00a0\u202f\u200b")

# Every element with words of its own, and those words.
WORDS = """() => [...document.querySelectorAll('body *')].map((e, i) => {
  e.setAttribute('data-nr', i);
  const own = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('');
  const shown = e.checkVisibility ? e.checkVisibility() : true;
  return [i, shown ? own : ''];
}).filter(x => x[1].trim())"""


@pytest.mark.parametrize("code", CHINESE)
def test_the_font_in_the_package_has_every_chinese_character_of_its_catalogue(code: str) -> None:
    text = "".join(form for m in messages(code).values() for form in m.forms.values())
    missing = {c for c in text if c > "\u2e80"} - {chr(c) for c in TTFont(font_file(code)).getBestCmap()}
    assert missing == set(), "run tools/subset_fonts.py"


def test_no_figure_lacks_a_glyph(pages: tuple[Path, list[str]]) -> None:
    _, warned = pages
    assert [w for w in warned if "missing from" in w or "findfont" in w] == []


@browsing
@pytest.mark.parametrize("code", LANGUAGES)
def test_every_character_on_the_page_comes_from_a_font_that_has_it(
    code: str, pages: tuple[Path, list[str]], tmp_path: Path
) -> None:
    used = fonts_used(file_of(pages[0], code), {})
    assert len(used) > 20
    assert lacking(used, code) == {}


@browsing
@pytest.mark.parametrize("code", LANGUAGES)
def test_a_machine_without_chinese_fonts_uses_the_one_in_the_page(
    code: str, pages: tuple[Path, list[str]], tmp_path: Path
) -> None:
    latin = Path("/usr/share/fonts/truetype/dejavu")
    if not latin.is_dir():
        pytest.skip("no DejaVu fonts on this machine (Debian: fonts-dejavu)")
    bare = tmp_path / "fonts.conf"
    bare.write_text(
        f"<?xml version='1.0'?><fontconfig><dir>{latin}</dir><cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    used = fonts_used(file_of(pages[0], code), {"FONTCONFIG_FILE": str(bare)})
    assert lacking(used, code) == {}
    chinese = [fonts for text, fonts in used if any(c > "\u2e80" for c in text)]
    assert chinese and all(CHINESE.get(code, NAMES) in fonts for fonts in chinese)


def file_of(folder: Path, code: str) -> Path:
    return folder / ("index.html" if code == "en" else f"index.{code}.html")


def fonts_used(page_file: Path, environment: dict[str, str]) -> list[tuple[str, frozenset[str]]]:
    """The words of each visible element of a page, with the families of the fonts they were drawn in."""
    sync_api = pytest.importorskip("playwright.sync_api")
    import os

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu"],
            env={**os.environ, **environment},
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        page.evaluate(
            "() => Promise.all([...document.fonts].map(f => f.load())).then(() => document.fonts.size)"
        )
        page.screenshot()  # drawn once with every font at hand
        found = list(_families(page, page.evaluate(WORDS)))
        browser.close()
    return found


def _families(page: Any, words: list[tuple[int, str]]) -> Iterator[tuple[str, frozenset[str]]]:
    cdp = page.context.new_cdp_session(page)
    cdp.send("DOM.enable")
    cdp.send("CSS.enable")
    root = cdp.send("DOM.getDocument", {"depth": 0})["root"]["nodeId"]
    seen: set[str] = set()
    for number, text in words:
        fresh = set(text) - seen - INVISIBLE
        if not fresh:
            continue
        seen |= fresh
        node = cdp.send("DOM.querySelector", {"nodeId": root, "selector": f"[data-nr='{number}']"})["nodeId"]
        fonts = cdp.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        yield text, frozenset(f["familyName"] for f in fonts)


def lacking(used: list[tuple[str, frozenset[str]]], code: str) -> dict[str, list[str]]:
    """The characters that no font of their element has."""
    found = {}
    for text, families in used:
        known = set().union(*(_characters(f) for f in families)) | INVISIBLE
        absent = {c for c in text if c not in known}
        if absent:
            found["".join(sorted(absent))] = sorted(families)
    return found


@cache
def _characters(family: str) -> frozenset[str]:
    """The characters of a font family: of the page's own fonts, or of the machine's files."""
    for code, name in {**CHINESE, "en": NAMES}.items():
        if name == family:
            return frozenset(map(chr, TTFont(font_file(code)).getBestCmap()))
    listed = subprocess.run(
        ["fc-list", f":family={family}", "file"], capture_output=True, text=True, check=True
    )
    fonts: set[str] = set()
    for path in {line.rstrip().rstrip(":") for line in listed.stdout.splitlines()}:
        several = TTCollection(path).fonts if path.endswith("ttc") else [TTFont(path)]
        fonts |= {chr(c) for font in several for c in font.getBestCmap() or ()}
    return frozenset(fonts)
