"""The page of each language in a real browser: its language said, nothing cut off, a link to the others."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from detente.brief.catalogue import LANGUAGES, UNREVIEWED
from detente.brief.tongue import tongue

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: chromium)")

# Elements whose words run out of their box, in a table that does not scroll or beside the window.
CUT_OFF = """() => [...document.querySelectorAll('h1, h2, h3, p, dd, li, nav, .number, .number *, figcaption')]
  .filter(e => e.checkVisibility() && (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline'
     || e.getBoundingClientRect().right > innerWidth + 1)).map(e => e.outerHTML.slice(0, 80))"""
# Words of the page that are in no language of it: English outside marked English, commands and links.
ENGLISH = """() => { const page = document.body.cloneNode(true);
  page.querySelectorAll('[lang="en"], code, a, [aria-hidden]').forEach(e => e.remove());
  return page.textContent.match(/(?<!\\p{L})(the|of|and|is|was|with|by|not|from)(?!\\p{L})/gu) || []; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        found.close()


def opened(browser: Any, folder: Path, code: str, width: int) -> Any:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((folder / ("index.html" if code == "en" else f"index.{code}.html")).as_uri())
    return page


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_page_says_its_language_and_that_it_is_a_translation(
    browser: Any, pages: tuple[Path, list[str]], code: str
) -> None:
    page = opened(browser, pages[0], code, 1280)
    said = tongue(code)
    assert page.locator("html").get_attribute("lang") == code
    assert page.title().startswith(said.hear("The state of strategic arms control"))
    assert page.locator(".unreviewed").count() == (1 if code in UNREVIEWED else 0)
    if code != "en":
        assert said.say("page.unreviewed") in page.locator("header").inner_text()
        assert page.evaluate(ENGLISH) == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_is_cut_off(browser: Any, pages: tuple[Path, list[str]], code: str, width: int) -> None:
    page = opened(browser, pages[0], code, width)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT_OFF) == []


def test_the_languages_link_to_each_other(browser: Any, pages: tuple[Path, list[str]]) -> None:
    page = opened(browser, pages[0], "en", 1280)
    for code in ("zh-Hant", "ru", "fr", "zh-Hans", "en"):
        assert page.locator("nav b").count() == 1 and page.locator("nav a").count() == len(LANGUAGES) - 1
        page.locator(f'nav a[hreflang="{code}"]').click()
        assert page.locator("html").get_attribute("lang") == code
