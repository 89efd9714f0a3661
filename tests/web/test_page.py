"""The built page in a real browser: every view whole, in place, in five languages, and asking nothing elsewhere."""

from __future__ import annotations

import gzip
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from detente.brief.held import Held
from detente.web.app import create_app
from detente.web.node import token
from detente.web.pages import STATIC, built

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
OFFLINE = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",  # WebGL without a GPU
]  # fmt: skip
pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine (Debian: chromium)"),
    pytest.mark.skipif(not built(STATIC), reason="the page is not built (python tools/page.py)"),
]
VIEWS = {
    "overview": "/?as_of=2024-06-01",
    "treaty": "/treaty?id=new-start&as_of=2023-06-01&why=II.1.b/RU",
    "forces": "/forces?draws=500&drawer=data",
    "proposals": "/proposals?draws=200&drawer=code&proposal=third-lower",
    "figure": "/monitor?show=figure&step=5&draws=2000&drawer=sources",
    "map": "/monitor?step=5&draws=2000&drawer.event=explain",
    "found": "/monitor?show=figure&layer=none&event=found:day/19880914T035957&drawer.event=code",
    "changed": "/monitor?show=figure&layer=none&event=found:day/quake",
    "claims": "/claims?as_of=2026-02-06&claim=C001&drawer=download",
    "node": "/node",
    "log": "/node?tab=log&party=RU&entry=RU:2",
}


@pytest.fixture(scope="module")
def base(node_home: Path, bulletins: tuple[Held, ...]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(create_app(node=node_home, bulletins=bulletins), port=port, log_level="warning")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + 20
    while not server.started and time.monotonic() < limit:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=OFFLINE)
        yield found
        found.close()


class Visit:
    """A page that writes down what it asks for and what it complains of."""

    def __init__(self, browser: Any, base: str, path: str, key: str = "", **more: Any) -> None:
        more = {"viewport": {"width": 1280, "height": 860}, "locale": "en-GB", **more}
        self.page = browser.new_context(**more).new_page()
        self.page.set_default_timeout(150_000)  # a busy machine: waiting costs nothing where it is quick
        self.base, self.asked, self.said = base, list[str](), list[str]()
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.on(
            "console", lambda m: self.said.append(f"{m.type}: {m.text}") if m.type == "error" else None
        )
        self.page.on("pageerror", lambda e: self.said.append(str(e)))
        self.page.goto(base + path + (f"#key={key}" if key else ""))
        self.settle()

    def settle(self) -> Any:
        self.page.wait_for_load_state("networkidle")
        self.page.wait_for_selector("progress", state="detached")
        self.page.wait_for_load_state("networkidle")
        return self.page

    @property
    def foreign(self) -> list[str]:
        return [u for u in self.asked if not u.startswith((self.base, "data:", f"blob:{self.base}"))]

    def close(self) -> None:
        self.page.context.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_whole_quiet_and_open_to_everybody(
    browser: Any, base: str, node_home: Path, view: str
) -> None:
    visit = Visit(browser, base, VIEWS[view], token(node_home) if view in ("node", "log") else "")
    page = visit.page
    assert page.locator("h1").count() == 1 and page.locator("main").inner_text().strip()
    assert not page.get_by_role("alert").count(), page.get_by_role("alert").all_inner_texts()
    assert visit.foreign == [] and visit.said == []
    assert "key=" not in page.url, "the node's key does not stay in the address"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    if AXE.exists():
        page.evaluate(AXE.read_text("utf-8"))
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
        for theme in ("light", "dark"):
            page.evaluate("t => (document.documentElement.dataset.theme = t)", theme)
            found = page.evaluate("o => axe.run(document, o)", options)["violations"]
            assert not found, [
                (v["id"], [n["target"] for n in v["nodes"]][:4], v["nodes"][0]["failureSummary"])
                for v in found
            ]
    visit.close()


