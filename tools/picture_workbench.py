"""Pictures of every view of the workbench, at a desk's and a phone's width, light and dark: docs/images/web-*.png."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VIEWS = {
    "overview": "/",
    "treaty": "/treaty?id=new-start&as_of=2023-06-01",
    "forces": "/forces",
    "proposals": "/proposals?base=new-start&set=limits/II.1.b/bound%3D1400&as_of=2022-09-01",
    "monitor": "/monitor",
    "event": "/monitor?event=lop-nor-2020",
    "claims": "/claims",
    "node": "/node",
    "log": "/node?tab=log",
}
OFFLINE = [
    "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-unsafe-swiftshader",
]  # fmt: skip


@contextlib.contextmanager
def served(**more: Any) -> Iterator[str]:
    """The workbench on a free port of this machine."""
    import uvicorn

    from detente.web.app import create_app

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(**more), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def main() -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright

    from detente.web.node import token

    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("-o", "--out", type=Path, default=Path("docs/images"))
    words.add_argument("--views", default=",".join(VIEWS))
    words.add_argument("--widths", default="1280,390")
    words.add_argument("--themes", default="light,dark")
    words.add_argument("--lang", default="")
    words.add_argument("--query", default="", help="more of the address, e.g. drawer=code")
    words.add_argument("--node", type=Path, help="a node's folder, as 'detente exercise --keep' leaves three")
    words.add_argument("--whole", action="store_true", help="the whole page, not the first screen")
    asked = words.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with served(node=asked.node) as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "chromium", args=OFFLINE
        )
        for name in asked.views.split(","):
            for width in map(int, asked.widths.split(",")):
                for theme in asked.themes.split(","):
                    height = 860 if width > 600 else 844
                    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                    page.on("console", lambda m: print("  console:", m.type, m.text[:300]))
                    page.on("pageerror", lambda e: print("  error:", str(e)[:400]))
                    path = VIEWS[name]
                    extra = "&".join(x for x in (asked.query, asked.lang and f"lang={asked.lang}") if x)
                    if extra:
                        path += ("&" if "?" in path else "?") + extra
                    if asked.node and name in ("node", "log"):
                        path += f"#key={token(asked.node)}"
                    page.goto(base + path)
                    page.wait_for_load_state("networkidle")
                    page.wait_for_timeout(4000 if name in ("monitor", "event") else 900)
                    file = asked.out / f"web-{name}-{width}-{theme}.png"
                    page.screenshot(path=file, full_page=asked.whole)
                    print(file, page.evaluate("document.documentElement.scrollWidth"))
                    page.close()
        browser.close()


if __name__ == "__main__":
    main()
