"""The page in a real browser: whole without scripts or network, in light and dark, on a desk and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from detente.brief.content import gather
from detente.brief.page import write

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OFFLINE = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: chromium)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("brief")
    write(gather(date(2022, 6, 1)), folder)
    return folder / "index.html"


def opened(browser: Any, page_file: Path, **more: Any) -> tuple[Any, list[str], list[str]]:
    context = browser.new_context(java_script_enabled=False, **more)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("console", lambda m: said.append(m.text))
    page.goto(page_file.as_uri())
    return page, asked, said


def test_the_answer_is_on_the_first_screen_and_nothing_is_asked_of_the_network(
    browser: Any, page_file: Path
) -> None:
    page, asked, said = opened(browser, page_file, viewport={"width": 1280, "height": 800})
    assert all(url.startswith(("file:", "data:")) for url in asked) and said == []
    for box in page.locator(".number strong").all():
        assert box.bounding_box()["y"] < 800
    assert page.locator(".number strong").first.inner_text() == "1"


def test_a_number_opens_without_scripts(browser: Any, page_file: Path) -> None:
    page, _, _ = opened(browser, page_file)
    door = page.locator(".number details").first
    assert not door.locator("code").is_visible()
    door.locator("summary").click()
    assert door.locator("code").inner_text().startswith("detente ")


@pytest.mark.parametrize("width", [360, 1280])
def test_no_sideways_scrolling(browser: Any, page_file: Path, width: int) -> None:
    page, _, _ = opened(browser, page_file, viewport={"width": width, "height": 800})
    assert page.locator("body").bounding_box()["width"] <= width
    lead = page.locator(".lead").bounding_box()
    assert lead["x"] >= 0 and lead["x"] + lead["width"] <= width


def test_dark_is_dark(browser: Any, page_file: Path) -> None:
    shades = {}
    for scheme in ("light", "dark"):
        page, _, _ = opened(browser, page_file, color_scheme=scheme, viewport={"width": 400, "height": 300})
        shades[scheme] = page.screenshot()
    from io import BytesIO

    from PIL import Image, ImageStat

    mean = {k: ImageStat.Stat(Image.open(BytesIO(v)).convert("L")).mean[0] for k, v in shades.items()}
    assert mean["dark"] < 80 < 180 < mean["light"]