@pytest.mark.parametrize("view", [v for v in VIEWS if v != "map"])
def test_a_phone_scrolls_one_way_only(browser: Any, base: str, node_home: Path, view: str) -> None:
    key = token(node_home) if view in ("node", "log") else ""
    visit = Visit(browser, base, VIEWS[view], key, viewport={"width": 390, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.close()


def test_the_map_is_drawn_with_its_own_worker(browser: Any, base: str) -> None:
    """WebGL, a worker of ours, a cell's magnitude and tonnes under the pointer, the position in the address."""
    visit = Visit(browser, base, "/monitor?step=5&draws=2000&at=2.00/48.00/80.00")
    page = visit.page
    if not page.locator(".map").count():
        pytest.skip("this Chromium has no WebGL")
    page.locator(".map[data-ready='true']").wait_for()
    assert [u for u in visit.asked if "maplibre-gl-worker" in u], "the bundled worker"
    box = page.locator(".map canvas").bounding_box()
    said = page.locator(".hint")
    limit = time.monotonic() + 120
    while not said.count() and time.monotonic() < limit:
        page.mouse.move(box["x"] + 300 + 10 * (int(time.monotonic() * 5) % 9), box["y"] + 150)
        page.wait_for_timeout(100)
    assert "mb" in said.inner_text() or "seismic" in said.inner_text()
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(1200)
    assert "at=2.00" not in page.url, "the map's place went into the address"
    assert visit.foreign == [] and visit.said == []
    visit.close()


def test_a_found_event_is_listed_opened_by_keyboard_and_shown_whole(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/monitor?show=figure&layer=none")
    page = visit.page
    link = page.locator("#event table a", has_text="1988-09-14").first
    link.focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1988-09-14 03:59:57 UTC").wait_for()
    page.locator("#event", has_text="How it was made").wait_for()  # the event itself comes after its heading
    visit.settle()
    assert "event=found%3Aday%2F19880914T035957" in page.url
    text = page.locator("#event").inner_text()
    for words in ("Semipalatinsk lies within that ellipse", "150 kt of the Threshold Test Ban Treaty",
                  "Picks and residuals", "Magnitudes by station", "The evidence", "How it was made"):  # fmt: skip
        assert words in text
    assert not page.get_by_label("Prior weight").count(), "the event file's own exhibits are gone"
    picture = page.locator("#event .sheet img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("i => i.complete && i.naturalWidth > 500", arg=picture.element_handle())
    page.go_back()
    page.get_by_role("heading", name="What it could have been").wait_for()
    assert visit.foreign == [] and visit.said == []
    visit.close()


def test_an_analysts_change_is_told(browser: Any, base: str) -> None:
    visit = Visit(browser, base, VIEWS["changed"])
    text = visit.page.locator("#event").inner_text()
    assert "A. Nalyst" in text and "depth phases" in text and "cannot be screened" in text
    visit.close()


def test_the_composer_changes_a_verdict_and_its_address_brings_it_back(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/proposals?draws=200")
    page, russia = visit.page, "[data-of='limits/II.1.b RU']"
    assert page.locator(russia).get_attribute("data-outcome") == "met"
    page.locator("input[name='limits/II.1.b/bound']").fill("1500")
    page.locator("input[name='limits/II.1.b/bound']").press("Enter")
    page.wait_for_selector(f"{russia}[data-outcome='exceeded']")
    assert page.locator("[data-of='limits/II.1.b US']").get_attribute("data-outcome") == "met"
    assert "to: 1500" in page.locator("section#compose pre").first.inner_text()
    address = page.url
    visit.close()
    again = Visit(browser, base, address.removeprefix(base))
    assert again.page.locator(russia).get_attribute("data-outcome") == "exceeded"
    assert again.page.locator("input[name='limits/II.1.b/bound']").input_value() == "1500"
    again.close()


def test_a_permalink_restores_a_view_and_the_way_back_undoes_a_step(browser: Any, base: str) -> None:
    visit = Visit(
        browser,
        base,
        "/forces?parties=CN,FR&status=stockpile&since=1990&show=table&sort.newest=-best&draws=500",
    )
    page = visit.page
    pressed = page.locator("fieldset button[aria-pressed='true']").all_inner_texts()
    assert [p.strip() for p in pressed] == ["China", "France"]
    assert page.locator("select[name='since']").input_value() == "1990"
    column = page.locator("th[aria-sort='descending']").inner_text()
    assert "best" in column
    page.get_by_role("button", name="India").click()
    visit.settle()
    assert "parties=CN%2CFR%2CIN" in page.url
    page.go_back()
    visit.settle()
    assert page.locator("fieldset button[aria-pressed='true']").count() == 2
    visit.close()


def test_the_day_goes_along_from_view_to_view(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/?as_of=2022-09-01")
    page = visit.page
    page.get_by_role("link", name="New START", exact=True).first.click()
    page.locator("h1", has_text="New START").wait_for()
    assert "/treaty?" in page.url and "as_of=2022-09-01" in page.url
    assert page.locator("nav a[aria-current]").inner_text() == "Treaties"
    visit.close()


def test_the_language_is_switched_and_stays_in_the_address(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/claims?as_of=2026-02-06")
    page, heads = visit.page, set[str]()
    for code in ("en", "fr", "ru", "zh-Hans", "zh-Hant"):
        page.locator("select[name='lang']").select_option(code)
        page.wait_for_selector(f"html[lang='{code}']", state="attached")
        assert ("lang=" in page.url) == (code != "en")
        heads.add(page.locator("h1").inner_text())
    assert len(heads) == 5
    assert visit.foreign == [] and visit.said == []
    visit.close()
    again = Visit(browser, base, "/claims?as_of=2026-02-06&lang=fr")
    assert again.page.locator("html").get_attribute("lang") == "fr"
    again.close()


def test_claims_are_filtered_by_speaker_day_and_verdict(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/claims?as_of=2026-06-01&speaker=US&verdict=undecided&from=2026-02-01")
    page = visit.page
    shown = page.locator("ol.claims > li")
    assert 0 < shown.count() < 20
    for row in shown.all():
        assert "United States" in row.inner_text() and "undecided" in row.inner_text()
    visit.close()


def test_an_inclusion_proof_is_checked_in_the_browser(browser: Any, base: str, node_home: Path) -> None:
    visit = Visit(browser, base, VIEWS["log"], token(node_home))
    page = visit.page
    page.wait_for_selector("[data-proof='sound']")
    page.locator("[data-proof] input[type='checkbox']").check()
    page.wait_for_selector("[data-proof='broken']")
    page.locator("[data-proof] input[type='checkbox']").uncheck()
    page.wait_for_selector("[data-proof='sound']")
    visit.close()


def test_a_lying_server_is_caught(browser: Any, base: str, node_home: Path) -> None:
    """The proof of one entry with the bytes of another, as a server might send it."""
    visit = Visit(browser, base, "/node", token(node_home))

    def lie(route: Any) -> None:
        answer = route.fetch().json()
        other = route.fetch(url=route.request.url.replace("RU:2", "RU:1").replace("RU%3A2", "RU%3A1")).json()
        answer["data"] |= {"entry": other["data"]["entry"], "leaf": other["data"]["leaf"]}
        route.fulfill(json=answer)

    visit.page.route("**/api/v1/node/log/RU*2", lie)
    visit.page.goto(base + VIEWS["log"])
    visit.page.wait_for_selector("[data-proof='broken']")
    visit.close()


def test_the_node_is_shut_without_its_key_and_acknowledges_with_it(
    browser: Any, base: str, node_home: Path
) -> None:
    visit = Visit(browser, base, "/node")
    page = visit.page
    page.locator("input[name='token']").fill("not it")
    page.get_by_role("button", name="Open").click()
    page.get_by_role("alert").wait_for()
    page.locator("input[name='token']").fill(token(node_home))
    page.get_by_role("button", name="Open").click()
    rows = page.locator("ul.list > li")
    rows.first.wait_for()
    before = rows.count()
    page.get_by_role("button", name="Acknowledge", exact=True).first.click()
    rows.nth(before - 1).wait_for(state="detached")
    visit.close()


def test_long_work_is_shown_and_can_be_cancelled(browser: Any, base: str) -> None:
    """The server says it works; the reader stops it, and the server is told."""
    visit = Visit(browser, base, "/")
    page, told = visit.page, list[str]()
    job = {"id": "abc", "state": "running", "done": 3, "total": 9, "words": "half way", "error": ""}
    page.route("**/api/v1/claims?*", lambda r: r.fulfill(status=202, json=job))
    page.route("**/api/v1/claims", lambda r: r.fulfill(status=202, json=job))
    page.route("**/api/v1/jobs/abc", lambda r: (told.append(r.request.method), r.fulfill(json=job)))
    page.get_by_role("link", name="Claims").first.click()
    bar = page.locator("progress")
    bar.wait_for()
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("3", "9")
    page.get_by_role("button", name="Cancel").click()
    bar.wait_for(state="detached")
    page.get_by_text("Cancelled").wait_for()
    limit = time.monotonic() + 5
    while "DELETE" not in told and time.monotonic() < limit:
        page.wait_for_timeout(20)
    assert "DELETE" in told
    visit.close()


def test_everything_is_reached_by_keyboard(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/treaty?id=new-start&as_of=2023-06-01")
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").startswith("skip")
    page.locator("button:has-text('Why?')").first.focus()
    page.keyboard.press("Enter")
    page.locator("td.tree details").first.wait_for()
    assert page.locator("button:has-text('Why?')").first.get_attribute("aria-expanded") == "true"
    for role in ("button", "link", "combobox", "textbox"):
        for element in page.get_by_role(role).all()[:80]:
            assert element.evaluate("e => e.tabIndex") >= 0
    visit.close()


def test_files_are_offered_and_come(browser: Any, base: str) -> None:
    visit = Visit(browser, base, "/forces?parties=CN&drawer=download&draws=500")
    page = visit.page
    for name, start in (
        ("SVG", b"<svg"),
        ("PNG", b"\x89PNG"),
        ("newest.csv", b"party,"),
        ("newest.parquet", b"PAR1"),
        ("JSON", b"{"),
    ):
        with page.expect_download() as waiting:
            page.locator(".body").get_by_text(name, exact=True).first.click()
        data = Path(waiting.value.path()).read_bytes()
        assert data.startswith(start) and len(data) > 500, name
    visit.close()


def test_the_first_view_is_light(browser: Any, base: str) -> None:
    """What the first view fetches, compressed: the budget is 500 kB; the map and the charts stay away."""
    visit = Visit(browser, base, "/")
    sizes = {}
    for url in set(visit.asked):
        name = url.removeprefix(base).partition("?")[0]
        kept = STATIC / name.lstrip("/")
        data = kept.read_bytes() if kept.is_file() else visit.page.request.get(url).body()
        sizes[name] = len(data) if name.endswith("woff2") else len(gzip.compress(data, 6))
    assert sum(sizes.values()) < 500_000, sizes
    assert not [n for n in sizes if "maplibre" in n or "worker" in n]
    assert sum(v for n, v in sizes.items() if n.endswith(".js")) < 120_000, "scripts without charts and map"
    visit.close()


def test_the_address_alone_tells_all() -> None:
    """No control keeps its state elsewhere than in the address: nothing is stored but the node's key."""
    source = "".join(p.read_text("utf-8") for p in (Path(__file__).parents[2] / "web/src").rglob("*.svelte"))
    assert (
        "localStorage" not in source
        and source.count("sessionStorage") == source.count("sessionStorage.") <= 5
    )
    assert json.dumps(source).count("document.cookie") == 0
